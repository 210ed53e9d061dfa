"""Tools that a vendor runs with another model than the one asked for: who may have them used, and what they cost."""

from __future__ import annotations

import json

from tests.fakes.rawserver import response
from tests.integration.contracts.scene import JSON, Witness, ask, model, scene

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
