"""Sampling, limits and labels, in the ranges and words of each family."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.translation import Untranslatable
from tests.unit.translate.bedrock import made
from tests.unit.translate.bedrock.made import sent
from tests.unit.translate.talking import talk


@pytest.mark.parametrize(
    ("model", "params", "config", "dropped"),
    [
        pytest.param(
            made.MISTRAL,
            {"max_tokens": 9, "temperature": 0.3, "top_p": 0.9, "stop": ("x", " ")},
            {"maxTokens": 9, "temperature": 0.3, "topP": 0.9, "stopSequences": ["x"]},
            ("stop",),
            id="all",
        ),
        pytest.param(made.SONNET, {"temperature": 1.8}, {"temperature": 1.0}, (), id="too-warm"),
        pytest.param(made.MISTRAL, {"top_p": 7.0}, {"topP": 1.0}, (), id="too-much"),
        pytest.param(made.SONNET, {"temperature": 0.3, "top_p": 0.9}, {"temperature": 0.3}, ("top_p",), id="not-both"),
        pytest.param(made.SONNET, {"top_p": 0.9}, {"topP": 0.9}, (), id="one-of-both"),
        pytest.param(
            made.HAIKU_3, {"temperature": 0.3, "top_p": 0.9}, {"temperature": 0.3, "topP": 0.9}, (), id="both"
        ),
        pytest.param(made.OPUS_5, {"temperature": 0.3, "top_p": 1.0}, None, ("temperature",), id="claude-takes-none"),
        pytest.param(made.GPT, {"temperature": 0.3, "max_tokens": 5}, {"maxTokens": 5}, ("temperature",), id="gpt"),
        pytest.param(made.LLAMA, {"top_k": 3}, None, ("top_k",), id="no-word-for-top-k"),
    ],
)
def test_sampling_and_limits(
    model: str, params: dict[str, Any], config: dict[str, Any] | None, dropped: tuple[str, ...]
) -> None:
    body, left_out = sent(talk(**params), model)
    assert (body.get("inferenceConfig"), left_out) == (config, dropped)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        pytest.param(made.SONNET, {"top_k": 3}, id="claude"),
        pytest.param(made.MISTRAL, {"top_k": 3}, id="mistral"),
        pytest.param(made.NOVA, {"inferenceConfig": {"topK": 3}}, id="nova"),
    ],
)
def test_top_k_is_the_models_own_member(model: str, fields: dict[str, Any]) -> None:
    assert sent(talk(top_k=3), model)[0]["additionalModelRequestFields"] == fields


@pytest.mark.parametrize("model", [made.GPT, made.GPT_OSS])
def test_stop_sequences_are_refused_where_there_are_none(model: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        sent(talk(stop=("x",)), model)
    assert caught.value.param == "stop"


def test_claude_tells_which_stop_sequence_it_was() -> None:
    assert sent(talk(stop=("x",)))[0]["additionalModelResponseFieldPaths"] == ["/delta/stop_sequence"]
    assert "additionalModelResponseFieldPaths" not in sent(talk(stop=("x",)), made.NOVA)[0]


@pytest.mark.parametrize(
    ("params", "labels", "dropped"),
    [
        pytest.param({"user": "u-1"}, {"user": "u-1"}, (), id="user"),
        pytest.param({"metadata": {"team": "a b"}, "user": "u"}, {"team": "a b", "user": "u"}, (), id="both"),
        pytest.param({"metadata": {"a": "ü", "b": "c"}}, {"b": "c"}, ("metadata",), id="odd-value"),
        pytest.param({"metadata": {"ä": "b"}}, None, ("metadata",), id="odd-name"),
        pytest.param({"user": "ü"}, None, ("user",), id="odd-user"),
        pytest.param({"metadata": {}}, None, (), id="none"),
        pytest.param(
            {"metadata": {f"k{n}": "v" for n in range(17)}},
            {f"k{n}": "v" for n in range(1, 17)},
            ("metadata",),
            id="too-many",
        ),
    ],
)
def test_user_and_metadata_are_labels(
    params: dict[str, Any], labels: dict[str, str] | None, dropped: tuple[str, ...]
) -> None:
    body, left_out = sent(talk(**params))
    assert (body.get("requestMetadata"), left_out) == (labels, dropped)


@pytest.mark.parametrize(
    ("tier", "written", "dropped"),
    [
        pytest.param("flex", {"type": "flex"}, (), id="flex"),
        pytest.param("priority", {"type": "priority"}, (), id="priority"),
        pytest.param("auto", None, (), id="auto"),
        pytest.param("default", None, (), id="default"),
        pytest.param("scale", None, ("service_tier",), id="unknown"),
    ],
)
def test_the_service_tier(tier: str, written: dict[str, str] | None, dropped: tuple[str, ...]) -> None:
    body, left_out = sent(talk(service_tier=tier))
    assert (body.get("serviceTier"), left_out) == (written, dropped)
