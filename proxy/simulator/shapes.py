"""What a vendor takes, as tables: a decoded request body checked member by member.

A kind is a function that returns where the value is what the vendor takes and raises a `Misfit` where it is not: the
place, what is wrong there, and what would be right. The words of the refusal are each dialect's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any

import orjson

from proxy.core.errors import MalformedRequest

Path = tuple[str | int, ...]
Kind = Callable[[object, Path], None]
Json = dict[str, Any]


class Wrong(StrEnum):
    """What is wrong with a value. `UNKNOWN`: the member should not be there; `VALUE`: right type, wrong value."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    TYPE = "type"
    VALUE = "value"


class Misfit(Exception):
    """A value that the vendor does not take. The path's last step is the member itself; `wanted` is in English."""

    def __init__(self, path: Path, wrong: Wrong, wanted: str = "") -> None:
        super().__init__(path, wrong, wanted)
        self.path, self.wrong, self.wanted = path, wrong, wanted


def anything(value: object, path: Path) -> None:
    """Take any JSON value."""


def text(value: object, path: Path) -> None:
    if not isinstance(value, str):
        raise Misfit(path, Wrong.TYPE, "string")


def flag(value: object, path: Path) -> None:
    if not isinstance(value, bool):
        raise Misfit(path, Wrong.TYPE, "boolean")


def mapping(value: object, path: Path) -> None:
    """Take an object with any members."""
    _members(value, path)


def _members(value: object, path: Path) -> Json:
    if not isinstance(value, dict):
        raise Misfit(path, Wrong.TYPE, "object")
    return value


def whole(least: int | None = None, most: int | None = None) -> Kind:
    return _number(least, most, (int,), "integer")


def number(least: float | None = None, most: float | None = None) -> Kind:
    return _number(least, most, (int, float), "number")


def _number(least: float | None, most: float | None, kinds: tuple[type, ...], name: str) -> Kind:
    def check(value: object, path: Path) -> None:
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise Misfit(path, Wrong.TYPE, name)
        assert isinstance(value, int | float)
        if least is not None and value < least:
            raise Misfit(path, Wrong.VALUE, f"greater than or equal to {least:g}")
        if most is not None and value > most:
            raise Misfit(path, Wrong.VALUE, f"less than or equal to {most:g}")

    return check


def matching(pattern: str) -> Kind:
    """Take text that a pattern matches as a whole."""
    compiled = re.compile(pattern)

    def check(value: object, path: Path) -> None:
        text(value, path)
        if not compiled.fullmatch(str(value)):
            raise Misfit(path, Wrong.VALUE, f"a match of '{pattern}'")

    return check


def one_of(*values: str) -> Kind:
    def check(value: object, path: Path) -> None:
        if value not in values:
            raise Misfit(path, Wrong.VALUE, " or ".join(f"'{item}'" for item in values))

    return check


def many(kind: Kind, least: int = 0, most: int | None = None) -> Kind:
    """Take a list of one kind, of a length within bounds."""

    def check(value: object, path: Path) -> None:
        if not isinstance(value, list):
            raise Misfit(path, Wrong.TYPE, "list")
        if len(value) < least:
            raise Misfit(path, Wrong.VALUE, f"a list of at least {least}")
        if most is not None and len(value) > most:
            raise Misfit(path, Wrong.VALUE, f"a list of at most {most}")
        for place, item in enumerate(value):
            kind(item, (*path, place))

    return check


def named(kind: Kind) -> Kind:
    """Take an object whose members have any names and one kind."""

    def check(value: object, path: Path) -> None:
        for name, item in _members(value, path).items():
            kind(item, (*path, name))

    return check


def shape(
    members: Mapping[str, Kind], required: Collection[str] = (), *, nulls: bool = False, closed: bool = True
) -> Kind:
    """Take an object of these members.

    Args:
        nulls: A null stands for a member that is not there.
        closed: No other members are taken.
    """

    def check(value: object, path: Path) -> None:
        given = _members(value, path)
        for name in required:
            if given.get(name) is None and (nulls or name not in given):
                raise Misfit((*path, name), Wrong.MISSING)
        for name, item in given.items():
            kind = members.get(name)
            if kind is None and closed:
                raise Misfit((*path, name), Wrong.UNKNOWN)
            if kind is not None and not (nulls and item is None):
                kind(item, (*path, name))

    return check


def nullable(kind: Kind) -> Kind:
    def check(value: object, path: Path) -> None:
        if value is not None:
            kind(value, path)

    return check


def tagged(member: str, cases: Mapping[str, Kind], other: Kind | None = None) -> Kind:
    """Take an object whose kind a member names. `other` takes what has no case of its own."""

    def check(value: object, path: Path) -> None:
        tag = _members(value, path).get(member)
        if tag is None and other is None:
            raise Misfit((*path, member), Wrong.MISSING)
        kind = cases.get(tag, other) if isinstance(tag, str) else other
        if kind is None:
            raise Misfit((*path, member), Wrong.VALUE, " or ".join(f"'{case}'" for case in cases))
        kind(value, path)

    return check


def single(cases: Mapping[str, Kind], extra: Mapping[str, Kind] | None = None) -> Kind:
    """Take an object in which exactly one of the cases is set; `extra` members may stand beside it."""
    members = {**cases, **(extra or {})}
    outline = shape(members, nulls=True)

    def check(value: object, path: Path) -> None:
        outline(value, path)
        given = [name for name, item in _members(value, path).items() if name in cases and item is not None]
        if len(given) != 1:
            raise Misfit(path, Wrong.VALUE, "an object with exactly one of " + ", ".join(cases))

    return check


def either(first: Kind, second: Kind) -> Kind:
    """Take text as the first kind says, anything else as the second does."""

    def check(value: object, path: Path) -> None:
        (first if isinstance(value, str | bool) else second)(value, path)

    return check


def later(kind: Callable[[], Kind]) -> Kind:
    """Take what a kind takes that is not defined yet: for tables that contain themselves."""

    def check(value: object, path: Path) -> None:
        kind()(value, path)

    return check


def decoded(body: bytes) -> Any:  # noqa: ANN401 - JSON
    """Decode a JSON body.

    Raises:
        MalformedRequest: Not JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise MalformedRequest(f"The request body is not valid JSON: {exc}") from exc


def held(body: Any, kind: Kind, refusal: Callable[[Misfit], Exception]) -> Json:  # noqa: ANN401 - JSON
    """Hold a decoded body to a table and return it.

    Raises:
        Exception: What `refusal` makes of the first member that does not fit.
    """
    try:
        kind(body, ())
    except Misfit as exc:
        raise refusal(exc) from exc
    return dict(body)


def dotted(path: Path) -> str:
    """Write a place as `messages.0.content`."""
    return ".".join(map(str, path))


def bracketed(path: Path) -> str:
    """Write a place as `messages[0].content`."""
    written = ""
    for step in path:
        written += f"[{step}]" if isinstance(step, int) else f".{step}" if written else step
    return written
