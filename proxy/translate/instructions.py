"""Brings the instructions of a conversation to where a model takes them.

Anthropic's and OpenAI's clients put some between the turns, Claude Code after its first. Many templates take one system
message alone and that first ("System message must be at the beginning").

Source: claude-code 2.1.197 (beta `mid-conversation-system-2026-04-07`); github.com/ollama/ollama/issues/17774 and its
openai/openai.go (each text of a message is one of its own), github.com/anthropics/claude-code/issues/77698 (llama.cpp),
read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from proxy.core.conversation import Message, Part, Role, Text

_INSTRUCTING = frozenset({Role.SYSTEM, Role.DEVELOPER})


def settled(messages: Sequence[Message], *, caches: bool) -> list[Message]:
    """Put the first instructions into one message, and mark later ones as such in what the user says beside them.

    Args:
        caches: Texts that are to be cached stay apart; else the message is one text.
    """
    count = next((n for n, message in enumerate(messages) if message.role not in _INSTRUCTING), len(messages))
    first = [part for message in messages[:count] for part in message.parts]
    put = [Message(Role.SYSTEM, tuple(_joined(first, caches=caches)))] if first else []
    held: tuple[Part, ...] = ()  # for the user's next message
    for message in messages[count:]:
        if message.role in _INSTRUCTING:
            told = tuple([_marked(part) for part in message.parts])
            if put and put[-1].role is Role.USER:
                put[-1] = replace(put[-1], parts=(*put[-1].parts, *told))
            else:
                held += told
            continue
        if held and message.role is Role.USER:
            message = replace(message, parts=(*held, *message.parts))
        elif held:
            put.append(Message(Role.USER, held))
        held = ()
        put.append(message)
    return [*put, Message(Role.USER, held)] if held else put


def marked(text: str) -> str:
    """Tell instructions from the user's words among which they stand."""
    return f"<system>\n{text}\n</system>"


def _joined(parts: Sequence[Part], *, caches: bool) -> Sequence[Part]:
    texts = [part for part in parts if isinstance(part, Text)]
    if len(texts) != len(parts) or (caches and any(text.cache for text in texts)):
        return parts
    return [Text("\n\n".join([text.text for text in texts if text.text]))]


def _marked(part: Part) -> Part:
    return replace(part, text=marked(part.text)) if isinstance(part, Text) else part
