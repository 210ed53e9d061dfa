"""Limits, sampling, stop, user, tier and the shape of the answer."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import Effort, JsonFormat, Params, Reasoning, Vendor
from proxy.translate.anthropic.params import JSON_INSTRUCTION
from tests.unit.translate.anthropic.said import asked, body, refusal, sent, talk
from tests.unit.translate.talking import system, user

OLD, ONE, NEW = "claude-sonnet-4-0", "claude-sonnet-4-5", "claude-opus-5-5"
SAMPLING = ("temperature", "top_p", "top_k")


def sampled(model: str, **params: Any) -> tuple[dict[str, float], tuple[str, ...]]:  # noqa: ANN401 - params
    conversation = asked(**params)
    written = body(conversation, model)
    return {name: written[name] for name in SAMPLING if name in written}, sent(conversation, model).dropped


@pytest.mark.parametrize(
    ("model", "wanted", "capabilities", "expected"),
    [
        (ONE, None, {}, 64_000),
        (NEW, None, {}, 128_000),
        (NEW, None, {"max_output_tokens": 9_000}, 9_000),
        (NEW, 100, {}, 100),
        (ONE, 100_000, {}, 64_000),
    ],
)
def test_the_limit_is_the_clients_within_the_models(
    model: str, wanted: int | None, capabilities: dict[str, Any], expected: int
) -> None:
    assert body(asked(max_tokens=wanted), model, **capabilities)["max_tokens"] == expected


@pytest.mark.parametrize(
    ("model", "params", "kept", "dropped"),
    [
        pytest.param(OLD, {"temperature": 0.2, "top_p": 0.5, "top_k": 3}, "temperature top_p top_k", (), id="any"),
        pytest.param(ONE, {"temperature": 0.2, "top_p": 0.5}, "temperature", ("top_p",), id="one"),
        pytest.param(ONE, {"temperature": 1, "top_p": 0.5}, "top_p", (), id="the-default-gives-way"),
        pytest.param(ONE, {"temperature": 0.2, "top_p": 1}, "temperature", (), id="the-other-default-too"),
        pytest.param(NEW, {"temperature": 0.2, "top_p": 0.5, "top_k": 3}, "", SAMPLING, id="none"),
        pytest.param(NEW, {"temperature": 1, "top_p": 1}, "", (), id="defaults-are-not-missed"),
    ],
)
def test_sampling_is_what_the_generation_takes(
    model: str, params: dict[str, float], kept: str, dropped: tuple[str, ...]
) -> None:
    assert sampled(model, **params) == ({name: params[name] for name in kept.split()}, dropped)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"temperature": 1.7}, {"temperature": 1.0}),
        ({"temperature": -1}, {"temperature": 0.0}),
        ({"top_p": 3}, {"top_p": 1.0}),
    ],
)
def test_sampling_is_clamped(params: dict[str, float], expected: dict[str, float]) -> None:
    assert sampled(OLD, **params) == (expected, ())


def test_a_model_that_thinks_is_sampled_almost_freely_or_not() -> None:
    params = Params(temperature=0.2, top_p=0.97, top_k=3)
    encoded = sent(talk(params=params, reasoning=Reasoning(Effort.LOW)), OLD)
    assert encoded.dropped == ("temperature", "top_k")
    low = sent(talk(params=Params(top_p=0.5), reasoning=Reasoning(Effort.LOW)), OLD)
    assert low.dropped == ("top_p",)


def test_stop_sequences_of_white_space_are_left_out() -> None:
    assert body(asked(stop=("END", "\n", "")))["stop_sequences"] == ["END"]
    assert "stop_sequences" not in body(asked(stop=("\n",)))


def test_stop_sequences_left_out_are_named_where_they_said_something() -> None:
    assert sent(asked(stop=("END", "\n"))).dropped == ("stop",)
    assert sent(asked(stop=("END", ""))).dropped == ()


@pytest.mark.parametrize(
    ("vendor", "user_id", "expected"),
    [
        pytest.param(Vendor.OPENAI, "u-1", {"user_id": "u-1"}, id="opaque"),
        pytest.param(Vendor.OPENAI, "a@example.com", None, id="mail-address"),
        pytest.param(Vendor.OPENAI, "u" * 257, None, id="too-long"),
        pytest.param(Vendor.ANTHROPIC, "a@b", {"user_id": "a@b"}, id="the-vendors-own-client"),
    ],
)
def test_the_user_is_named_only_by_an_opaque_id(vendor: Vendor, user_id: str, expected: object) -> None:
    conversation = talk(vendor=vendor, params=Params(user=user_id))
    assert body(conversation).get("metadata") == expected
    assert sent(conversation).dropped == (() if expected else ("user",))


@pytest.mark.parametrize(
    ("tier", "host", "expected"),
    [
        ("auto", "", "auto"),
        ("default", "", "standard_only"),
        ("priority", "", "auto"),
        ("flex", "", None),
        ("default", "vertex", None),
    ],
)
def test_service_tiers_have_other_names(tier: str, host: str, expected: str | None) -> None:
    conversation = asked(service_tier=tier)
    assert body(conversation, host=host).get("service_tier") == expected
    assert sent(conversation, host=host).dropped == (() if expected else ("service_tier",))


SCHEMA = Raw(b'{"type":"object","properties":{"a":{"type":"string","minLength":1}}}')


def test_a_schema_becomes_the_output_format() -> None:
    written = body(talk(format=JsonFormat(SCHEMA, "name"), reasoning=Reasoning(Effort.LOW)))
    assert written["output_config"] == {
        "effort": "low",
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {"a": {"type": "string", "description": '{"minLength":1}'}},
                "additionalProperties": False,
            },
        },
    }


def test_any_object_is_asked_for_in_words_at_the_end_of_the_system_prompt() -> None:
    written = body(talk(system("Be brief."), user("hi"), format=JsonFormat()))
    assert [block["text"] for block in written["system"]] == ["Be brief.", JSON_INSTRUCTION]
    assert "output_config" not in written


@pytest.mark.parametrize(
    ("model", "capabilities", "refused"),
    [
        (OLD, {}, True),
        (OLD, {"json_schema": True}, False),
        (NEW, {"json_schema": False}, True),
        (NEW, {"json_schema": True}, False),
    ],
)
def test_a_schema_is_refused_where_the_model_has_no_structured_output(
    model: str, capabilities: dict[str, Any], refused: bool
) -> None:
    conversation = talk(format=JsonFormat(SCHEMA))
    if not refused:
        assert "format" in body(conversation, model, **capabilities)["output_config"]
        return
    error = refusal(conversation, model, **capabilities)
    assert (error.param, error.capability) == ("response_format", "json_schema")
