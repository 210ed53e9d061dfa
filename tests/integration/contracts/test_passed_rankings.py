"""Rankings pass as they came, or in the shape of a vendor that has its own."""

from __future__ import annotations

import pytest

from proxy.core.usage import Usage
from tests.fakes.rawserver import cut_after
from tests.integration.contracts.ledger import kept
from tests.integration.contracts.passed import RANKED, document, post
from tests.integration.contracts.scene import TWO, Witness, model, scene


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank", "/openai/deployments/m/rerank"])
async def test_ranking_passes_to_a_vendor_of_the_same_shape_and_back(path: str) -> None:
    a = Witness(document(RANKED))
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        ledger = kept(gateway)
        answer = await post(gateway, path, query="q", documents=["x", "y"], top_n=1, odd={"kept": 1})
    assert answer.json() == RANKED
    assert a.targets == ["/v1/rerank"]
    assert a.bodies == [{"model": "up", "query": "q", "documents": ["x", "y"], "top_n": 1, "odd": {"kept": 1}}]
    assert ledger.closed.usage == Usage(7)


async def test_ranking_is_sent_again_elsewhere_after_a_failure_in_the_middle() -> None:
    async with scene(TWO, a=cut_after(document(RANKED), 90), b=Witness(document(RANKED))) as gateway:
        answer = await post(gateway, "/v1/rerank", query="q", documents=["x", "y"])
    assert (answer.status_code, answer.headers["x-fairlead-trail"]) == (200, "a=protocol;b=ok")


async def test_ranking_by_cohere_is_its_own_request_in_the_client_s_shape() -> None:
    said = {"id": "r", "results": [{"index": 1, "relevance_score": 0.5}], "meta": {"billed_units": {"search_units": 1}}}
    a = Witness(document(said))
    toml = '[providers.a]\nkind = "cohere"\nbase_url = "@a"\napi_key = "sk-of-a"\n' + model("a")
    async with scene(toml, a=a) as gateway:
        answer = await post(gateway, "/v1/rerank", query="q", documents=["x", {"text": "y"}], return_documents=True)
    assert a.targets == ["/v2/rerank"]
    assert a.bodies == [{"model": "up", "query": "q", "documents": ["x", "y"]}]
    assert answer.json()["results"] == [{"index": 1, "relevance_score": 0.5, "document": {"text": "y"}}]
    assert answer.json()["model"] == "up"


async def test_ranking_at_qwen_has_a_path_of_its_own() -> None:
    a = Witness(document(RANKED))
    toml = '[providers.a]\nkind = "qwen"\nbase_url = "@a/compatible-mode/v1"\napi_key = "sk-of-a"\n' + model("a")
    async with scene(toml, a=a) as gateway:
        answer = await post(gateway, "/v1/rerank", query="q", documents=["x"])
    assert (answer.status_code, a.targets) == (200, ["/compatible-api/v1/reranks"])
