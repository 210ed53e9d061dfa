"""How an upstream's answer is read for a client: as it came, or through the hub where their dialects differ."""

from __future__ import annotations

from functools import partial

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from proxy.core.call import OF_ACCOUNTS, Dialect, Gives, Headers, Operation, Takes
from proxy.core.conversation import NOTHING
from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.translation import Envelope, Undecodable
from proxy.core.usage import Usage
from proxy.gateway.bytesreader import BytesReader, SpokenReader
from proxy.gateway.context import Engine, Reader, Sent
from proxy.gateway.events import TERMINATOR, EventPolicy, EventReader
from proxy.gateway.translated import TranslatedReader, TranslationPolicy
from proxy.pricing.estimate import estimate_output, estimate_prompt
from proxy.providers.choices import answered
from proxy.providers.codecs import Heard, asked, decode_answer, encode_answer, wants_base64
from proxy.providers.dialects import CLIENTS, UPSTREAMS, account_of, encoder_of, renamed_event
from proxy.providers.signals import envelope_failure, rows_for
from proxy.translate.passed import Decoder, read_usage
from proxy.translate.told import told
from proxy.wire.sse import EventSplitter

_NO_TUNNEL = "no WebSocket"
_CODED = frozenset({Operation.EMBEDDINGS, Operation.RERANK})
_CHAT = Dialect.OPENAI_CHAT
_JSON_TYPE = (b"content-type", b"application/json")


class Said(Struct, frozen=True, eq=False):
    """A whole answer as the client gets it."""

    body: bytes
    headers: Headers
    usage: Usage | None


def find_error(engine: Engine, sent: Sent, payload: bytes) -> Failure | None:
    """Look for an error inside a success."""
    rows = rows_for(sent.send.planned.candidate.provider)
    return envelope_failure(rows, payload, sent.answer.headers, engine.clock.wall())


def make_reader(engine: Engine, sent: Sent) -> Reader:
    """Build what reads a stream."""
    call, server, dialect = sent.call, sent.server, sent.prepared.api.dialect
    search = partial(find_error, engine, sent)
    ends_on_broken = server.broken_events == "error"
    if dialect is _CHAT and not sent.prepared.is_translated:
        model = sent.send.planned.model.name if server.rewrite_model else None
        return EventReader(EventPolicy(search, call.include_usage, ends_on_broken, model, answered(call)))
    if call.endpoint.gives is Gives.BYTES:
        if call.endpoint.operation is Operation.SPEECH and content_type(sent.answer.headers).startswith(
            b"text/event-stream"
        ):
            return SpokenReader()
        return BytesReader(may_be_empty=call.endpoint.operation in OF_ACCOUNTS)
    if dialect is Dialect.PASSED:
        reader = TranslatedReader(TranslationPolicy(EventSplitter(), Decoder(), None, search, ends_on_broken))
        if call.endpoint.takes is Takes.TUNNEL:
            reader.failure = Failure(FailureKind.PROTOCOL, Scope.CANDIDATE, sent.answer.status, detail=_NO_TUNNEL)
        return reader
    upstream, candidate = UPSTREAMS[dialect], sent.send.planned.candidate
    rename = None
    if server.rewrite_model and not sent.prepared.is_translated:
        rename = partial(renamed_event, dialect, model=sent.send.planned.model.name)
    return TranslatedReader(
        TranslationPolicy(
            upstream.splitter(),
            upstream.decoder(account_of(candidate.provider), candidate.model),
            encoder_of(call.endpoint, _envelope(engine, sent)) if sent.prepared.is_translated else None,
            search,
            ends_on_broken,
            answered(call),
            server.max_response_bytes,
            upstream.is_terminated,
            rename,
        )
    )


