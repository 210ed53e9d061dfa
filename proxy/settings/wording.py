"""From a value of the file and what the schema says of it to the words of a problem.

Never quotes a string of the file or the environment: it may be a secret. Numbers that are out of bounds, the names of
keys and the names of variables are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from difflib import get_close_matches
from typing import Any, get_args

from pydantic_core import ErrorDetails

from proxy.settings.fields import Row
from proxy.settings.interpolate import KeyPath

SHOWN_NAMES = 8
SURELY = 0.8
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

_NUMBER = "a number"
_WHOLE = "a whole number"
_SWITCH = "true or false"
_LIST = "a list"
_TABLE = "a table"
_STRING = "a string"
_MOMENT = "a date and time such as 2027-12-31T23:59:59Z"
_EXPECTED = {
    "bool_parsing": _SWITCH,
    "bool_type": _SWITCH,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_type": _MOMENT,
    "decimal_max_places": "at most {decimal_places} digits after the point",
    "decimal_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "dict_type": _TABLE,
    "finite_number": "a finite number",
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge}",
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": "a smaller number",
    "int_type": _WHOLE,
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "missing": "a value",
    "model_type": _TABLE,
    "string_too_long": "{max_length} characters or fewer",
    "string_too_short": "{min_length} or more characters",
    "string_type": _STRING,
    "too_long": "{max_length} entries or fewer",
    "too_short": "{min_length} or more entries",
    "tuple_type": _LIST,
    "value_error": "{error}",
}
_FIXES = {"missing": "add it", "string_type": "put it in quotes", "tuple_type": 'put it in brackets: ["a", "b"]'}
_OPTIONS = frozenset({"enum", "literal_error"})
_BOUNDS = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal"})
_UNITS = {"bytes": "bytes", "days": "days", "mtok": "USD", "s": "seconds", "tokens": "tokens", "usd": "USD"}
# What other programs call a key that Fairlead calls by another name.
_ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    "api_base": ("base_url",),
    "backends": ("candidates", "providers"),
    "deployments": ("candidates",),
    "endpoint": ("base_url",),
    "location": ("region",),
    "password": ("key", "api_key"),
    "token": ("api_key", "key"),
    "type": ("kind",),
    "url": ("base_url",),
    "vendor": ("kind",),
}


def explain(path: KeyPath, details: ErrorDetails) -> tuple[str, str, str]:
    """Say what was found, what was expected and what mends it.

    Args:
        path: Of the key in the file.
        details: What pydantic says of it.
    """
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind in _OPTIONS:
        options = re.findall(r"'([^']*)'", context["expected"])
        expected, fix = "one of " + ", ".join(f'"{option}"' for option in options), choose(value, options)
    else:
        shown = {
            name: round(each) if isinstance(each, float) and each.is_integer() else each
            for name, each in context.items()
        }
        expected = _EXPECTED.get(kind, "a valid value").format_map(shown)
        fix = _shape_fix(path, expected, value) or _FIXES.get(kind, "correct the value")
    return _found(kind, value), expected, fix


def _found(kind: str, value: object) -> str:
    if kind == "missing":
        return "nothing"
    if kind.endswith(("_type", "_parsing")) and isinstance(value, str) and value:
        return _STRING
    if kind in _BOUNDS and isinstance(value, int | float):
        return str(value)
    return describe(value)


def _shape_fix(path: KeyPath, expected: str, value: object) -> str | None:
    """Say how the right kind of table or list is written; None where that is not what is wrong."""
    if expected == _TABLE and not isinstance(path[-1], int):
        return f"write [{dotted(path)}] once, in single brackets, and its keys below it"
    if expected == _TABLE:
        return f"write [[{dotted(path[:-1])}]] for each entry, and its keys below it"
    if expected == _LIST and isinstance(value, dict):
        return f"write [[{dotted(path)}]] in double brackets, once for each entry"
    if expected == _STRING and isinstance(value, list):
        return "write one string, without brackets"
    unit = _UNITS.get(str(path[-1]).rpartition("_")[2])
    if unit and expected in (_NUMBER, _WHOLE) and isinstance(value, str):
        return f"write the {unit} as a number alone"
    return None


def describe(value: object) -> str:
    """Say what kind of value this is, never which."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return "a number"
        case str():
            return "a string that does not fit" if value else "an empty string"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case date() | time():
            return "a date or time"
        case _:
            return "a table" if value else "an empty table"


def dotted(path: KeyPath) -> str:
    """Write a path as TOML would: `models."gpt-4o".candidates[0].provider`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _BARE_KEY.fullmatch(part) else '"' + part.replace('"', '\\"') + '"'
            text += f".{key}" if text else key
    return text


def nearest(word: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Find the known word that was probably meant. `likeness`: 0 to 1; `SURELY` leaves slips of the finger alone."""
    words = {each.casefold(): each for each in known}
    meant = [each for each in _ELSEWHERE.get(word.casefold(), ()) if each in words]
    meant += get_close_matches(word.casefold(), list(words), n=1, cutoff=likeness)
    return words[meant[0]] if meant else None


def choose(value: object, options: Iterable[str]) -> str:
    """Say which option was probably meant; the options themselves are told elsewhere."""
    hint = nearest(value, options) if isinstance(value, str) else None
    return f'did you mean "{hint}"?' if hint else "choose one of them"


def choose_name(value: str, names: Sequence[str]) -> str:
    """Say which name was probably meant, else which there are: keys of the file, never strings of it."""
    hint = nearest(value, names)
    if hint or not names:
        return f'did you mean "{hint}"?' if hint else "add it: there is none yet"
    more = ", …" if len(names) > SHOWN_NAMES else ""
    return f"choose one of: {', '.join(names[:SHOWN_NAMES])}{more}"


def keys_at(model: type[Row], path: KeyPath) -> list[str]:
    """List the keys of the table at a path within a model; none where the schema has no table there."""
    for part in path:
        if isinstance(part, str):
            field = model.model_fields.get(part)
            inner = row_type(field.annotation) if field else None
            if inner is None:
                return []
            model = inner
    return list(model.model_fields)


def row_type(annotation: Any) -> type[Row] | None:  # noqa: ANN401 - typing has no name for "any annotation"
    """Find the table type within an annotation such as `tuple[X, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Row):
        return annotation
    return next(filter(None, map(row_type, get_args(annotation))), None)
