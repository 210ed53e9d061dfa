"""OpenAI's embeddings, read and written."""

from __future__ import annotations

import pytest
from openai.types import CreateEmbeddingResponse

from proxy.core.translation import Undecodable, Untranslatable
from proxy.core.usage import Usage
from proxy.translate.vectors import Asked, read_inputs, read_vectors, write_vectors


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        pytest.param(b'{"model":"m","input":"a"}', Asked(("a",)), id="one"),
        pytest.param(b'{"model":"m","input":["a","b"],"dimensions":3}', Asked(("a", "b"), 3), id="several"),
        pytest.param(b'{"model":"m","input":"a","encoding_format":"float"}', Asked(("a",)), id="format"),
    ],
)
def test_a_request_is_read(body: bytes, asked: Asked) -> None:
    assert read_inputs(body) == asked


def test_other_members_are_kept_as_they_are() -> None:
    assert {name: bytes(member) for name, member in read_inputs(b'{"input":"a","user":"u"}').rest.items()} == {
        "user": b'"u"'
    }


@pytest.mark.parametrize("input_", ["[]", "[1,2]", "[[1],[2]]", '["a",1]'])
def test_what_is_no_text_is_refused(input_: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        read_inputs(f'{{"input":{input_}}}'.encode())
    assert caught.value.param == "input"


@pytest.mark.parametrize("body", [b"{}", b'{"input":3}', b'{"input":"a","dimensions":0}', b"["])
def test_what_is_no_request_is_told(body: bytes) -> None:
    with pytest.raises(Undecodable):
        read_inputs(body)


def test_the_answer_is_what_openais_sdk_reads() -> None:
    answer = CreateEmbeddingResponse.model_validate_json(write_vectors([[0.5]], "m", Usage(2), base64=False))
    assert (answer.object, answer.usage.total_tokens, answer.data[0].embedding) == ("list", 2, [0.5])


def test_a_number_that_base64_has_no_room_for_is_refused() -> None:
    with pytest.raises(Undecodable) as caught:
        write_vectors([[1e39]], "m", None, base64=True)
    assert caught.value.param == "embeddings"


def test_an_answer_is_read_in_the_order_of_its_index() -> None:
    body = b'{"data":[{"index":1,"embedding":[1.0]},{"index":0,"embedding":"AAAAPw=="}],"usage":{"prompt_tokens":2}}'
    assert read_vectors(body) == ([[0.5], [1.0]], 2)
    assert read_vectors(b'{"data":[]}') == ([], None)


@pytest.mark.parametrize("body", [b'{"data":[{"embedding":"AAA="}]}', b'{"data":[{"embedding":"nothing!"}]}', b"{}"])
def test_what_holds_no_vectors_is_told(body: bytes) -> None:
    with pytest.raises(Undecodable):
        read_vectors(body)
