"""The JSON of Anthropic's Messages API: requests, answers, stream events. No logic.

One flat type stands for every content block and every delta: `type` says which members count. Blocks that are not
named here (server tools and their results) are carried raw. Unknown members are ignored.

Source: anthropic SDK 2.11.0 (types/message_create_params.py, types/*_block_param.py, types/message.py, types/usage.py,
types/raw_*_event.py), read 2026-11-20.
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType

from proxy.core.usage import Count

NULL = Raw(b"null")

# What both directions share.


class CacheControl(Struct, gc=False):
    type: str = "ephemeral"
    ttl: str | None = None


class Source(Struct, gc=False):
    """Of an image or a document; `content` is that of a document made of blocks."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: Raw | UnsetType = UNSET


class Block(Struct):
    type: str
    text: str | None = None
    source: Source | str | None = None  # a search result's is its URL
    title: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw | UnsetType = UNSET
    tool_use_id: str | None = None
    content: Raw | UnsetType = UNSET
    is_error: bool | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    cache_control: CacheControl | None = None
    # Members that only Anthropic understands: kept raw beside the part.
    citations: Raw | UnsetType = UNSET
    context: Raw | UnsetType = UNSET
    transformations: Raw | UnsetType = UNSET
    caller: Raw | UnsetType = UNSET
    toolset_name: Raw | UnsetType = UNSET


# Requests.


class Message(Struct):
    role: str
    content: Raw


class ToolHead(Struct):
    """A tool of the client's own has no type or "custom"; every other type is run or defined by Anthropic."""

    type: str | None = None
    name: str | None = None
    description: str | None = None
    input_schema: Raw | UnsetType = UNSET
    strict: bool | None = None
    cache_control: CacheControl | None = None
    allowed_callers: Raw | UnsetType = UNSET
    defer_loading: Raw | UnsetType = UNSET
    eager_input_streaming: Raw | UnsetType = UNSET
    input_examples: Raw | UnsetType = UNSET


class ToolChoice(Struct, gc=False):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Struct, gc=False):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


class OutputFormat(Struct, gc=False):
    type: str
    schema: Raw | UnsetType = UNSET


class OutputConfig(Struct, gc=False):
    effort: str | None = None
    format: OutputFormat | None = None


class Metadata(Struct, gc=False):
    user_id: str | None = None


class Request(Struct):
    messages: list[Message]
    system: Raw | UnsetType = UNSET
    max_tokens: int | None = None
    metadata: Metadata | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None
    service_tier: str | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    thinking: Thinking | None = None
    tool_choice: ToolChoice | None = None
    tools: list[Raw] | None = None
    top_k: int | None = None
    top_p: float | None = None


# Answers and stream events.


class CacheCreation(Struct, gc=False):
    ephemeral_1h_input_tokens: Count | None = None
    ephemeral_5m_input_tokens: Count | None = None


class OutputTokensDetails(Struct, gc=False):
    thinking_tokens: Count | None = None


class ServerToolUse(Struct, gc=False):
    web_search_requests: Count | None = None


class Iteration(Struct, gc=False):
    type: str = ""
    model: str | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None


class Usage(Struct):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputTokensDetails | None = None
    server_tool_use: ServerToolUse | None = None
    service_tier: str | None = None
    speed: str | None = None
    iterations: list[Iteration] | None = None


class StopDetails(Struct, gc=False):
    type: str = ""
    explanation: str | None = None


class Answer(Struct):
    content: Raw
    id: str = ""
    model: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: Raw = NULL


class Opening(Struct):
    """The message inside `message_start`."""

    id: str = ""
    model: str = ""
    usage: Raw = NULL


class Delta(Struct, gc=False):
    """Of a block, or in `message_delta` of the message."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    citation: Raw | UnsetType = UNSET
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class Event(Struct):
    type: str
    index: int = 0
    delta: Delta | None = None
    content_block: Raw | UnsetType = UNSET
    message: Opening | None = None
    usage: Raw = NULL


class TokenCount(Struct, gc=False):
    input_tokens: int
