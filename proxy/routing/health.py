"""From what became of an attempt to what is remembered: set-asides, ladders, breakers (DESIGN.md section 6).

Pure transitions: they read what is remembered, take time (monotonic seconds) and randomness as arguments, and return
what changes. Never decides what a request does next.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from msgspec import Struct

from proxy.core.failure import TIMEOUTS, Failure, FailureKind, Scope
from proxy.core.health import Aside, Ladder, Target
from proxy.core.ports import Grant, Setback
from proxy.core.snapshot import BreakerPolicy
from proxy.routing.breaker import Breaker, after_bad, after_closing, after_good
from proxy.routing.view import breaker_targets, target_of, targets_of

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86_400.0
JITTER = 0.1  # of an unstated rate limit's delay
STATED_JITTER, STATED_JITTER_S = 0.05, 2.0
OVERLOADS, OVERLOADS_S = 3, 30.0
AUTH_MEMORY_S = 10 * MINUTE_S


class Rule(NamedTuple):
    """How long a kind of failure sets its target aside.

    Attributes:
        steps_s: Unstated delays: one for each time in a row without a success, the last for all that follow.
        scope: What is set aside; None = what the failure says.
        longest_s, shortest_s: Bounds of a delay that the failure brings along; 0 as longest = such a delay is ignored.
        probe_s: A longer set-aside admits a probe each time this much has passed.
        is_jittered: Unstated delays are spread.
        memory_s: A ladder starts anew when so much has passed since its last set-aside ended.
    """

    steps_s: tuple[float, ...]
    scope: Scope | None
    longest_s: float = 0.0
    shortest_s: float = 0.0
    probe_s: float | None = None
    is_jittered: bool = False
    memory_s: float | None = None


RULES: Mapping[FailureKind, Rule] = {
    FailureKind.RATE_LIMITED: Rule((1, 2, 4, 8, 16, 32, 60), None, longest_s=HOUR_S, is_jittered=True),
    FailureKind.QUOTA_EXHAUSTED: Rule((HOUR_S,), None, longest_s=31 * DAY_S, probe_s=10 * MINUTE_S),
    FailureKind.BILLING: Rule((HOUR_S,), Scope.CREDENTIAL, longest_s=31 * DAY_S, probe_s=HOUR_S),
    FailureKind.AUTH: Rule((30, 300, 600, 1200, 2400, HOUR_S), Scope.CREDENTIAL, memory_s=AUTH_MEMORY_S),
    FailureKind.PERMISSION: Rule((10 * MINUTE_S,), Scope.CREDENTIAL_MODEL),
    FailureKind.MODEL_MISSING: Rule((HOUR_S,), Scope.CANDIDATE),
    FailureKind.BLOCKED: Rule((10 * MINUTE_S,), Scope.PROVIDER),
    FailureKind.OVERLOADED: Rule((15, 30, 60), Scope.CANDIDATE, longest_s=60, shortest_s=15),
    FailureKind.CONNECT: Rule((10,), Scope.CANDIDATE),
    FailureKind.TIMEOUT_CONNECT: Rule((10,), Scope.CANDIDATE),
    FailureKind.TIMEOUT_HEADERS: Rule((10,), Scope.CANDIDATE),
    FailureKind.TIMEOUT_FIRST_OUTPUT: Rule((10,), Scope.CANDIDATE),
    FailureKind.TIMEOUT_IDLE: Rule((10,), Scope.CANDIDATE),
    FailureKind.TIMEOUT_RESPONSE: Rule((10,), Scope.CANDIDATE),
}
BREAKER_SCOPES = (Scope.CANDIDATE, Scope.PROVIDER)
FRESH = Breaker()
NONE: Mapping[Any, Any] = MappingProxyType({})
NOTHING = Setback()
UNREACHED = frozenset({FailureKind.CONNECT, FailureKind.TIMEOUT_CONNECT})
BROKEN = UNREACHED | TIMEOUTS | {FailureKind.SERVER_ERROR, FailureKind.PROTOCOL, FailureKind.TRUNCATED}


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered, as maps that `state` owns.

    Attributes:
        ladders: By target and cause.
        overloads: When a candidate was lately overloaded without saying for how long.
    """

    asides: Mapping[Target, Aside] = field(default_factory=dict)
    ladders: Mapping[Target, Mapping[FailureKind, Ladder]] = field(default_factory=dict)
    breakers: Mapping[Target, Breaker] = field(default_factory=dict)
    overloads: Mapping[Target, tuple[float, ...]] = field(default_factory=dict)


