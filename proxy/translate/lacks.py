"""A dialect's table of what it has no words for, looked up: hints are left out and named, the rest is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from proxy.core.conversation import Conversation, Params
from proxy.core.translation import Untranslatable


class Lack(NamedTuple):
    """`refused`: leaving it out would change what the request means; then `text` is for the client."""

    text: str
    refused: bool = False
    capability: str = ""


_UNSAID = (None, "", ())
Table = Mapping[str, Lack]  # by the names of `Params` and by names of the dialect's own


def params_of(table: Table) -> tuple[str, ...]:
    """Give those of a table's names that are parameters, for `leave_out`."""
    return tuple([name for name in table if name in Params.__struct_fields__])


def leave_out(conversation: Conversation, table: Table, names: tuple[str, ...], own: frozenset[str]) -> list[str]:
    """Name what is left out of a request: parameters of the table, and members that the hub has no place for.

    Args:
        names: Of the table's parameters.
        own: Members that the dialect takes from clients of any other.

    Raises:
        Untranslatable: A parameter cannot be left out.
    """
    params = conversation.params
    asked = [name for name in names if (value := getattr(params, name)) not in _UNSAID and _is_asked(name, value)]
    for name in asked:
        if table[name].refused:
            raise refusal(table, name, name)
    return asked + [name for name in conversation.rest if name not in own] if conversation.rest else asked


def refusal(table: Table, name: str, param: str | None) -> Untranslatable:
    """Make the refusal of this row; `param` is what the client wrote."""
    row = table[name]
    return Untranslatable(row.text, param=param, capability=row.capability)


def _is_asked(name: str, value: object) -> bool:
    match name:
        case "n":
            return value != 1
        case "modalities":
            return value != ("text",)
        case "seed":
            return True
        case "parallel_tool_calls":
            return value is False
        case "service_tier":
            return value not in ("auto", "default")  # that is what happens anyhow
        case _:
            return bool(value)
