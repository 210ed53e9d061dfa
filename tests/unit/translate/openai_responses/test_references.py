from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.translate.openai_responses.references import answered_items, streamed_items, with_items

MESSAGE = b'{"id":"msg_1","type":"message","role":"assistant","content":"hi"}'
CALL = b'{"id":"fc_1","type":"function_call","call_id":"c","name":"f","arguments":"{}"}'
KEPT = {"msg_1": MESSAGE, "fc_1": CALL}
USER = {"role": "user", "content": "hello"}


def reference(id_: str) -> dict[str, str]:
    return {"type": "item_reference", "id": id_}


def told(*items: object) -> Any:  # noqa: ANN401 - JSON
    body = json.dumps({"model": "m", "input": list(items), "store": True}).encode()
    return json.loads(with_items(body, KEPT.get))


def test_items_stand_where_references_stood() -> None:
    asked = told(USER, reference("msg_1"), reference("fc_1"), USER)
    assert asked == {"model": "m", "input": [USER, json.loads(MESSAGE), json.loads(CALL), USER], "store": True}


def test_unknown_reference_stays() -> None:
    assert told(reference("msg_2"), reference("msg_1"))["input"] == [reference("msg_2"), json.loads(MESSAGE)]


def test_item_is_put_once() -> None:
    assert told(reference("msg_1"), reference("msg_1"))["input"] == [json.loads(MESSAGE), reference("msg_1")]


def test_text_about_references_is_none() -> None:
    said = {"role": "user", "content": "what is an item_reference?", "id": "msg_1"}
    assert told(said, reference("fc_1"))["input"] == [said, json.loads(CALL)]


def test_reference_without_an_id_stays() -> None:
    nothing = {"type": "item_reference"}
    assert told(nothing, reference("fc_1"))["input"] == [nothing, json.loads(CALL)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"input": "hello"}', id="no-references"),
        pytest.param(b'{"input": [{"type": "item_reference", "id": "msg_2"}]}', id="none-known"),
        pytest.param(b'{"input": "item_reference"}', id="text"),
        pytest.param(b'{"instructions": "item_reference"}', id="no-input"),
        pytest.param(b'{"input": ["item_reference"]}', id="no-item"),
        pytest.param(b'{"input": [{"type": "item_reference", "id": 5}]}', id="id-of-another-type"),
        pytest.param(b'["item_reference"]', id="no-object"),
        pytest.param(b'{"input": "item_reference', id="no-json"),
        pytest.param(b'{"input": %b"item_reference"%b}' % (b"[" * 5_000, b"]" * 5_000), id="too-deep"),
    ],
)
def test_body_without_known_references_is_not_touched(body: bytes) -> None:
    assert with_items(body, KEPT.get) is body


def test_half_characters_beside_a_reference_stay_as_they_came() -> None:
    body = b'{"instructions":"\\ud83d","input":[{"type":"item_reference","id":"msg_1"}]}'
    assert with_items(body, KEPT.get) == b'{"instructions":"\\ud83d","input":[%b]}' % MESSAGE


def test_items_of_a_whole_answer() -> None:
    assert answered_items(b'{"output":[%b,%b,{"type":"other"}]}' % (MESSAGE, CALL)) == KEPT


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"output":null}', b'{"output":[1]}', b'{"output":%b' % (b"[" * 5_000)]
)
def test_answer_that_cannot_be_read_has_no_items(answer: bytes) -> None:
    assert answered_items(answer) == {}


def ended(*items: bytes, kind: str = "response.completed", end: bytes = b"\n") -> bytes:
    data = b'{"type":"%b","response":{"id":"resp_1","output":[%b]}}' % (kind.encode(), b",".join(items))
    return b"event: %b%bdata: %b%b%b" % (kind.encode(), end, data, end, end)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("kind", ["response.completed", "response.incomplete"])
def test_items_of_a_stream(kind: str, end: bytes) -> None:
    before = b'event: response.output_item.done\ndata: {"item":{"id":"msg_9"},"output":1}\n\n'
    assert streamed_items(before + ended(MESSAGE, CALL, kind=kind, end=end)) == KEPT


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"data: [DONE]\n\n", id="done"),
        pytest.param(b'data: {"output"\n\n', id="broken"),
        pytest.param(b'data: {"type":"error","text":"\\"output\\""}\n\n', id="no-answer"),
        pytest.param(b': comment with "output"\n\n', id="comment"),
    ],
)
def test_stream_that_ends_without_an_answer_has_no_items(last: bytes) -> None:
    assert streamed_items(last) == {}
