"""Dialects as table rows: who decodes and encodes each, and how its streams are cut into events.

A client's dialect is decoded from and encoded to, an upstream's encoded to and decoded from; `core.conversation` lies
between. Composes what `translate` and `wire` offer; knows no vendor's JSON itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

from msgspec import Raw
from msgspec.structs import replace

from proxy.core.call import Call, Dialect, EndpointSpec
from proxy.core.conversation import Answer, Conversation, Vendor
from proxy.core.failure import SIGNATURES
from proxy.core.signature import PREFIX, SIGN
from proxy.core.snapshot import Provider
from proxy.core.translation import Encoded, Envelope, ErrorReply, StreamDecoder, StreamEncoder, Target
from proxy.providers.stripping import without_signatures
from proxy.translate.anthropic import count_tokens as anthropic_count
from proxy.translate.anthropic import errors as anthropic_errors
from proxy.translate.anthropic import request as anthropic_request
from proxy.translate.anthropic import response as anthropic_response
from proxy.translate.anthropic import stream as anthropic_stream
from proxy.translate.bedrock import request as bedrock_request
from proxy.translate.bedrock import response as bedrock_response
from proxy.translate.bedrock import stream as bedrock_stream
from proxy.translate.cohere import request as cohere_request
from proxy.translate.cohere import response as cohere_response
from proxy.translate.cohere import stream as cohere_stream
from proxy.translate.gemini import count_tokens as gemini_count
from proxy.translate.gemini import errors as gemini_errors
from proxy.translate.gemini import request as gemini_request
from proxy.translate.gemini import response as gemini_response
from proxy.translate.gemini import signatures as gemini_signatures
from proxy.translate.gemini import stream as gemini_stream
from proxy.translate.ollama import errors as ollama_errors
from proxy.translate.ollama import generate as ollama_generate
from proxy.translate.ollama import request as ollama_request
from proxy.translate.ollama import response as ollama_response
from proxy.translate.ollama import stream as ollama_stream
from proxy.translate.openai_chat import errors as chat_errors
from proxy.translate.openai_chat import request as chat_request
from proxy.translate.openai_chat import response as chat_response
from proxy.translate.openai_chat import stream as chat_stream
from proxy.translate.openai_responses import echo as responses_echo
from proxy.translate.openai_responses import errors as responses_errors
from proxy.translate.openai_responses import namespaces as responses_namespaces
from proxy.translate.openai_responses import request as responses_request
from proxy.translate.openai_responses import response as responses_response
from proxy.translate.openai_responses import stream as responses_stream
from proxy.wire.eventstream import FrameSplitter
from proxy.wire.jsonbody import raw, replaced
from proxy.wire.ndjson import LineSplitter
from proxy.wire.sse import Event, EventSplitter, with_data

SSE = b"text/event-stream; charset=utf-8"
NDJSON = b"application/x-ndjson"
JSON = b"application/json"
_EFFORT = "reasoning_effort"
# Looks through 100 KB in 31 microseconds, whatever they are. `find` takes twice that, but 3 for a single letter; what
# begins with a quote takes five times as long where there are many.
_HINT = re.compile(b"%b(?:%b)[.]" % (re.escape(PREFIX.encode()), "|".join(Vendor).encode()))
_SEALED = re.compile(b'"' + _HINT.pattern)
_SIGN = SIGN.encode()


class Splitter(Protocol):
    """Cuts a body into events, wherever its chunks break."""

    @property
    def is_empty(self) -> bool: ...

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that `chunk` completes. Raises ValueError where they cannot be cut any more."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class UpstreamDialect:
    """What an upstream speaks.

    Attributes:
        wants_model: Its decoders are told the model, which its answers do not name.
        decode_count: Reads an answer to a request to count tokens, where it has such.
        is_terminated: An event of its own ends a stream after the finish, and a stream without it was cut.
    """

    splitter: Callable[[], Splitter]
    encode_request: Callable[[Conversation, Target], Encoded]
    answer_decoder: Callable[..., Answer]
    stream_decoder: Callable[..., StreamDecoder]
    wants_model: bool = False
    decode_count: Callable[[bytes], int] | None = None
    is_terminated: bool = False

    def decode_answer(self, body: bytes, account: str, model: str) -> Answer:
        """Decode a whole answer of this account. Raises Undecodable."""
        return self.answer_decoder(body, account, model) if self.wants_model else self.answer_decoder(body, account)

    def decoder(self, account: str, model: str) -> StreamDecoder:
        """Build what decodes a stream of this account."""
        return self.stream_decoder(account, model) if self.wants_model else self.stream_decoder(account)


def _may_be_sealed(body: bytes) -> bool:
    return body.find(_SIGN) >= 0 and _HINT.search(body) is not None


@dataclass(frozen=True, slots=True, eq=False)
class ClientDialect:
    """What a client speaks.

    Attributes:
        content_type: Of its streams.
        hint: Says yes of every body that holds a signature with its origin, and of hardly any other.
        sealed: Finds one for certain.
        effort: What it calls the member that says how much to think, for who is told that it was left out.
        echo: Takes from a request's members those that its answer repeats; None = it repeats none.
        flattened: Takes a conversation apart that is for another dialect.
        namespaces: Gives what the answers to a request need to put the names of its tools together again.
        names: Where answers and the events of streams name the model, each as a path of members.
    """

    content_type: bytes
    decode_request: Callable[[bytes, bool], Conversation]
    encode_answer: Callable[[Answer, Envelope], bytes]
    encoder: Callable[[Envelope], StreamEncoder]
    error_body: Callable[[ErrorReply], bytes]
    error_event: Callable[[ErrorReply], bytes]
    hint: Callable[[bytes], bool] = _may_be_sealed
    sealed: re.Pattern[bytes] = _SEALED
    effort: str = _EFFORT
    echo: Callable[[Mapping[str, Raw]], Mapping[str, Raw]] | None = None
    flattened: Callable[[Conversation], Conversation] | None = None
    namespaces: Callable[[bytes], Mapping[str, tuple[str, str]] | None] | None = None
    names: tuple[tuple[str, ...], ...] = (("model",),)


UPSTREAMS: Mapping[Dialect, UpstreamDialect] = MappingProxyType(
    {
        Dialect.OPENAI_CHAT: UpstreamDialect(
            EventSplitter, chat_request.encode_request, chat_response.decode_answer, chat_stream.Decoder
        ),
        Dialect.OPENAI_RESPONSES: UpstreamDialect(
            EventSplitter, responses_request.encode_request, responses_response.decode_answer, responses_stream.Decoder
        ),
        Dialect.ANTHROPIC: UpstreamDialect(
            EventSplitter,
            anthropic_request.encode_request,
            anthropic_response.decode_answer,
            anthropic_stream.Decoder,
            decode_count=anthropic_count.decode_count,
            is_terminated=True,
        ),
        Dialect.GEMINI: UpstreamDialect(
            EventSplitter,
            gemini_request.encode_request,
            gemini_response.decode_answer,
            gemini_stream.Decoder,
            decode_count=gemini_count.decode_count,
        ),
        Dialect.BEDROCK: UpstreamDialect(
            FrameSplitter,
            bedrock_request.encode_request,
            bedrock_response.decode_answer,
            bedrock_stream.Decoder,
            wants_model=True,
        ),
        Dialect.OLLAMA: UpstreamDialect(
            LineSplitter, ollama_request.encode_request, ollama_response.decode_answer, ollama_stream.Decoder
        ),
        Dialect.COHERE: UpstreamDialect(
            EventSplitter, cohere_request.encode_request, cohere_response.decode_answer, cohere_stream.Decoder
        ),
    }
)

_OPENAI_CHAT = ClientDialect(
    SSE,
    chat_request.decode_request,
    chat_response.encode_answer,
    chat_stream.Encoder,
    chat_errors.error_body,
    chat_errors.error_event,
)
CLIENTS: Mapping[Dialect, ClientDialect] = MappingProxyType(
    {
        Dialect.OPENAI_CHAT: _OPENAI_CHAT,
        Dialect.PASSED: _OPENAI_CHAT,  # for its errors, and how its events are framed; it is never translated
        Dialect.OPENAI_RESPONSES: ClientDialect(
            SSE,
            responses_request.decode_request,
            responses_response.encode_answer,
            responses_stream.Encoder,
            responses_errors.error_body,
            responses_errors.error_event,
            effort="reasoning",
            echo=responses_echo.echoed,
            flattened=responses_namespaces.flattened,
            namespaces=responses_namespaces.namespaces,
            names=(("model",), ("response", "model")),
        ),
        Dialect.ANTHROPIC: ClientDialect(
            SSE,
            anthropic_request.decode_request,
            anthropic_response.encode_answer,
            anthropic_stream.Encoder,
            anthropic_errors.error_body,
            anthropic_errors.error_event,
            effort="thinking",
            names=(("model",), ("message", "model")),
        ),
        Dialect.GEMINI: ClientDialect(
            SSE,
            gemini_request.decode_request,
            gemini_response.encode_answer,
            gemini_stream.Encoder,
            gemini_errors.error_body,
            gemini_errors.error_event,
            gemini_signatures.may_be_sealed,
            gemini_signatures.SEALED,
            effort="thinkingConfig",
            names=(("modelVersion",),),
        ),
        Dialect.OLLAMA: ClientDialect(
            NDJSON,
            ollama_request.decode_request,
            ollama_response.encode_answer,
            ollama_stream.Encoder,
            ollama_errors.error_body,
            ollama_errors.error_event,
            effort="think",
        ),
        Dialect.OLLAMA_PROMPT: ClientDialect(
            NDJSON,
            ollama_generate.decode_request,
            ollama_generate.encode_answer,
            ollama_generate.Encoder,
            ollama_errors.error_body,
            ollama_errors.error_event,
        ),
    }
)


def stream_type(endpoint: EndpointSpec) -> tuple[bytes, bytes]:
    """The content type of an endpoint's streams."""
    return (b"content-type", JSON if endpoint.array else CLIENTS[endpoint.dialect].content_type)


