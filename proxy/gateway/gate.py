"""The gate before the commit point: an answer passes whole, or as a stream that has begun to say something.

Turns an upstream's open answer into a `Reply`, or into the `Failure` that makes the next candidate's turn. Nothing has
been sent to the client yet.
"""

from __future__ import annotations

from collections.abc import Callable

from proxy.core.call import GENERATING, OF_ACCOUNTS, Dialect, EndpointSpec, Gives
from proxy.core.failure import Failure, FailureKind, Scope, UpstreamError
from proxy.core.ports import UpstreamResponse, UpstreamTunnel, Wait
from proxy.core.translation import Undecodable
from proxy.gateway.context import Engine, Reader, Reply, Sent, capped
from proxy.gateway.reading import content_type, find_error, make_reader, read_whole_answer, retold
from proxy.providers.signals import classify, rows_for, unserved, verbatim
from proxy.translate.openai_chat.frames import read_answer
from proxy.wire.websocket import ACCEPT, EXTENSIONS, accepted

MAX_ERROR_BYTES = 64 * 1024
_CHAT, _PASSED = Dialect.OPENAI_CHAT, Dialect.PASSED
_RESPONSE = FailureKind.TIMEOUT_RESPONSE
_FIRST_OUTPUT, _IDLE = FailureKind.TIMEOUT_FIRST_OUTPUT, FailureKind.TIMEOUT_IDLE
ERROR_BODY_S = 5.0


async def pass_gate(engine: Engine, sent: Sent) -> Reply | Failure:
    """Judge an answer by its status, its form and its first output."""
    answer = sent.answer
    if not 200 <= answer.status < 300:
        return await _refusal(engine, sent)
    if sent.call.stream:
        said = content_type(answer.headers)
        if said.startswith(b"text/event-stream") or _is_streamed(sent.call.endpoint, said):
            return await _stream(engine, sent)
        if said.startswith(b"text/html"):
            return Failure(FailureKind.PROTOCOL, Scope.CANDIDATE, answer.status, detail="an HTML page")
    limit = sent.server.max_response_bytes
    body = answer.take_whole()
    if body is None:
        whole = await _read_whole(answer, _end_of_whole(sent), limit)
        if isinstance(whole, Failure):
            return whole
        body = whole
    if len(body) > limit:
        return _protocol(answer, f"an answer larger than {limit} bytes")
    is_late = sent.call.stream and sent.call.endpoint.operation in GENERATING
    return _retold(engine, sent, body) if is_late else _whole(engine, sent, body)


def _is_streamed(endpoint: EndpointSpec, said: bytes) -> bool:
    """Whether an answer that does not call itself events is a stream all the same."""
    if endpoint.operation in OF_ACCOUNTS:  # what is in a file is no answer to anything
        return True
    return endpoint.gives is not Gives.TEXT and not said.startswith((b"text/html", b"application/json"))


async def _refusal(engine: Engine, sent: Sent) -> Reply | Failure:
    """Read the head of an error's body, as far as it comes in time, and say what it means."""
    answer, head = sent.answer, sent.head
    if answer.status == 101:
        return _switched(sent)
    wait = Wait(min(engine.clock.now() + ERROR_BODY_S, head.until_s), head.kind)
    body = bytearray()
    while len(body) < MAX_ERROR_BYTES:
        chunk = await answer.read(wait)
        if isinstance(chunk, Failure) or not chunk:
            break
        body += chunk
    rows = rows_for(sent.send.planned.candidate.provider)
    failure = classify(rows, answer.status, answer.headers, bytes(body[:MAX_ERROR_BYTES]), engine.clock.wall())
    if sent.call.endpoint.dialect is _PASSED:
        return unserved(rows, failure, answer.headers, bytes(body)) if _is_unserved(sent, failure) else failure
    is_native = sent.prepared.api.dialect is sent.call.endpoint.dialect is not _CHAT
    return verbatim(rows, failure, bytes(body)) if is_native else failure


def _switched(sent: Sent) -> Reply | Failure:
    """The upstream accepted a WebSocket, if it is the one that the client asked for."""
    answer, headers = sent.answer, dict(sent.answer.headers)
    key = dict(sent.call.headers).get(b"sec-websocket-key", b"")
    is_websocket = headers.get(b"upgrade", b"").lower() == b"websocket" and headers.get(ACCEPT) == accepted(key)
    if not is_websocket or EXTENSIONS in headers or not isinstance(answer, UpstreamTunnel):
        return _protocol(answer, "a protocol that nobody asked for")
    return Reply(sent.send, answer, answer.status, answer.headers)


