"""Pictures, speech and transcriptions: small real files made here, and words about a sound's size.

Source: openai 3.51.0, `types/image_generate_params.py`, `types/images_response.py`, `types/audio/`, and for speech in
events async-openai 0.31, `types/audio/stream.rs`, read 2026-11-20.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import orjson

from proxy.core.call import Dialect
from proxy.core.errors import MalformedRequest
from proxy.core.usage import Usage
from proxy.simulator.answers import Serial, Speaker
from proxy.simulator.dialects.service import Service, always, plain
from proxy.simulator.frames import Frame, Part
from proxy.simulator.framing import unframed
from proxy.simulator.multipart import Form, parse_form
from proxy.simulator.paths import Endpoint, Operation
from proxy.simulator.question import Content, Question
from proxy.simulator.request import Head, decode
from proxy.simulator.shapes import (
    Json,
    Kind,
    Misfit,
    Wrong,
    bracketed,
    decoded,
    either,
    held,
    mapping,
    number,
    one_of,
    shape,
    text,
    whole,
)
from proxy.simulator.text import Tokens, count_tokens, tokenise
from proxy.simulator.vendorrows import INVALID, Row
from proxy.simulator.vendors import Refused
from proxy.simulator.wires import COMPATIBLE, Wire

_IMAGE_TOKENS = 272
_SAMPLES_PER_TOKEN = 800
_RATE_HZ = 8_000
_SPEECH_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
_TRANSCRIPTS = ("json", "text", "srt", "vtt", "verbose_json")
_SPEECH = shape(
    {
        "model": text,
        "input": text,
        "voice": either(text, mapping),
        "instructions": text,
        "response_format": one_of(*_SPEECH_TYPES),
        "speed": number(0.25, 4),
        "stream_format": one_of("audio", "sse"),
    },
    ("model", "input", "voice"),
)
_IMAGES = shape(
    {
        "model": text,
        "prompt": text,
        "n": whole(1, 10),
        "size": text,
        "quality": text,
        "response_format": one_of("url", "b64_json"),
        "output_format": one_of("png", "webp", "jpeg"),
        **{name: text for name in ("background", "moderation", "style", "user", "safety_identifier")},
        **{name: whole(0, 100) for name in ("output_compression", "partial_images")},
    },
    ("prompt",),
    nulls=True,
)


def _checked(question: Question, kind: Kind) -> Json:
    return held(decoded(question.body), kind, _refusal)


def _refusal(misfit: Misfit) -> Refused:
    place = bracketed(misfit.path)
    code = {Wrong.UNKNOWN: "unknown_parameter", Wrong.MISSING: "missing_required_parameter"}.get(misfit.wrong)
    message = f"{misfit.wrong.value.capitalize()} parameter: '{place}'. {misfit.wanted}".strip()
    return Refused(Row(400, message, INVALID, code or "invalid_value", place))


def _draw(question: Question, _: Speaker, serial: Serial) -> Content:
    body = _checked(question, _IMAGES)
    picture = base64.b64encode(_png()).decode()
    by_address = body.get("response_format") == "url" or (
        "dall-e" in question.model and body.get("response_format") is None
    )
    image = {"url": f"https://simulator.invalid/{serial.number}.png"} if by_address else {"b64_json": picture}
    count = body.get("n") or 1
    usage = Usage(prompt_tokens=count_tokens([body["prompt"]]), completion_tokens=_IMAGE_TOKENS * count)
    counts = {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"text_tokens": usage.prompt_tokens, "image_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
    answer = {"created": serial.created_s, "data": [image] * count, "usage": counts}
    return plain(answer, usage)


def _speak(question: Question, _: Speaker, __: Serial) -> Content:
    """Answer with silence, a piece for each token of what should be said."""
    body = _checked(question, _SPEECH)
    kind = body.get("response_format", "mp3")
    pieces = _sound(kind, len(tokenise(body["input"])))
    usage = Usage(prompt_tokens=count_tokens([body["input"]]), completion_tokens=len(pieces) - 1)
    if _is_in_events(question):
        return Content(partial(b"".join, pieces), partial(_spoken_frames, pieces, usage), usage)
    return Content(partial(b"".join, pieces), partial(_pieces, pieces), usage, _SPEECH_TYPES[kind])


def _sound(kind: str, tokens: int) -> list[bytes]:
    """Return a head and as many pieces as there are tokens; only `wav` and `pcm` are sounds that can be played."""
    piece = b"\0" * 2 * _SAMPLES_PER_TOKEN
    size = len(piece) * tokens
    layout = struct.pack("<IHHIIHH", 16, 1, 1, _RATE_HZ, 2 * _RATE_HZ, 2, 16)
    wav = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + layout + b"data" + struct.pack("<I", size)
    heads = {
        "wav": wav,
        "pcm": b"",
        "mp3": b"ID3\x04\0\0\0\0\0\0",
        "opus": b"OggS",
        "flac": b"fLaC",
        "aac": b"\xff\xf1",
    }
    return [heads[kind], *[piece] * tokens]


def _pieces(pieces: list[bytes]) -> Iterator[Frame]:
    head, *rest = pieces
    yield Frame(Part.ROLE, head)
    for piece in rest:
        yield Frame(Part.TOKEN, piece)


def _spoken_frames(pieces: list[bytes], usage: Usage) -> Iterator[Frame]:
    for piece in filter(None, pieces):
        sound = base64.b64encode(piece).decode()
        yield Frame(Part.TOKEN, orjson.dumps({"type": "speech.audio.delta", "audio": sound}))
    counts = _counts(usage)
    del counts["type"]
    yield Frame(Part.FINISH, orjson.dumps({"type": "speech.audio.done", "usage": counts}))


def _transcribe(question: Question, speaker: Speaker, _: Serial) -> Content:
    form = parse_form(question.body, question.sent.headers.get("content-type", ""))
    sound = form.files.get("file")
    if sound is None:
        raise Refused(Row(400, "Missing required parameter: 'file'.", INVALID, "missing_required_parameter", "file"))
    kind = form.fields.get("response_format", "json")
    if kind not in _TRANSCRIPTS:
        raise MalformedRequest(f"response_format must be one of {', '.join(_TRANSCRIPTS)}.", param="response_format")
    words = f"This text is simulated by {speaker.provider}: the sound had {sound.size_bytes} bytes."
    tokens = tokenise(words)
    usage = Usage(prompt_tokens=max(1, sound.size_bytes // 1000), completion_tokens=len(tokens))
    written = "text/plain; charset=utf-8" if kind in ("text", "srt", "vtt") else "application/json"
    stream = partial(_transcript_frames, tokens, usage) if question.head.stream else None
    return Content(partial(_transcript, words, kind, usage), stream, usage, written)


def _transcript(words: str, kind: str, usage: Usage) -> bytes:
    match kind:
        case "text":
            return words.encode() + b"\n"
        case "srt":
            return f"1\n00:00:00,000 --> 00:00:01,000\n{words}\n\n".encode()
        case "vtt":
            return f"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n{words}\n\n".encode()
        case "verbose_json":
            return orjson.dumps(
                {"task": "transcribe", "language": "english", "duration": 1.0, "text": words, "segments": []}
            )
        case _:
            return orjson.dumps({"text": words, "usage": _counts(usage)})


def _transcript_frames(tokens: Tokens, usage: Usage) -> Iterator[Frame]:
    for token in tokens:
        yield Frame(Part.TOKEN, orjson.dumps({"type": "transcript.text.delta", "delta": token}))
    done = {"type": "transcript.text.done", "text": "".join(tokens), "usage": _counts(usage)}
    yield Frame(Part.FINISH, orjson.dumps(done))
    yield Frame(Part.DONE, b"[DONE]")


def _counts(usage: Usage) -> Json:
    total = usage.prompt_tokens + usage.completion_tokens
    counts = {"input_tokens": usage.prompt_tokens, "output_tokens": usage.completion_tokens, "total_tokens": total}
    return {"type": "tokens", **counts}


def _form_head(body: bytes, headers: Mapping[str, str]) -> Head:
    form: Form = parse_form(body, headers.get("content-type", ""))
    return Head(model=form.fields.get("model"), stream=form.fields.get("stream") == "true")


def _png() -> bytes:
    """Write a white picture of one pixel."""
    parts = (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0\xff")), (b"IEND", b"")
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


class _SpeechHead(Head):
    stream_format: Any = None


def _speech_head(body: bytes, _: Mapping[str, str]) -> Head:
    return decode(body, _SpeechHead)


def _is_in_events(question: Question) -> bool:
    return isinstance(question.head, _SpeechHead) and question.head.stream_format == "sse"


def _sound_wire(question: Question) -> Wire:
    return COMPATIBLE if _is_in_events(question) else COMPATIBLE._replace(framing=unframed(""))


SERVICES = {
    Endpoint.IMAGES: Service(Dialect.OPENAI_CHAT, Operation.IMAGES, _draw),
    Endpoint.SPEECH: Service(
        Dialect.OPENAI_CHAT, Operation.SPEECH, _speak, _sound_wire, stream=always, read_head=_speech_head
    ),
    Endpoint.TRANSCRIPTIONS: Service(Dialect.OPENAI_CHAT, Operation.TRANSCRIPTIONS, _transcribe, read_head=_form_head),
}