def takes_comments(endpoint: EndpointSpec) -> bool:
    """Say whether a stream of the endpoint may carry comments, which keep a silent connection open."""
    # Google's SDK takes every line that is no data for JSON.
    # Source: google-genai SDK 3.4.0, google/genai/_api_client.py (_iter_response_stream), read 2026-11-20.
    is_google = endpoint.dialect is Dialect.GEMINI
    return not is_google and CLIENTS[endpoint.dialect].content_type is SSE


def encoder_of(endpoint: EndpointSpec, envelope: Envelope) -> StreamEncoder:
    """Build what writes an endpoint's streams."""
    return gemini_stream.ArrayEncoder(envelope) if endpoint.array else CLIENTS[endpoint.dialect].encoder(envelope)


def error_body(endpoint: EndpointSpec, reply: ErrorReply) -> bytes:
    """Write an error as a whole answer in the endpoint's dialect."""
    return CLIENTS[endpoint.dialect].error_body(reply)


def error_event(endpoint: EndpointSpec, reply: ErrorReply, *, is_first: bool) -> bytes:
    """Write an error into a stream of the endpoint that has begun, and end it where it has an end.

    Args:
        is_first: Nothing was written into it yet.
    """
    if endpoint.array:
        return (b"[" if is_first else b",\n") + CLIENTS[endpoint.dialect].error_body(reply) + b"]"
    return CLIENTS[endpoint.dialect].error_event(reply)


