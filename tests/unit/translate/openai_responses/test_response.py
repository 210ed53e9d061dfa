from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import (
    Answer,
    Choice,
    FileRef,
    Finish,
    Image,
    Inline,
    Native,
    Part,
    Refusal,
    Text,
    Vendor,
)
from proxy.core.translation import Undecodable
from proxy.core.usage import Usage
from proxy.translate.openai_responses.response import decode_answer, encode_answer
from tests.fakes.dialects import ACCOUNT, ENVELOPE
from tests.fakes.strict import check_answer

CITED = Native(
    Vendor.OPENAI,
    "annotations",
    Raw(b'[{"type":"url_citation","url_citation":{"start_index":0,"end_index":1,"title":"T","url":"u"}},{"type":"x"}]'),
)


def document(*choices: Choice, usage: Usage | None = None) -> dict[str, Any]:
    body = encode_answer(Answer(choices, usage=usage), ENVELOPE)
    check_answer("openai_responses", body)
    found: dict[str, Any] = json.loads(body)
    return found


def output(*parts: Part) -> list[Any]:
    return list(document(Choice(parts, Finish.STOP))["output"])


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"nothing", b'{"output":[1]}', b'{"output":[{"type":"message","id":1}]}']
)
def test_what_is_no_answer_is_undecodable(body: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_answer(body, ACCOUNT)


@pytest.mark.parametrize("status", ["in_progress", "queued"])
def test_answer_that_is_not_finished_is_undecodable(status: str) -> None:
    with pytest.raises(Undecodable, match="not finished"):
        decode_answer(json.dumps({"output": [], "status": status}).encode(), ACCOUNT)


def test_failed_answer_is_the_models_fault() -> None:
    assert decode_answer(b'{"output":[],"status":"failed"}', ACCOUNT).choices[0].finish is Finish.ERROR


def test_content_may_be_a_text() -> None:
    body = b'{"output":[{"type":"message","role":"assistant","content":"a"}],"status":"completed"}'
    assert decode_answer(body, ACCOUNT).choices[0].parts == (Text("a"),)


def test_reasoning_that_says_nothing_is_none() -> None:
    body = b'{"output":[{"type":"reasoning","id":"r","summary":[]}],"status":"completed"}'
    assert decode_answer(body, ACCOUNT).choices[0].parts == ()


@pytest.mark.parametrize(
    "usage",
    [
        pytest.param(b'{"input_tokens":"a"}', id="no-number"),
        pytest.param(b'{"output_tokens":1}', id="no-input"),
        pytest.param(b'{"input_tokens":-1}', id="negative"),
        pytest.param(b'{"input_tokens":0,"output_tokens":0}', id="noughts"),
        pytest.param(b"null", id="null"),
    ],
)
def test_usage_that_makes_no_sense_is_none(usage: bytes) -> None:
    assert decode_answer(b'{"output":[],"usage":' + usage + b"}", ACCOUNT).usage is None


@pytest.mark.parametrize(
    ("cost", "nusd"),
    [
        pytest.param(b'"cost":0.25', 250_000_000, id="openrouter"),
        pytest.param(b'"cost_in_usd_ticks":37756000', 3_775_600, id="xai"),
        pytest.param(b'"cost":"dear"', None, id="in-words"),
    ],
)
def test_what_the_upstream_charged_is_read(cost: bytes, nusd: int | None) -> None:
    usage = decode_answer(b'{"output":[],"usage":{"input_tokens":7,' + cost + b"}}", ACCOUNT).usage
    assert usage == Usage(7, reported_cost_nusd=nusd)


def test_answer_without_choices_has_failed() -> None:
    assert document()["status"] == "failed"


def test_citations_of_several_messages_are_counted_from_the_beginning_of_the_answer() -> None:
    cited = {"type": "url_citation", "start_index": 0, "end_index": 2, "title": "T", "url": "u"}
    item = {"type": "message", "content": [{"type": "output_text", "text": "☃b", "annotations": [cited]}]}
    parts = (
        decode_answer(json.dumps({"output": [item, item], "status": "completed"}).encode(), ACCOUNT).choices[0].parts
    )
    natives = [json.loads(bytes(part.value)) for part in parts if isinstance(part, Native)]
    places = [(cited["url_citation"]["start_index"], cited["url_citation"]["end_index"]) for (cited,) in natives]
    assert places == [(0, 2), (2, 4)]


def test_citations_stand_on_the_text_before_them() -> None:
    message = output(Text("a"), Refusal("b"), CITED)[0]
    assert [part.get("annotations") for part in message["content"]] == [
        [{"type": "url_citation", "start_index": 0, "end_index": 1, "title": "T", "url": "u"}],
        None,
    ]


def test_citations_of_nothing_have_no_place() -> None:
    assert output(CITED) == []
    assert output(Refusal("b"), CITED)[0]["content"] == [{"type": "refusal", "refusal": "b"}]


def test_results_of_tools_that_openai_ran_go_back_as_they_are() -> None:
    call = {"type": "web_search_call", "id": "w", "status": "completed", "action": {"type": "search", "query": "q"}}
    assert output(Native(Vendor.OPENAI, "web_search_call", Raw(json.dumps(call).encode()))) == [call]


def test_blocks_without_a_place_do_not_end_a_message() -> None:
    elsewhere = Image(FileRef(Vendor.GOOGLE, "f"))
    foreign = Native(Vendor.ANTHROPIC, "x", Raw(b"{}"))
    (message,) = output(Text("a"), elsewhere, foreign, Text("b"))
    assert [part["text"] for part in message["content"]] == ["a", "b"]


def test_image_of_a_kind_that_openai_does_not_know_is_told_without_it() -> None:
    assert "output_format" not in output(Image(Inline("image/avif", "AA==")))[0]


@pytest.mark.parametrize(("tier", "told"), [("flex", True), ("standard", False)])
def test_tier_is_told_if_openai_knows_it(tier: str, told: bool) -> None:
    usage = Usage(1, 1, service_tier=tier)
    assert ("service_tier" in document(Choice((), Finish.STOP), usage=usage)) is told
