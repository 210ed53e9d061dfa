"""Embeddings at vendors with shapes of their own, for OpenAI's clients and Ollama's."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from proxy.core.records import CloseRecord
from proxy.core.usage import Usage
from tests.fakes.rawserver import response
from tests.integration.contracts.ledger import kept
from tests.integration.contracts.scene import Witness, refused, scene

VECTOR = [0.5, -1.0]
PACKED = base64.b64encode(struct.pack("<2f", *VECTOR)).decode()
TYPE = b"Content-Type: application/json"


def document(content: object, *fields: bytes) -> bytes:
    return response(json.dumps(content).encode(), TYPE, *fields)


def one(kind: str, upstream: str = "up", more: str = "", base: str = "@a") -> str:
    """A model at one provider of this kind."""
    return (
        f'[providers.a]\nkind = "{kind}"\nbase_url = "{base}"\napi_key = "k"\n{more}\n'
        f'[models.m]\ncandidates = [{{ provider = "a", model = "{upstream}" }}]\n'
    )


OPENAI = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": VECTOR}],
    "model": "up",
    "usage": {"prompt_tokens": 4, "total_tokens": 4},
}
GOOGLE = {"embeddings": [{"values": VECTOR}], "usageMetadata": {"promptTokenCount": 4}}
COHERE = {"id": "e", "embeddings": {"float": [VECTOR]}, "meta": {"billed_units": {"input_tokens": 4}}}
OLLAMA = {"model": "up", "embeddings": [VECTOR], "prompt_eval_count": 4}
TITAN = {"embedding": VECTOR, "inputTextTokenCount": 4}

VENDORS = [
    pytest.param(
        one("gemini"),
        GOOGLE,
        "/v1beta/models/up:batchEmbedContents",
        {"requests": [{"content": {"parts": [{"text": "x"}]}, "model": "models/up"}]},
        id="gemini",
    ),
    pytest.param(
        one("cohere"),
        COHERE,
        "/v2/embed",
        {"model": "up", "texts": ["x"], "input_type": "search_document", "embedding_types": ["float"]},
        id="cohere",
    ),
    pytest.param(
        one("bedrock", "amazon.titan-embed-text-v2:0"),
        TITAN,
        "/model/amazon.titan-embed-text-v2%3A0/invoke",
        {"inputText": "x"},
        id="bedrock",
    ),
]


@pytest.mark.parametrize(("toml", "said", "target", "body"), VENDORS)
async def test_vectors_of_another_vendor_come_in_openai_s_shape(
    toml: str, said: dict[str, Any], target: str, body: dict[str, Any]
) -> None:
    a = Witness(document(said))
    async with scene(toml, a=a) as gateway:
        ledger = kept(gateway)
        heard = await gateway.client.post("/v1/embeddings", json={"model": "m", "input": "x", "user": "u"})
    assert (heard.status_code, a.targets, a.bodies) == (200, [target], [body])
    answer = heard.json()
    assert answer["data"] == [{"object": "embedding", "index": 0, "embedding": VECTOR}]
    assert answer["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert heard.headers["x-fairlead-dropped-params"] == "user"
    assert ledger.closed.usage == Usage(4)


@pytest.mark.parametrize(("toml", "said", "target", "body"), VENDORS)
async def test_vectors_come_in_base64_where_the_client_asks_for_it(
    toml: str, said: dict[str, Any], target: str, body: dict[str, Any]
) -> None:
    async with scene(toml, a=Witness(document(said))) as gateway:
        ask = {"model": "m", "input": ["x"], "encoding_format": "base64"}
        heard = await gateway.client.post("/v1/embeddings", json=ask)
    assert heard.json()["data"][0]["embedding"] == PACKED


async def test_tokens_that_bedrock_counts_in_a_header_are_booked() -> None:
    said = document({"embeddings": [VECTOR], "id": "e", "texts": ["x"]}, b"X-Amzn-Bedrock-Input-Token-Count: 6")
    async with scene(one("bedrock", "cohere.embed-english-v3"), a=Witness(said)) as gateway:
        ledger = kept(gateway)
        heard = await gateway.client.post("/v1/embeddings", json={"model": "m", "input": "x"})
    assert (heard.status_code, ledger.closed.usage) == (200, Usage(6))


async def test_tokens_as_input_are_refused_with_a_reason_where_the_vendor_knows_only_text() -> None:
    a = Witness(document(GOOGLE))
    async with scene(one("gemini"), a=a) as gateway:
        heard = await gateway.client.post("/v1/embeddings", json={"model": "m", "input": [[1, 2]]})
    assert (heard.status_code, a.calls) == (400, 0)
    assert heard.json()["error"]["param"] == "input"


async def test_answer_that_holds_no_vectors_is_a_failure() -> None:
    async with scene(one("gemini"), a=Witness(document({"candidates": []}))) as gateway:
        heard = await gateway.client.post("/v1/embeddings", json={"model": "m", "input": "x"})
    assert (heard.status_code, heard.headers["x-fairlead-trail"]) == (502, "a=protocol")


CLIENTS_OF_OLLAMA = [
    pytest.param(one("ollama"), OLLAMA, "/api/embed", {"model": "up", "input": "x", "truncate": True}, id="ollama"),
    pytest.param(
        one("openai", base="@a/v1"),
        OPENAI,
        "/v1/embeddings",
        {"model": "up", "input": "x", "encoding_format": "float"},
        id="openai",
    ),
    pytest.param(
        one("gemini"),
        GOOGLE,
        "/v1beta/models/up:batchEmbedContents",
        {"requests": [{"content": {"parts": [{"text": "x"}]}, "model": "models/up"}]},
        id="gemini",
    ),
]


@pytest.mark.parametrize(("toml", "said", "target", "body"), CLIENTS_OF_OLLAMA)
async def test_ollama_s_client_is_answered_in_its_shape(
    toml: str, said: dict[str, Any], target: str, body: dict[str, Any]
) -> None:
    a = Witness(document(said))
    async with scene(toml, a=a) as gateway:
        ledger = kept(gateway)
        heard = await gateway.client.post("/api/embed", json={"model": "m", "input": "x", "truncate": True})
    assert (heard.status_code, a.targets, a.bodies) == (200, [target], [body])
    assert heard.json() == {"model": "up", "embeddings": [VECTOR], "prompt_eval_count": 4}
    assert ledger.closed.usage == Usage(4)


async def test_what_ollama_s_client_loses_on_the_way_is_named() -> None:
    async with scene(one("openai", base="@a/v1"), a=Witness(document(OPENAI))) as gateway:
        ask = {"model": "m", "input": "x", "truncate": True, "keep_alive": "5m"}
        heard = await gateway.client.post("/api/embed", json=ask)
    assert heard.headers["x-fairlead-dropped-params"] == "truncate,keep_alive"


async def test_ollama_s_client_is_told_errors_in_its_shape() -> None:
    async with scene(
        one("openai", base="@a/v1"), a=Witness(refused(400, "no", type="invalid_request_error"))
    ) as gateway:
        heard = await gateway.client.post("/api/embed", json={"model": "m", "input": "x"})
        unasked = await gateway.client.post("/api/embed", json={"model": "m"})
    assert (heard.status_code, heard.json()["error"]) == (400, "no")
    assert (unasked.status_code, list(unasked.json())) == (400, ["error"])


VERTEX = 'project = "p"\nlocation = "global"'
GOOGLE_PATH = "/v1/projects/p/locations/global/publishers/google/models"
CONTENT = {"parts": [{"text": "x"}]}
PREDICTED = {"predictions": [{"embeddings": {"values": VECTOR, "statistics": {"token_count": 4}}}]}
CLIENTS_OF_GOOGLE = [
    pytest.param(
        one("gemini"),
        {"embedding": {"values": VECTOR}, "usageMetadata": {"promptTokenCount": 4}, "odd": 1},
        GOOGLE | {"odd": 1},
        "/v1beta/models/up:{method}",
        {"content": CONTENT, "taskType": "CLUSTERING"},
        {"requests": [{"content": CONTENT, "taskType": "CLUSTERING", "model": "models/up"}]},
        id="gemini",
    ),
    pytest.param(
        one("openai", base="@a/v1"),
        OPENAI,
        OPENAI,
        "/v1/embeddings",
        *[{"model": "up", "input": ["x"], "encoding_format": "float"}] * 2,
        id="openai",
    ),
    pytest.param(
        one("cohere"),
        COHERE,
        COHERE,
        "/v2/embed",
        *[{"model": "up", "texts": ["x"], "input_type": "search_document", "embedding_types": ["float"]}] * 2,
        id="cohere",
    ),
    pytest.param(
        one("vertex", "text-embedding-005", VERTEX),
        PREDICTED,
        PREDICTED,
        GOOGLE_PATH + "/text-embedding-005:predict",
        *[{"instances": [{"content": "x", "task_type": "CLUSTERING"}]}] * 2,
        id="vertex",
    ),
    pytest.param(
        one("vertex", "gemini-embedding-001", VERTEX),
        GOOGLE,
        GOOGLE,
        GOOGLE_PATH + "/gemini-embedding-001:batchEmbedContents",
        *[{"requests": [{"content": CONTENT, "embedContentConfig": {"taskType": "CLUSTERING"}}]}] * 2,
        id="vertex-gemini",
    ),
]


@pytest.mark.parametrize(("toml", "said", "said_of_many", "target", "body", "body_of_many"), CLIENTS_OF_GOOGLE)
@pytest.mark.parametrize("version", ["v1beta", "v1"])
async def test_google_s_client_is_answered_in_its_shape(
    toml: str,
    said: dict[str, Any],
    said_of_many: dict[str, Any],
    target: str,
    body: dict[str, Any],
    body_of_many: dict[str, Any],
    version: str,
) -> None:
    a = Witness(document(said), document(said_of_many))
    ask = {"content": CONTENT, "taskType": "CLUSTERING"}
    async with scene(toml, a=a) as gateway:
        ledger = kept(gateway)
        one = await gateway.client.post(f"/{version}/models/m:embedContent", json=ask)
        asks = {"requests": [{**ask, "model": "models/m"}]}
        many = await gateway.client.post(f"/{version}/models/m:batchEmbedContents", json=asks)
    assert (one.status_code, many.status_code) == (200, 200)
    assert a.targets == [target.format(method="embedContent"), target.format(method="batchEmbedContents")]
    assert a.bodies == [body, body_of_many]
    assert (one.json()["embedding"], many.json()["embeddings"]) == ({"values": VECTOR}, [{"values": VECTOR}])
    assert one.json()["usageMetadata"] == {"promptTokenCount": 4}
    assert [record.usage for record in ledger.told if isinstance(record, CloseRecord)] == [Usage(4), Usage(4)]


async def test_what_google_answers_its_own_client_comes_as_it_came() -> None:
    """Its newer models take media, which has no place in any other shape."""
    said = {"embedding": {"values": VECTOR, "shape": [2]}, "odd": 1}
    a = Witness(document(said))
    ask = {"content": {"parts": [{"inline_data": {"mime_type": "image/png", "data": "AA=="}}]}}
    async with scene(one("gemini"), a=a) as gateway:
        heard = await gateway.client.post("/v1beta/models/m:embedContent", json=ask)
    assert (heard.status_code, heard.json(), a.bodies) == (200, said, [ask])


async def test_what_google_s_client_loses_on_the_way_is_named() -> None:
    async with scene(one("openai", base="@a/v1"), a=Witness(document(OPENAI))) as gateway:
        ask = {"requests": [{"content": CONTENT, "task_type": "CLUSTERING", "model": "models/m"}]}
        heard = await gateway.client.post("/v1beta/models/m:batchEmbedContents", json=ask)
    assert heard.headers["x-fairlead-dropped-params"] == "taskType"


async def test_media_for_a_vendor_that_embeds_text_is_refused_in_google_s_shape() -> None:
    a = Witness(document(OPENAI))
    async with scene(one("openai", base="@a/v1"), a=a) as gateway:
        ask = {"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}]}}
        heard = await gateway.client.post("/v1beta/models/m:embedContent", json=ask)
    assert (heard.status_code, a.calls) == (400, 0)
    assert heard.json()["error"]["status"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("toml", "said", "target", "body", "dropped"),
    [
        pytest.param(
            one("ollama"), OLLAMA, "/api/embed", {"model": "up", "input": "x", "keep_alive": "5m"}, None, id="ollama"
        ),
        pytest.param(
            one("openai", base="@a/v1"),
            OPENAI,
            "/v1/embeddings",
            {"model": "up", "input": "x", "encoding_format": "float"},
            "keep_alive",
            id="openai",
        ),
    ],
)
async def test_older_endpoint_of_ollama_takes_a_prompt(
    toml: str, said: dict[str, Any], target: str, body: dict[str, Any], dropped: str | None
) -> None:
    a = Witness(document(said))
    async with scene(toml, a=a) as gateway:
        ledger = kept(gateway)
        ask = {"model": "m", "prompt": "x", "keep_alive": "5m"}
        heard = await gateway.client.post("/api/embeddings", json=ask)
    assert (heard.status_code, heard.json(), a.targets, a.bodies) == (200, {"embedding": VECTOR}, [target], [body])
    assert heard.headers.get("x-fairlead-dropped-params") == dropped
    assert ledger.closed.usage == Usage(4)


async def test_vectors_without_a_count_are_estimated() -> None:
    async with scene(one("cohere"), a=Witness(document({"id": "e", "embeddings": {"float": [VECTOR]}}))) as gateway:
        ledger = kept(gateway)
        await gateway.client.post("/v1/embeddings", json={"model": "m", "input": "x" * 400})
    usage = ledger.closed.usage
    assert usage is not None
    assert usage.estimated
    assert usage.prompt_tokens > 90
