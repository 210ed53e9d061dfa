"""Where a provider lists its models, and what its answer says about the key."""

from __future__ import annotations

import httpx
import pytest

from proxy.cli.probe import judge, models_url
from proxy.core.snapshot import Provider


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        pytest.param(Provider("p", "openai", "https://api.test/v1"), "https://api.test/v1/models", id="openai"),
        pytest.param(Provider("p", "azure", "https://r.test"), "https://r.test/openai/v1/models", id="azure-v1"),
        pytest.param(
            Provider("p", "azure", "https://r.test/openai/v1"), "https://r.test/openai/v1/models", id="azure-trimmed"
        ),
        pytest.param(
            Provider("p", "azure", "https://r.test", api_version="2024-10-21"),
            "https://r.test/openai/models?api-version=2024-10-21",
            id="azure-deployments",
        ),
        pytest.param(Provider("p", "simulator", "http://x.test/p/v1"), None, id="simulator"),
        pytest.param(Provider("p", "anthropic", "https://api.test"), None, id="kind-not-served-yet"),
    ],
)
def test_model_list_lies_beside_the_chat_endpoint(provider: Provider, url: str | None) -> None:
    assert models_url(provider) == url


@pytest.mark.parametrize(
    ("status", "body", "result", "well"),
    [
        pytest.param(200, b'{"data": []}', "ok", True, id="fine"),
        pytest.param(200, b"<html>", "200, but not JSON; check base_url", False, id="web-page"),
        pytest.param(401, b"{}", "401: the key is refused; replace it", False, id="refused"),
        pytest.param(402, b"{}", "402: the account has no credit; top it up", False, id="no-credit"),
        pytest.param(429, b"{}", "429: the key works; the vendor limits it right now", True, id="limited"),
        pytest.param(302, b"", "302: not a model list; check base_url", False, id="redirect"),
        pytest.param(500, b"planted", "500: not a model list; check base_url", False, id="vendor-fault"),
    ],
)
def test_answer_is_judged_by_its_status_and_never_quoted(status: int, body: bytes, result: str, well: bool) -> None:
    assert judge(httpx.Response(status, content=body)) == (result, well)
