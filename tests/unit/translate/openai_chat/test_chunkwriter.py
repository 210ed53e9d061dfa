from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from proxy.core.conversation import Audio, FileRef, Finish, Image, Inline, Native, Signature, Vendor
from proxy.core.streamparts import (
    Began,
    Counted,
    Failed,
    Finished,
    StreamPart,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolBegan,
    ToolDelta,
    Whole,
)
from proxy.core.usage import Usage
from proxy.translate.openai_chat.stream import Encoder
from tests.fakes.dialects import ENVELOPE


def chunks(*parts: StreamPart) -> list[Any]:
    encoder = Encoder(ENVELOPE)
    stream = b"".join(map(encoder.feed, parts))
    return [json.loads(event.removeprefix(b"data: ")) for event in stream.split(b"\n\n") if event]


def deltas(*parts: StreamPart) -> list[Any]:
    return [chunk["choices"][0]["delta"] for chunk in chunks(*parts)][1:]  # the first tells the role


def test_all_chunks_share_their_envelope() -> None:
    heads = [{name: chunk[name] for name in ("id", "object", "created", "model")} for chunk in chunks(TextDelta("a"))]
    assert heads == 2 * [
        {
            "id": "chatcmpl-0123456789abcdef",
            "object": "chat.completion.chunk",
            "created": ENVELOPE.created_s,
            "model": "public-model",
        }
    ]


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(Began("x", "m"), id="beginning"),
        pytest.param(Counted(Usage(1, 1)), id="usage"),
        pytest.param(Failed(b"{}"), id="error"),
        pytest.param(ToolDelta(0, ""), id="no-arguments"),
        pytest.param(Whole(Native(Vendor.ANTHROPIC, "x", Raw(b"{}"))), id="foreign-block"),
        pytest.param(Whole(Image(FileRef(Vendor.GOOGLE, "f"))), id="file-elsewhere"),
    ],
)
def test_part_without_a_place_is_not_written(part: StreamPart) -> None:
    assert Encoder(ENVELOPE).feed(part) == b""


@pytest.mark.parametrize(
    ("asked", "usage", "written"),
    [
        pytest.param(True, Usage(1, 2, service_tier="flex"), True, id="asked-for"),
        pytest.param(True, Usage(1, 2, service_tier="standard"), True, id="tier-of-another-vendor"),
        pytest.param(True, None, False, id="not-known"),
        pytest.param(False, Usage(1, 2), False, id="not-asked-for"),
    ],
)
def test_usage_is_told_if_asked_for(asked: bool, usage: Usage | None, written: bool) -> None:
    encoder = Encoder(replace(ENVELOPE, include_usage=asked))
    encoder.feed(Began(usage=usage))
    text = encoder.feed(TextDelta("a"))
    last = encoder.finish()
    assert (b'"usage":null' in text) is asked
    assert (b'"prompt_tokens":1' in last) is written
    assert (b'"service_tier":"flex"' in last) is (usage is not None and usage.service_tier == "flex")
    assert last.endswith(b"data: [DONE]\n\n")


def test_thought_goes_with_its_signature_as_one_block() -> None:
    own, hidden = Signature(Vendor.ANTHROPIC, "acc", "v"), Signature(Vendor.ANTHROPIC, "acc", "h")
    found = deltas(
        ThinkingDelta("a"),
        ThinkingSigned(hidden, redacted=True),
        ThinkingDelta("b"),
        ThinkingSigned(own),
        ThinkingSigned(own),
    )
    assert [delta.get("thinking_blocks") for delta in found] == [
        None,
        [{"type": "redacted_thinking", "data": "^f.anthropic.acc.h"}],
        None,
        [{"type": "thinking", "thinking": "ab", "signature": "^f.anthropic.acc.v"}],
        [{"type": "thinking", "thinking": "", "signature": "^f.anthropic.acc.v"}],
    ]


def test_function_that_takes_nothing_is_called_with_an_empty_object() -> None:
    found = deltas(ToolBegan(0, "a", "f"), ToolBegan(1, "b", "g"), ToolDelta(1, "{}"), Finished(Finish.TOOL_CALLS))
    assert [delta["tool_calls"][0]["function"]["arguments"] for delta in found[:-1]] == ["", "", "{}", "{}"]
    assert found[-2]["tool_calls"][0]["index"] == 0


def test_pieces_of_sound_share_an_id() -> None:
    found = deltas(Whole(Audio(Inline("", "AA=="))), Whole(Audio(Inline("", "BB=="))))
    assert [delta["audio"]["id"] for delta in found] == 2 * ["audio_0123456789abcdef"]


def test_images_are_counted() -> None:
    image = Whole(Image(Inline("image/png", "AA==")))
    assert [delta["images"][0]["index"] for delta in deltas(image, image)] == [0, 1]
