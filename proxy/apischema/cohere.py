"""What Cohere's v2 API answers, as far as it is read, and what a client may write for it.

Source: cohere 7.3.1 v2/types/, types/ (V2ChatResponse, V2ChatStreamResponse, EmbedByTypeResponse, V2RerankResponse),
read 2026-11-20.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from proxy.core.usage import Count

NULL = Raw(b"null")


class Tokens(Struct):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    search_units: Count | None = None


class Usage(Struct):
    """Of a chat; the `meta` of what has no output is the same."""

    billed_units: Tokens | None = None
    tokens: Tokens | None = None
    cached_tokens: Count | None = None


class Function(Struct):
    name: str | None = None
    arguments: str | None = None


class ToolCall(Struct):
    id: str = ""
    function: Function | None = None


class Content(Struct):
    """`text` or `thinking`, whichever its type is."""

    text: str | None = None
    thinking: str | None = None


class Logprob(Struct):
    text: str | None = None
    logprobs: list[float] | None = None


class Message(Struct):
    content: list[Content] | None = None
    tool_plan: str | None = None
    tool_calls: list[ToolCall] | None = None
    citations: list[Raw] | None = None


class ChatResponse(Struct):
    message: Message
    id: str = ""
    finish_reason: str | None = None
    usage: Raw = NULL
    logprobs: list[Logprob] | None = None


# The events of a stream: `type` says which members are there.


class MessageDelta(Struct):
    """Whole messages have lists where the pieces of a stream have one item."""

    content: Content | list[Raw] | None = None
    tool_plan: str | None = None
    tool_calls: ToolCall | list[Raw] | None = None
    citations: Raw | UnsetType = UNSET


class Delta(Struct):
    message: MessageDelta | None = None
    finish_reason: str | None = None
    usage: Raw = NULL
    error: str | None = None


class Event(Struct):
    type: str = ""
    id: str | None = None
    index: int = 0
    delta: Delta | None = None
    logprobs: Logprob | None = None
    message: Raw | UnsetType = UNSET  # of an error that is no event


# Embeddings and reranking.


class Vectors(Struct):
    vectors: list[list[float]] = field(name="float")


class EmbedResponse(Struct):
    embeddings: Vectors
    meta: Raw = NULL


class Ranked(Struct):
    index: Annotated[int, Meta(ge=0)]
    relevance_score: float


class RerankResponse(Struct):
    results: list[Ranked]
    id: str = ""
    meta: Raw = NULL


# What a client may write itself.


class WrittenDocument(Struct, forbid_unknown_fields=True):
    data: dict[str, Any]
    id: str | UnsetType = UNSET


class CitationOptions(Struct, forbid_unknown_fields=True):
    mode: str


SafetyMode = Literal["CONTEXTUAL", "STRICT", "OFF"]


class RerankRequest(Struct):
    """As clients send it: Cohere's v1 and v2, and Jina's, which differ in what a document may be."""

    query: str
    documents: list[str | dict[str, Any]]
    top_n: Annotated[int, Meta(ge=1)] | None = None
    return_documents: bool | None = None
    rank_fields: list[str] | None = None
    max_tokens_per_doc: Annotated[int, Meta(ge=1)] | None = None
