"""From a request, its model and the read model to the plan: the candidates in the order to try, why not the others.

Pure: the same arguments give the same plan, so one function serves traffic, `fairlead explain` and the tests. Never
claims, counts or moves anything.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from proxy.core.call import Call
from proxy.core.health import Slot, StateView
from proxy.core.plan import OmitReason, Omitted, Plan, Planned
from proxy.core.snapshot import Model, Snapshot
from proxy.routing.lineup import lineup_of
from proxy.routing.omit import CHECKS, Check, Question, admits_all, judge
from proxy.routing.order import COUNTING, arrange, spread, start_of
from proxy.routing.view import Guess, guess

Judged = tuple[Sequence[Sequence[Planned]], tuple[Omitted, ...]]  # the free members of each group, and the others

HELD = frozenset({OmitReason.SET_ASIDE, OmitReason.HALF_OPEN_BUSY})


def plan(call: Call, model: Model, snapshot: Snapshot, view: StateView, now_s: float, rng: random.Random) -> Plan:
    """Plan one request.

    Args:
        model: What `routing.resolve` made of the name that the client sent.
        now_s: Monotonic seconds, the clock of `view`.
        rng: Used by `lowest_latency` alone, to explore.
    """
    lineup = lineup_of(call, model, snapshot)
    is_admitted = admits_all(call, lineup, view)
    # What is set aside stays so until somebody asks for it again: mostly that is of other models.
    is_free = not view.asides or view.asides.keys().isdisjoint(lineup.targets)
    if is_admitted and is_free and lineup.plans is not None:  # as nearly always
        only = lineup.groups[0]
        return lineup.plans[start_of(only, view.pointers.get(only.slot)) if view.pointers else 0]
    question = Question(call, lineup, view, now_s)
    checks = () if is_admitted else CHECKS
    if checks or not is_free:
        return _ordered(question, model, _judge_each(question, checks), rng)
    return _ordered(question, model, ([group.members for group in lineup.groups], lineup.duplicates), rng)


def _judge_each(question: Question, checks: Sequence[Check]) -> Judged:
    free: list[Sequence[Planned]] = []
    omitted: list[Omitted] = []
    for group in question.lineup.groups:
        verdicts = [judge(planned, question, checks) for planned in group.members]
        free.append([verdict for verdict in verdicts if isinstance(verdict, Planned)])
        omitted += [verdict for verdict in verdicts if isinstance(verdict, Omitted)]
    return free, (*omitted, *question.lineup.duplicates)


def _ordered(question: Question, model: Model, judged: Judged, rng: random.Random) -> Plan:
    """Order each group's free members by its rotation, groups after one another."""
    ordered: list[Planned] = []
    turns: list[Slot] = []
    free, omitted = judged
    for group, members in zip(question.lineup.groups, free, strict=True):
        slot = group.later if ordered else group.slot
        ordered += arrange(group, members, slot, question.view, rng)
        if group.rotation in COUNTING and len(members) > 1:
            turns.append(slot)
    if question.lineup.is_crowded:
        ordered = spread(ordered)
    return Plan(model, tuple(ordered), omitted, _last_resort(omitted, question), tuple(turns))


def _last_resort(omitted: Sequence[Omitted], question: Question) -> Planned | None:
    """Choose the candidate whose guessed set-aside ends first; stated times and firm causes are no guesses."""
    found: tuple[Guess, Omitted] | None = None
    for item in omitted:
        if item.reason in HELD:
            guessed = guess(item.candidate, question.view, question.now_s)
            if guessed is not None and (found is None or guessed.recovers_s < found[0].recovers_s):
                found = guessed, item
    if found is None:
        return None
    return Planned(found[1].candidate, found[1].model, "last resort: all are set aside, this one recovers first")
