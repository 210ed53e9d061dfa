from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from proxy.core.conversation import (
    CacheMark,
    Conversation,
    Image,
    Inline,
    Message,
    Native,
    Part,
    Refusal,
    Role,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
)
from proxy.core.translation import Target, Untranslatable
from proxy.translate.openai_chat.request import encode_request
from tests.fakes.dialects import ACCOUNT, TARGET

PNG = Image(Inline("image/png", "AA=="))
PNG_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
EVERYTHING = replace(
    TARGET, extensions=frozenset({"cache_control", "extra_content", "images", "reasoning_content", "reasoning_details"})
)


def written(*messages: Message, target: Target = TARGET) -> list[dict[str, Any]]:
    found = json.loads(encode_request(Conversation(Vendor.ANTHROPIC, messages), target).body)["messages"]
    return list(found)


def said(*parts: Part, target: Target = TARGET) -> dict[str, Any]:
    return written(Message(Role.ASSISTANT, parts), target=target)[0]


def test_results_stand_before_what_was_said_with_them() -> None:
    told = Message(Role.USER, (Text("Look:"), ToolResult("c1", (Text("a"), PNG)), ToolResult("c2", ())))
    assert written(told) == [
        {"role": "tool", "tool_call_id": "c1", "content": "a"},
        {"role": "tool", "tool_call_id": "c2", "content": ""},
        {"role": "user", "content": [PNG_PART, {"type": "text", "text": "Look:"}]},
    ]


@pytest.mark.parametrize(
    ("extensions", "roles"),
    [
        pytest.param({"system_messages"}, ["system", "user", "system"], id="known-to-take-them"),
        pytest.param(set(), ["system", "user"], id="perhaps-a-template"),
    ],
)
def test_instructions_between_turns_go_to_those_who_take_them(extensions: set[str], roles: list[str]) -> None:
    messages = [Message(role, (Text("t"),)) for role in (Role.SYSTEM, Role.USER, Role.SYSTEM)]
    target = replace(TARGET, extensions=frozenset(extensions))
    assert [told["role"] for told in written(*messages, target=target)] == roles


def test_results_alone_make_no_message_of_the_user() -> None:
    assert [told["role"] for told in written(Message(Role.USER, (ToolResult("c1", (Text("a"),)),)))] == ["tool"]


@pytest.mark.parametrize("role", [Role.USER, Role.ASSISTANT])
def test_empty_message_stays(role: Role) -> None:
    assert written(Message(role, ())) == [{"role": role.value, "content": ""}]


def test_names_are_kept() -> None:
    told = written(Message(Role.USER, (Text("a"),), "Ada"), Message(Role.ASSISTANT, (Text("b"),), "Bob"))
    assert [message["name"] for message in told] == ["Ada", "Bob"]


def test_empty_texts_are_not_sent() -> None:
    assert said(Text(""), Text("a"), Text("")) == {"role": "assistant", "content": "a"}


def test_refusal_is_text() -> None:
    assert said(Refusal("No.")) == {"role": "assistant", "content": "No."}


def test_caches_are_marked_where_they_are_taken() -> None:
    marked = Text("a", CacheMark("1h"))
    assert said(marked, Text("b"))["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert said(marked, Text("b"), target=EVERYTHING)["content"] == [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": "b"},
    ]


def test_audio_of_an_earlier_answer_is_named() -> None:
    assert said(Native(Vendor.OPENAI, "audio", Raw(b'{"id":"a1"}'))) == {
        "role": "assistant",
        "content": None,
        "audio": {"id": "a1"},
    }


def test_blocks_of_other_vendors_are_left_out() -> None:
    assert said(Native(Vendor.ANTHROPIC, "server_tool_use", Raw(b"{}")), Text("a"))["content"] == "a"


def test_images_of_the_assistant_go_only_to_who_takes_them() -> None:
    assert said(Text("a"), PNG, target=EVERYTHING)["images"] == [PNG_PART]
    with pytest.raises(Untranslatable) as caught:
        said(Text("a"), PNG)
    assert (caught.value.param, caught.value.capability) == ("messages[0].content[1]", "images")


@pytest.mark.parametrize(
    ("signature", "target", "goes"),
    [
        pytest.param(Signature(Vendor.GOOGLE, ACCOUNT, "v"), TARGET, True, id="own"),
        pytest.param(Signature(Vendor.GOOGLE, "other", "v"), EVERYTHING, False, id="other-account"),
        pytest.param(Signature(Vendor.ANTHROPIC, ACCOUNT, "v"), EVERYTHING, False, id="other-vendor"),
        pytest.param(Signature(Vendor.GOOGLE, "", "v"), TARGET, False, id="unknown-account"),
        pytest.param(Signature(Vendor.GOOGLE, "", "v"), EVERYTHING, True, id="unknown-account-of-a-google-endpoint"),
    ],
)
def test_googles_signature_goes_back_to_google(signature: Signature, target: Target, goes: bool) -> None:
    call = said(ToolCall("c", "f", "", signature), target=target)["tool_calls"][0]
    assert ("extra_content" in call) is goes


@pytest.mark.parametrize(
    ("thought", "members"),
    [
        pytest.param(Thinking("r"), {"reasoning_content": "r"}, id="unsigned"),
        pytest.param(
            Thinking("r", Signature(Vendor.ANTHROPIC, ACCOUNT, "v")),
            {
                "reasoning_content": "r",
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "r", "signature": "v", "format": "anthropic-claude-v1"}
                ],
            },
            id="signed",
        ),
        pytest.param(
            Thinking("", Signature(Vendor.COHERE, ACCOUNT, "v"), redacted=True),
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": "v", "format": "unknown"}]},
            id="hidden",
        ),
        pytest.param(
            Thinking("r", Signature(Vendor.ANTHROPIC, "", "v")), {"reasoning_content": "r"}, id="of-an-unknown-account"
        ),
    ],
)
def test_thoughts_go_to_who_takes_them(thought: Thinking, members: dict[str, Any]) -> None:
    assert said(thought, target=EVERYTHING) == {"role": "assistant", "content": "", **members}


def test_message_without_a_thought_has_a_blank_one_for_who_wants_one_in_each() -> None:
    target = replace(TARGET, extensions=frozenset({"every_thought", "reasoning_content"}))
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert said(ToolCall("c", "f", ""), target=target) == {
        "role": "assistant",
        "content": "",
        "reasoning_content": " ",
        "tool_calls": [call],
    }


def test_claudes_thoughts_go_back_as_litellm_gave_them() -> None:
    shown = Thinking("r", Signature(Vendor.ANTHROPIC, ACCOUNT, "v"))
    hidden = Thinking("", Signature(Vendor.ANTHROPIC, ACCOUNT, "h"), redacted=True)
    openais = Thinking("", Signature(Vendor.OPENAI, ACCOUNT, "o"), redacted=True)
    assert said(shown, hidden, openais)["thinking_blocks"] == [
        {"type": "thinking", "thinking": "r", "signature": "v"},
        {"type": "redacted_thinking", "data": "h"},
    ]


def test_thoughts_do_not_go_to_an_account_without_a_name() -> None:
    thought = Thinking("r", Signature(Vendor.ANTHROPIC, "", "v"))
    assert said(thought, target=replace(TARGET, account="")) == {"role": "assistant", "content": ""}
