"""Messages as Google's contents."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.conversation import (
    Document,
    FileRef,
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
from proxy.translate.gemini.signatures import SKIP
from tests.unit.translate.gemini.making import HELLO, NEW, OLD, asked, model, raw, read, sent, user

MINE = Signature(Vendor.GOOGLE, "acct", "mine")
ANY = Signature(Vendor.GOOGLE, "", "any")
OTHERS = Signature(Vendor.GOOGLE, "other", "others")
CLAUDE = Signature(Vendor.ANTHROPIC, "acct", "claude")
PIXEL = Image(Inline("image/png", "AA=="))
PIXEL_PART = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
CALL = ToolCall("1", "f", "{}")
RESULT = ToolResult("1", (Text("fine"),))


def system(text: str, role: Role = Role.SYSTEM) -> Message:
    return Message(role, (Text(text),))


def contents(*messages: Message, target: Target = NEW) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = sent(asked(*messages), target)["contents"]
    return written


def last_parts(*parts: Part, target: Target = NEW) -> list[dict[str, Any]]:
    """What the model is told that it said."""
    written: list[dict[str, Any]] = contents(HELLO, model(*parts), HELLO, target=target)[1]["parts"]
    return written


def test_leading_system_messages_are_the_instruction() -> None:
    body = sent(asked(system("a"), system("b", Role.DEVELOPER), HELLO))
    assert body["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}]}
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Hello"}]}]


def test_a_later_system_message_is_said_by_the_user_marked_as_what_it_is() -> None:
    assert contents(HELLO, model(Text("Hi")), system("Be brief"), HELLO)[2] == {
        "role": "user",
        "parts": [{"text": "<system>\nBe brief\n</system>"}, {"text": "Hello"}],
    }


def test_a_system_message_alone_is_said_by_the_user() -> None:
    body = sent(asked(system("Write a poem")))
    assert body == {"contents": [{"role": "user", "parts": [{"text": "Write a poem"}]}]}


def test_a_system_message_is_text() -> None:
    with pytest.raises(Untranslatable) as failure:
        sent(asked(Message(Role.SYSTEM, (PIXEL,)), HELLO))
    assert failure.value.param == "messages[0].content"


def test_what_one_side_says_in_a_row_is_one_content() -> None:
    written = contents(HELLO, user(Text("again")), model(Text("a")), model(Text("b")), HELLO)
    assert [(content["role"], len(content["parts"])) for content in written] == [("user", 2), ("model", 2), ("user", 1)]


def test_what_says_nothing_is_left_out() -> None:
    assert contents(user(Text("")), model(Refusal("")), HELLO) == [{"role": "user", "parts": [{"text": "Hello"}]}]


@pytest.mark.parametrize("messages", [(), (user(Text("")),), (Message(Role.SYSTEM, ()),)])
def test_a_conversation_that_says_nothing_is_refused(messages: tuple[Message, ...]) -> None:
    with pytest.raises(Untranslatable, match="says nothing"):
        sent(asked(user(), *messages))


def test_a_turn_of_its_own_at_the_end_is_refused_by_later_models() -> None:
    with pytest.raises(Untranslatable, match="end the conversation"):
        contents(HELLO, model(Text("I")))
    assert contents(HELLO, model(Text("I")), target=OLD)[-1]["role"] == "model"


def test_parts_are_written() -> None:
    assert contents(user(Text("a"), PIXEL))[0]["parts"] == [{"text": "a"}, PIXEL_PART]
    assert last_parts(Refusal("No.")) == [{"text": "No."}]


def test_googles_own_parts_go_back_and_others_do_not() -> None:
    code = Native(Vendor.GOOGLE, "executableCode", raw({"executableCode": {"code": "1"}}))
    search = Native(Vendor.ANTHROPIC, "web_search_tool_result", raw({}))
    assert last_parts(Text("a"), code, search) == [{"text": "a"}, {"executableCode": {"code": "1"}}]


def test_an_unreachable_file_is_told_with_its_message() -> None:
    with pytest.raises(Untranslatable) as failure:
        contents(HELLO, user(Document(FileRef(Vendor.OPENAI, "file-1"))))
    assert failure.value.param == "messages[1].content"


# Signatures.


@pytest.mark.parametrize(
    ("signature", "written"),
    [
        pytest.param(MINE, "mine", id="own-account"),
        pytest.param(ANY, "any", id="unknown-account"),
        pytest.param(OTHERS, SKIP, id="another-account"),
        pytest.param(CLAUDE, SKIP, id="another-vendor"),
        pytest.param(None, SKIP, id="none"),
    ],
)
def test_a_call_has_a_signature_where_the_model_asks_for_one(signature: Signature | None, written: str) -> None:
    assert last_parts(ToolCall("1", "f", "{}", signature))[0]["thoughtSignature"] == written


def test_the_first_of_parallel_calls_has_the_signature() -> None:
    parts = last_parts(CALL, ToolCall("2", "g", "{}"))
    assert [part.get("thoughtSignature") for part in parts] == [SKIP, None]


def test_models_that_ask_for_no_signature_get_none_made_up() -> None:
    assert "thoughtSignature" not in last_parts(CALL, target=OLD)[0]
    assert last_parts(ToolCall("1", "f", "{}", MINE), target=OLD)[0]["thoughtSignature"] == "mine"


@pytest.mark.parametrize(
    ("part", "written"),
    [
        pytest.param(Text("a", signature=MINE), [{"text": "a", "thoughtSignature": "mine"}], id="text"),
        pytest.param(Text("", signature=MINE), [{"text": "", "thoughtSignature": "mine"}], id="no-text"),
        pytest.param(Text("a", signature=OTHERS), [{"text": "a"}], id="foreign"),
    ],
)
def test_a_text_keeps_its_own_signature(part: Text, written: list[dict[str, Any]]) -> None:
    assert last_parts(part) == written


def test_a_foreign_signature_without_text_says_nothing() -> None:
    assert last_parts(Text("a"), Text("", signature=OTHERS)) == [{"text": "a"}]


def test_thoughts_are_left_out_and_their_signature_goes_to_what_follows() -> None:
    assert last_parts(Thinking("hm", MINE), CALL)[0]["thoughtSignature"] == "mine"
    assert last_parts(Thinking("hm", MINE), Text("a")) == [{"text": "a", "thoughtSignature": "mine"}]
    assert last_parts(Thinking("hm", CLAUDE), Text("a")) == [{"text": "a"}]


def test_a_call_keeps_its_own_signature_beside_a_signed_thought() -> None:
    assert last_parts(Thinking("hm", ANY), ToolCall("1", "f", "{}", MINE))[0]["thoughtSignature"] == "mine"


def test_a_signed_thought_signs_one_part_only() -> None:
    parts = last_parts(Thinking("hm", MINE), Text("a"), Text("b"))
    assert parts == [{"text": "a", "thoughtSignature": "mine"}, {"text": "b"}]


# Results of tools.


def responses(*results: ToolResult, target: Target = NEW) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = contents(HELLO, model(CALL), user(*results), target=target)[2]["parts"]
    return written


@pytest.mark.parametrize(
    ("result", "response"),
    [
        pytest.param(RESULT, {"output": "fine"}, id="text"),
        pytest.param(ToolResult("1", (Text("a"), Text("b"))), {"output": "a\nb"}, id="texts"),
        pytest.param(ToolResult("1", (Text('{"a": 1}'),)), {"a": 1}, id="object"),
        pytest.param(ToolResult("1", (Text("[1]"),)), {"output": "[1]"}, id="list"),
        pytest.param(ToolResult("1", ()), {"output": ""}, id="nothing"),
        pytest.param(ToolResult("1", (Text("broke"),), is_error=True), {"error": "broke"}, id="error"),
        pytest.param(ToolResult("1", (Text('{"a": 1}'),), is_error=True), {"error": {"a": 1}}, id="error-object"),
    ],
)
def test_a_result_is_an_object_with_the_calls_id_and_name(result: ToolResult, response: dict[str, Any]) -> None:
    assert responses(result) == [{"functionResponse": {"id": "1", "name": "f", "response": response}}]


def test_a_result_may_name_its_tool_itself() -> None:
    assert responses(ToolResult("9", (Text("x"),), "g"))[0]["functionResponse"]["name"] == "g"


def test_a_result_of_no_call_is_refused() -> None:
    with pytest.raises(Untranslatable) as failure:
        responses(ToolResult("9", (Text("x"),)))
    assert failure.value.param == "messages[2]"


def test_images_are_part_of_a_result_where_the_model_takes_them() -> None:
    response = responses(ToolResult("1", (Text("see"), PIXEL)))[0]["functionResponse"]
    assert (response["response"], response["parts"]) == ({"output": "see"}, [PIXEL_PART])


def test_images_stand_beside_a_result_for_older_models() -> None:
    written = responses(ToolResult("1", (PIXEL,)), target=OLD)
    assert written[1:] == [PIXEL_PART]
    assert "parts" not in written[0]["functionResponse"]


def test_results_come_before_what_the_user_says_beside_them() -> None:
    second = ToolResult("2", (Text("two"),))
    calls = model(CALL, ToolCall("2", "g", "{}"))
    written = contents(HELLO, calls, user(Text("wait"), RESULT), system("Be brief"), user(second))
    parts = written[2]["parts"]
    assert [part.get("functionResponse", {}).get("id") for part in parts] == ["1", "2", None, None]
    assert [part.get("text") for part in parts[2:]] == ["wait", "<system>\nBe brief\n</system>"]


def test_members_beside_a_part_go_back_with_it() -> None:
    video = {"inlineData": {"mimeType": "video/mp4", "data": "AA=="}, "videoMetadata": {"startOffset": "1s"}}
    image = {"inlineData": {"mimeType": "image/png", "data": "AA=="}, "mediaResolution": {"level": "HIGH"}}
    contents = [
        {"role": "user", "parts": [video]},
        {"role": "model", "parts": [image]},
        {"role": "user", "parts": [video]},
    ]
    assert sent(read({"contents": contents}))["contents"] == contents


def test_members_beside_nothing_and_of_another_vendor_are_left_out() -> None:
    googles, anothers = [Native(vendor, "extras", raw({"x": 1})) for vendor in (Vendor.GOOGLE, Vendor.ANTHROPIC)]
    said = user(googles, Text("a"), anothers)
    assert sent(asked(said))["contents"] == [{"role": "user", "parts": [{"text": "a"}]}]
