"""A conversation as Bedrock's `system` and `messages`: turns that alternate, the user's first.

System messages before the first turn go into `system`; later ones, which few models take, become marked text of the
user's where they stand. Results of tools lead the turn that answers the calls.

Source: botocore 1.44.5 bedrock-runtime service-2.json (Message.content: files from the user alone, words beside a
document; SystemContentBlock); docs.aws.amazon.com nova2-userguide request-response-schema.md (the user's turn first),
read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from proxy.core.conversation import Audio, Conversation, Document, Image, Message, Role
from proxy.translate.bedrock.blocks import Block, BlockWriter
from proxy.translate.bedrock.families import Model
from proxy.translate.bedrock.unsupported import refused
from proxy.translate.instructions import marked

_ASSISTANT = Role.ASSISTANT  # CPython 3.11 calls a Python function to get a member out of its enum
_INSTRUCTING = (Role.SYSTEM, Role.DEVELOPER)

_FILLER = "."  # where Bedrock wants words and the client has none
_BARRED = {Role.SYSTEM: "system_media", Role.DEVELOPER: "system_media", Role.ASSISTANT: "assistant_media"}
_JSON_ALONE = "Answer with one JSON object and nothing else: no words before or after it, no code fence."


class Turns(Struct):
    """What is written of a conversation. `has_tools`: a call or a result stands in it."""

    system: list[Block]
    messages: list[Block]
    has_tools: bool


def write_turns(conversation: Conversation, model: Model, writer: BlockWriter) -> Turns:
    """Write all messages.

    Raises:
        Untranslatable: A part that Bedrock cannot take, or a model that cannot go on from its own words.
    """
    system: list[Block] = []
    turns: list[tuple[str, list[Block]]] = []
    for index, message in enumerate(conversation.messages):
        blocks = _blocks(message, writer, index)
        if message.role in _INSTRUCTING:
            if not turns:
                system += blocks
                continue
            blocks = [{"text": marked(block["text"])} if "text" in block else block for block in blocks]
        role = "assistant" if message.role is _ASSISTANT else "user"
        if blocks and turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        elif blocks:
            turns.append((role, blocks))
    if conversation.format is not None and conversation.format.schema is None:
        system.append({"text": _JSON_ALONE})
    if not turns or turns[0][0] == "assistant":
        turns.insert(0, ("user", [{"text": _FILLER}]))
    _finish(turns, conversation.messages, model)
    return Turns(
        system=system,
        messages=[{"role": role, "content": _ordered(blocks) if role == "user" else blocks} for role, blocks in turns],
        has_tools=any("toolUse" in block or "toolResult" in block for _, blocks in turns for block in blocks),
    )


def _blocks(message: Message, writer: BlockWriter, index: int) -> list[Block]:
    barred = _BARRED.get(message.role)
    written: list[Block] = []
    for place, part in enumerate(message.parts):
        param = f"messages[{index}].content[{place}]"
        if barred is not None and isinstance(part, Image | Document):
            raise refused(barred, param)
        if barred is None or not isinstance(part, Audio):  # what a model said aloud went along as text
            written += writer.write(part, param)
    return written


def _ordered(blocks: list[Block]) -> list[Block]:
    """Put the results of tools before all else, each with its mark of the cache, and words beside a document."""
    results: list[Block] = []
    others: list[Block] = []
    here = others
    for block in blocks:
        if "cachePoint" not in block:
            here = results if "toolResult" in block else others
        here.append(block)
    if any("document" in block for block in others) and not any("text" in block for block in others):
        others.append({"text": _FILLER})
    return [*results, *others]


def _finish(turns: Sequence[tuple[str, list[Block]]], messages: Sequence[Message], model: Model) -> None:
    """Look at the end: a model that is to go on from its own words must be able to."""
    role, blocks = turns[-1]
    if role == "user":
        return
    if model.claude is not None and not model.claude.prefill:
        raise refused("prefill", f"messages[{len(messages) - 1}]")
    if "text" in blocks[-1]:
        blocks[-1] = {"text": blocks[-1]["text"].rstrip()}  # blanks at the end are refused
