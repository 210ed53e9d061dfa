"""JSON objects edited without being decoded: top-level members stay the raw bytes that came.

Never interprets a member; who needs one decodes it from its raw bytes. Half characters, as clients and vendors write
them that cut text into UTF-16 units (`\\ud83d` alone), pass unharmed: other parsers take them, msgspec does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw

_DECODER = msgspec.json.Decoder(dict[str, Raw])
_ENCODER = msgspec.json.Encoder()

# An escape of half a surrogate pair whose other half does not stand beside it.
_HALF = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD])[c-fC-F][0-9a-fA-F]{2})"
)
_MOST_HALVES = 10_000  # in one body; more is no accident
_LONGEST_RUN = 4096  # of backslashes that are counted
_STAND_IN = b"\xff"  # for the backslash of such an escape, and around the number of a long text; never part of UTF-8
_MARKED = re.compile(_STAND_IN + rb"u[0-9a-fA-F]{4}")

LARGE_BYTES = 64 * 1024  # of a body in which long texts are looked for
LONG_BYTES = 8 * 1024  # of a text that is stepped over
MOST_QUOTES = 48  # that are passed in search of them
LONGEST_ESCAPE = 64  # backslashes that are counted there
_QUOTE, _BACKSLASH = ord('"'), ord("\\")


def split_object(body: bytes) -> dict[str, Raw]:
    """Split a JSON object into its top-level members.

    What a long text holds is not looked at: bytes that JSON does not allow there are for whoever decodes it to refuse.

    Raises:
        ValueError: Not one JSON object, or nested too deeply. The text says where, never what.
    """
    if len(body) >= LARGE_BYTES and (found := _split_around(body)) is not None:
        return found
    try:
        return _DECODER.decode(body)
    except (ValueError, RecursionError) as exc:
        marked = _mark_halves(body)
        if _STAND_IN in body or marked == body:
            raise ValueError(_reason(exc)) from exc
    try:
        members = _DECODER.decode(marked)
    except (ValueError, RecursionError) as exc:
        raise ValueError(_reason(exc)) from exc
    return {name: Raw(bytes(value).replace(_STAND_IN, b"\\")) for name, value in members.items()}


def _split_around(body: bytes) -> dict[str, Raw] | None:
    """Split an object without its long texts and put them back; None where it has none, or is not to be had so.

    Such a text, an image or a document, is nearly all of a large body. To find its end takes a tenth of reading it.
    """
    texts = _long_texts(body)
    parts: list[bytes] = []
    at = 0
    for number, (start, end) in enumerate(texts):
        parts += (body[at:start], b"%d" % number)
        at = end
    hollow = _STAND_IN.join([*parts, body[at:]])
    if not texts or hollow.count(_STAND_IN) != len(parts):
        return None
    try:
        members = _DECODER.decode(hollow)
    except (ValueError, RecursionError):  # told of the body itself, with its place there
        return None
    whole = memoryview(body)
    for name, value in members.items():
        before, *numbers = bytes(value).split(_STAND_IN)
        if numbers:
            start, end = texts[int(numbers[0])][0], texts[int(numbers[-2])][1]
            members[name] = Raw(whole[start - len(before) : end + len(numbers[-1])])
    return members


def _long_texts(body: bytes) -> list[tuple[int, int]]:
    """Find where the first long texts of a JSON document begin and end, quotes excluded."""
    found: list[tuple[int, int]] = []
    start, at = 0, -1  # of the text that the search is in, if in any; of the latest quote
    for _ in range(MOST_QUOTES):
        at = body.find(_QUOTE, at + 1)
        if at < 0:
            break
        if not start:
            start = at + 1
            continue
        if body[at - 1] == _BACKSLASH:
            escape = body[max(start, at - LONGEST_ESCAPE) : at]
            slashes = len(escape) - len(escape.rstrip(b"\\"))
            if slashes == LONGEST_ESCAPE:
                break
            if slashes % 2:  # the quote is part of the text
                continue
        if at - start >= LONG_BYTES:
            found.append((start, at))
        start = 0
    return found


def readable(payload: bytes) -> bytes:
    """Put U+FFFD where half a character stands, so that msgspec can decode what other parsers can."""
    return _MARKED.sub(rb"\\ufffd", _mark_halves(payload))


def join_object(members: Mapping[str, Raw]) -> bytes:
    """Write the members back as one JSON object, in their order."""
    return _ENCODER.encode(members)


def replaced(body: bytes, path: Sequence[str], value: Raw) -> bytes:
    """Put a value in the place of a member that is there; what has no such member, or is no object, stays as it is.

    Args:
        path: The names of the objects that it is in, from the outside, and its own.
    """
    name, *inner = path
    try:
        members = split_object(body)
    except ValueError:
        return body
    if name not in members:
        return body
    if inner:
        before = bytes(members[name])
        after = replaced(before, inner, value)
        if after is before:
            return body
        value = Raw(after)
    return join_object({**members, name: value})


def raw(value: object) -> Raw:
    """Encode one value as a raw member."""
    return Raw(_ENCODER.encode(value))


def _mark_halves(payload: bytes) -> bytes:
    """Replace the backslash of each half character's escape by one that stands in for it; no byte moves."""

    def marked(found: re.Match[bytes]) -> bytes:
        before = payload[max(0, found.start() - _LONGEST_RUN) : found.start()]
        is_text = (len(before) - len(before.rstrip(b"\\"))) % 2 == 1  # the backslash itself is escaped
        return found[0] if is_text else _STAND_IN + found[0][1:]

    result, count = _HALF.subn(marked, payload, _MOST_HALVES)
    return result if count < _MOST_HALVES else payload


def _reason(exc: ValueError | RecursionError) -> str:
    """Keep msgspec's position, drop anything it may quote from the body."""
    if isinstance(exc, RecursionError):
        return "nested too deeply"
    if isinstance(exc, UnicodeDecodeError):
        return "a member's name is not UTF-8"
    message = str(exc)
    return message if "byte" in message or "truncated" in message else "expected a JSON object"
