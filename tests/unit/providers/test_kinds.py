"""The table of kinds."""

from __future__ import annotations

import pytest

from proxy.core.call import Operation
from proxy.providers.kinds import KINDS

SERVED = (
    "openai azure openrouter fireworks qwen groq mistral deepseek xai together vllm ollama openai_compatible simulator"
)
LATER = "anthropic gemini vertex bedrock cohere perplexity"


def test_every_kind_of_the_design_is_listed() -> None:
    assert set(KINDS) == {*SERVED.split(), *LATER.split()}
    assert {name for name, kind in KINDS.items() if kind.dialect} == set(SERVED.split())


@pytest.mark.parametrize("name", sorted(KINDS))
def test_row_is_sound(name: str) -> None:
    kind = KINDS[name]
    assert kind.name == name
    assert kind.operations == set(kind.paths)
    assert kind.base_url is None or (kind.base_url.startswith("http") and not kind.base_url.endswith("/"))
    assert all(path.startswith("/") for path in (*kind.paths.values(), *kind.versioned_paths.values()))
    assert not kind.rejects & {"model", "messages", "input", "stream"}
    assert not kind.rejects & set(kind.renames)
    assert (Operation.CHAT in kind.operations) == (kind.dialect is not None)
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
