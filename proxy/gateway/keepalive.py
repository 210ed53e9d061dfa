"""A stream that says something while its upstream is silent (`[server] sse_keepalive_s`, off by default).

After that much silence the client gets the status line and a comment. This commits: the attempt under way is the last.
Comments fall between whole events only, since the relay writes nothing else.
"""

from __future__ import annotations

from anyio import create_task_group

from proxy.core.call import Call
from proxy.core.errors import GatewayError
from proxy.core.ports import Clock
from proxy.core.snapshot import Snapshot
from proxy.gateway.accounting import Account
from proxy.gateway.context import Downstream, Engine
from proxy.gateway.pipeline import handle
from proxy.gateway.replyheaders import own_lines, stream_lines

COMMENT = b": keep-alive\n\n"


class TalkingDownstream:
    """A client's side that notes when it was last written to, and can fill a silence."""

    def __init__(self, inner: Downstream, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock
        self._writing = False
        self._is_over = False
        self._spoke_s = clock.now()

    @property
    def started(self) -> bool:
        return self._inner.started

    @property
    def is_silent(self) -> bool:
        return self._inner.is_silent

    async def answer(self, status: int, lines: bytes, body: bytes) -> None:
        self._is_over = True
        await self._inner.answer(status, lines, body)

    async def begin(self, status: int, lines: bytes) -> None:
        await self._inner.begin(status, lines)

    async def write(self, body: bytes) -> None:
        self._writing = True
        await self._inner.write(body)
        self._writing, self._spoke_s = False, self._clock.now()

    def write_now(self, body: bytes) -> bool:
        return False  # a comment may be on its way out

    async def end(self, body: bytes = b"") -> None:
        self._is_over = True  # nothing may follow, though a comment may still be on its way out
        await self._inner.end(body)

    def hush(self) -> None:
        """Fill no more silences: one that is due already, and so no longer cancelled, would commit what has failed."""
        self._is_over = True

    async def fill_silences(self, every_s: float, snapshot: Snapshot, account: Account) -> None:
        """Write a comment whenever nothing was written for `every_s`. Runs until cancelled."""
        while True:
            await self._clock.sleep(max(0.01, self._spoke_s + every_s - self._clock.now()))
            if self._is_over or self._writing or self._clock.now() - self._spoke_s < every_s:
                continue
            if not self._inner.started:
                account.committed_s, account.status = self._clock.now(), 200
                await self.begin(200, stream_lines(account.call.endpoint) + own_lines(snapshot, account))
            await self.write(COMMENT)


async def handle_patiently(engine: Engine, call: Call, downstream: Downstream, account: Account) -> None:
    """`pipeline.handle` for a stream, with comments while it is silent.

    Raises:
        GatewayError: As `handle`.
    """
    snapshot = engine.snapshot
    every_s = snapshot.server.sse_keepalive_s
    talking = TalkingDownstream(downstream, engine.clock)
    error: GatewayError | None = None
    async with create_task_group() as group:
        group.start_soon(talking.fill_silences, every_s, snapshot, account)
        try:
            await handle(engine, call, talking, account)
        except GatewayError as exc:  # out of the group, which would wrap it
            error = exc
        finally:
            talking.hush()
        group.cancel_scope.cancel()
    if error is not None:
        raise error
