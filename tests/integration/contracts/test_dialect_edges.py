"""What holds for clients and upstreams of every dialect: counts, errors, arrays, names that clients choose."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.gateway import RunningGateway
from tests.fakes.heard import Heard
from tests.fakes.rawserver import chunk, response
from tests.fakes.rawstreams import HEAD, event
from tests.integration.contracts.scene import JSON, Witness, ask, model, post, providers, refused, said, scene, streamed

HELLO = [{"role": "user", "content": "hello"}]
CONTENTS = [{"role": "user", "parts": [{"text": "hello"}]}]
ARRAY = "/v1beta/models/m:streamGenerateContent"


async def send(gateway: RunningGateway, path: str, **members: object) -> Heard:
    return await post(gateway, json.dumps(members).encode(), path=path)


@pytest.mark.parametrize(
    ("kind", "path", "asked", "counted"),
    [
        pytest.param(
            "anthropic",
            "/v1/messages/count_tokens",
            {"model": "m", "messages": HELLO},
            b'{"input_tokens": 7}',
            id="anthropic",
        ),
        pytest.param(
            "gemini", "/v1beta/models/m:countTokens", {"contents": CONTENTS}, b'{"totalTokens": 7}', id="google"
        ),
    ],
)
async def test_count_of_tokens_passes_as_it_came_and_is_free(
    kind: str, path: str, asked: dict[str, Any], counted: bytes
) -> None:
    async with scene(providers("a", kind=kind) + model("a"), a=Witness(response(counted, JSON))) as gateway:
        heard = await send(gateway, path, **asked)
        assert gateway.metric("unpriced_requests_total", provider="a", model="m") == 0
    assert (heard.status, heard.body, heard.headers["x-fairlead-cost-usd"]) == (200, counted, "0.00")


async def test_count_that_is_none_is_no_answer() -> None:
    async with scene(providers("a", kind="anthropic") + model("a"), a=Witness(response(b"{}", JSON))) as gateway:
        heard = await send(gateway, "/v1/messages/count_tokens", model="m", messages=HELLO)
    assert (heard.status, heard.headers["x-fairlead-trail"]) == (502, "a=protocol")


TOOL = event({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{"}}]})
WORD = event({"content": "Hi"})


@pytest.mark.parametrize("before", [TOOL, WORD], ids=["nothing-written", "a-word-written"])
async def test_array_that_is_cut_is_an_array_with_an_error_at_its_end(before: bytes) -> None:
    cut = HEAD + chunk(before)
    async with scene(
        providers("a") + model("a"), a=Witness(cut.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
    ) as gateway:
        heard = await send(gateway, ARRAY, contents=CONTENTS)
    assert heard.status == 200
    assert json.loads(heard.body)[-1]["error"]["status"] == "UNAVAILABLE"


@pytest.mark.parametrize("stated", [True, False], ids=["with-terminator", "without"])
async def test_messages_end_whole_with_their_own_terminator_alone(stated: bool) -> None:
    events = [
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ]
    stream = b"".join([b"data: " + json.dumps(item).encode() + b"\n\n" for item in (events if stated else events[:-1])])
    async with scene(providers("a", kind="anthropic") + model("a"), a=Witness(streamed(stream))) as gateway:
        heard = await send(gateway, "/v1/messages", model="m", max_tokens=9, messages=HELLO, stream=True)
    assert (b"message_stop" in heard.body, b"event: error" in heard.body) == (stated, not stated)
    assert (heard.body == stream) is stated


@pytest.mark.parametrize("body", [b"<html>no</html>", b'"no"', b'{"error":{"message":"' + b"n" * 5000 + b'"}}'])
async def test_refusal_that_is_no_small_object_is_told_in_the_client_s_dialect(body: bytes) -> None:
    refusal = response(body, JSON, status=b"400 Bad Request")
    async with scene(providers("a", kind="anthropic") + model("a"), a=Witness(refusal)) as gateway:
        heard = await send(gateway, "/v1/messages", model="m", max_tokens=9, messages=HELLO)
    assert (heard.status, json.loads(heard.body)["type"]) == (400, "error")
    assert len(heard.body) < 4096


@pytest.mark.parametrize(
    ("method", "path", "headers", "told"),
    [
        pytest.param("POST", "/v1beta/models/m:predict", {}, "code", id="google-method"),
        pytest.param("POST", "/v1/models/m:predict", {}, "code", id="google-method-of-v1"),
        pytest.param("GET", "/v1beta/models/none", {}, "code", id="google-model"),
        pytest.param("GET", "/v1/models/none:8b", {}, "type", id="openai-model"),
        pytest.param("GET", "/v1/models/none", {"anthropic-version": "x"}, "details", id="anthropic-model"),
        pytest.param("POST", "/v1/messages/batches", {}, "details", id="anthropic-path"),
        pytest.param("GET", "/nothing", {}, "type", id="any-path"),
    ],
)
async def test_where_nothing_is_the_error_is_of_the_client_s_dialect(
    method: str, path: str, headers: dict[str, str], told: str
) -> None:
    async with scene(providers("a") + model("a"), a=Witness(said())) as gateway:
        answer = await gateway.client.request(method, path, headers=headers)
    assert answer.status_code in (404, 405)
    assert told in answer.json()["error"]


async def test_ollama_s_clients_are_told_what_is_wrong_in_one_word() -> None:
    async with scene(providers("a") + model("a"), a=Witness(said())) as gateway:
        answer = await gateway.client.post("/api/pull", json={})
    assert (answer.status_code, list(answer.json())) == (404, ["error"])


@pytest.mark.parametrize("path", ["/v1/models", "/v1beta/models"])
async def test_google_s_clients_get_their_own_list_of_models(path: str) -> None:
    async with scene(providers("a") + model("a"), a=Witness(said())) as gateway:
        listed = await gateway.client.get(path, headers={"x-goog-api-client": "google-genai-sdk/3.4.0"})
        one = await gateway.client.get(f"{path}/m", headers={"x-goog-api-client": "google-genai-sdk/3.4.0"})
    assert [row["name"] for row in listed.json()["models"]] == ["models/m"]
    assert one.json()["name"] == "models/m"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b'{"model":"m"}', 200, id="name"),
        pytest.param(b'{"model":5}', 400, id="number"),
        pytest.param(b'{"x":' + b"[" * 60_000, 400, id="nested"),
        pytest.param(b'{"model":"' + b"m" * 70_000 + b'"}', 413, id="large"),
    ],
)
async def test_body_that_names_a_model_is_small(body: bytes, status: int) -> None:
    async with scene(providers("a") + model("a"), a=Witness(said())) as gateway:
        answer = await gateway.client.post("/api/show", content=body)
    assert answer.status_code == status


MIXED = providers("a", kind="anthropic") + providers("b", kind="openai_compatible") + model("a", "b")


async def test_who_cannot_be_asked_is_passed_over() -> None:
    async with scene(MIXED, a=Witness(said()), b=Witness(said())) as gateway:
        heard = await ask(gateway, n=2)
    assert (heard.status, heard.headers["x-fairlead-trail"]) == (200, "a=unsupported;b=ok")


async def test_without_failover_who_cannot_be_asked_says_why() -> None:
    async with scene(MIXED, a=Witness(said()), b=Witness(said())) as gateway:
        heard = await ask(gateway, n=2, headers={"x-fairlead-no-failover": "true"})
    assert (heard.status, heard.error["code"]) == (400, "unsupported")


async def test_limit_of_the_only_one_that_can_be_asked_is_a_limit() -> None:
    limited = refused(429, "slow", b"Retry-After: 30")
    async with scene(MIXED, a=Witness(said()), b=Witness(limited)) as gateway:
        answers = [await ask(gateway, n=2) for _ in range(2)]
    assert [(heard.status, heard.error["code"]) for heard in answers] == [(429, "rate_limit_exceeded")] * 2
    assert all("retry-after" in heard.headers for heard in answers)


LOGPROBS = {"content": [{"token": "a", "logprob": {}}]}
CITED = [None]


@pytest.mark.parametrize("path", ["/v1/responses", "/api/chat"])
async def test_oddities_of_an_upstream_are_left_out_of_its_answer(path: str) -> None:
    message = {"role": "assistant", "content": "hello", "annotations": CITED}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": LOGPROBS}
    asked = (
        {"model": "m", "input": "x"} if path == "/v1/responses" else {"model": "m", "messages": HELLO, "stream": False}
    )
    async with scene(providers("a", kind="mistral") + model("a"), a=Witness(said(choices=[choice]))) as gateway:
        heard = await send(gateway, path, **asked)
    assert (heard.status, b"hello" in heard.body) == (200, True)
