"""A request path turned into what it asks for: the paths of OpenAI's API and of each vendor's own.

The first segment names the calling provider; without one it is "default". `/v1` and the infixes that vendors use may be
left out. Pure.

Source: the SDKs anthropic 2.11.0, google-genai 3.4.0, botocore 1.44.5, cohere 7.3.1, ollama 0.6.3 and openai 3.51.0,
read 2026-11-20.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

DEFAULT_PROVIDER = "default"
CONTROL = "/_simulator/"


class Operation(StrEnum):
    """What is asked for, whatever the dialect: what a rule may narrow itself to."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    MODERATIONS = "moderations"
    COUNT_TOKENS = "count_tokens"
    RERANK = "rerank"
    IMAGES = "images"
    SPEECH = "speech"
    TRANSCRIPTIONS = "transcriptions"
    MODELS = "models"


class Endpoint(StrEnum):
    """What a path ends in, or the method that it names."""

    CHAT = "chat/completions"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    MODERATIONS = "moderations"
    MODELS = "models"
    RESPONSES = "responses"
    RERANK = "rerank"
    IMAGES = "images/generations"
    SPEECH = "audio/speech"
    TRANSCRIPTIONS = "audio/transcriptions"
    MESSAGES = "messages"
    MESSAGE_TOKENS = "messages/count_tokens"
    MESSAGE_MODELS = "models (Anthropic)"
    RAW_PREDICT = "rawPredict"
    RAW_PREDICT_STREAM = "streamRawPredict"
    RAW_COUNT_TOKENS = "count-tokens:rawPredict"
    GENERATE = "generateContent"
    GENERATE_STREAM = "streamGenerateContent"
    GEMINI_TOKENS = "countTokens"
    GEMINI_EMBED = "embedContent"
    GEMINI_EMBED_ALL = "batchEmbedContents"
    GEMINI_PREDICT = "predict"
    GEMINI_MODELS = "models (Gemini)"
    CONVERSE = "converse"
    CONVERSE_STREAM = "converse-stream"
    INVOKE = "invoke"
    BEDROCK_TOKENS = "count-tokens"
    FOUNDATION_MODELS = "foundation-models"
    INFERENCE_PROFILES = "inference-profiles"
    OLLAMA_CHAT = "api/chat"
    OLLAMA_EMBED = "api/embed"
    OLLAMA_TAGS = "api/tags"
    OLLAMA_VERSION = "api/version"
    COHERE_CHAT = "v2/chat"
    COHERE_EMBED = "v2/embed"
    COHERE_RERANK = "v2/rerank"
    COHERE_MODELS = "models (Cohere)"


_SUFFIXES = (
    *(Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.EMBEDDINGS, Endpoint.MODERATIONS, Endpoint.RESPONSES),
    *(Endpoint.IMAGES, Endpoint.SPEECH, Endpoint.TRANSCRIPTIONS, Endpoint.MESSAGE_TOKENS, Endpoint.MESSAGES),
    *(Endpoint.COHERE_CHAT, Endpoint.COHERE_EMBED, Endpoint.COHERE_RERANK, Endpoint.RERANK),
    *(Endpoint.OLLAMA_CHAT, Endpoint.OLLAMA_EMBED, Endpoint.OLLAMA_TAGS, Endpoint.OLLAMA_VERSION),
)
_LISTS = (Endpoint.MODELS, Endpoint.FOUNDATION_MODELS, Endpoint.INFERENCE_PROFILES)
_VERBS: Mapping[str, tuple[Endpoint, ...]] = {
    "google": (
        *(Endpoint.GENERATE, Endpoint.GENERATE_STREAM, Endpoint.GEMINI_TOKENS),
        *(Endpoint.GEMINI_EMBED, Endpoint.GEMINI_EMBED_ALL, Endpoint.GEMINI_PREDICT),
    ),
    "anthropic": (Endpoint.RAW_PREDICT, Endpoint.RAW_PREDICT_STREAM),
}
_BEDROCK = (Endpoint.CONVERSE, Endpoint.CONVERSE_STREAM, Endpoint.INVOKE, Endpoint.BEDROCK_TOKENS)
_ROUTE = re.compile(
    r"(?P<base>.*?)(?:/projects/[^/]+/locations/[^/]+/endpoints/[^/]+)?(?P<deployment>/deployments/(?P<name>[^/]+))?"
    rf"/(?:(?P<suffix>{'|'.join(_SUFFIXES)})|(?P<list>{'|'.join(_LISTS)})(?:/(?P<model>.+))?)"
)
_GOOGLE = re.compile(
    r"(?P<base>.*?)(?P<vertex>(?:/projects/(?P<project>[^/]+)/locations/[^/]+)?/publishers/(?P<publisher>google|anthropic))?"
    r"/models/(?P<model>[^/:]+):(?P<verb>[A-Za-z]+)"
)
_MODEL = re.compile(rf"(?P<base>.*?)/model/(?P<model>.+)/(?P<verb>{'|'.join(_BEDROCK)})")
_VERSIONS = frozenset({"v1", "v1beta", "v1beta1", "v1alpha"})
_INFIXES = _VERSIONS | {"openai", "api", "inference", "compatible-mode", "compatibility", "anthropic"}


