"""JSON decoded into typed values, with errors that say where and never what.

Takes a msgspec decoder and bytes. Half characters, which other parsers take and msgspec does not, become U+FFFD. Never
quotes the body: a validation error may hold a value of it, so only its path is kept.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from msgspec import Raw

from proxy.core.translation import Undecodable
from proxy.wire.jsonbody import readable, split_object

T = TypeVar("T")

_NO_JSON = "The body is not valid JSON."
_PATH = re.compile(r" - at `(?:key in )?\$\.?([^`]*)`$")
_MISSING = re.compile(r"required field `(\w+)`")


def decoded(decoder: msgspec.json.Decoder[T], body: bytes | Raw, where: str = "") -> T:
    """Decode what came from outside.

    Args:
        where: The path of what is decoded, if it is a part of something.

    Raises:
        Undecodable: Not JSON, or not of this type; `param` is the member's path where one is known.
    """
    try:
        return decoder.decode(body)
    except (ValueError, RecursionError) as exc:
        plain = readable(bytes(body))
        if plain == bytes(body):
            raise _undecodable(exc, where) from exc
    try:
        return decoder.decode(plain)
    except (ValueError, RecursionError) as exc:
        raise _undecodable(exc, where) from exc


def members_of(body: bytes) -> dict[str, Raw]:
    """Split an object from outside into its top-level members.

    Raises:
        Undecodable: Not one JSON object.
    """
    try:
        return split_object(body)
    except ValueError as exc:
        raise Undecodable(_NO_JSON) from exc


def check_utf8(body: bytes) -> None:
    """See that all of a body is text: no decoder looks at the texts that it leaves raw.

    Raises:
        Undecodable: It is not UTF-8.
    """
    if body.isascii():  # makes no copy
        return
    try:
        body.decode()
    except UnicodeDecodeError as exc:
        raise Undecodable("The body is not valid UTF-8.") from exc


def given(member: Raw) -> Raw | None:
    """Give a raw member that is there; null is as good as absent."""
    return None if bytes(member) == b"null" else member


def _undecodable(exc: ValueError | RecursionError, where: str) -> Undecodable:
    if isinstance(exc, RecursionError):
        return Undecodable("The JSON is nested too deeply.")
    if not isinstance(exc, msgspec.ValidationError):
        return Undecodable(_NO_JSON)
    text = str(exc)
    found, missing = _PATH.search(text), _MISSING.search(text)
    path = ".".join([name for name in (where, found[1] if found else "", missing[1] if missing else "") if name])
    path = path.replace(".[", "[")
    if not path:
        return Undecodable("The body is not a JSON object of the expected form.")
    return Undecodable(f"`{path}` {'is missing' if missing else 'has the wrong type'}.", param=path)
