"""From a reply that passed its gate to the client: the commit, the bytes, the terminator or the error event.

The ledger's `close` comes before the last bytes: before a whole answer, before a stream's terminator. After the commit
no other candidate answers; a stream that cannot go on ends with one error event and no terminator.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace as replaced
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from proxy.core.call import GENERATING, Dialect, Headers
from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.ports import Grant, UpstreamResponse, Wait
from proxy.core.snapshot import Snapshot
from proxy.core.translation import ErrorReply
from proxy.core.usage import Usage
from proxy.gateway.accounting import Account
from proxy.gateway.answered import keep_answer
from proxy.gateway.attempts import fail, finish
from proxy.gateway.cohort import others_first
from proxy.gateway.context import Downstream, Engine, Reader, Reply
from proxy.gateway.replyheaders import reply_lines, stream_lines
from proxy.gateway.spending import settle
from proxy.pricing.estimate import estimate_output
from proxy.providers.dialects import error_event, renamed
from proxy.telemetry.metrics import OK

DRAIN_S = 1.0
_CUT = ErrorReply(
    502,
    "The upstream provider ended its answer early; what was sent is incomplete. Send the request again.",
    "upstream_error",
    "upstream_truncated",
)
_RESPONSES = Dialect.OPENAI_RESPONSES
_IDLE = FailureKind.TIMEOUT_IDLE

# Failures that say something about limits or credentials even when they come as an event of a stream.
_TELLING = frozenset(
    {
        FailureKind.RATE_LIMITED,
        FailureKind.QUOTA_EXHAUSTED,
        FailureKind.BILLING,
        FailureKind.AUTH,
        FailureKind.BLOCKED,
        FailureKind.OVERLOADED,
    }
)


class Delivery(Struct, frozen=True, eq=False):
    """One reply on its way down."""

    engine: Engine
    snapshot: Snapshot
    reply: Reply
    grant: Grant
    downstream: Downstream
    account: Account


def deliver(delivery: Delivery) -> Coroutine[Any, Any, None]:
    """Send a reply to the client, to its end or to its error event."""
    reader = delivery.reply.reader
    return _whole(delivery) if reader is None else _stream(delivery, reader)


def _commit(delivery: Delivery) -> None:
    reply = delivery.reply
    delivery.account.committed(reply.send.planned.candidate, reply.status, delivery.engine.clock.now())


def _so_far(reader: Reader) -> Usage | None:
    """What a stream used that was not finished: its last count may be from long before it broke off."""
    usage, written = reader.usage, estimate_output(0, reader.output_events)
    if usage is None or usage.completion_tokens >= written:
        return usage
    return replace(usage, completion_tokens=written, estimated=True)


def used_tokens(account: Account) -> int | None:
    """What the provider's tpm limit should have counted."""
    usage = account.usage
    return None if usage is None else usage.prompt_tokens + usage.completion_tokens


async def _whole(delivery: Delivery) -> None:
    account, reply, downstream = delivery.account, delivery.reply, delivery.downstream
    body = reply.body
    account.candidate, account.usage = reply.send.planned.candidate, reply.usage
    if reply.usage is None:
        account.estimate(estimate_output(len(body)) if account.call.endpoint.operation in GENERATING else 0)
    await others_first()
    account.settle_usage()
    if delivery.snapshot.server.rewrite_model:
        body = renamed(account.call.endpoint.dialect, body, reply.send.planned.model.name)
    lines = reply_lines(delivery.snapshot, account, reply.headers)
    await others_first()
    _commit(delivery)  # from here on nothing waits: whoever is cut short before this was sent nothing
    if downstream.started:  # a keep-alive promised a stream, and this upstream answered with one JSON object
        await _truncate(delivery, Failure(FailureKind.PROTOCOL, detail="JSON after a keep-alive"))
        return
    account.close(OK)
    if account.call.endpoint.dialect is _RESPONSES:
        keep_answer(delivery.engine.kept, account.call, body)
    await downstream.answer(reply.status, lines, body)


async def _stream(delivery: Delivery, reader: Reader) -> None:
    _commit(delivery)
    try:
        await _relayed(delivery, reader)
    finally:
        for _ in range(reader.broken):
            delivery.engine.metrics.broken_event(delivery.reply.send.planned.candidate.provider.name)


