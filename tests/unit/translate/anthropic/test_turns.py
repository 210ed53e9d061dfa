"""Messages as turns: merged, regrouped, and with system messages where they may stand."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import (
    Audio,
    CacheMark,
    Conversation,
    Document,
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
from proxy.translate.foreign import EXTRAS
from tests.unit.translate.anthropic.said import body, own, refusal, talk
from tests.unit.translate.talking import assistant, system, user

OLDER, PREFILLED = "claude-opus-4-7", "claude-opus-4-5"
CALL_A, CALL_B = ToolCall("a", "f", '{"n": 1}'), ToolCall("b", "g", "")
RESULT_A, RESULT_B = ToolResult("a", (Text("1"),)), ToolResult("b", (Text("2"),))
PNG = Image(Inline("image/png", "aGk="))
SOUND = Audio(Inline("audio/wav", "aGk="), "wav")


def turns(*messages: Message, model: str = "claude-opus-5-5", vendor: Vendor = Vendor.OPENAI) -> list[Any]:
    """Role and blocks; a block of text alone is its text."""
    written = body(talk(*messages, vendor=vendor), model)["messages"]
    return [(turn["role"], [_short(block) for block in turn["content"]]) for turn in written]


def _short(block: Any) -> Any:  # noqa: ANN401 - JSON
    return block["text"] if set(block) == {"type", "text"} else block


def test_leading_system_messages_are_the_system_prompt() -> None:
    developer = Message(Role.DEVELOPER, (Text("two", CacheMark("5m")),))
    assert body(talk(system("one"), developer, user("hi")))["system"] == [
        {"type": "text", "text": "one"},
        {"type": "text", "text": "two", "cache_control": {"type": "ephemeral", "ttl": "5m"}},
    ]


def test_there_is_no_system_prompt_unless_said() -> None:
    assert "system" not in body(talk(system(" "), user("hi")))


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param((user("a"), system("s")), [("user", ["a"]), ("system", ["s"])], id="last"),
        pytest.param(
            (user("a"), system("s"), system("t"), assistant("b"), user("c")),
            [("user", ["a"]), ("system", ["s", "t"]), ("assistant", ["b"]), ("user", ["c"])],
            id="between-user-and-assistant",
        ),
        pytest.param(
            (user("a"), system("s"), user("b")), [("user", ["a", "<system>\ns\n</system>", "b"])], id="between-users"
        ),
        pytest.param(
            (user("a"), assistant("b"), system("s"), user("c")),
            [("user", ["a"]), ("assistant", ["b"]), ("user", ["<system>\ns\n</system>", "c"])],
            id="after-assistant",
        ),
        pytest.param(
            (user("a"), system(""), assistant("b"), user("c")),
            [("user", ["a"]), ("assistant", ["b"]), ("user", ["c"])],
            id="empty",
        ),
    ],
)
def test_later_system_messages_stay_where_they_may(messages: tuple[Message, ...], expected: object) -> None:
    assert turns(*messages) == expected


def test_older_models_hear_later_system_messages_from_the_user() -> None:
    assert turns(user("a"), system("s"), model=OLDER) == [("user", ["a", "<system>\ns\n</system>"])]


def test_results_around_a_system_message_stay_together() -> None:
    first, second = {"type": "tool_result", "tool_use_id": "a"}, {"type": "tool_result", "tool_use_id": "b"}
    spoken = turns(
        user("go"), assistant(CALL_A, CALL_B), user(ToolResult("a", ())), system("s"), user(ToolResult("b", ()))
    )
    assert spoken[2] == ("user", [first, second, "<system>\ns\n</system>"])


def test_neighbours_of_one_role_are_merged() -> None:
    assert turns(user("a"), user("b"), assistant("c"), assistant("d"), user("e")) == [
        ("user", ["a", "b"]),
        ("assistant", ["c", "d"]),
        ("user", ["e"]),
    ]


def test_all_results_of_a_turn_come_first_in_one_message() -> None:
    spoken = turns(user("go"), assistant("Well.", CALL_A, CALL_B), user(RESULT_A), user("and"), user(RESULT_B))
    assert spoken[1] == (
        "assistant",
        [
            "Well.",
            {"type": "tool_use", "id": "a", "name": "f", "input": {"n": 1}},
            {"type": "tool_use", "id": "b", "name": "g", "input": {}},
        ],
    )
    assert spoken[2] == (
        "user",
        [
            {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "1"}]},
            {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "2"}]},
            "and",
        ],
    )


def test_a_result_may_fail_be_cached_and_hold_images() -> None:
    result = ToolResult("a", (Text(""), PNG), is_error=True, cache=CacheMark())
    spoken = turns(user("go"), assistant(CALL_A), user(result))
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    assert spoken[2][1] == [
        {
            "type": "tool_result",
            "tool_use_id": "a",
            "content": [image],
            "is_error": True,
            "cache_control": {"type": "ephemeral"},
        }
    ]


def test_foreign_ids_are_sanitised_alike_in_calls_and_results() -> None:
    spoken = turns(user("go"), assistant(ToolCall("f:0", "f", "{}")), user(ToolResult("f:0", ())))
    assert spoken[1][1][0]["id"] == spoken[2][1][0]["tool_use_id"] == "flid_Zjow"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param("", {}, id="none"),
        pytest.param("null", {}, id="null"),
        pytest.param('{"a": ', {"arguments": '{"a": '}, id="broken"),
        pytest.param("[1]", {"arguments": "[1]"}, id="no-object"),
        pytest.param('{"a": "\\ud83d"}', {"a": "\ufffd"}, id="half-a-character"),
        pytest.param("[" * 9_999, {"arguments": "[" * 9_999}, id="deep"),
    ],
)
def test_arguments_are_an_object(arguments: str, expected: object) -> None:
    spoken = turns(user("go"), assistant(ToolCall("a", "f", arguments)), user(RESULT_A))
    assert spoken[1][1][0]["input"] == expected


def test_free_text_arguments_are_the_input() -> None:
    spoken = turns(user("go"), assistant(ToolCall("a", "f", "ls", custom=True)), user(RESULT_A))
    assert spoken[1][1][0]["input"] == {"input": "ls"}


def test_a_call_may_end_a_cached_stretch() -> None:
    spoken = turns(user("go"), assistant(ToolCall("a", "f", "{}", cache=CacheMark())), user(RESULT_A))
    assert spoken[1][1][0]["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param(Thinking("t", own()), [{"type": "thinking", "thinking": "t", "signature": "sig"}], id="own"),
        pytest.param(Thinking("", own(), redacted=True), [{"type": "redacted_thinking", "data": "sig"}], id="redacted"),
        pytest.param(
            Thinking("t", Signature(Vendor.ANTHROPIC, "", "sig")),
            [{"type": "thinking", "thinking": "t", "signature": "sig"}],
            id="of-an-account-nobody-knows",
        ),
        pytest.param(Thinking("t"), [], id="unsigned"),
        pytest.param(Thinking("t", Signature(Vendor.ANTHROPIC, "other", "sig")), [], id="another-account"),
        pytest.param(Thinking("t", Signature(Vendor.GOOGLE, "acct", "sig")), [], id="another-vendor"),
    ],
)
def test_thoughts_go_back_to_whoever_thought_them(part: Part, expected: list[object]) -> None:
    assert turns(user("a"), assistant(part, "b"), user("c"))[1] == ("assistant", [*expected, "b"])


def test_what_a_model_refused_or_said_aloud_is_text_or_nothing() -> None:
    spoken = turns(user("a"), assistant(Refusal("No."), SOUND, RESULT_A), user("c", Thinking("t"), CALL_A))
    assert spoken == [("user", ["a"]), ("assistant", ["No."]), ("user", ["c"])]


@pytest.mark.parametrize(
    ("messages", "param", "capability"),
    [
        pytest.param((user(SOUND),), "messages[0].content[0]", "audio", id="audio"),
        pytest.param((user("a"), assistant(PNG)), "messages[1].content", "images", id="image-of-the-model"),
        pytest.param(
            (user("a"), assistant(Document(Inline("application/pdf", "")))),
            "messages[1].content",
            "",
            id="document-of-the-model",
        ),
        pytest.param((system(PNG), user("a")), "messages[0].content", "", id="image-in-the-system-prompt"),
        pytest.param((user("a"), assistant("So")), "messages", "", id="begun-answer"),
    ],
)
def test_what_cannot_be_said_is_refused(messages: tuple[Message, ...], param: str, capability: str) -> None:
    refused = refusal(talk(*messages))
    assert (refused.param, refused.capability) == (param, capability)


def test_a_begun_answer_ends_without_white_space_where_it_is_taken() -> None:
    assert turns(user("a"), assistant("So \n"), model=PREFILLED)[1] == ("assistant", ["So"])


def test_nobody_says_nothing() -> None:
    assert turns(user("a", "", " \n"), assistant(""), user("b")) == [("user", ["a", "b"])]


@pytest.mark.parametrize(
    "messages", [(assistant("Hello!"), user("hi")), (system("s"), assistant("Hello!"), user("hi"))]
)
def test_a_conversation_that_the_assistant_opens_gets_an_opening(messages: tuple[Message, ...]) -> None:
    assert turns(*messages) == [("user", ["..."]), ("assistant", ["Hello!"]), ("user", ["hi"])]


def test_a_system_prompt_alone_gets_an_opening() -> None:
    assert turns(system("s")) == [("user", ["..."])]


def test_an_empty_conversation_is_refused() -> None:
    assert refusal(Conversation(Vendor.OPENAI, ())).param == "messages"


SEARCHED: tuple[Part, ...] = (
    Native(
        Vendor.ANTHROPIC, "server_tool_use", Raw(b'{"type":"server_tool_use","id":"s","name":"web_search","input":{}}')
    ),
)


def test_the_vendors_own_blocks_go_back_as_they_are() -> None:
    spoken = turns(user("a"), assistant(*SEARCHED), vendor=Vendor.ANTHROPIC)
    assert spoken[1][1] == [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]


def test_another_vendors_blocks_are_left_out() -> None:
    foreign = Native(Vendor.OPENAI, "web_search_call", Raw(b"{}"))
    assert turns(user("a"), assistant("b", foreign), user("c")) == [
        ("user", ["a"]),
        ("assistant", ["b"]),
        ("user", ["c"]),
    ]


def test_a_native_part_of_the_system_prompt_is_left_out() -> None:
    assert "system" not in body(talk(system(*SEARCHED), user("a")))


def extras(members: bytes) -> Native:
    return Native(Vendor.ANTHROPIC, EXTRAS, Raw(members))


def test_the_vendors_own_members_return_to_their_block() -> None:
    document = Document(Inline("application/pdf", "aGk="))
    spoken = turns(user(document, extras(b'{"citations":{"enabled":true}}'), "a"))
    assert spoken[0][1][0]["citations"] == {"enabled": True}


def test_members_without_a_block_are_left_out() -> None:
    assert turns(user(extras(b'{"x":1}'), "a")) == [("user", ["a"])]
    assert turns(user(*SEARCHED, extras(b'{"x":1}'), "a"))[0][1][0] == {
        "type": "server_tool_use",
        "id": "s",
        "name": "web_search",
        "input": {},
    }
