"""Messages, files and results of tools as Cohere takes them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import (
    Audio,
    Document,
    FileRef,
    Image,
    Inline,
    Link,
    Message,
    Native,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
)
from proxy.core.translation import Untranslatable
from tests.unit.translate.cohere.made import sent
from tests.unit.translate.talking import assistant, system, talk, user

NOTE = Document(Inline("text/plain", b64encode("größer".encode()).decode()), "note.txt")
CALL = ToolCall("c1", "look_up", '{"word":"a"}')


def messages(*given: Message) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sent(talk(*given))[0]["messages"]
    return found


def test_the_four_roles_stand_where_they_stood() -> None:
    given = (system("a"), user("b"), assistant("c"), system("d", role=Role.DEVELOPER), user("e"))
    assert [(turn["role"], turn["content"]) for turn in messages(*given)] == [
        ("system", "a"),
        ("user", "b"),
        ("assistant", "c"),
        ("system", "d"),
        ("user", "e"),
    ]


def test_several_texts_are_several_blocks() -> None:
    assert messages(user("a", Refusal("b"), "")) == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    ]


def test_messages_that_say_nothing_vanish() -> None:
    assert messages(user(""), system(""), assistant(Thinking("Hm.")), user("a")) == [{"role": "user", "content": "a"}]


@pytest.mark.parametrize(
    ("image", "written"),
    [
        pytest.param(Image(Inline("image/png", "aVZC")), {"url": "data:image/png;base64,aVZC"}, id="data"),
        pytest.param(
            Image(Link("https://example.com/a.png"), "low"),
            {"url": "https://example.com/a.png", "detail": "low"},
            id="url",
        ),
        pytest.param(Image(Link("https://example.com/a"), "x"), {"url": "https://example.com/a"}, id="unknown-detail"),
    ],
)
def test_an_image(image: Image, written: dict[str, str]) -> None:
    assert messages(user("a", image))[0]["content"][1] == {"type": "image_url", "image_url": written}


def test_files_of_text_are_documents() -> None:
    body, _ = sent(talk(user("Sum up.", NOTE, Document(Inline("application/json", b64encode(b"{}").decode())))))
    assert body["documents"] == [{"data": {"text": "größer", "title": "note.txt"}}, {"data": {"text": "{}"}}]
    assert body["messages"] == [{"role": "user", "content": "Sum up."}]


@pytest.mark.parametrize(
    ("part", "capability"),
    [
        pytest.param(Audio(Inline("audio/wav", "aVZC"), "wav"), "audio", id="audio"),
        pytest.param(Image(FileRef(Vendor.OPENAI, "file-1")), "", id="file-id"),
        pytest.param(Document(Inline("application/pdf", "aVZC"), "a.pdf"), "", id="pdf"),
        pytest.param(Document(Link("https://example.com/a.txt")), "", id="document-by-url"),
        pytest.param(Document(FileRef(Vendor.OPENAI, "file-1")), "", id="document-by-its-id"),
        pytest.param(Document(Inline("text/plain", "no base64")), "", id="document-not-in-base64"),
        pytest.param(Document(Inline("text/plain", "größer")), "", id="document-not-in-ascii"),
        pytest.param(Document(Inline("text/plain", "/w==")), "", id="document-not-in-utf-8"),
        pytest.param(ToolResult("c1", (Image(Inline("image/png", "aVZC")),)), "images", id="image-as-a-result"),
    ],
)
def test_what_cohere_cannot_take_is_refused(part: Part, capability: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        messages(user("a", part))
    assert (caught.value.param, caught.value.capability) == ("messages[0].content[1]", capability)


def test_calls_have_their_plan() -> None:
    assert messages(user("a"), assistant(Thinking("I will look."), CALL))[1] == {
        "role": "assistant",
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"word":"a"}'}}],
        "tool_plan": "I will look.",
    }


def test_calls_without_arguments_have_an_empty_object() -> None:
    call = messages(user("a"), assistant(ToolCall("c1", "f", "")))[1]["tool_calls"][0]
    assert call["function"]["arguments"] == "{}"


def test_thoughts_go_back_only_beside_calls() -> None:
    assert messages(user("a"), assistant(Thinking("Hm."), "b"))[1] == {"role": "assistant", "content": "b"}


def test_citations_go_back() -> None:
    cited = Native(Vendor.COHERE, "citation", Raw(b'{"start":0,"end":1,"text":"b","sources":[]}'))
    foreign = Native(Vendor.AMAZON, "citation", Raw(b"{}"))
    found = messages(user("a"), assistant("b", cited, foreign))[1]
    assert found["citations"] == [{"start": 0, "end": 1, "text": "b", "sources": []}]


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        pytest.param((Text("ok"),), "ok", id="one-text"),
        pytest.param((), "(no output)", id="nothing"),
        pytest.param(
            (Text("a"), Text("b")), [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], id="two-texts"
        ),
        pytest.param(
            (NOTE,),
            [{"type": "document", "document": {"data": {"text": "größer", "title": "note.txt"}}}],
            id="document",
        ),
    ],
)
def test_a_result_is_a_message_of_its_own(parts: tuple[Text | Document, ...], content: Any) -> None:  # noqa: ANN401
    found = messages(user("a"), assistant(CALL), user(ToolResult("c1", parts), "So?"))
    assert found[2] == {"role": "tool", "tool_call_id": "c1", "content": content}
    assert found[3] == {"role": "user", "content": "So?"}


def test_blocks_of_other_vendors_are_left_out() -> None:
    foreign = Native(Vendor.ANTHROPIC, "x", Raw(b"{}"))
    assert messages(user("a", foreign)) == [{"role": "user", "content": "a"}]
    assert messages(user("a"), assistant("b", Native(Vendor.ANTHROPIC, "x", Raw(b"{}")))) == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
    ]


@pytest.mark.parametrize("parts", [(), (Text(""),), (Text("  "), Text(""))], ids=["none", "empty", "blank"])
def test_a_result_that_says_nothing_says_so(parts: tuple[Text, ...]) -> None:
    said = messages(user("a"), assistant(ToolCall("c1", "f", "{}")), user(ToolResult("c1", parts)))
    assert said[2] == {"role": "tool", "tool_call_id": "c1", "content": "(no output)"}


def test_a_system_message_at_the_end_is_said_by_the_user() -> None:
    assert messages(user("a"), system("b"), assistant("c"), system("d"))[1:] == [
        {"role": "system", "content": "b"},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    ]
    assert messages(system("alone")) == [{"role": "user", "content": "alone"}]


def test_what_means_nothing_in_a_users_message_is_left_out() -> None:
    assert messages(user("a", Thinking("Hm."))) == [{"role": "user", "content": "a"}]
