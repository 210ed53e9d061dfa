"""The table of dialects: what streams may carry, how errors end them, what a seal is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.api.endpointspec import CHAT, GENERATE_ARRAY, GENERATE_STREAM, MESSAGES, OLLAMA_CHAT, RESPONSES
from proxy.core.call import Dialect, EndpointSpec
from proxy.core.capabilities import Capabilities
from proxy.core.conversation import Finish, Signature, Vendor
from proxy.core.failure import SIGNATURES
from proxy.core.streamparts import Began, Finished, TextDelta
from proxy.core.translation import Envelope, ErrorReply, Target, Undecodable
from proxy.providers.dialects import (
    JSON,
    NDJSON,
    SSE,
    UPSTREAMS,
    encoder_of,
    error_body,
    error_event,
    is_sealed,
    renamed_event,
    stream_type,
    takes_comments,
    translate_request,
)
from proxy.translate.gemini.signatures import seal
from proxy.wire.sse import Event
from tests.unit.routing.build import call

CUT = ErrorReply(502, "Cut.", "upstream_error")


@pytest.mark.parametrize(
    ("endpoint", "takes"),
    [
        pytest.param(CHAT, True, id="chat"),
        pytest.param(RESPONSES, True, id="responses"),
        pytest.param(MESSAGES, True, id="messages"),
        pytest.param(GENERATE_STREAM, False, id="google-whose-sdk-reads-them-as-json"),
        pytest.param(GENERATE_ARRAY, False, id="array"),
        pytest.param(OLLAMA_CHAT, False, id="lines"),
    ],
)
def test_comments_stand_where_clients_pass_over_them(endpoint: EndpointSpec, takes: bool) -> None:
    assert takes_comments(endpoint) is takes


@pytest.mark.parametrize(("before", "is_first"), [(b"", True), (b"[{}", False)])
def test_an_array_ends_with_its_error(before: bytes, is_first: bool) -> None:
    event = error_event(GENERATE_ARRAY, CUT, is_first=is_first)
    assert json.loads(before + event)[-1]["error"]["code"] == 502


@pytest.mark.parametrize(
    ("body", "sealed"),
    [
        pytest.param(b'{"signature":"^f.anthropic.abcd.x"}', True, id="seal"),
        pytest.param(b'{"content":"^f.oz"}', False, id="text"),
        pytest.param(b'{"content":"^f.anthropics"}', False, id="no-vendor"),
        pytest.param(b'{"content":"see ^f.anthropic.abcd.x"}', False, id="within-text"),
    ],
)
def test_seal_names_its_vendor_at_the_beginning_of_a_text(body: bytes, sealed: bool) -> None:
    assert is_sealed(replace(call(), body=body)) is sealed


def test_seal_of_google_s_clients_is_found_in_base64() -> None:
    for vendor in Vendor:
        for redacted in (False, True):
            text = seal(Signature(vendor, "abcd", "x"), redacted=redacted)
            body = json.dumps({"thoughtSignature": text}).encode()
            assert is_sealed(replace(call(), body=body, endpoint=GENERATE_STREAM))


@pytest.mark.parametrize("text", ["XmYu", "XmYuYWJjZGVm", "aGlkZGVu", "^f.google.abcd.x"])
def test_other_text_of_google_s_clients_is_no_seal(text: str) -> None:
    body = json.dumps({"thoughtSignature": text}).encode()
    assert not is_sealed(replace(call(), body=body, endpoint=GENERATE_STREAM))


@pytest.mark.parametrize(
    ("endpoint", "content_type"),
    [(CHAT, SSE), (MESSAGES, SSE), (OLLAMA_CHAT, NDJSON), (GENERATE_STREAM, SSE), (GENERATE_ARRAY, JSON)],
)
def test_streams_have_the_content_type_of_their_dialect(endpoint: EndpointSpec, content_type: bytes) -> None:
    assert stream_type(endpoint) == (b"content-type", content_type)


@pytest.mark.parametrize("endpoint", [CHAT, MESSAGES, RESPONSES, OLLAMA_CHAT, GENERATE_STREAM, GENERATE_ARRAY])
def test_streams_and_errors_are_written_in_the_endpoint_s_dialect(endpoint: EndpointSpec) -> None:
    envelope = Envelope("req_1", "m", 1)
    written = encoder_of(endpoint, envelope)
    text = written.feed(Began("i", "m")) + written.feed(TextDelta("Hello")) + written.feed(Finished(Finish.STOP))
    assert b"Hello" in text + written.finish()
    assert json.loads(error_body(endpoint, CUT))["error"]


def test_resend_goes_without_signatures() -> None:
    body = {
        "model": "m",
        "max_tokens": 9,
        "messages": [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                    {"type": "text", "text": "Hello"},
                ],
            },
            {"role": "user", "content": "Go on"},
        ],
    }
    asked = replace(call(), endpoint=MESSAGES, body=json.dumps(body).encode())
    target = Target("claude-sonnet-4-5", "acc")
    kept, stripped = (translate_request(asked, Dialect.ANTHROPIC, target, edit).body for edit in ((), (SIGNATURES,)))
    assert b"c2ln" in kept and b"c2ln" not in stripped
    assert b"Hello" in stripped


@pytest.mark.parametrize(
    ("endpoint", "body", "name"),
    [
        (CHAT, {"messages": [{"role": "user", "content": "Hi"}], "reasoning_effort": "low"}, "reasoning_effort"),
        (RESPONSES, {"input": "Hi", "reasoning": {"effort": "low"}}, "reasoning"),
        (
            MESSAGES,
            {"messages": [{"role": "user", "content": "Hi"}], "thinking": {"type": "enabled", "budget_tokens": 1024}},
            "thinking",
        ),
        (OLLAMA_CHAT, {"messages": [{"role": "user", "content": "Hi"}], "think": True}, "think"),
        (
            GENERATE_STREAM,
            {
                "contents": [{"parts": [{"text": "Hi"}]}],
                "generationConfig": {"thinkingConfig": {"thinkingBudget": 1024}},
            },
            "thinkingConfig",
        ),
    ],
    ids=["chat", "responses", "messages", "ollama", "gemini"],
)
def test_effort_that_is_left_out_has_the_client_s_name(endpoint: EndpointSpec, body: dict[str, Any], name: str) -> None:
    asked = replace(call(), endpoint=endpoint, body=json.dumps(body).encode())
    assert translate_request(asked, Dialect.COHERE, Target("command-a-03-2025", "acc")).dropped == (name,)


@pytest.mark.parametrize(
    ("asked_for", "sent"),
    [
        pytest.param(9_000_000, 8192, id="too-much"),
        pytest.param(100, 100, id="less"),
        pytest.param(None, None, id="any"),
    ],
)
def test_no_more_is_asked_for_than_the_model_can_write(asked_for: int | None, sent: int | None) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": asked_for}
    asked = replace(call(), endpoint=CHAT, body=json.dumps(body).encode())
    target = Target("amazon.nova-pro-v1:0", "acc", capabilities=Capabilities(max_output_tokens=8192))
    written = json.loads(translate_request(asked, Dialect.BEDROCK, target).body)
    assert written.get("inferenceConfig", {}).get("maxTokens") == sent


@pytest.mark.parametrize("dialect", UPSTREAMS)
def test_answer_that_is_no_json_is_not_of_any_dialect(dialect: Dialect) -> None:
    with pytest.raises(Undecodable):
        UPSTREAMS[dialect].decode_answer(b"<html>", "acc", "m")
    assert not UPSTREAMS[dialect].decoder("acc", "m").done


@pytest.mark.parametrize("endpoint", [CHAT, MESSAGES, RESPONSES, OLLAMA_CHAT, GENERATE_STREAM])
def test_error_in_a_stream_says_what_the_body_would(endpoint: EndpointSpec) -> None:
    assert b"Cut." in error_event(endpoint, CUT, is_first=False)


@pytest.mark.parametrize(
    ("dialect", "event", "expected"),
    [
        pytest.param(
            Dialect.ANTHROPIC,
            Event(b'event: x\ndata: {"message":{"model":"up"}}\n\n', b'{"message":{"model":"up"}}'),
            b'event: x\ndata: {"message":{"model":"m"}}\n\n',
            id="event",
        ),
        pytest.param(Dialect.OLLAMA, Event(b'{"model":"up"}\n', b'{"model":"up"}'), b'{"model":"m"}\n', id="line"),
        pytest.param(
            Dialect.GEMINI, Event(b'data: {"model":1}\n\n', b'{"model":1}'), b'data: {"model":1}\n\n', id="no"
        ),
        pytest.param(Dialect.ANTHROPIC, Event(b": hello\n\n", None), b": hello\n\n", id="comment"),
    ],
)
def test_event_gets_the_public_name_where_its_dialect_has_one(dialect: Dialect, event: Event, expected: bytes) -> None:
    assert renamed_event(dialect, event, "m") == expected
