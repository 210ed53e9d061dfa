"""A Gemini client's contents as messages."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.conversation import (
    Conversation,
    Document,
    Image,
    Inline,
    Link,
    Message,
    Role,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
)
from proxy.core.translation import Undecodable
from tests.unit.translate.gemini.making import HELLO, model, read, user

GOOGLE = Signature(Vendor.GOOGLE, "", "sig")


def messages_of(*contents: dict[str, Any]) -> tuple[Message, ...]:
    return read({"contents": list(contents)}).messages


def said(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def answered(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": [{"functionResponse": part} for part in parts]}


def call(name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"functionCall": {"name": name, "args": {}, **more}}


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        pytest.param({"parts": [{"text": "Be"}, {"text": "brief"}]}, (Text("Be"), Text("brief")), id="parts"),
        pytest.param({"role": "user", "parts": {"text": "Be"}}, (Text("Be"),), id="one-part-without-a-list"),
        pytest.param("Be brief", (Text("Be brief"),), id="text"),
    ],
)
def test_a_system_instruction_comes_first(instruction: object, expected: tuple[Text, ...]) -> None:
    assert read({"systemInstruction": instruction}).messages == (Message(Role.SYSTEM, expected), HELLO)


@pytest.mark.parametrize("instruction", ["", {"parts": []}, {"parts": [{"text": ""}]}, None])
def test_an_empty_system_instruction_is_none(instruction: object) -> None:
    assert read({"systemInstruction": instruction}).messages == (HELLO,)


@pytest.mark.parametrize(
    ("role", "expected"),
    [("user", Role.USER), ("USER", Role.USER), (None, Role.USER), ("model", Role.ASSISTANT), ("function", Role.USER)],
)
def test_roles_are_read(role: str | None, expected: Role) -> None:
    assert messages_of({"role": role, "parts": [{"text": "Hello"}]}) == (Message(expected, (Text("Hello"),)),)


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(Undecodable) as failure:
        messages_of({"role": "robot", "parts": []})
    assert failure.value.param == "contents[0].role"


def test_one_content_needs_no_list() -> None:
    assert read({"contents": {"role": "USER", "parts": {"text": "Hello"}}}).messages == (HELLO,)


def test_a_content_may_be_empty() -> None:
    assert messages_of({"role": "user"}) == (user(),)


def test_ids_are_made_and_results_find_their_calls_by_name() -> None:
    history = (
        said(call("a"), call("b")),
        answered({"name": "b", "response": {"result": "2"}}, {"name": "a", "response": {"result": "1"}}),
        said(call("a")),
        answered({"name": "a", "response": {"result": "3"}}),
    )
    assert messages_of(*history) == (
        model(ToolCall("call_0", "a", "{}"), ToolCall("call_1", "b", "{}")),
        user(ToolResult("call_1", (Text("2"),), "b"), ToolResult("call_0", (Text("1"),), "a")),
        model(ToolCall("call_2", "a", "{}")),
        user(ToolResult("call_2", (Text("3"),), "a")),
    )


def test_ids_that_are_given_stay() -> None:
    history = (said(call("a", id="x"), call("a", id="y")), answered({"id": "y", "name": "a", "response": {}}))
    result = messages_of(*history)[1].parts[0]
    assert result == ToolResult("y", (Text("{}"),), "a")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        pytest.param({"response": {}}, ToolResult("call_0", (Text("{}"),), "a"), id="first-call-of-all"),
        pytest.param({"name": "z", "response": {}}, ToolResult("call_0", (Text("{}"),), "z"), id="another-name"),
        pytest.param({"id": "q", "response": {}}, ToolResult("q", (Text("{}"),)), id="another-id"),
    ],
)
def test_a_result_without_a_name_takes_what_it_finds(response: dict[str, Any], expected: ToolResult) -> None:
    assert messages_of(said(call("a")), answered(response))[1] == user(expected)


def test_a_result_without_any_call_has_an_id_of_its_name() -> None:
    assert messages_of(answered({"name": "z", "response": {}}))[0] == user(ToolResult("call_z", (Text("{}"),), "z"))


@pytest.mark.parametrize(
    ("response", "text", "is_error"),
    [
        pytest.param({"output": "fine"}, "fine", False, id="output"),
        pytest.param({"result": {"a": 1}}, '{"a": 1}', False, id="object"),
        pytest.param({"error": "broke"}, "broke", True, id="error"),
        pytest.param({"a": 1, "b": 2}, '{"a": 1, "b": 2}', False, id="own-members"),
        pytest.param({"a": 1}, '{"a": 1}', False, id="one-member"),
    ],
)
def test_a_result_is_unwrapped(response: dict[str, Any], text: str, is_error: bool) -> None:
    result = messages_of(said(call("a")), answered({"name": "a", "response": response}))[1].parts[0]
    assert result == ToolResult("call_0", (Text(text),), "a", is_error)


def test_a_result_without_a_response_is_empty() -> None:
    assert messages_of(answered({"name": "a"}))[0].parts[0] == ToolResult("call_a", (Text(""),), "a")


def test_a_response_that_is_no_object_is_refused() -> None:
    with pytest.raises(Undecodable):
        messages_of(answered({"name": "a", "response": 1}))


def test_a_result_may_hold_media() -> None:
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
        {"fileData": {"mimeType": "audio/mp3", "fileUri": "gs://b/a"}},
    ]
    result = messages_of(answered({"name": "a", "response": {"output": "x"}, "parts": parts}))[0].parts[0]
    assert result == ToolResult(
        "call_a",
        (Text("x"), Image(Inline("image/png", "AA==")), Document(Link("gs://b/a", "audio/mp3"))),
        "a",
    )


def test_the_chunks_of_a_stream_are_one_message_again() -> None:
    history = (
        said({"text": "I thi", "thought": True}),
        said({"text": "nk", "thought": True}),
        said({"text": "", "thought": True, "thoughtSignature": "sig"}),
        said({"text": "next", "thought": True}),
        said({"text": "Hel"}),
        said({"text": "lo"}),
        said({"text": "!", "thoughtSignature": "sig"}, {"text": "end"}),
        said({"text": ""}),
    )
    assert messages_of(*history) == (
        model(Thinking("I think", GOOGLE), Thinking("next"), Text("Hello"), Text("!", signature=GOOGLE), Text("end")),
    )


def test_messages_of_the_user_stay_apart() -> None:
    contents: Conversation = read({"contents": [{"parts": [{"text": "a"}]}, {"parts": [{"text": "b"}]}]})
    assert contents.messages == (user(Text("a")), user(Text("b")))


def test_members_beside_a_part_that_are_null_are_not_there() -> None:
    (message,) = messages_of({"parts": [{"text": "a", "videoMetadata": None}]})
    assert message.parts == (Text("a"),)
