"""`rewrite_model`: answers name the public model, in every dialect that passes as it came, and nothing else changes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from tests.fakes.rawserver import Peer, response
from tests.fakes.rawstreams import HEAD
from tests.integration.contracts.scene import JSON, Witness, ask, model, post, said, scene, streamed

REWRITTEN = "[server]\nrewrite_model = true\n"
NDJSON = HEAD.replace(b"text/event-stream", b"application/x-ndjson")
HELLO = [{"role": "user", "content": "hi"}]


def one(kind: str, base: str = "@a") -> str:
    return f'[providers.a]\nkind = "{kind}"\nbase_url = "{base}"\napi_key = "k"\n' + model("a")


def event(data: str, name: str = "") -> bytes:
    return f"{f'event: {name}' + chr(10) if name else ''}data: {data}\n\n".encode()


RESPONSE = '{"id":"resp_1","model":"NAME","output":[],"status":"%s","usage":null}'
ANSWERED = (
    '{"id":"resp_1","object":"response","created_at":1,"model":"NAME","status":"completed","output":[{"type":"message",'
    '"id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"a","annotations":[]}]'
    '}],"usage":{"input_tokens":3,"output_tokens":1,"total_tokens":4}}'
)
MESSAGE = (
    '{"id":"msg_1","type":"message","role":"assistant","model":"NAME","content":%s,"stop_reason":%s,'
    '"usage":{"input_tokens":3,"output_tokens":1}}'
)
CONTENT = '{"candidates":[{"content":{"role":"model","parts":[{"text":"a"}]}%s}],"modelVersion":"NAME","odd":1.50}'
LINE = '{"model":"NAME","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"%s"},"done":%s}'

STREAMS = [
    pytest.param(
        one("openai", "@a/v1"),
        "/v1/responses",
        {"model": "m", "input": "hi", "stream": True},
        [
            event('{"type":"response.created","sequence_number":0,"response":' + RESPONSE % "in_progress" + "}"),
            event(
                '{"type":"response.in_progress","response":' + RESPONSE % "in_progress" + "}", "response.in_progress"
            ),
            event(
                '{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"a"}'
            ),
            event('{"type":"response.completed","response":' + ANSWERED + "}", "response.completed"),
        ],
        HEAD,
        id="responses",
    ),
    pytest.param(
        one("anthropic"),
        "/v1/messages",
        {"model": "m", "max_tokens": 9, "messages": HELLO, "stream": True},
        [
            event('{"type":"message_start","message":' + MESSAGE % ("[]", "null") + "}", "message_start"),
            event('{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'),
            event('{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"model"}}'),
            event('{"type":"content_block_stop","index":0}'),
            event('{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}'),
            event('{"type":"message_stop"}', "message_stop"),
        ],
        HEAD,
        id="anthropic",
    ),
    pytest.param(
        one("gemini"),
        "/v1beta/models/m:streamGenerateContent?alt=sse",
        {"contents": [{"parts": [{"text": "hi"}]}]},
        [event(CONTENT % ""), event(CONTENT % ',"finishReason":"STOP"')],
        HEAD,
        id="gemini",
    ),
    pytest.param(
        one("ollama"),
        "/api/chat",
        {"model": "m", "messages": HELLO},
        [f"{LINE % ('a', 'false')}\n".encode(), f"{LINE % ('', 'true')}\n".encode()],
        NDJSON,
        id="ollama",
    ),
]
WHOLE = [
    pytest.param(one("openai", "@a/v1"), "/v1/responses", {"model": "m", "input": "hi"}, ANSWERED, id="responses"),
    pytest.param(
        one("anthropic"),
        "/v1/messages",
        {"model": "m", "max_tokens": 9, "messages": HELLO},
        MESSAGE % ('[{"type":"text","text":"a"}]', '"end_turn"'),
        id="anthropic",
    ),
    pytest.param(
        one("gemini"),
        "/v1beta/models/m:generateContent",
        {"contents": [{"parts": [{"text": "hi"}]}]},
        CONTENT % ',"finishReason":"STOP"',
        id="gemini",
    ),
    pytest.param(
        one("ollama"),
        "/api/chat",
        {"model": "m", "messages": HELLO, "stream": False},
        LINE % ("a", "true"),
        id="ollama",
    ),
]
both = pytest.mark.parametrize(("settings", "name"), [("", b"up"), (REWRITTEN, b"m")], ids=["as-it-is", "rewritten"])


def named(came: bytes, name: bytes) -> bytes:
    return came.replace(b'"NAME"', b'"%b"' % name)


@both
@pytest.mark.parametrize(("table", "path", "asked", "came", "head"), STREAMS)
async def test_stream_names_the_public_model(
    table: str, path: str, asked: dict[str, object], came: list[bytes], head: bytes, settings: str, name: bytes
) -> None:
    sent = [named(piece, b"up") for piece in came]
    async with scene(settings + table, a=Witness(streamed(*sent, head=head))) as gateway:
        heard = await post(gateway, json.dumps(asked).encode(), path=path)
    assert (heard.status, heard.body) == (200, named(b"".join(came), name))


@both
@pytest.mark.parametrize(("table", "path", "asked", "came"), WHOLE)
async def test_whole_answer_names_the_public_model(
    table: str, path: str, asked: dict[str, object], came: str, settings: str, name: bytes
) -> None:
    sent = response(named(came.encode(), b"up"), JSON)
    async with scene(settings + table, a=Witness(sent)) as gateway:
        heard = await post(gateway, json.dumps(asked).encode(), path=path)
    assert (heard.status, heard.body) == (200, named(came.encode(), name))


@pytest.mark.parametrize(
    ("path", "stream"),
    [
        pytest.param("/v1/chat/completions", False, id="whole"),
        pytest.param("/v1/chat/completions", True, id="stream"),
        pytest.param("/v1/messages", False, id="whole-of-another-dialect"),
        pytest.param("/v1/messages", True, id="stream-of-another-dialect"),
    ],
)
async def test_request_under_way_is_answered_by_the_settings_that_it_began_with(path: str, stream: bool) -> None:
    arrived, may_answer = asyncio.Event(), asyncio.Event()
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "up"}
    spoken = {**chunk, "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}

    async def answer_late(peer: Peer) -> None:
        await peer.request()
        arrived.set()
        await may_answer.wait()
        await peer.send(streamed(event(json.dumps(spoken)), event("[DONE]")) if stream else said())

    async with scene(one("openai_compatible"), a=answer_late) as gateway:
        asking = asyncio.create_task(ask(gateway, path=path, stream=stream, max_tokens=9))
        await arrived.wait()
        now = gateway.parts.edge.engine.snapshot
        gateway.parts.publish(replace(now, server=replace(now.server, rewrite_model=True)))
        may_answer.set()
        heard = await asking
    assert heard.status == 200
    assert (b'"model":"up"' in heard.body.replace(b" ", b""), b'"m"' in heard.body) == (True, False)
