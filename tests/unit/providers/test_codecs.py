"""Vectors and rankings in every shape."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

import pytest

from proxy.api.endpointspec import (
    BY_PATH,
    EMBEDDINGS,
    GEMINI_EMBED,
    GEMINI_EMBED_ALL,
    GEMINI_METHODS,
    OLLAMA_EMBED,
    OLLAMA_EMBEDDINGS,
    RERANK,
)
from proxy.core.call import Call, Dialect, EndpointSpec, Headers, Operation
from proxy.core.translation import Target, Undecodable
from proxy.core.usage import Usage
from proxy.providers.codecs import (
    CLIENT_CODECS,
    CODECS,
    Heard,
    asked,
    decode_answer,
    encode_answer,
    encode_request,
    wants_base64,
)
from proxy.wire.jsonbody import split_object

VECTOR = [0.5, -1.0]
OPENAI = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": VECTOR}],
    "model": "up",
    "usage": {"prompt_tokens": 4, "total_tokens": 4},
}


def call(endpoint: EndpointSpec, body: dict[str, Any]) -> Call:
    sent = json.dumps(body).encode()
    return Call("r", endpoint, sent, split_object(sent), "m", False, False, (), (), None, 0.0, 600.0)


def heard(body: dict[str, Any], request: bytes = b"{}", headers: Headers = (), *, base64: bool = False) -> Heard:
    return Heard(json.dumps(body).encode(), headers, request, "up", 9, base64)


ANSWERS = [
    pytest.param(Dialect.GEMINI, {"embeddings": [{"values": VECTOR}]}, None, 9, id="gemini-uncounted"),
    pytest.param(
        Dialect.GEMINI,
        {"embeddings": [{"values": VECTOR}], "usageMetadata": {"promptTokenCount": 4}},
        Usage(4),
        4,
        id="gemini",
    ),
    pytest.param(Dialect.BEDROCK, {"embedding": VECTOR, "inputTextTokenCount": 4}, Usage(4), 4, id="titan"),
    pytest.param(Dialect.OLLAMA, {"embeddings": [VECTOR], "prompt_eval_count": 4}, Usage(4), 4, id="ollama"),
    pytest.param(
        Dialect.COHERE,
        {"id": "e", "embeddings": {"float": [VECTOR]}, "meta": {"billed_units": {"input_tokens": 4}}},
        Usage(4),
        4,
        id="cohere",
    ),
]


@pytest.mark.parametrize(("dialect", "said", "usage", "tokens"), ANSWERS)
@pytest.mark.parametrize("packed", [False, True])
def test_vectors_are_said_in_openai_s_shape(
    dialect: Dialect, said: dict[str, Any], usage: Usage | None, tokens: int, packed: bool
) -> None:
    body, counted = decode_answer(Operation.EMBEDDINGS, dialect, heard(said, base64=packed))
    answer = json.loads(body)
    written = base64.b64encode(struct.pack("<2f", *VECTOR)).decode() if packed else VECTOR
    assert answer["data"] == [{"object": "embedding", "index": 0, "embedding": written}]
    assert (answer["model"], answer["usage"]["total_tokens"], counted) == ("up", tokens, usage)


@pytest.mark.parametrize(
    ("value", "usage"), [(b"6", Usage(6)), (b"", None), (b"many", None), (b"9" * 10, None)], ids=str
)
def test_bedrock_counts_in_a_header(value: bytes, usage: Usage | None) -> None:
    said = {"embeddings": [VECTOR], "id": "e"}
    fields = ((b"x-other", b"1"), (b"x-amzn-bedrock-input-token-count", value))
    assert decode_answer(Operation.EMBEDDINGS, Dialect.BEDROCK, heard(said, headers=fields))[1] == usage
    assert decode_answer(Operation.EMBEDDINGS, Dialect.BEDROCK, heard(said))[1] is None


def one_vector(endpoint: EndpointSpec, dialect: Dialect, said: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    between, _ = decode_answer(Operation.EMBEDDINGS, dialect, heard(said))
    return json.loads(encode_answer(endpoint, between, "up"))


@pytest.mark.parametrize(
    ("dialect", "said"),
    [(Dialect.OPENAI_CHAT, OPENAI), (Dialect.GEMINI, {"embeddings": [{"values": VECTOR}]})],
    ids=["openai", "another"],
)
@pytest.mark.parametrize(
    ("endpoint", "found"),
    [
        pytest.param(OLLAMA_EMBED, lambda answer: answer["embeddings"][0], id="ollama"),
        pytest.param(OLLAMA_EMBEDDINGS, lambda answer: answer["embedding"], id="older-ollama"),
        pytest.param(GEMINI_EMBED, lambda answer: answer["embedding"]["values"], id="google"),
        pytest.param(GEMINI_EMBED_ALL, lambda answer: answer["embeddings"][0]["values"], id="google-batch"),
        pytest.param(EMBEDDINGS, lambda answer: answer["data"][0]["embedding"], id="openai"),
    ],
)
def test_client_gets_its_shape(
    endpoint: EndpointSpec, found: Callable[[Any], list[float]], dialect: Dialect, said: dict[str, Any]
) -> None:
    assert found(one_vector(endpoint, dialect, said)) == VECTOR


def test_usage_of_openai_s_own_answer_is_read() -> None:
    _, usage = decode_answer(Operation.EMBEDDINGS, Dialect.OPENAI_CHAT, heard(OPENAI))
    assert usage == Usage(4)


def test_ranking_repeats_the_client_s_documents() -> None:
    request = call(RERANK, {"model": "m", "query": "q", "documents": ["x", "y"], "return_documents": True})
    said = {"results": [{"index": 1, "relevance_score": 0.5}]}
    body, _ = decode_answer(Operation.RERANK, Dialect.COHERE, heard(said, request.body))
    assert json.loads(body)["results"] == [{"index": 1, "relevance_score": 0.5, "document": {"text": "y"}}]


@pytest.mark.parametrize(("key"), list(CODECS), ids=str)
def test_answer_of_no_known_shape_is_undecodable(key: tuple[Operation, Dialect]) -> None:
    with pytest.raises(Undecodable):
        decode_answer(*key, heard({"odd": 1}, b'{"query": "q", "documents": ["x"]}'))


def test_what_is_asked_is_in_the_shape_between() -> None:
    assert asked(call(EMBEDDINGS, {"input": "x"})) == b'{"input": "x"}'
    assert json.loads(asked(call(OLLAMA_EMBED, {"model": "m", "input": "x"})))["input"] == "x"


@pytest.mark.parametrize(
    ("request_", "is_wanted"),
    [({"encoding_format": "base64"}, True), ({"encoding_format": "float"}, False), ({}, False)],
    ids=["base64", "float", "unsaid"],
)
def test_vectors_are_packed_where_that_is_asked_for(request_: dict[str, str], is_wanted: bool) -> None:
    assert wants_base64(json.dumps(request_).encode()) is is_wanted


@pytest.mark.parametrize(
    ("endpoint", "dialect", "body", "sent"),
    [
        pytest.param(
            OLLAMA_EMBEDDINGS, Dialect.OLLAMA, {"prompt": "x", "options": {}}, {"options": {}, "input": "x"}, id="own"
        ),
        pytest.param(
            OLLAMA_EMBEDDINGS,
            Dialect.OPENAI_CHAT,
            {"model": "m", "prompt": "x"},
            {"model": "m", "input": "x", "encoding_format": "float"},
            id="another",
        ),
        pytest.param(
            OLLAMA_EMBED,
            Dialect.COHERE,
            {"model": "m", "input": "x"},
            {"model": "up", "texts": ["x"], "input_type": "search_document", "embedding_types": ["float"]},
            id="by-the-shape-between",
        ),
    ],
)
def test_request_is_said_in_the_upstreams_shape(
    endpoint: EndpointSpec, dialect: Dialect, body: dict[str, Any], sent: dict[str, Any]
) -> None:
    assert json.loads(encode_request(call(endpoint, body), dialect, Target("up", "a")).body) == sent


def test_every_client_codec_belongs_to_an_endpoint() -> None:
    """They are found by its name."""
    named = {endpoint.name for endpoint in (*BY_PATH.values(), *GEMINI_METHODS.values())}
    assert CLIENT_CODECS.keys() <= named
