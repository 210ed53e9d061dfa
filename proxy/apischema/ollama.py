"""The JSON of Ollama's native API: chat and embeddings.

What is not named here is ignored inside messages and answers. `None` stands for absent and for null alike.

Source: ollama 0.6.3 (Python) _types.py; github.com/ollama/ollama api/types.go (`id`, `index` and `tool_call_id`, which
the Python types lack), read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct

NULL = Raw(b"null")


class Function(Struct):
    name: str
    arguments: Raw = NULL


class ToolCall(Struct):
    function: Function
    id: str | None = None


class Message(Struct):
    role: str = ""
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


class ToolFunction(Struct):
    name: str
    description: str | None = None
    parameters: Raw = NULL


class Tool(Struct):
    function: ToolFunction | None = None


class Options(Struct):
    """Those that other vendors know too."""

    num_predict: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


class Request(Struct):
    messages: list[Message]
    model: str = ""
    tools: list[Tool] | None = None
    format: Raw = NULL
    options: Raw = NULL
    think: bool | str | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stream: bool | None = None


class PromptRequest(Struct):
    """Of `/api/generate`, as far as it differs from a chat."""

    prompt: str | None = None
    system: str | None = None
    images: list[str] | None = None
    suffix: str | None = None
    template: str | None = None
    context: list[int] | None = None
    raw: bool | None = None


class Answer(Struct):
    """A whole answer or a line of one."""

    model: str | None = None
    created_at: str | None = None
    message: Message | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: Raw = NULL
    eval_count: Raw = NULL
    logprobs: Raw = NULL
    error: Raw = NULL


class EmbedRequest(Struct):
    model: str = ""
    input: str | list[str] | None = None
    dimensions: int | None = None


class PromptEmbedRequest(Struct):
    """Of the older `/api/embeddings`."""

    model: str = ""
    prompt: str | None = None


class EmbedAnswer(Struct):
    embeddings: list[list[float]]
    prompt_eval_count: Raw = NULL


# OpenAI's embeddings, which these are translated to.


class OpenAiEmbedRequest(Struct):
    input: str | list[Any]  # texts, tokens or lists of tokens
    dimensions: int | None = None
