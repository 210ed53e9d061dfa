"""From a raw table to a validated row and all that is wrong with it: what is wrong is taken as absent, so that the rest
is judged too, by the schema and by what looks at whole rows.

A required key that is wrong, or an entry of a list, gets a stand-in: it keeps its place and is judged no further.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from proxy.settings.fields import Row
from proxy.settings.interpolate import STAND_IN, KeyPath

AnyRow = TypeVar("AnyRow", bound=Row)


@dataclass(frozen=True, slots=True)
class Read(Generic[AnyRow]):
    """What became of a table.

    Attributes:
        row: None where there is no table to read.
        wrong: By path within the table.
        left: The table without what is wrong.
    """

    row: AnyRow | None
    wrong: Mapping[KeyPath, ErrorDetails]
    left: object

    def lacks(self, where: KeyPath) -> bool:
        """Say whether nothing was written there."""
        if where in self.wrong:
            return self.wrong[where]["type"] == "missing"
        return at(self.left, where) is None


def read_table(model: type[AnyRow], value: object, known: Collection[KeyPath] = ()) -> Read[AnyRow]:
    """Read a table as far as it can be read.

    Args:
        value: The table; it is changed.
        known: Paths within it that are known to be wrong. What they make wrong with tables around them is not told.
    """
    told: dict[KeyPath, ErrorDetails] = {}
    while True:
        try:
            return Read(model.model_validate(value), told, value)
        except ValidationError as error:
            # A part "[key]" stands for a table's key itself.
            found = {tuple(part for part in each["loc"] if part != "[key]"): each for each in error.errors()}
        around = _around([*known, *told, *found])
        for where, details in found.items():
            if where not in known and where not in told and where not in around:
                told[where] = details
        # The innermost alone: what is around them may be right without them, such as a list that seems too short.
        around = _around(found)
        innermost = [where for where in found if where not in around]
        if not any([_mend(value, where) for where in innermost]):
            return Read(None, told, value)


def _mend(value: object, where: KeyPath) -> bool:
    """Take out what is wrong; say whether there was anything to take out or to stand in for."""
    if not where:
        return False
    table, before, last = at(value, where[:-1]), at(value, where), where[-1]
    if before == STAND_IN:  # fits no better: its table or list goes
        return _mend(value, where[:-1])
    if isinstance(table, dict) and before is not None:
        del table[last]
    elif isinstance(table, dict):
        table[last] = STAND_IN
    elif isinstance(table, list) and isinstance(last, int) and before is not None:
        table[last] = STAND_IN
    else:
        return False
    return True


def at(value: object, where: KeyPath) -> object:
    """Find what is written at a path; None where nothing is."""
    for part in where:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def _around(paths: Iterable[KeyPath]) -> set[KeyPath]:
    """Give the places of all tables and lists that these are in. A set: a file may hold thousands of mistakes."""
    return {path[:end] for path in paths for end in range(len(path))}
