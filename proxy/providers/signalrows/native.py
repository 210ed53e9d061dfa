"""Vendors with dialects of their own: Anthropic, Bedrock, Cohere, Perplexity.

Source: anthropic 2.10.0 (`_exceptions.py`), docs.claude.com errors and rate-limits, BerriAI/litellm#37592 (usage
limits); botocore 1.44.5 (`bedrock-runtime` service model), docs.aws.amazon.com Bedrock API errors; cohere 7.3.1;
perplexityai 0.46.1; read 2026-11-20.
"""

from __future__ import annotations

from proxy.core.failure import FailureKind, Scope
from proxy.providers.signal import Signal, Window

ANTHROPIC: tuple[Signal, ...] = (
    Signal(
        FailureKind.BILLING,
        (400, 429),
        code=r"(?:enforced|contract)_spend_limit_reached",
        window=Window.MONTH,
        note="a spend limit",
    ),
    Signal(FailureKind.BILLING, (400,), text=r"^Your credit balance is too low", note="no credit"),
    Signal(
        FailureKind.QUOTA_EXHAUSTED,
        (400, 429),
        text=r"^You have reached your specified (?:workspace )?API usage limits",
        scope=Scope.CREDENTIAL,
        window=Window.MONTH,
        note="a usage limit of the organization or workspace",
    ),
    Signal(FailureKind.BLOCKED, (400, 403), code=r"organization_on_hold", note="suspended"),
)

BEDROCK: tuple[Signal, ...] = (
    Signal(FailureKind.CONFLICT, (429,), code=r"ModelNotReadyException"),
    Signal(FailureKind.QUOTA_EXHAUSTED, (429,), text=r"per day", window=Window.DAY, note="a daily limit"),
    Signal(FailureKind.QUOTA_EXHAUSTED, (400,), code=r"ServiceQuotaExceededException", window=Window.DAY),
    Signal(
        FailureKind.AUTH,
        (400, 401, 403),
        code=r"InvalidClientTokenId|UnrecognizedClientException|ExpiredToken(?:Exception)?|InvalidSignatureException"
        r"|IncompleteSignature(?:Exception)?|RequestExpired(?:Exception)?",
    ),
    Signal(FailureKind.MODEL_MISSING, (400,), text=r"^The provided model identifier is invalid"),
    Signal(FailureKind.MODEL_MISSING, (400,), text=r"^Invocation of model ID .{1,200} with on-demand throughput"),
    Signal(FailureKind.MODEL_MISSING, (404,), code=r"FTUFormNotFilled", note="the vendor's use-case form is missing"),
    Signal(FailureKind.OVERLOADED, (503,)),
)

COHERE: tuple[Signal, ...] = (
    Signal(
        FailureKind.QUOTA_EXHAUSTED,
        (429,),
        text=r"trial key.{0,80}API calls / month",
        scope=Scope.CREDENTIAL,
        window=Window.MONTH,
        note="a trial key's month",
    ),
    Signal(FailureKind.BILLING, (402,), window=Window.MONTH, note="the billing limit"),
)

PERPLEXITY: tuple[Signal, ...] = (
    # It answers 401 both for a bad key and for spent credit; where its code says which, the code decides.
    Signal(FailureKind.BILLING, (401,), code=r"insufficient_quota", note="no credit"),
)
