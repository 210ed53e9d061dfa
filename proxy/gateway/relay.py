"""From a reply that passed its gate to the client: the commit, the bytes, the terminator or the error event.

The ledger's `close` comes before the last bytes: before a whole answer, before a stream's terminator. After the commit
no other candidate answers; a stream that cannot go on ends with one error event and no terminator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from proxy.core.call import Headers
from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.ports import Grant, UpstreamResponse, Wait
from proxy.core.snapshot import Snapshot
from proxy.gateway.accounting import BYTES_PER_TOKEN, OK, Account
from proxy.gateway.attempts import fail
from proxy.gateway.context import Downstream, Engine, Reply
from proxy.gateway.events import TERMINATOR, EventReader
from proxy.gateway.replyheaders import EVENT_STREAM, STREAM_HEADERS, reply_headers
from proxy.translate.openai_chat import error_event
from proxy.wire.jsonbody import join_object, raw, split_object

DRAIN_S = 1.0

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


@dataclass(slots=True, eq=False)
class Delivery:
    """One reply on its way down."""

    engine: Engine
    snapshot: Snapshot
    reply: Reply
    grant: Grant
    downstream: Downstream
    account: Account


async def deliver(delivery: Delivery) -> None:
    """Send a reply to the client, to its end or to its error event."""
    account, reply = delivery.account, delivery.reply
    account.committed(reply.send.planned.candidate, delivery.engine.clock.now())
    if reply.reader is None:
        await _whole(delivery)
        return
    try:
        await _stream(delivery, reply.reader)
    finally:
        for _ in range(reply.reader.broken):
            delivery.engine.metrics.broken_event(reply.send.planned.candidate.provider.name)


def used_tokens(account: Account) -> int | None:
    """What the provider's tpm limit should have counted."""
    usage = account.usage
    return None if usage is None else usage.prompt_tokens + usage.completion_tokens


async def _whole(delivery: Delivery) -> None:
    account, reply, downstream = delivery.account, delivery.reply, delivery.downstream
    body = reply.body
    account.usage = reply.usage
    account.estimate(len(body) // BYTES_PER_TOKEN)
    if delivery.snapshot.server.rewrite_model and account.model is not None:
        body = join_object({**split_object(body), "model": raw(account.model.name)})
    if downstream.started:  # a keep-alive promised a stream, and this upstream answered with one JSON object
        await _truncate(delivery, Failure(FailureKind.PROTOCOL, detail="JSON after a keep-alive"))
        return
    headers = reply_headers(delivery.snapshot, account, reply.headers)
    headers.append((b"content-length", b"%d" % len(body)))
    account.close(OK)
    await downstream.begin(reply.status, headers)
    await downstream.end(body)


async def _stream(delivery: Delivery, reader: EventReader) -> None:
    account, downstream = delivery.account, delivery.downstream
    failure: Failure | None = None
    try:
        if not downstream.started:
            headers = reply_headers(delivery.snapshot, account, _without_type(delivery.reply.headers))
            await downstream.begin(delivery.reply.status, [EVENT_STREAM, *STREAM_HEADERS, *headers])
        failure = await _pump(delivery, reader)
    finally:
        account.usage = reader.usage
        account.estimate(reader.output_events)
    if failure is not None:
        await _truncate(delivery, failure)
        return
    account.close(OK)
    await downstream.end(TERMINATOR)
    await _drain(delivery)


async def _pump(delivery: Delivery, reader: EventReader) -> Failure | None:
    """Pass events on until the terminator or the end; None when the answer was whole."""
    answer: UpstreamResponse = delivery.reply.answer
    timeouts = delivery.reply.send.planned.candidate.timeouts
    now, write = delivery.engine.clock.now, delivery.downstream.write
    idle_s, stop_at_s, renew_at_s = timeouts.idle_s, now() + timeouts.max_stream_s, 0.0
    output = reader.take_held()
    while True:
        if output:
            await write(output)
        if reader.done or reader.failure is not None:
            return reader.failure
        now_s = now()
        if now_s >= renew_at_s:  # not for every chunk: `idle_s` is kept to a twentieth
            renew_at_s = now_s + idle_s / 20
            wait = Wait(min(now_s + idle_s, stop_at_s), FailureKind.TIMEOUT_IDLE)
        chunk = await answer.read(wait)
        if isinstance(chunk, Failure):
            return chunk
        if not chunk:
            rest = reader.end()
            if rest:
                await write(rest)
            return reader.failure
        output = reader.pass_on(chunk)


async def _truncate(delivery: Delivery, failure: Failure) -> None:
    """End a committed stream that cannot go on: counted, told to the client, never passed off as whole."""
    engine, account, send = delivery.engine, delivery.account, delivery.reply.send
    engine.metrics.truncated(send.planned.candidate.provider.name)
    if failure.kind not in _TELLING:
        failure = replace(failure, kind=FailureKind.TRUNCATED, scope=Scope.CANDIDATE)
    account.truncated(failure)
    await fail(engine, send, delivery.grant, failure)
    account.close("truncated")
    await delivery.downstream.end(
        error_event(
            "The upstream provider ended its answer early; what was sent is incomplete. Send the request again.",
            type_="upstream_error",
            code="upstream_truncated",
        )
    )


def _without_type(headers: Headers) -> Headers:
    """A stream has one content type here, whatever the upstream called it."""
    return tuple([pair for pair in headers if pair[0] != b"content-type"])


async def _drain(delivery: Delivery) -> None:
    """Read what follows the terminator, so that the connection can be used again."""
    engine = delivery.engine
    wait = Wait(engine.clock.now() + DRAIN_S, FailureKind.TIMEOUT_IDLE)
    while True:
        chunk = await delivery.reply.answer.read(wait)
        if isinstance(chunk, Failure) or not chunk:
            return
