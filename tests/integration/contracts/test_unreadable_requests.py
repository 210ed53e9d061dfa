"""Requests whose texts hold what JSON does not allow: they pass as they came, or are the client's fault."""

from __future__ import annotations

import json

import pytest

from proxy.wire.jsonbody import LARGE_BYTES
from tests.integration.contracts.scene import Witness, model, post, providers, said, scene

LONG = b"x" * LARGE_BYTES
NO_JSON = [
    pytest.param(b"\x01", id="control-character"),
    pytest.param(rb"\q", id="escape-that-is-none"),
    pytest.param(rb"\u12", id="escape-cut-short"),
    pytest.param(b"\xff\xfe", id="no-utf-8"),
    pytest.param(rb"\ud83d" + b"\xff", id="half-a-character-and-no-utf-8"),
]
KINDS = ["anthropic", "gemini", "bedrock", "cohere", "perplexity"]
MESSAGES = b'"messages": [{"role": "user", "content": "@"}]'
CONTENTS = b'"contents": [{"role": "user", "parts": [{"text": "@"}]}]'
CLIENTS = [
    pytest.param("/v1/chat/completions", MESSAGES, id="chat"),
    pytest.param("/v1/responses", b'"input": "@"', id="responses"),
    pytest.param("/v1/messages", b'"max_tokens": 9, ' + MESSAGES, id="messages"),
    pytest.param("/v1beta/models/m:generateContent", CONTENTS, id="google"),
    pytest.param("/api/chat", MESSAGES, id="ollama"),
    pytest.param("/api/generate", b'"prompt": "@"', id="ollama-prompt"),
]
ASKED = b'{"role": "user", "content": "x"}'
USE = b'{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": "@"}}]}'
CALL = b'{"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": "@"}}}]}'
OLLAMAS = b'{"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"a": "@"}}}]}'
FORM = b'"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"title": "@"}}}, '
CHAT = "/v1/chat/completions"
PLACES = [  # which are not decoded, but put into another request as they came
    pytest.param(
        "/v1/messages", "mistral", b'"max_tokens": 9, "messages": [%b, %b]' % (ASKED, USE), id="input-of-claude"
    ),
    pytest.param(
        "/v1beta/models/m:generateContent", "mistral", b'"contents": [{"parts": []}, %b]' % CALL, id="args-of-gemini"
    ),
    pytest.param("/api/chat", "mistral", b'"messages": [%b, %b]' % (ASKED, OLLAMAS), id="arguments-of-ollama"),
    pytest.param(CHAT, "anthropic", FORM + b'"messages": [%b]' % ASKED, id="schema"),
    pytest.param(
        CHAT, "perplexity", b'"web_search_options": {"search_context_size": "@"}, "messages": [%b]' % ASKED, id="search"
    ),
    pytest.param(
        CHAT,
        "perplexity",
        b'"tools": [{"type": "custom", "custom": {"name": "c", "format": {"type": "@"}}}], "messages": [%b]' % ASKED,
        id="grammar",
    ),
    pytest.param(
        "/v1/responses",
        "mistral",
        b'"input": "x", "tools": [{"type": "function", "name": "f", "parameters": {"title": "@"}}]',
        id="parameters",
    ),
    pytest.param("/v1beta/models/m:embedContent", "gemini", b'"content": {"parts": [{"text": "@"}]}', id="vectors"),
]


def table(kind: str) -> str:
    return providers("a", kind=kind, more='region = "eu-central-1"' if kind == "bedrock" else "") + model("a")


@pytest.mark.parametrize("text", NO_JSON)
@pytest.mark.parametrize("kind", KINDS)
async def test_text_that_no_dialect_can_say_is_the_clients_fault(kind: str, text: bytes) -> None:
    witness = Witness(said())
    async with scene(table(kind), a=witness) as gateway:
        heard = await post(gateway, b'{"model": "m", ' + MESSAGES.replace(b"@", LONG + text) + b"}")
    assert (heard.status, json.loads(heard.body)["error"]["type"]) == (400, "invalid_request_error")
    assert witness.calls == 0


@pytest.mark.parametrize("text", NO_JSON)
@pytest.mark.parametrize(("path", "asked"), CLIENTS)
async def test_it_is_in_every_clients_dialect(path: str, asked: bytes, text: bytes) -> None:
    async with scene(table("cohere"), a=Witness(said())) as gateway:
        heard = await post(gateway, b'{"model": "m", ' + asked.replace(b"@", LONG + text) + b"}", path=path)
    assert (heard.status, "error" in json.loads(heard.body)) == (400, True)


@pytest.mark.parametrize("text", [b"\xff\xfe", rb"\ud83d" + b"\xff"], ids=["alone", "beside-half-a-character"])
@pytest.mark.parametrize("size", [0, LARGE_BYTES], ids=["small", "large"])
@pytest.mark.parametrize(("path", "kind", "asked"), PLACES)
async def test_bytes_that_are_no_text_are_the_clients_fault(
    path: str, kind: str, asked: bytes, size: int, text: bytes
) -> None:
    witness = Witness(said())
    async with scene(table(kind), a=witness) as gateway:
        heard = await post(gateway, b'{"model": "m", ' + asked.replace(b"@", LONG[:size] + text) + b"}", path=path)
    assert (heard.status, witness.calls) == (400, 0)


async def test_half_a_character_in_a_tool_is_answered() -> None:
    asked = b'"input": "x", "tools": [{"type": "function", "name": "f", "description": "\\ud83d"}]'
    async with scene(table("mistral"), a=Witness(said())) as gateway:
        heard = await post(gateway, b'{"model": "m", ' + asked + b"}", path="/v1/responses")
    assert (heard.status, json.loads(heard.body)["tools"][0]["description"]) == (200, "\ufffd")


@pytest.mark.parametrize("text", NO_JSON)
async def test_it_passes_as_it_came_to_an_upstream_of_the_same_dialect(text: bytes) -> None:
    witness = Witness(said())
    async with scene(providers("a") + model("a"), a=witness) as gateway:
        heard = await post(gateway, b'{"model": "m", ' + MESSAGES.replace(b"@", LONG + text) + b"}")
    assert heard.status == 200
    assert LONG + text + b'"' in witness.requests[0].body
