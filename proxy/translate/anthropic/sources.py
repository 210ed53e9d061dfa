"""Where an image or a document comes from, read and written: base64, URL, plain text, a file kept by Anthropic.

Fetches nothing. Source: anthropic SDK 2.11.0 (types/base64_image_source_param.py, base64_pdf_source_param.py,
plain_text_source_param.py, file_document_source_param.py), read 2026-11-20.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from proxy.apischema import anthropic as wire
from proxy.core.conversation import Document, FileRef, Image, Inline, Link, Source, Vendor
from proxy.core.translation import Undecodable, Untranslatable
from proxy.translate.claude import Generation
from proxy.translate.media import image_type, words_of

FILES_BETA = "files-api-2025-04-14"
_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})


def read_source(source: wire.Source, where: str) -> Source | None:
    """Read a source; None where it is of a type that only Anthropic has.

    Raises:
        Undecodable: The member its type speaks of is missing.
    """
    value = {"base64": source.data, "text": source.data, "url": source.url, "file": source.file_id}.get(source.type)
    if value is None:
        if source.type in ("base64", "text", "url", "file"):
            raise Undecodable(f"{where}.source: incomplete.", param=f"{where}.source")
        return None
    match source.type:
        case "base64":
            return Inline(source.media_type or "", value)
        case "text":
            return Inline("text/plain", b64encode(value.encode(errors="replace")).decode())
        case "url":
            return Link(value)
    return FileRef(Vendor.ANTHROPIC, value)


def write_image(image: Image, takes: Generation, where: str) -> dict[str, object]:
    """Write an image block.

    Raises:
        Untranslatable: Its format or its source is none that the model takes.
    """
    source = image.source
    if isinstance(source, Inline):
        kind = image_type(source.media_type)
        if kind not in _IMAGES:
            raise Untranslatable("Claude reads JPEG, PNG, GIF and WebP images only.", param=where, capability="images")
        return {"type": "image", "source": _base64(source, kind)}
    return {"type": "image", "source": _elsewhere(source, takes, where, "images")}


def write_document(document: Document, takes: Generation, where: str) -> dict[str, object]:
    """Write a document block: a PDF, or plain text as its words.

    Raises:
        Untranslatable: It is neither, or its source is none that the model takes.
    """
    source = document.source
    written: Mapping[str, object]
    if not isinstance(source, Inline):
        written = _elsewhere(source, takes, where, "")
    elif source.media_type == "application/pdf":
        written = _base64(source, source.media_type)
    elif source.media_type.startswith("text/"):
        written = {"type": "text", "media_type": "text/plain", "data": words_of(source, where)}
    else:
        raise Untranslatable("Claude reads PDF and plain text documents only.", param=where)
    block: dict[str, object] = {"type": "document", "source": written}
    if document.name:
        block["title"] = document.name
    return block


def _base64(source: Inline, kind: str) -> dict[str, object]:
    return {"type": "base64", "media_type": kind, "data": source.data}


def _elsewhere(source: Link | FileRef, takes: Generation, where: str, capability: str) -> dict[str, object]:
    if isinstance(source, FileRef):
        if source.vendor is not Vendor.ANTHROPIC or not takes.files:
            raise Untranslatable("This upstream cannot read that file id; send the file itself.", param=where)
        return {"type": "file", "file_id": source.id}
    if not takes.image_urls or not source.url.startswith(("https://", "http://")):
        raise Untranslatable(
            "This upstream cannot fetch that URL; send the content as base64.", param=where, capability=capability
        )
    return {"type": "url", "url": source.url}
