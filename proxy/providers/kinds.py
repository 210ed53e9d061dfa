"""Vendor kinds as table rows: where a vendor's API lies, how it is called and what it refuses.

Values only; `adapter` builds requests from them, `signals` judges errors by them, `settings` fills providers from
them. A row never holds a secret or anything an operator configures.

To add a vendor that speaks the OpenAI dialect, add one row here: see `docs/how-to/add-a-vendor.md`.

Source: each vendor's SDK and API reference, read 2026-11-20, unless a row says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from proxy.core.call import Dialect, Operation
from proxy.core.snapshot import Timeouts
from proxy.credentials.header import HeaderScheme
from proxy.providers import steering
from proxy.providers.apis import (
    ANTHROPIC,
    BEDROCK,
    COHERE,
    GEMINI,
    NO_PATHS,
    OLD_LIMIT,
    OLLAMA,
    PASSED_PATHS,
    QWEN_RERANK,
    RESPONSES,
    VERTEX_CLAUDE,
    VERTEX_GEMINI,
    Api,
    passing,
    responses,
    under,
)
from proxy.providers.signal import Signal
from proxy.providers.signalrows import dashscope, google, hosted, local, native, openai, openrouter, xai

CHAT_PATHS: Mapping[Operation, str] = MappingProxyType({Operation.CHAT: "/chat/completions"})
TEXT_PATHS: Mapping[Operation, str] = MappingProxyType({**CHAT_PATHS, Operation.COMPLETIONS: "/completions"})
EMBEDDING_PATHS: Mapping[Operation, str] = MappingProxyType({**CHAT_PATHS, Operation.EMBEDDINGS: "/embeddings"})
MODEL_PATHS: Mapping[Operation, str] = MappingProxyType({**TEXT_PATHS, Operation.EMBEDDINGS: "/embeddings"})
ALL_PATHS: Mapping[Operation, str] = MappingProxyType({**MODEL_PATHS, Operation.MODERATIONS: "/moderations"})

# An upstream of the second dialect understands most of what a client of the first one asks for.
_NEAREST: Mapping[Dialect, Dialect] = MappingProxyType({Dialect.OLLAMA_PROMPT: Dialect.OLLAMA})
TRANSLATED = frozenset({Operation.CHAT, Operation.EMBEDDINGS, Operation.RERANK})

_RERANK, _REALTIME = Operation.RERANK, Operation.REALTIME
_SPEECH, _HEARING = Operation.SPEECH, (Operation.TRANSCRIPTIONS, Operation.TRANSLATIONS)
_STORED = (Operation.FILES, Operation.BATCHES)
# Of Azure, below a deployment's path where it has an API version.
_DEPLOYED = (Operation.IMAGES, Operation.IMAGE_EDITS, _SPEECH, *_HEARING)
_ALL_PASSED = tuple(PASSED_PATHS)


def _azure_versioned() -> Mapping[Operation, str]:
    """Azure's paths where they carry an API version. Source: openai 3.51.0 lib/azure.py, read 2026-11-20."""
    deployed = {operation: PASSED_PATHS[operation] for operation in _DEPLOYED}
    stored = {operation: "/openai" + PASSED_PATHS[operation] for operation in _STORED}
    tunnel = {_REALTIME: "/openai/realtime?deployment={deployment}"}
    below = under("/openai/deployments/{deployment}", {**MODEL_PATHS, **deployed})
    return MappingProxyType({**below, **stored, **tunnel})


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A vendor preset.

    Attributes:
        apis: The dialects it speaks, the preferred one first. Filled from `dialect` and `paths` where it is empty.
        dialect: Of `paths`.
        base_url: Scheme, host and path prefix, no trailing slash; None = the configuration must give it.
        env: Variables that hold its key, the first that is set wins; for discovery.
        base_url_env: The same for its base URL.
        auth: How it takes a key; a provider without credentials sends none.
        paths: What follows the base URL, per operation, in the preferred dialect.
        also: Other dialects that it speaks as well.
        versioned_paths: The same where the provider has an `api_version`; `{deployment}` stands for the deployment.
        trim: Ends of a configured base URL that `paths` holds already, longest first.
        rejects: Top-level request members that it refuses.
        steers: Top-level request members that would have other models serve than its key may: never sent.
        any_case: It may take a request member by its name in any case, as servers in Go do; of several the last counts.
        renames: Top-level request members that it knows under another name.
        stream_usage: `stream_options.include_usage` may be added to a stream request.
        extensions: Members beside OpenAI's own that it takes, sent when a request is said in its dialect; and
            "allowed_tools" and "system_messages" (between the turns), where it takes what not all of its dialect do.
        forwards: Client headers passed on to it, beside those that every kind gets; lower case.
        limits_by_account: Its rate limits count for all keys of an account together.
        body_limit_bytes: The largest request it takes, where known.
        timeouts: Where the general ones do not suit it.
        believed_cost: A cost that it reports may be booked.
        catalog: Whose prices in the catalogue are its own; None = it has none there.
        signals: What its errors mean, first match first.
        operations: What it serves.
    """

    name: str
    dialect: Dialect = Dialect.OPENAI_CHAT
    base_url: str | None = None
    env: tuple[str, ...] = ()
    base_url_env: tuple[str, ...] = ()
    credentials_required: bool = True
    auth: HeaderScheme = HeaderScheme.BEARER
    paths: Mapping[Operation, str] = field(default_factory=lambda: CHAT_PATHS)
    apis: tuple[Api, ...] = ()
    also: tuple[Api, ...] = ()
    versioned_paths: Mapping[Operation, str] = field(default_factory=lambda: NO_PATHS)
    trim: tuple[str, ...] = ()
    rejects: frozenset[str] = frozenset()
    steers: frozenset[str] = frozenset()
    any_case: bool = False
    renames: Mapping[str, str] = field(default_factory=dict)
    stream_usage: bool = True
    extensions: frozenset[str] = frozenset()
    forwards: frozenset[bytes] = frozenset()
    limits_by_account: bool = False
    body_limit_bytes: int | None = None
    timeouts: Timeouts | None = None
    believed_cost: bool = False
    catalog: str | None = None
    signals: tuple[Signal, ...] = ()
    operations: frozenset[Operation] = field(init=False)

    def __post_init__(self) -> None:
        apis = (*(self.apis or (Api(self.dialect, self.paths),)), *self.also)
        object.__setattr__(self, "apis", apis)
        object.__setattr__(self, "dialect", apis[0].dialect)
        object.__setattr__(self, "paths", apis[0].paths)
        object.__setattr__(self, "operations", frozenset(operation for api in apis for operation in api.paths))

    def api(self, operation: Operation, dialect: Dialect, model: str) -> Api | None:
        """Choose how an upstream model is asked: in the client's dialect where that is spoken, else the first way.

        A dialect that no upstream speaks counts as the one it is nearest to. A way that is for a family's models alone
        is the only one to them.

        Returns:
            None where it cannot be asked: nothing but `TRANSLATED` operations can be said in another dialect.
        """
        able = [api for api in self.apis if api.serves(operation, model)]
        dialect = _NEAREST.get(dialect, dialect)
        if any(model.startswith(api.models) for api in self.apis if api.models):
            able = [api for api in able if api.models]
        other = able[0] if able and operation in TRANSLATED else None
        return next((api for api in able if api.dialect is dialect), other)


_OPENAI_BETA = frozenset({b"openai-beta"})
_ANTHROPIC = frozenset({b"anthropic-version", b"anthropic-beta"})

_KINDS = (
    Kind(
        "openai",
        base_url="https://api.openai.com/v1",
        env=("OPENAI_API_KEY",),
        base_url_env=("OPENAI_BASE_URL",),
        paths=ALL_PATHS,
        also=(RESPONSES, passing(*(operation for operation in _ALL_PASSED if operation is not _RERANK))),
        forwards=_OPENAI_BETA,
        catalog="openai",
        extensions=frozenset({"allowed_tools", "system_messages"}),
        signals=openai.OPENAI,
    ),
    # The base URL is the resource's endpoint. With `api_version` the deployments API, else `/openai/v1`, where the
    # model is the deployment's name.
    Kind(
        "azure",
        env=("AZURE_OPENAI_API_KEY",),
        base_url_env=("AZURE_OPENAI_ENDPOINT",),
        auth=HeaderScheme.API_KEY,
        paths=under("/openai/v1", MODEL_PATHS),
        versioned_paths=_azure_versioned(),
        also=(responses("/openai/v1"), passing(*_DEPLOYED, *_STORED, _REALTIME, prefix="/openai/v1")),
        trim=("/openai/v1", "/openai"),
        forwards=_OPENAI_BETA,
        catalog="azure",
        extensions=frozenset({"allowed_tools", "system_messages"}),
        signals=openai.AZURE,
    ),
    Kind(
        "openrouter",
        base_url="https://openrouter.ai/api/v1",
        env=("OPENROUTER_API_KEY",),
        paths=MODEL_PATHS,
        believed_cost=True,
        catalog="openrouter",
        also=(RESPONSES, passing(_RERANK)),
        steers=steering.OPENROUTER,
        extensions=frozenset({"cache_control", "images", "reasoning", "reasoning_details", "top_k"}),
        signals=openrouter.OPENROUTER,
    ),
    Kind(
        "fireworks",
        base_url="https://api.fireworks.ai/inference/v1",
        env=("FIREWORKS_API_KEY",),
        paths=MODEL_PATHS,
        catalog="fireworks",
        extensions=frozenset({"reasoning_content", "top_k"}),
        signals=hosted.FIREWORKS,
    ),
    # A key works only on the host of its own region and billing plan. All by `base_url`, each followed by
    # `/compatible-mode/v1`: https://dashscope.aliyuncs.com (Beijing), https://dashscope-intl.aliyuncs.com (Singapore),
    # https://dashscope-us.aliyuncs.com (Virginia), https://cn-hongkong.dashscope.aliyuncs.com, or a workspace's own
    # https://{workspace}.{region}.maas.aliyuncs.com.
    Kind(
        "qwen",
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        env=("DASHSCOPE_API_KEY",),
        paths=MODEL_PATHS,
        also=(QWEN_RERANK,),
        limits_by_account=True,
        extensions=frozenset({"reasoning_content", "top_k"}),
        signals=dashscope.DASHSCOPE,
    ),
    # Source: https://console.groq.com/docs/openai (refused fields, no text completions), read 2026-11-20.
    Kind(
        "groq",
        base_url="https://api.groq.com/openai/v1",
        env=("GROQ_API_KEY",),
        rejects=frozenset({"logprobs", "logit_bias", "top_logprobs"}),
        limits_by_account=True,
        catalog="groq",
        also=(RESPONSES, passing(_SPEECH, *_HEARING, *_STORED)),
        signals=hosted.GROQ,
    ),
    # It refuses every member it does not know (422), so OpenAI's hints are left out here.
    # Source: github.com/mistralai/client-python models/chatcompletionrequest.py, read 2026-11-20.
    Kind(
        "mistral",
        base_url="https://api.mistral.ai/v1",
        env=("MISTRAL_API_KEY",),
        paths=EMBEDDING_PATHS,
        also=(passing(Operation.TRANSCRIPTIONS, Operation.FILES),),
        rejects=frozenset(
            {
                "logit_bias",
                "logprobs",
                "prompt_cache_retention",
                "safety_identifier",
                "service_tier",
                "store",
                "stream_options",
                "top_logprobs",
                "user",
                "verbosity",
            }
        ),
        renames=MappingProxyType({"seed": "random_seed", **OLD_LIMIT}),
        extensions=frozenset({"nine_letter_ids"}),
        stream_usage=False,
        limits_by_account=True,
        catalog="mistral",
        signals=hosted.MISTRAL,
    ),
    Kind(
        "deepseek",
        base_url="https://api.deepseek.com",
        env=("DEEPSEEK_API_KEY",),
        base_url_env=("DEEPSEEK_BASE_URL",),
        renames=OLD_LIMIT,
        catalog="deepseek",
        extensions=frozenset({"every_thought", "reasoning_content", "thinking_switch"}),
        signals=hosted.DEEPSEEK,
    ),
    Kind(
        "xai",
        base_url="https://api.x.ai/v1",
        env=("XAI_API_KEY",),
        paths=TEXT_PATHS,
        believed_cost=True,
        catalog="x-ai",
        also=(RESPONSES, passing(Operation.IMAGES, _REALTIME)),
        signals=xai.XAI,
    ),
    Kind(
        "together",
        base_url="https://api.together.ai/v1",
        env=("TOGETHER_API_KEY",),
        base_url_env=("TOGETHER_BASE_URL",),
        paths=MODEL_PATHS,
        renames=OLD_LIMIT,
        also=(passing(_RERANK, Operation.IMAGES, _SPEECH, *_HEARING),),
        catalog="together",
        extensions=frozenset({"top_k"}),
        signals=hosted.TOGETHER,
    ),
    Kind(
        "vllm",
        base_url="http://127.0.0.1:8000/v1",
        credentials_required=False,
        paths=MODEL_PATHS,
        also=(RESPONSES, passing(_RERANK, *_HEARING, _REALTIME)),
        extensions=frozenset({"top_k"}),
        signals=local.VLLM,
    ),
    # A cold model may load for minutes before the first byte.
    Kind(
        "ollama",
        base_url="http://127.0.0.1:11434/v1",
        env=("OLLAMA_API_KEY",),
        credentials_required=False,
        paths=under("/v1", MODEL_PATHS),
        also=(responses("/v1"), OLLAMA),
        trim=("/v1", "/api"),
        renames=OLD_LIMIT,
        any_case=True,  # Source: https://github.com/golang/go/issues/43664, read 2026-11-21.
        timeouts=Timeouts(headers_s=300.0, first_output_s=300.0, response_s=600.0),
        signals=local.OLLAMA,
    ),
    Kind(
        "openai_compatible",
        credentials_required=False,
        paths=ALL_PATHS,
        forwards=_OPENAI_BETA,
        also=(RESPONSES, passing(*_ALL_PASSED)),
        steers=steering.GATEWAYS,
        any_case=True,
        signals=openai.OPENAI,
    ),
    Kind(
        "simulator",
        credentials_required=False,
        paths=ALL_PATHS,
        forwards=_OPENAI_BETA,
        also=(RESPONSES, passing(_RERANK, Operation.IMAGES, _SPEECH, Operation.TRANSCRIPTIONS)),
        signals=openai.OPENAI,
    ),
    Kind(
        "anthropic",
        base_url="https://api.anthropic.com",
        env=("ANTHROPIC_API_KEY",),
        base_url_env=("ANTHROPIC_BASE_URL",),
        auth=HeaderScheme.X_API_KEY,
        apis=(ANTHROPIC,),
        trim=("/v1",),
        forwards=_ANTHROPIC,
        steers=steering.CLAUDE,
        body_limit_bytes=32_000_000,
        catalog="anthropic",
        signals=native.ANTHROPIC,
    ),
    Kind(
        "gemini",
        base_url="https://generativelanguage.googleapis.com",
        env=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        auth=HeaderScheme.X_GOOG_API_KEY,
        apis=(GEMINI,),
        trim=("/v1beta", "/v1"),
        limits_by_account=True,
        catalog="google",
        signals=google.GEMINI,
    ),
    # Tokens of an hour, made from a service account or the surroundings.
    Kind(
        "vertex",
        credentials_required=False,
        apis=(VERTEX_CLAUDE, VERTEX_GEMINI),
        trim=("/v1",),
        forwards=_ANTHROPIC,
        steers=steering.CLAUDE,
        catalog="google",
        signals=google.VERTEX,
    ),
    Kind(
        "bedrock",
        env=("AWS_BEARER_TOKEN_BEDROCK",),
        credentials_required=False,
        apis=(BEDROCK,),
        catalog="aws",
        signals=native.BEDROCK,
    ),
    Kind(
        "cohere",
        base_url="https://api.cohere.com",
        env=("CO_API_KEY", "COHERE_API_KEY"),
        apis=(COHERE,),
        trim=("/v2", "/v1"),
        catalog="cohere",
        signals=native.COHERE,
    ),
    Kind(
        "perplexity",
        base_url="https://api.perplexity.ai/v1",
        env=("PERPLEXITY_API_KEY",),
        apis=(RESPONSES,),
        believed_cost=True,
        steers=steering.PERPLEXITY,
        catalog="perplexity",
        signals=native.PERPLEXITY,
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _KINDS})