def retold(engine: Engine, sent: Sent, body: bytes) -> Reader:
    """Read an answer that came whole as the stream that its client asked for: one that SDKs make no use of else.

    Raises:
        ValueError: It is not of its dialect, or no answer.
        RecursionError: It is nested too deeply.
    """
    call, candidate = sent.call, sent.send.planned.candidate
    if call.endpoint.operation is Operation.COMPLETIONS:  # whole ones have the form of a chunk
        chunk = make_reader(engine, sent)
        chunk.hold(b"data: %b\n\n%b" % (msgspec.json.format(body, indent=-1), TERMINATOR))
        return chunk
    answer = UPSTREAMS[sent.prepared.api.dialect].decode_answer(body, account_of(candidate.provider), candidate.model)
    envelope, reader = _envelope(engine, sent), BytesReader()
    if not sent.prepared.is_translated:  # it says of itself what it would have said in a stream
        model = envelope.model if sent.server.rewrite_model else answer.model or envelope.model
        envelope = replace(envelope, model=model, created_s=answer.created_s or envelope.created_s)
    encoder = encoder_of(call.endpoint, envelope)
    reader.hold(b"".join([encoder.feed(part) for part in told(answer)]))
    reader.terminator, reader.done = encoder.finish(), True
    reader.usage, reader.output_events = answer.usage, len(answer.choices) and estimate_output(len(body))
    return reader


def read_whole_answer(engine: Engine, sent: Sent, body: bytes) -> Said:
    """Decode a whole answer, and encode it anew where the client speaks another dialect.

    Raises:
        Undecodable: It is not of its dialect.
    """
    headers = sent.answer.headers
    if sent.prepared.api.dialect is Dialect.PASSED:
        return Said(body, headers, _passed_usage(sent, body))
    if sent.call.endpoint.operation in _CODED:
        return _read_coded(engine, sent, body)
    candidate = sent.send.planned.candidate
    upstream = UPSTREAMS[sent.prepared.api.dialect]
    if sent.call.endpoint.operation is Operation.COUNT_TOKENS and upstream.decode_count is not None:
        upstream.decode_count(body)
        return Said(body, headers, None)
    answer = upstream.decode_answer(body, account_of(candidate.provider), candidate.model)
    if not sent.prepared.is_translated:
        return Said(body, headers, answer.usage)
    encoded = CLIENTS[sent.call.endpoint.dialect].encode_answer(answer, _envelope(engine, sent))
    others = tuple([pair for pair in headers if pair[0] != b"content-type"])
    return Said(encoded, (_JSON_TYPE, *others), answer.usage)


def _passed_usage(sent: Sent, body: bytes) -> Usage | None:
    """Read the usage of an answer that passes as it came, and make sure that it is an answer."""
    endpoint = sent.call.endpoint
    if endpoint.takes is Takes.TUNNEL:
        raise Undecodable(_NO_TUNNEL)
    said = content_type(sent.answer.headers)
    if endpoint.gives is Gives.JSON or said.startswith(b"application/json"):
        usage = read_usage(body)
        return None if endpoint.operation in OF_ACCOUNTS else usage  # a batch says what others used
    if said.startswith(b"text/html"):
        raise Undecodable("an HTML page")
    return None


def content_type(headers: Headers) -> bytes:
    """Return what an answer calls itself, in lower case."""
    for name, value in headers:
        if name == b"content-type":
            return value.lower()
    return b""


def _read_coded(engine: Engine, sent: Sent, body: bytes) -> Said:
    """Decode vectors or a ranking; encode them anew where the client wants another shape."""
    call, headers, is_translated = sent.call, sent.answer.headers, sent.prepared.is_translated
    request = asked(call) if is_translated else call.body
    heard = Heard(
        body,
        headers,
        request,
        _envelope(engine, sent).model,
        call.needs.input_tokens or estimate_prompt(call.body),
        wants_base64(request),
    )
    between, usage = decode_answer(call.endpoint.operation, sent.prepared.api.dialect, heard)
    if not is_translated:
        return Said(body, headers, usage)
    encoded = encode_answer(call.endpoint, between, heard.model)
    others = tuple([pair for pair in headers if pair[0] != b"content-type"])
    return Said(encoded, (_JSON_TYPE, *others), usage)


def _envelope(engine: Engine, sent: Sent) -> Envelope:
    call, planned = sent.call, sent.send.planned
    client = CLIENTS[call.endpoint.dialect]
    return Envelope(
        call.request_id,
        planned.model.name if sent.server.rewrite_model else planned.candidate.model,
        int(engine.clock.wall()),
        call.include_usage,
        account_of(planned.candidate.provider),
        NOTHING if client.echo is None else client.echo(call.fields),
        None if client.namespaces is None else client.namespaces(call.body),
    )
