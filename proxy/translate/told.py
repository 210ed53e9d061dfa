"""From a whole answer to the parts of the stream that would have told it.

For a client that asked for a stream and an upstream that answered at once. Knows no dialect; what has no part in a
stream (documents, results of tools) no model says.
"""

from __future__ import annotations

from collections.abc import Iterator

from proxy.core.conversation import Answer, Audio, Choice, Image, Native, Part, Refusal, Text, Thinking, ToolCall
from proxy.core.streamparts import (
    Began,
    Counted,
    Finished,
    RefusalDelta,
    StreamPart,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolBegan,
    ToolDelta,
    Whole,
)


def told(answer: Answer) -> list[StreamPart]:
    """Tell an answer in parts, each of its own in one piece."""
    parts: list[StreamPart] = [Began(answer.id, answer.model, answer.usage)]
    for choice in answer.choices:
        parts.extend(_choice(choice))
    return parts if answer.usage is None else [*parts, Counted(answer.usage)]


def _choice(choice: Choice) -> Iterator[StreamPart]:
    calls, logprobs = 0, choice.logprobs
    for part in choice.parts:
        if isinstance(part, ToolCall):
            yield ToolBegan(calls, part.id, part.name, choice.index, part.signature, part.custom)
            yield ToolDelta(calls, part.arguments, choice.index)
            calls += 1
        elif isinstance(part, Text):
            yield TextDelta(part.text, choice.index, part.signature, logprobs)
            logprobs = None  # they are those of all its text
        else:
            yield from _other(part, choice.index)
    yield Finished(choice.finish, choice.index, choice.stop_sequence)


def _other(part: Part, choice: int) -> Iterator[StreamPart]:
    match part:
        case Thinking(text=text, signature=signature, redacted=redacted):
            if text:
                yield ThinkingDelta(text, choice)
            if signature is not None:
                yield ThinkingSigned(signature, choice, redacted)
        case Refusal(text=text):
            yield RefusalDelta(text, choice)
        case Image() | Audio() | Native():
            yield Whole(part, choice)
        case _:
            pass
