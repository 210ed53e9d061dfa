"""The body as a whole, and the members that a client may write for Bedrock itself."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import CacheMark, Effort, FunctionTool, JsonFormat, Reasoning, Text
from proxy.core.translation import Target, Untranslatable
from proxy.translate.bedrock.request import encode_request
from tests.unit.translate.bedrock import made
from tests.unit.translate.bedrock.made import sent
from tests.unit.translate.talking import TOOL, assistant, system, talk, user


def test_a_request_of_words_has_messages_alone() -> None:
    assert sent(talk(user("Hi"))) == ({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}, ())


def test_nothing_says_stream_or_model() -> None:
    assert sent(talk(stream=True)) == sent(talk())


def test_what_a_model_adds_is_put_together() -> None:
    asked = talk(
        system("Be brief."),
        user("Hi"),
        tools=[TOOL],
        format_=JsonFormat(Raw(b'{"type":"object"}')),
        reasoning=Reasoning(Effort.HIGH),
        parallel_tool_calls=False,
        user="u",
    )
    body, dropped = sent(asked, made.OPUS_4_6)
    assert body["additionalModelRequestFields"].keys() == {"thinking", "tool_choice"}
    assert body["outputConfig"].keys() == {"effort", "textFormat"}
    assert body.keys() >= {"system", "messages", "toolConfig", "requestMetadata"}
    assert dropped == ()


def test_of_many_marks_of_the_cache_the_last_four_stay() -> None:
    mark = CacheMark()
    said = [assistant(Text("a", mark)) if turn % 2 else user(Text("u", mark)) for turn in range(5)]
    body, _ = sent(talk(system(Text("s", mark)), *said, tools=[FunctionTool("f", cache=mark)]))
    lists = [body["toolConfig"]["tools"], body["system"], *(turn["content"] for turn in body["messages"])]
    assert [sum("cachePoint" in block for block in blocks) for blocks in lists] == [0, 0, 0, 1, 1, 1, 1]


def test_marks_in_their_thousands_cost_no_seconds() -> None:
    asked = talk(user(*[Text("u", CacheMark()) for _ in range(20_000)]))
    began_s = process_time()
    body, _ = sent(asked)
    assert process_time() - began_s < 1
    assert sum("cachePoint" in block for block in body["messages"][0]["content"]) == 4


def test_a_conversation_is_not_changed_by_being_written() -> None:
    asked = talk(user("Hi"), tools=[FunctionTool("f")], rest={"guardrailConfig": b'{"trace":"enabled"}'})
    target = Target(made.SONNET, "acct")
    assert encode_request(asked, target).body == encode_request(asked, target).body


GUARDRAIL = b'{"guardrailIdentifier":"g1","guardrailVersion":"1","trace":"enabled","streamProcessingMode":"async"}'


@pytest.mark.parametrize("stream", [True, False])
def test_a_clients_guardrail_passes(stream: bool) -> None:
    body, dropped = sent(talk(rest={"guardrailConfig": GUARDRAIL}, stream=stream))
    written: dict[str, Any] = body["guardrailConfig"]
    assert written["guardrailIdentifier"] == "g1"
    assert ("streamProcessingMode" in written) is stream
    assert dropped == ()


def test_a_clients_wish_for_speed_passes() -> None:
    body, _ = sent(talk(rest={"performanceConfig": b'{"latency":"optimized"}'}))
    assert body["performanceConfig"] == {"latency": "optimized"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("guardrailConfig", b'{"guardrailIdentifier":"g","more":1}', id="unknown-member"),
        pytest.param("guardrailConfig", b'{"trace":"loud"}', id="unknown-word"),
        pytest.param("performanceConfig", b'"fast"', id="no-object"),
    ],
)
def test_members_that_bedrock_would_not_take_are_refused(name: str, value: bytes) -> None:
    with pytest.raises(Untranslatable) as caught:
        sent(talk(rest={name: value}))
    assert caught.value.param == name


def test_fields_that_a_client_wrote_for_a_model_do_not_pass() -> None:
    body, dropped = sent(talk(rest={"additionalModelRequestFields": b'{"tool_choice":{"type":"none"}}'}))
    assert "additionalModelRequestFields" not in body
    assert dropped == ("additionalModelRequestFields",)
