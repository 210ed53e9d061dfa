from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.conversation import Finish, Signature, Vendor
from proxy.core.streamparts import (
    Began,
    Failed,
    Finished,
    StreamPart,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolBegan,
    ToolDelta,
)
from proxy.core.translation import Undecodable
from proxy.providers.envelope import told_error
from proxy.translate.openai_chat.stream import Decoder
from tests.fakes.dialects import ACCOUNT


def chunk(delta: dict[str, Any], finish: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return json.dumps({"id": "x", "model": "m", "choices": [choice], **more}).encode()


def read(*chunks: bytes) -> list[StreamPart]:
    decoder = Decoder(ACCOUNT)
    return [part for data in chunks for part in decoder.feed("", data) if not isinstance(part, Began)]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"error":{"message":"x"}}', id="error"),
        pytest.param(chunk({}, error={"code": 429}), id="error-beside-a-choice"),
        pytest.param(b'{"object":"error","message":"x"}', id="object-that-calls-itself-an-error"),
        pytest.param(b'{"code":"Throttling","message":"x"}', id="code-and-message"),
        pytest.param(b'{"choices":[],"code":"Throttling","message":"x"}', id="code-beside-no-choice"),
        pytest.param(chunk({}, x_groq={"error": "x"}), id="groq"),
        pytest.param(chunk({}, "error"), id="finish"),
    ],
)
def test_error_in_a_stream_is_handed_on_as_it_came(data: bytes) -> None:
    assert read(data) == [Failed(data)]
    assert told_error(data) is not None


@pytest.mark.parametrize("member", [b"null", b"{}", b'""', b"[]", b"false", b"0"])
def test_empty_error_is_none(member: bytes) -> None:
    assert read(chunk({"content": "a"})[:-1] + b',"error":' + member + b"}") == [TextDelta("a")]


@pytest.mark.parametrize("data", [b"", b"nothing", b"[]", b"{}", b'{"choices":null}', b'{"choices":1}'])
def test_what_is_no_chunk_is_undecodable(data: bytes) -> None:
    with pytest.raises(Undecodable):
        read(data)


def test_chunk_of_usage_alone_is_one() -> None:
    assert read(b'{"usage":{"prompt_tokens":0}}') == []


def test_end_is_told_once() -> None:
    assert read(chunk({}, "stop"), chunk({}, "stop")) == [Finished(Finish.STOP)]


def test_whole_message_at_the_end_counts() -> None:
    data = b'{"id":"x","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"}]}'
    assert read(data) == [TextDelta("a"), Finished(Finish.STOP)]


def test_call_without_an_id_gets_one_that_is_its_own() -> None:
    call = {"index": 0, "function": {"name": "f", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": "{}"}}
    assert read(chunk({"tool_calls": [call]}), chunk({"tool_calls": [more]})) == [
        ToolBegan(0, "call_x_0_0", "f"),
        ToolDelta(0, "{}"),
    ]


def test_vendor_that_repeats_an_id_goes_on_with_the_same_call() -> None:
    first = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{"}}
    second = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "}"}}
    assert read(chunk({"tool_calls": [first]}), chunk({"tool_calls": [second]})) == [
        ToolBegan(0, "c", "f"),
        ToolDelta(0, "{"),
        ToolDelta(0, "}"),
    ]


def test_arguments_that_are_null_are_none() -> None:
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "null"}}
    assert not any(isinstance(part, ToolDelta) for part in read(chunk({"tool_calls": [call]})))


def test_null_within_arguments_is_a_piece_of_them() -> None:
    pieces = ['{"a":', "null", "}"]
    calls = [{"index": 0, "id": "c", "function": {"name": "f", "arguments": piece}} for piece in pieces]
    parts = read(*[chunk({"tool_calls": [call]}) for call in calls])
    assert [part.arguments for part in parts if isinstance(part, ToolDelta)] == pieces


def test_call_may_begin_without_a_function() -> None:
    assert read(chunk({"tool_calls": [{"index": 0, "id": "c"}]})) == [ToolBegan(0, "c", "")]


def test_part_of_an_image_list_that_is_no_image_is_left_out() -> None:
    assert read(chunk({"images": [{"type": "text", "text": "a"}]})) == []


def test_text_beside_a_seal_alone_is_read() -> None:
    blocks = [{"type": "thinking", "thinking": "", "signature": "v"}]
    assert read(chunk({"reasoning_content": "r", "thinking_blocks": blocks})) == [
        ThinkingDelta("r"),
        ThinkingSigned(Signature(Vendor.ANTHROPIC, ACCOUNT, "v")),
    ]


def test_done_ends_the_stream() -> None:
    decoder = Decoder(ACCOUNT)
    assert [decoder.feed("", b"[DONE]"), decoder.finish(), decoder.done] == [[], [], True]


def test_a_signed_block_that_tells_again_what_came_in_pieces_only_signs_it() -> None:
    """Fairlead itself, as an upstream, writes a signed thought so."""
    block = {"type": "thinking", "thinking": "2 and 2.", "signature": "EqQB"}
    hidden = {"type": "redacted_thinking", "data": "Eo8D"}
    found = read(
        chunk({"reasoning_content": "2 and "}),
        chunk({"thinking_blocks": [hidden]}),
        chunk({"reasoning_content": "2."}),
        chunk({"thinking_blocks": [block]}),
        chunk({"thinking_blocks": [block]}),
    )
    signed = ThinkingSigned(Signature(Vendor.ANTHROPIC, ACCOUNT, "EqQB"))
    assert found == [
        ThinkingDelta("2 and "),
        ThinkingSigned(Signature(Vendor.ANTHROPIC, ACCOUNT, "Eo8D"), redacted=True),
        ThinkingDelta("2."),
        signed,
        ThinkingDelta("2 and 2."),
        signed,
    ]
