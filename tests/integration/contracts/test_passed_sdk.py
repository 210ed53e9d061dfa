"""OpenAI's own client at the endpoints whose requests pass as they came."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI, NotFoundError
from openai.types import Batch, FileObject, ImagesResponse

from tests.fakes.rawserver import Handler, chunked, response
from tests.integration.contracts.passed import COMPLETE, DELTA, LAST, PARTIAL, PICTURE, document, events
from tests.integration.contracts.scene import Witness, model, providers, refused, scene

SOUND = bytes(range(256)) * 40
FILE = {
    "id": "file-1",
    "object": "file",
    "bytes": 3,
    "created_at": 1,
    "filename": "x.jsonl",
    "purpose": "batch",
    "status": "processed",
}
BATCH = {
    "id": "batch-1",
    "object": "batch",
    "endpoint": "/v1/chat/completions",
    "input_file_id": "file-1",
    "completion_window": "24h",
    "status": "validating",
    "created_at": 1,
}


@asynccontextmanager
async def client(upstream: Handler) -> AsyncIterator[AsyncOpenAI]:
    async with (
        scene(providers("a") + model("a"), a=upstream) as gateway,
        AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0) as openai,
    ):
        yield openai


async def test_images_are_made_edited_and_streamed() -> None:
    a = Witness(document(PICTURE), document(PICTURE), events(PARTIAL, COMPLETE) + b"0\r\n\r\n")
    async with client(a) as openai:
        made = await openai.images.generate(model="m", prompt="a cat", size="1024x1024")
        edited = await openai.images.edit(model="m", prompt="a dog", image=[("a.png", SOUND), ("b.png", SOUND)])
        stream = await openai.images.generate(model="m", prompt="a cat", stream=True, partial_images=1)
        kinds = [event.type async for event in stream]
    assert isinstance(made, ImagesResponse)
    assert edited == made
    assert made.data is not None
    assert base64.b64decode(made.data[0].b64_json or "") == b"hello"
    assert kinds == ["image_generation.partial_image", "image_generation.completed"]
    assert b'name="image[]"; filename="b.png"' in a.requests[1].body


async def test_speech_is_streamed_in_its_bytes() -> None:
    a = Witness(chunked(SOUND[:100], SOUND[100:]).replace(b"\r\n", b"\r\nContent-Type: audio/mpeg\r\n", 1))
    async with client(a) as openai:
        async with openai.audio.speech.with_streaming_response.create(model="m", input="hi", voice="alloy") as answer:
            heard = b"".join([piece async for piece in answer.iter_bytes()])
            assert answer.headers["content-type"] == "audio/mpeg"
    assert heard == SOUND
    assert a.bodies == [{"model": "up", "input": "hi", "voice": "alloy"}]


async def test_transcripts_are_objects_text_and_events() -> None:
    told = document({"text": "hello", "usage": {"type": "duration", "seconds": 1}})
    a = Witness(told, response(b"1\nhello\n", b"Content-Type: text/plain"), events(DELTA, LAST) + b"0\r\n\r\n", told)
    async with client(a) as openai:
        whole = await openai.audio.transcriptions.create(model="m", file=("a.wav", SOUND))
        text = await openai.audio.transcriptions.create(model="m", file=("a.wav", SOUND), response_format="srt")
        stream = await openai.audio.transcriptions.create(model="m", file=("a.wav", SOUND), stream=True)
        kinds = [event.type async for event in stream]
        with pytest.warns(DeprecationWarning):
            english = await openai.audio.translations.create(model="m", file=("a.wav", SOUND))
    assert (whole.text, text, english.text) == ("hello", "1\nhello\n", "hello")
    assert kinds == ["transcript.text.delta", "transcript.text.done"]
    assert all(b"\r\n\r\nup\r\n" in request.body for request in a.requests)


async def test_files_are_uploaded_listed_read_and_deleted() -> None:
    listed = {"object": "list", "data": [FILE], "has_more": False, "first_id": "file-1", "last_id": "file-1"}
    gone = {"id": "file-1", "object": "file", "deleted": True}
    content = response(SOUND, b"Content-Type: application/octet-stream")
    a = Witness(document(FILE), document(listed), document(FILE), content, document(gone))
    async with client(a) as openai:
        made = await openai.files.create(file=("x.jsonl", b"{}\n"), purpose="batch")
        page = await openai.files.list(limit=1, purpose="batch")
        one = await openai.files.retrieve("file-1")
        read = await openai.files.content("file-1")
        deleted = await openai.files.delete("file-1")
    assert made == one == page.data[0] == FileObject.model_validate(FILE)
    assert (read.content, deleted.deleted) == (SOUND, True)
    assert a.targets[1:] == [
        "/v1/files?limit=1&purpose=batch",
        "/v1/files/file-1",
        "/v1/files/file-1/content",
        "/v1/files/file-1",
    ]
    assert a.requests[4].head.startswith(b"DELETE ")


async def test_batches_are_made_looked_at_and_cancelled() -> None:
    listed = {"object": "list", "data": [BATCH], "has_more": False, "first_id": "batch-1", "last_id": "batch-1"}
    a = Witness(document(BATCH), document(BATCH), document({**BATCH, "status": "cancelling"}), document(listed))
    async with client(a) as openai:
        made = await openai.batches.create(
            input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h"
        )
        one = await openai.batches.retrieve("batch-1")
        cancelled = await openai.batches.cancel("batch-1")
        page = await openai.batches.list(limit=1)
    assert made == one == page.data[0] == Batch.model_validate(BATCH)
    assert cancelled.status == "cancelling"
    assert a.targets[2] == "/v1/batches/batch-1/cancel"


async def test_missing_file_is_not_found() -> None:
    async with client(Witness(refused(404, "No such File object: f", type="invalid_request_error"))) as openai:
        with pytest.raises(NotFoundError, match="No such File object"):
            await openai.files.retrieve("f")


async def test_azure_s_client_names_its_deployment() -> None:
    a = Witness(document({"text": "hello"}), document(PICTURE), document(FILE))
    async with (
        scene(providers("a") + model("a"), a=a) as gateway,
        AsyncAzureOpenAI(
            azure_endpoint=gateway.url, azure_deployment="m", api_key="none", api_version="2024-10-21", max_retries=0
        ) as azure,
    ):
        heard = await azure.audio.transcriptions.create(model="m", file=("a.wav", SOUND))
        await azure.images.generate(model="m", prompt="a cat")
        assert heard.text == "hello"
    assert a.targets == ["/v1/audio/transcriptions", "/v1/images/generations"]
    assert json.loads(a.requests[1].body)["model"] == "up"
