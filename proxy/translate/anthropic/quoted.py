"""What a client quotes in blocks that only Anthropic has: search results, and documents made of blocks.

Other vendors get it as a document of plain text; Anthropic gets the block back as it came.

Source: anthropic SDK 2.11.0 (types/search_result_block_param.py, types/content_block_source_param.py), read 2026-11-20.
"""

from __future__ import annotations

from base64 import b64encode

import msgspec
from msgspec import Raw

from proxy.apischema import anthropic as wire
from proxy.core.conversation import CacheMark, Document, Inline
from proxy.wire.typedjson import decoded

_CONTENT: msgspec.json.Decoder[str | list[wire.Block]] = msgspec.json.Decoder(str | list[wire.Block])


def is_quoted(block: wire.Block) -> bool:
    """Say whether a block is one of those."""
    if block.type == "search_result":
        return True
    return block.type == "document" and isinstance(block.source, wire.Source) and block.source.type == "content"


def read_quoted(block: wire.Block, where: str, cache: CacheMark | None) -> Document | None:
    """Read its words; None where it holds more than words, which nothing else can stand for."""
    content = block.source.content if isinstance(block.source, wire.Source) else block.content
    texts = _texts(content, where) if isinstance(content, Raw) else None
    if texts is None:
        return None
    if isinstance(block.source, str):
        texts.insert(0, "\n".join([line for line in (block.title, block.source) if line]))
    data = b64encode("\n\n".join(texts).encode(errors="replace")).decode()
    return Document(Inline("text/plain", data), block.title or "", cache)


def _texts(content: Raw, where: str) -> list[str] | None:
    blocks = decoded(_CONTENT, content, f"{where}.content")
    if isinstance(blocks, str):
        return [blocks]
    return [block.text or "" for block in blocks] if all(block.type == "text" for block in blocks) else None