def renamed(dialect: Dialect, body: bytes, model: str) -> bytes:
    """Put another name where an answer of a client's dialect, or the data of an event, names the model."""
    for path in CLIENTS[dialect].names:
        if b'"%b"' % path[-1].encode() in body:
            body = replaced(body, path, raw(model))
    return body


def renamed_event(dialect: Dialect, event: Event, model: str) -> bytes:
    """Do the same to an event of a stream in the client's dialect; one that names no model stays as it came."""
    if event.data is None:
        return event.raw
    data = renamed(dialect, event.data, model)
    if data is event.data:
        return event.raw
    return data + b"\n" if CLIENTS[dialect].content_type is NDJSON else with_data(event, data)


def is_sealed(call: Call) -> bool:
    """Say whether the client sends back a signature with its origin, which only the hub takes apart again."""
    body, client = call.body, CLIENTS[call.endpoint.dialect]
    return client.hint(body) and client.sealed.search(body) is not None


def translate_request(call: Call, dialect: Dialect, target: Target, edit: tuple[str, ...] = ()) -> Encoded:
    """Say a client's request in an upstream's dialect.

    Raises:
        Undecodable: The body is not of the client's dialect.
        Untranslatable: Something it asks for cannot be said.
    """
    client = CLIENTS[call.endpoint.dialect]
    conversation = client.decode_request(call.body, call.stream)
    if client.flattened is not None and dialect is not call.endpoint.dialect:
        conversation = client.flattened(conversation)
    if SIGNATURES in edit:
        conversation = without_signatures(conversation)
    most = target.capabilities.max_output_tokens
    if most and (conversation.params.max_tokens or 0) > most:  # vendors refuse what no answer can reach
        conversation = replace(conversation, params=replace(conversation.params, max_tokens=most))
    encoded = UPSTREAMS[dialect].encode_request(conversation, target)
    if _EFFORT not in encoded.dropped:
        return encoded
    return replace(encoded, dropped=tuple([client.effort if name == _EFFORT else name for name in encoded.dropped]))


@lru_cache(maxsize=1024)
def account_of(provider: Provider) -> str:
    """Name the account that a provider's signatures come from, without telling its name."""
    return hashlib.sha256(f"fairlead:{provider.kind}:{provider.name}".encode()).hexdigest()[:8]
