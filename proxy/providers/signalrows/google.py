"""Gemini and Vertex, native and OpenAI-compatible.

Source: google-genai 3.3.0; ai.google.dev rate limits and troubleshooting; cloud.google.com Vertex error codes;
discuss.ai.google.dev/t/183654 (prepay); read 2026-11-20.
"""

from __future__ import annotations

from proxy.core.failure import FailureKind
from proxy.providers.signal import Signal, Window

GEMINI: tuple[Signal, ...] = (
    Signal(FailureKind.AUTH, (400, 401, 403), code=r"API_KEY_(?:INVALID|SERVICE_BLOCKED|EXPIRED)"),
    Signal(FailureKind.AUTH, (400,), text=r"^API key (?:not valid|expired)"),
    Signal(FailureKind.BILLING, (402, 429), text=r"prepayment credits are depleted", note="no credit"),
    # This tier never gets the model, so no wait helps.
    Signal(FailureKind.PERMISSION, (429,), text=r"\blimit: 0(?![0-9.])", note="the tier has no access to the model"),
    Signal(FailureKind.QUOTA_EXHAUSTED, (429,), code=r".*PerDay.*", window=Window.PACIFIC_DAY, note="a daily limit"),
    Signal(FailureKind.BLOCKED, (400, 403), text=r"^User location is not supported", note="region"),
    Signal(FailureKind.BILLING, (400,), text=r"^.{0,20}free tier is not available in your country", note="region"),
    Signal(FailureKind.OVERLOADED, (503,), code=r"UNAVAILABLE"),
)

VERTEX: tuple[Signal, ...] = (
    # Capacity that all customers share, not this project's quota.
    Signal(FailureKind.OVERLOADED, (429,), text=r"^Resource (?:has been )?exhausted", note="no shared capacity"),
    Signal(FailureKind.BILLING, (403,), code=r"BILLING_DISABLED"),
    *GEMINI,
)
