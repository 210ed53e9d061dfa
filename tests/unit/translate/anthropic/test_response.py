"""Whole answers, read and written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import (
    Answer,
    Audio,
    Choice,
    Finish,
    Image,
    Inline,
    Native,
    Part,
    Refusal,
    Signature,
    Text,
    Thinking,
    ToolCall,
    Vendor,
)
from proxy.core.translation import Undecodable
from proxy.core.usage import Usage
from proxy.translate.anthropic.response import decode_answer, encode_answer
from proxy.translate.foreign import EXTRAS
from tests.unit.translate.anthropic.said import ACCOUNT, ENVELOPE, own

BARE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": []}


def read(**members: Any) -> Answer:  # noqa: ANN401 - JSON
    return decode_answer(json.dumps(BARE | members).encode(), ACCOUNT)


def written(*parts: Part, finish: Finish = Finish.STOP, **members: Any) -> Any:  # noqa: ANN401 - members, JSON
    """What a client gets for an answer of these parts."""
    stop_sequence = members.pop("stop_sequence", "")
    return json.loads(encode_answer(Answer((Choice(parts, finish, stop_sequence=stop_sequence),), **members), ENVELOPE))


def test_an_answer_is_read() -> None:
    answer = read(
        content=[
            {"type": "thinking", "thinking": "t", "signature": "sig"},
            {"type": "text", "text": "a"},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"n": 1}},
            {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
        ],
        stop_reason="tool_use",
        usage={"input_tokens": 7, "output_tokens": 3},
    )
    assert answer == Answer(
        (
            Choice(
                (
                    Thinking("t", own()),
                    Text("a"),
                    ToolCall("toolu_1", "f", '{"n": 1}'),
                    ToolCall("toolu_2", "g", "{}"),
                ),
                Finish.TOOL_CALLS,
            ),
        ),
        "msg_1",
        "claude-x",
        usage=Usage(7, 3),
    )


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP),
        ("tool_use", Finish.TOOL_CALLS),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("pause_turn", Finish.LENGTH),
        ("refusal", Finish.CONTENT_FILTER),
        ("something_new", Finish.STOP),
        (None, Finish.STOP),
    ],
)
def test_why_it_ended_is_read(reason: str | None, finish: Finish) -> None:
    assert read(stop_reason=reason).choices[0].finish is finish


def test_the_stop_sequence_is_read() -> None:
    assert read(stop_reason="stop_sequence", stop_sequence="END").choices[0].stop_sequence == "END"


def test_the_words_of_a_refusal_are_read() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
    assert read(stop_reason="refusal", stop_details=details).choices[0].parts == (Refusal("Not this."),)
    assert read(stop_reason="refusal", stop_details={"type": "refusal"}).choices[0].parts == ()


def test_server_tools_and_citations_are_kept_raw() -> None:
    server = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
    first, second, third = (
        read(content=[server, {"type": "text", "text": "a", "citations": [{"x": 1}]}]).choices[0].parts
    )
    assert isinstance(first, Native)
    assert json.loads(bytes(first.value)) == server
    assert second == Text("a")
    assert isinstance(third, Native)
    assert (third.kind, bytes(third.value)) == (EXTRAS, b'{"citations":[{"x": 1}]}')


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"no", None),
        (b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}', "content"),
        (b'{"content":[{"type":"text"}]}', "content[0].text"),
        (b'{"content":[],"id":7}', "id"),
    ],
)
def test_what_is_no_answer_is_refused(body: bytes, param: str | None) -> None:
    with pytest.raises(Undecodable) as caught:
        decode_answer(body, ACCOUNT)
    assert caught.value.param == param


def test_an_answer_is_written() -> None:
    assert written(Text("a"), id="msg_9", model="ignored", usage=Usage(7, 3)) == {
        "id": "msg_9",
        "type": "message",
        "role": "assistant",
        "model": "the-model",
        "content": [{"type": "text", "text": "a"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": 7,
            "output_tokens": 3,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        },
    }


@pytest.mark.parametrize("upstream", ["chatcmpl-1", ""])
def test_an_id_of_another_vendor_is_made_from_ours(upstream: str) -> None:
    assert written(id=upstream)["id"] == "msg_0123abcd"


@pytest.mark.parametrize(
    ("finish", "stop_sequence", "reason", "stopped_by"),
    [
        (Finish.STOP, "", "end_turn", None),
        (Finish.STOP, "END", "stop_sequence", "END"),
        (Finish.TOOL_CALLS, "", "tool_use", None),
        (Finish.LENGTH, "", "max_tokens", None),
        (Finish.CONTENT_FILTER, "", "refusal", None),
        (Finish.ERROR, "", "end_turn", None),
    ],
)
def test_why_it_ended_is_written(finish: Finish, stop_sequence: str, reason: str, stopped_by: str | None) -> None:
    answer = written(finish=finish, stop_sequence=stop_sequence)
    assert (answer["stop_reason"], answer["stop_sequence"]) == (reason, stopped_by)


@pytest.mark.parametrize("finish", [Finish.STOP, Finish.CONTENT_FILTER])
def test_a_refusal_is_why_it_ended(finish: Finish) -> None:
    answer = written(Refusal("I "), Refusal("won't."), finish=finish)
    assert (answer["stop_reason"], answer["content"]) == ("refusal", [])
    assert answer["stop_details"] == {"type": "refusal", "category": None, "explanation": "I won't."}


GEMINI = Signature(Vendor.GOOGLE, "acc", "c2ln")


@pytest.mark.parametrize(
    ("parts", "blocks"),
    [
        pytest.param(
            (Thinking("t", own()),),
            [{"type": "thinking", "thinking": "t", "signature": "^f.anthropic.acct.sig"}],
            id="thought",
        ),
        pytest.param((Thinking("t"),), [{"type": "thinking", "thinking": "t", "signature": ""}], id="unsigned"),
        pytest.param(
            (Thinking("", own(), redacted=True),),
            [{"type": "redacted_thinking", "data": "^f.anthropic.acct.sig"}],
            id="redacted",
        ),
        pytest.param(
            (ToolCall("c", "f", '{"n":1}'),),
            [{"type": "tool_use", "id": "c", "name": "f", "input": {"n": 1}}],
            id="call",
        ),
        pytest.param(
            (ToolCall("c", "f", "ls", custom=True),),
            [{"type": "tool_use", "id": "c", "name": "f", "input": {"input": "ls"}}],
            id="free-text-call",
        ),
        pytest.param(
            (ToolCall("c", "f", "", GEMINI),),
            [
                {"type": "redacted_thinking", "data": "^f.google.acc.c2ln"},
                {"type": "tool_use", "id": "c", "name": "f", "input": {}},
            ],
            id="gemini-call",
        ),
        pytest.param((Native(Vendor.ANTHROPIC, "x", Raw(b'{"type":"x"}')),), [{"type": "x"}], id="own-block"),
        pytest.param(
            (Text("a"), Native(Vendor.ANTHROPIC, EXTRAS, Raw(b'{"citations":[]}'))),
            [{"type": "text", "text": "a", "citations": []}],
            id="citations",
        ),
        pytest.param((Native(Vendor.ANTHROPIC, EXTRAS, Raw(b'{"citations":[]}')),), [], id="citations-of-nothing"),
        pytest.param((Native(Vendor.OPENAI, "x", Raw(b"{}")),), [], id="anothers-block"),
        pytest.param((Image(Inline("image/png", "")), Audio(Inline("audio/wav", ""))), [], id="media"),
    ],
)
def test_parts_are_written(parts: tuple[Part, ...], blocks: object) -> None:
    assert written(*parts)["content"] == blocks


def test_an_answer_without_choices_says_nothing() -> None:
    answer = json.loads(encode_answer(Answer(()), ENVELOPE))
    assert (answer["content"], answer["stop_reason"]) == ([], "end_turn")
    assert answer["usage"] == {"input_tokens": 0, "output_tokens": 0}
