from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from openai.types import CreateEmbeddingResponse

from proxy.core.translation import Encoded, Undecodable, Untranslatable
from proxy.core.usage import Usage
from proxy.translate.ollama.embeddings import (
    decode_embeddings,
    decode_embeddings_request,
    decode_prompt_request,
    encode_embeddings,
    encode_embeddings_answer,
    encode_prompt,
    encode_prompt_answer,
)
from tests.fakes.dialects import TARGET
from tests.fakes.strict import strictly

ANSWER = b'{"model":"nomic","embeddings":[[0.5,-1.0],[2.0,0.25]],"total_duration":1,"prompt_eval_count":7}'


@pytest.mark.parametrize("asked", ["a", ["a", "b"]])
def test_request_of_a_client_becomes_openais(asked: object) -> None:
    body = json.dumps({"model": "m", "input": asked, "truncate": True, "keep_alive": "5m"}).encode()
    encoded = decode_embeddings_request(body)
    assert json.loads(encoded.body) == {"model": "m", "input": asked, "encoding_format": "float"}
    assert encoded.dropped == ("truncate", "keep_alive")


def test_dimensions_are_kept_both_ways() -> None:
    asked = decode_embeddings_request(b'{"model":"m","input":"a","dimensions":2}').body
    assert json.loads(asked)["dimensions"] == 2
    assert json.loads(encode_embeddings(asked, TARGET).body) == {
        "model": "upstream-model",
        "input": "a",
        "dimensions": 2,
    }


@pytest.mark.parametrize("body", [b'{"model":"m"}', b'{"input":1}', b"[]"])
def test_request_without_input_is_refused(body: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_embeddings_request(body)


def test_hints_of_openais_are_dropped() -> None:
    encoded = encode_embeddings(b'{"model":"m","input":["a"],"encoding_format":"base64","user":"u"}', TARGET)
    assert (json.loads(encoded.body), encoded.dropped) == ({"model": "upstream-model", "input": ["a"]}, ("user",))


@pytest.mark.parametrize("tokens", [[1, 2], [[1], [2]]])
def test_tokens_cannot_be_embedded(tokens: object) -> None:
    with pytest.raises(Untranslatable) as caught:
        encode_embeddings(json.dumps({"input": tokens}).encode(), TARGET)
    assert caught.value.param == "input"


@pytest.mark.parametrize("base64", [True, False])
def test_answer_becomes_openais_and_back(base64: bool) -> None:
    body, usage = decode_embeddings(ANSWER, "public", 3, base64=base64)
    found = json.loads(body)
    assert isinstance(found["data"][0]["embedding"], str) is base64
    assert found["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    assert usage == Usage(7)
    assert json.loads(encode_embeddings_answer(body, "public")) == {
        "model": "public",
        "embeddings": [[0.5, -1.0], [2.0, 0.25]],
        "prompt_eval_count": 7,
    }


def test_answer_fits_openais_type() -> None:
    strictly(CreateEmbeddingResponse, json.loads(decode_embeddings(ANSWER, "public", 3, base64=False)[0]))


def test_tokens_that_nobody_counted_are_told_and_not_booked() -> None:
    body, usage = decode_embeddings(b'{"embeddings":[]}', "public", 3, base64=False)
    assert (json.loads(body)["usage"]["prompt_tokens"], usage) == (3, None)


def test_number_that_does_not_fit_is_undecodable() -> None:
    with pytest.raises(Undecodable):
        decode_embeddings(b'{"embeddings":[[1e300]]}', "m", 1, base64=True)


def test_prompt_of_a_client_becomes_openais_input() -> None:
    encoded = decode_prompt_request(b'{"model":"m","prompt":"a","options":{"num_ctx":1},"keep_alive":"5m"}')
    assert json.loads(encoded.body) == {"model": "m", "input": "a", "encoding_format": "float"}
    assert encoded.dropped == ("options", "keep_alive")


def test_prompt_is_asked_of_ollama_with_all_that_came_with_it() -> None:
    encoded = encode_prompt(b'{"model":"m","prompt":"a","options":{"num_ctx":1}}', TARGET)
    assert json.loads(encoded.body) == {"model": "m", "options": {"num_ctx": 1}, "input": "a"}


@pytest.mark.parametrize("body", [b'{"model":"m"}', b'{"model":"m","prompt":""}', b'{"prompt":1}', b"[]"])
@pytest.mark.parametrize("read", [decode_prompt_request, lambda body: encode_prompt(body, TARGET)])
def test_request_without_a_prompt_is_refused(read: Callable[[bytes], Encoded], body: bytes) -> None:
    with pytest.raises(Undecodable):
        read(body)


def test_prompt_is_answered_with_one_vector() -> None:
    assert json.loads(encode_prompt_answer(b'{"data":[{"embedding":[0.5]}]}', "m")) == {"embedding": [0.5]}
    with pytest.raises(Undecodable):
        encode_prompt_answer(b'{"data":[]}', "m")


def test_answer_without_a_count_has_none() -> None:
    assert json.loads(encode_embeddings_answer(b'{"data":[{"embedding":[0.5]}]}', "m")) == {
        "model": "m",
        "embeddings": [[0.5]],
    }
