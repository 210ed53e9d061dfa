"""Rows that follow every vendor's own: signals that many vendors share, then what a bare status means.

Source: RFC 9110; Cloudflare's 52x pages; SDK exception tables of the vendors; can1357/oh-my-pi#41 (thoughts that are
not kept), read 2026-11-20; janhq/jan#8136, charmbracelet/crush#1590, vercel/ai#8056 (thoughts that are not taken), read
2026-11-21.
"""

from __future__ import annotations

from proxy.core.failure import SIGNATURES, FailureKind, Scope
from proxy.providers.signal import Signal

# The vendors' own wording of "longer than the context window". Digits keep prose about errors from matching.
_TOO_LONG = "|".join(
    (
        r"maximum context length (?:is|of) [0-9]+",  # OpenAI, vLLM, OpenRouter
        r"longer than the maximum model length of [0-9]+",  # vLLM
        r"prompt is too long: [0-9]+ tokens",  # Anthropic
        r"exceed context limit: [0-9]+",  # Anthropic
        r"^input is too long",  # Bedrock
        r"^too many tokens",  # Cohere
        r"token count (?:\([0-9]+\) )?exceeds the maximum number of tokens allowed",  # Gemini
        r"input tokens exceed the configured limit",  # OpenAI
        r"exceeds? the available context size",  # llama.cpp
        r"range of input length should be",  # DashScope
        r"inputs?`? tokens \+ `?max_new_tokens`? must be",  # Together
    )
)
_TOO_LONG_CODES = r"context_length_exceeded|max_tokens_exceeded|exceed_context_size_error"

# A signature of another vendor or account, which a failover brought here, or none where one must be: once more through
# the hub, which leaves them out with what cannot stand without them.
_CLAUDE = r"^(?:The model returned the following errors: )?(?:[\w.]+: )?"  # Bedrock puts the first words before them
_REFUSED_SIGNATURE = (
    rf"{_CLAUDE}Invalid `(?:signature|data)` in `(?:redacted_)?thinking` block"
    rf"|{_CLAUDE}`thinking` or `redacted_thinking` blocks .{{1,80}} cannot be modified"
    rf"|{_CLAUDE}Expected `thinking` or `redacted_thinking`, but found"
    r"|^(?:Corrupted|Invalid) thought signature"  # Gemini
    r"|^Function call is missing a thought_signature"
)
# Thoughts as OpenAI's clients send back what another vendor gave them: the hub leaves those out that are not taken.
_THOUGHT = r"(?:reasoning(?:_content|_details)?|thinking_blocks)"
_REFUSED_THOUGHT = (
    rf"'messages\.[0-9]+' : property '{_THOUGHT}' is unsupported"  # Groq
    r"|^`messages\[[0-9]+\]\.reasoning`: reasoning is not supported"  # Groq, of models that do not think
    rf"|\bmessages\.[0-9]+\.assistant\.{_THOUGHT}: Extra inputs are not permitted"  # Mistral
)

COMMON_SIGNALS: tuple[Signal, ...] = (
    Signal(FailureKind.INVALID_REQUEST, (400,), text=_REFUSED_SIGNATURE, edit=(SIGNATURES,)),
    Signal(FailureKind.INVALID_REQUEST, (400, 422), text=_REFUSED_THOUGHT, edit=(SIGNATURES,)),
    Signal(FailureKind.INVALID_REQUEST, (400,), code=r"invalid_encrypted_content", edit=(SIGNATURES,)),
    # A thought that comes without its encrypted content is looked for among those that are kept.
    Signal(FailureKind.INVALID_REQUEST, (400, 404), text=r"^Item with id '[^']{1,100}' not found", edit=(SIGNATURES,)),
    Signal(FailureKind.CONTEXT_TOO_LONG, code=_TOO_LONG_CODES),
    # `string_above_max_length` is a field's own limit, not the model's window.
    Signal(FailureKind.INVALID_REQUEST, (400, 422), code=r"string_above_max_length"),
    Signal(FailureKind.CONTEXT_TOO_LONG, (400, 413, 422), text=_TOO_LONG),
    Signal(FailureKind.CONTENT_POLICY, (400, 403), code=r"content_filter|content_policy_violation|moderation_blocked"),
    # Many take over OpenAI's code; who means something else by it has a row of its own.
    Signal(FailureKind.BILLING, (403, 429), code=r"insufficient_quota", note="no credit"),
    Signal(FailureKind.OVERLOADED, code=r"overloaded_error|(?:server|provider|engine)_?(?:is_)?overloaded"),
    Signal(FailureKind.OVERLOADED, (429, 500, 503), text=r"\boverloaded\b|no capacity available|high demand"),
    Signal(FailureKind.AUTH, (400, 401, 403), code=r"invalid_?api_?key|authentication_error"),
    Signal(FailureKind.BLOCKED, (400, 403), code=r"unsupported_country_region_territory"),
    Signal(FailureKind.MODEL_MISSING, (400,), code=r"model_?not_?found"),
)

