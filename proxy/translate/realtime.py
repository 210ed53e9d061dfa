"""What the events of a realtime session say of its use. They pass as they came; here copies are looked at.

Answers say what they used, of text and of sound; transcripts of what the client said are made by another model, which
the session names, and are charged at that model's price. Never changes or answers anything.

Sources, read 2026-11-20: openai 3.51.0 types/realtime/ (response_done_event.py, realtime_response_usage.py,
conversation_item_input_audio_transcription_completed_event.py, session_created_event.py and what they hold) and
types/beta/realtime/ (session.py, transcription_session_updated_event.py); docs.vllm.ai,
vllm.entrypoints.openai.realtime (transcription.done).
"""

from __future__ import annotations

import re

from msgspec import Raw, Struct
from msgspec.json import Decoder

from proxy.core.usage import Count, Usage
from proxy.translate.counts import counts_decoder, read_counts
from proxy.wire.typedjson import decoded

_NULL = Raw(b"null")
_ANSWER_BEGAN, _ANSWERED = "response.created", "response.done"
_TRANSCRIBED = frozenset({"conversation.item.input_audio_transcription.completed", "transcription.done"})
_SESSION = frozenset({"session.created", "session.updated", "transcription_session.updated"})
_WANTED = frozenset(name.encode() for name in (_ANSWER_BEGAN, _ANSWERED, *_TRANSCRIBED, *_SESSION))
# Events begin with their type, or with it behind their id. Most carry sound; only these bytes of those are looked at.
_TYPE = re.compile(rb'\s*+\{\s*+(?:"event_id"\s*+:\s*+"[^"\\]*+"\s*+,\s*+)?+"type"\s*+:\s*+"([^"\\]*+)"')


class AnswerBegan(Struct, frozen=True, gc=False):
    """The model has begun an answer, which will be charged for."""


class Answered(Struct, frozen=True, gc=False):
    """An answer is over; None = it does not say what it used."""

    usage: Usage | None


class Transcribed(Struct, frozen=True, gc=False):
    """What the client said is written down; None = that is not charged by the token."""

    usage: Usage | None


class Listening(Struct, frozen=True, gc=False):
    """The session is said to transcribe by this model; "" = by none that is named."""

    model: str


Noted = AnswerBegan | Answered | Transcribed | Listening


class _CachedParts(Struct):
    audio_tokens: Count | None = None


class _InputParts(Struct):
    cached_tokens: Count | None = None
    audio_tokens: Count | None = None
    cached_tokens_details: _CachedParts | None = None


class _OutputParts(Struct):
    audio_tokens: Count | None = None


class _Used(Struct):
    """OpenAI's names, then vLLM's."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_token_details: _InputParts | None = None
    output_token_details: _OutputParts | None = None
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None


class _Response(Struct):
    usage: Raw = _NULL


class _Transcription(Struct):
    model: str | None = None


class _AudioInput(Struct):
    transcription: _Transcription | None = None


class _Audio(Struct):
    input: _AudioInput | None = None


class _Session(Struct):
    audio: _Audio | None = None
    input_audio_transcription: _Transcription | None = None  # before the interface was general


class _Event(Struct):
    type: str = ""
    response: _Response | None = None
    usage: Raw = _NULL
    session: _Session | None = None


_EVENT = Decoder(_Event)
_NO_RESPONSE = _Response()
_USED = counts_decoder(_Used)
_NO_INPUT, _NO_CACHED, _NO_OUTPUT = _InputParts(), _CachedParts(), _OutputParts()


def is_wanted(beginning: bytes) -> bool:
    """Say by the beginning of an event whether it may say something of use; of one written oddly it may."""
    found = _TYPE.match(beginning)
    return found is None or found[1] in _WANTED


def read_event(message: bytes) -> Noted | None:
    """Read a server's event; None = it says nothing of use.

    Raises:
        Undecodable: It is no JSON object, or not of its type.
    """
    event = decoded(_EVENT, message)
    if event.type == _ANSWER_BEGAN:
        return AnswerBegan()
    if event.type == _ANSWERED:
        return Answered(read_usage((event.response or _NO_RESPONSE).usage))
    if event.type in _TRANSCRIBED:
        return Transcribed(read_usage(event.usage))
    if event.type in _SESSION and event.session is not None:
        return Listening(_transcriber(event.session))
    return None


def read_usage(member: Raw) -> Usage | None:
    """Read what was used; None where it is not told in tokens.

    What is cached of the sound counts as cached alone: it has the price of what is cached.
    """
    used = read_counts(_USED, member)
    if used is None:
        return None
    prompt = used.prompt_tokens if used.input_tokens is None else used.input_tokens
    output = used.completion_tokens if used.output_tokens is None else used.output_tokens
    if prompt is None and output is None:
        return None
    inputs, outputs = used.input_token_details or _NO_INPUT, used.output_token_details or _NO_OUTPUT
    cached_audio = (inputs.cached_tokens_details or _NO_CACHED).audio_tokens or 0
    return Usage(
        prompt or 0,
        output or 0,
        cached_tokens=inputs.cached_tokens or 0,
        audio_input_tokens=max(0, (inputs.audio_tokens or 0) - cached_audio),
        audio_output_tokens=outputs.audio_tokens or 0,
    )


def _transcriber(session: _Session) -> str:
    named = session.input_audio_transcription
    if named is None and session.audio is not None and session.audio.input is not None:
        named = session.audio.input.transcription
    return "" if named is None else named.model or ""
