"""The JSON of OpenAI Responses: requests, answers and stream events.

Items, parts and events are one class each whose `type` says which members count; what is not named here is ignored.
`None` stands for absent and for null alike.

Source: OpenAI Python SDK 3.51.0, types/responses, read 2026-11-20.
"""

from __future__ import annotations

from msgspec import Raw, Struct

from proxy.apischema.charged import Charged
from proxy.core.usage import Count

NULL = Raw(b"null")


class Breakpoint(Struct):
    ttl: str | None = None


class InputAudio(Struct):
    data: str
    format: str = ""


class Part(Struct):
    """Of a message, of a tool's output, of reasoning."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: InputAudio | None = None
    annotations: list[Raw] | None = None
    logprobs: Raw = NULL
    prompt_cache_breakpoint: Breakpoint | None = None


class Kind(Struct):
    """What is read of an item first: of a type that is not known here nothing else is. None = a message."""

    type: str | None = None


class Item(Struct):
    """Of the input or of the output, of a type that is known here."""

    type: str | None = None
    id: str | None = None
    role: str | None = None
    content: str | list[Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    output: str | list[Part] | None = None
    summary: list[Part] | None = None
    encrypted_content: str | None = None
    result: str | None = None
    output_format: str | None = None
    namespace: str | None = None
    phase: str | None = None


class Tool(Struct):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: Raw = NULL
    strict: bool | None = None
    format: Raw = NULL
    allowed_callers: Raw = NULL
    defer_loading: Raw = NULL
    output_schema: Raw = NULL


class Namespace(Struct):
    """A group of tools. Read of any tool, so that those of other types have neither name nor tools."""

    type: str
    name: str = ""
    tools: list[Tool] = []


class ToolChoice(Struct):
    type: str
    name: str | None = None
    mode: str = "auto"
    tools: list[ToolChoice] = []


class Format(Struct):
    type: str
    name: str = ""
    description: str | None = None
    schema: Raw = NULL
    strict: bool | None = None


class TextConfig(Struct):
    format: Format | None = None
    verbosity: str | None = None


class Reasoning(Struct):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class Grammar(Struct):
    """Of a custom tool: flat here, one level deeper in chat."""

    type: str
    syntax: str | None = None
    definition: str | None = None


class ChatGrammar(Struct):
    type: str
    grammar: Raw = NULL


class Request(Struct):
    input: Raw = NULL
    model: str = ""
    instructions: str | None = None
    tools: list[Tool] | None = None
    tool_choice: str | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    include: list[str] | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    store: bool | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: Raw = NULL
    prompt: Raw = NULL
    stream: bool | None = None
    stream_options: Raw = NULL


# Answers and events.


class InputDetails(Struct):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None


class OutputDetails(Struct):
    reasoning_tokens: Count | None = None


class Usage(Charged):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class IncompleteDetails(Struct):
    reason: str | None = None


class Response(Struct):
    id: str | None = None
    model: str | None = None
    created_at: float | None = None
    status: str | None = None
    incomplete_details: IncompleteDetails | None = None
    service_tier: str | None = None
    usage: Raw = NULL
    error: Raw = NULL


class Answer(Response):
    output: list[Raw] | None = None


class Event(Struct):
    type: str = ""
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    delta: str | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    input: str | None = None
    item: Raw = NULL
    annotation: Raw = NULL
    logprobs: Raw = NULL
    response: Response | None = None
    error: Raw = NULL
    code: str | int | None = None
    message: str | None = None
    param: str | None = None


# Chat's web search, where it is to be written as a tool of Responses.


class ChatLocation(Struct):
    approximate: dict[str, str] | None = None


class ChatSearch(Struct):
    search_context_size: str | None = None
    user_location: ChatLocation | None = None
