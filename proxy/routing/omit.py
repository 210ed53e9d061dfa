"""Which candidates may serve a request now; for the others, why not and until when.

One check a reason, asked in the order of `CHECKS`: the first that objects gives the reason. Never orders candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache

from msgspec import Struct

from proxy.core.call import Call, Needs, Operation
from proxy.core.capabilities import NEEDS, Capabilities
from proxy.core.errors import BodyTooLarge, ClientError, MalformedRequest
from proxy.core.failure import FailureKind
from proxy.core.health import StateView
from proxy.core.plan import OmitReason, Omitted, Plan, Planned
from proxy.core.snapshot import NO_LIMITS, ClientKey, Provider
from proxy.routing.lineup import EMBEDDINGS, Lineup, is_priced, known
from proxy.routing.view import PROBING_S, block, pick

ROUGHNESS = 1.5  # an estimate must exceed a context window this many times to be believed
# Others bring many texts at once, each of which has the whole window.
_OF_ONE_TEXT = frozenset({Operation.CHAT, Operation.COMPLETIONS})
_CANNOT = "it cannot take"
_IN_WORDS = {
    "tools": "tools",
    "images": "images",
    "image_urls": "images by URL (send their data)",
    "audio": "audio",
    "json_schema": "a JSON schema for its answer",
}


class Question(Struct, frozen=True, eq=False):
    """What the checks look at. `now_s` is monotonic."""

    call: Call
    lineup: Lineup
    view: StateView
    now_s: float


def admits_all(call: Call, lineup: Lineup, view: StateView) -> bool:
    """Say at little cost that no check can object to any candidate, as is usual. False only means: ask one by one."""
    return (
        not view.disabled
        and not view.limit_free_s
        and _suits(lineup, call.endpoint.operation, call.key)
        and call.pinned_provider is None
        and (not lineup.lacks or not _asks(call.needs, lineup.lacks))
        and call.needs.input_tokens <= lineup.window_tokens
        and len(call.body) <= lineup.body_limit_bytes
        and (not lineup.parallel or _have_room(lineup.parallel, view.provider_in_flight))
    )


@lru_cache(maxsize=4096)
def _suits(lineup: Lineup, operation: Operation, key: ClientKey | None) -> bool:
    """Say whether every candidate can do this, and may do it for this key."""
    return (
        lineup.is_enabled
        and operation in lineup.operations
        and not (lineup.is_mixed and operation is EMBEDDINGS)
        and (key is None or (not key.providers and (operation in lineup.priced or not needs_price(key))))
    )


def _asks(needs: Needs, lacks: tuple[str, ...]) -> bool:
    for need in lacks:  # no any(): a generator would cost twice this
        if getattr(needs, need):
            return True
    return False


def _have_room(limits: Sequence[tuple[str, int]], in_flight: Mapping[str, int]) -> bool:
    for name, limit in limits:  # no all(), as above
        if in_flight.get(name, 0) >= limit:
            return False
    return True


def needs_price(key: ClientKey) -> bool:
    """Say whether what the key pays with is counted, so that nothing without a price may serve it."""
    return key.limits is not NO_LIMITS and key.limits.has_budget and not key.limits.allow_unpriced


def judge(planned: Planned, question: Question, checks: Sequence[Check]) -> Planned | Omitted:
    """Return the candidate, marked half-open where it is, or why it is left out: by a check or by its health."""
    for check in checks:
        omitted = check(planned, question)
        if omitted is not None:
            return omitted
    return _by_health(planned, question)


def refusal(plan: Plan) -> ClientError | None:
    """Return the client's error where no candidate can ever serve this request as it is; None where one could.

    Waiting would not help: the key, the pinned provider, or what the request asks for excludes every candidate. A
    request too long for every context window is left to `core.errors.final_error`.
    """
    reasons = {omitted.reason for omitted in plan.omitted}
    is_too_long = any(omitted.kind is FailureKind.CONTEXT_TOO_LONG for omitted in plan.omitted)
    if plan.candidates or not reasons or not reasons <= REQUESTS or is_too_long:
        return None
    details = "; ".join(dict.fromkeys(omitted.detail for omitted in plan.omitted))
    error = BodyTooLarge if OmitReason.BODY_TOO_LARGE in reasons else MalformedRequest
    remedy = " Leave that out, or ask a model that can." if _CANNOT in details else ""
    return error(f"No provider of the model {plan.model.name!r} can serve this request: {details}.{remedy}")


REQUESTS = frozenset(
    {
        OmitReason.NOT_PERMITTED,
        OmitReason.NOT_PINNED,
        OmitReason.UNSUPPORTED,
        OmitReason.LACKS_CAPABILITY,
        OmitReason.UNPRICED,
        OmitReason.BODY_TOO_LARGE,
        OmitReason.DUPLICATE,
    }
)


def _omit(planned: Planned, reason: OmitReason, detail: str) -> Omitted:
    return Omitted(planned.candidate, planned.model, reason, detail)


def _by_configuration(planned: Planned, question: Question) -> Omitted | None:
    provider = planned.candidate.provider
    if not provider.enabled:
        return _omit(planned, OmitReason.DISABLED, "disabled in the configuration")
    if provider.name in question.view.disabled:
        return _omit(planned, OmitReason.OPERATOR_DISABLED, "disabled by the operator")
    return None


def _by_rights(planned: Planned, question: Question) -> Omitted | None:
    call, provider = question.call, planned.candidate.provider
    if call.key is not None and not may_use(call.key.providers, provider.name):
        return _omit(planned, OmitReason.NOT_PERMITTED, "the key may not use this provider")
    if call.pinned_provider is not None and call.pinned_provider != provider.name:
        return _omit(planned, OmitReason.NOT_PINNED, "x-fairlead-provider names another provider")
    if (
        call.key is not None
        and needs_price(call.key)
        and not is_priced(planned.candidate.price, call.endpoint.operation)
    ):
        return _omit(planned, OmitReason.UNPRICED, "its price is unknown, and the key has a budget")
    return None


def _by_capability(planned: Planned, question: Question) -> Omitted | None:
    operation, needs = question.call.endpoint.operation, question.call.needs
    if operation not in planned.candidate.provider.operations:
        return _omit(planned, OmitReason.UNSUPPORTED, f"it does not serve {operation}")
    if operation is EMBEDDINGS and question.lineup.is_mixed:
        reference = question.lineup.groups[0].members[0].candidate.model
        if planned.candidate.model != reference:
            detail = f"its vectors are not those of {reference}; same_vectors = true would allow it"
            return _omit(planned, OmitReason.LACKS_CAPABILITY, detail)
    capabilities = known(planned)
    missing = [_IN_WORDS[need] for need in NEEDS if getattr(needs, need) and getattr(capabilities, need) is False]
    if missing:
        return _omit(planned, OmitReason.LACKS_CAPABILITY, f"{_CANNOT} {', '.join(missing)}")
    return _by_window(planned, question, capabilities)


def _by_window(planned: Planned, question: Question, capabilities: Capabilities) -> Omitted | None:
    call, window = question.call, capabilities.context_window_tokens
    if window is None or call.needs.input_tokens <= ROUGHNESS * window:
        return None
    if call.needs.is_cut or call.endpoint.operation not in _OF_ONE_TEXT:
        return None
    detail = f"about {call.needs.input_tokens} tokens exceed its context window of {window}"
    return replace(_omit(planned, OmitReason.LACKS_CAPABILITY, detail), kind=FailureKind.CONTEXT_TOO_LONG)


def _by_size(planned: Planned, question: Question) -> Omitted | None:
    limit = planned.candidate.provider.body_limit_bytes
    if limit is not None and len(question.call.body) > limit:
        return _omit(planned, OmitReason.BODY_TOO_LARGE, f"the body exceeds its limit of {limit} bytes")
    return None


def _by_limits(planned: Planned, question: Question) -> Omitted | None:
    reached = _limit_reached(planned.candidate.provider, question)
    if reached is None:
        return None
    detail, recovers_s = reached
    return replace(_omit(planned, OmitReason.LIMIT_REACHED, detail), recovers_s=recovers_s)


def _by_health(planned: Planned, question: Question) -> Planned | Omitted:
    found = pick(planned.candidate, question.view, question.now_s)
    if found is not None:
        return replace(planned, half_open=True, reason=f"{planned.reason}, half-open") if found.half_open else planned
    held = block(planned.candidate, question.view, question.now_s)
    assert held is not None
    return Omitted(
        planned.candidate,
        planned.model,
        OmitReason.HALF_OPEN_BUSY if held.busy else OmitReason.SET_ASIDE,
        "another request is probing it" if held.busy else f"set aside: {held.kind}",
        kind=held.kind,
        recovers_s=held.recovers_s,
        stated=held.stated,
    )


Check = Callable[[Planned, Question], Omitted | None]
CHECKS: tuple[Check, ...] = (
    _by_configuration,
    _by_rights,
    _by_capability,
    _by_size,
    _by_limits,
)


def _limit_reached(provider: Provider, question: Question) -> tuple[str, float] | None:
    """Return which of its own limits a provider has reached, and when that is expected to be over."""
    view, now_s = question.view, question.now_s
    free_s = view.limit_free_s.get(provider.name, now_s)
    if free_s > now_s:
        return "its own rpm or tpm limit", free_s
    limit = provider.limits.parallel
    if limit is not None and view.provider_in_flight.get(provider.name, 0) >= limit:
        return "its own limit of parallel requests", now_s + PROBING_S
    return None


@lru_cache(maxsize=4096)
def may_use(providers: tuple[str, ...], name: str) -> bool:
    """Say whether a key's provider globs allow this provider; none allow all."""
    return not providers or any(fnmatchcase(name, pattern) for pattern in providers)
