"""Turns alternate and begin with the user's; results of tools lead."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.conversation import (
    Audio,
    CacheMark,
    Image,
    Inline,
    JsonFormat,
    Message,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from proxy.core.translation import Untranslatable
from tests.unit.translate.bedrock import made
from tests.unit.translate.bedrock.made import sent
from tests.unit.translate.talking import assistant, system, talk, user


def turns(*messages: Message, model: str = made.SONNET) -> list[tuple[str, Any]]:
    body, _ = sent(talk(*messages), model)
    return [(turn["role"], turn["content"]) for turn in body["messages"]]


def test_leading_system_and_developer_messages_are_the_system_prompt() -> None:
    body, _ = sent(talk(system("a", Text("b", cache=CacheMark())), system("c", role=Role.DEVELOPER), user("Hi")))
    assert body["system"] == [{"text": "a"}, {"text": "b"}, {"cachePoint": {"type": "default"}}, {"text": "c"}]


def test_later_system_messages_are_marked_text_of_the_users() -> None:
    later = system(Text("Be brief.", cache=CacheMark()))
    found = turns(user("Hi"), assistant("Hello"), later, user("On"))
    assert found[2] == (
        "user",
        [{"text": "<system>\nBe brief.\n</system>"}, {"cachePoint": {"type": "default"}}, {"text": "On"}],
    )


def test_neighbours_of_one_role_are_merged() -> None:
    assert turns(user("a"), user("b"), assistant("c"), assistant("d"), user("e")) == [
        ("user", [{"text": "a"}, {"text": "b"}]),
        ("assistant", [{"text": "c"}, {"text": "d"}]),
        ("user", [{"text": "e"}]),
    ]


def test_empty_messages_vanish() -> None:
    assert [role for role, _ in turns(user("a"), assistant(""), user("b"))] == ["user"]


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param((assistant("Hello"), user("Hi")), id="the-assistants-first"),
        pytest.param((system("Say hi."),), id="system-alone"),
        pytest.param((user(""),), id="nothing"),
    ],
)
def test_the_first_turn_is_the_users(messages: tuple[Message, ...]) -> None:
    assert turns(*messages)[0] == ("user", [{"text": "."}])


def test_results_of_tools_come_first_in_one_turn_with_their_marks() -> None:
    calls = assistant(ToolCall("c1", "f", "{}"), ToolCall("c2", "f", "{}"))
    first = user("So?", ToolResult("c1", (Text("1"),), cache=CacheMark()))
    found = turns(user("Hi"), calls, first, user(ToolResult("c2", (Text("2"),))))
    assert [next(iter(block)) for block in found[2][1]] == ["toolResult", "cachePoint", "toolResult", "text"]


def test_any_json_object_is_asked_for_in_words() -> None:
    body, _ = sent(talk(user("Hi"), format_=JsonFormat()))
    assert "one JSON object" in body["system"][0]["text"]
    assert "outputConfig" not in body


def test_a_begun_answer_loses_the_blanks_at_its_end() -> None:
    assert turns(user("Hi"), assistant("Well, \n"))[-1] == ("assistant", [{"text": "Well,"}])


def test_a_begun_answer_that_ends_in_a_mark_stays() -> None:
    begun = assistant(Text("Well, ", cache=CacheMark()))
    assert turns(user("Hi"), begun)[-1][1] == [{"text": "Well, "}, {"cachePoint": {"type": "default"}}]


def test_a_model_that_cannot_continue_its_words_refuses() -> None:
    with pytest.raises(Untranslatable) as caught:
        turns(user("Hi"), assistant("Well,"), model=made.OPUS_4_6)
    assert caught.value.param == "messages[1]"


def test_another_family_may_continue() -> None:
    assert turns(user("Hi"), assistant("Well,"), model=made.MISTRAL)[-1][0] == "assistant"


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(system(Image(Inline("image/png", "aVZC"))), id="system"),
        pytest.param(assistant(Image(Inline("image/png", "aVZC"))), id="assistant"),
    ],
)
def test_files_are_the_users_alone(message: Message) -> None:
    with pytest.raises(Untranslatable) as caught:
        turns(user("Hi"), message)
    assert caught.value.param == "messages[1].content[0]"


def test_what_the_assistant_said_aloud_is_left_out() -> None:
    spoken = assistant("Hello", Audio(Inline("audio/wav", "aVZC")))
    assert turns(user("Hi"), spoken, user("On"))[1] == ("assistant", [{"text": "Hello"}])
