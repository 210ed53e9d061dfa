"""Prepared answers."""

from __future__ import annotations

import json

import pytest

from proxy.simulator.bench import PACED_TOKENS, STREAM_TOKENS, prepared
from proxy.simulator.replies import Pause, Send
from proxy.simulator.request import Head, StreamOptions


def _head(model: str, *, stream: bool, usage: bool = False) -> Head:
    return Head(model=model, stream=stream, stream_options=StreamOptions(include_usage=usage))


def test_plain_answer_is_one_object_of_about_700_bytes() -> None:
    ready = prepared(_head("sim-bench", stream=False))
    assert ready is not None
    start, body = ready.messages
    assert 650 <= len(body["body"]) <= 750
    assert (b"content-length", str(len(body["body"])).encode()) in start["headers"]
    assert json.loads(body["body"])["usage"]["completion_tokens"] == ready.tokens
    assert not body["more_body"]


@pytest.mark.parametrize("usage", [False, True])
@pytest.mark.parametrize("model", ["sim-bench", "sim-bench-stream"])
def test_stream_is_a_hundred_chunks_sent_one_by_one(model: str, usage: bool) -> None:
    ready = prepared(_head(model, stream=True, usage=usage))
    assert ready is not None
    bodies = [message["body"] for message in ready.messages[1:]]
    assert len(bodies) == STREAM_TOKENS + 3 + usage
    assert bodies[-1] == b"data: [DONE]\n\n"
    assert (b'"usage":{' in bodies[-2]) is usage
    assert [message["more_body"] for message in ready.messages[-2:]] == [True, False]


def test_paced_stream_is_a_chunk_a_second() -> None:
    ready = prepared(_head("sim-bench-paced", stream=True))
    assert ready is not None
    assert [step.delay_s for step in ready.steps if isinstance(step, Pause)] == [1.0] * PACED_TOKENS
    assert sum(step.tokens for step in ready.steps if isinstance(step, Send)) == PACED_TOKENS == ready.tokens


@pytest.mark.parametrize("model", ["sim-benchmark", "sim-ok", None])
@pytest.mark.parametrize("stream", [False, True])
def test_other_models_are_not_prepared(model: str | None, stream: bool) -> None:
    assert prepared(Head(model=model, stream=stream)) is None
