from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.conversation import (
    Audio,
    CacheMark,
    Conversation,
    Document,
    FileRef,
    Image,
    Inline,
    Link,
    Message,
    Part,
    Role,
    Text,
    Thinking,
    Vendor,
)
from proxy.core.translation import Undecodable, Untranslatable
from proxy.translate.openai_chat.request import decode_request, encode_request
from tests.fakes.dialects import TARGET

PNG = Inline("image/png", "AA==")


def read(part: dict[str, Any]) -> Part:
    body = json.dumps({"messages": [{"role": "user", "content": [part]}]}).encode()
    return decode_request(body, False).messages[0].parts[0]


def written(*parts: Part) -> Any:  # noqa: ANN401
    conversation = Conversation(Vendor.ANTHROPIC, (Message(Role.USER, parts),))
    return json.loads(encode_request(conversation, TARGET).body)["messages"][0]["content"]


@pytest.mark.parametrize(
    ("part", "found"),
    [
        pytest.param(
            {"type": "image_url", "image_url": "https://x/a.png"}, Image(Link("https://x/a.png")), id="bare-url"
        ),
        pytest.param(
            {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "high"}, "cache_control": {}},
            Image(Link("https://x/a.png"), "high", CacheMark()),
            id="marked-image",
        ),
        pytest.param(
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
            Audio(Inline("audio/mpeg", "AA=="), "mp3"),
            id="audio",
        ),
        pytest.param(
            {"type": "input_audio", "input_audio": {"data": "AA=="}}, Audio(Inline("audio/wav", "AA==")), id="wav"
        ),
        pytest.param(
            {"type": "input_audio", "input_audio": {"data": "https://x/a.wav"}},
            Audio(Link("https://x/a.wav")),
            id="audio-url",
        ),
        pytest.param({"type": "file", "file": {"file_id": "f1"}}, Document(FileRef(Vendor.OPENAI, "f1")), id="file-id"),
        pytest.param(
            {"type": "file", "file": {"file_data": "https://x/a.pdf"}}, Document(Link("https://x/a.pdf")), id="file-url"
        ),
        pytest.param(
            {"type": "file", "file": {"file_data": "AA==", "filename": "a.txt"}},
            Document(Inline("text/plain", "AA=="), "a.txt"),
            id="file-named",
        ),
        pytest.param(
            {"type": "file", "file": {"file_data": "AA=="}},
            Document(Inline("application/pdf", "AA==")),
            id="file-unnamed",
        ),
    ],
)
def test_part_is_read(part: dict[str, Any], found: Part) -> None:
    assert read(part) == found


@pytest.mark.parametrize("kind", ["text", "image_url", "input_audio", "file", "refusal", "thinking"])
def test_part_without_its_member_is_refused(kind: str) -> None:
    with pytest.raises(Undecodable) as caught:
        read({"type": kind})
    assert caught.value.param == f"messages[0].content[0].{kind}"


def test_file_without_data_is_refused() -> None:
    with pytest.raises(Undecodable):
        read({"type": "file", "file": {"filename": "a.pdf"}})


@pytest.mark.parametrize(
    ("part", "found"),
    [
        pytest.param(Image(PNG), {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}, id="image"),
        pytest.param(
            Audio(Inline("audio/mpeg", "AA==")),
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
            id="audio",
        ),
        pytest.param(
            Audio(Inline("audio/flac", "AA==")),
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "flac"}},
            id="audio-of-another-kind",
        ),
        pytest.param(
            Document(Inline("application/pdf", "AA==")),
            {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,AA=="}},
            id="document-without-a-name",
        ),
        pytest.param(Document(Inline("text/markdown", "SGk=")), {"type": "text", "text": "Hi"}, id="document-of-words"),
        pytest.param(Document(FileRef(Vendor.OPENAI, "f")), {"type": "file", "file": {"file_id": "f"}}, id="own-file"),
    ],
)
def test_part_is_written(part: Part, found: dict[str, Any]) -> None:
    assert written(part) == [found]


@pytest.mark.parametrize(
    ("part", "capability"),
    [
        pytest.param(Audio(Link("https://x/a.wav")), "audio", id="audio-url"),
        pytest.param(Image(FileRef(Vendor.OPENAI, "f")), "images", id="image-file"),
        pytest.param(Document(Link("https://x/a.pdf")), "", id="document-url"),
        pytest.param(Document(FileRef(Vendor.ANTHROPIC, "f")), "", id="foreign-file"),
        pytest.param(Document(Inline("text/plain", "abc")), "", id="text-that-is-no-base64"),
    ],
)
def test_part_that_chat_has_no_form_for_is_refused(part: Part, capability: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        written(Text("a"), part)
    assert (caught.value.param, caught.value.capability) == ("messages[0].content[1]", capability)


def test_part_that_means_nothing_there_is_left_out() -> None:
    assert written(Thinking("x"), Text("a")) == [{"type": "text", "text": "a"}]
    assert written(Thinking("x")) == ""