def _is_unserved(sent: Sent, failure: Failure) -> bool:
    """Whether a refusal says that there is no such thing here, and so nothing of the model's health.

    Which endpoint a model is asked at, and which file, is the client's choice.
    """
    if failure.kind is FailureKind.MODEL_MISSING or failure.status in (404, 405, 410):
        return True
    is_of_account = sent.call.endpoint.operation in OF_ACCOUNTS
    return is_of_account and failure.kind in (FailureKind.PERMISSION, FailureKind.CONFLICT)


def _whole(engine: Engine, sent: Sent, body: bytes) -> Reply | Failure:
    answer = sent.answer
    if sent.prepared.api.dialect is not _CHAT or sent.prepared.is_translated:
        return _decoded(engine, sent, body)
    try:
        seen = read_answer(body)
    except ValueError:
        return _protocol(answer, "an answer that is no JSON object")
    if seen.suspect and (failure := find_error(engine, sent, body)) is not None:
        return failure
    return Reply(sent.send, answer, answer.status, answer.headers, body, usage=seen.usage)


def _decoded(engine: Engine, sent: Sent, body: bytes) -> Reply | Failure:
    """Understand an answer by its dialect's decoder, and say it in the client's where that is another."""
    answer = sent.answer
    failure = find_error(engine, sent, body)
    if failure is not None:
        return failure
    try:
        said = read_whole_answer(engine, sent, body)
    except Undecodable as exc:
        return _protocol(answer, f"an answer that is not of its dialect: {exc.message}")
    return Reply(sent.send, answer, answer.status, said.headers, said.body, usage=said.usage)


def _retold(engine: Engine, sent: Sent, body: bytes) -> Reply | Failure:
    """Judge a whole answer to a request for a stream, and make that stream of it."""
    answer = sent.answer
    failure = find_error(engine, sent, body)
    if failure is not None:
        return failure
    try:
        reader = retold(engine, sent, body)
    except (ValueError, RecursionError) as exc:
        return _protocol(answer, f"an answer that is neither a stream nor one of its dialect: {exc}")
    if not reader.output_events:
        return _protocol(answer, "an answer without any output")
    return Reply(sent.send, answer, answer.status, answer.headers, reader=reader)


def _end_of_whole(sent: Sent) -> Wait:
    """Until when an answer that is no stream may come, though one was asked for."""
    response_s = sent.send.planned.candidate.timeouts.response_s
    return capped(sent.call, sent.sent_s + response_s, _RESPONSE) if sent.call.stream else sent.head


async def _read_whole(answer: UpstreamResponse, wait: Wait, limit: int) -> bytes | Failure:
    """Read to the end, or until it is more than may be held."""
    chunks, size = [], 0
    while size <= limit:
        chunk = await answer.read(wait)
        if isinstance(chunk, Failure):
            return chunk
        if not chunk:
            break
        size += len(chunk)
        chunks.append(chunk)
    return b"".join(chunks)


async def _stream(engine: Engine, sent: Sent) -> Reply | Failure:
    answer = sent.answer
    reader = make_reader(engine, sent)
    failure = await _first_output(reader, sent, engine.clock.now)
    if failure is None:
        return Reply(sent.send, answer, answer.status, answer.headers, reader=reader)
    for _ in range(reader.broken):  # a reply's are counted once it is delivered
        engine.metrics.broken_event(sent.send.planned.candidate.provider.name)
    return failure


async def _first_output(reader: Reader, sent: Sent, now: Callable[[], float]) -> Failure | None:
    """Read until the stream has said something; return why it did not."""
    answer, timeouts = sent.answer, sent.send.planned.candidate.timeouts
    first_output = capped(sent.call, sent.sent_s + timeouts.first_output_s, _FIRST_OUTPUT)
    while not reader.is_ready and not reader.done and reader.failure is None:
        idle_at_s = now() + timeouts.idle_s
        wait = first_output if first_output.until_s <= idle_at_s else Wait(idle_at_s, _IDLE)
        chunk = await answer.read(wait)
        if isinstance(chunk, Failure):
            return chunk
        if not chunk:
            reader.end_held()
            break
        reader.hold(chunk)
    if reader.failure is not None:
        return reader.failure
    if not reader.output_events and (reader.done or not reader.is_ready):
        return _protocol(answer, "the stream ended before any output")
    return None


def _protocol(answer: UpstreamResponse, detail: str) -> Failure:
    return Failure(FailureKind.PROTOCOL, Scope.CANDIDATE, answer.status, detail=detail, error=UpstreamError(detail))
