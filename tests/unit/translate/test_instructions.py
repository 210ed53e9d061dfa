"""Instructions between the turns of a conversation."""

from __future__ import annotations

import pytest

from proxy.core.conversation import CacheMark, Image, Inline, Message, Role, Text, ToolCall, ToolResult
from proxy.translate.instructions import settled

SYSTEM, DEVELOPER, USER, ASSISTANT = Role.SYSTEM, Role.DEVELOPER, Role.USER, Role.ASSISTANT
SEEN = Image(Inline("image/png", "AA=="))
MARKED = Text("<system>\ns\n</system>")


def said(role: Role, *texts: str) -> Message:
    return Message(role, tuple([Text(text) for text in texts]))


def put(*messages: Message) -> list[Message]:
    return settled(messages, caches=False)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param((), [], id="nothing"),
        pytest.param((said(SYSTEM, "s"), said(USER, "u")), [said(SYSTEM, "s"), said(USER, "u")], id="in-its-place"),
        pytest.param(
            (said(SYSTEM, "a", "", "b"), said(DEVELOPER, "c"), said(USER, "u")),
            [said(SYSTEM, "a\n\nb\n\nc"), said(USER, "u")],
            id="first-ones-are-one",
        ),
        pytest.param(
            (said(USER, "u"), said(SYSTEM, "s"), said(ASSISTANT, "a")),
            [Message(USER, (Text("u"), MARKED)), said(ASSISTANT, "a")],
            id="after-the-user",
        ),
        pytest.param(
            (said(USER, "u"), said(SYSTEM, "s"), said(SYSTEM, "s")),
            [Message(USER, (Text("u"), MARKED, MARKED))],
            id="last",
        ),
        pytest.param(
            (said(ASSISTANT, "a"), said(DEVELOPER, "s"), said(USER, "u")),
            [said(ASSISTANT, "a"), Message(USER, (MARKED, Text("u")))],
            id="before-the-user",
        ),
        pytest.param(
            (said(ASSISTANT, "a"), said(SYSTEM, "s"), said(ASSISTANT, "b"), said(USER, "u")),
            [said(ASSISTANT, "a"), Message(USER, (MARKED,)), said(ASSISTANT, "b"), said(USER, "u")],
            id="between-answers",
        ),
        pytest.param(
            (said(ASSISTANT, "a"), said(SYSTEM, "s")),
            [said(ASSISTANT, "a"), Message(USER, (MARKED,))],
            id="after-the-answer",
        ),
        pytest.param((said(USER, "u"), Message(SYSTEM, (SEEN,))), [Message(USER, (Text("u"), SEEN))], id="not-a-text"),
        pytest.param((Message(SYSTEM, (SEEN, Text("s"))),), [Message(SYSTEM, (SEEN, Text("s")))], id="not-texts-alone"),
    ],
)
def test_instructions_are_where_every_template_takes_them(
    messages: tuple[Message, ...], expected: list[Message]
) -> None:
    assert put(*messages) == expected


def test_result_of_a_tool_stays_with_its_call() -> None:
    call = Message(ASSISTANT, (ToolCall("c", "f", "{}"),))
    result = Message(USER, (ToolResult("c", (Text("r"),)),))
    assert put(said(USER, "u"), call, said(SYSTEM, "s"), result)[2] == Message(USER, (MARKED, *result.parts))
    assert put(said(USER, "u"), call, result, said(SYSTEM, "s"))[2] == Message(USER, (*result.parts, MARKED))


@pytest.mark.parametrize(("caches", "texts"), [(True, ["a", "b"]), (False, ["a\n\nb"])])
def test_texts_to_be_cached_stay_apart_where_the_vendor_caches(caches: bool, texts: list[str]) -> None:
    message = Message(SYSTEM, (Text("a", CacheMark()), Text("b")))
    (found,) = settled((message,), caches=caches)
    assert [part.text for part in found.parts if isinstance(part, Text)] == texts
