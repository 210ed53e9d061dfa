"""Endpoints whose requests pass as they came: what holds for all of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.rawserver import response
from tests.fakes.wireclient import WireClient
from tests.integration.contracts.ledger import kept
from tests.integration.contracts.passed import AUDIO, PICTURE, RANKED, SOUND, document, post
from tests.integration.contracts.scene import JSON, TWO, Witness, model, providers, refused, scene

RESPONDED = {"id": "resp_1", "object": "response", "status": "completed", "output": []}
CHARGED = [
    pytest.param("xai", "/v1/images/generations", {**PICTURE, "usage": {"cost_in_usd_ticks": 200_000_000}}, id="image"),
    pytest.param("openrouter", "/v1/rerank", {**RANKED, "usage": {"cost": 0.02, "search_units": 1}}, id="ranking"),
    pytest.param(
        "openrouter", "/v1/responses", {**RESPONDED, "usage": {"input_tokens": 3, "cost": 0.02}}, id="responses"
    ),
    pytest.param("cohere", "/v1/rerank", {**RANKED, "meta": {"billed_units": {"search_units": 2}}}, id="searches"),
]


@pytest.mark.parametrize(("kind", "path", "answer"), CHARGED)
async def test_what_the_upstream_charges_or_counts_is_the_cost(kind: str, path: str, answer: dict[str, Any]) -> None:
    toml = '[prices."a/up"]\nsearch_usd = 0.01\n' + providers("a", kind=kind) + model("a")
    body = {"prompt": "a cat", "query": "q", "documents": ["x", "y"], "input": "hi"}
    async with scene(toml, a=Witness(document(answer))) as gateway:
        ledger = kept(gateway)
        heard = await post(gateway, path, **body)
        assert gateway.metric("unpriced_requests_total", provider="a", model="m") == 0
    assert ledger.closed.cost_nusd == 20_000_000
    assert heard.headers["x-fairlead-cost-usd"] == "0.02"
    assert ledger.closed.usage is not None and not ledger.closed.usage.estimated


UNREPEATED = [
    pytest.param("/v1/images/generations", {"prompt": "p"}, id="images"),
    pytest.param("/v1/audio/speech", {"input": "hi", "voice": "v"}, id="speech"),
]


@pytest.mark.parametrize(("path", "members"), UNREPEATED)
async def test_what_would_be_paid_for_twice_is_not_sent_again_once_begun(path: str, members: dict[str, str]) -> None:
    b = Witness(document(PICTURE))
    async with scene(TWO, a=Witness(refused(500, "broken")), b=b) as gateway:
        answer = await post(gateway, path, **members)
    assert (answer.status_code, b.calls) == (502, 0)
    assert answer.json()["error"]["code"] == "upstream_error"


@pytest.mark.parametrize(("path", "members"), UNREPEATED)
async def test_what_was_refused_or_never_sent_goes_to_the_next(path: str, members: dict[str, str]) -> None:
    good = response(SOUND, AUDIO) if "speech" in path else document(PICTURE)
    for first in (refused(429, "slow down"), refused(404, "Not Found")):
        async with scene(TWO, a=Witness(first), b=Witness(good)) as gateway:
            answer = await post(gateway, path, **members)
        assert (answer.status_code, answer.headers["x-fairlead-provider"]) == (200, "b")


async def test_file_without_content_is_followed_by_the_next_answer_and_nothing_else() -> None:
    upstream = Witness(b"HTTP/1.1 204 No Content\r\n\r\n")
    async with scene(providers("a") + model("a"), a=upstream) as gateway, WireClient(gateway.url) as client:
        for path in ("/v1/files/f/content", "/livez"):
            client.writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        status, headers = await client.head()
        assert (status, "transfer-encoding" in headers) == (204, False)
        assert (await client.heard()).body == b"ok\n"


async def test_key_with_a_budget_is_told_that_nobody_knows_the_price() -> None:
    key = '[[auth.keys]]\nname = "ci"\nkey = "client-key-0123456789"\nbudget_usd_day = 5\n'
    price = '[prices."a/up"]\ninput_usd_per_mtok = 2\noutput_usd_per_mtok = 10\n'
    toml = price + providers("a") + model("a")
    async with scene(key + toml, a=Witness(document(PICTURE))) as gateway:
        gateway.client.headers["authorization"] = "Bearer client-key-0123456789"
        refusal = await post(gateway, "/v1/images/generations", prompt="p")
    async with scene(key + "allow_unpriced = true\n" + toml, a=Witness(document(PICTURE))) as gateway:
        gateway.client.headers["authorization"] = "Bearer client-key-0123456789"
        allowed = await post(gateway, "/v1/images/generations", prompt="p")
    assert refusal.status_code == 400
    assert "its price is unknown" in refusal.json()["error"]["message"]
    assert allowed.status_code == 200


async def test_endpoint_that_a_provider_lacks_sets_nothing_of_its_model_aside() -> None:
    a = Witness(response(b'{"detail":"Not Found"}', JSON, status=b"404 Not Found"), document(RANKED))
    async with scene(providers("a") + model("a"), a=a) as gateway:
        first = await post(gateway, "/v1/rerank", query="q", documents=["x"])
        second = await post(gateway, "/v1/rerank", query="q", documents=["x"])
    assert (first.status_code, first.headers["x-fairlead-trail"]) == (404, "a=unsupported")
    assert second.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_methods_are_refused(method: str) -> None:
    async with scene(TWO, a=Witness(b""), b=Witness(b"")) as gateway:
        heard = await gateway.client.request(method, "/v1/audio/speech")
    assert (heard.status_code, heard.headers["allow"]) == (405, "POST")
