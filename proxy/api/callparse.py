"""From the bytes of a request to a `Call`, decoding only the fields that routing needs.

Everything else stays as it came. Client credentials and hop-by-hop headers end here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, NamedTuple, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Raw

from proxy.api.endpointspec import STREAMING
from proxy.core.call import Call, EndpointSpec, Headers, Needs
from proxy.core.errors import MalformedRequest
from proxy.core.snapshot import ClientKey, Snapshot
from proxy.pricing.estimate import estimate_prompt
from proxy.wire.headers import NEVER_FORWARDED
from proxy.wire.jsonbody import split_object

T = TypeVar("T")

LONGEST_NUMBER = 18  # digits; Python refuses to read numbers of thousands of them
_NOT_UPSTREAM = NEVER_FORWARDED | {b"accept", b"user-agent"}
_STEERING = frozenset(
    {b"x-fairlead-provider", b"x-fairlead-no-failover", b"x-fairlead-deadline-ms", b"x-fairlead-tags"}
)
_IMAGE = re.compile(rb'"type"\s*:\s*"image_url"')
_AUDIO = re.compile(rb'"type"\s*:\s*"input_audio"')
_TEXT = msgspec.json.Decoder(str | None)
_FLAG = msgspec.json.Decoder(bool | None)
_TOKENS: msgspec.json.Decoder[int] = msgspec.json.Decoder(Annotated[int, msgspec.Meta(ge=1)])


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


_STREAM_OPTIONS = msgspec.json.Decoder(_StreamOptions | None)


class Envelope(msgspec.Struct, frozen=True, eq=False):
    """What came around the body."""

    request_id: str
    headers: Mapping[bytes, bytes]
    query_string: bytes
    key: ClientKey | None
    arrived_s: float
    path_model: str | None = None

    def __repr__(self) -> str:
        return f"Envelope({self.request_id})"  # never a header: one of them holds the client's key


def parse_call(endpoint: EndpointSpec, body: bytes, envelope: Envelope, snapshot: Snapshot) -> Call:
    """Build the `Call`.

    Raises:
        MalformedRequest: Not a JSON object, or a field that routing needs has the wrong type.
    """
    try:
        fields = split_object(body)
    except ValueError as exc:
        raise MalformedRequest(f"The request body is not a JSON object: {exc}.") from exc
    headers = envelope.headers
    steering = _steering(headers, snapshot)
    stream = endpoint.operation in STREAMING and bool(_field(fields, "stream", _FLAG, "true or false"))
    options = _field(fields, "stream_options", _STREAM_OPTIONS, "an object") if stream else None
    return Call(
        request_id=envelope.request_id,
        endpoint=endpoint,
        body=body,
        fields=fields,
        model=envelope.path_model or _field(fields, "model", _TEXT, "a string"),
        stream=stream,
        include_usage=options is not None and bool(options.include_usage),
        headers=_forwardable(headers),
        query=_query(envelope.query_string, endpoint),
        key=envelope.key,
        arrived_s=envelope.arrived_s,
        deadline_s=steering.deadline_s,
        needs=_needs(fields, body) if snapshot.weighs_requests else Needs(input_tokens=estimate_prompt(body)),
        max_tokens=_max_tokens(fields),
        pinned_provider=steering.provider,
        failover=steering.failover,
        tags=steering.tags,
    )


class _Steering(NamedTuple):
    """What a client asks of the gateway itself, by `x-fairlead-` headers."""

    deadline_s: float
    provider: str | None = None
    failover: bool = True
    tags: tuple[str, ...] = ()


def _steering(headers: Mapping[bytes, bytes], snapshot: Snapshot) -> _Steering:
    if _STEERING.isdisjoint(headers):  # as nearly always
        return _Steering(snapshot.deadline_s)
    return _Steering(
        _deadline(headers, snapshot.deadline_s),
        _header_text(headers, b"x-fairlead-provider"),
        headers.get(b"x-fairlead-no-failover", b"").lower() not in (b"true", b"1"),
        _tags(headers),
    )


def _field(fields: Mapping[str, Raw], name: str, decoder: msgspec.json.Decoder[T], expected: str) -> T | None:
    member = fields.get(name)
    if member is None:
        return None
    try:
        return decoder.decode(member)
    except (ValueError, RecursionError) as exc:  # UnicodeDecodeError is no msgspec error
        raise MalformedRequest(f"'{name}' must be {expected}.", param=name) from exc


def _max_tokens(fields: Mapping[str, Raw]) -> int | None:
    """Only a hint for limits here; a wrong value is the upstream's to refuse."""
    for name in ("max_completion_tokens", "max_tokens"):
        if name in fields:
            with suppress(msgspec.DecodeError):
                return _TOKENS.decode(fields[name])
    return None


def _needs(fields: Mapping[str, Raw], body: bytes) -> Needs:
    """What the model must be able to do. Quotes inside JSON text are escaped, so no text is taken for a part's type."""
    response_format = fields.get("response_format")
    images = b'"image_url"' in body and _IMAGE.search(body) is not None
    audio = b'"input_audio"' in body and _AUDIO.search(body) is not None
    return Needs(
        tools="tools" in fields and bytes(fields["tools"]) not in (b"[]", b"null"),
        images=images,
        audio=audio,
        json_schema=response_format is not None and b'"json_schema"' in bytes(response_format),
        input_tokens=estimate_prompt(body),
    )


def _forwardable(headers: Mapping[bytes, bytes]) -> Headers:
    return tuple([pair for pair in headers.items() if pair[0] not in _NOT_UPSTREAM])


def _query(query_string: bytes, endpoint: EndpointSpec) -> tuple[tuple[str, str], ...]:
    if not query_string or not endpoint.query:
        return ()
    pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    return tuple(pair for pair in pairs if pair[0] in endpoint.query)


def _deadline(headers: Mapping[bytes, bytes], configured_s: float) -> float:
    """A client may shorten its deadline, never lengthen the operator's."""
    value = headers.get(b"x-fairlead-deadline-ms")
    if value is None:
        return configured_s
    if not value.isdigit() or len(value) > LONGEST_NUMBER or int(value) < 1:
        raise MalformedRequest("'x-fairlead-deadline-ms' must be a whole number of milliseconds above 0.")
    return min(int(value) / 1000, configured_s)


def _header_text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return value.decode("latin-1") if value else None


def _tags(headers: Mapping[bytes, bytes]) -> tuple[str, ...]:
    value = _header_text(headers, b"x-fairlead-tags")
    return tuple(tag for part in value.split(",") if (tag := part.strip())) if value else ()
