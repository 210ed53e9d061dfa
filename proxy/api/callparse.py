"""From the bytes of a request to a `Call`, decoding only the fields that routing needs.

Everything else stays as it came. Client credentials and hop-by-hop headers end here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Raw

from proxy.api import demands
from proxy.api.endpointspec import CHAT
from proxy.core.call import Call, Dialect, EndpointSpec, Headers, Needs
from proxy.core.errors import MalformedRequest
from proxy.core.snapshot import NO_LIMITS, Snapshot
from proxy.edge.exchange import Exchange
from proxy.pricing.estimate import estimate_prompt
from proxy.wire.headers import CLIENT_HEADERS, NEVER_FORWARDED
from proxy.wire.jsonbody import split_object

T = TypeVar("T")

LONGEST_NUMBER = 18  # digits; Python refuses to read numbers of thousands of them
_NOT_UPSTREAM = NEVER_FORWARDED | {b"accept", b"user-agent"}
_STEERING = frozenset(
    {b"x-fairlead-provider", b"x-fairlead-no-failover", b"x-fairlead-deadline-ms", b"x-fairlead-tags"}
)
_NO_FAILOVER = {b"true": True, b"1": True, b"false": False, b"0": False, b"": False}
MOST_TAGS, LONGEST_TAG = 20, 64  # each set of tags that occurs is a row of the reports
_OUTPUT_LIMITS = frozenset({"max_completion_tokens", "max_tokens", "max_output_tokens", "options", *demands.GENERATION})
_CONTINUES = ("previous_response_id", "conversation")
_NULL = Raw(b"null")
_ABSENT = frozenset({b"null", b"false"})
_UNWEIGHED = Needs()
_TEXT = msgspec.json.Decoder(str | None)
_FLAG = msgspec.json.Decoder(bool | None)


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


_STREAM_OPTIONS = msgspec.json.Decoder(_StreamOptions | None)


def parse_call(exchange: Exchange, body: bytes, snapshot: Snapshot) -> Call:
    """Build the `Call`.

    Raises:
        MalformedRequest: Not a JSON object, or a field that routing needs has the wrong type.
    """
    try:
        fields = split_object(body)
    except ValueError as exc:
        raise MalformedRequest(f"The request body is not a JSON object: {exc}.") from exc
    asked, headers = exchange.asked, exchange.headers
    endpoint = asked.endpoint
    stream = _streams(fields, endpoint) if "stream" in fields else endpoint.streams is True
    model = asked.model or _field(fields, "model", _TEXT, "a string")
    has_limits = exchange.key is not None and exchange.key.limits is not NO_LIMITS
    scale = snapshot.scales.get(model, snapshot.scale)
    needs = _UNWEIGHED
    if scale is not None:
        needs = demands.needs(fields, body, endpoint.dialect, scale, counts_tokens=has_limits)
    elif has_limits:
        needs = Needs(input_tokens=estimate_prompt(body))
    is_plain = _telling_names(snapshot).isdisjoint(headers)
    call = Call(
        exchange.request_id,
        endpoint,
        body,
        fields,
        model,
        stream,
        stream and "stream_options" in fields and _includes_usage(fields),
        () if is_plain else forwardable(headers, snapshot),
        known_query(asked.query, endpoint) if asked.query else (),
        exchange.key,
        exchange.arrived_s,
        snapshot.deadline_s,
        needs,
        None if _OUTPUT_LIMITS.isdisjoint(fields) else demands.max_tokens(fields, endpoint.dialect),
        repeatable=endpoint is CHAT or _is_repeatable(fields, endpoint),
    )
    return call if is_plain or _STEERING.isdisjoint(headers) else steered(call, headers)


def steered(call: Call, headers: Mapping[bytes, bytes]) -> Call:
    """Add what the client asks of the gateway itself, by `x-fairlead-` headers.

    Raises:
        MalformedRequest: A header cannot be understood.
    """
    return msgspec.structs.replace(
        call,
        deadline_s=_deadline(headers, call.deadline_s),
        pinned_provider=_header_text(headers, b"x-fairlead-provider"),
        failover=_may_fail_over(headers),
        tags=_tags(headers),
    )


def _streams(fields: Mapping[str, Raw], endpoint: EndpointSpec) -> bool:
    if endpoint.streams is None or endpoint.dialect is Dialect.GEMINI:  # Google's clients say it in the path alone
        return endpoint.streams is True
    return _flag(fields, "stream")


def _flag(fields: Mapping[str, Raw], name: str) -> bool:
    return bool(_field(fields, name, _FLAG, "true or false"))


def _includes_usage(fields: Mapping[str, Raw]) -> bool:
    options = _field(fields, "stream_options", _STREAM_OPTIONS, "an object")
    return options is not None and bool(options.include_usage)


def _field(fields: Mapping[str, Raw], name: str, decoder: msgspec.json.Decoder[T], expected: str) -> T | None:
    member = fields.get(name)
    if member is None:
        return None
    try:
        return decoder.decode(member)
    except (ValueError, RecursionError) as exc:  # UnicodeDecodeError is no msgspec error
        raise MalformedRequest(f"'{name}' must be {expected}.", param=name) from exc


def _is_repeatable(fields: Mapping[str, Raw], endpoint: EndpointSpec) -> bool:
    """Say whether sending it twice changes nothing: a Responses request may leave something behind at its vendor."""
    if endpoint.dialect is not Dialect.OPENAI_RESPONSES:
        return endpoint.repeatable
    return not any(bytes(fields.get(name, _NULL)) not in _ABSENT for name in ("store", "background", *_CONTINUES))


def forwardable(headers: Mapping[bytes, bytes], snapshot: Snapshot) -> Headers:
    """Return the client's headers that some provider may get."""
    names = _forwarded_names(snapshot)
    return tuple([pair for pair in headers.items() if pair[0] in names])


