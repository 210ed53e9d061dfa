"""Tools that a vendor runs with another model than the one asked for: who may have them used, and what they cost."""

from __future__ import annotations

import json

import pytest

from tests.fakes.rawserver import response
from tests.fakes.wireclient import CHAT
from tests.integration.contracts.scene import JSON, Witness, ask, model, post, providers, said, scene

MESSAGES = "/v1/messages"
CLAUDE = '[providers.a]\nkind = "anthropic"\nbase_url = "@a"\napi_key = "sk-of-a"\n'
PRICES = "input_usd_per_mtok = {}\noutput_usd_per_mtok = {}\n"
ADVISOR = {"type": "advisor_20260301", "name": "advisor", "model": "big"}
USAGE = {
    "input_tokens": 100,
    "output_tokens": 20,
    "iterations": [
        {"type": "message", "input_tokens": 100, "output_tokens": 5},
        {"type": "advisor_message", "model": "big", "input_tokens": 1000, "output_tokens": 300},
        {"type": "message", "input_tokens": 400, "output_tokens": 15},
    ],
}


def advised() -> bytes:
    """An answer of Claude's that an advisor had part in."""
    answer = {"id": "msg_1", "type": "message", "role": "assistant", "model": "up", "content": []}
    return response(json.dumps({**answer, "stop_reason": "end_turn", "usage": USAGE}).encode(), JSON)


def priced(name: str, rates: tuple[int, int]) -> str:
    return f'[prices."a/{name}"]\n{PRICES.format(*rates)}'


async def test_advice_is_counted_and_costs_what_its_own_model_costs() -> None:
    toml = CLAUDE + model("a") + priced("up", (1, 2)) + priced("big", (10, 20))
    async with scene(toml, a=Witness(advised())) as gateway:
        heard = await ask(gateway, path=MESSAGES, max_tokens=9, tools=[ADVISOR])
        counted = gateway.metric("tokens_total", provider="a", model="m", type="prompt")
    assert (heard.status, counted) == (200, 1500)
    assert heard.headers["x-fairlead-cost-usd"] == "0.01654"  # 500 × 1 + 20 × 2 + 1000 × 10 + 300 × 20 a million


async def test_advice_of_a_model_without_a_price_leaves_no_cost() -> None:
    async with scene(CLAUDE + model("a") + priced("up", (1, 2)), a=Witness(advised())) as gateway:
        heard = await ask(gateway, path=MESSAGES, max_tokens=9, tools=[ADVISOR])
        unpriced = gateway.metric("unpriced_requests_total", provider="a", model="m")
    assert "x-fairlead-cost-usd" not in heard.headers
    assert unpriced == 1


LISTED, FREE = "listed-key-0123456789", "free-key-0123456789"
KEYS = f"""
[auth]
keys = [
  {{ name = "listed", key = "{LISTED}", models = ["m", "helper"] }},
  {{ name = "free", key = "{FREE}" }},
]
[models.helper]
model = "small"
providers = ["a"]
[models.other]
model = "big"
providers = ["a"]
"""
RESPONSES, GEMINI = "/v1/responses", "/v1beta/models/m:generateContent"
DRAWING = {"type": "image_generation", "model": "big"}
ROUTED = {"routingConfig": {"manualMode": {"modelName": "big"}}}


def of(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    ("path", "members", "place"),
    [
        pytest.param(MESSAGES, {"max_tokens": 9, "tools": [ADVISOR]}, "tools[0].model", id="anthropic"),
        pytest.param(CHAT, {"compound_custom": {"models": {"answering_model": "big"}}}, "answering_model", id="chat"),
        pytest.param(CHAT, {"stream": True, "tools": [{"type": "openrouter:fusion"}]}, "tools[0].type", id="stream"),
        pytest.param(RESPONSES, {"input": "hi", "tools": [DRAWING]}, "tools[0].model", id="responses"),
        pytest.param(GEMINI, {"contents": [], "generationConfig": ROUTED}, "manualMode.modelName", id="gemini"),
        pytest.param("/v1/images/generations", {"prompt": "a", "svg": {"model": "big"}}, "svg.model", id="images"),
    ],
)
async def test_key_with_a_list_reaches_no_other_model_by_a_tool(
    path: str, members: dict[str, object], place: str
) -> None:
    """It is refused as any model that the key may not use, in the client's dialect, and nothing is sent."""
    witness = Witness(said())
    async with scene(KEYS + providers("a") + model("a"), a=witness) as gateway:
        body = {"model": "m", **members}
        heard = await post(gateway, json.dumps(body).encode(), headers=of(LISTED), path=path)
        plain = await post(gateway, json.dumps({**body, "model": "other"}).encode(), headers=of(LISTED), path=path)
    assert witness.calls == 0
    assert heard.status == 404
    assert place in heard.body.decode()
    if path != GEMINI:  # which has the model in its path
        told, usual = json.loads(heard.body)["error"], json.loads(plain.body)["error"]
        assert (plain.status, usual["type"], usual.get("code")) == (404, told["type"], told.get("code"))


async def test_key_with_a_list_may_have_its_own_models_used() -> None:
    witness = Witness(advised())
    async with scene(KEYS + CLAUDE + model("a"), a=witness) as gateway:
        tool = {**ADVISOR, "model": "small"}
        heard = await ask(gateway, path=MESSAGES, headers=of(LISTED), max_tokens=9, tools=[tool])
    assert (heard.status, witness.bodies[0]["tools"]) == (200, [tool])


@pytest.mark.parametrize("headers", [of(FREE), None], ids=["without-a-list", "open-mode"])
async def test_whoever_may_use_all_models_may_name_any(headers: dict[str, str] | None) -> None:
    witness = Witness(advised())
    async with scene((KEYS if headers else "") + CLAUDE + model("a"), a=witness) as gateway:
        heard = await ask(gateway, path=MESSAGES, headers=headers, max_tokens=9, tools=[ADVISOR])
    assert (heard.status, witness.bodies[0]["tools"]) == (200, [ADVISOR])
