"""Embeddings and rankings for vendors with shapes of their own: who encodes and decodes each.

Between the client's shape and the vendor's lies one that many speak: OpenAI's for embeddings, Cohere's and Jina's for
rankings. A table like `dialects`; knows no vendor's JSON itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from msgspec import Struct

from proxy.core.call import Call, Dialect, EndpointSpec, Headers, Operation
from proxy.core.translation import Encoded, Target
from proxy.core.usage import Usage
from proxy.translate import passed
from proxy.translate.bedrock import embeddings as bedrock
from proxy.translate.cohere import embeddings as cohere
from proxy.translate.cohere import rerank
from proxy.translate.gemini import embedding_asks as asks
from proxy.translate.gemini import embeddings as gemini
from proxy.translate.ollama import embeddings as ollama
from proxy.wire.jsonbody import split_object

_EMBEDDINGS, _RERANK = Operation.EMBEDDINGS, Operation.RERANK
_COUNT_HEADER = b"x-amzn-bedrock-input-token-count"
_BASE64 = b'"base64"'


class Heard(Struct, frozen=True, eq=False):
    """A vendor's whole answer, and what is needed to say it anew.

    Attributes:
        request: What was asked, in the shape that lies between.
        model: The name that the answer is to carry.
        tokens: An estimate of the input.
        base64: Vectors are wanted in that form.
    """

    body: bytes
    headers: Headers
    request: bytes
    model: str
    tokens: int
    base64: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """A vendor's shape. `decode` gives the answer, and the usage that the vendor reported."""

    encode: Callable[[bytes, Target], Encoded]
    decode: Callable[[Heard], tuple[bytes, Usage | None]]


@dataclass(frozen=True, slots=True, eq=False)
class ClientCodec:
    """A client's shape.

    Attributes:
        nearest: The dialect that is its own or nearest to it, whose upstreams are asked by `encode_same`.
        method: What it is called in the path of a Google client, and of the Gemini API.
    """

    decode_request: Callable[[bytes], Encoded]
    encode_answer: Callable[[bytes, str], bytes]
    nearest: Dialect
    encode_same: Callable[[bytes, Target], Encoded] | None = None
    method: str = ""


def _from_google(heard: Heard) -> tuple[bytes, Usage | None]:
    form = gemini.BASE64 if heard.base64 else "float"
    return gemini.decode_embeddings(heard.body, heard.model, heard.tokens, form)


def _from_bedrock(heard: Heard) -> tuple[bytes, Usage | None]:
    counted = next((value for name, value in heard.headers if name == _COUNT_HEADER), b"")
    tokens = int(counted) if counted.isdigit() and len(counted) < 10 else 0
    return bedrock.decode_embeddings(heard.body, heard.model, tokens, base64=heard.base64)


def _from_ollama(heard: Heard) -> tuple[bytes, Usage | None]:
    return ollama.decode_embeddings(heard.body, heard.model, heard.tokens, base64=heard.base64)


def _from_cohere(heard: Heard) -> tuple[bytes, Usage | None]:
    return cohere.decode_embeddings(heard.body, heard.model, base64=heard.base64)


def _ranked_by_cohere(heard: Heard) -> tuple[bytes, Usage | None]:
    return rerank.decode_rerank(heard.body, heard.request, heard.model)


CODECS: Mapping[tuple[Operation, Dialect], Codec] = MappingProxyType(
    {
        (_EMBEDDINGS, Dialect.GEMINI): Codec(gemini.encode_embeddings, _from_google),
        (_EMBEDDINGS, Dialect.BEDROCK): Codec(bedrock.encode_embeddings, _from_bedrock),
        (_EMBEDDINGS, Dialect.OLLAMA): Codec(ollama.encode_embeddings, _from_ollama),
        (_EMBEDDINGS, Dialect.COHERE): Codec(cohere.encode_embeddings, _from_cohere),
        (_RERANK, Dialect.COHERE): Codec(rerank.encode_rerank, _ranked_by_cohere),
    }
)
# By the endpoint's name: a dialect may have several shapes.
CLIENT_CODECS: Mapping[str, ClientCodec] = MappingProxyType(
    {
        "ollama_embed": ClientCodec(ollama.decode_embeddings_request, ollama.encode_embeddings_answer, Dialect.OLLAMA),
        "ollama_embeddings": ClientCodec(
            ollama.decode_prompt_request, ollama.encode_prompt_answer, Dialect.OLLAMA, ollama.encode_prompt
        ),
        "gemini_embed": ClientCodec(
            asks.decode_embeddings_request, asks.encode_one, Dialect.GEMINI, asks.encode_same, gemini.Method.ONE
        ),
        "gemini_batch_embed": ClientCodec(
            asks.decode_embeddings_request, asks.encode_many, Dialect.GEMINI, asks.encode_same, gemini.Method.BATCH
        ),
    }
)


def google_method(target: Target, endpoint: EndpointSpec) -> str:
    """Name what stands behind Google's model in the path: what its own client named, except on Vertex."""
    client = CLIENT_CODECS.get(endpoint.name)
    return client.method if client is not None and client.method and not target.host else gemini.method(target)


def encode_request(call: Call, dialect: Dialect, target: Target) -> Encoded:
    """Say a client's request in an upstream's shape.

    Raises:
        Undecodable: It is not of the client's shape.
        Untranslatable: Something it asks for cannot be said.
    """
    client = CLIENT_CODECS.get(call.endpoint.name)
    if client is not None and client.encode_same is not None and client.nearest is dialect:
        return client.encode_same(call.body, target)
    between = Encoded(call.body) if client is None else client.decode_request(call.body)
    codec = CODECS.get((call.endpoint.operation, dialect))
    encoded = between if codec is None else codec.encode(between.body, target)
    return Encoded(encoded.body, tuple(dict.fromkeys((*between.dropped, *encoded.dropped))))


def decode_answer(operation: Operation, dialect: Dialect, heard: Heard) -> tuple[bytes, Usage | None]:
    """Say an upstream's answer in the shape that lies between.

    Raises:
        Undecodable: It is not of the upstream's shape.
    """
    codec = CODECS.get((operation, dialect))
    return (heard.body, passed.read_usage(heard.body)) if codec is None else codec.decode(heard)


def encode_answer(endpoint: EndpointSpec, body: bytes, model: str) -> bytes:
    """Say an answer in the client's shape.

    Raises:
        Undecodable: It is not of the shape that lies between.
    """
    client = CLIENT_CODECS.get(endpoint.name)
    return body if client is None else client.encode_answer(body, model)


def asked(call: Call) -> bytes:
    """Return what the client asks for in the shape that lies between.

    Raises:
        Undecodable: It is not of the client's shape.
    """
    client = CLIENT_CODECS.get(call.endpoint.name)
    return call.body if client is None else client.decode_request(call.body).body


def wants_base64(request: bytes) -> bool:
    """Say whether a request in OpenAI's shape asks for vectors in base64."""
    return bytes(split_object(request).get("encoding_format", b"")) == _BASE64
