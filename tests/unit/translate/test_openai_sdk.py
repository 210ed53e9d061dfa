"""What is written in OpenAI's and Ollama's dialects, held against what their own SDKs take and make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses import ResponseStreamEvent
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

from proxy.core.conversation import Answer, Conversation
from tests.fakes.conversations import answers, conversations, streamed
from tests.fakes.dialects import DIALECTS
from tests.fakes.strict import check_request
from tests.fakes.survivors import of_answer
from tests.fakes.tools import require_module

FEW = settings(max_examples=40, deadline=None, derandomize=True)
CHUNK = TypeAdapter(ChatCompletionChunk)
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
NOTHING: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("dialect", "kind"),
    [
        pytest.param("openai_chat", CompletionCreateParamsNonStreaming, id="chat"),
        pytest.param("openai_responses", ResponseCreateParamsNonStreaming, id="responses"),
    ],
)
@FEW
@given(conversation=conversations())
def test_request_is_one_that_the_sdk_would_send(dialect: str, kind: Any, conversation: Conversation) -> None:  # noqa: ANN401
    body = json.loads(DIALECTS[dialect].encode_request(conversation).body)
    body.pop("stream", None)
    check_request(kind, body)


@FEW
@given(conversation=conversations())
def test_request_is_one_that_ollamas_client_would_send(conversation: Conversation) -> None:
    types = require_module("ollama._types")
    types.ChatRequest.model_validate_json(DIALECTS["ollama"].encode_request(conversation).body, strict=True)


@FEW
@given(answer=answers(), cut=st.integers(1, 7))
def test_openais_client_puts_chunks_together_again(answer: Answer, cut: int) -> None:
    chat = DIALECTS["openai_chat"]
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for event in chat.events([chat.written(streamed(answer, cut))])[:-1]:
        state.handle_chunk(CHUNK.validate_json(event.data or b""))
    whole = state.current_completion_snapshot.model_dump_json().encode()
    assert of_answer(chat.decode_answer(whole), NOTHING) == of_answer(answer, NOTHING)


@FEW
@given(answer=answers(), cut=st.integers(1, 7))
def test_openais_client_puts_events_together_again(answer: Answer, cut: int) -> None:
    responses = DIALECTS["openai_responses"]
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=omit, text_format=omit)
    last: Any = None
    for event in responses.events([responses.written(streamed(answer, cut))]):
        state.handle_event(EVENT.validate_json(event.data or b""))
        last = json.loads(event.data or b"")
    whole = json.dumps(last["response"]).encode()
    assert of_answer(responses.decode_answer(whole), responses.loses) == of_answer(answer, responses.loses)
