"""Messages of the hub to Google's `contents` and `systemInstruction`.

One content a turn: what follows one another from the same side is merged, results stand before what the user says
beside them, and a system message in the middle is said by the user, where the client put it. Thoughts are left out:
Google wants the signatures back, not the words.

Sources, read 2026-11-20: google-genai SDK 3.4.0, google/genai/types.py (FunctionResponse);
https://ai.google.dev/gemini-api/docs/thought-signatures; docs.litellm.ai/blog/gemini_3_5_flash (ids since 3.5).
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeGuard

import msgspec
from msgspec import Raw

from proxy.core.conversation import (
    Audio,
    Conversation,
    Document,
    Image,
    Message,
    Native,
    Part,
    Refusal,
    Role,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
)
from proxy.core.signature import fits
from proxy.core.translation import Target, Untranslatable
from proxy.translate.foreign import EXTRAS
from proxy.translate.gemini.media import write_medium
from proxy.translate.gemini.models import Traits
from proxy.translate.gemini.parts import call_part, object_in, text_part
from proxy.translate.gemini.signatures import SKIP
from proxy.translate.instructions import marked

_SYSTEM_ROLES = frozenset({Role.SYSTEM, Role.DEVELOPER})
_WORDS = (Text, Refusal)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])

Json = dict[str, Any]


class Written(NamedTuple):
    """`system` is None where there is none."""

    contents: list[Json]
    system: Json | None


def write_messages(conversation: Conversation, target: Target, traits: Traits) -> Written:
    """Write a conversation's messages.

    Raises:
        Untranslatable: A part that this model cannot read, a result without a call, or a last turn that may not be.
    """
    messages = conversation.messages
    count = next((n for n, message in enumerate(messages) if message.role not in _SYSTEM_ROLES), len(messages))
    system = [part for n in range(count) for part in _system_parts(messages[n], n)]
    writer = _Writer(target, traits)
    for at in range(count, len(messages)):
        writer.write(messages[at], at)
    contents = writer.contents
    if not contents and system:  # Google answers a user, never a system message alone
        contents, system = [{"role": "user", "parts": system}], []
    _check(contents, traits)
    return Written(contents, {"parts": system} if system else None)


def _check(contents: list[Json], traits: Traits) -> None:
    if not contents:
        raise Untranslatable("The conversation says nothing; Gemini models need a message.", param="messages")
    if contents[-1]["role"] == "model" and not traits.prefill:
        raise Untranslatable(
            "This Gemini model does not continue a message of its own; end the conversation with a user's or a tool's.",
            param="messages",
        )


def _system_parts(message: Message, at: int) -> list[Json]:
    if not all(isinstance(part, _WORDS) for part in message.parts):
        raise Untranslatable("A system message for Gemini models is text alone.", param=f"messages[{at}].content")
    return [text_part(part.text) for part in message.parts if isinstance(part, _WORDS) and part.text]


class _Writer:
    """Collects contents; knows the names of the tools that were called."""

    def __init__(self, target: Target, traits: Traits) -> None:
        self.contents: list[Json] = []
        self._account, self._traits = target.account, traits
        self._names: dict[str, str] = {}

    def write(self, message: Message, at: int) -> None:
        if message.role is Role.ASSISTANT:
            parts = self._said(message, at)
            self._add("model", parts)
        elif message.role is Role.USER:
            self._user(message, at)
        else:
            self._add("user", [text_part(marked(part["text"])) for part in _system_parts(message, at)])

    def _add(self, role: str, parts: list[Json]) -> None:
        if not parts:
            return
        if self.contents and self.contents[-1]["role"] == role:
            self.contents[-1]["parts"] += parts
        else:
            self.contents.append({"role": role, "parts": parts})

    # What the model said.

    def _said(self, message: Message, at: int) -> list[Json]:
        """A signature on a thought goes to what the thought led to, where other dialects have no room for it."""
        parts: list[Json] = []
        held: str | None = None
        called = False
        for part in message.parts:
            if _is_beside(part):
                _put_beside(parts, part)
                continue
            if isinstance(part, Thinking):
                held = self._signature(part.signature) or held
                continue
            signature = held
            if isinstance(part, Text | ToolCall):
                signature, held = self._signature(part.signature) or held, None
            if isinstance(part, ToolCall) and not called:
                called = True
                signature = signature or (SKIP if self._traits.signed else None)
            if (written := self._part(part, at, signature)) is not None:
                parts.append(written)
        return parts

    def _signature(self, signature: Signature | None) -> str | None:
        if signature is None or not fits(signature, Vendor.GOOGLE, self._account):
            return None
        return signature.value

    # What the user said, and what tools answered.

    def _user(self, message: Message, at: int) -> None:
        results: list[Json] = []
        others: list[Json] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                results.append(self._result(part, others, at))
            elif _is_beside(part):
                _put_beside(others, part)
            elif (written := self._part(part, at)) is not None:
                others.append(written)
        self._add_results(results)
        self._add("user", others)

    def _add_results(self, results: list[Json]) -> None:
        """Results come first in their turn, also where earlier messages of it hold something else."""
        if results and self.contents and self.contents[-1]["role"] == "user":
            parts = self.contents[-1]["parts"]
            at = sum("functionResponse" in part for part in parts)
            parts[at:at] = results
        else:
            self._add("user", results)

    def _result(self, result: ToolResult, others: list[Json], at: int) -> Json:
        name = result.name or self._names.get(result.call_id)
        if not name:
            raise Untranslatable(
                "A tool's result answers no call of the conversation; Gemini models need the call before it.",
                param=f"messages[{at}]",
            )
        response: Json = {"id": result.call_id, "name": name, "response": _response(result)}
        media = [
            write_medium(part, f"messages[{at}].content") for part in result.parts if isinstance(part, Image | Document)
        ]
        if media and self._traits.media_results:
            response["parts"] = media
        else:
            others += media
        return {"functionResponse": response}

    def _part(self, part: Part, at: int, signature: str | None = None) -> Json | None:
        """Write a part; None for what says nothing, a thought, and another vendor's own block."""
        if isinstance(part, Text):
            return text_part(part.text, signature) if part.text or signature else None
        if isinstance(part, Refusal):
            return text_part(part.text) if part.text else None
        if isinstance(part, ToolCall):
            self._names[part.id] = part.name
            return call_part(part, signature)
        if isinstance(part, Image | Audio | Document):
            return write_medium(part, f"messages[{at}].content")
        return _MEMBERS.decode(part.value) if isinstance(part, Native) and part.vendor is Vendor.GOOGLE else None


def _is_beside(part: Part) -> TypeGuard[Native]:
    """Say whether this is no part, but members of the one before it."""
    return isinstance(part, Native) and part.kind == EXTRAS and part.vendor is Vendor.GOOGLE


def _put_beside(parts: list[Json], own: Native) -> None:
    if parts:
        parts[-1].update(_MEMBERS.decode(own.value))


def _response(result: ToolResult) -> Raw | Json:
    """A result's text where it is a JSON object, else the text in one, under the names that Google's API gives."""
    text = "\n".join(part.text for part in result.parts if isinstance(part, Text))
    response = object_in(text)
    if result.is_error:
        return {"error": response or text}
    return response or {"output": text}
