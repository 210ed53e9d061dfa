"""The content of messages: OpenAI's parts to and from the hub's.

An unknown type of part is refused, since it is something the client wants understood. Never fetches a link.

Source: OpenAI Python SDK 3.51.0, types/chat/chat_completion_content_part_param.py, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from mimetypes import guess_type
from typing import Any

from proxy.apischema import openai_chat as schema
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
    Thinking,
    Vendor,
)
from proxy.core.translation import Undecodable
from proxy.translate.media import file_name, read_url, words_of, write_url
from proxy.translate.openai_chat.unsupported import refused

_AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_AUDIO_FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
_LONG_TTLS = ("1h", "30m", "12h")  # what is kept longer than Anthropic's five minutes is kept for its hour


def decode_cache(*controls: schema.CacheControl | None) -> CacheMark | None:
    """Read the first cache mark that is there."""
    for control in controls:
        if control is not None:
            return CacheMark("1h" if control.ttl in _LONG_TTLS else control.ttl if control.ttl == "5m" else "")
    return None


def encode_cache(mark: CacheMark) -> dict[str, str]:
    """Write a cache mark in Anthropic's words, which OpenRouter, LiteLLM and DashScope read."""
    return {"type": "ephemeral", "ttl": mark.ttl} if mark.ttl else {"type": "ephemeral"}


def decode_parts(content: str | Sequence[schema.ContentPart] | None, where: str) -> list[Part]:
    """Read the content of one message.

    Args:
        where: The content's path, for errors.

    Raises:
        Undecodable: A part of an unknown type, or without the member that its type asks for.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content)] if content else []
    return [decode_part(part, where, index) for index, part in enumerate(content)]


def decode_part(part: schema.ContentPart, where: str, index: int) -> Part:
    """Read one part; see `decode_parts`."""
    if part.type == "text" and part.text is not None:
        if part.cache_control is None and part.prompt_cache_breakpoint is None:
            return Text(part.text)
        return Text(part.text, decode_cache(part.cache_control, part.prompt_cache_breakpoint))
    read = _READERS.get(part.type)
    if read is None:
        param = f"{where}[{index}].type"
        raise Undecodable(f"`{param}` is not a type of content part that can be translated.", param=param)
    found = read(part, f"{where}[{index}].{part.type}")
    if found is None:
        param = f"{where}[{index}].{part.type}"
        raise Undecodable(f"`{param}` is missing.", param=param)
    return found


def _image(part: schema.ContentPart, where: str) -> Image | None:
    image = part.image_url
    if image is None:
        return None
    cache = decode_cache(part.cache_control, part.prompt_cache_breakpoint)
    if isinstance(image, str):
        return Image(read_url(image, where), "", cache)
    return Image(read_url(image.url, f"{where}.url"), image.detail or "", cache)


def _audio(part: schema.ContentPart, where: str) -> Audio | None:
    audio = part.input_audio
    if audio is None:
        return None
    if audio.data.startswith(("data:", "http://", "https://")):
        return Audio(read_url(audio.data, f"{where}.data"), audio.format)
    return Audio(Inline(_AUDIO_TYPES.get(audio.format, f"audio/{audio.format or 'wav'}"), audio.data), audio.format)


def _file(part: schema.ContentPart, where: str) -> Document | None:
    file = part.file
    if file is None:
        return None
    name, data = file.filename or "", file.file_data
    cache = decode_cache(part.cache_control, part.prompt_cache_breakpoint)
    if file.file_id:
        return Document(FileRef(Vendor.OPENAI, file.file_id), name, cache)
    if data is None:
        return None
    if data.startswith(("data:", "http://", "https://")):
        return Document(read_url(data, f"{where}.file_data"), name, cache)
    return Document(Inline(guess_type(name)[0] or "application/pdf", data), name, cache)


def _refusal(part: schema.ContentPart, where: str) -> Refusal | None:
    return None if part.refusal is None else Refusal(part.refusal)


def _thinking(part: schema.ContentPart, where: str) -> Thinking | None:
    return None if part.thinking is None else Thinking(thought_text(part.thinking))


_READERS: dict[str, Callable[[schema.ContentPart, str], Part | None]] = {
    "text": lambda part, where: None,
    "image_url": _image,
    "input_audio": _audio,
    "file": _file,
    "refusal": _refusal,
    "thinking": _thinking,
}


def thought_text(thinking: str | Sequence[schema.ContentPart]) -> str:
    """Join what Mistral writes as a list of texts."""
    return thinking if isinstance(thinking, str) else "".join([part.text or "" for part in thinking])


def encode_part(part: Part, where: str, *, caches: bool) -> dict[str, Any] | None:
    """Write one part of a user's message; None for what has no place there.

    Args:
        where: The part's path in the client's request, for errors.
        caches: The upstream takes cache marks.

    Raises:
        Untranslatable: OpenAI chat has no form for it.
    """
    match part:
        case Text(text=text, cache=cache):
            written: dict[str, Any] = {"type": "text", "text": text}
        case Image(cache=cache):
            written = {"type": "image_url", "image_url": _image_url(part, where)}
        case Document(cache=cache):
            written = _document(part, where)
        case Audio(source=Inline(media_type=media_type, data=data)):
            form = part.format or _AUDIO_FORMATS.get(media_type) or media_type.removeprefix("audio/")
            return {"type": "input_audio", "input_audio": {"data": data, "format": form}}
        case Audio():
            raise refused("audio_url", where)
        case _:
            return None
    if caches and cache is not None:
        written["cache_control"] = encode_cache(cache)
    return written


def _image_url(part: Image, where: str) -> dict[str, str]:
    source = part.source
    if isinstance(source, FileRef):
        raise refused("image_file", where)
    return {"url": write_url(source), "detail": part.detail} if part.detail else {"url": write_url(source)}


def _document(part: Document, where: str) -> dict[str, Any]:
    source = part.source
    if isinstance(source, Link):
        raise refused("document_url", where)
    if isinstance(source, FileRef):
        if source.vendor is not Vendor.OPENAI:
            raise refused("foreign_file", where)
        return {"type": "file", "file": {"file_id": source.id}}
    if source.media_type.startswith("text/"):
        return {"type": "text", "text": words_of(source, where)}
    name = file_name(part.name, source.media_type)
    return {"type": "file", "file": {"filename": name, "file_data": write_url(source)}}
