"""Short ways to write the messages of a conversation, and the conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Raw

from proxy.core.conversation import (
    Conversation,
    FunctionTool,
    JsonFormat,
    Message,
    Params,
    Part,
    Reasoning,
    Role,
    Text,
    Tool,
    ToolChoice,
    Vendor,
)

TOOL = FunctionTool("look_up", "Looks a word up.", Raw(b'{"type":"object","properties":{"word":{"type":"string"}}}'))


def user(*parts: Part | str) -> Message:
    return Message(Role.USER, _parts(parts))


def assistant(*parts: Part | str) -> Message:
    return Message(Role.ASSISTANT, _parts(parts))


def system(*parts: Part | str, role: Role = Role.SYSTEM) -> Message:
    return Message(role, _parts(parts))


def _parts(parts: tuple[Part | str, ...]) -> tuple[Part, ...]:
    return tuple(Text(part) if isinstance(part, str) else part for part in parts)


def talk(
    *messages: Message,
    tools: Sequence[Tool] = (),
    tool_choice: ToolChoice | None = None,
    format_: JsonFormat | None = None,
    reasoning: Reasoning = Reasoning(),  # noqa: B008 - frozen
    rest: dict[str, bytes] | None = None,
    vendor: Vendor = Vendor.OPENAI,
    stream: bool = False,
    **params: Any,  # noqa: ANN401 - of Params
) -> Conversation:
    return Conversation(
        vendor,
        messages or (user("Hi"),),
        tools=tuple(tools),
        tool_choice=tool_choice,
        format=format_,
        reasoning=reasoning,
        params=Params(**params),
        stream=stream,
        rest={name: Raw(value) for name, value in (rest or {}).items()},
    )
