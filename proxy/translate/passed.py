"""What passes as it came, as far as it is read: what an answer says it used, and how a stream of it ends.

Images, recordings, transcripts and rankings, in OpenAI's shapes and those of Cohere and Jina for the last. Never
changes a byte.

Sources, read 2026-11-20: openai 3.51.0 types/images_response.py, image_gen_completed_event.py,
image_edit_completed_event.py, audio/transcription.py, audio/transcription_text_done_event.py and
audio/transcription_stream_event.py; together 3.1.1 types/rerank_create_response.py; jina.ai/reranker (usage);
async-openai 0.31 types/audio/stream.rs (the events of speech, which OpenAI's own types leave out).
"""

from __future__ import annotations

from typing import TypeVar

from msgspec import Raw, Struct
from msgspec.json import Decoder as JsonDecoder
from msgspec.structs import replace

from proxy.apischema.charged import Charged
from proxy.core.conversation import Finish
from proxy.core.streamparts import Counted, Failed, Finished, StreamPart, TextDelta
from proxy.core.translation import Undecodable
from proxy.core.usage import Count, Usage
from proxy.translate.charged import reported_nusd
from proxy.translate.counts import counts_decoder, read_counts
from proxy.wire.jsonbody import readable

_T = TypeVar("_T")
_NONE = b"null"
_NULL = Raw(_NONE)

DONE = b"[DONE]"
_SPOKEN = "speech.audio.done"
_SPOKEN_MARK = _SPOKEN.encode()


class _Details(Struct):
    audio_tokens: Count | None = None


class _Used(Charged):
    """OpenAI's names for images and sounds, then its older ones, then OpenRouter's for rankings."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_token_details: _Details | None = None
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    search_units: Count | None = None


class _Answer(Struct):
    usage: Raw = _NULL


class _Event(_Answer):
    type: str = ""
    error: Raw = _NULL


_ANSWER = JsonDecoder(_Answer)
_EVENT = JsonDecoder(_Event)
_USED = counts_decoder(_Used)
_LAST = (".completed", ".done")  # how the types of events end that carry all of it


def read_usage(body: bytes) -> Usage | None:
    """Read what a whole answer says it used; None where it does not, or says it in seconds.

    Raises:
        Undecodable: It is no JSON object.
    """
    return _usage(_read(_ANSWER, body))


def read_spoken(data: bytes) -> Usage | None:
    """Read what an event of spoken words says that they used; None for nearly all, which are sound."""
    if data.find(_SPOKEN_MARK) < 0:
        return None
    try:
        event = _read(_EVENT, data)
    except Undecodable:
        return None
    usage = _usage(event) if event.type == _SPOKEN else None
    return None if usage is None else replace(usage, audio_output_tokens=usage.completion_tokens)


class Decoder:
    """One stream of partial images or of a transcript. It ends by its end, or by `[DONE]` where a vendor sends that."""

    def __init__(self) -> None:
        self.done = False

    def feed(self, name: str, data: bytes) -> list[StreamPart]:
        """See `core.translation.StreamDecoder`."""
        if data.strip() == DONE:
            self.done = True
            return []
        event = _read(_EVENT, data)
        if event.type == "error" or bytes(event.error) != _NONE:
            return [Failed(data)]
        usage = _usage(event)
        parts: list[StreamPart] = [] if usage is None else [Counted(usage)]
        return [*parts, Finished(Finish.STOP) if event.type.endswith(_LAST) else TextDelta("")]

    def finish(self) -> list[StreamPart]:
        """See `core.translation.StreamDecoder`."""
        return []


def _read(decoder: JsonDecoder[_T], payload: bytes) -> _T:
    try:
        return decoder.decode(payload)
    except (ValueError, RecursionError):
        try:
            return decoder.decode(readable(payload))
        except (ValueError, RecursionError) as exc:
            raise Undecodable("not a JSON object") from exc


def _usage(answer: _Answer) -> Usage | None:
    used = read_counts(_USED, answer.usage)
    if used is None:
        return None
    prompt = next((n for n in (used.input_tokens, used.prompt_tokens, used.total_tokens) if n is not None), 0)
    output = used.output_tokens if used.output_tokens is not None else used.completion_tokens or 0
    audio = used.input_token_details.audio_tokens if used.input_token_details is not None else None
    searches, charged = used.search_units or 0, reported_nusd(used)
    if not (prompt or output or searches) and charged is None:
        return None
    return Usage(prompt, output, audio_input_tokens=audio or 0, reported_cost_nusd=charged, searches=searches)
