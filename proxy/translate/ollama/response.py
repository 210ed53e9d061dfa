"""A whole answer of Ollama's `/api/chat`, from an upstream to the hub and from the hub to the client.

Durations are not known here and are left out, as Ollama itself leaves out those that are 0. So are images: the Python
client cannot read an answer with any.

Source: ollama 0.6.3 _types.py, github.com/ollama/ollama api/types.go, read 2026-11-20.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import msgspec

from proxy.apischema import ollama as schema
from proxy.core.conversation import (
    Answer,
    Choice,
    Finish,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from proxy.core.translation import Envelope, Undecodable
from proxy.core.usage import Usage
from proxy.translate.counts import count_of
from proxy.translate.ollama.history import decode_call
from proxy.translate.ollama.logprobs import chat_logprobs, token_list
from proxy.translate.ollama.outgoing import call_object
from proxy.translate.ollama.vocab import FINISH_WORDS, read_finish
from proxy.wire.typedjson import decoded

ANSWER = msgspec.json.Decoder(schema.Answer)
_ENCODER = msgspec.json.Encoder()


def decode_answer(body: bytes, account: str) -> Answer:
    """Read an upstream's whole answer.

    Raises:
        Undecodable: Not an answer of Ollama's.
    """
    answer = decoded(ANSWER, body)
    message = answer.message
    if message is None:
        raise Undecodable("`message` is missing.", param="message")
    parts: list[Part] = [Thinking(message.thinking)] if message.thinking else []
    if message.content:
        parts.append(Text(message.content))
    calls = decode_calls(answer, 0)
    finish = read_finish(answer.done_reason, called=bool(calls))
    choice = Choice((*parts, *calls), finish, logprobs=chat_logprobs(answer.logprobs))
    return Answer((choice,), "", answer.model or "", _seconds(answer.created_at), decode_usage(answer))


def decode_calls(answer: schema.Answer, before: int) -> list[ToolCall]:
    """Read tool calls. Older servers give them no ids: then the moment and the place make one that stays the same.

    Args:
        before: How many calls came in earlier lines.
    """
    calls = answer.message.tool_calls if answer.message else None
    return [decode_call(call, _call_id(answer, before + place)) for place, call in enumerate(calls or ())]


def _call_id(answer: schema.Answer, place: int) -> str:
    return f"call_{blake2b(f'{answer.created_at}/{place}'.encode(), digest_size=8).hexdigest()}"


def decode_usage(answer: schema.Answer) -> Usage | None:
    """Read the counts; older servers leave out a prompt's that they had in their cache, then there are none."""
    prompt = count_of(answer.prompt_eval_count)
    return Usage(prompt, count_of(answer.eval_count)) if prompt else None


def _seconds(created_at: str | None) -> int:
    try:
        return int(datetime.fromisoformat(created_at or "").timestamp())
    except ValueError:
        return 0


def encode_answer(answer: Answer, envelope: Envelope) -> bytes:
    """Write a whole answer for the client: its first choice, since Ollama has one."""
    choice = answer.choices[0] if answer.choices else Choice((), Finish.ERROR)
    body = {**head(envelope), "message": _message(choice.parts), **tail(choice.finish, answer.usage)}
    if choice.logprobs is not None:
        body["logprobs"] = token_list(choice.logprobs)
    return _ENCODER.encode(body)


def head(envelope: Envelope) -> dict[str, Any]:
    """Write what each line of an answer begins with."""
    created_at = datetime.fromtimestamp(envelope.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"model": envelope.model, "created_at": created_at}


def tail(finish: Finish, usage: Usage | None) -> dict[str, Any]:
    """Write what the last line of an answer ends with."""
    ended: dict[str, Any] = {"done": True, "done_reason": FINISH_WORDS[finish]}
    if usage is not None:
        ended |= {"prompt_eval_count": usage.prompt_tokens, "eval_count": usage.completion_tokens}
    return ended


def _message(parts: tuple[Part, ...]) -> dict[str, Any]:
    content = "".join([part.text for part in parts if isinstance(part, Text | Refusal)])
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if thinking := "".join([part.text for part in parts if isinstance(part, Thinking)]):
        message["thinking"] = thinking
    if calls := [part for part in parts if isinstance(part, ToolCall)]:
        message["tool_calls"] = [call_object(call, place) for place, call in enumerate(calls)]
    return message
