"""Content blocks, as parts."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from proxy.core.conversation import (
    CacheMark,
    Document,
    FileRef,
    Image,
    Inline,
    Link,
    Native,
    Part,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
)
from proxy.core.signature import sealed
from proxy.core.translation import Undecodable
from proxy.translate.foreign import EXTRAS
from tests.unit.translate.anthropic.said import body, received, talk
from tests.unit.translate.talking import user

EPHEMERAL = {"cache_control": {"type": "ephemeral"}}
UNKNOWN_ACCOUNT = Signature(Vendor.ANTHROPIC, "", "sig")


def parts(*blocks: dict[str, Any], role: str = "user") -> tuple[Part, ...]:
    return received(messages=[{"role": role, "content": list(blocks)}]).messages[0].parts


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param({"type": "text", "text": "a", **EPHEMERAL}, Text("a", CacheMark()), id="text"),
        pytest.param(
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}, **EPHEMERAL},
            Image(Inline("image/png", "aGk="), cache=CacheMark()),
            id="image",
        ),
        pytest.param(
            {"type": "image", "source": {"type": "url", "url": "https://x"}}, Image(Link("https://x")), id="url"
        ),
        pytest.param(
            {"type": "image", "source": {"type": "base64", "data": "aGk="}}, Image(Inline("", "aGk=")), id="untyped"
        ),
        pytest.param(
            {"type": "document", "source": {"type": "file", "file_id": "f"}, "title": "t", **EPHEMERAL},
            Document(FileRef(Vendor.ANTHROPIC, "f"), "t", CacheMark()),
            id="file",
        ),
        pytest.param(
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
            Document(Inline("text/plain", "aGk=")),
            id="text-document",
        ),
        pytest.param(
            {"type": "tool_use", "id": "a", "name": "f", "input": {"n": 1}, **EPHEMERAL},
            ToolCall("a", "f", '{"n":1}', cache=CacheMark()),
            id="call",
        ),
        pytest.param({"type": "tool_use", "id": "a", "name": "f"}, ToolCall("a", "f", "{}"), id="call-without-input"),
        pytest.param(
            {"type": "thinking", "thinking": "t", "signature": "sig"}, Thinking("t", UNKNOWN_ACCOUNT), id="thought"
        ),
        pytest.param({"type": "thinking", "thinking": "t", "signature": ""}, Thinking("t"), id="unsigned-thought"),
        pytest.param(
            {"type": "redacted_thinking", "data": "sig"}, Thinking("", UNKNOWN_ACCOUNT, redacted=True), id="redacted"
        ),
        pytest.param(
            {"type": "thinking", "thinking": "t", "signature": "^f.openai.acc.v"},
            Thinking("t", Signature(Vendor.OPENAI, "acc", "v")),
            id="thought-of-another-vendor",
        ),
    ],
)
def test_a_block_is_a_part(block: dict[str, Any], expected: Part) -> None:
    assert parts(block) == (expected,)


@pytest.mark.parametrize(
    ("content", "expected", "is_own"),
    [
        pytest.param("ok", (Text("ok"),), False, id="text"),
        pytest.param(None, (), False, id="none"),
        pytest.param([{"type": "text", "text": "ok"}], (Text("ok"),), False, id="blocks"),
        pytest.param([{"type": "x"}], (Text('{"type":"x"}'),), True, id="unknown-block-as-its-json"),
        pytest.param([{"type": "text", "text": "ok", "citations": []}], (Text("ok"),), True, id="members-of-its-own"),
        pytest.param([{"type": "thinking", "thinking": "t"}], (), False, id="nonsense"),
    ],
)
def test_a_result_holds_what_every_vendors_results_may(
    content: object, expected: tuple[Text, ...], is_own: bool
) -> None:
    own = Native(Vendor.ANTHROPIC, "tool_result", Raw(msgspec.json.encode(content))) if is_own else None
    block = {"type": "tool_result", "tool_use_id": "a", "content": content}
    assert parts(block) == (ToolResult("a", expected, own=own),)


def test_a_result_goes_back_to_its_vendor_as_it_came() -> None:
    found = {"type": "search_result", "source": "s", "title": "t", "content": [], "citations": {"enabled": True}}
    result = {
        "type": "tool_result",
        "tool_use_id": "a",
        "content": [found, {"type": "tool_reference", "tool_name": "f"}],
    }
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    messages = [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    assert body(received(messages=messages))["messages"][-1]["content"] == [result]


def test_a_result_knows_its_tool_and_its_failure() -> None:
    messages = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "is_error": True, **EPHEMERAL}]},
    ]
    assert received(messages=messages).messages[1].parts == (ToolResult("a", (), "f", True, CacheMark()),)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [], "caller": {"type": "direct"}},
        {"type": "container_upload", "file_id": "f"},
        {"type": "image", "source": {"type": "of_a_later_version", "place": "x"}},
        {"type": "search_result", "source": "https://x", "title": "T"},
        {"type": "document", "source": {"type": "content"}},
        {
            "type": "document",
            "source": {
                "type": "content",
                "content": [{"type": "image", "source": {"type": "url", "url": "https://x"}}],
            },
        },
    ],
)
def test_a_block_of_the_vendors_own_is_kept_raw(block: dict[str, Any]) -> None:
    (first, native) = parts({"type": "text", "text": "a"}, block)
    assert first == Text("a")
    assert isinstance(native, Native)
    assert (native.vendor, native.kind, json.loads(bytes(native.value))) == (Vendor.ANTHROPIC, block["type"], block)


@pytest.mark.parametrize(
    ("block", "name", "words"),
    [
        pytest.param(
            {"type": "document", "source": {"type": "content", "content": "a"}, "citations": {"enabled": True}},
            "",
            "a",
            id="document-of-text",
        ),
        pytest.param(
            {
                "type": "document",
                "source": {"type": "content", "content": [{"type": "text", "text": t} for t in "ab"]},
                "title": "T",
                **EPHEMERAL,
            },
            "T",
            "a\n\nb",
            id="document-of-blocks",
        ),
        pytest.param(
            {
                "type": "search_result",
                "source": "https://x",
                "title": "T",
                "content": [{"type": "text", "text": "a"}],
                "citations": {"enabled": True},
            },
            "T",
            "T\nhttps://x\n\na",
            id="search-result",
        ),
    ],
)
def test_what_is_quoted_is_a_document_and_goes_back_whole(block: dict[str, Any], name: str, words: str) -> None:
    document, whole = parts(block)
    cache = CacheMark() if "cache_control" in block else None
    assert document == Document(Inline("text/plain", b64encode(words.encode()).decode()), name, cache)
    assert isinstance(whole, Native)
    assert (whole.kind, json.loads(bytes(whole.value))) == (EXTRAS, block)
    assert body(talk(user(document, whole)))["messages"][0]["content"] == [block]


@pytest.mark.parametrize(
    ("block", "extras"),
    [
        (
            {"type": "text", "text": "a", "citations": [{"type": "char_location"}]},
            b'{"citations":[{"type":"char_location"}]}',
        ),
        ({"type": "text", "text": "a", "citations": None}, None),
        (
            {"type": "document", "source": {"type": "url", "url": "u"}, "citations": {"enabled": True}, "context": "c"},
            b'{"citations":{"enabled":true},"context":"c"}',
        ),
        (
            {"type": "tool_use", "id": "a", "name": "f", "input": {}, "caller": {"type": "direct"}},
            b'{"caller":{"type":"direct"}}',
        ),
        ({"type": "image", "source": {"type": "url", "url": "u"}, "transformations": {}}, b'{"transformations":{}}'),
        ({"type": "tool_result", "tool_use_id": "a", "toolset_name": "browser"}, b'{"toolset_name":"browser"}'),
    ],
)
def test_members_of_the_vendors_own_follow_their_part(block: dict[str, Any], extras: bytes | None) -> None:
    _, *following = parts(block)
    assert [(part.kind, bytes(part.value)) for part in following if isinstance(part, Native)] == (
        [] if extras is None else [(EXTRAS, extras)]
    )


GEMINI = Signature(Vendor.GOOGLE, "acc", "c2ln")
CARRIED = {"type": "redacted_thinking", "data": sealed(GEMINI)}
CALL = {"type": "tool_use", "id": "a", "name": "f", "input": {}}


def test_a_gemini_call_gets_its_signature_back() -> None:
    assert parts(CARRIED, CALL, role="assistant") == (ToolCall("a", "f", "{}", GEMINI),)


def test_another_vendors_redacted_thought_before_a_call_stays_one() -> None:
    foreign = Signature(Vendor.OPENAI, "acc", "x")
    thought = {"type": "redacted_thinking", "data": sealed(foreign)}
    assert parts(thought, CALL, role="assistant") == (Thinking("", foreign, redacted=True), ToolCall("a", "f", "{}"))


def test_a_gemini_signature_that_no_call_follows_stays_a_thought() -> None:
    assert parts(CARRIED, {"type": "text", "text": "a"}, role="assistant")[0] == Thinking("", GEMINI, redacted=True)


@pytest.mark.parametrize(
    ("block", "member"),
    [
        ({"type": "text"}, "text"),
        ({"type": "tool_use", "name": "f"}, "id"),
        ({"type": "tool_use", "id": "a"}, "name"),
        ({"type": "tool_result"}, "tool_use_id"),
        ({"type": "thinking"}, "thinking"),
        ({"type": "redacted_thinking"}, "data"),
        ({"type": "image"}, "source"),
        ({"type": "image", "source": {"type": "base64"}}, "source"),
        ({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text"}]}, "content[0].text"),
    ],
)
def test_a_block_without_what_it_needs_is_refused_with_its_place(block: dict[str, Any], member: str) -> None:
    with pytest.raises(Undecodable) as caught:
        parts(block)
    assert caught.value.param == f"messages[0].content[0].{member}"
