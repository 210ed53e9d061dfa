"""Paths, with and without provider, version and vendors' infixes."""

from __future__ import annotations

import pytest

from proxy.simulator.paths import Endpoint, Route, route_of


@pytest.mark.parametrize(
    ("path", "route"),
    [
        pytest.param("/v1/chat/completions", Route("default", Endpoint.CHAT), id="plain"),
        pytest.param("/chat/completions", Route("default", Endpoint.CHAT), id="without-version"),
        pytest.param("/groq/v1/chat/completions", Route("groq", Endpoint.CHAT), id="provider"),
        pytest.param("/groq/completions", Route("groq", Endpoint.COMPLETIONS), id="provider-without-version"),
        pytest.param("/groq/openai/v1/embeddings", Route("groq", Endpoint.EMBEDDINGS), id="infix"),
        pytest.param("/qwen/compatible-mode/v1/moderations", Route("qwen", Endpoint.MODERATIONS), id="other-infix"),
        pytest.param("/openai/v1/chat/completions", Route("openai", Endpoint.CHAT), id="provider-named-openai"),
        pytest.param("/v1/models", Route("default", Endpoint.MODELS), id="models"),
        pytest.param("/a/v1/models/x/y", Route("a", Endpoint.MODELS, "x/y"), id="one-model"),
        pytest.param(
            "/openai/deployments/sim-ok/chat/completions", Route("default", Endpoint.CHAT, "sim-ok"), id="azure"
        ),
        pytest.param(
            "/west/openai/deployments/d/embeddings", Route("west", Endpoint.EMBEDDINGS, "d"), id="azure-with-provider"
        ),
        pytest.param("/v1/chat/completions/more", None, id="more-after-the-endpoint"),
        pytest.param("/a/b/v1/chat/completions", None, id="two-names"),
        pytest.param("/v1/audio/speech", None, id="unknown-endpoint"),
        pytest.param("/", None, id="root"),
    ],
)
def test_path_names_provider_and_endpoint(path: str, route: Route | None) -> None:
    assert route_of(path) == route


def test_models_are_read_and_the_rest_is_posted() -> None:
    assert {endpoint.method for endpoint in Endpoint if endpoint is not Endpoint.MODELS} == {"POST"}
    assert Endpoint.MODELS.method == "GET"
