"""Sampling, limits and formats."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.conversation import Effort, Image, Inline, JsonFormat, Params, Reasoning, Vendor
from proxy.core.translation import Undecodable
from tests.unit.translate.gemini.making import NEW, OLD, asked, raw, read, sent, user

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("params", "config"),
    [
        pytest.param(Params(max_tokens=5), {"maxOutputTokens": 5}, id="max-tokens"),
        pytest.param(Params(temperature=0.0), {"temperature": 0.0}, id="temperature"),
        pytest.param(Params(top_p=0.5, top_k=3), {"topP": 0.5, "topK": 3}, id="nucleus"),
        pytest.param(Params(stop=("a", "b")), {"stopSequences": ["a", "b"]}, id="stop"),
        pytest.param(Params(n=2), {"candidateCount": 2}, id="n"),
        pytest.param(Params(seed=7), {"seed": 7}, id="seed"),
        pytest.param(
            Params(presence_penalty=0.5, frequency_penalty=-0.5),
            {"presencePenalty": 0.5, "frequencyPenalty": -0.5},
            id="penalties",
        ),
        pytest.param(Params(logprobs=True, top_logprobs=3), {"responseLogprobs": True, "logprobs": 3}, id="logprobs"),
    ],
)
def test_params_are_written_and_read_again(params: Params, config: dict[str, Any]) -> None:
    body = sent(asked(params=params), OLD)
    assert body["generationConfig"] == config
    assert read(body).params == params


@pytest.mark.parametrize(
    ("params", "config"),
    [
        pytest.param(Params(temperature=9.0), {"temperature": 2.0}, id="too-hot"),
        pytest.param(Params(seed=2**40 + 5), {"seed": 5}, id="long-seed"),
        pytest.param(Params(presence_penalty=2.0), {"presencePenalty": 1.99}, id="largest-penalty"),
        pytest.param(Params(frequency_penalty=2.0), {"frequencyPenalty": 1.99}, id="largest-frequency-penalty"),
        pytest.param(Params(logprobs=True), {"responseLogprobs": True}, id="chosen-logprobs-alone"),
        pytest.param(
            Params(modalities=("text", "image")), {"responseModalities": ["TEXT", "IMAGE"]}, id="images-in-the-answer"
        ),
    ],
)
def test_params_are_brought_into_googles_range(params: Params, config: dict[str, Any]) -> None:
    assert sent(asked(params=params), OLD)["generationConfig"] == config


@pytest.mark.parametrize("params", [Params(n=1), Params(logprobs=False, top_logprobs=3), Params(modalities=("text",))])
def test_what_is_so_anyhow_is_not_said(params: Params) -> None:
    assert "generationConfig" not in sent(asked(params=params))


@pytest.mark.parametrize(
    ("details", "config"),
    [
        pytest.param(("low",), {"mediaResolution": "MEDIA_RESOLUTION_LOW"}, id="low"),
        pytest.param(("low", "high"), {"mediaResolution": "MEDIA_RESOLUTION_HIGH"}, id="the-highest"),
        pytest.param(("low", "auto"), None, id="low-for-some"),
        pytest.param(("", "auto"), None, id="the-models-choice"),
    ],
)
def test_images_are_looked_at_as_closely_as_asked(details: tuple[str, ...], config: dict[str, Any] | None) -> None:
    images = [Image(Inline("image/png", "AA=="), detail) for detail in details]
    assert sent(asked(user(*images))).get("generationConfig") == config


def test_googles_own_word_for_it_is_kept() -> None:
    own = {"generationConfig": raw({"mediaResolution": "MEDIA_RESOLUTION_MEDIUM"})}
    images = user(Image(Inline("image/png", "AA=="), "high"))
    config = sent(asked(images, vendor=Vendor.GOOGLE, rest=own))["generationConfig"]
    assert config == {"mediaResolution": "MEDIA_RESOLUTION_MEDIUM"}


def test_penalties_are_not_sent_to_who_refuses_them() -> None:
    assert "generationConfig" not in sent(asked(params=Params(presence_penalty=1.0, frequency_penalty=1.0)), NEW)


@pytest.mark.parametrize(
    ("form", "config"),
    [
        pytest.param(JsonFormat(), {"responseMimeType": "application/json"}, id="any-object"),
        pytest.param(
            JsonFormat(raw(SCHEMA), "answer", "d", True),
            {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
            id="schema",
        ),
    ],
)
def test_a_format_is_written(form: JsonFormat, config: dict[str, Any]) -> None:
    assert sent(asked(format=form))["generationConfig"] == config


@pytest.mark.parametrize(
    ("config", "schema"),
    [
        pytest.param({"responseJsonSchema": SCHEMA}, SCHEMA, id="json-schema"),
        pytest.param(
            {"responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}, SCHEMA, id="google-schema"
        ),
        pytest.param({}, None, id="none"),
        pytest.param({"responseSchema": None}, None, id="null"),
    ],
)
def test_a_format_is_read(config: dict[str, Any], schema: object) -> None:
    form = read({"generationConfig": {"responseMimeType": "application/json", **config}}).format
    assert form is not None
    assert (None if form.schema is None else json.loads(bytes(form.schema))) == schema


def test_plain_text_is_no_format() -> None:
    conversation = read({"generationConfig": {"responseMimeType": "text/plain"}})
    assert (conversation.format, dict(conversation.rest)) == (None, {})


def test_an_enum_as_format_is_googles_alone() -> None:
    config = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}}
    conversation = read({"generationConfig": config})
    assert conversation.format is None
    assert sent(conversation)["generationConfig"] == config


def test_what_only_google_understands_goes_back_to_google() -> None:
    config = {"mediaResolution": "MEDIA_RESOLUTION_LOW", "responseModalities": ["TEXT", "AUDIO"], "speechConfig": {}}
    conversation = read({"generationConfig": {**config, "temperature": 1.0}})
    assert conversation.params.modalities == ("text", "audio")
    assert sent(conversation)["generationConfig"] == {**config, "temperature": 1.0}


def test_thinking_is_read_and_written() -> None:
    conversation = read({"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}}})
    assert conversation.reasoning == Reasoning(Effort.LOW, visible=True)
    assert sent(conversation)["generationConfig"] == {
        "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}
    }


def test_numbers_with_a_point_are_numbers() -> None:
    assert read({"generationConfig": {"topK": 40.0}}).params.top_k == 40


@pytest.mark.parametrize(
    ("config", "param"),
    [
        pytest.param({"temperature": "hot"}, "generationConfig.temperature", id="known"),
        pytest.param({"responseModalities": 1}, "generationConfig.responseModalities", id="modalities"),
    ],
)
def test_a_wrong_type_is_refused_with_its_place(config: dict[str, Any], param: str) -> None:
    with pytest.raises(Undecodable) as failure:
        read({"generationConfig": config})
    assert failure.value.param == param


def test_a_config_of_another_vendor_is_not_taken_for_googles() -> None:
    conversation = asked(vendor=Vendor.OPENAI, rest={"generationConfig": raw({"speechConfig": {}})})
    assert "generationConfig" not in sent(conversation)
