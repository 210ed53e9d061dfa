from __future__ import annotations

import json
from functools import reduce

import pytest

from proxy.core.conversation import Effort, Reasoning
from proxy.core.translation import Target
from proxy.translate.effort import read_effort, wanted_effort
from tests.fakes.dialects import ACCOUNT, DIALECTS

OFF, NOTHING = False, None
ADDITIONAL = "additionalModelRequestFields"
THREE = ("low", "low", "medium", "high", "high", "high")
BUDGETS = (1024, 2048, 8192, 16_384, 24_576, 32_000)
# Vendor, model, where its request says it; what it says for none, and for minimal, low, medium, high, xhigh and max.
LEVELS = (
    ("openai_chat", "gpt-5.1", "reasoning_effort", ("none", "minimal", "low", "medium", "high", "xhigh", "max")),
    ("openai_responses", "gpt-5.1", "reasoning.effort", ("none", "minimal", "low", "medium", "high", "xhigh", "max")),
    ("anthropic", "claude-opus-4-8", "output_config.effort", (NOTHING, "low", "low", "medium", "high", "xhigh", "max")),
    ("anthropic", "claude-opus-4-6", "output_config.effort", (NOTHING, "low", "low", "medium", "high", "high", "max")),
    ("anthropic", "claude-opus-4-5", "output_config.effort", (NOTHING, *THREE)),
    ("anthropic", "claude-opus-4-5", "thinking.budget_tokens", (NOTHING, *BUDGETS)),
    ("anthropic", "claude-sonnet-4-5", "output_config.effort", (NOTHING,) * 7),
    ("anthropic", "claude-sonnet-4-5", "thinking.budget_tokens", (NOTHING, *BUDGETS)),
    ("anthropic", "claude-3-5-haiku-20241022", "thinking", (NOTHING,) * 7),
    ("bedrock", "anthropic.claude-opus-4-8", "outputConfig.effort", (NOTHING, *THREE[:4], "xhigh", "max")),
    (
        "bedrock",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        f"{ADDITIONAL}.thinking.budget_tokens",
        (NOTHING, *BUDGETS),
    ),
    ("bedrock", "amazon.nova-2-lite-v1:0", f"{ADDITIONAL}.reasoningConfig.maxReasoningEffort", (NOTHING, *THREE)),
    ("bedrock", "openai.gpt-5.1", f"{ADDITIONAL}.reasoning.effort", ("none", *THREE[:4], "xhigh", "max")),
    ("bedrock", "openai.gpt-oss-120b-1:0", f"{ADDITIONAL}.reasoning_effort", ("low", *THREE)),
    ("bedrock", "meta.llama3-1-8b-instruct-v1:0", ADDITIONAL, (NOTHING,) * 7),
    ("ollama", "qwen3", "think", (OFF, *(True,) * 6)),
    ("ollama", "gpt-oss:20b", "think", (NOTHING, *THREE)),
    ("cohere", "command-a-reasoning-08-2025", "thinking.type", ("disabled", *("enabled",) * 6)),
    ("cohere", "command-a-03-2025", "thinking", (NOTHING,) * 7),
)
ROWS = [
    pytest.param(vendor, model, path, effort, word, id=f"{vendor}-{model}-{path.rsplit('.', 1)[-1]}-{effort}")
    for vendor, model, path, words in LEVELS
    for effort, word in zip(Effort, words, strict=True)
]


@pytest.mark.parametrize(
    ("reasoning", "effort"),
    [
        pytest.param(Reasoning(), None, id="nothing-said"),
        pytest.param(Reasoning(Effort.XHIGH, 100), Effort.XHIGH, id="effort-wins"),
        pytest.param(Reasoning(budget_tokens=0), Effort.NONE, id="off"),
        pytest.param(Reasoning(budget_tokens=-1), None, id="model-decides"),
        pytest.param(Reasoning(budget_tokens=1024), Effort.LOW, id="small"),
        pytest.param(Reasoning(budget_tokens=8192), Effort.MEDIUM, id="middle"),
        pytest.param(Reasoning(budget_tokens=32_000), Effort.HIGH, id="large"),
    ],
)
def test_budget_becomes_an_effort(reasoning: Reasoning, effort: Effort | None) -> None:
    assert wanted_effort(reasoning) is effort


def test_unknown_word_is_no_effort() -> None:
    assert [read_effort("low"), read_effort("default"), read_effort(None)] == [Effort.LOW, None, None]


@pytest.mark.parametrize(("vendor", "model", "path", "effort", "word"), ROWS)
def test_each_model_is_told_each_effort_in_a_word_it_has(
    vendor: str, model: str, path: str, effort: Effort, word: object
) -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "reasoning_effort": effort}
    conversation = DIALECTS["openai_chat"].decode_request(json.dumps(asked).encode())
    body = json.loads(DIALECTS[vendor].encode_request(conversation, Target(model, ACCOUNT)).body)
    told: object = reduce(lambda at, name: at.get(name) or {}, path.split(".")[:-1], body).get(path.rsplit(".", 1)[-1])
    assert told == word and type(told) is type(word)
