"""From values of the file to the same values with the environment put in.

`${VAR}` is the variable, `${VAR:-default}` the default where it is unset or empty, `$${` a literal `${`; a key
`X_env = "VAR"` means `X = "${VAR}"`. What cannot be replaced is left out and told as a fault, and so is a string that
is nothing but another program's way of naming a variable. A variable's text is never looked into again, and never
appears in a fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

KeyPath = tuple[str | int, ...]
STAND_IN = "(unreadable)"  # for what could not be made and has a place to keep

# Ends in "_env" without meaning it.
_PLAIN_KEYS = frozenset({"pass_env"})
_FOREIGN = re.compile(r"\$[A-Z_][A-Z0-9_]*|%[A-Z_][A-Z0-9_]*%|os\.environ/\w+")
_REFERENCE = re.compile(r"\$\$\{|\$\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-[^}]*)?\})?")


class FaultKind(StrEnum):
    UNSET = "unset"
    MALFORMED = "malformed"  # a `${` that begins no reference
    FOREIGN = "foreign"  # `$VAR` and the like
    TWICE = "twice"  # both `X` and `X_env`


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that could not be made. `variable` is the name that was written, empty where there is none."""

    path: KeyPath
    kind: FaultKind
    variable: str = ""

    def written_for(self) -> KeyPath:
        """Name the key that the value was meant for: that of `X_env` is `X`."""
        last = self.path[-1]
        return (*self.path[:-1], last.removesuffix("_env") if isinstance(last, str) else last)


def interpolate(value: object, environ: Mapping[str, str], path: KeyPath = ()) -> tuple[object, list[Fault]]:
    """Put the environment into a value and all that it holds.

    Args:
        value: What the TOML parser gave: a string, number, boolean, date, list or table. Not changed.
        path: Where it stands in the file; faults count from there.

    Returns:
        The new value and the faults. A key that has one is left out; an entry of a list has a stand-in.
    """
    faults: list[Fault] = []
    return _replace(value, environ, path, faults), faults


def _replace(value: object, environ: Mapping[str, str], path: KeyPath, faults: list[Fault]) -> object:
    match value:
        case str():
            return _expand(value, environ, path, faults)
        case dict():
            return _table(value, environ, path, faults)
        case list():
            items = [_replace(item, environ, (*path, index), faults) for index, item in enumerate(value)]
            return [STAND_IN if item is None else item for item in items]
        case _:
            return value


def _table(table: dict[str, object], environ: Mapping[str, str], path: KeyPath, faults: list[Fault]) -> object:
    replaced: dict[str, object] = {}
    for key, value in table.items():
        here = (*path, key)
        name = key.removesuffix("_env")
        if name == key or key in _PLAIN_KEYS or not isinstance(value, str):
            new = _replace(value, environ, here, faults)
        elif name in table:
            faults.append(Fault(here, FaultKind.TWICE))
            continue
        else:
            new = _look_up(value, environ, here, faults)
            key = name
        if new is not None:
            replaced[key] = new
    return replaced


def _look_up(variable: str, environ: Mapping[str, str], path: KeyPath, faults: list[Fault]) -> str | None:
    if variable not in environ:
        faults.append(Fault(path, FaultKind.UNSET, variable))
    return environ.get(variable)


def _expand(text: str, environ: Mapping[str, str], path: KeyPath, faults: list[Fault]) -> str | None:
    if _FOREIGN.fullmatch(text):
        faults.append(Fault(path, FaultKind.FOREIGN))
        return None
    before = len(faults)

    def reference(found: re.Match[str]) -> str:
        name, default = found["name"], found["default"]
        if found[0] == "$${":
            return "${"
        if name is None:
            faults.append(Fault(path, FaultKind.MALFORMED))
            return ""
        if default is not None:
            return environ.get(name) or default[2:]
        return _look_up(name, environ, path, faults) or ""

    expanded = _REFERENCE.sub(reference, text)
    return expanded if len(faults) == before else None
