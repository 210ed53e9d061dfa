"""Parts become blocks that Bedrock's service model takes; what it cannot take is refused."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import (
    Audio,
    CacheMark,
    Document,
    FileRef,
    Image,
    Inline,
    Link,
    Native,
    Part,
    Refusal,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
)
from proxy.core.translation import Untranslatable
from tests.unit.translate.bedrock import made
from tests.unit.translate.bedrock.made import sent
from tests.unit.translate.talking import assistant, talk, user

PNG = Inline("image/png", "aVZCT1I=")
OURS = Signature(Vendor.ANTHROPIC, "acct", "c2ln")


def content(*parts: Part, model: str = made.SONNET) -> list[dict[str, Any]]:
    body, _ = sent(talk(user(*parts)), model)
    found: list[dict[str, Any]] = body["messages"][0]["content"]
    return found


@pytest.mark.parametrize(
    ("part", "block"),
    [
        pytest.param(Text("Hi"), {"text": "Hi"}, id="text"),
        pytest.param(
            Image(PNG, detail="low"), {"image": {"format": "png", "source": {"bytes": "aVZCT1I="}}}, id="image"
        ),
        pytest.param(
            Image(Inline("image/JPG", "aVZC")), {"image": {"format": "jpeg", "source": {"bytes": "aVZC"}}}, id="jpg"
        ),
        pytest.param(
            Image(Link("s3://bucket/cat.webp")),
            {"image": {"format": "webp", "source": {"s3Location": {"uri": "s3://bucket/cat.webp"}}}},
            id="image-in-s3",
        ),
        pytest.param(
            Audio(Inline("audio/wav", "aVZC"), "wav"),
            {"audio": {"format": "wav", "source": {"bytes": "aVZC"}}},
            id="wav",
        ),
        pytest.param(
            Audio(Inline("audio/x-wav", "aVZC")),
            {"audio": {"format": "wav", "source": {"bytes": "aVZC"}}},
            id="audio-by-media-type",
        ),
        pytest.param(Refusal("No."), {"text": "No."}, id="refusal"),
    ],
)
def test_a_part_becomes_a_block(part: Part, block: dict[str, Any]) -> None:
    assert content(part) == [block]


@pytest.mark.parametrize(
    ("document", "written"),
    [
        pytest.param(
            Document(Inline("application/pdf", "aVZC"), "a.b.pdf"),
            {"format": "pdf", "name": "a b", "source": {"bytes": "aVZC"}},
            id="pdf",
        ),
        pytest.param(
            Document(Inline("text/plain; charset=utf-8", "aVZC")),
            {"format": "txt", "name": "document", "source": {"bytes": "aVZC"}},
            id="text",
        ),
        pytest.param(
            Document(Link("s3://b1c/x"), "x.csv"),
            {"format": "csv", "name": "x", "source": {"s3Location": {"uri": "s3://b1c/x"}}},
            id="by-its-ending",
        ),
    ],
)
def test_a_document_has_a_format_a_name_and_words_beside_it(document: Document, written: dict[str, Any]) -> None:
    assert content(document) == [{"document": written}, {"text": "."}]


def test_words_beside_a_document_are_enough() -> None:
    blocks = content(Document(Inline("application/pdf", "aVZC"), "a"), Text("Read it."))
    assert [next(iter(block)) for block in blocks] == ["document", "text"]


@pytest.mark.parametrize(
    ("part", "capability"),
    [
        pytest.param(Image(Link("https://example.com/a.png")), "", id="image-by-url"),
        pytest.param(Document(Link("https://example.com/a.pdf"), "a.pdf"), "", id="document-by-url"),
        pytest.param(Image(FileRef(Vendor.OPENAI, "file-1")), "", id="file"),
        pytest.param(Image(Inline("image/tiff", "aVZC")), "images", id="image-of-another-type"),
        pytest.param(Document(Inline("application/zip", "aVZC"), "a.zip"), "", id="document-of-another-type"),
        pytest.param(Audio(Inline("audio/midi", "aVZC")), "audio", id="audio-of-another-type"),
        pytest.param(Audio(Link("s3://b1c/x"), ""), "audio", id="audio-of-no-type"),
    ],
)
def test_what_bedrock_cannot_take_is_refused(part: Part, capability: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        content(Text("a"), part)
    assert (caught.value.param, caught.value.capability) == ("messages[0].content[1]", capability)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(Text(" \n"), id="blank-text"),
        pytest.param(Text("", cache=CacheMark()), id="blank-text-with-a-mark"),
        pytest.param(Native(Vendor.AMAZON, "citation", Raw(b"{}")), id="citation"),
        pytest.param(Native(Vendor.ANTHROPIC, "web_search_tool_result", Raw(b"{}")), id="another-vendors"),
        pytest.param(Thinking("Hm."), id="thought-without-a-signature"),
        pytest.param(Thinking("Hm.", Signature(Vendor.ANTHROPIC, "else", "x")), id="thought-of-another-account"),
        pytest.param(Thinking("Hm.", Signature(Vendor.AMAZON, "acct", "x")), id="thought-of-another-family"),
    ],
)
def test_what_has_no_place_is_left_out(part: Part) -> None:
    body, _ = sent(talk(user("Hi"), assistant("Hello", part), user("On")))
    assert body["messages"][1]["content"] == [{"text": "Hello"}]


@pytest.mark.parametrize(
    ("thought", "block"),
    [
        pytest.param(Thinking("Hm.", OURS), {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}, id="text"),
        pytest.param(Thinking("", OURS, redacted=True), {"redactedContent": "c2ln"}, id="redacted"),
        pytest.param(
            Thinking("Hm.", Signature(Vendor.ANTHROPIC, "", "c2ln")),
            {"reasoningText": {"text": "Hm.", "signature": "c2ln"}},
            id="of-a-client-that-speaks-anthropics-dialect",
        ),
    ],
)
def test_a_thought_of_the_same_account_goes_back(thought: Thinking, block: dict[str, Any]) -> None:
    body, _ = sent(talk(user("Hi"), assistant(thought, "Hello"), user("On")))
    assert body["messages"][1]["content"] == [{"reasoningContent": block}, {"text": "Hello"}]


def test_a_thought_of_a_model_of_openais_goes_back_to_bedrock() -> None:
    thought = Thinking("", Signature(Vendor.AMAZON, "acct", "cnNu"), redacted=True)
    body, _ = sent(talk(user("Hi"), assistant(thought, "Hello"), user("On")), made.GPT)
    assert body["messages"][1]["content"][0] == {"reasoningContent": {"redactedContent": "cnNu"}}


@pytest.mark.parametrize(
    ("call", "written"),
    [
        pytest.param(ToolCall("c1", "f", '{"a": 1}'), {"a": 1}, id="object"),
        pytest.param(ToolCall("c1", "f", ""), {}, id="nothing"),
        pytest.param(ToolCall("c1", "f", '{"a": '), {"arguments": '{"a": '}, id="broken"),
        pytest.param(ToolCall("c1", "f", "[1]"), {"arguments": "[1]"}, id="no-object"),
        pytest.param(ToolCall("c1", "f", "ls", custom=True), {"input": "ls"}, id="free-text"),
    ],
)
def test_a_calls_arguments_are_an_object(call: ToolCall, written: dict[str, Any]) -> None:
    body, _ = sent(talk(user("Hi"), assistant(call), user(ToolResult("c1", (Text("ok"),)))))
    assert body["messages"][1]["content"] == [{"toolUse": {"toolUseId": "c1", "name": "f", "input": written}}]


def test_ids_and_names_of_calls_are_made_fit() -> None:
    call = ToolCall("call/1", "a.b", "{}")
    body, _ = sent(talk(user("Hi"), assistant(call), user(ToolResult("call/1", (Text("ok"),)))))
    written = body["messages"][1]["content"][0]["toolUse"]
    result = body["messages"][2]["content"][0]["toolResult"]
    assert written["toolUseId"].startswith("call_1_")
    assert result["toolUseId"] == written["toolUseId"]
    assert written["name"].startswith("a_b_")


@pytest.mark.parametrize(
    ("result", "written"),
    [
        pytest.param(ToolResult("c1", (Text("a"), Text("b"))), {"content": [{"text": "a"}, {"text": "b"}]}, id="texts"),
        pytest.param(ToolResult("c1", ()), {"content": [{"text": "(no output)"}]}, id="nothing"),
        pytest.param(
            ToolResult("c1", (Text("no", cache=CacheMark()),), is_error=True),
            {"content": [{"text": "no"}], "status": "error"},
            id="error",
        ),
        pytest.param(
            ToolResult("c1", (Image(PNG),)),
            {"content": [{"image": {"format": "png", "source": {"bytes": "aVZCT1I="}}}]},
            id="image",
        ),
    ],
)
def test_a_tools_result(result: ToolResult, written: dict[str, Any]) -> None:
    body, _ = sent(talk(user("Hi"), assistant(ToolCall("c1", "f", "{}")), user(result)))
    assert body["messages"][2]["content"] == [{"toolResult": {"toolUseId": "c1", **written}}]


def test_only_some_families_are_told_of_errors() -> None:
    result = ToolResult("c1", (Text("no"),), is_error=True)
    body, _ = sent(talk(user("Hi"), assistant(ToolCall("c1", "f", "{}")), user(result)), made.LLAMA)
    assert "status" not in body["messages"][2]["content"][0]["toolResult"]


@pytest.mark.parametrize(
    ("mark", "model", "points"),
    [
        pytest.param(CacheMark(), made.SONNET, [{"cachePoint": {"type": "default"}}], id="usual"),
        pytest.param(CacheMark("5m"), made.SONNET, [{"cachePoint": {"type": "default"}}], id="five-minutes"),
        pytest.param(CacheMark("1h"), made.SONNET, [{"cachePoint": {"type": "default", "ttl": "1h"}}], id="an-hour"),
        pytest.param(CacheMark("1h"), made.NOVA, [{"cachePoint": {"type": "default"}}], id="nova-knows-no-hour"),
        pytest.param(CacheMark("1h"), made.HAIKU_3, [{"cachePoint": {"type": "default"}}], id="old-claude-neither"),
        pytest.param(CacheMark(), made.MISTRAL, [], id="no-cache"),
    ],
)
def test_a_mark_of_the_cache_follows_its_part(mark: CacheMark, model: str, points: list[dict[str, Any]]) -> None:
    assert content(Text("long", cache=mark), model=model) == [{"text": "long"}, *points]
