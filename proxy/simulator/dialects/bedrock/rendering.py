"""A neutral answer as Converse's: one object, or the events of its stream in their order.

Source: botocore 1.44.5, `data/bedrock-runtime/2023-09-30/service-2.json`, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from proxy.simulator.answers import Choice
from proxy.simulator.behaviour import UsageReport
from proxy.simulator.dialects.service import Saying
from proxy.simulator.frames import Frame, Part
from proxy.simulator.framing import EVENT_STREAM
from proxy.simulator.shapes import Json
from proxy.simulator.signatures import sign
from proxy.simulator.toolcalls import parsed
from proxy.simulator.wires import Told, Wire

_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "guardrail_intervened",
}
_BLOCKED = "Sorry, the model cannot answer this question."
# The only ones that may come in a stream; any other is told as the first.
_IN_STREAM = ("InternalServerException", "ValidationException", "ThrottlingException", "ServiceUnavailableException")


def error_json(told: Told) -> object:
    return told.json


def error_frame(told: Told, _: int) -> Frame:
    """Write an exception; that of a model has a name of its own in streams."""
    body: Json = {"message": told.row.message}
    if told.row.type == "ModelErrorException":
        body = {**body, "originalStatusCode": told.row.status, "originalMessage": told.row.message}
        return Frame(Part.ERROR, orjson.dumps(body), "modelStreamErrorException")
    name = told.row.type if told.row.type in _IN_STREAM else _IN_STREAM[0]
    return Frame(Part.ERROR, orjson.dumps(body), name[0].lower() + name[1:])


WIRE = Wire(EVENT_STREAM, error_json, error_frame)


def whole(saying: Saying) -> bytes:
    """Write the answer as one object."""
    choice = saying.answer.choices[0]
    answer: Json = {
        "output": {"message": {"role": "assistant", "content": [*_content(saying, choice)]}},
        "stopReason": _stop(choice),
        "metrics": {"latencyMs": 1},
    }
    if saying.report is not UsageReport.NONE:
        answer["usage"] = _usage(saying)
    return orjson.dumps(answer)


def frames(saying: Saying) -> Iterator[Frame]:
    """Write the answer as a stream; the usage comes after the end of the message."""
    choice = saying.answer.choices[0]
    yield _frame(Part.ROLE, "messageStart", {"role": "assistant"})
    blocks = (_thought(saying, choice), _words(choice), *_calls(saying, choice))
    for index, block in enumerate(block for block in blocks if block):
        for part, event, members, tokens in block:
            yield _frame(part, event, {**members, "contentBlockIndex": index}, tokens)
        yield _frame(Part.BLOCK, "contentBlockStop", {"contentBlockIndex": index})
    yield _frame(Part.FINISH, "messageStop", {"stopReason": _stop(choice)})
    if saying.report is not UsageReport.NONE:
        yield _frame(Part.USAGE, "metadata", {"usage": _usage(saying), "metrics": {"latencyMs": 1}})


Piece = tuple[Part, str, Json, int]


def _delta(delta: Json, part: Part = Part.TOKEN, tokens: int = 1) -> Piece:
    return part, "contentBlockDelta", {"delta": delta}, tokens


def _thought(saying: Saying, choice: Choice) -> list[Piece]:
    if not choice.reasoning:
        return []
    signature = sign(saying.account, "".join(choice.reasoning))
    if saying.redacts:
        return [_delta({"reasoningContent": {"redactedContent": signature}}, tokens=len(choice.reasoning))]
    pieces = [_delta({"reasoningContent": {"text": token}}) for token in choice.reasoning]
    return [*pieces, _delta({"reasoningContent": {"signature": signature}}, Part.BLOCK)]


def _words(choice: Choice) -> list[Piece]:
    """Give the text; a block of text has no beginning of its own."""
    return [_delta({"text": token}, tokens=tokens) for token, tokens in _tokens(choice)]


def _calls(saying: Saying, choice: Choice) -> Iterator[list[Piece]]:
    for index, call in enumerate(choice.calls):
        start = {"toolUse": {"toolUseId": saying.name("tooluse_", index), "name": call.name}}
        arguments = [_delta({"toolUse": {"input": token}}) for token in call.arguments]
        yield [(Part.TOKEN, "contentBlockStart", {"start": start}, 1), *arguments]


def _content(saying: Saying, choice: Choice) -> Iterator[Json]:
    if choice.reasoning:
        text = "".join(choice.reasoning)
        signature = sign(saying.account, text)
        plain = {"reasoningText": {"text": text, "signature": signature}}
        yield {"reasoningContent": {"redactedContent": signature} if saying.redacts else plain}
    if words := "".join(token for token, _ in _tokens(choice)):
        yield {"text": words}
    for index, call in enumerate(choice.calls):
        identity = {"toolUseId": saying.name("tooluse_", index), "name": call.name}
        yield {"toolUse": {**identity, "input": parsed(call.arguments)}}


def _tokens(choice: Choice) -> list[tuple[str, int]]:
    """Return the text in tokens; a guardrail that stops everything puts its own sentence there."""
    if choice.finish == "content_filter" and not choice.text:
        return [(_BLOCKED, 0)]
    return [(token, 1) for token in choice.text or ()]


def _stop(choice: Choice) -> str:
    return "stop_sequence" if choice.stop_word is not None else _STOPS[choice.finish]


def _usage(saying: Saying) -> Json:
    """Write usage as the vendor does: what a cache gave or took is no part of `inputTokens`."""
    usage = saying.answer.usage
    fresh = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
    return {
        "inputTokens": fresh,
        "outputTokens": usage.completion_tokens,
        "totalTokens": usage.prompt_tokens + usage.completion_tokens,
        "cacheReadInputTokens": usage.cached_tokens,
        "cacheWriteInputTokens": usage.cache_write_tokens,
    }


def _frame(part: Part, event: str, members: Json, tokens: int = 1) -> Frame:
    return Frame(part if tokens else Part.BLOCK, orjson.dumps(members), event, tokens)