async def _relayed(delivery: Delivery, reader: Reader) -> None:
    account, downstream = delivery.account, delivery.downstream
    failure: Failure | None = None
    try:
        if not downstream.started:
            lines = reply_lines(delivery.snapshot, account, _without_type(delivery.reply.headers))
            await downstream.begin(delivery.reply.status, stream_lines(account.call.endpoint) + lines)
        failure = await Pump(delivery, reader).run()
    finally:
        account.usage = reader.usage if reader.done or reader.finished else _so_far(reader)
        account.estimate(estimate_output(0, reader.output_events))
    if failure is not None:
        await _truncate(delivery, failure)
        return
    account.close(OK)
    finish(delivery.engine, delivery.snapshot, delivery.grant)
    last = reader.terminator
    if account.call.endpoint.dialect is _RESPONSES:
        keep_answer(delivery.engine.kept, account.call, last)
    await downstream.end(last)
    # A client that has its answer may ask again at once: nothing is held for what follows the terminator.
    settle(account)
    delivery.engine.state.release(delivery.grant, delivery.engine.clock.now(), used_tokens(account))
    await _drain(delivery)


class Pump:
    """Passes events on until the terminator or the end.

    Chunks that come while nothing has to be waited for go from socket to socket within the event loop's own call; the
    task wakes only for a client that reads slowly, and for the end.
    """

    __slots__ = ("_answer", "_downstream", "_now", "_reader", "_stop_at_s", "_timeouts", "_unsent", "_write_now")

    def __init__(self, delivery: Delivery, reader: Reader) -> None:
        self._answer: UpstreamResponse = delivery.reply.answer
        self._downstream = delivery.downstream
        self._write_now = delivery.downstream.write_now
        self._reader = reader
        self._now = delivery.engine.clock.now
        self._timeouts = delivery.reply.send.planned.candidate.timeouts
        self._stop_at_s = self._now() + self._timeouts.max_stream_s
        self._unsent = b""

    async def run(self) -> Failure | None:
        """Relay the stream; None when the answer was whole."""
        reader, output = self._reader, self._reader.take_held()
        self._answer.hand_to(self._take)
        try:
            while True:
                if output:
                    await self._downstream.write(output)
                if reader.done or reader.failure is not None:
                    return reader.failure
                now_s = self._now()
                if now_s >= self._stop_at_s:
                    return Failure(FailureKind.TIMEOUT_IDLE, Scope.CANDIDATE, detail="the stream lasted too long")
                chunk = await self._answer.read(Wait(min(now_s + self._timeouts.idle_s, self._stop_at_s), _IDLE))
                if isinstance(chunk, Failure):
                    return chunk
                if self._unsent or chunk:
                    output, self._unsent = self._unsent + reader.pass_on(chunk), b""
                elif reader.done or reader.failure is not None or self._now() >= self._stop_at_s:
                    output = b""  # the sink stopped there
                else:
                    return await self._end()
        finally:
            self._answer.hand_to(None)

    def _take(self, chunk: bytes) -> bool:
        """The sink: pass a chunk on at once, or keep what comes of it for the task."""
        reader = self._reader
        output = reader.pass_on(chunk)
        if output and not self._write_now(output):
            self._unsent = output
            return False
        if output is chunk:  # an ordinary event, which ends nothing
            return self._now() < self._stop_at_s
        return not reader.done and reader.failure is None and self._now() < self._stop_at_s

    async def _end(self) -> Failure | None:
        rest = self._reader.end()
        if rest:
            await self._downstream.write(rest)
        return self._reader.failure


async def _truncate(delivery: Delivery, failure: Failure) -> None:
    """End a committed stream that cannot go on: counted, told to the client, never passed off as whole."""
    account = delivery.account
    await give_up(delivery, failure)
    told, downstream = replace(_CUT, request_id=account.call.request_id), delivery.downstream
    await downstream.end(error_event(account.call.endpoint, told, is_first=downstream.is_silent))


async def give_up(delivery: Delivery, failure: Failure) -> None:
    """Note that a committed answer cannot be finished. What the client is told of it comes after this."""
    engine, account, send = delivery.engine, delivery.account, delivery.reply.send
    engine.metrics.truncated(send.planned.candidate.provider.name)
    if failure.kind not in _TELLING:
        failure = replaced(failure, kind=FailureKind.TRUNCATED, scope=Scope.CANDIDATE)
    account.truncated(failure)
    await fail(engine, send, delivery.grant, failure)
    account.close("truncated")


def _without_type(headers: Headers) -> Headers:
    """A stream has one content type here, whatever the upstream called it."""
    return tuple([pair for pair in headers if pair[0] != b"content-type"])


async def _drain(delivery: Delivery) -> None:
    """Read what follows the terminator, so that the connection can be used again."""
    engine = delivery.engine
    wait = Wait(engine.clock.now() + DRAIN_S, _IDLE)
    while True:
        chunk = await delivery.reply.answer.read(wait)
        if isinstance(chunk, Failure) or not chunk:
            return
