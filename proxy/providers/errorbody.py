"""An upstream's error body, in any vendor's shape, as one value.

Reads shapes only and never judges what an error means. A validator may echo the client's request in an error, so only
the members named here are looked at: never `input`, `raw` text or other copies of what the client wrote.

Source: shapes collected from each vendor's SDK and error pages, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from proxy.core.call import Headers
from proxy.wire.jsonbody import readable

_DECODER = msgspec.json.Decoder()

_NAMES = frozenset(
    {
        "code",
        "type",
        "status",
        "reason",
        "error_type",
        "error_code",
        "quotaId",
        "provider_code",
        "limit_source",
        "__type",
    }
)
_DELAYS = frozenset({"retryDelay", "retry_after", "retry_after_seconds", "resets_at"})
_CONTAINERS = frozenset({"error", "details", "detail", "metadata", "innererror", "violations"})
_MESSAGES = ("message", "Message", "error_description", "msg", "detail", "error")

# Errors may repeat a whole request; what is read of one is bounded, so that judging it costs little.
_MAX_DEPTH = 6
_MAX_PARTS = 64
_MAX_MESSAGE = 4096
_MAX_NAME = 256

# What OpenRouter says when the words are those of the vendor behind it.
_WRAPPED = "Provider returned error"


@dataclass(frozen=True, slots=True, repr=False)
class ErrorBody:
    """What an error says, before anything in it is masked: no repr.

    Attributes:
        message: The vendor's words; "" where there are none.
        type, param, code: As the vendor gives them, for a client.
        names: Every code, type, status, reason, quota id and exception name in it, in lower case.
        unknown: Top-level request members that a validator calls unknown.
        delays: Stated times, in any format.
        headers: Headers that the vendor tells of inside the body, names in lower case.
        decoded: The whole body; None where it is not JSON.
        body: The bytes it was read from.
    """

    message: str = ""
    type: str | None = None
    param: str | None = None
    code: str | None = None
    names: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    delays: tuple[str, ...] = ()
    headers: Headers = ()
    decoded: object = None
    body: bytes = b""


def read_error(body: bytes, headers: Headers = ()) -> ErrorBody:
    """Read an error body; what is not JSON (an HTML page, a cut body) gives an empty value.

    Args:
        body: As it came, after decompression.
        headers: Of the answer; some vendors name the error there.
    """
    names = {_exception_name(value) for name, value in headers if name == b"x-amzn-errortype"}
    decoded = decode(body)
    top = _first_object(decoded)
    if top is None:
        return ErrorBody(names=frozenset(names), decoded=decoded, body=body)
    inner = top.get("error")
    error: Mapping[str, Any] = inner if isinstance(inner, dict) else top
    parts = list(_parts(top))
    names |= {_name(value) for part in parts for key, value in part.items() if key in _NAMES and _is_name(value)}
    message, unknown = _message(error)
    said = ErrorBody(
        message=_head(message, _MAX_MESSAGE),
        type=_text(error.get("type")),
        param=_text(error.get("param")),
        code=_text(error.get("code")),
        names=frozenset(names),
        unknown=unknown,
        delays=tuple([str(v)[:_MAX_NAME] for part in parts for k, v in part.items() if k in _DELAYS and _is_name(v)]),
        headers=tuple([pair for part in parts for pair in _told_headers(part.get("headers"))]),
        decoded=decoded,
        body=body,
    )
    return _unwrapped(said, error)


def decode(body: bytes | str) -> object:
    """Decode JSON; None where it is none."""
    with suppress(ValueError, RecursionError):
        return _DECODER.decode(body)
    with suppress(ValueError, RecursionError):
        return _DECODER.decode(readable(body.encode() if isinstance(body, str) else body))
    return None


def _first_object(decoded: object) -> dict[str, Any] | None:
    if isinstance(decoded, list):
        decoded = next((item for item in decoded if isinstance(item, dict)), None)
    return decoded if isinstance(decoded, dict) else None


def _parts(top: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk the objects of an error that its vendor wrote, a bounded number of them."""
    found: list[tuple[int, Any]] = [(0, top)]
    for _ in range(_MAX_PARTS):
        if not found:
            return
        depth, part = found.pop(0)
        if isinstance(part, dict):
            yield part
            inside = [value for key, value in part.items() if key in _CONTAINERS]
        else:
            inside = part
        if depth < _MAX_DEPTH:
            found += [(depth + 1, value) for value in inside[:_MAX_PARTS] if isinstance(value, dict | list)]


def _message(error: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Give an error's words, and the members that a validator in them calls unknown."""
    said = next((error[key] for key in _MESSAGES if error.get(key)), "")
    if isinstance(said, str) and said[:1] in ("{", "["):
        said = decode(said) or said
    if isinstance(said, dict):
        said = said.get("detail") or said.get("message") or ""
    if isinstance(said, str):
        return said, ()
    items = [item for item in said if isinstance(item, dict)] if isinstance(said, list) else []
    return "; ".join(map(_validator_words, items[:8])), tuple(filter(None, map(_unknown_member, items[:32])))


def _validator_words(item: Mapping[str, Any]) -> str:
    place = ".".join(map(str, _place(item)))
    return f"{place}: {item.get('msg') or item.get('message') or 'invalid'}"


def _unknown_member(item: Mapping[str, Any]) -> str | None:
    place = _place(item)
    return str(place[1]) if item.get("type") == "extra_forbidden" and len(place) == 2 and place[0] == "body" else None


def _place(item: Mapping[str, Any]) -> list[object]:
    place = item.get("loc")
    return place if isinstance(place, list) else []


def _unwrapped(said: ErrorBody, error: Mapping[str, Any]) -> ErrorBody:
    """Take the words of the vendor behind a router, where the router only passes its error on."""
    metadata = error.get("metadata")
    behind = metadata.get("raw") if isinstance(metadata, dict) else None
    if said.message != _WRAPPED or not isinstance(behind, str):
        return said
    inner = read_error(behind.encode("utf-8", "replace"))
    return replace(said, message=inner.message or said.message, names=said.names | inner.names)


def _told_headers(told: object) -> Headers:
    if not isinstance(told, dict):
        return ()
    return tuple([(str(name).lower().encode(), str(value).encode()) for name, value in told.items() if _is_name(value)])


def _is_name(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _name(value: object) -> str:
    return str(value)[:_MAX_NAME].lower()


def _exception_name(value: bytes) -> str:
    """Take `ThrottlingException` from `ThrottlingException:http://...`."""
    return _name(value.decode("latin-1").partition(":")[0].strip())


def _text(value: object) -> str | None:
    return (_head(str(value), _MAX_NAME) or None) if _is_name(value) else None


def _head(text: str, limit: int) -> str:
    """Shorten a text between words: half a secret at its end would be known to nobody as one."""
    return text if len(text) <= limit else text[: limit + 1].rpartition(" ")[0]
