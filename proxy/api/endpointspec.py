"""The table of client endpoints: path -> what it is. Adding an endpoint of a known dialect is one row."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from urllib.parse import parse_qsl, unquote

from httptools import parse_url

from proxy.core.call import Dialect, EndpointSpec, Gives, Operation, Takes
from proxy.edge.exchange import Asked

_PASSED = Dialect.PASSED
_FORM, _RESOURCE = Takes.FORM, Takes.RESOURCE
_TEXT, _BYTES = Gives.TEXT, Gives.BYTES
_GET, _LISTED, _KEPT = frozenset({b"GET"}), frozenset({b"GET", b"POST"}), frozenset({b"GET", b"DELETE"})
_BETA = frozenset({"beta"})
_PAGE = frozenset({"after", "limit", "order", "purpose"})

CHAT = EndpointSpec("chat", Operation.CHAT, streams=False)
COMPLETIONS = EndpointSpec("completions", Operation.COMPLETIONS, streams=False)
EMBEDDINGS = EndpointSpec("embeddings", Operation.EMBEDDINGS)
MODERATIONS = EndpointSpec("moderations", Operation.MODERATIONS)
RESPONSES = EndpointSpec("responses", Operation.CHAT, Dialect.OPENAI_RESPONSES, streams=False)
MESSAGES = EndpointSpec("messages", Operation.CHAT, Dialect.ANTHROPIC, query=_BETA, streams=False)
COUNT_TOKENS = EndpointSpec("count_tokens", Operation.COUNT_TOKENS, Dialect.ANTHROPIC, query=_BETA)
OLLAMA_CHAT = EndpointSpec("ollama_chat", Operation.CHAT, Dialect.OLLAMA, streams=True)
OLLAMA_EMBED = EndpointSpec("ollama_embed", Operation.EMBEDDINGS, Dialect.OLLAMA)
OLLAMA_GENERATE = EndpointSpec("ollama_generate", Operation.CHAT, Dialect.OLLAMA_PROMPT, streams=True)
OLLAMA_EMBEDDINGS = EndpointSpec("ollama_embeddings", Operation.EMBEDDINGS, Dialect.OLLAMA_PROMPT)
GENERATE = EndpointSpec("gemini", Operation.CHAT, Dialect.GEMINI)
GENERATE_STREAM = EndpointSpec("gemini", Operation.CHAT, Dialect.GEMINI, streams=True)
GENERATE_ARRAY = EndpointSpec("gemini", Operation.CHAT, Dialect.GEMINI, streams=True, array=True)
GEMINI_COUNT = EndpointSpec("gemini_count_tokens", Operation.COUNT_TOKENS, Dialect.GEMINI)
GEMINI_EMBED = EndpointSpec("gemini_embed", Operation.EMBEDDINGS, Dialect.GEMINI)
GEMINI_EMBED_ALL = EndpointSpec("gemini_batch_embed", Operation.EMBEDDINGS, Dialect.GEMINI)
RERANK = EndpointSpec("rerank", Operation.RERANK, _PASSED)
# Sent twice, these would be paid for twice: again only where nothing was sent, or it was refused.
IMAGES = EndpointSpec("images", Operation.IMAGES, _PASSED, repeatable=False, streams=False)
IMAGE_EDITS = EndpointSpec("image_edits", Operation.IMAGE_EDITS, _PASSED, repeatable=False, streams=False, takes=_FORM)
IMAGE_VARIATIONS = EndpointSpec("image_variations", Operation.IMAGE_VARIATIONS, _PASSED, repeatable=False, takes=_FORM)
SPEECH = EndpointSpec("speech", Operation.SPEECH, _PASSED, repeatable=False, streams=True, gives=_BYTES)
TRANSCRIPTIONS = EndpointSpec(
    "transcriptions",
    Operation.TRANSCRIPTIONS,
    _PASSED,
    repeatable=False,
    streams=False,
    takes=_FORM,
    gives=_TEXT,
)
TRANSLATIONS = EndpointSpec("translations", Operation.TRANSLATIONS, _PASSED, repeatable=False, takes=_FORM, gives=_TEXT)
FILES = EndpointSpec("files", Operation.FILES, _PASSED, repeatable=False, query=_PAGE, takes=_RESOURCE, methods=_LISTED)
FILE = EndpointSpec("files", Operation.FILES, _PASSED, repeatable=False, takes=_RESOURCE, methods=_KEPT)
FILE_CONTENT = EndpointSpec(
    "files", Operation.FILES, _PASSED, repeatable=False, streams=True, takes=_RESOURCE, gives=_BYTES, methods=_GET
)
BATCHES = EndpointSpec(
    "batches", Operation.BATCHES, _PASSED, repeatable=False, query=_PAGE, takes=_RESOURCE, methods=_LISTED
)
BATCH = EndpointSpec("batches", Operation.BATCHES, _PASSED, repeatable=False, takes=_RESOURCE, methods=_GET)
BATCH_CANCEL = EndpointSpec("batches", Operation.BATCHES, _PASSED, repeatable=False, takes=_RESOURCE)
REALTIME = EndpointSpec(
    "realtime",
    Operation.REALTIME,
    _PASSED,
    repeatable=False,
    query=frozenset({"intent"}),
    streams=True,
    takes=Takes.TUNNEL,
    methods=_GET,
)

# Below each of the prefixes, and below `/openai/deployments/{model}` as Azure's clients have it.
ENDPOINTS: Mapping[str, EndpointSpec] = {
    "/chat/completions": CHAT,
    "/completions": COMPLETIONS,
    "/embeddings": EMBEDDINGS,
    "/moderations": MODERATIONS,
    "/responses": RESPONSES,
    "/rerank": RERANK,
    "/images/generations": IMAGES,
    "/images/edits": IMAGE_EDITS,
    "/images/variations": IMAGE_VARIATIONS,
    "/audio/speech": SPEECH,
    "/audio/transcriptions": TRANSCRIPTIONS,
    "/audio/translations": TRANSLATIONS,
}
# Below each of the prefixes; `{id}` is a name of the provider's.
RESOURCES: Mapping[str, EndpointSpec] = {
    "/files": FILES,
    "/files/{id}": FILE,
    "/files/{id}/content": FILE_CONTENT,
    "/batches": BATCHES,
    "/batches/{id}": BATCH,
    "/batches/{id}/cancel": BATCH_CANCEL,
}
TUNNELS: Mapping[str, EndpointSpec] = {"/realtime": REALTIME}
# Azure's clients ask below `/openai` for what belongs to no deployment: models and moderations.
PREFIXES = ("/v1", "", "/openai/v1", "/openai")
DEPLOYMENTS = "/openai/deployments/"
# What has one place alone.
OTHERS: Mapping[str, EndpointSpec] = {
    "/v1/messages": MESSAGES,
    "/v1/messages/count_tokens": COUNT_TOKENS,
    "/v2/rerank": RERANK,
    "/api/chat": OLLAMA_CHAT,
    "/api/generate": OLLAMA_GENERATE,
    "/api/embed": OLLAMA_EMBED,
    "/api/embeddings": OLLAMA_EMBEDDINGS,
}
GEMINI_METHODS: Mapping[str, EndpointSpec] = {
    "generateContent": GENERATE,
    "streamGenerateContent": GENERATE_ARRAY,
    "countTokens": GEMINI_COUNT,
    "embedContent": GEMINI_EMBED,
    "batchEmbedContents": GEMINI_EMBED_ALL,
}
# Google's clients have the model and what is to be done in the path.
_GEMINI = re.compile(r"/v1(?:beta|alpha)?/models/(?P<model>[^:]+(?::[^:]+)*):(?P<method>\w+)")
_RESOURCE_PATH = re.compile(
    r"(?:/openai)?(?:/v1)?(?P<kind>/files|/batches)(?P<rest>/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]{1,128}(?P<verb>/[a-z]+)?)"
)

BY_PATH: Mapping[str, EndpointSpec] = {
    **{
        prefix + path: endpoint
        for prefix in PREFIXES
        for path, endpoint in {**ENDPOINTS, **TUNNELS, **RESOURCES}.items()
        if "{" not in path
    },
    **OTHERS,
}
_BY_TARGET: Mapping[bytes, Asked] = {path.encode(): Asked(endpoint) for path, endpoint in BY_PATH.items()}


def find_endpoint(target: bytes) -> Asked | None:
    """What the target of a request line names; None = no endpoint that is proxied.

    Raises:
        httptools.HttpParserInvalidURLError: The target is no URL.
        UnicodeDecodeError: Its path is not ASCII.
    """
    asked = _BY_TARGET.get(target)
    return asked if asked is not None else _find_by_path(target)


def is_google(headers: Container[str]) -> bool:
    """Say whether a client of Google's asks, which has paths in common with OpenAI's."""
    return "x-goog-api-client" in headers or "x-goog-api-key" in headers


def spoken_at(method: str, path: str, headers: Container[str]) -> EndpointSpec | None:
    """Whose errors a client expects where there is no endpoint; None = OpenAI's.

    Args:
        headers: Their names.
    """
    if path.startswith("/v1beta") or is_google(headers) or (method == "POST" and _GEMINI.fullmatch(path)):
        return GENERATE
    if path.startswith("/api/"):
        return OLLAMA_CHAT
    return MESSAGES if path.startswith("/v1/messages") or "anthropic-version" in headers else None


def _find_by_path(target: bytes) -> Asked | None:
    url = parse_url(target)
    path = unquote(url.path.decode("ascii"))
    query = url.query or b""
    endpoint = BY_PATH.get(path)
    if endpoint is not None:
        return Asked(endpoint, query=query)
    if path.startswith(DEPLOYMENTS):
        return _find_deployment(path[len(DEPLOYMENTS) :], query)
    return _find_resource(path, query) or _find_gemini(path, query)


def _find_deployment(rest: str, query: bytes) -> Asked | None:
    """Azure's path. The model may hold slashes, which clients escape."""
    for suffix, endpoint in ENDPOINTS.items():
        if rest.endswith(suffix):
            return Asked(endpoint, rest.removesuffix(suffix), query)
    return None


def _find_resource(path: str, query: bytes) -> Asked | None:
    found = _RESOURCE_PATH.fullmatch(path)
    endpoint = RESOURCES.get(f"{found['kind']}/{{id}}{found['verb'] or ''}") if found else None
    return None if found is None or endpoint is None else Asked(endpoint, query=query, path=found["rest"])


def _find_gemini(path: str, query: bytes) -> Asked | None:
    found = _GEMINI.fullmatch(path)
    endpoint = GEMINI_METHODS.get(found["method"]) if found else None
    if found is None or endpoint is None:
        return None
    if endpoint is GENERATE_ARRAY and ("alt", "sse") in parse_qsl(query.decode("latin-1")):
        endpoint = GENERATE_STREAM
    return Asked(endpoint, found["model"], query)
