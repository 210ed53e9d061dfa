"""Signatures as `thoughtSignature`, which is base64: to clients with its origin, to Google as Google wrote it.

Google's SDKs decode the member and encode it again, in the other alphabet of base64. So `core.signature`'s text, which
tells where a signature came from, is put into base64 once more; what a client sends without it is Google's own.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64encode, urlsafe_b64decode
from typing import NamedTuple

from proxy.core.conversation import Signature, Vendor
from proxy.core.signature import PREFIX, opened, sealed

# Stands for the signature of a call that another model made: the API asks for one and lets this one pass. Google's
# documentation gives the words, and the member takes them in base64.
# Source: https://ai.google.dev/gemini-api/docs/thought-signatures; BerriAI/litellm, tests of
# prompt_templates/factory.py (convert_to_gemini_tool_call_invoke: the same words, in base64), read 2026-11-20.
SKIP = b64encode(b"skip_thought_signature_validator").decode()

_HIDDEN = "hidden"  # before a seal: the whole thought is in the signature
_MARKS = (b64encode(PREFIX.encode()).decode(), b64encode(_HIDDEN.encode()).decode())  # of 3 and 6 bytes: no remainder

# How a seal begins in JSON: nine bytes, which are twelve letters, tell a vendor from any other text.
_BEGINNINGS = b"|".join([re.escape(b64encode((PREFIX + vendor)[:9].encode())) for vendor in Vendor])
_HINT = re.compile(re.escape(_MARKS[0].encode()))
SEALED = re.compile(b'"(?:%b)?(?:%b)' % (_MARKS[1].encode(), _BEGINNINGS))


class Opened(NamedTuple):
    """A signature as a client sent it. `redacted`: the thought has no text beside it."""

    signature: Signature
    redacted: bool = False


def may_be_sealed(body: bytes) -> bool:
    """Say yes of every body that holds a seal, and of hardly any other."""
    return _HINT.search(body) is not None


def seal(signature: Signature | None, *, redacted: bool = False) -> str | None:
    """Write a signature for a client of Google's dialect."""
    if signature is None:
        return None
    text = sealed(signature)
    if text is signature.value:
        return text
    return b64encode(((_HIDDEN if redacted else "") + text).encode()).decode()


def unseal(value: str) -> Opened:
    """Read a signature that a client of Google's dialect sent back."""
    if not value.startswith(_MARKS):
        return Opened(Signature(Vendor.GOOGLE, "", value))
    padded = value.replace("+", "-").replace("/", "_") + "=" * (-len(value) % 4)
    try:
        text = urlsafe_b64decode(padded).decode()
    except (binascii.Error, ValueError):
        return Opened(Signature(Vendor.GOOGLE, "", value))
    inner = text.removeprefix(_HIDDEN)
    signature = opened(inner, Vendor.GOOGLE)
    if signature.value is inner:  # no seal
        return Opened(Signature(Vendor.GOOGLE, "", value))
    return Opened(signature, redacted=inner is not text)
