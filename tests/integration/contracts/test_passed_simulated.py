"""The simulator's rankings, images, recordings and transcripts, and vectors of each vendor, through the gateway."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from proxy.core.usage import Usage
from proxy.simulator.app import simulator_app
from tests.fakes.gateway import RunningGateway, gateway
from tests.fakes.serving import serve
from tests.integration.contracts.ledger import kept


@asynccontextmanager
async def simulated(kind: str, base: str = "", upstream: str = "up", more: str = "") -> AsyncIterator[RunningGateway]:
    async with serve(simulator_app()) as url:
        toml = (
            f'[providers.a]\nkind = "{kind}"\nbase_url = "{url}/a{base}"\napi_key = "sk-0123456789abcdef"\n{more}\n'
            f'[models.m]\ncandidates = [{{ provider = "a", model = "{upstream}" }}]\n'
        )
        async with gateway(toml) as running:
            yield running


@pytest.mark.parametrize(("kind", "base"), [("simulator", "/v1"), ("cohere", "")])
async def test_ranking(kind: str, base: str) -> None:
    async with simulated(kind, base) as running:
        body = {"model": "m", "query": "q", "documents": ["x", "y", "z"], "top_n": 2}
        answer = await running.client.post("/v1/rerank", json=body)
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == 2


async def test_images_speech_and_transcripts() -> None:
    async with simulated("simulator", "/v1") as running:
        images = await running.client.post("/v1/images/generations", json={"model": "m", "prompt": "a cat"})
        speech = await running.client.post("/v1/audio/speech", json={"model": "m", "input": "hi", "voice": "v"})
        form = {"data": {"model": "m"}, "files": {"file": ("a.wav", speech.content, "audio/wav")}}
        heard = await running.client.post("/v1/audio/transcriptions", **form)  # type: ignore[arg-type] # of a form
    assert [answer.status_code for answer in (images, speech, heard)] == [200, 200, 200]
    assert images.json()["data"]
    assert speech.content
    assert heard.json()["text"]


async def test_speech_in_events_leaves_the_usage_that_was_told() -> None:
    async with simulated("simulator", "/v1") as running:
        ledger = kept(running)
        body = {"model": "m", "input": "one two three", "voice": "v", "stream_format": "sse"}
        answer = await running.client.post("/v1/audio/speech", json=body)
    told = json.loads(answer.text.rsplit("data: ", 1)[1])["usage"]
    assert ledger.closed.usage == Usage(
        told["input_tokens"], told["output_tokens"], audio_output_tokens=told["output_tokens"]
    )


@pytest.mark.parametrize(
    ("kind", "base", "upstream"),
    [
        pytest.param("gemini", "", "gemini-embedding-001", id="gemini"),
        pytest.param("cohere", "", "embed-v4.0", id="cohere"),
        pytest.param("bedrock", "", "amazon.titan-embed-text-v2:0", id="bedrock"),
        pytest.param("ollama", "", "nomic-embed-text", id="ollama"),
    ],
)
async def test_vectors_for_openai_s_and_ollama_s_clients(kind: str, base: str, upstream: str) -> None:
    async with simulated(kind, base, upstream) as running:
        openai = await running.client.post("/v1/embeddings", json={"model": "m", "input": "x"})
        ollama = await running.client.post("/api/embed", json={"model": "m", "input": "x"})
    assert (openai.status_code, ollama.status_code) == (200, 200)
    assert openai.json()["data"][0]["embedding"] == pytest.approx(ollama.json()["embeddings"][0])
