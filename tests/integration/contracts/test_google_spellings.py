"""Google takes each name in camel case and in snake case, and so does what its clients ask through here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.rawserver import response
from tests.integration.contracts.scene import JSON, Witness, model, post, said, scene

PATH = "/v1beta/models/m:generateContent"
ANSWER = response(
    b'{"candidates":[{"content":{"role":"model","parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":'
    b'{"promptTokenCount":3,"candidatesTokenCount":1,"totalTokenCount":4},"modelVersion":"up"}',
    JSON,
)
CAMEL: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "be brief"}]},
    "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
    "generationConfig": {
        "maxOutputTokens": 50,
        "topP": 0.5,
        "stopSequences": ["x"],
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"max_size": {"type": "STRING", "minLength": "1"}}},
    },
    "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "anyOf": []}}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    "safetySettings": [],
}
SNAKE: dict[str, Any] = {
    "system_instruction": {"parts": [{"text": "be brief"}]},
    "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
    "generation_config": {
        "max_output_tokens": 50,
        "top_p": 0.5,
        "stop_sequences": ["x"],
        "response_mime_type": "application/json",
        "response_schema": {"type": "OBJECT", "properties": {"max_size": {"type": "STRING", "min_length": "1"}}},
    },
    "tools": [{"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT", "any_of": []}}]}],
    "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}},
    "safety_settings": [],
}
spellings = pytest.mark.parametrize("asked", [CAMEL, SNAKE], ids=["camel", "snake"])


def one(kind: str, more: str = "", base: str = "@a") -> str:
    return f'[providers.a]\nkind = "{kind}"\nbase_url = "{base}"\napi_key = "k"\n{more}\n' + model("a")


@spellings
async def test_google_gets_what_its_client_wrote(asked: dict[str, Any]) -> None:
    a = Witness(ANSWER)
    async with scene(one("gemini"), a=a) as gateway:
        heard = await post(gateway, json.dumps(asked).encode(), path=PATH)
    assert (heard.status, a.bodies) == (200, [asked])


async def test_another_vendor_is_asked_the_same_in_either_spelling() -> None:
    a = Witness(said())
    async with scene(one("openai", base="@a/v1"), a=a) as gateway:
        for asked in (CAMEL, SNAKE):
            heard = await post(gateway, json.dumps(asked).encode(), path=PATH)
            assert (heard.status, heard.headers["x-fairlead-dropped-params"]) == (200, "safetySettings")
    camel, snake = a.bodies
    assert camel == snake
    assert (camel["max_completion_tokens"], camel["stop"], camel["messages"][0]["role"]) == (50, ["x"], "system")


@spellings
async def test_schema_is_a_demand(asked: dict[str, Any]) -> None:
    capabilities = "[models.m.capabilities]\njson_schema = false\n"
    a = Witness(ANSWER)
    async with scene(one("gemini") + capabilities, a=a) as gateway:
        heard = await post(gateway, json.dumps(asked).encode(), path=PATH)
    assert (heard.status, a.calls) == (400, 0)
    assert b"JSON schema" in heard.body or b"json_schema" in heard.body


@spellings
@pytest.mark.parametrize("dropped", ["safetySettings", "safety_settings"])
@pytest.mark.parametrize(
    ("kind", "base"), [pytest.param("gemini", "@a", id="native"), pytest.param("openai", "@a/v1", id="translated")]
)
async def test_member_that_a_provider_drops_is_dropped_in_either_spelling(
    asked: dict[str, Any], dropped: str, kind: str, base: str
) -> None:
    a = Witness(ANSWER if kind == "gemini" else said())
    async with scene(one(kind, f'drop_params = ["{dropped}"]', base), a=a) as gateway:
        heard = await post(gateway, json.dumps(asked).encode(), path=PATH)
    assert heard.headers["x-fairlead-dropped-params"] in ("safetySettings", "safety_settings")
    assert not {"safetySettings", "safety_settings"} & a.bodies[0].keys()
