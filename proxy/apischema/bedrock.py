"""What Bedrock's Converse, ConverseStream and embedding models answer, as far as it is read.

Source: botocore 1.44.5 data/bedrock-runtime/2023-09-30/service-2.json (ConverseResponse, ConverseStreamOutput);
docs.aws.amazon.com model-parameters-titan-embed-text.html, model-parameters-embed-v3.html,
model-parameters-embed-v4.html, read 2026-11-20.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Raw, Struct, UnsetType, field

from proxy.core.usage import Count

NULL = Raw(b"null")


class CacheDetail(Struct):
    ttl: str | None = None
    inputTokens: Count | None = None


class TokenUsage(Struct):
    inputTokens: Count | None = None
    outputTokens: Count | None = None
    cacheReadInputTokens: Count | None = None
    cacheWriteInputTokens: Count | None = None
    cacheDetails: list[CacheDetail] | None = None


class ServiceTier(Struct):
    type: str = ""


class ReasoningText(Struct):
    text: str = ""
    signature: str | None = None


class ReasoningContent(Struct):
    reasoningText: ReasoningText | None = None
    redactedContent: str | None = None


class ToolUse(Struct):
    """`type`: "server_tool_use" where Bedrock runs the tool itself."""

    toolUseId: str
    name: str
    input: Raw | UnsetType = UNSET
    type: str | None = None


class BytesSource(Struct):
    bytes: str | None = None


class ImageBlock(Struct):
    format: str
    source: BytesSource | None = None


class CitedText(Struct):
    text: str | None = None


class CitationsContent(Struct):
    content: list[CitedText] | None = None
    citations: list[Raw] | None = None


class ContentBlock(Struct):
    """A union: one member is there."""

    text: str | None = None
    toolUse: ToolUse | None = None
    reasoningContent: ReasoningContent | None = None
    citationsContent: CitationsContent | None = None
    image: ImageBlock | None = None


class Message(Struct):
    content: list[ContentBlock]


class Output(Struct):
    message: Message


class StopDelta(Struct):
    stop_sequence: str | None = None


class ResponseFields(Struct):
    delta: StopDelta | None = None


class ConverseResponse(Struct):
    output: Output
    stopReason: str | None = None
    usage: Raw = NULL
    serviceTier: ServiceTier | None = None
    additionalModelResponseFields: ResponseFields | None = None


# The events of a stream: each frame's `:event-type` names one of these.


class BlockStart(Struct):
    toolUse: ToolUse | None = None
    image: ImageBlock | None = None


class ContentBlockStart(Struct):
    start: BlockStart
    contentBlockIndex: int


class ToolUseDelta(Struct):
    input: str = ""


class ReasoningDelta(Struct):
    text: str | None = None
    signature: str | None = None
    redactedContent: str | None = None


class ImageDelta(Struct):
    source: BytesSource | None = None


class BlockDelta(Struct):
    text: str | None = None
    toolUse: ToolUseDelta | None = None
    reasoningContent: ReasoningDelta | None = None
    citation: Raw | UnsetType = UNSET
    image: ImageDelta | None = None


class ContentBlockDelta(Struct):
    delta: BlockDelta
    contentBlockIndex: int


class ContentBlockStop(Struct):
    contentBlockIndex: int


class MessageStop(Struct):
    stopReason: str | None = None
    additionalModelResponseFields: ResponseFields | None = None


class Metadata(Struct):
    usage: Raw = NULL
    serviceTier: ServiceTier | None = None


class Fault(Struct):
    """An exception inside a stream; only `modelStreamErrorException` has the original's words."""

    message: str | None = None
    originalMessage: str | None = None


# What a client may write itself.


class GuardrailConfig(Struct, forbid_unknown_fields=True):
    guardrailIdentifier: str | UnsetType = UNSET
    guardrailVersion: str | UnsetType = UNSET
    trace: Literal["enabled", "disabled", "enabled_full"] | UnsetType = UNSET
    streamProcessingMode: Literal["sync", "async"] | UnsetType = UNSET


class PerformanceConfig(Struct, forbid_unknown_fields=True):
    latency: Literal["standard", "optimized"]


# Embeddings.


class FloatEmbeddings(Struct):
    vectors: list[list[float]] = field(name="float")


class TitanEmbedding(Struct):
    embedding: list[float]
    inputTextTokenCount: Raw = NULL


class CohereEmbeddings(Struct):
    """By type where the request named the types, else a bare list."""

    embeddings: FloatEmbeddings | list[list[float]]