class Route(NamedTuple):
    """What a path asks for.

    Attributes:
        model: The model that the path names; None where the body does.
        project: On Vertex, whose account it is; "" on Google's express paths, None elsewhere.
        beta: A model list is asked for under `v1beta`, as only Google's is.
    """

    provider: str
    endpoint: Endpoint
    model: str | None = None
    project: str | None = None
    beta: bool = False


def route_of(path: str) -> Route | None:
    """Return what a decoded path asks for, None where it asks for nothing known."""
    if found := _GOOGLE.fullmatch(path):
        return _google(found)
    if found := _MODEL.fullmatch(path):
        provider = _provider(found["base"], azure=False)
        return None if provider is None else Route(provider, Endpoint(found["verb"]), found["model"])
    if found := _ROUTE.fullmatch(path):
        return _plain(found)
    return None


def models_route(route: Route, headers: Mapping[str, str], query: str) -> Route:
    """Tell whose model list is asked for: the path is the same with several vendors, what comes with it is not."""
    if route.endpoint is not Endpoint.MODELS:
        return route
    if "anthropic-version" in headers:
        return route._replace(endpoint=Endpoint.MESSAGE_MODELS)
    if route.beta or "x-goog-api-key" in headers or "key=" in query:
        return route._replace(endpoint=Endpoint.GEMINI_MODELS)
    return route._replace(endpoint=Endpoint.COHERE_MODELS) if route.provider == "cohere" else route


def _plain(found: re.Match[str]) -> Route | None:
    provider = _provider(found["base"], azure=found["deployment"] is not None)
    if provider is None:
        return None
    endpoint = Endpoint(found["suffix"] or found["list"])
    beta = endpoint is Endpoint.MODELS and found["base"].endswith("/v1beta")
    return Route(provider, endpoint, found["name"] or found["model"], beta=beta)


def _google(found: re.Match[str]) -> Route | None:
    endpoint = next((verb for verb in _VERBS[found["publisher"] or "google"] if verb == found["verb"]), None)
    provider = _provider(found["base"], azure=False)
    if endpoint is None or provider is None:
        return None
    project = (found["project"] or "") if found["vertex"] else None
    if found["model"] == "count-tokens":
        return Route(provider, Endpoint.RAW_COUNT_TOKENS, None, project)
    return Route(provider, endpoint, found["model"], project)


def _provider(base: str, *, azure: bool) -> str | None:
    """Return the provider that the part before the endpoint names; None where there is more than a name and infixes."""
    first, *rest = base.strip("/").split("/")
    if not set(rest) <= _INFIXES:
        return None
    if not first or first in _VERSIONS or (azure and first == "openai"):
        return DEFAULT_PROVIDER
    return first
