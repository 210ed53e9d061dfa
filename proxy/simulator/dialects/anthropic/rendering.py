"""A neutral answer as Anthropic's message: one object, or the events of a stream in their order.

Source: anthropic 2.11.0, `types/message.py`, `types/raw_*_event.py` and `types/usage.py`, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from proxy.simulator.answers import Choice
from proxy.simulator.behaviour import UsageReport
from proxy.simulator.dialects.service import Saying
from proxy.simulator.frames import Frame, Part
from proxy.simulator.framing import PINGED_SSE
from proxy.simulator.shapes import Json
from proxy.simulator.signatures import sign
from proxy.simulator.toolcalls import parsed
from proxy.simulator.wires import Told, Wire

_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


def error_frame(told: Told, _: int) -> Frame:
    return Frame(Part.ERROR, orjson.dumps(told.json), "error")


def error_json(told: Told) -> object:
    return told.json


WIRE = Wire(PINGED_SSE, error_json, error_frame)


def whole(saying: Saying) -> bytes:
    """Write the answer as one object."""
    choice = saying.answer.choices[0]
    message = {**_envelope(saying), "content": _content(saying, choice), **_ending(choice)}
    if saying.report is not UsageReport.NONE:
        message["usage"] = _usage(saying, choice.tokens)
    return orjson.dumps(message)


def frames(saying: Saying) -> Iterator[Frame]:
    """Write the answer as a stream."""
    choice = saying.answer.choices[0]
    start = {**_envelope(saying), "content": [], "stop_reason": None, "stop_sequence": None}
    start["usage"] = _usage(saying, 1) if saying.report is not UsageReport.NONE else _no_usage()
    yield _frame(Part.ROLE, "message_start", {"message": start})
    index = 0
    for block in _blocks(saying, choice):
        yield from block_frames(block, index)
        if not index:
            yield _frame(Part.BLOCK, "ping", {})
        index += 1
    delta: Json = {"delta": _ending(choice)}
    delta["usage"] = _total(saying, choice) if saying.report is UsageReport.AS_ASKED else {"output_tokens": 0}
    yield _frame(Part.FINISH, "message_delta", delta)
    yield _frame(Part.DONE, "message_stop", {})


class Block:
    """One block of content: how it begins, the pieces it comes in, how it looks when it is whole."""

    __slots__ = ("begin", "pieces", "tail", "tokens")

    def __init__(self, begin: Json, pieces: tuple[Json, ...], tokens: int = 0, tail: Json | None = None) -> None:
        self.begin, self.pieces, self.tokens, self.tail = begin, pieces, tokens, tail

    @property
    def json(self) -> Json:
        block = dict(self.begin)
        for piece in (*self.pieces, *([self.tail] if self.tail else ())):
            for member, value in piece.items():
                if member == "partial_json":
                    block["input"] = (block["input"] or "") + value
                elif member != "type":
                    block[member] += value
        if isinstance(block.get("input"), str):
            block["input"] = parsed(block["input"])
        return block


def block_frames(block: Block, index: int) -> Iterator[Frame]:
    """Write one block of a stream. Its beginning brings what its pieces do not: a tool's name, a sealed thought."""
    part = Part.TOKEN if block.tokens else Part.BLOCK
    begin = {"index": index, "content_block": block.begin}
    yield _frame(part, "content_block_start", begin, block.tokens)
    for piece in block.pieces:
        yield _frame(Part.TOKEN, "content_block_delta", {"index": index, "delta": piece})
    if block.tail:
        yield _frame(Part.BLOCK, "content_block_delta", {"index": index, "delta": block.tail})
    yield _frame(Part.BLOCK, "content_block_stop", {"index": index})


def _blocks(saying: Saying, choice: Choice) -> Iterator[Block]:
    if choice.reasoning:
        yield _thinking(saying, choice)
    if choice.text:
        pieces = tuple({"type": "text_delta", "text": token} for token in choice.text)
        yield Block({"type": "text", "text": ""}, pieces)
    for index, call in enumerate(choice.calls):
        begin = {"type": "tool_use", "id": saying.name("toolu_", index), "name": call.name, "input": {}}
        is_bare = call.arguments == ("{}",)  # a call without arguments streams none
        fragments = () if is_bare else call.arguments
        pieces = tuple({"type": "input_json_delta", "partial_json": token} for token in fragments)
        yield Block(begin, pieces, 1 + is_bare)


def _thinking(saying: Saying, choice: Choice) -> Block:
    tokens = len(choice.reasoning)
    if saying.redacts:
        data = sign(saying.account, "".join(choice.reasoning))
        return Block({"type": "redacted_thinking", "data": data}, (), tokens)
    begin = {"type": "thinking", "thinking": "", "signature": ""}
    signature = {"type": "signature_delta", "signature": sign(saying.account, "".join(choice.reasoning))}
    if not saying.shows:
        return Block(begin, (), tokens, signature)
    pieces = tuple({"type": "thinking_delta", "thinking": token} for token in choice.reasoning)
    return Block(begin, pieces, 0, signature)


def _content(saying: Saying, choice: Choice) -> list[Json]:
    return [block.json for block in _blocks(saying, choice)]


def _envelope(saying: Saying) -> Json:
    return {"id": saying.name("msg_"), "type": "message", "role": "assistant", "model": saying.answer.model}


def _ending(choice: Choice) -> Json:
    ending: Json = {"stop_reason": _STOPS[choice.finish], "stop_sequence": None}
    if choice.stop_word is not None:
        ending = {"stop_reason": "stop_sequence", "stop_sequence": choice.stop_word}
    if choice.finish == "content_filter":
        details = {"type": "refusal", "category": "general_harms", "explanation": "It was asked to refuse."}
        ending["stop_details"] = details
    return ending


def _usage(saying: Saying, output_tokens: int) -> Json:
    """Write usage as the vendor does: what a cache gave or took is no part of `input_tokens`."""
    usage = saying.answer.usage
    return {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": output_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
        "service_tier": "standard",
    }


def _no_usage() -> Json:
    return {"input_tokens": 0, "output_tokens": 0}


def _total(saying: Saying, choice: Choice) -> Json:
    usage = _usage(saying, choice.tokens)
    return {name: usage[name] for name in usage if name not in ("service_tier", "cache_creation")}


def _frame(part: Part, event: str, members: Json, tokens: int = 1) -> Frame:
    return Frame(part, orjson.dumps({"type": event, **members}), event, tokens)
