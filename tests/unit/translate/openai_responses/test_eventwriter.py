from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import Audio, FileRef, Finish, Image, Inline, Native, Signature, Vendor
from proxy.core.streamparts import (
    Began,
    Counted,
    Failed,
    Finished,
    RefusalDelta,
    StreamPart,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolBegan,
    ToolDelta,
    Whole,
)
from proxy.core.usage import Usage
from proxy.translate.openai_responses.stream import Encoder
from tests.fakes.dialects import ENVELOPE
from tests.fakes.strict import check_stream

CITED = Native(
    Vendor.OPENAI,
    "annotations",
    Raw(b'[{"type":"url_citation","url_citation":{"start_index":0,"end_index":1,"title":"T","url":"u"}}]'),
)


def events(*parts: StreamPart) -> list[Any]:
    encoder = Encoder(ENVELOPE)
    stream = b"".join([*map(encoder.feed, parts), encoder.finish()])
    blocks = [block.split(b"\ndata: ") for block in stream.split(b"\n\n") if block]
    check_stream("openai_responses", [data for _, data in blocks])
    found = [json.loads(data) for _, data in blocks]
    assert [name for name, _ in blocks] == [f"event: {event['type']}".encode() for event in found]
    return found


def output(*parts: StreamPart) -> list[Any]:
    return list(events(*parts)[-1]["response"]["output"])


def kinds(*parts: StreamPart) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events(*parts)]


def test_nothing_has_a_beginning_and_an_end() -> None:
    assert kinds() == ["created", "in_progress", "completed"]
    assert kinds(Counted(Usage(1, 1)), Failed(b"{}")) == ["created", "in_progress", "completed"]


@pytest.mark.parametrize(
    ("finish", "last"),
    [
        (Finish.STOP, "completed"),
        (Finish.TOOL_CALLS, "completed"),
        (Finish.LENGTH, "incomplete"),
        (Finish.CONTENT_FILTER, "incomplete"),
        (Finish.ERROR, "failed"),
    ],
)
def test_end_has_a_word_of_its_own(finish: Finish, last: str) -> None:
    assert kinds(TextDelta("a"), Finished(finish))[-1] == last


def test_what_was_open_when_the_answer_was_cut_is_incomplete() -> None:
    message, call = output(TextDelta("a"), ToolBegan(0, "c", "f"), Finished(Finish.LENGTH))
    assert (message["status"], call["status"]) == ("completed", "incomplete")
    assert output(TextDelta("a"), Finished(Finish.LENGTH))[0]["status"] == "incomplete"


def test_stream_that_ends_without_a_word_closes_what_is_open() -> None:
    assert kinds(TextDelta("a"))[-4:] == ["output_text.done", "content_part.done", "output_item.done", "completed"]


def test_second_choice_has_no_place() -> None:
    assert output(TextDelta("a"), TextDelta("b", choice=1))[0]["content"][0]["text"] == "a"


def test_refusal_is_a_part_of_the_message() -> None:
    (message,) = output(TextDelta("a"), RefusalDelta("b"), RefusalDelta("c"))
    assert message["content"][1] == {"type": "refusal", "refusal": "bc"}


def test_thoughts_and_texts_take_turns() -> None:
    own = Signature(Vendor.ANTHROPIC, "acc", "v")
    items = output(
        ThinkingDelta("a"),
        ThinkingSigned(own),
        ThinkingDelta("b"),
        TextDelta("c"),
        ThinkingSigned(own, redacted=True),
        ThinkingSigned(own),
        TextDelta("d"),
    )
    assert [item["type"] for item in items] == [
        "reasoning",
        "reasoning",
        "message",
        "reasoning",
        "reasoning",
        "message",
    ]
    assert [item.get("encrypted_content") for item in items] == [
        "^f.anthropic.acc.v",
        None,
        None,
        "^f.anthropic.acc.v",
        "^f.anthropic.acc.v",
        None,
    ]


def test_arguments_may_come_in_turns() -> None:
    items = output(
        ToolBegan(0, "a", "f"),
        ToolBegan(1, "b", "g", signature=Signature(Vendor.GOOGLE, "acc", "v")),
        ToolDelta(0, "{"),
        ToolDelta(1, "{}"),
        ToolDelta(0, "}"),
        ToolDelta(0, ""),
        ToolDelta(7, "lost"),
        Finished(Finish.TOOL_CALLS),
    )
    assert [item.get("arguments") for item in items] == ["{}", None, "{}"]
    assert items[1]["encrypted_content"] == "^f.google.acc.v"


def test_wholes_are_items_or_citations() -> None:
    call = {"type": "web_search_call", "id": "w", "status": "completed", "action": {"type": "search", "query": "q"}}
    items = output(
        Began("x", "m", Usage(1, 1)),
        Whole(CITED),
        TextDelta("a"),
        TextDelta(""),
        Whole(CITED),
        RefusalDelta("b"),
        Whole(CITED),
        Whole(Native(Vendor.OPENAI, "web_search_call", Raw(json.dumps(call).encode()))),
        Whole(Image(Inline("image/png", "AA=="))),
        Whole(Image(FileRef(Vendor.GOOGLE, "f"))),
        Whole(Audio(Inline("", "AA=="))),
        Whole(Native(Vendor.ANTHROPIC, "x", Raw(b"{}"))),
    )
    assert [item["type"] for item in items] == ["message", "web_search_call", "image_generation_call"]
    assert len(items[0]["content"][0]["annotations"]) == 1


def test_logprobs_stand_beside_the_text() -> None:
    told = Raw(b'{"content":[{"token":"a","logprob":-1.0,"bytes":null,"top_logprobs":null}]}')
    (message,) = output(TextDelta("a", logprobs=told), TextDelta("b"), TextDelta("c", logprobs=Raw(b"{}")))
    assert message["content"][0]["text"] == "abc"
    assert message["content"][0]["logprobs"] == [{"token": "a", "bytes": [97], "logprob": -1.0, "top_logprobs": []}]
