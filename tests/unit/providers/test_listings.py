"""Where each kind lists its models, and what is read from each vendor's list."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from proxy.core.localprocess import LocalProcess
from proxy.core.snapshot import Provider
from proxy.providers.kinds import KINDS
from proxy.providers.listings import (
    Listing,
    ModelPage,
    UpstreamModel,
    listing_of,
    listing_urls,
    missing,
    names_models,
    next_url,
    read_page,
)


def listing(kind: str) -> Listing:
    found = listing_of(kind)
    assert found is not None
    return found


def page(kind: str, document: object) -> ModelPage:
    return read_page(json.dumps(document).encode(), listing(kind))


@pytest.mark.parametrize(
    ("provider", "urls"),
    [
        pytest.param(Provider("p", "openai", "https://api.test/v1"), ["https://api.test/v1/models"], id="openai"),
        pytest.param(Provider("p", "azure", "https://r.test"), ["https://r.test/openai/v1/models"], id="azure-v1"),
        pytest.param(
            Provider("p", "azure", "https://r.test/openai/v1"), ["https://r.test/openai/v1/models"], id="azure-trimmed"
        ),
        pytest.param(
            Provider("p", "azure", "https://r.test", api_version="2024-10-21"),
            ["https://r.test/openai/models?api-version=2024-10-21"],
            id="azure-deployments",
        ),
        pytest.param(
            Provider("p", "anthropic", "https://api.test"), ["https://api.test/v1/models?limit=1000"], id="anthropic"
        ),
        pytest.param(
            Provider("p", "gemini", "https://g.test/v1beta/openai"),
            ["https://g.test/v1beta/models?pageSize=1000"],
            id="gemini",
        ),
        pytest.param(
            Provider("p", "vertex", "https://aiplatform.googleapis.com"),
            [
                f"https://aiplatform.googleapis.com/v1beta1/publishers/{publisher}/models?pageSize=300"
                for publisher in ("google", "anthropic")
            ],
            id="vertex",
        ),
        pytest.param(
            Provider("p", "bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com"),
            [
                "https://bedrock.us-east-1.amazonaws.com/foundation-models",
                "https://bedrock.us-east-1.amazonaws.com/inference-profiles",
            ],
            id="bedrock",
        ),
        pytest.param(Provider("p", "ollama", "http://l.test:11434/v1"), ["http://l.test:11434/api/tags"], id="ollama"),
        pytest.param(
            Provider("p", "cohere", "https://api.cohere.com/v2"),
            ["https://api.cohere.com/v1/models?page_size=1000"],
            id="cohere",
        ),
    ],
)
def test_list_lies_where_the_vendor_has_it(provider: Provider, urls: list[str]) -> None:
    assert list(listing_urls(provider, listing(provider.kind))) == urls


def test_simulator_has_no_list_and_every_other_kind_one() -> None:
    assert [kind for kind in KINDS if listing_of(kind) is None] == ["simulator"]


def test_names_that_requests_send_are_listed_by_all_but_azure_the_simulator_and_own_processes() -> None:
    assert [kind for kind in KINDS if not names_models(Provider("p", kind, "http://h/v1"))] == ["azure", "simulator"]
    assert not names_models(Provider("p", "vllm", "http://h/v1", process=LocalProcess("true")))


@pytest.mark.parametrize(
    ("url", "following"),
    [
        ("https://a.test/x?limit=1", "https://a.test/x?limit=1&after_id=a%2Fb"),
        ("https://a.test/x", "https://a.test/x?after_id=a%2Fb"),
    ],
)
def test_next_page_is_asked_for_by_its_cursor(url: str, following: str) -> None:
    assert next_url(url, listing("anthropic"), "a/b") == following


@pytest.mark.parametrize(
    ("kind", "document", "expected"),
    [
        pytest.param("openai", {"data": [{"id": "m"}]}, UpstreamModel("m"), id="openai"),
        pytest.param(
            "groq",
            {"data": [{"id": "m", "context_window": 131072, "max_completion_tokens": 32768}]},
            UpstreamModel("m", 131072, 32768),
            id="groq",
        ),
        pytest.param(
            "mistral",
            {
                "data": [
                    {
                        "id": "m",
                        "max_context_length": 32768,
                        "capabilities": {"function_calling": True, "vision": False},
                    }
                ]
            },
            UpstreamModel("m", 32768, tools=True, images=False),
            id="mistral",
        ),
        pytest.param(
            "openrouter",
            {
                "data": [
                    {
                        "id": "a/m",
                        "context_length": 200000,
                        "architecture": {"input_modalities": ["text", "image"]},
                        "pricing": {"prompt": "0.000003", "completion": "0.000015"},
                        "top_provider": {"max_completion_tokens": 64000},
                        "supported_parameters": ["tools", "seed"],
                    }
                ]
            },
            UpstreamModel("a/m", 200000, 64000, True, True, Decimal(3), Decimal(15)),
            id="openrouter",
        ),
        pytest.param(
            "openrouter",
            {"data": [{"id": "auto", "pricing": {"prompt": "-1", "completion": "x"}, "supported_parameters": None}]},
            UpstreamModel("auto"),
            id="openrouter-prices-that-vary",
        ),
        pytest.param(
            "together",
            [{"id": "m", "context_length": 8192, "pricing": {"input": 0.18, "output": True}}],
            UpstreamModel("m", 8192, input_usd_per_mtok=Decimal("0.18")),
            id="together",
        ),
        pytest.param(
            "fireworks",
            {"data": [{"id": "m", "supports_tools": False, "supports_image_input": True, "context_length": 4096.0}]},
            UpstreamModel("m", 4096, tools=False, images=True),
            id="fireworks",
        ),
        pytest.param("vllm", {"data": [{"id": "m", "max_model_len": 4096}]}, UpstreamModel("m", 4096), id="vllm"),
        pytest.param(
            "anthropic",
            {
                "data": [
                    {
                        "id": "claude",
                        "max_input_tokens": 200000,
                        "max_tokens": 64000,
                        "lifecycle": "active",
                        "capabilities": {"image_input": {"supported": True}},
                    },
                    {"id": "old", "lifecycle": "retired"},
                ],
                "has_more": False,
                "last_id": "old",
            },
            UpstreamModel("claude", 200000, 64000, images=True),
            id="anthropic",
        ),
        pytest.param(
            "gemini",
            {"models": [{"name": "models/gemini", "inputTokenLimit": 1048576, "outputTokenLimit": 65536}]},
            UpstreamModel("gemini", 1048576, 65536),
            id="gemini",
        ),
        pytest.param(
            "vertex",
            {"publisherModels": [{"name": "publishers/google/models/gemini"}]},
            UpstreamModel("gemini"),
            id="vertex",
        ),
        pytest.param(
            "bedrock",
            {"modelSummaries": [{"modelId": "amazon.nova", "inputModalities": ["TEXT", "IMAGE"]}]},
            UpstreamModel("amazon.nova", images=True),
            id="bedrock-models",
        ),
        pytest.param(
            "bedrock",
            {"inferenceProfileSummaries": [{"inferenceProfileId": "us.amazon.nova"}]},
            UpstreamModel("us.amazon.nova"),
            id="bedrock-profiles",
        ),
        pytest.param(
            "ollama", {"models": [{"name": "x", "model": "llama:latest"}]}, UpstreamModel("llama:latest"), id="ollama"
        ),
        pytest.param(
            "cohere",
            {"models": [{"name": "command", "context_length": 256000.0, "features": ["tools", "vision"]}]},
            UpstreamModel("command", 256000, tools=True, images=True),
            id="cohere",
        ),
    ],
)
def test_vendor_tells_of_its_models(kind: str, document: object, expected: UpstreamModel) -> None:
    assert page(kind, document) == ModelPage((expected,))


@pytest.mark.parametrize(
    ("kind", "document", "cursor"),
    [
        pytest.param("anthropic", {"data": [], "has_more": True, "last_id": "a"}, "a", id="anthropic"),
        pytest.param("gemini", {"models": [], "nextPageToken": "t"}, "t", id="gemini"),
        pytest.param("gemini", {"models": [], "nextPageToken": ""}, None, id="last"),
        pytest.param("vertex", {"publisherModels": [], "nextPageToken": "t"}, "t", id="vertex"),
        pytest.param("vertex", {}, None, id="vertex-empty"),
        pytest.param("bedrock", {"inferenceProfileSummaries": [], "nextToken": "t"}, "t", id="bedrock"),
        pytest.param("cohere", {"models": [], "next_page_token": "t"}, "t", id="cohere"),
    ],
)
def test_page_says_what_follows(kind: str, document: object, cursor: str | None) -> None:
    assert page(kind, document) == ModelPage((), cursor)


@pytest.mark.parametrize("document", [{"data": [7, {"id": ""}, {"name": "x"}, {"id": 3}]}, []])
def test_row_without_a_name_is_left_out(document: object) -> None:
    assert page("openai", document) == ModelPage(())


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b"{}", b"7", b'{"data": {}}', b'{"error": {"message": "no"}}'])
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"no list of models|not JSON"):
        read_page(body, listing("openai"))


@pytest.mark.parametrize(
    ("kind", "names", "listed", "lacking"),
    [
        pytest.param("openai", ["b", "a", "c"], ["c"], ("a", "b"), id="in-order"),
        pytest.param("azure", ["my-deployment"], ["gpt-4o"], (), id="deployments-are-not-listed"),
        pytest.param("ollama", ["llama", "qwen:7b"], ["llama:latest"], ("qwen:7b",), id="tag"),
        pytest.param("openrouter", ["a/m:nitro", "a/n:free"], ["a/m"], ("a/n:free",), id="variant"),
        pytest.param("vertex", ["claude@20250101", "publishers/google/models/g"], ["claude", "g"], (), id="version"),
        pytest.param("gemini", ["models/g"], ["g"], (), id="prefix"),
        pytest.param("bedrock", ["arn:aws:bedrock:us-east-1:1:x/y", "n"], [], ("n",), id="arn"),
        pytest.param("simulator", ["x"], [], (), id="simulator"),
    ],
)
def test_configured_name_that_is_not_listed_is_missing(
    kind: str, names: list[str], listed: list[str], lacking: tuple[str, ...]
) -> None:
    assert missing(kind, names, listed) == lacking
