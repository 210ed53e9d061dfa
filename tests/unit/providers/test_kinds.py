"""The table of kinds."""

from __future__ import annotations

import pytest

from proxy.core.call import Dialect, Operation
from proxy.providers.kinds import KINDS

CHAT = (
    "openai azure openrouter fireworks qwen groq mistral deepseek xai together vllm ollama openai_compatible simulator"
)
OTHERS = {
    "anthropic": Dialect.ANTHROPIC,
    "gemini": Dialect.GEMINI,
    "vertex": Dialect.ANTHROPIC,
    "bedrock": Dialect.BEDROCK,
    "cohere": Dialect.COHERE,
    "perplexity": Dialect.OPENAI_RESPONSES,
}


def test_every_kind_of_the_design_is_listed_with_the_dialect_it_prefers() -> None:
    assert {name: kind.dialect for name, kind in KINDS.items()} == dict.fromkeys(
        CHAT.split(), Dialect.OPENAI_CHAT
    ) | OTHERS


@pytest.mark.parametrize(
    ("kind", "operation", "client", "model", "spoken"),
    [
        pytest.param("openai", Operation.CHAT, Dialect.OPENAI_CHAT, "m", Dialect.OPENAI_CHAT, id="its-own"),
        pytest.param("openai", Operation.CHAT, Dialect.OPENAI_RESPONSES, "m", Dialect.OPENAI_RESPONSES, id="also"),
        pytest.param("openai", Operation.CHAT, Dialect.ANTHROPIC, "m", Dialect.OPENAI_CHAT, id="the-preferred"),
        pytest.param("ollama", Operation.CHAT, Dialect.OLLAMA, "m", Dialect.OLLAMA, id="native"),
        pytest.param("vertex", Operation.CHAT, Dialect.OPENAI_CHAT, "claude-x", Dialect.ANTHROPIC, id="claude"),
        pytest.param("vertex", Operation.CHAT, Dialect.OPENAI_CHAT, "gemini-3", Dialect.GEMINI, id="gemini"),
        pytest.param("vertex", Operation.CHAT, Dialect.GEMINI, "claude-x", Dialect.ANTHROPIC, id="claude-for-google"),
        pytest.param("anthropic", Operation.COUNT_TOKENS, Dialect.ANTHROPIC, "m", Dialect.ANTHROPIC, id="count"),
        pytest.param("anthropic", Operation.COUNT_TOKENS, Dialect.GEMINI, "m", None, id="not-translated"),
        pytest.param("cohere", Operation.COMPLETIONS, Dialect.OPENAI_CHAT, "m", None, id="not-served"),
        pytest.param("gemini", Operation.EMBEDDINGS, Dialect.OPENAI_CHAT, "m", Dialect.GEMINI, id="vectors"),
        pytest.param("ollama", Operation.EMBEDDINGS, Dialect.OLLAMA, "m", Dialect.OLLAMA, id="ollama-s-vectors"),
        pytest.param("ollama", Operation.EMBEDDINGS, Dialect.OPENAI_CHAT, "m", Dialect.OPENAI_CHAT, id="openai-s"),
        pytest.param("cohere", Operation.RERANK, Dialect.PASSED, "m", Dialect.COHERE, id="ranking-translated"),
        pytest.param("together", Operation.RERANK, Dialect.PASSED, "m", Dialect.PASSED, id="ranking-as-it-came"),
        pytest.param("openai", Operation.RERANK, Dialect.PASSED, "m", None, id="no-ranking"),
    ],
)
def test_model_is_asked_in_the_client_s_dialect_where_its_vendor_speaks_it(
    kind: str, operation: Operation, client: Dialect, model: str, spoken: Dialect | None
) -> None:
    api = KINDS[kind].api(operation, client, model)
    assert (api.dialect if api else None) == spoken


# What the OpenAI chat encoder knows beyond the dialect.
EXTENSIONS = {
    *("allowed_tools", "cache_control", "every_thought", "extra_content", "images", "reasoning", "reasoning_content"),
    *("nine_letter_ids", "reasoning_details", "system_messages", "thinking", "thinking_switch", "top_k"),
}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_row_is_sound(name: str) -> None:
    kind = KINDS[name]
    assert kind.name == name
    assert kind.operations == {operation for api in kind.apis for operation in api.paths}
    assert kind.base_url is None or (kind.base_url.startswith("http") and not kind.base_url.endswith("/"))
    assert all(path.startswith("/") for path in (*kind.paths.values(), *kind.versioned_paths.values()))
    assert not kind.rejects & {"model", "messages", "input", "stream"}
    assert not kind.rejects & set(kind.renames)
    assert Operation.CHAT in kind.operations
    assert kind.extensions <= EXTENSIONS
    assert not kind.stream_usage or "stream_options" not in kind.rejects


def test_limits_by_account_are_those_of_the_design() -> None:
    assert {name for name, kind in KINDS.items() if kind.limits_by_account} == {"groq", "qwen", "gemini", "mistral"}


def test_costs_are_believed_of_three_kinds() -> None:
    assert {name for name, kind in KINDS.items() if kind.believed_cost} == {"openrouter", "perplexity", "xai"}


def test_ollama_is_waited_for() -> None:
    timeouts = KINDS["ollama"].timeouts
    assert timeouts is not None
    assert (timeouts.headers_s, timeouts.first_output_s) == (300.0, 300.0)


def test_local_servers_need_no_credentials() -> None:
    free = {name for name, kind in KINDS.items() if not kind.credentials_required}
    assert {"vllm", "ollama", "openai_compatible", "simulator"} <= free


@pytest.mark.parametrize(
    ("operation", "client", "model", "end"),
    [
        pytest.param(Operation.CHAT, Dialect.GEMINI, "claude-x", "anthropic/models/{model}:rawPredict", id="chat"),
        pytest.param(Operation.COUNT_TOKENS, Dialect.ANTHROPIC, "claude-x", "count-tokens:rawPredict", id="count"),
        pytest.param(
            Operation.CHAT, Dialect.ANTHROPIC, "gemini-3", "google/models/{model}:generateContent", id="google"
        ),
    ],
)
def test_vertex_serves_each_publisher_s_models_below_its_name(
    operation: Operation, client: Dialect, model: str, end: str
) -> None:
    api = KINDS["vertex"].api(operation, client, model)
    assert api is not None and api.path(operation, stream=False).endswith(end)
    assert api.names_model(operation) is ("{model}" not in api.path(operation, stream=False))


def test_vertex_counts_no_tokens_of_claude_in_google_s_dialect() -> None:
    assert KINDS["vertex"].api(Operation.COUNT_TOKENS, Dialect.GEMINI, "claude-x") is None
