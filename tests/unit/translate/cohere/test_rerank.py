"""Reranking between the shape clients send (Cohere's v1, Jina's) and Cohere's v2."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.translation import Target, Undecodable, Untranslatable
from proxy.core.usage import Usage
from proxy.translate.cohere.rerank import decode_rerank, encode_rerank
from tests.fakes.tools import require_module

BARE = {"model": "rerank-v4.0-pro", "query": "q"}
REPLY = json.dumps(
    {
        "id": "r1",
        "results": [{"index": 1, "relevance_score": 0.5}, {"index": 0, "relevance_score": 0.25}],
        "meta": {"billed_units": {"search_units": 1}},
    }
).encode()


def asked(**members: Any) -> bytes:  # noqa: ANN401 - JSON
    return json.dumps({"model": "m", "query": "q", "documents": ["a", "b"], **members}).encode()


def written(**members: Any) -> tuple[dict[str, Any], tuple[str, ...]]:  # noqa: ANN401 - JSON
    encoded = encode_rerank(asked(**members), Target("rerank-v4.0-pro", "acct"))
    return json.loads(encoded.body), encoded.dropped


@pytest.mark.parametrize(
    ("members", "body", "dropped"),
    [
        pytest.param({}, {**BARE, "documents": ["a", "b"]}, (), id="text"),
        pytest.param(
            {"top_n": 1, "max_tokens_per_doc": 9, "return_documents": True, "overlap_tokens": 3},
            {**BARE, "documents": ["a", "b"], "top_n": 1, "max_tokens_per_doc": 9},
            ("overlap_tokens",),
            id="members",
        ),
        pytest.param({"documents": [{"text": "a"}]}, {**BARE, "documents": ["a"]}, (), id="text-alone"),
        pytest.param(
            {"documents": [{"title": "A: b", "pages": 3}]},
            {**BARE, "documents": ['title: "A: b"\npages: 3']},
            (),
            id="object",
        ),
        pytest.param(
            {"documents": [{"title": "t", "text": "a"}], "rank_fields": ["text", "none"]},
            {**BARE, "documents": ["a"]},
            (),
            id="chosen-fields",
        ),
    ],
)
def test_a_request(members: dict[str, Any], body: dict[str, Any], dropped: tuple[str, ...]) -> None:
    assert written(**members) == (body, dropped)


def test_nothing_to_rank_is_refused() -> None:
    with pytest.raises(Untranslatable) as caught:
        written(documents=[])
    assert caught.value.param == "documents"


@pytest.mark.parametrize("members", [{"documents": [3]}, {"query": None}, {"top_n": 0}])
def test_what_is_no_request_is_told(members: dict[str, Any]) -> None:
    with pytest.raises(Undecodable):
        written(**members)


def test_an_answer_is_what_clients_of_both_shapes_read() -> None:
    body, usage = decode_rerank(REPLY, asked(), "rr")
    assert json.loads(body) == {
        "id": "r1",
        "model": "rr",
        "results": [{"index": 1, "relevance_score": 0.5}, {"index": 0, "relevance_score": 0.25}],
        "usage": {"total_tokens": 0},
        "meta": {"billed_units": {"search_units": 1}},
    }
    assert usage == Usage(searches=1)


@pytest.mark.parametrize(
    ("documents", "repeated"),
    [
        pytest.param(["a", "b"], [{"text": "b"}, {"text": "a"}], id="text"),
        pytest.param([{"text": "a"}, {"x": 1}], [{"x": 1}, {"text": "a"}], id="objects"),
    ],
)
def test_documents_are_repeated_on_wish(documents: list[Any], repeated: list[Any]) -> None:
    body, _ = decode_rerank(REPLY, asked(documents=documents, return_documents=True), "rr")
    assert [result["document"] for result in json.loads(body)["results"]] == repeated


def test_tokens_are_counted_where_they_are_told() -> None:
    reply = b'{"results":[],"meta":{"tokens":{"input_tokens":7}}}'
    body, usage = decode_rerank(reply, asked(), "rr")
    assert (json.loads(body)["usage"], usage) == ({"total_tokens": 7}, Usage(7))


def test_an_answer_may_tell_of_nothing() -> None:
    assert "meta" not in json.loads(decode_rerank(b'{"results":[]}', asked(), "rr")[0])


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"<html>",
        b'{"results":[{"index":2,"relevance_score":1}]}',
        b'{"results":[{"index":-1,"relevance_score":1}]}',
    ],
)
def test_what_is_no_answer_is_told(body: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_rerank(body, asked(), "rr")


def test_coheres_sdk_reads_the_same() -> None:
    cohere = require_module("cohere")
    body, _ = decode_rerank(REPLY, asked(return_documents=True), "rr")
    assert cohere.RerankResponse.model_validate_json(body).results[0].document.text == "b"
    assert require_module("cohere.v2.types").V2RerankResponse.model_validate_json(REPLY).results[0].index == 1
