"""generateContent answers, to and from the hub.

A prompt that was blocked is an answer without candidates that says why. A function call without an id gets one made of
the answer's own, so that it is the same however often the answer is read.

Source: google-genai SDK 3.4.0, google/genai/types.py (GenerateContentResponse, Candidate), read 2026-11-20.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from proxy.apischema.gemini import Candidate, Content, GenerateContentResponse, PromptFeedback
from proxy.apischema.gemini import Part as GooglePart
from proxy.core.conversation import Answer, Choice, Finish, Part, Refusal, ToolCall
from proxy.core.translation import Envelope, Undecodable
from proxy.translate.gemini.logprobs import read_logprobs, write_logprobs
from proxy.translate.gemini.parts import Opener, from_account, read_part
from proxy.translate.gemini.said import write_said
from proxy.translate.gemini.usage import read_usage, write_usage
from proxy.translate.gemini.vocab import FINISH_REASONS, finish_of
from proxy.wire.typedjson import decoded

_RESPONSE = msgspec.json.Decoder(GenerateContentResponse)
_ENCODER = msgspec.json.Encoder()


def decode_answer(body: bytes, account: str) -> Answer:
    """Read an answer of the Gemini API or of Vertex.

    Raises:
        Undecodable: It is not of this dialect, or has neither a candidate nor a reason for that.
    """
    response = decoded(_RESPONSE, body)
    opener, prefix = from_account(account), id_prefix(response.response_id, body)
    choices = tuple(
        _choice(candidate, at, opener, prefix) for at, candidate in enumerate(response.candidates or ())
    ) or _blocked(response.prompt_feedback)
    return Answer(
        choices, response.response_id or "", response.model_version or "", usage=read_usage(response.usage_metadata)
    )


def encode_answer(answer: Answer, envelope: Envelope) -> bytes:
    """Write an answer for a Gemini client."""
    body: dict[str, Any] = {"candidates": [_candidate(choice) for choice in answer.choices]}
    if answer.usage is not None:
        body["usageMetadata"] = write_usage(answer.usage)
    body |= {"modelVersion": envelope.model, "responseId": answer.id or envelope.request_id}
    return _ENCODER.encode(body)


def id_prefix(response_id: str | None, payload: bytes) -> str:
    """Make what ids of function calls begin with: of the answer's id, or of its bytes where it has none."""
    return f"call_{response_id or blake2b(payload, digest_size=8).hexdigest()}_"


def parts_of(content: Content | None) -> list[GooglePart]:
    if content is None or content.parts is None:
        return []
    return [content.parts] if isinstance(content.parts, GooglePart) else content.parts


def _choice(candidate: Candidate, at: int, opener: Opener, prefix: str) -> Choice:
    index = at if candidate.index is None else candidate.index
    parts: list[Part] = []
    calls = 0
    for item in parts_of(candidate.content):
        part = read_part(item, opener, f"{prefix}{index}_{calls}")
        calls += isinstance(part, ToolCall)
        if part is not None:
            parts.append(part)
    finish = finish_of(candidate.finish_reason, called=calls > 0)
    return Choice(tuple(parts), finish, index, logprobs=read_logprobs(candidate.logprobs_result))


def _blocked(feedback: PromptFeedback | None) -> tuple[Choice, ...]:
    if feedback is None or not feedback.block_reason:
        raise Undecodable("The answer has no candidates.", param="candidates")
    message = feedback.block_reason_message
    return (Choice((Refusal(message),) if message else (), Finish.CONTENT_FILTER),)


def _candidate(choice: Choice) -> dict[str, Any]:
    said = write_said(choice.parts)
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": said} if said else {"role": "model"}}
    candidate |= {"finishReason": FINISH_REASONS[choice.finish], "index": choice.index}
    if choice.logprobs is not None and (logprobs := write_logprobs(choice.logprobs)):
        candidate["logprobsResult"] = logprobs
    return candidate
