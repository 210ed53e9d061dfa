"""What arrives, decoded: the bodies of the endpoints, as far as the simulator looks at them.

Turns bytes into structs or a `MalformedRequest`. Unknown members are ignored, as a vendor's newest ones would be;
nothing is fetched, whatever a body names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from proxy.core.errors import MalformedRequest

MAX_CHOICES = 128


class StreamOptions(Struct):
    include_usage: bool | None = None


class Head(Struct):
    """What every body may hold. `model` is absent where the path names it."""

    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @property
    def include_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class Generation(Head):
    n: int | None = None
    max_tokens: int | None = None
    stop: str | list[str] | None = None

    @property
    def choices(self) -> int:
        n = 1 if self.n is None else self.n
        if not 1 <= n <= MAX_CHOICES:
            raise MalformedRequest(f"n must be between 1 and {MAX_CHOICES}.", param="n")
        return n

    @property
    def limit_tokens(self) -> int | None:
        return _positive(self.max_tokens, "max_tokens")


class ChatRequest(Generation):
    messages: list[dict[str, Any]] | None = None
    max_completion_tokens: int | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None

    @property
    def limit_tokens(self) -> int | None:
        limit = _positive(self.max_completion_tokens, "max_completion_tokens")
        return _positive(self.max_tokens, "max_tokens") if limit is None else limit


class CompletionRequest(Generation):
    prompt: Any = None


class EmbeddingRequest(Head):
    input: Any = None
    encoding_format: str | None = None
    dimensions: int | None = None


class ModerationRequest(Head):
    input: Any = None


class Said(NamedTuple):
    """One message's content: its text and what else it carried, as words."""

    text: str
    media: tuple[str, ...]


Body = TypeVar("Body", bound=Head)


def decode(body: bytes, kind: type[Body]) -> Body:
    """Decode a request body.

    Raises:
        MalformedRequest: Not JSON, nested too deeply, or a member of the wrong type.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except RecursionError as exc:
        raise MalformedRequest("The request body is nested too deeply.") from exc
    except msgspec.ValidationError as exc:
        _, found, place = str(exc).rpartition("at `$.")
        raise MalformedRequest(str(exc), param=place.rstrip("`") if found else None) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise MalformedRequest("The request body is not valid JSON.") from exc


def said(message: dict[str, Any]) -> Said:
    """Return what a chat message says: its text parts joined, its other parts named."""
    content = message.get("content")
    if isinstance(content, str):
        return Said(content, ())
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
    return Said(" ".join(texts), tuple(_media(parts)))


def texts_of(value: object, param: str) -> list[str]:
    """Return the inputs of an embedding, moderation or completion: strings, or one string for each list of tokens.

    Raises:
        MalformedRequest: Empty, or neither text nor tokens.
    """
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value:
        if all(isinstance(item, int) for item in value):
            return [" ".join(map(str, value))]
        if all(isinstance(item, str) for item in value):
            return list(value)
        if all(isinstance(item, dict) for item in value):
            return [said({"content": value}).text]
        if all(isinstance(item, list) and item for item in value):
            return [" ".join(map(str, item)) for item in value]
    raise MalformedRequest(f"{param} must be a string, a list of strings or a list of tokens.", param=param)


def _media(parts: list[dict[str, Any]]) -> Iterator[str]:
    for part in parts:
        kind = part.get("type")
        if kind == "image_url":
            yield _image(part.get("image_url"))
        elif kind in ("input_audio", "file"):
            yield "audio" if kind == "input_audio" else "a file"


def _image(image: object) -> str:
    url = image.get("url") if isinstance(image, dict) else None
    if isinstance(url, str) and url.startswith("data:"):
        return f"an image of type {url[5:].partition(';')[0] or 'unknown'}"
    return "an image by its address"


def _positive(value: int | None, param: str) -> int | None:
    if value is not None and value < 1:
        raise MalformedRequest(f"{param} must be at least 1.", param=param)
    return value
