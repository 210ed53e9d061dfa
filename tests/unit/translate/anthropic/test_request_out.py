"""The body as a whole: hosts, members of the vendor's own, cache marks, what is left out."""

from __future__ import annotations

import pytest
from msgspec import Raw

from proxy.core.conversation import (
    CacheMark,
    Conversation,
    Effort,
    FunctionTool,
    JsonFormat,
    Message,
    Native,
    NativeTool,
    Params,
    Reasoning,
    Role,
    Text,
    Vendor,
)
from tests.unit.translate.anthropic.said import ACCOUNT, body, sent, talk
from tests.unit.translate.talking import assistant, system, user

MARK = CacheMark()


def test_the_body_names_model_and_stream() -> None:
    written = body(talk(stream=True), "claude-opus-4-8")
    assert (written["model"], written["stream"]) == ("claude-opus-4-8", True)
    assert "stream" not in body(talk())


def test_vertex_has_a_version_in_the_body_and_no_model() -> None:
    written = body(talk(stream=True), host="vertex")
    assert (written["anthropic_version"], written["stream"]) == ("vertex-2023-10-16", True)
    assert "model" not in written


def test_the_same_conversation_can_be_sent_again() -> None:
    conversation = talk(
        system("s"),
        user(Text("a", MARK)),
        assistant("So "),
        tools=(FunctionTool("f", cache=MARK),),
        format=JsonFormat(),
        reasoning=Reasoning(Effort.LOW),
    )
    first = sent(conversation, "claude-opus-4-5").body
    assert sent(conversation, "claude-opus-4-5").body == first


def test_the_vendors_own_members_go_back_to_it() -> None:
    rest = {"container": Raw(b'"c"'), "output_config": Raw(b'{"task_budget":{"total":9}}'), "speed": Raw(b'"fast"')}
    conversation = talk(vendor=Vendor.ANTHROPIC, rest=rest, reasoning=Reasoning(Effort.LOW))
    written = body(conversation)
    assert (written["container"], written["speed"]) == ("c", "fast")
    assert written["output_config"] == {"task_budget": {"total": 9}, "effort": "low"}
    assert sent(conversation).dropped == ()
    alone = talk(vendor=Vendor.ANTHROPIC, rest={"output_config": Raw(b'{"x":1}')})
    assert body(alone)["output_config"] == {"x": 1}


def test_members_of_another_vendor_are_named_and_left_out() -> None:
    conversation = talk(rest={"logit_bias": Raw(b"{}"), "store": Raw(b"true")})
    assert sent(conversation).dropped == ("logit_bias", "store")
    assert not {"logit_bias", "store"} & set(body(conversation))


def marked(count: int, role: Role = Role.USER) -> Message:
    return Message(role, tuple(Text(f"{role}{number}", MARK) for number in range(count)))


def marks(conversation: Conversation) -> list[str]:
    """The texts and names that end a cached stretch, in the order of the prompt."""
    written = body(conversation)
    blocks = [*written.get("tools", ()), *written.get("system", ())]
    blocks += [block for turn in written["messages"] for block in turn["content"]]
    return [block.get("text", block.get("name")) for block in blocks if "cache_control" in block]


def test_four_cache_marks_are_kept() -> None:
    conversation = talk(marked(2, Role.SYSTEM), marked(1), tools=(FunctionTool("f", cache=MARK),))
    assert marks(conversation) == ["f", "system0", "system1", "user0"]


def test_of_more_cache_marks_the_first_are_spared() -> None:
    conversation = talk(marked(2, Role.SYSTEM), marked(3), tools=(FunctionTool("f", cache=MARK),))
    assert marks(conversation) == ["system1", "user0", "user1", "user2"]


@pytest.mark.parametrize("where", ["block", "tool", "automatic"])
def test_marks_of_the_vendors_own_count(where: str) -> None:
    own = Raw(b'{"type":"x","cache_control":{"type":"ephemeral"}}')
    parts = (Native(Vendor.ANTHROPIC, "x", own),) if where == "block" else ()
    tools = (NativeTool(Vendor.ANTHROPIC, "x", own),) if where == "tool" else ()
    rest = {"cache_control": Raw(b'{"type":"ephemeral"}')} if where == "automatic" else {}
    spoken = talk(user(*parts, "a"), marked(4), vendor=Vendor.ANTHROPIC, tools=tools, rest=rest)
    assert [text for text in marks(spoken) if text] == ["user1", "user2", "user3"]


def test_raw_json_is_sent_as_it_came() -> None:
    schema = Raw(b'{"type":"object","properties":{"a":{"const":1.10}}}')
    assert bytes(schema) in sent(talk(tools=(FunctionTool("f", schema=schema),))).body


def test_the_account_is_nowhere_in_the_body() -> None:
    assert ACCOUNT.encode() not in sent(talk()).body


def test_what_is_left_out_is_named_once() -> None:
    assert sent(talk(rest={"seed": Raw(b"1")}, params=Params(seed=1))).dropped == ("seed",)
