"""DashScope (Alibaba's Model Studio, Qwen), native codes and those of its OpenAI-compatible mode.

Source: alibabacloud.com Model Studio error-code and rate-limit pages; dashscope 2.0.2 (`v2/errors.py`); read
2026-11-20.
"""

from __future__ import annotations

from proxy.core.failure import FailureKind
from proxy.providers.signal import Signal, Window

DASHSCOPE: tuple[Signal, ...] = (
    Signal(FailureKind.BILLING, code=r"Arrearage", note="payment is overdue"),
    Signal(FailureKind.BILLING, (400, 403), text=r"^Access denied, please make sure your account is in good standing"),
    Signal(FailureKind.BILLING, (403, 429), code=r"AllocationQuota\.FreeTierOnly", note="the free quota is used up"),
    Signal(FailureKind.BILLING, (403, 429), text=r"^Free allocated quota exceeded", note="the free quota is used up"),
    # The name equals OpenAI's, but here it is tokens a minute.
    Signal(FailureKind.RATE_LIMITED, (429,), code=r"insufficient_quota", window=Window.MINUTE, note="tokens a minute"),
    Signal(FailureKind.RATE_LIMITED, (429,), code=r"Throttling\.AllocationQuota", window=Window.MINUTE),
    Signal(FailureKind.MODEL_MISSING, (400, 404), code=r"ModelNotFound|Model\.NotExist|model_not_found"),
    Signal(FailureKind.CONTENT_POLICY, code=r"data_?inspection_?failed"),
)
