"""What the endpoints are asked and answered with whose requests pass as they came."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.fakes.gateway import RunningGateway
from tests.fakes.rawserver import chunk, response
from tests.integration.contracts.scene import JSON

AUDIO = b"Content-Type: audio/mpeg"
SOUND = bytes(range(256)) * 40
RANKED = {"id": "r", "results": [{"index": 1, "relevance_score": 0.5}], "usage": {"total_tokens": 7}}
PICTURE = {"created": 1, "data": [{"b64_json": "aGVsbG8="}]}
IMAGE_USAGE = {"input_tokens": 5, "output_tokens": 9, "total_tokens": 14, "input_tokens_details": {"text_tokens": 5}}


def document(content: dict[str, Any], *fields: bytes) -> bytes:
    return response(json.dumps(content).encode(), JSON, *fields)


def event(name: str, **members: object) -> bytes:
    data = json.dumps({"type": name, **members})
    return f"event: {name}\ndata: {data}\n\n".encode()


def events(*pieces: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(*pieces)


async def transcribe(
    gateway: RunningGateway, *, path: str = "/v1/audio/transcriptions", name: str | None = "m", **fields: str
) -> httpx.Response:
    data = fields if name is None else {"model": name, **fields}
    return await gateway.client.post(path, data=data, files={"file": ("a.wav", SOUND, "audio/wav")})


async def post(gateway: RunningGateway, path: str, **members: object) -> httpx.Response:
    return await gateway.client.post(path, json={"model": "m", **members})


PARTIAL = event("image_generation.partial_image", b64_json="AAAA", partial_image_index=0)
COMPLETE = event("image_generation.completed", b64_json="AAAABBBB", usage=IMAGE_USAGE)
DELTA = event("transcript.text.delta", delta="he")
LAST = event("transcript.text.done", text="hello", usage={"type": "tokens", "input_tokens": 3, "output_tokens": 1})
