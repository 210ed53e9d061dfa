"""Images, sound and files between Google's `inlineData` and `fileData` and the hub. Never fetches anything.

Google has one part for all media and tells them apart by their type, which it also wants of a file that is only linked
to. Links: gs:// and the Files API everywhere, https since January 2026.

Sources, read 2026-11-20: google-genai SDK 3.4.0, google/genai/types.py (Blob, FileData);
https://ai.google.dev/gemini-api/docs/file-input-methods.
"""

from __future__ import annotations

from typing import Any

from proxy.apischema.gemini import Blob, FileData
from proxy.core.conversation import Audio, Document, FileRef, Image, Inline, Link, Source, Vendor
from proxy.core.translation import Untranslatable
from proxy.translate.gemini.vocab import AUDIO_FORMATS, AUDIO_TYPES, GOOGLES_TYPES, TYPES_BY_ENDING

FILES = "generativelanguage.googleapis.com/"  # where the Files API keeps what was uploaded
_SCHEMES = ("https://", "http://", "gs://")

Media = Image | Audio | Document


def read_blob(blob: Blob) -> Media:
    """Read bytes. Google takes both alphabets of base64, and its SDKs write the one for URLs; others take it not.

    Source: google-genai SDK 3.4.0, google/genai/_common.py (encode_unserializable_types), read 2026-11-20.
    """
    data = blob.data
    if "-" in data or "_" in data:
        data = data.replace("-", "+").replace("_", "/")
    return _medium(Inline(blob.mime_type, data), blob.mime_type, "")


def read_file(file: FileData) -> Media:
    kind = file.mime_type or _guessed(file.file_uri, "")
    kept = FILES in file.file_uri or not file.file_uri.startswith(_SCHEMES)
    source = FileRef(Vendor.GOOGLE, file.file_uri, kind) if kept else Link(file.file_uri, kind)
    return _medium(source, kind, file.display_name or "")


def write_medium(part: Media, param: str) -> dict[str, Any]:
    """Write a part with media in it.

    Raises:
        Untranslatable: It is a file of another vendor, or on a link that Google cannot follow.
    """
    source = part.source
    if isinstance(source, Inline):
        return {"inlineData": {"mimeType": _type(part, source.media_type, ""), "data": source.data}}
    return {"fileData": _file(part, source, param)}


def _medium(source: Source, kind: str, name: str) -> Media:
    family, _, subtype = kind.lower().partition("/")
    if family == "image":
        return Image(source)
    if family == "audio":
        plain = kind.lower().partition(";")[0]
        return Audio(source, AUDIO_FORMATS.get(plain, subtype.partition(";")[0]))
    return Document(source, name)


def _file(part: Media, source: Link | FileRef, param: str) -> dict[str, str]:
    if isinstance(source, Link):
        if not source.url.startswith(_SCHEMES):
            raise Untranslatable(
                "Gemini models cannot read files from this kind of URL; send the file in the request.", param=param
            )
        return {"mimeType": _type(part, source.media_type, source.url), "fileUri": source.url}
    if source.vendor is not Vendor.GOOGLE:
        raise Untranslatable(
            "The file id belongs to another vendor; send the file in the request instead.", param=param
        )
    return {"mimeType": _type(part, source.media_type, source.id), "fileUri": source.id}


def _type(part: Media, stated: str, url: str) -> str:
    if stated:
        return GOOGLES_TYPES.get(stated, stated)
    if isinstance(part, Image):
        return _guessed(url, "image/jpeg")
    if isinstance(part, Audio):
        return AUDIO_TYPES.get(part.format) or _guessed(url, "audio/wav")
    return _guessed(part.name, "") or _guessed(url, "application/pdf")


def _guessed(url: str, default: str) -> str:
    path = url.partition("?")[0].partition("#")[0]
    return TYPES_BY_ENDING.get(path.rpartition(".")[2].lower(), default)
