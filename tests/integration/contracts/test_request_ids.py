"""Every answer of the client edge carries an id to ask about it by, whoever made the answer."""

from __future__ import annotations

import httpx
import pytest

from tests.integration.contracts.scene import Witness, model, providers, scene


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/v1/models", id="models"),
        pytest.param("GET", "/v1/models/m", id="model"),
        pytest.param("GET", "/v1/models/nothing", id="unknown-model"),
        pytest.param("GET", "/nothing", id="unknown-path"),
        pytest.param("DELETE", "/v1/models", id="wrong-method"),
        pytest.param("GET", "/v1/chat/completions", id="wrong-method-of-an-endpoint"),
        pytest.param("POST", "/v1/chat/completions", id="bad-request"),
    ],
)
async def test_answer_of_the_gateway_itself_has_an_id(method: str, path: str) -> None:
    async with scene(providers("a") + model("a"), a=Witness()) as gateway:
        answer: httpx.Response = await gateway.client.request(method, path)
        again: httpx.Response = await gateway.client.request(method, path)
    assert answer.headers["x-fairlead-request-id"].startswith("req_")
    assert answer.headers["x-request-id"] == answer.headers["x-fairlead-request-id"]
    assert again.headers["x-request-id"] != answer.headers["x-request-id"]
