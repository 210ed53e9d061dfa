"""What Google's clients want embedded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types

from proxy.core.translation import Encoded, Target, Undecodable, Untranslatable
from proxy.translate.gemini.embedding_asks import decode_embeddings_request, encode_many, encode_one, encode_same

GEMINI = Target("models/gemini-embedding-2", "acct")
VERTEX_GEMINI = Target("gemini-embedding-2", "acct", "vertex")
VERTEX = Target("text-embedding-005", "acct", "vertex")
OPENAI = b'{"data":[{"embedding":[0.5,-1.0]}],"usage":{"prompt_tokens":4}}'


def ask(text: str = "a", **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"content": {"parts": [{"text": text}]}, **settings}


def decoded(body: object) -> Encoded:
    return decode_embeddings_request(json.dumps(body).encode())


def same(body: object, target: Target) -> Any:  # noqa: ANN401 - JSON
    return json.loads(encode_same(json.dumps(body).encode(), target).body)


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        pytest.param(ask(), {"input": ["a"]}, id="one"),
        pytest.param({"requests": [ask("a"), ask("b")]}, {"input": ["a", "b"]}, id="several"),
        pytest.param(ask(outputDimensionality=3), {"input": ["a"], "dimensions": 3}, id="size"),
        pytest.param(ask(output_dimensionality=3), {"input": ["a"], "dimensions": 3}, id="snake-case"),
        pytest.param(
            ask(embedContentConfig={"outputDimensionality": 3}), {"input": ["a"], "dimensions": 3}, id="config"
        ),
        pytest.param({"content": {"parts": [{"text": "a"}, {"text": "b"}]}}, {"input": ["a\nb"]}, id="parts"),
    ],
)
def test_request_becomes_openais(body: object, asked: dict[str, Any]) -> None:
    assert json.loads(decoded(body).body) == {**asked, "encoding_format": "float"}


def test_what_is_lost_on_the_way_is_named_once() -> None:
    lost = {"taskType": "CLUSTERING", "title": "t", "model": "models/m"}
    assert decoded({"requests": [ask(**lost), ask(**lost)]}).dropped == ("taskType", "title")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        pytest.param({"content": {"parts": [{"inlineData": {}}]}}, "content", id="image"),
        pytest.param({"requests": [ask(outputDimensionality=1), ask()]}, "requests", id="sizes"),
    ],
)
def test_what_only_google_can_do_is_refused(body: object, param: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        decoded(body)
    assert caught.value.param == param


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"requests": []}, id="none"),
        pytest.param({"requests": {}}, id="no-list"),
        pytest.param({"requests": [{}]}, id="no-content"),
        pytest.param({"content": {"parts": []}}, id="no-parts"),
        pytest.param(ask(""), id="no-text"),
        pytest.param(ask(outputDimensionality="3"), id="no-number"),
    ],
)
def test_what_is_no_request_is_told(body: object) -> None:
    with pytest.raises(Undecodable):
        decoded(body)


def test_googles_own_request_gets_the_upstreams_name_of_the_model_in_each_part() -> None:
    body = {"requests": [ask(model="models/public", taskType="CLUSTERING"), {"content": {"parts": []}}], "odd": 1}
    assert same(body, GEMINI) == {
        "requests": [
            ask(model="models/gemini-embedding-2", taskType="CLUSTERING"),
            {"content": {"parts": []}, "model": "models/gemini-embedding-2"},
        ],
        "odd": 1,
    }


def test_one_content_for_google_stays_as_it_is() -> None:
    body = {"content": {"parts": [{"inline_data": {}}]}, "output_dimensionality": 3}
    assert same(body, GEMINI) == body


def test_vertex_has_settings_in_a_member_of_their_own() -> None:
    body = {"requests": [ask(model="models/public", taskType="CLUSTERING", outputDimensionality=3), ask("b")]}
    assert same(body, VERTEX_GEMINI) == {
        "requests": [ask(embedContentConfig={"taskType": "CLUSTERING", "outputDimensionality": 3}), ask("b")]
    }


def test_older_models_on_vertex_have_instances() -> None:
    body = {"requests": [ask(task_type="CLUSTERING", title="t", output_dimensionality=3), ask("b")]}
    assert same(body, VERTEX) == {
        "instances": [{"content": "a", "task_type": "CLUSTERING", "title": "t"}, {"content": "b"}],
        "parameters": {"outputDimensionality": 3},
    }
    assert same(ask(), VERTEX) == {"instances": [{"content": "a"}]}


def test_answers_are_what_googles_sdk_reads() -> None:
    one, many = json.loads(encode_one(OPENAI, "m")), json.loads(encode_many(OPENAI, "m"))
    assert one == {"embedding": {"values": [0.5, -1.0]}, "usageMetadata": {"promptTokenCount": 4}}
    read = types.EmbedContentResponse.model_validate(many)
    assert read.embeddings is not None
    assert read.usage_metadata is not None
    assert (read.embeddings[0].values, read.usage_metadata.prompt_token_count) == ([0.5, -1.0], 4)
    assert json.loads(encode_many(b'{"data":[]}', "m")) == {"embeddings": []}


def test_answer_without_a_vector_is_undecodable() -> None:
    with pytest.raises(Undecodable):
        encode_one(b'{"data":[]}', "m")
