"""The content of messages and of tools' results: the parts of OpenAI Responses to and from the hub's.

Source: OpenAI Python SDK 3.51.0, types/responses/response_input_content_param.py, response_output_text.py, read
2026-11-20.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from mimetypes import guess_type
from typing import Any

from proxy.apischema import openai_responses as schema
from proxy.core.conversation import (
    Audio,
    CacheMark,
    Document,
    FileRef,
    Image,
    Inline,
    Link,
    Part,
    Refusal,
    Text,
    Vendor,
)
from proxy.core.translation import Undecodable
from proxy.translate.media import file_name, read_url, write_url
from proxy.translate.openai_responses.unsupported import refused

_AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}


def decode_parts(content: str | Sequence[schema.Part] | None, where: str) -> list[Part]:
    """Read the content of one item.

    Args:
        where: The content's path, for errors.

    Raises:
        Undecodable: A part of an unknown type, or without the member that its type asks for.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content)] if content else []
    return [_part(part, f"{where}[{index}]") for index, part in enumerate(content)]


def _part(part: schema.Part, where: str) -> Part:
    read = _READERS.get(part.type)
    if read is None:
        raise Undecodable(
            f"`{where}.type` is not a type of content part that can be translated.", param=f"{where}.type"
        )
    found = read(part, where)
    if found is None:
        raise Undecodable(f"`{where}` lacks the member that its type asks for.", param=where)
    return found


def _cache(part: schema.Part) -> CacheMark | None:
    """OpenAI keeps what is marked for half an hour at least, for which Anthropic's longer time is the nearest."""
    mark = part.prompt_cache_breakpoint
    return None if mark is None else CacheMark("1h" if mark.ttl else "")


def _text(part: schema.Part, where: str) -> Text | None:
    return None if part.text is None else Text(part.text, _cache(part))


def _image(part: schema.Part, where: str) -> Image | None:
    if part.file_id:
        return Image(FileRef(Vendor.OPENAI, part.file_id), part.detail or "", _cache(part))
    if part.image_url is None:
        return None
    return Image(read_url(part.image_url, f"{where}.image_url"), part.detail or "", _cache(part))


def _file(part: schema.Part, where: str) -> Document | None:
    name, cache = part.filename or "", _cache(part)
    if part.file_id:
        return Document(FileRef(Vendor.OPENAI, part.file_id), name, cache)
    if part.file_url:
        return Document(Link(part.file_url), name, cache)
    if part.file_data is None:
        return None
    if part.file_data.startswith("data:"):
        return Document(read_url(part.file_data, f"{where}.file_data"), name, cache)
    return Document(Inline(guess_type(name)[0] or "application/pdf", part.file_data), name, cache)


def _audio(part: schema.Part, where: str) -> Audio | None:
    audio = part.input_audio
    if audio is None:
        return None
    return Audio(Inline(_AUDIO_TYPES.get(audio.format, f"audio/{audio.format or 'wav'}"), audio.data), audio.format)


def _refusal(part: schema.Part, where: str) -> Refusal | None:
    return None if part.refusal is None else Refusal(part.refusal)


_READERS: dict[str, Callable[[schema.Part, str], Part | None]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
    "refusal": _refusal,
}


def encode_part(part: Part, where: str) -> dict[str, Any] | None:
    """Write one part of a user's message or of a tool's result; None for what has no place there.

    Raises:
        Untranslatable: Responses has no form for it.
    """
    match part:
        case Text(text=text):
            return {"type": "input_text", "text": text}
        case Image(source=source, detail=detail):
            written = {"type": "input_image", "detail": detail or "auto"}
            if isinstance(source, FileRef):
                return {**written, "file_id": _own_file(source, where)}
            return {**written, "image_url": write_url(source)}
        case Document(source=Link(url=url)):
            return {"type": "input_file", "file_url": url}
        case Document(source=FileRef() as source):
            return {"type": "input_file", "file_id": _own_file(source, where)}
        case Document(source=Inline() as source, name=name):
            named = file_name(name, source.media_type)
            return {"type": "input_file", "filename": named, "file_data": write_url(source)}
        case Audio():
            raise refused("audio_input", where)
        case _:
            return None


def _own_file(source: FileRef, where: str) -> str:
    if source.vendor is not Vendor.OPENAI:
        raise refused("foreign_file", where)
    return source.id
