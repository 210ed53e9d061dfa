"""A conversation's messages as the turns of the Messages API.

Leading system messages become the system prompt; later ones stay where the model takes them, else they become marked
text of the user's. Neighbours of one role are merged; all tool results of a turn come first in one user message.

Source: docs.aws.amazon.com bedrock/latest/userguide/claude-messages-mid-conversation-system (after a user turn, before
an assistant's or last, text alone); anthropic SDK 2.11.0 types/message_create_params.py (neighbours of one role are one
turn; a begun answer), read 2026-11-20. Results before text, and a first turn that is the user's: not verified.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from proxy.core.conversation import (
    Audio,
    CacheMark,
    Conversation,
    Document,
    FileRef,
    Image,
    Message,
    Native,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
)
from proxy.core.signature import fits
from proxy.core.translation import Target
from proxy.translate.anthropic.reading import as_object
from proxy.translate.anthropic.sources import FILES_BETA, write_document, write_image
from proxy.translate.anthropic.toolids import ToolIds
from proxy.translate.anthropic.unsupported import refused
from proxy.translate.claude import Generation
from proxy.translate.foreign import EXTRAS
from proxy.translate.instructions import marked

AnyBlock = dict[str, object] | Raw

# Stands where the first user message is missing: the API wants one, and wants it to say something.
_OPENING: dict[str, object] = {"type": "text", "text": "..."}
_EXTRAS = msgspec.json.Decoder(dict[str, Raw])


class Turn(Struct):
    """One message: `results` are written before `blocks`."""

    role: str
    results: list[AnyBlock] = []
    blocks: list[AnyBlock] = []

    def content(self) -> list[AnyBlock]:
        return self.results + self.blocks


class Turns:
    """Writes the messages of one request.

    Attributes:
        system: The blocks of the system prompt.
        turns: In order, of alternating roles.
        marked: Every block that ends a cached stretch of the prompt, in order.
        betas: Flags that the blocks need.
        tools: The names of the tools that were called.
        natives_marked: How many of Anthropic's own blocks hold a cache mark of theirs.
    """

    def __init__(self, target: Target, takes: Generation) -> None:
        self.system: list[AnyBlock] = []
        self.turns: list[Turn] = []
        self.marked: list[dict[str, object]] = []
        self.betas: set[str] = set()
        self.tools: dict[str, None] = {}
        self.natives_marked = 0
        self._target = target
        self._takes = takes
        self._ids = ToolIds()

    def write(self, conversation: Conversation) -> None:
        """Write all messages.

        Raises:
            Untranslatable: One holds what cannot be said here.
        """
        if not conversation.messages:
            raise refused("no_messages", "messages")
        leading = True
        for index, message in enumerate(conversation.messages):
            where = f"messages[{index}].content"
            instructs = message.role is Role.SYSTEM or message.role is Role.DEVELOPER
            leading = leading and instructs
            if instructs:
                blocks = self._instructions(message, where)
                if leading:
                    self.system += blocks
                elif blocks:
                    self._add(Turn("system", [], blocks))
            elif message.role is Role.USER:
                self._add(self._user(message, where))
            else:
                self._add(Turn("assistant", [], self._assistant(message, where)))
        self._place_instructions()
        if not self.turns or self.turns[0].role != "user":
            self.turns.insert(0, Turn("user", [], [dict(_OPENING)]))

    def _add(self, turn: Turn) -> None:
        if self.turns and self.turns[-1].role == turn.role:
            self.turns[-1].results += turn.results
            self.turns[-1].blocks += turn.blocks
        elif turn.results or turn.blocks:
            self.turns.append(turn)

    def _place_instructions(self) -> None:
        """Let a system turn stand where it may, else hand it to the user's."""
        if all(turn.role != "system" for turn in self.turns):
            return
        before, self.turns = self.turns, []
        for index, turn in enumerate(before):
            follows = before[index + 1].role if index + 1 < len(before) else "assistant"
            stands = bool(self.turns) and self.turns[-1].role == "user" and follows == "assistant"
            if turn.role == "system" and not (self._takes.system_messages and stands):
                for block in turn.blocks:
                    assert isinstance(block, dict)
                    block["text"] = marked(str(block["text"]))
                turn = Turn("user", [], turn.blocks)
            self._add(turn)

    def _instructions(self, message: Message, where: str) -> list[AnyBlock]:
        blocks: list[AnyBlock] = []
        for part in message.parts:
            if isinstance(part, Text):
                self._text(part.text, part.cache, blocks)
            elif not isinstance(part, Native):
                raise refused("system_media", where)
        return blocks

    def _user(self, message: Message, where: str) -> Turn:
        turn = Turn("user", [], [])
        for index, part in enumerate(message.parts):
            if isinstance(part, ToolResult):
                turn.results.append(self._result(part, f"{where}[{index}]"))
            else:
                self._plain(part, turn.blocks, f"{where}[{index}]")
        return turn

    def _plain(self, part: Part, blocks: list[AnyBlock], where: str) -> None:
        """Write what a user and a tool may say."""
        match part:
            case Text():
                self._text(part.text, part.cache, blocks)
            case Image():
                self._file(part, write_image(part, self._takes, where), blocks)
            case Document():
                self._file(part, write_document(part, self._takes, where), blocks)
            case Native():
                self._native(part, blocks)
            case Audio():
                raise refused("audio", where)

    def _file(self, part: Image | Document, block: dict[str, object], blocks: list[AnyBlock]) -> None:
        if isinstance(part.source, FileRef):
            self.betas.add(FILES_BETA)
        blocks.append(self._marked(block, part.cache))

    def _result(self, result: ToolResult, where: str) -> dict[str, object]:
        block: dict[str, object] = {"type": "tool_result", "tool_use_id": self._ids.result(result.call_id)}
        content: list[AnyBlock] = []
        if result.own is not None and result.own.vendor is Vendor.ANTHROPIC:
            self.natives_marked += bytes(result.own.value).count(b'"cache_control"')
            block["content"] = result.own.value
        else:
            for part in result.parts:
                self._plain(part, content, where)
        if content:
            block["content"] = content
        if result.is_error:
            block["is_error"] = True
        return self._marked(block, result.cache)

    def _assistant(self, message: Message, where: str) -> list[AnyBlock]:
        blocks: list[AnyBlock] = []
        for part in message.parts:
            match part:
                case Text() | Refusal():
                    self._text(part.text, part.cache if isinstance(part, Text) else None, blocks)
                case ToolCall():
                    blocks.append(self._call(part))
                case Thinking():
                    self._thought(part, blocks)
                case Image() | Document():
                    raise refused("assistant_media", where, "images" if isinstance(part, Image) else "")
                case Native():
                    self._native(part, blocks)
                case _:
                    pass  # what a model said aloud went along as text
        return blocks

    def _text(self, text: str, cache: CacheMark | None, blocks: list[AnyBlock]) -> None:
        if text.strip():  # the API refuses text blocks that say nothing
            blocks.append(self._marked({"type": "text", "text": text}, cache))

    def _call(self, call: ToolCall) -> dict[str, object]:
        self.tools[call.name] = None
        arguments = as_object(call.arguments, "input" if call.custom else "arguments")
        block: dict[str, object] = {
            "type": "tool_use",
            "id": self._ids.call(call.id),
            "name": call.name,
            "input": arguments,
        }
        return self._marked(block, call.cache)

    def _thought(self, part: Thinking, blocks: list[AnyBlock]) -> None:
        signature = part.signature
        if signature is None or not fits(signature, Vendor.ANTHROPIC, self._target.account):
            return
        if part.redacted:
            blocks.append({"type": "redacted_thinking", "data": signature.value})
        else:
            blocks.append({"type": "thinking", "thinking": part.text, "signature": signature.value})

    def _native(self, part: Native, blocks: list[AnyBlock]) -> None:
        if part.vendor is not Vendor.ANTHROPIC:
            return
        if part.kind != EXTRAS:
            self.natives_marked += b'"cache_control"' in bytes(part.value)
            blocks.append(part.value)
        elif blocks and isinstance(last := blocks[-1], dict):
            last.update(_EXTRAS.decode(part.value))

    def _marked(self, block: dict[str, object], cache: CacheMark | None) -> dict[str, object]:
        if cache is not None:
            mark(block, cache)
            self.marked.append(block)
        return block


def mark(block: dict[str, object], cache: CacheMark) -> None:
    """Mark a block as the end of a cached stretch."""
    block["cache_control"] = {"type": "ephemeral", "ttl": cache.ttl} if cache.ttl else {"type": "ephemeral"}


def is_begun(turns: Sequence[Turn]) -> dict[str, object] | None:
    """Give the text that the answer is to begin with, where the conversation ends in one."""
    last = turns[-1]
    block = last.blocks[-1] if last.role == "assistant" else None
    return block if isinstance(block, dict) and block["type"] == "text" else None


def loops_without_thought(turns: Sequence[Turn]) -> bool:
    """Say whether a tool loop is under way whose turn does not begin with a thought."""
    if turns[-1].role != "user" or not turns[-1].results:
        return False
    said = next((turn.blocks[0] for turn in reversed(turns) if turn.role == "assistant"), None)
    return said is not None and not (isinstance(said, dict) and said["type"] in ("thinking", "redacted_thinking"))