class Change(Struct, frozen=True):
    """What to remember from now on: entries to set, and targets whose set-aside and ladders to forget."""

    breakers: Mapping[Target, Breaker]
    freed: Sequence[Target] = ()
    asides: Mapping[Target, Aside] = NONE
    ladders: Mapping[Target, Mapping[FailureKind, Ladder]] = NONE
    overloads: Mapping[Target, tuple[float, ...]] = NONE
    setback: Setback = NOTHING


class Cooling(NamedTuple):
    """What a rule asks for. `target` says nothing without `aside`."""

    target: Target = Target(Scope.PROVIDER, "")
    aside: Aside | None = None
    ladders: Mapping[Target, Mapping[FailureKind, Ladder]] = NONE
    overloads: Mapping[Target, tuple[float, ...]] = NONE


class Event(NamedTuple):
    """A failure and what is remembered when it comes. `now_s` is monotonic."""

    memory: Memory
    grant: Grant
    failure: Failure
    now_s: float


def after_success(memory: Memory, grant: Grant, now_s: float, *, goes_on: bool = False) -> Change:
    """Free all that this attempt proved and count it in the breakers.

    It proves nothing of a target that was set aside after it began.

    Args:
        goes_on: It may still break off, so that a closed breaker does not count it yet.
    """
    policy = grant.candidate.provider.breaker
    targets = targets_of(grant.candidate.id, grant.credential)
    proven = [target for target in targets if not _is_late(memory, grant, target)]
    freed = [target for target in proven if target in memory.asides or target in memory.ladders]
    if policy is None:
        return Change({}, freed)
    counting = [target for target in proven if target.scope in BREAKER_SCOPES]
    return Change(_counted_good(memory, policy, counting, now_s, goes_on=goes_on), freed)


def after_end(memory: Memory, grant: Grant, now_s: float) -> Mapping[Target, Breaker]:
    """Return the breakers that count an answer that went on and came whole.

    What it proved was freed at its beginning: what is set aside now was so meanwhile, and it says nothing of that.
    """
    policy = grant.candidate.provider.breaker
    if policy is None:
        return NONE
    counting = [target for target in breaker_targets(grant.candidate.id) if target not in memory.asides]
    return _counted_good(memory, policy, counting, now_s, goes_on=False)


def _counted_good(
    memory: Memory, policy: BreakerPolicy, targets: Sequence[Target], now_s: float, *, goes_on: bool
) -> dict[Target, Breaker]:
    """Count a success in breakers; one that was open or half-open closes."""
    breakers: dict[Target, Breaker] = {}
    for target in targets:
        breaker, aside = memory.breakers.get(target, FRESH), memory.asides.get(target)
        if aside is not None and aside.breaker:
            breakers[target] = after_closing(breaker, now_s)
        elif not goes_on:
            breakers[target] = after_good(breaker, policy, now_s)
    return breakers


def _is_late(memory: Memory, grant: Grant, target: Target) -> bool:
    """Say whether an attempt began before its target was set aside: it says nothing new of it."""
    aside = memory.asides.get(target)
    return aside is not None and grant.began_s < aside.since_s


def after_failure(memory: Memory, grant: Grant, failure: Failure, now_s: float, rng: random.Random) -> Change:
    """Set aside what the failure says, move its ladder, count it in the breakers.

    An attempt that began before its target was set aside moves neither ladder nor breaker; only a longer stated time of
    it counts. A last resort changes nothing.
    """
    if grant.last_resort:
        return Change({})
    event = Event(memory, grant, failure, now_s)
    breakers, fresh = _fed_breakers(event)
    is_opened = bool(fresh)
    cooling = _cooling(event, rng)
    if cooling.aside is not None:
        target = cooling.target
        fresh[target] = _longer(fresh[target], cooling.aside) if target in fresh else cooling.aside
    merged = {target: _merged(aside, event, target) for target, aside in fresh.items()}
    asides = {target: aside for target, aside in merged.items() if aside is not None}
    return Change(
        breakers, (), asides, cooling.ladders, cooling.overloads, Setback(tuple(asides), breaker_opened=is_opened)
    )


