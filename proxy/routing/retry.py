"""From what a request has tried so far to the next step: send, wait or stop; and at the end, to why nobody answered.

One budget and one deadline hold for the whole chain. Pure; never claims anything, never changes what is set aside.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from proxy.core.errors import Cause
from proxy.core.failure import CLIENT_FAULTS, Failure, FailureKind
from proxy.core.health import CandidateId, StateView
from proxy.core.plan import OmitReason, Omitted, Plan, Planned, Send
from proxy.core.snapshot import Candidate
from proxy.routing.steps import AttemptPolicy, Step, Stop, StopReason, Tried, Wait
from proxy.routing.view import PROBING_S, block, guess, hold_of, pick
from proxy.routing.walk import Walk, can_edit, credential_id, is_larger, is_spent, tried_credentials

LEAST_TIME_S = 1.0  # no attempt starts with less left
LONGEST_WAIT_S = 2.0  # a stated delay that is worth waiting for when nothing else is left
MARGIN_S = 0.2  # what is added to a stated delay when it is set aside, and the time that has passed
Ended = tuple[Failure, float]  # and when its attempt ended (monotonic seconds)
_FREE = Cause(None, recovers_in_s=0.0, limit=True)  # a request could be sent there now


def next_step(history: Sequence[Tried], plan: Plan, view: StateView, policy: AttemptPolicy, now_s: float) -> Step:
    """Decide what the attempt loop does next.

    Args:
        history: Every failed send of this request so far, oldest first; empty before the first.
        view: As it is now: candidates set aside since the plan was made are passed over.
        now_s: Monotonic seconds, the clock of `policy.deadline_at_s`.
    """
    if history:
        reason = _end(history, policy)
        if reason is not None:
            return Stop(reason)
    if policy.deadline_at_s - now_s < LEAST_TIME_S:
        return Stop(StopReason.DEADLINE)
    if sum(tried.failure.kind is not FailureKind.UNSUPPORTED for tried in history) >= policy.max_attempts:
        return Stop(StopReason.BUDGET)
    walk = Walk(history, plan, view, policy, now_s)
    return walk.again() or walk.onward() or _wait(walk) or _last_resort(walk) or Stop(_why(walk))


def causes(
    plan: Plan, history: Sequence[Tried], view: StateView, now_s: float, *, cut_short: bool = False
) -> list[Cause]:
    """Say of each candidate that could have served why it did not, for `core.errors.final_error`.

    A candidate that was free and simply not reached gives no cause. One whose context window is no larger than one that
    was too small gives that, whatever else keeps it: waiting would not help. Where no candidate gives a cause, those
    whose window is known to be too small do.

    Args:
        now_s: Monotonic seconds; recoveries are counted from it.
        cut_short: The attempts or the time were used up: a free candidate, or a credential that was not tried, could
            serve the next request at once.
    """
    failures: dict[CandidateId, list[Ended]] = {}
    for (send, failure, _), ended_s in _with_ends(history, now_s):
        failures.setdefault(send.planned.candidate.id, []).append((failure, ended_s))
    refused = [send.planned for send, failure, _ in history if failure.kind is FailureKind.CONTEXT_TOO_LONG]
    found = [
        _cause_of_refused(planned, refused) or _cause_of_planned(planned, failures, view, now_s)
        for planned in plan.candidates
    ]
    if cut_short:
        found = [cause or _FREE for cause in found]
        found += [_FREE for planned in plan.candidates if _has_another_key(planned.candidate, history, view, now_s)]
    for omitted in plan.omitted:
        cause = _cause_of_omitted(omitted, failures, view, now_s)
        found.append(cause and (_cause_of_refused(Planned(omitted.candidate, omitted.model, ""), refused) or cause))
    too_long = [Cause(omitted.kind) for omitted in plan.omitted if omitted.kind is FailureKind.CONTEXT_TOO_LONG]
    return [cause for cause in found if cause is not None] or too_long


def asked_alone(plan: Plan, history: Sequence[Tried]) -> Plan:
    """Narrow a plan to what was tried, if anything was: for a client that forbids failover no other matters then."""
    asked = {tried.send.planned.candidate.id for tried in history}
    if not asked:
        return plan
    return replace(
        plan,
        candidates=tuple(planned for planned in plan.candidates if planned.candidate.id in asked),
        omitted=tuple(omitted for omitted in plan.omitted if omitted.candidate.id in asked),
    )


def _end(history: Sequence[Tried], policy: AttemptPolicy) -> StopReason | None:
    """Return why the last failure ends the request whatever is left; None when it does not."""
    failure = history[-1].failure
    rejections = sum(tried.failure.kind is FailureKind.REJECTED for tried in history)
    is_client_fault = (
        (failure.kind is FailureKind.INVALID_REQUEST and not can_edit(history))
        or (failure.kind is FailureKind.CONTENT_POLICY and not policy.content_policy_failover)
        or (failure.kind is FailureKind.REJECTED and rejections > 1)
    )
    if failure.kind is FailureKind.CLIENT_GONE:
        return StopReason.CLIENT_GONE
    if is_client_fault:
        return StopReason.CLIENT_FAULT
    if failure.kind is FailureKind.TRUNCATED:
        return StopReason.EXHAUSTED
    if not policy.repeatable and failure.request_sent and not _is_refusal(failure):
        return StopReason.NOT_REPEATABLE
    return None


def _is_refusal(failure: Failure) -> bool:
    """Say whether the upstream turned the request away without beginning it."""
    is_4xx = failure.status is not None and 400 <= failure.status < 500
    return is_4xx or failure.kind is FailureKind.OVERLOADED


def _with_ends(history: Sequence[Tried], now_s: float) -> list[tuple[Tried, float]]:
    """Pair what was tried with when it ended, which is when the next send began."""
    ends_s = [*(following.began_s for following in history[1:]), now_s]
    return list(zip(history, ends_s, strict=False))  # nothing was tried: nothing ends


def _wait(walk: Walk) -> Step | None:
    """Return a wait for the soonest pair that stated a short delay and is free after it; nothing else is left."""
    latest = {
        (tried.send.planned.candidate.id, credential_id(tried.send.credential)): (tried, ended_s)
        for tried, ended_s in _with_ends(walk.history, walk.now_s)
    }
    waits = [wait for tried, ended_s in latest.values() if (wait := _wait_for(tried, ended_s, walk)) is not None]
    soonest = min(waits, key=lambda wait: wait.delay_s, default=None)
    if soonest is None or walk.now_s + soonest.delay_s + LEAST_TIME_S > walk.policy.deadline_at_s:
        return None
    return soonest if soonest.delay_s > 0 else soonest.then


def _wait_for(tried: Tried, ended_s: float, walk: Walk) -> Wait | None:
    send, failure, _ = tried
    stated_s = failure.delay_s if failure.stated and failure.kind is FailureKind.RATE_LIMITED else None
    if stated_s is None or stated_s > LONGEST_WAIT_S or send.last_resort:
        return None
    if walk.is_barred(send.planned) or not walk.may_repeat(send):
        return None
    hold = hold_of(send.planned.candidate.id, credential_id(send.credential), walk.view, walk.now_s)
    delay_s = hold.recovers_s - walk.now_s
    if not hold.targets:  # cooldowns are off, or somebody else has ended it
        delay_s = max(0.0, ended_s + stated_s - walk.now_s)
    if delay_s > LONGEST_WAIT_S + MARGIN_S:
        return None
    return Wait(delay_s, Send(send.planned, send.credential, hold.targets, send.edit))


def _last_resort(walk: Walk) -> Send | None:
    """Return the one send that is made although everything is set aside: only if nothing was sent."""
    planned = walk.plan.last_resort
    if planned is None or walk.history or not walk.is_current(planned):
        return None
    excluded = walk.out_of_question(planned)
    free = pick(planned.candidate, walk.view, walk.now_s, excluded)
    if free is not None:  # it has recovered since the plan was made
        return Send(planned, free.credential, free.half_open)
    guessed = guess(planned.candidate, walk.view, walk.now_s, excluded)
    return None if guessed is None else Send(planned, guessed.credential, last_resort=True)


def _why(walk: Walk) -> StopReason:
    if not walk.history:
        return StopReason.EXHAUSTED
    kind = walk.history[-1].failure.kind
    if kind in CLIENT_FAULTS or kind in (FailureKind.CONTEXT_TOO_LONG, FailureKind.UNSUPPORTED):
        return StopReason.CLIENT_FAULT
    is_held_back = not walk.policy.failover and len(walk.plan.candidates) > 1
    return StopReason.NO_FAILOVER if is_held_back else StopReason.EXHAUSTED


def _cause_of_refused(planned: Planned, refused: Sequence[Planned]) -> Cause | None:
    """The cause of one for which the request is too long, as it was for others, or for itself."""
    is_too_small = any(not is_larger(planned, other) for other in refused)
    return Cause(FailureKind.CONTEXT_TOO_LONG) if is_too_small else None


def _cause_of_planned(
    planned: Planned, failures: dict[CandidateId, list[Ended]], view: StateView, now_s: float
) -> Cause | None:
    candidate = planned.candidate
    if candidate.id in failures:
        return _cause_of_tried(candidate, failures[candidate.id], view, now_s)
    provider = candidate.provider
    parallel = provider.limits.parallel
    limit_free_s = view.limit_free_s.get(provider.name, now_s)
    if limit_free_s > now_s:
        return Cause(None, recovers_in_s=limit_free_s - now_s, limit=True)
    if parallel is not None and view.provider_in_flight.get(provider.name, 0) >= parallel:
        return Cause(None, recovers_in_s=PROBING_S, limit=True)
    held = block(candidate, view, now_s)
    return None if held is None else Cause(held.kind, recovers_in_s=held.recovers_s - now_s)


def _has_another_key(candidate: Candidate, history: Sequence[Tried], view: StateView, now_s: float) -> bool:
    """Say whether a candidate that was tried could still serve with a credential that was not."""
    tried = tried_credentials(history, candidate.id)
    return bool(tried) and not is_spent(history, candidate.id) and pick(candidate, view, now_s, tried) is not None


def _cause_of_omitted(
    omitted: Omitted, failures: dict[CandidateId, list[Ended]], view: StateView, now_s: float
) -> Cause | None:
    if omitted.recovers_s is None:
        return None
    if omitted.candidate.id in failures:  # it was the last resort
        return _cause_of_tried(omitted.candidate, failures[omitted.candidate.id], view, now_s)
    recovers_in_s = max(0.0, omitted.recovers_s - now_s)
    return Cause(omitted.kind, recovers_in_s=recovers_in_s, limit=omitted.reason is OmitReason.LIMIT_REACHED)


def _cause_of_tried(candidate: Candidate, failures: Sequence[Ended], view: StateView, now_s: float) -> Cause:
    """Prefer the cause of its credential that recovers first, where this request met it, to its last failure."""
    last, ended_s = failures[-1]
    held = block(candidate, view, now_s)
    if held is None:
        left_s = None if last.delay_s is None else max(0.0, ended_s + last.delay_s - now_s)
        return Cause(last.kind, recovers_in_s=left_s)
    kind = held.kind if any(failure.kind is held.kind for failure, _ in failures) else last.kind
    return Cause(kind, recovers_in_s=held.recovers_s - now_s)
