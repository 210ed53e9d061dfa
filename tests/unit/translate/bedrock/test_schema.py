"""Structured answers: who is held to a schema, and to what of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from proxy.core.capabilities import Capabilities
from proxy.core.conversation import JsonFormat
from proxy.core.translation import Untranslatable
from tests.unit.translate.bedrock import made
from tests.unit.translate.bedrock.made import sent
from tests.unit.translate.talking import talk

SCHEMA = b'{"type":"object","properties":{"n":{"type":"integer","minimum":1}},"required":["n"]}'


def definition(schema: bytes, model: str = made.SONNET) -> dict[str, Any]:
    body, _ = sent(talk(format_=JsonFormat(Raw(schema), "answer", "A number.")), model)
    form = body["outputConfig"]["textFormat"]
    assert form["type"] == "json_schema"
    found: dict[str, Any] = form["structure"]["jsonSchema"]
    return found


def test_the_schema_goes_as_text_with_its_name() -> None:
    written = definition(SCHEMA, made.GPT_OSS)
    assert written == {"schema": SCHEMA.decode(), "name": "answer", "description": "A number."}


def test_a_schema_alone_is_enough() -> None:
    body, _ = sent(talk(format_=JsonFormat(Raw(SCHEMA))), made.GPT_OSS)
    assert body["outputConfig"]["textFormat"]["structure"]["jsonSchema"] == {"schema": SCHEMA.decode()}


@pytest.mark.parametrize(
    ("schema", "cut"),
    [
        pytest.param(
            {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}},
            {
                "type": "object",
                "properties": {"n": {"type": "integer", "description": '{"minimum":1}'}},
                "additionalProperties": False,
            },
            id="limits-become-words",
        ),
        pytest.param(
            {"type": "string", "description": "A day.", "format": "date", "maxLength": 10},
            {"type": "string", "description": 'A day.\n\n{"maxLength":10}', "format": "date"},
            id="words-follow-words",
        ),
        pytest.param({"oneOf": [{"type": "null"}, True]}, {"anyOf": [{"type": "null"}, True]}, id="one-of"),
        pytest.param(
            {"type": "array", "items": {"properties": {}}, "minItems": 1},
            {"type": "array", "items": {"properties": {}, "additionalProperties": False}, "minItems": 1},
            id="items",
        ),
        pytest.param(
            {"$ref": "#/$defs/a", "$defs": {"a": {"const": 1}}, "$schema": "x"},
            {"$ref": "#/$defs/a", "$defs": {"a": {"const": 1}}},
            id="definitions",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"type": "object", "additionalProperties": False},
            id="objects-are-closed",
        ),
        pytest.param(
            {"properties": 3, "anyOf": 4, "format": "x", "minItems": 2},
            {"additionalProperties": False, "description": '{"properties":3,"anyOf":4,"format":"x","minItems":2}'},
            id="what-makes-no-sense",
        ),
    ],
)
def test_a_schema_is_cut_to_claudes_grammar(schema: dict[str, Any], cut: dict[str, Any]) -> None:
    assert json.loads(definition(json.dumps(schema).encode())["schema"]) == cut


@pytest.mark.parametrize("model", [made.NOVA, made.NOVA_2, made.HAIKU_3])
def test_a_model_that_cannot_be_held_to_a_schema_refuses(model: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        definition(SCHEMA, model)
    assert (caught.value.param, caught.value.capability) == ("response_format", "json_schema")


@pytest.mark.parametrize(
    ("model", "can"), [pytest.param(made.NOVA, True, id="can"), pytest.param(made.SONNET, False, id="cannot")]
)
def test_what_is_known_of_the_model_wins(model: str, can: bool) -> None:
    conversation = talk(format_=JsonFormat(Raw(SCHEMA)))
    if can:
        assert "outputConfig" in sent(conversation, model, capabilities=Capabilities(json_schema=True))[0]
        return
    with pytest.raises(Untranslatable):
        sent(conversation, model, capabilities=Capabilities(json_schema=False))


@pytest.mark.parametrize("schema", [b"[]", b"{", b"3"])
def test_what_is_no_schema_is_refused(schema: bytes) -> None:
    with pytest.raises(Untranslatable, match="not a JSON object"):
        definition(schema)
