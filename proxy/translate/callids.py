"""Ids of tool calls that a vendor refuses, made fit: the same one always becomes the same, different ones differ.

Source: OpenAI's 400 as BerriAI/litellm#17343 (chat: 40 letters) and decolua/9router#393 (Responses: 64) quote it;
Mistral's nine letters: vercel/ai packages/amazon-bedrock/src/normalize-tool-call-id.ts, read 2026-11-20.
"""

from __future__ import annotations

import re
from hashlib import sha256

LONGEST_CHAT, LONGEST_RESPONSES = 40, 64
_NINE = re.compile(r"[a-zA-Z0-9]{9}")


def shortened(call_id: str, longest: int) -> str:
    """Give an id of at most so many letters; one that fits stays."""
    return call_id if len(call_id) <= longest else f"call_{_digest(call_id)[:32]}"


def nine_letters(call_id: str) -> str:
    """Give an id of nine letters and digits; one that is so stays."""
    return call_id if _NINE.fullmatch(call_id) else _digest(call_id)[:9]


def _digest(call_id: str) -> str:
    return sha256(call_id.encode(errors="replace")).hexdigest()
