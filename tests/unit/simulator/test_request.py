"""Bodies decoded, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.errors import MalformedRequest
from proxy.simulator.request import ChatRequest, CompletionRequest, EmbeddingRequest, Said, decode, said, texts_of


@pytest.mark.parametrize(
    ("body", "said_", "param"),
    [
        pytest.param(b"{", "not valid JSON", None, id="not-json"),
        pytest.param(b'{"model": "\xff"}', "not valid JSON", None, id="not-utf-8"),
        pytest.param(b"[]", "Expected `object`", None, id="not-an-object"),
        pytest.param(b'{"n":"two"}', "Expected `int | null`", "n", id="wrong-type"),
        pytest.param(b'{"tool_choice":' + b'{"a":' * 5_000, "nested too deeply", None, id="too-deep"),
    ],
)
def test_body_that_cannot_be_decoded_is_the_clients_fault(body: bytes, said_: str, param: str | None) -> None:
    with pytest.raises(MalformedRequest) as caught:
        decode(body, ChatRequest)
    assert said_ in caught.value.message
    assert caught.value.param == param


def test_unknown_members_are_ignored() -> None:
    assert decode(b'{"model":"m","new_thing":{"a":1}}', EmbeddingRequest).model == "m"


@pytest.mark.parametrize(
    ("request_", "choices", "limit"),
    [
        pytest.param(ChatRequest(), 1, None, id="nothing-asked"),
        pytest.param(ChatRequest(n=3, max_tokens=7), 3, 7, id="asked"),
        pytest.param(ChatRequest(max_tokens=7, max_completion_tokens=5), 1, 5, id="newer-name-wins"),
        pytest.param(CompletionRequest(max_tokens=2), 1, 2, id="completions"),
    ],
)
def test_limits_are_read(request_: ChatRequest | CompletionRequest, choices: int, limit: int | None) -> None:
    assert (request_.choices, request_.limit_tokens) == (choices, limit)


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        pytest.param(ChatRequest(n=0), "n", id="no-choice"),
        pytest.param(ChatRequest(n=129), "n", id="too-many-choices"),
        pytest.param(ChatRequest(max_tokens=0), "max_tokens", id="no-tokens"),
        pytest.param(ChatRequest(max_completion_tokens=-1), "max_completion_tokens", id="negative"),
    ],
)
def test_limits_out_of_bounds_are_refused(request_: ChatRequest, param: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        assert (request_.choices, request_.limit_tokens) is None
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("content", "heard"),
    [
        pytest.param("hello", Said("hello", ()), id="text"),
        pytest.param(None, Said("", ()), id="nothing"),
        pytest.param(["odd"], Said("", ()), id="no-part"),
        pytest.param(
            [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], Said("a b", ()), id="several-texts"
        ),
        pytest.param(
            [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}],
            Said("", ("an image of type image/png",)),
            id="image-as-bytes",
        ),
        pytest.param(
            [{"type": "image_url", "image_url": {"url": "data:;base64,AA=="}}],
            Said("", ("an image of type unknown",)),
            id="image-without-a-type",
        ),
        pytest.param(
            [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, {"type": "image_url"}],
            Said("", ("an image by its address", "an image by its address")),
            id="image-by-address",
        ),
        pytest.param(
            [{"type": "input_audio", "input_audio": {}}, {"type": "file", "file": {}}, {"type": "new"}],
            Said("", ("audio", "a file")),
            id="audio-and-file",
        ),
    ],
)
def test_message_content_is_heard(content: Any, heard: Said) -> None:  # noqa: ANN401 - any JSON
    assert said({"role": "user", "content": content}) == heard


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        pytest.param("a", ["a"], id="string"),
        pytest.param(["a", "b"], ["a", "b"], id="strings"),
        pytest.param([1, 2], ["1 2"], id="tokens"),
        pytest.param([[1, 2], [3]], ["1 2", "3"], id="token-lists"),
        pytest.param([{"type": "text", "text": "a"}], ["a"], id="parts"),
    ],
)
def test_inputs_are_read_in_every_shape(value: Any, texts: list[str]) -> None:  # noqa: ANN401 - any JSON
    assert texts_of(value, "input") == texts


@pytest.mark.parametrize("value", [None, [], 7, ["a", 1], [[]], {}])
def test_inputs_of_no_known_shape_are_refused(value: Any) -> None:  # noqa: ANN401 - any JSON
    with pytest.raises(MalformedRequest) as caught:
        texts_of(value, "prompt")
    assert caught.value.param == "prompt"
