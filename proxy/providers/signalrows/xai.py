"""xAI, whose statuses say little: its words decide.

Source: docs.x.ai error codes; continuedev/continue#11704 (a bad key as 400), #10373 and #12670 (credits); read
2026-11-20.
"""

from __future__ import annotations

from proxy.core.failure import FailureKind
from proxy.providers.signal import Signal

XAI: tuple[Signal, ...] = (
    Signal(
        FailureKind.BILLING,
        (403, 429),
        text=r"^.{0,120}used all available credits or reached its monthly spending limit",
        note="no credit, or the monthly limit",
    ),
    Signal(FailureKind.BILLING, (403,), text=r"^.{0,120}doesn't have any credits or licenses yet", note="no credit"),
    Signal(FailureKind.CONTENT_POLICY, (403,), text=r"^Content violates usage guidelines"),
    Signal(FailureKind.AUTH, (400,), text=r"^Incorrect API key provided"),
)
