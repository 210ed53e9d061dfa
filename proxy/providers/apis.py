"""Ways a vendor's API is spoken to: a dialect and where each operation lies. Rows of `kinds` are composed of these.

Values only. `{model}`, `{project}`, `{location}` and `{deployment}` in a path stand for what a provider and a candidate
say, percent-encoded, `{method}` for what Google calls the embedding of a model.

Source: each vendor's SDK, read 2026-11-20: anthropic 2.11.0, google-genai 3.4.0 (_api_client.py), botocore 1.44.5
(bedrock-runtime service model), cohere 7.3.1, ollama 0.6.3, openai 3.51.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from msgspec import Raw

from proxy.core.call import Dialect, Operation

NO_PATHS: Mapping[Operation, str] = MappingProxyType({})
NO_MEMBERS: Mapping[str, Raw] = MappingProxyType({})
# Of vendors that pass over the newer name without a word, so that an answer is as long as the model likes.
# Source: github.com/ollama/ollama openai/openai.go; together 3.1.1 types/chat/completion_create_params.py;
# github.com/earendil-works/pi/issues/8018 (DeepSeek, asked live), read 2026-11-21.
OLD_LIMIT: Mapping[str, str] = MappingProxyType({"max_completion_tokens": "max_tokens"})


@dataclass(frozen=True, slots=True, eq=False)
class Api:
    """One dialect of a vendor.

    Attributes:
        paths: What follows the base URL, per operation.
        stream_paths: The same for a stream, where it lies elsewhere.
        host: Where a family's models are served, as in `core.translation.Target`.
        models: How the upstream names begin that it serves, and that no other of its kind does; empty = all others.
        model_in_body: The body names the model; else the path alone does.
        named_in_body: Operations whose body names it all the same, since their path does not.
        adds: Members that every body has.
        trim: Ends of a base URL that are not in front of these paths.
        forwards: Client headers passed on in its dialect, instead of those of its kind; None = those.
    """

    dialect: Dialect
    paths: Mapping[Operation, str]
    stream_paths: Mapping[Operation, str] = field(default_factory=lambda: NO_PATHS)
    host: str = ""
    models: tuple[str, ...] = ()
    model_in_body: bool = True
    named_in_body: frozenset[Operation] = frozenset()
    adds: Mapping[str, Raw] = field(default_factory=lambda: NO_MEMBERS)
    trim: tuple[str, ...] = ()
    forwards: frozenset[bytes] | None = None

    def serves(self, operation: Operation, model: str) -> bool:
        return operation in self.paths and (not self.models or model.startswith(self.models))

    def names_model(self, operation: Operation) -> bool:
        return self.model_in_body or operation in self.named_in_body

    def path(self, operation: Operation, *, stream: bool) -> str:
        paths = self.stream_paths if stream and operation in self.stream_paths else self.paths
        return paths[operation]


RESPONSES = Api(Dialect.OPENAI_RESPONSES, {Operation.CHAT: "/responses"})


def under(prefix: str, paths: Mapping[Operation, str]) -> Mapping[Operation, str]:
    """Put a prefix before each path."""
    return MappingProxyType({operation: prefix + path for operation, path in paths.items()})


def responses(prefix: str) -> Api:
    """Give OpenAI Responses below a prefix."""
    return replace(RESPONSES, paths=under(prefix, RESPONSES.paths))


ANTHROPIC = Api(
    Dialect.ANTHROPIC,
    {Operation.CHAT: "/v1/messages", Operation.COUNT_TOKENS: "/v1/messages/count_tokens"},
)


def _google(prefix: str) -> Api:
    return Api(
        Dialect.GEMINI,
        {
            Operation.CHAT: prefix + "/models/{model}:generateContent",
            Operation.COUNT_TOKENS: prefix + "/models/{model}:countTokens",
            Operation.EMBEDDINGS: prefix + "/models/{model}:{method}",
        },
        {Operation.CHAT: prefix + "/models/{model}:streamGenerateContent?alt=sse"},
        host="" if prefix == "/v1beta" else "vertex",
        model_in_body=False,
        forwards=frozenset(),
    )


GEMINI = _google("/v1beta")
VERTEX_GEMINI = _google("/v1/projects/{project}/locations/{location}/publishers/google")

_PUBLISHED = "/v1/projects/{project}/locations/{location}/publishers/anthropic/models"
VERTEX_CLAUDE = Api(
    Dialect.ANTHROPIC,
    {
        Operation.CHAT: _PUBLISHED + "/{model}:rawPredict",
        Operation.COUNT_TOKENS: _PUBLISHED + "/count-tokens:rawPredict",
    },
    {Operation.CHAT: _PUBLISHED + "/{model}:streamRawPredict"},
    host="vertex",
    models=("claude",),
    model_in_body=False,
    named_in_body=frozenset({Operation.COUNT_TOKENS}),
    adds=MappingProxyType({"anthropic_version": Raw(b'"vertex-2023-10-16"')}),
)
BEDROCK = Api(
    Dialect.BEDROCK,
    {Operation.CHAT: "/model/{model}/converse", Operation.EMBEDDINGS: "/model/{model}/invoke"},
    {Operation.CHAT: "/model/{model}/converse-stream"},
    host="bedrock",
    model_in_body=False,
)
OLLAMA = Api(Dialect.OLLAMA, {Operation.CHAT: "/api/chat", Operation.EMBEDDINGS: "/api/embed"})
COHERE = Api(
    Dialect.COHERE,
    {Operation.CHAT: "/v2/chat", Operation.EMBEDDINGS: "/v2/embed", Operation.RERANK: "/v2/rerank"},
)

# What passes as it came. `{model}` of a WebSocket stands in its query: it has no body to name one.
PASSED_PATHS: Mapping[Operation, str] = MappingProxyType(
    {
        Operation.RERANK: "/rerank",
        Operation.IMAGES: "/images/generations",
        Operation.IMAGE_EDITS: "/images/edits",
        Operation.IMAGE_VARIATIONS: "/images/variations",
        Operation.SPEECH: "/audio/speech",
        Operation.TRANSCRIPTIONS: "/audio/transcriptions",
        Operation.TRANSLATIONS: "/audio/translations",
        Operation.FILES: "/files",
        Operation.BATCHES: "/batches",
        Operation.REALTIME: "/realtime?model={model}",
    }
)


def passing(*operations: Operation, prefix: str = "") -> Api:
    """What of it a vendor has, on OpenAI's paths."""
    return Api(Dialect.PASSED, {operation: prefix + PASSED_PATHS[operation] for operation in operations})


# Source: alibabacloud.com/help/en/model-studio/rerank (compatible-api), read 2026-11-20.
QWEN_RERANK = Api(Dialect.PASSED, {Operation.RERANK: "/compatible-api/v1/reranks"}, trim=("/compatible-mode/v1",))