@lru_cache(maxsize=2)
def _telling_names(snapshot: Snapshot) -> frozenset[bytes]:
    """The client's headers that matter beyond the edge."""
    return _STEERING | _forwarded_names(snapshot)


@lru_cache(maxsize=2)
def _forwarded_names(snapshot: Snapshot) -> frozenset[bytes]:
    """The client's headers that some provider may get."""
    configured = {name.encode() for provider in snapshot.providers.values() for name in provider.forward_headers}
    return (CLIENT_HEADERS | configured) - _NOT_UPSTREAM


def known_query(query_string: bytes, endpoint: EndpointSpec) -> tuple[tuple[str, str], ...]:
    """Return the parameters that the endpoint's row names."""
    if not endpoint.query:
        return ()
    pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    return tuple(pair for pair in pairs if pair[0] in endpoint.query)


def _may_fail_over(headers: Mapping[bytes, bytes]) -> bool:
    value = headers.get(b"x-fairlead-no-failover", b"").rstrip().lower()
    if value not in _NO_FAILOVER:
        raise MalformedRequest("'x-fairlead-no-failover' must be true or false.")
    return not _NO_FAILOVER[value]


def _deadline(headers: Mapping[bytes, bytes], configured_s: float) -> float:
    """A client may shorten its deadline, never lengthen the operator's."""
    value = headers.get(b"x-fairlead-deadline-ms")
    if value is None:
        return configured_s
    value = value.rstrip()
    if not value.isdigit() or len(value) > LONGEST_NUMBER or int(value) < 1:
        raise MalformedRequest("'x-fairlead-deadline-ms' must be a whole number of milliseconds above 0.")
    return min(int(value) / 1000, configured_s)


def _header_text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    if not value:
        return None
    try:
        return value.decode().rstrip()
    except UnicodeDecodeError:  # what headers were once written in
        return value.decode("latin-1").rstrip()


def _tags(headers: Mapping[bytes, bytes]) -> tuple[str, ...]:
    value = _header_text(headers, b"x-fairlead-tags")
    tags = tuple(tag for part in value.split(",") if (tag := part.strip())) if value else ()
    if len(tags) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in tags):
        raise MalformedRequest(f"x-fairlead-tags takes at most {MOST_TAGS} tags of {LONGEST_TAG} characters each.")
    return tags
