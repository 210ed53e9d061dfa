"""OpenRouter, which puts its own words around those of the vendor behind it.

Source: openrouter 1.3.84 (`components/apierrortype.py`, `chat.py`); openrouter.ai/docs errors and limits; read
2026-11-20.
"""

from __future__ import annotations

from proxy.core.failure import FailureKind, Scope
from proxy.providers.signal import Signal, Window

OPENROUTER: tuple[Signal, ...] = (
    # A 402 with Retry-After passes by itself: requests in flight have reserved the credit that is left.
    Signal(FailureKind.RATE_LIMITED, (402,), delayed=True, scope=Scope.CREDENTIAL, note="credit is reserved in flight"),
    # The credit left covers smaller requests, so nothing may be set aside for what one client asks.
    Signal(FailureKind.CONFLICT, (402,), code=r"weight_exceeds_budget", note="asks for more than the credit left"),
    Signal(FailureKind.BILLING, (402,), note="no credit"),
    Signal(FailureKind.CONTENT_POLICY, (403,), code=r".*(?:moderation|content_policy|flagged).*"),
    Signal(FailureKind.CONTENT_POLICY, (403,), text=r"input was flagged|requires moderation"),
    Signal(FailureKind.QUOTA_EXHAUSTED, (403,), delayed=True, scope=Scope.CREDENTIAL, note="a budget of the key"),
    # Source: vellum-ai/vellum-assistant#38275, read 2026-11-20.
    Signal(FailureKind.BILLING, (403,), text=r"^Key limit exceeded", note="the key's own spend limit"),
    Signal(
        FailureKind.QUOTA_EXHAUSTED, (429,), text=r"free-models-per-day", window=Window.DAY, note="free models per day"
    ),
    Signal(FailureKind.OVERLOADED, (503,), note="no provider has capacity"),
    Signal(FailureKind.MODEL_MISSING, (400,), text=r"^\S{1,200} is not a valid model ID"),
    Signal(FailureKind.INVALID_REQUEST, (400,), code=r"invalid_prompt"),
)
