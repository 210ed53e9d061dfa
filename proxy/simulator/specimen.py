"""A value that a JSON schema allows: the arguments of simulated tool calls and simulated structured output.

Covers what structured output uses: types, properties, items, enum, const, anyOf, oneOf, allOf, `$ref`, bounds, lengths,
common formats. `pattern` and the conditional keywords are not obeyed. Deterministic, bounded in depth and size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

_DEEP = 6  # from here on what may be left out is left out, so that a recursive schema ends
_DEEPEST = 24  # from here on everything is
_MOST_VALUES = 10_000
_MOST_ITEMS = 100
_LONGEST = 1_000
_MOST_REFERENCES = 16
_FORMATS: Mapping[str, str] = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
Schema = Mapping[str, Any]


def specimen(schema: object) -> object:
    """Return a value for a schema. What is not a schema object allows anything and gives a string."""
    return _Specimens(schema if isinstance(schema, Mapping) else {}).value(schema, 0)


class _Specimens:
    """Walks one schema; knows its root for `$ref`."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._made = 0

    def value(self, schema: object, depth: int) -> object:
        self._made += 1
        if not isinstance(schema, Mapping) or self._made > _MOST_VALUES:
            return "simulated"
        schema = self._resolve(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return self.value(_deepened(options, depth), depth + 1)
        kind = _type_of(schema, depth)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        return _scalar(kind, schema)

    def _resolve(self, schema: Schema) -> Schema:
        """Follow `$ref` within the document and merge `allOf`."""
        for _ in range(_MOST_REFERENCES):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                break
            schema = {**self._target(reference), **{key: value for key, value in schema.items() if key != "$ref"}}
        for part in schema.get("allOf") or ():
            schema = _merged(schema, self._resolve(part) if isinstance(part, Mapping) else {})
        return schema

    def _target(self, reference: str) -> Schema:
        found: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step:
                found = found.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, Mapping) else {}
        return found if isinstance(found, Mapping) else {}

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = schema.get("required") or ()
        wanted = properties if depth < _DEEP else [name for name in properties if name in required]
        if depth > _DEEPEST:
            return {}
        return {name: self.value(properties[name], depth + 1) for name in wanted}

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        prefix = schema.get("prefixItems") or ()
        least = schema.get("minItems", 1 if depth < _DEEP else 0)
        count = min(least, schema.get("maxItems", _MOST_ITEMS), _MOST_ITEMS)
        items = schema.get("items")
        schemas = [*prefix, *([items] * max(0, count - len(prefix)))] if items is not False else list(prefix)
        return [self.value(item, depth + 1) for item in schemas]


def _deepened(options: Sequence[object], depth: int) -> object:
    """Choose an alternative: the first that is not null, and null where the value is already deep."""
    nulls = [option for option in options if isinstance(option, Mapping) and option.get("type") == "null"]
    others = [option for option in options if option not in nulls]
    return nulls[0] if nulls and (depth >= _DEEP or not others) else others[0]


def _merged(schema: Schema, part: Schema) -> Schema:
    properties = {**(part.get("properties") or {}), **(schema.get("properties") or {})}
    required = [*(part.get("required") or ()), *(schema.get("required") or ())]
    return {**part, **schema, "properties": properties, "required": required}


def _type_of(schema: Schema, depth: int) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = "null" if "null" in kind and depth >= _DEEP else next((k for k in kind if k != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _scalar(kind: str, schema: Schema) -> object:
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    if kind in ("integer", "number"):
        return _number(schema, whole=kind == "integer")
    return _string(schema)


def _string(schema: Schema) -> str:
    text = _FORMATS.get(schema.get("format", ""), "simulated")
    least, most = min(schema.get("minLength", 0), _LONGEST), schema.get("maxLength", _LONGEST)
    return text.ljust(least, ".")[:most]


def _number(schema: Schema, *, whole: bool) -> int | float:
    """Return the allowed number nearest above the lower bound, or below the upper one; 1 where there is no bound."""
    step = schema.get("multipleOf") or (1 if whole else 0.5)
    if "minimum" in schema or "exclusiveMinimum" in schema:
        low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
        number = math.ceil(low / step) * step
        number = number + step if number <= schema.get("exclusiveMinimum", -math.inf) else number
    else:
        high = min(schema.get("maximum", step), schema.get("exclusiveMaximum", math.inf))
        number = math.floor(high / step) * step
        number = number - step if number >= schema.get("exclusiveMaximum", math.inf) else number
    return int(number) if whole else float(number)
