"""Values made for JSON schemas, judged by a real validator."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from proxy.simulator.specimen import specimen

_NODE = {
    "type": "object",
    "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]}},
    "required": ["value", "next"],
    "additionalProperties": False,
}
_TREE = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["name", "children"],
}


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "string"}, id="string"),
        pytest.param({"type": "string", "minLength": 20, "maxLength": 22}, id="lengths"),
        pytest.param({"type": "string", "maxLength": 3}, id="short"),
        pytest.param({"type": "string", "enum": ["a", "b"]}, id="enum"),
        pytest.param({"const": {"x": 1}}, id="const"),
        pytest.param({"const": None}, id="const-null"),
        pytest.param({"type": "boolean"}, id="boolean"),
        pytest.param({"type": "null"}, id="null"),
        pytest.param({"type": "integer"}, id="integer"),
        pytest.param({"type": "integer", "minimum": 7}, id="minimum"),
        pytest.param({"type": "integer", "exclusiveMinimum": 7}, id="exclusive-minimum"),
        pytest.param({"type": "integer", "maximum": -3}, id="maximum"),
        pytest.param({"type": "integer", "exclusiveMaximum": -3}, id="exclusive-maximum"),
        pytest.param({"type": "integer", "exclusiveMinimum": 10, "multipleOf": 5}, id="multiple"),
        pytest.param({"type": "number", "minimum": 0.25, "maximum": 0.5}, id="number-in-bounds"),
        pytest.param({"type": "number", "exclusiveMaximum": 0}, id="number-below"),
        pytest.param({"type": ["string", "null"]}, id="nullable"),
        pytest.param({"type": ["null"]}, id="only-null"),
        pytest.param({"type": "array", "items": {"type": "integer"}}, id="array"),
        pytest.param({"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 3}, id="item-count"),
        pytest.param({"type": "array", "items": {"type": "integer"}, "maxItems": 0}, id="no-items"),
        pytest.param(
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "null"}], "items": False, "minItems": 2},
            id="tuple",
        ),
        pytest.param({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, id="object-by-its-properties"),
        pytest.param({"items": {"type": "integer"}}, id="array-by-its-items"),
        pytest.param({"anyOf": [{"type": "null"}, {"type": "integer"}]}, id="any-of-prefers-a-value"),
        pytest.param({"anyOf": [{"type": "null"}]}, id="any-of-only-null"),
        pytest.param({"oneOf": [{"type": "boolean"}, {"type": "integer"}]}, id="one-of"),
        pytest.param(
            {
                "allOf": [
                    {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
                ]
            },
            id="all-of",
        ),
        pytest.param({"$ref": "#/$defs/node", "$defs": {"node": _NODE}}, id="recursive-by-null"),
        pytest.param(_TREE, id="recursive-by-array"),
        pytest.param(
            {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "integer", "minimum": 2}}}, id="escaped-reference"
        ),
        pytest.param(True, id="anything"),
    ],
)
def test_specimen_is_valid_for_its_schema(schema: Any) -> None:  # noqa: ANN401 - any JSON
    assert not list(jsonschema.Draft202012Validator(schema).iter_errors(specimen(schema)))


@pytest.mark.parametrize("name", ["date", "date-time", "email", "ipv4", "ipv6", "uuid"])
def test_specimen_has_the_format_asked_for(name: str) -> None:
    value = specimen({"type": "string", "format": name})
    assert jsonschema.FormatChecker().conforms(value, name)


def test_schema_that_can_never_be_met_still_ends() -> None:
    endless = {"type": "object", "properties": {str(n): {"$ref": "#"} for n in range(50)}}
    assert isinstance(specimen({**endless, "required": list(endless["properties"])}), dict)


def test_references_in_a_circle_end() -> None:
    assert specimen({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}) == "simulated"


@pytest.mark.parametrize("reference", ["#/nowhere/at/all", "#/type/deeper", "#/type"])
def test_reference_to_nothing_allows_anything(reference: str) -> None:
    assert specimen({"type": "object", "properties": {"a": {"$ref": reference}}}) == {"a": "simulated"}


def test_deep_optional_members_are_left_out_of_a_recursive_object() -> None:
    schema = {"type": "object", "properties": {"again": {"$ref": "#"}}}
    text = str(specimen(schema))
    assert 5 < text.count("again") < 10


def test_all_of_may_hold_what_is_no_schema() -> None:
    assert specimen({"type": "integer", "allOf": [True]}) == 1


def test_deep_nullable_type_becomes_null() -> None:
    schema = {"type": ["object", "null"], "properties": {"again": {"$ref": "#"}}, "required": ["again"]}
    assert not list(jsonschema.Draft202012Validator(schema).iter_errors(specimen(schema)))
