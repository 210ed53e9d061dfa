"""Errors inside a success: found in a whole answer or a stream frame, and given the status they would have had.

Runs on every frame, so it decodes nothing where a look at the bytes tells that no error is there. Never judges what an
error means.

Source: stream readers of openai 3.51.0, openrouter 1.3.84, groq 1.7.0 and dashscope 2.0.2, read 2026-11-20.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from proxy.providers.errorbody import ErrorBody
from proxy.providers.signalrows.shared import STATUS_BY_NAME
from proxy.wire.jsonbody import readable

DEFAULT_STATUS = 502

_NULL = Raw(b"null")
_NOTHING = frozenset({b"null", b"false", b'""', b"{}", b"[]", b"0"})
_FINISHED_IN_ERROR = re.compile(rb'"finish_reason"\s*:\s*"error"')


class _Envelope(msgspec.Struct):
    """The members by which an error inside a success is known."""

    error: Raw = _NULL
    code: Raw = _NULL
    object: Raw = _NULL
    message: Raw = _NULL
    choices: Raw = _NULL
    output: Raw = _NULL
    x_groq: Raw = _NULL


_ONE = msgspec.json.Decoder(_Envelope)
_MANY = msgspec.json.Decoder(list[_Envelope])


def told_error(payload: bytes) -> bytes | None:
    """Cut the error out of a success.

    Args:
        payload: JSON; what is not JSON holds no error here.

    Returns:
        JSON for `errorbody.read_error`; None where the payload holds no error.
    """
    if b'"error"' not in payload and b'"code"' not in payload:
        return None
    try:
        if payload.lstrip()[:1] == b"[":
            return payload if any(_is_there(item.error) for item in _MANY.decode(payload)[:1]) else None
        envelope = _ONE.decode(payload)
        # 1. The usual member. 2. An object that calls itself an error.
        if _is_there(envelope.error) or bytes(envelope.object) == b'"error"':
            return payload
        # 3. Groq's side channel.
        if _is_there(envelope.x_groq) and _is_there(_ONE.decode(envelope.x_groq).error):
            return bytes(envelope.x_groq)
    except (ValueError, RecursionError):
        plain = readable(payload)
        return None if plain == payload else told_error(plain)
    # 4. DashScope: a business code and a message instead of an answer.
    answered = _is_there(envelope.choices) or _is_there(envelope.output)
    if _is_there(envelope.code) and _is_there(envelope.message) and not answered:
        return payload
    # 5. OpenRouter, where the chunk says no more.
    return b"{}" if _FINISHED_IN_ERROR.search(envelope.choices) else None


def effective_status(error: ErrorBody) -> int:
    """Tell which HTTP status an error would have had: its own number, else by its names, else 502."""
    for text in (error.code or "", *sorted(error.names)):
        if text.isdecimal() and len(text) == 3 and 400 <= int(text) <= 599:
            return int(text)
    for pattern, status in STATUS_BY_NAME:
        if any(re.fullmatch(pattern, name) for name in error.names):
            return status
    return DEFAULT_STATUS


def _is_there(member: Raw) -> bool:
    return bytes(member) not in _NOTHING
