"""From what is wrong with a configuration to `Problem`s that say where, what was found, what was expected, and the fix.

A key has one problem: once it is told, what else it makes wrong is not. Never quotes a string of the file or the
environment: it may be a secret. Numbers that are out of bounds, the names of keys and of variables are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import assert_never

from proxy.core.snapshot import Problem
from proxy.settings.fields import RowFault
from proxy.settings.interpolate import Fault, FaultKind, KeyPath
from proxy.settings.reading import AnyRow, Read, at
from proxy.settings.wording import dotted, explain, keys_at, nearest

# A name as variables are called, so not a key that was written where its variable's name belongs: those hold digits
# without underscores, or mix cases.
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z_]{1,40}|[a-z_]{1,40}")
_NAMED = ("models", "prices", "providers")  # sections whose tables have names
_IN_PIECES = "a name in pieces"
_REFERENCE = "${VAR} or ${VAR:-default}"


class Severity(StrEnum):
    FATAL = "fatal"  # nothing serves
    ROW = "row"  # its provider or model is disabled, the rest serves
    WARNING = "warning"


class Report:
    """Collects the problems of one configuration. `origin` is the file's name, or what stands for it."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._found: list[tuple[KeyPath, Problem]] = []
        self._bad: set[KeyPath] = set()
        self._unreadable: set[KeyPath] = set()

    @property
    def problems(self) -> list[Problem]:
        return [problem for _, problem in self._found]

    def in_order(self, document: Mapping[str, object]) -> list[Problem]:
        """List the problems in the order in which the file has what they are about; what it has not comes last."""
        return [problem for _, problem in sorted(self._found, key=lambda found: _place(document, found[0]))]

    def merge(self, other: Report) -> None:
        """Take over the problems of another place."""
        self._found += [((), problem) for problem in other.problems]

    def has_error(self, path: KeyPath) -> bool:
        """Say whether anything here or within is wrong."""
        return path in self._bad

    def is_unreadable(self, path: KeyPath) -> bool:
        """Say whether this, or what it is in, was told to be unreadable: nothing is known of it."""
        return any(path[:end] in self._unreadable for end in range(1, len(path) + 1))

    def mark_unreadable(self, path: KeyPath) -> None:
        """Tell nothing more about this path and what is in it."""
        self._unreadable.add(path)

    def add(self, severity: Severity, path: KeyPath, *, found: str, expected: str, fix: str) -> None:
        """Add one problem at a key of the file, unless the key is unreadable anyway."""
        if self.is_unreadable(path):
            return
        where = f"{self._origin}: {dotted(path)}" if path else self._origin
        is_fatal, is_warning = severity is Severity.FATAL, severity is Severity.WARNING
        self._found.append((path, Problem(where, found, expected, fix, fatal=is_fatal, warning=is_warning)))
        if not is_warning:
            self._bad.update(path[:end] for end in range(len(path) + 1))

    def add_row_faults(self, severity: Severity, path: KeyPath, faults: Iterable[RowFault]) -> None:
        """Add what is wrong with a row, but for what speaks of keys that were told to be wrong before."""
        for fault in [fault for fault in faults if not any(self._is_told(_below(path, key)) for key in fault.about)]:
            here = _below(path, fault.key)
            self.add(severity, here, found=fault.found, expected=fault.expected, fix=fault.fix)

    def _is_told(self, path: KeyPath) -> bool:
        return self.has_error(path) or self.is_unreadable(path)

    def add_fault(self, severity: Severity, fault: Fault) -> None:
        """Add a reference to the environment that could not be replaced, and that its key has no value."""
        found, expected, fix = _of_reference(severity, fault)
        self.add(severity, fault.path, found=found, expected=expected, fix=fix)
        if fault.kind is not FaultKind.TWICE:
            self.mark_unreadable(fault.path)
            self.mark_unreadable(fault.written_for())

    def add_wrong(self, severity: Severity, path: KeyPath, model: type[AnyRow], read: Read[AnyRow]) -> None:
        """Add every problem of one table.

        Args:
            path: Where the table stands in the file.
            model: What the table was read as.
        """
        unknown = [where for where, each in read.wrong.items() if each["type"] == "extra_forbidden"]
        hints = {where: nearest(str(where[-1]), keys_at(model, where[:-1])) for where in unknown}
        # What was probably meant is not told to be missing as well.
        for meant in [(*where[:-1], hint) for where, hint in hints.items() if hint]:
            if read.lacks(meant):
                self.mark_unreadable((*path, *meant))
        for where, each in sorted(read.wrong.items(), key=lambda item: item[0] not in hints):
            here = (*path, *where)
            words = _of_unknown_key(here, hints[where], each["input"]) if where in hints else explain(here, each)
            if not where and here[-1] in model.model_fields:  # providers.kind
                words = words[0], words[1], f"write [{here[0]}.NAME] above it"
            self.add(severity, here, found=words[0], expected=words[1], fix=words[2])
            self.mark_unreadable(here[:2] if words[0] == _IN_PIECES else here)


def _below(path: KeyPath, key: str | KeyPath) -> KeyPath:
    return (*path, *((key,) if key else ())) if isinstance(key, str) else (*path, *key)


def _place(value: object, path: KeyPath) -> list[int]:
    """Say where a path stands in the file, one number a step."""
    place: list[int] = []
    for part in path:
        keys = list(value) if isinstance(value, dict) else []
        place.append(part if isinstance(part, int) else keys.index(part) if part in keys else len(keys))
        value = at(value, (part,))
    return place


def _of_unknown_key(path: KeyPath, hint: str | None, value: object) -> tuple[str, str, str]:
    """Say what was found, what was expected and what mends it."""
    if hint is None and isinstance(value, dict) and path[0] in _NAMED and len(path) == 3:  # [models.gpt-4.1]
        name = f"{path[1]}{'/' if path[0] == 'prices' else '.'}{path[2]}"
        return _IN_PIECES, "a name in quotes", f"write [{dotted((path[0], name))}]"
    fix = f'did you mean "{hint}"?' if hint else "remove it; docs/configuration.md lists every key"
    return "an unknown key", "a key of this table", fix


def _of_reference(severity: Severity, fault: Fault) -> tuple[str, str, str]:
    """Say what was found, what was expected and what mends it."""
    match fault.kind:
        case FaultKind.UNSET:
            name = fault.variable if _VARIABLE.fullmatch(fault.variable) else ""
            found = f"the environment variable {name} is not set" if name else "an environment variable is not set"
            fix = f"set {name or 'it'}{_otherwise(severity, fault.path, name)}"
            return found, "a variable with a value", fix
        case FaultKind.MALFORMED:
            return "a ${ that begins no reference", _REFERENCE, "correct the reference, or write $${ for a literal ${"
        case FaultKind.FOREIGN:
            return "a variable as other programs write it", _REFERENCE, "write ${ before its name and } behind it"
        case FaultKind.TWICE:
            plain = str(fault.path[-1]).removesuffix("_env")
            return "a second value", f"either this or {plain}", "remove one of the two"
        case _:
            assert_never(fault.kind)


def _otherwise(severity: Severity, path: KeyPath, variable: str) -> str:
    """Say what else may be done about a variable that is not set: a default has no place in a provider's row."""
    last = str(path[-1])
    if not variable and last.endswith("_env"):
        return f"; {last} takes the name of a variable, {last.removesuffix('_env')} the value itself"
    if severity is Severity.WARNING:
        return "; until then this optional provider is disabled"
    if path[0] == "providers":
        return ", or write optional = true to go without this provider"
    return f", or write ${{{variable or 'VAR'}:-default}}"