def _cooling(event: Event, rng: random.Random) -> Cooling:
    """Work out the set-aside that the failure's rule asks for, and the steps that were taken for it."""
    failure, now_s = event.failure, event.now_s
    rule = RULES.get(failure.kind)
    if rule is None:
        return Cooling()
    target = target_of(_scope(rule, event), event.grant.candidate.id, event.grant.credential)
    told_s = failure.delay_s if rule.longest_s else None
    if _is_late(event.memory, event.grant, target) and (told_s is None or not failure.stated):
        return Cooling()
    ladders: Mapping[Target, Mapping[FailureKind, Ladder]] = NONE
    overloads: Mapping[Target, tuple[float, ...]] = NONE
    if told_s is not None:
        length_s = min(max(told_s, rule.shortest_s), rule.longest_s)
        length_s += rng.random() * min(STATED_JITTER * length_s, STATED_JITTER_S)
    else:
        if failure.kind is FailureKind.OVERLOADED:
            recent = _overloads(event, target)
            overloads = {target: recent}
            if recent:
                return Cooling(overloads=overloads)
        step = _step(event, rule, target)
        length_s = rule.steps_s[step] * (1 + JITTER * rng.random() if rule.is_jittered else 1)
        if len(rule.steps_s) > 1:
            rung = Ladder(step, now_s + length_s)
            ladders = {target: {**event.memory.ladders.get(target, NONE), failure.kind: rung}}
    opens_s = length_s if rule.probe_s is None else min(length_s, rule.probe_s)
    is_stated = told_s is not None and failure.stated
    aside = Aside(failure.kind, now_s, now_s + opens_s, now_s + length_s, stated=is_stated)
    return Cooling(target, aside, ladders, overloads)


def _scope(rule: Rule, event: Event) -> Scope:
    scope = rule.scope or event.failure.scope
    is_by_account = event.failure.kind is FailureKind.RATE_LIMITED and event.grant.candidate.provider.limits_by_account
    return Scope.ACCOUNT if is_by_account and scope is Scope.CREDENTIAL_MODEL else scope


def _step(event: Event, rule: Rule, target: Target) -> int:
    """Return the step of a ladder that this failure takes."""
    ladders: Mapping[FailureKind, Ladder] = event.memory.ladders.get(target, NONE)
    ladder = ladders.get(event.failure.kind)
    if ladder is None or (rule.memory_s is not None and event.now_s - ladder.last_s > rule.memory_s):
        return 0
    return min(ladder.step + 1, len(rule.steps_s) - 1)


def _overloads(event: Event, target: Target) -> tuple[float, ...]:
    """Return the overloads without a stated time to remember; none when this one is to set the target aside.

    The third in half a minute does, and that of a probe.
    """
    recent = [at_s for at_s in event.memory.overloads.get(target, ()) if event.now_s - at_s < OVERLOADS_S]
    is_enough = len(recent) + 1 >= OVERLOADS or target in event.grant.claimed
    return () if is_enough else (*recent, event.now_s)


def _fed_breakers(event: Event) -> tuple[dict[Target, Breaker], dict[Target, Aside]]:
    """Count the failure in the breakers it feeds; return them and the set-asides of those that open."""
    policy, kind, now_s = event.grant.candidate.provider.breaker, event.failure.kind, event.now_s
    breakers: dict[Target, Breaker] = {}
    opened: dict[Target, Aside] = {}
    if policy is None or kind not in BROKEN:
        return breakers, opened
    for scope in BREAKER_SCOPES if kind in UNREACHED else BREAKER_SCOPES[:1]:
        target = target_of(scope, event.grant.candidate.id, event.grant.credential)
        if _is_late(event.memory, event.grant, target):
            continue
        old = event.memory.asides.get(target)
        is_open = old is not None and old.breaker
        breakers[target], open_s = after_bad(event.memory.breakers.get(target, FRESH), policy, now_s, is_open=is_open)
        if open_s is not None:
            opened[target] = Aside(kind, now_s, now_s + open_s, now_s + open_s, breaker=True)
    return breakers, opened


def _merged(fresh: Aside, event: Event, target: Target) -> Aside | None:
    """Join a new set-aside with the one in force, which it never shortens; None when nothing changes."""
    old = event.memory.asides.get(target)
    if old is None:
        return fresh
    if _is_late(event.memory, event.grant, target):
        return replace(_longer(old, fresh), since_s=old.since_s) if fresh.until_s > old.until_s else None
    is_holder = target in event.grant.claimed and old.claimed_s == event.grant.began_s
    return replace(_longer(old, fresh), since_s=event.now_s, claimed_s=None if is_holder else old.claimed_s)


def _longer(one: Aside, other: Aside) -> Aside:
    """Join two set-asides of one target; the first is the one in force, if either is."""
    longer = max(one, other, key=lambda aside: aside.until_s)
    return replace(
        longer,
        opens_at_s=max(one.opens_at_s, other.opens_at_s),
        breaker=one.breaker or other.breaker,
        claimed_s=one.claimed_s,
    )
