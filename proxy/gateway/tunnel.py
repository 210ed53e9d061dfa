"""A WebSocket passed on: bytes both ways between a client and the upstream that accepted its handshake.

Up to the upstream's 101 it is a request like any other. From then on everything passes as it comes; who is slow slows
the other side down. It ends when a side ends it, after `idle_s` of silence in both directions, after `max_stream_s`, or
with the gateway. What it used is read from copies (`gateway.metering`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from anyio import create_task_group, get_cancelled_exc_class

from proxy.core.call import Headers
from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.ports import UpstreamTunnel, Wait
from proxy.gateway.attempts import finish
from proxy.gateway.context import Downstream
from proxy.gateway.metering import SessionMeter
from proxy.gateway.relay import Delivery, give_up, used_tokens
from proxy.gateway.replyheaders import reply_lines
from proxy.gateway.spending import settle
from proxy.telemetry.metrics import OK
from proxy.wire.headers import field_lines
from proxy.wire.websocket import ACCEPT, BAD_GATEWAY, GOING_AWAY, PROTOCOL

_IDLE = FailureKind.TIMEOUT_IDLE
_SILENCE = Failure(_IDLE, Scope.CANDIDATE, 101, detail="nobody said anything")
_LONG = Failure(_IDLE, Scope.CANDIDATE, 101, detail="the connection lasted too long")
_CUT = Failure(FailureKind.TRUNCATED, Scope.CANDIDATE, 101, detail="the upstream left without a farewell")
_HANDSHAKE = frozenset({ACCEPT, PROTOCOL})


class ClientTunnel(Downstream, Protocol):
    """The client's side, once its handshake is accepted.

    Attributes:
        is_over: One side has said its farewell: the end of the connection is no accident any more.
    """

    @property
    def is_over(self) -> bool: ...

    async def switch(self, lines: bytes) -> None:
        """Accept the handshake; `lines` as `wire.headers.field_lines` writes them."""
        ...

    async def receive(self) -> bytes:
        """Return the next bytes; waits for some."""
        ...

    async def leave(self, code: int | None = None) -> None:
        """Close, with a Close frame of this code where one fits."""
        ...


async def deliver_tunnel(client: ClientTunnel, delivery: Delivery) -> None:
    """Accept the client's handshake and pass bytes until a side ends it."""
    reply, account = delivery.reply, delivery.account
    assert isinstance(reply.answer, UpstreamTunnel)
    account.committed(reply.send.planned.candidate, reply.status, delivery.engine.clock.now())
    await client.switch(_handshake_lines(reply.headers) + reply_lines(delivery.snapshot, account, reply.headers))
    passing = _Passing(client, reply.answer, delivery)
    try:
        failure = await passing.run()
    except get_cancelled_exc_class():
        account.close(OK if client.is_over else account.end_if_cancelled)
        _settle(delivery, passing.began_s)
        raise
    if client.is_over:
        account.close(OK)
        finish(delivery.engine, delivery.snapshot, delivery.grant)
        code = None
    elif failure.kind is _IDLE:  # our own limit, and no fault of the upstream's
        account.truncated(failure)
        account.close("truncated")
        code = GOING_AWAY
    else:
        await give_up(delivery, failure)
        code = BAD_GATEWAY
    _settle(delivery, passing.began_s)
    await client.leave(code)


def _settle(delivery: Delivery, began_s: float) -> None:
    """Book what was used. To limits by the minute it is as if all of it had been used at the beginning.

    They pay off while the session lasts. As used at its end, the tokens of an hour would be far more than a minute's.
    """
    settle(delivery.account, began_s)
    delivery.engine.state.release(delivery.grant, began_s, used_tokens(delivery.account))


def _handshake_lines(headers: Headers) -> bytes:
    return field_lines([pair for pair in headers if pair[0] in _HANDSHAKE])


class _Passing:
    """The two directions of one connection, the watch over them, and what it used.

    Attributes:
        began_s: When they began.
    """

    def __init__(self, client: ClientTunnel, upstream: UpstreamTunnel, delivery: Delivery) -> None:
        candidate = delivery.reply.send.planned.candidate
        self._client = client
        self._upstream = upstream
        self._meter = SessionMeter(delivery.account, candidate, delivery.snapshot.prices)
        self._clock = delivery.engine.clock
        self._idle_s = candidate.timeouts.idle_s
        self.began_s = self._spoke_s = self._clock.now()
        self._stop_at_s = self.began_s + candidate.timeouts.max_stream_s
        self._end = _CUT

    async def run(self) -> Failure:
        """Pass bytes on until the upstream or the watch ends it; return how, as if no farewell had been said."""
        try:
            async with create_task_group() as group:
                group.start_soon(self._up)
                group.start_soon(self._watch, group.cancel_scope.cancel)
                await self._down()
                group.cancel_scope.cancel()
        finally:
            self._meter.book()
        return self._end

    async def _down(self) -> None:
        while True:
            data = await self._upstream.read(Wait(self._stop_at_s, _IDLE))
            self._spoke_s = self._clock.now()
            if isinstance(data, Failure):
                self._end = _LONG if data.kind is _IDLE else data
                return
            if not data:
                return
            try:
                await self._client.write(data)
            finally:  # what the upstream said it will charge for, whoever hears it
                self._meter.feed(data)

    async def _up(self) -> None:
        while True:
            data = await self._client.receive()
            self._spoke_s = self._clock.now()
            self._upstream.write(data)
            await self._upstream.drained()

    async def _watch(self, stop: Callable[[], None]) -> None:
        """Notice a silence of both sides. One that is not read for so long counts as silent too."""
        while (left_s := self._spoke_s + self._idle_s - self._clock.now()) > 0:
            await self._clock.sleep(left_s)
        self._end = _SILENCE
        stop()
