"""An `Answer` as the JSON that OpenAI's endpoints send: one object, or the frames of a stream in their order.

Frames are JSON without event framing, each marked with its part, so that `faults` can break a stream at the right
place. Usage goes where the request asked for it, or where a `UsageReport` puts it.

Source: OpenAI Python SDK 3.51.0, types/chat/chat_completion*.py and types/completion.py, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

import orjson

from proxy.core.usage import Usage
from proxy.simulator.answers import Answer, Choice
from proxy.simulator.behaviour import UsageReport
from proxy.simulator.frames import Frame, Part
from proxy.simulator.shapes import Json

DONE = b"[DONE]"
_PROMPT_FILTER = [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]


def usage_json(usage: Usage) -> Json:
    """Write usage with OpenAI's details."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0, **_written(usage)},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _written(usage: Usage) -> Json:
    return {"cache_write_tokens": usage.cache_write_tokens} if usage.cache_write_tokens else {}


def whole(answer: Answer, report: UsageReport) -> bytes:
    """Write the answer as one JSON object."""
    body = _envelope(answer, "chat.completion" if answer.chat else "text_completion")
    write = _chat_choice if answer.chat else _text_choice
    body["choices"] = [write(index, choice) for index, choice in enumerate(answer.choices)]
    if report is not UsageReport.NONE:
        body["usage"] = usage_json(answer.usage)
    return orjson.dumps(body)


def frames(answer: Answer, report: UsageReport, *, prompt_filter: bool = False) -> Iterator[Frame]:
    """Write the answer as a stream; the tokens of several choices take turns.

    Args:
        prompt_filter: Begin as Azure does, with a chunk that has no choices and the prompt's filter results.
    """
    base = _envelope(answer, "chat.completion.chunk" if answer.chat else "text_completion")
    asked = answer.include_usage and report is not UsageReport.NONE
    tail: Json = {"usage": None} if asked else {}
    usage = {"usage": usage_json(answer.usage)}
    if prompt_filter:
        yield Frame(Part.ROLE, orjson.dumps({**base, "choices": [], "prompt_filter_results": _PROMPT_FILTER}))
    if answer.chat:
        role = {"role": "assistant", "content": "", "refusal": None}
        for index in range(len(answer.choices)):
            yield Frame(Part.ROLE, _chunk(base, _delta(index, role), tail))
    middle = sum(choice.tokens for choice in answer.choices) // 2
    for number, choice_json in enumerate(_token_choices(answer)):
        midway = report is UsageReport.MIDWAY and number == middle
        yield Frame(Part.TOKEN, _chunk(base, choice_json, usage if midway else tail))
    for index, choice in enumerate(answer.choices):
        ending = _delta(index, {}, choice.finish) if answer.chat else _text(index, "", choice.finish)
        yield Frame(Part.FINISH, _chunk(base, ending, tail))
    if asked and report is UsageReport.AS_ASKED:
        yield Frame(Part.USAGE, orjson.dumps({**base, "choices": [], **usage}))
    yield Frame(Part.DONE, DONE)


def _envelope(answer: Answer, kind: str) -> Json:
    body = {"id": answer.id, "object": kind, "created": answer.created_s, "model": answer.model}
    extra = {"service_tier": "default"} if answer.chat else {}
    return {**body, **extra, "system_fingerprint": "fp_simulated"}


def _chunk(base: Json, choice: Json, tail: Json) -> bytes:
    return orjson.dumps({**base, "choices": [choice], **tail})


def _token_choices(answer: Answer) -> Iterator[Json]:
    """Give every token's `choices` member, one token of each choice in turn."""
    write = _chat_tokens if answer.chat else _text_tokens
    streams = (write(index, choice) for index, choice in enumerate(answer.choices))
    for turn in zip_longest(*streams):
        yield from (choice for choice in turn if choice is not None)


def _chat_tokens(index: int, choice: Choice) -> Iterator[Json]:
    for token in choice.reasoning:
        yield _delta(index, {"reasoning_content": token})
    for token in choice.text or ():
        yield _delta(index, {"content": token})
    for place, call in enumerate(choice.calls):
        function = {"name": call.name, "arguments": ""}
        yield _delta(index, {"tool_calls": [{"index": place, "id": call.id, "type": "function", "function": function}]})
        for token in call.arguments:
            yield _delta(index, {"tool_calls": [{"index": place, "function": {"arguments": token}}]})


def _text_tokens(index: int, choice: Choice) -> Iterator[Json]:
    for token in (*choice.reasoning, *(choice.text or ())):
        yield _text(index, token, None)


def _delta(index: int, delta: Json, finish: str | None = None) -> Json:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}


def _text(index: int, text: str, finish: str | None) -> Json:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}


def _chat_choice(index: int, choice: Choice) -> Json:
    message: Json = {"role": "assistant", "content": None if choice.text is None else "".join(choice.text)}
    message |= {"refusal": None, "annotations": []}
    if choice.reasoning:
        message["reasoning_content"] = "".join(choice.reasoning)
    if choice.calls:
        message["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": "".join(c.arguments)}}
            for c in choice.calls
        ]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": choice.finish}


def _text_choice(index: int, choice: Choice) -> Json:
    return _text(index, "".join((*choice.reasoning, *(choice.text or ()))), choice.finish)