# Without a sign of the model, a 404 says that the base URL is wrong or the vendor lacks the endpoint. It must not set a
# model aside for an hour: a client chooses the endpoint.
_NO_ENDPOINT = "no such endpoint; check the provider's base URL"

STATUS_SIGNALS: tuple[Signal, ...] = (
    Signal(FailureKind.REJECTED, (400, 422)),
    Signal(FailureKind.AUTH, (401,)),
    Signal(FailureKind.RATE_LIMITED, (402,), delayed=True, scope=Scope.CREDENTIAL),
    Signal(FailureKind.BILLING, (402,)),
    Signal(FailureKind.PERMISSION, (403,)),
    Signal(FailureKind.MODEL_MISSING, (404,), code=r".*(?:model|deployment|not_?found).*"),
    Signal(FailureKind.MODEL_MISSING, (404,), text=r"\bmodels?\b|\bendpoints? found\b"),
    Signal(FailureKind.MODEL_MISSING, (410,)),
    Signal(FailureKind.PROTOCOL, (404, 405), note=_NO_ENDPOINT),
    # What is said of the connection is no fault of a client that has another.
    Signal(FailureKind.PROTOCOL, (421, 426), note="another host or protocol is wanted; check the provider's base URL"),
    Signal(FailureKind.BLOCKED, (407, 451)),
    # 499: the upstream says that we hung up, but we still wait.
    Signal(FailureKind.CONFLICT, (408, 409, 424, 425, 498, 499)),
    Signal(FailureKind.RATE_LIMITED, (429,)),
    Signal(FailureKind.INVALID_REQUEST, tuple(range(400, 500))),
    Signal(FailureKind.OVERLOADED, (529,)),
    Signal(FailureKind.OVERLOADED, (503,), delayed=True),
    Signal(FailureKind.SERVER_ERROR, tuple(range(500, 600))),
    Signal(FailureKind.PROTOCOL),
)

# The status that an error inside a 200 would have had, by its names; the first that matches.
STATUS_BY_NAME: tuple[tuple[str, int], ...] = (
    (r"rate_limit_(?:exceeded|error)|resource_exhausted|too_many_requests|(?:\w*throttling|throttled)[\w.]*", 429),
    (r"insufficient_quota|[\w.]*allocationquota[\w.]*|limit_requests|modelnotreadyexception", 429),
    (r"insufficient_credits|payment_required|billing_error", 402),
    (r"overloaded_error|(?:server|provider|engine)_?(?:is_)?overloaded", 529),
    (r"unavailable|service_?unavailable\w*|serviceunavailableexception", 503),
    (r"authentication_error|unauthenticated|invalid_?api_?key", 401),
    (r"permission_(?:error|denied)|access_?denied[\w.]*", 403),
    (r"not_found(?:_error)?|model_?not_?found|model\.notexist|notfounderror", 404),
    (r"modelerrorexception|modelstreamerrorexception", 424),
    (r"timeout_error|deadline_exceeded|modeltimeoutexception", 504),
    (r"server_error|internal(?:_error|_?server_?error|serverexception)?|api_error", 500),
    (r"invalid_(?:request_error|argument|parameter|prompt)|validationexception|badrequesterror", 400),
    (r"context_length_exceeded|arrearage|data_?inspection_?failed|content_filter|tool_use_failed", 400),
)
