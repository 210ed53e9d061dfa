"""What the tests ask for with the Python SDK, and how they put a stream together again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from openai.types.chat import (
    ChatCompletionChunk,
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageParam,
)
from pydantic import BaseModel

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
USE_ALL_TOOLS: list[ChatCompletionMessageParam] = [{"role": "user", "content": "use all tools"}]

# One token that is no ASCII, so that answers hold some.
CITY = "Zürich ☃ 東京 🛳"
ARGUMENTS = {"city": CITY, "days": 1}
TOOLS: list[ChatCompletionFunctionToolParam] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"Tells the {name.removeprefix('get_')} of a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "enum": [CITY]}, "days": {"type": "integer", "minimum": 1}},
                "required": ["city", "days"],
                "additionalProperties": False,
            },
            "strict": True,
        },
    }
    for name in ("get_weather", "get_climate")
]


class Leg(BaseModel):
    port: Literal["Zürich ☃ 東京 🛳"]
    miles: float
    stops: list[str]


class Voyage(BaseModel):
    ship: str
    is_done: bool
    legs: list[Leg]
    remark: str | None


def text_of(chunks: Iterable[ChatCompletionChunk], choice: int = 0) -> str:
    """All that one choice of a stream said."""
    return "".join(
        part.delta.content or "" for chunk in chunks for part in chunk.choices if part.index == choice and part.delta
    )


def finishes(chunks: Iterable[ChatCompletionChunk]) -> list[str]:
    return [part.finish_reason for chunk in chunks for part in chunk.choices if part.finish_reason]
