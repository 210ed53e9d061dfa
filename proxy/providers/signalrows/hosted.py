"""Hosted vendors of the OpenAI dialect whose signals fit on a few rows: Fireworks, Groq, Mistral, DeepSeek, Together.

Source: groq 1.7.0, mistralai 3.7.0; console.groq.com/docs/errors and rate-limits; docs.fireworks.ai, docs.mistral.ai,
api-docs.deepseek.com and docs.together.ai error pages; BerriAI/litellm#25078, continuedev/continue#6185 (Mistral's
capacity), read 2026-11-20; earendil-works/pi#3636, abhigyanpatwari/GitNexus#43 (DeepSeek's lost
thoughts), read 2026-11-21.
"""

from __future__ import annotations

from proxy.core.failure import SIGNATURES, FailureKind
from proxy.providers.signal import Signal, Window

FIREWORKS: tuple[Signal, ...] = (
    Signal(FailureKind.MODEL_MISSING, (412,), text=r"\bLoRA\b", note="the adapter failed to load"),
    Signal(FailureKind.BILLING, (412,), note="account suspended"),
)

GROQ: tuple[Signal, ...] = (
    Signal(
        FailureKind.QUOTA_EXHAUSTED,
        (429,),
        text=r"on (?:requests|tokens|audio seconds) per day \((?:RPD|TPD|ASPD)\)",
        window=Window.DAY,
        note="a daily limit",
    ),
    # Larger than a minute's tokens: it cannot succeed here, and no wait helps.
    Signal(FailureKind.CONTEXT_TOO_LONG, (413,), note="larger than the token limit"),
    Signal(FailureKind.CONTEXT_TOO_LONG, (429,), text=r"^Request too large for", note="larger than the token limit"),
    Signal(FailureKind.CONFLICT, (400,), code=r"tool_use_failed", note="the model wrote a broken tool call"),
    Signal(FailureKind.MODEL_MISSING, (400, 404), code=r"model_decommissioned|model_not_found"),
    Signal(FailureKind.BILLING, (400, 403), code=r"blocked_api_access", note="a spend limit"),
)

MISTRAL: tuple[Signal, ...] = (
    Signal(FailureKind.OVERLOADED, (429, 503), code=r"3505", note="no capacity"),
    Signal(FailureKind.OVERLOADED, (429, 503), text=r"^Service tier capacity exceeded", note="no capacity"),
    Signal(FailureKind.MODEL_MISSING, (400, 404), code=r"invalid_model|unknown_model|1500"),
)

DEEPSEEK: tuple[Signal, ...] = (
    Signal(FailureKind.MODEL_MISSING, (400,), text=r"^Model Not Exist"),
    # What another vendor began, in OpenAI's own dialect: once more by way of the hub, which writes blank ones.
    Signal(
        FailureKind.INVALID_REQUEST,
        (400,),
        text=r"^The `reasoning_content` in the thinking mode must be passed back|^Missing `reasoning_content` field",
        edit=(SIGNATURES,),
    ),
    Signal(FailureKind.OVERLOADED, (503,)),
)

TOGETHER: tuple[Signal, ...] = (
    # Its 403 is not about rights: input and `max_tokens` together are over the context window.
    Signal(FailureKind.CONTEXT_TOO_LONG, (403,)),
)
