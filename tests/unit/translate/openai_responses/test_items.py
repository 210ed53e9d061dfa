from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.conversation import (
    Image,
    Inline,
    Message,
    Role,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
)
from proxy.core.translation import Undecodable, Untranslatable
from proxy.translate.openai_responses.request import decode_request

REASONING = {"type": "reasoning", "id": "rs_1"}
CALL = {"type": "function_call", "call_id": "c", "name": "f"}


def messages(*items: dict[str, Any]) -> tuple[Message, ...]:
    return decode_request(json.dumps({"input": items}).encode(), False).messages


@pytest.mark.parametrize(
    ("item", "parts"),
    [
        pytest.param({"role": "assistant", "content": ""}, None, id="nothing-said"),
        pytest.param(
            {**REASONING, "summary": [], "content": [{"type": "reasoning_text", "text": "r"}]},
            (Thinking("r"),),
            id="open-reasoning",
        ),
        pytest.param(
            {**REASONING, "summary": [{"type": "summary_text", "text": "r"}], "encrypted_content": "gAAA"},
            (Thinking("r", Signature(Vendor.OPENAI, "", "rs_1.gAAA")),),
            id="openais-own",
        ),
        pytest.param({**REASONING, "summary": []}, None, id="reasoning-that-says-nothing"),
        pytest.param(
            {"type": "image_generation_call", "id": "ig", "status": "completed", "result": "AA=="},
            (Image(Inline("image/png", "AA==")),),
            id="image",
        ),
        pytest.param({"type": "image_generation_call", "id": "ig", "status": "failed"}, None, id="no-image"),
        pytest.param(CALL, (ToolCall("c", "f", ""),), id="call-of-nothing"),
    ],
)
def test_item_of_the_assistant_is_read(item: dict[str, Any], parts: tuple[Any, ...] | None) -> None:
    assert messages(item) == (() if parts is None else (Message(Role.ASSISTANT, parts),))


def test_result_of_a_call_that_is_not_there_has_the_name_it_says() -> None:
    result = {"type": "function_call_output", "call_id": "c", "output": "x", "name": "g"}
    assert messages(result) == (Message(Role.USER, (ToolResult("c", (Text("x"),), "g"),)),)


def test_googles_signature_goes_back_on_its_call() -> None:
    signature = Signature(Vendor.GOOGLE, "a", "v")
    seal = {**REASONING, "summary": [], "encrypted_content": "^f.google.a.v"}
    assert messages(seal, CALL, {**CALL, "call_id": "d"})[0].parts == (
        ToolCall("c", "f", "", signature),
        ToolCall("d", "f", ""),
    )


def test_no_input_is_none() -> None:
    assert decode_request(b'{"instructions":"Be brief."}', False).messages == (
        Message(Role.SYSTEM, (Text("Be brief."),)),
    )


@pytest.mark.parametrize(
    ("item", "param"),
    [
        pytest.param({"role": "critic", "content": "x"}, "input[0].role", id="unknown-role"),
        pytest.param({"type": "function_call", "name": "f"}, "input[0].call_id", id="call-without-an-id"),
        pytest.param({"type": "function_call", "call_id": "c"}, "input[0].name", id="call-without-a-name"),
        pytest.param({"type": "function_call_output", "output": "x"}, "input[0].call_id", id="result-without-an-id"),
        pytest.param(
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "refusal", "refusal": "x"}]},
            "input[0].output",
            id="refusal-as-a-result",
        ),
        pytest.param({"role": "user", "content": 1}, "input[0].content", id="wrong-type"),
        pytest.param({"role": "user", "content": [{"type": "video"}]}, "input[0].content[0].type", id="unknown-part"),
        pytest.param({"role": "user", "content": [{"type": "input_image"}]}, "input[0].content[0]", id="no-image"),
        pytest.param({"role": "user", "content": [{"type": "input_file"}]}, "input[0].content[0]", id="no-file"),
        pytest.param({"role": "user", "content": [{"type": "input_audio"}]}, "input[0].content[0]", id="no-audio"),
        pytest.param({"role": "user", "content": [{"type": "input_text"}]}, "input[0].content[0]", id="no-text"),
        pytest.param({"role": "assistant", "content": [{"type": "refusal"}]}, "input[0].content[0]", id="no-refusal"),
    ],
)
def test_item_that_makes_no_sense_is_refused(item: dict[str, Any], param: str) -> None:
    with pytest.raises(Undecodable) as caught:
        messages(item)
    assert caught.value.param == param


def test_reference_to_a_thought_is_left_out() -> None:
    said = {"role": "user", "content": "hi"}
    assert messages({"type": "item_reference", "id": "rs_1"}, said) == messages(said)


@pytest.mark.parametrize("kind", ["item_reference", "compaction", "computer_call_output", "additional_tools"])
def test_what_only_a_provider_can_read_is_refused(kind: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        messages({"type": kind, "id": "x"})
    assert caught.value.param == "input[0]"
