"""Whole requests, planned, attempted and failed through the real state: what they promise whatever goes wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.plan import Plan, Send
from proxy.core.ports import Grant
from proxy.core.snapshot import Candidate, CredentialOrder, Model, Rotation, Snapshot
from proxy.routing.explain import explain
from proxy.routing.order import pointer_move
from proxy.routing.plan import plan
from proxy.routing.retry import next_step
from proxy.routing.steps import AttemptPolicy, Stop, Tried, Wait
from proxy.routing.view import pick
from proxy.state.memory import MemoryState
from tests.unit.routing.build import NOW_S, call, candidate, credential, model, provider, snapshot
from tests.unit.state.drive import done

K = FailureKind

GOES_ON = [kind for kind in K if kind not in {K.INVALID_REQUEST, K.CONTENT_POLICY, K.CLIENT_GONE, K.TRUNCATED}]
OF_ONE_CANDIDATE = [K.SERVER_ERROR, K.PROTOCOL, K.TIMEOUT_HEADERS, K.MODEL_MISSING, K.OVERLOADED]


@dataclass
class Run:
    """One request's attempts, instantly failed, and what was seen before each."""

    plan: Plan
    told: dict[str, object]
    history: list[Tried] = field(default_factory=list)
    first_is_best: bool = True
    is_spread: bool = True
    end: Stop | None = None

    @property
    def sent(self) -> list[Tried]:
        """What reached an upstream: a request that its dialect cannot say costs nobody an attempt."""
        return [tried for tried in self.history if tried.failure.kind is not K.UNSUPPORTED]


def run(state: MemoryState, of: Model, configured: Snapshot, failures: Iterator[Failure], now_s: float) -> Run:
    """Send a request until it stops; every attempt fails with the next failure."""
    rng = random.Random(2)
    made = plan(call(), of, configured, state.view, now_s, rng)
    record = Run(made, explain(made, state.view, now_s))
    bounds = AttemptPolicy(max_attempts=configured.max_attempts, deadline_at_s=now_s + 600, current=configured)
    for slot in made.turns:
        state.take_turn(slot)
    while True:
        step = next_step(record.history, made, state.view, bounds, now_s)
        if isinstance(step, Stop):
            record.end = step
            return record
        if isinstance(step, Wait):
            now_s += step.delay_s
            step = step.then
        _observe(record, step, state, now_s)
        sent = step.credential.id if step.credential else ""
        grant = Grant(step.planned.candidate, sent, now_s, 0, step.last_resort)
        assert done(state.claim(grant)), "with one request at a time nothing is refused"
        failure = next(failures)
        setback = done(state.failed(grant, failure, now_s))
        move = pointer_move(step.planned, failure, setback, state.view, now_s)
        if move is not None:
            done(state.advance(*move))
        state.release(grant, now_s)
        record.history.append(Tried(step, failure, now_s))


def _observe(record: Run, step: Send, state: MemoryState, now_s: float) -> None:
    """Note whether the healthy come by priority and whether providers take turns."""
    here = step.planned.candidate
    if not record.history and not step.last_resort:
        better = [item for item in record.plan.candidates if item.candidate.priority < here.priority]
        record.first_is_best = all(pick(item.candidate, state.view, now_s) is None for item in better)
    tried_names = {tried.send.planned.candidate.provider.name for tried in record.history}
    untried = [item.candidate for item in record.plan.candidates if item.candidate.provider.name not in tried_names]
    is_third = sum(tried.send.planned.candidate.provider.name == here.provider.name for tried in record.sent) >= 2
    may_differ = any(tried.failure.kind in (K.REJECTED, K.CONTEXT_TOO_LONG) for tried in record.history)
    if is_third and not may_differ and any(pick(other, state.view, now_s) for other in untried):
        record.is_spread = False


@st.composite
def models(draw: st.DrawFn, *, own_providers: bool = False) -> Model:
    """Up to six candidates of up to four providers with one to three credentials each."""
    providers = [
        provider(
            f"p{number}",
            keys=draw(st.integers(1, 3)),
            kind=draw(st.sampled_from(["openai", "mistral"])),
            limits_by_account=draw(st.booleans()),
            credential_order=draw(st.sampled_from(list(CredentialOrder))),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    count = len(providers) if own_providers else draw(st.integers(1, 6))
    candidates: list[Candidate] = []
    for number in range(count):
        of = providers[number] if own_providers else draw(st.sampled_from(providers))
        priority, weight = draw(st.integers(1, 3)), draw(st.integers(0, 3))
        candidates.append(candidate(of, f"m{number}", priority=priority, weight=weight))
    return model(*candidates, rotation=draw(st.sampled_from(list(Rotation))))


@st.composite
def failures(draw: st.DrawFn, kinds: Sequence[FailureKind] = tuple(K)) -> Failure:
    kind = draw(st.sampled_from(list(kinds)))
    limits = [Scope.CREDENTIAL_MODEL, Scope.CREDENTIAL, Scope.ACCOUNT, Scope.CANDIDATE]
    delay_s = draw(st.one_of(st.none(), st.floats(0.0, 90.0)))
    return Failure(
        kind,
        draw(st.sampled_from(limits)),
        draw(st.sampled_from([None, 400, 429, 500])),
        delay_s=delay_s,
        stated=delay_s is not None and draw(st.booleans()),
        edit=draw(st.sampled_from([(), ("seed",)])) if kind in (K.INVALID_REQUEST, K.REJECTED) else (),
    )


def on_purpose(before: Sequence[Tried], again: Send) -> bool:
    """Say whether a pair may be sent to once more: after a conflict, with fewer fields, after a short stated delay."""
    earlier = [tried for tried in before if _pair(tried.send) == _pair(again)]
    last = earlier[-1].failure
    conflicts = sum(tried.failure.kind is K.CONFLICT for tried in earlier)
    is_edited = bool(again.edit) and not any(tried.send.edit for tried in earlier)
    is_waited_for = last.kind is K.RATE_LIMITED and last.stated and last.delay_s is not None and last.delay_s <= 2
    return (last.kind is K.CONFLICT and conflicts == 1) or is_edited or is_waited_for


def _pair(send: Send) -> tuple[object, str]:
    return send.planned.candidate.id, send.credential.name if send.credential else ""


def drawn(data: st.DataObject, coming: st.SearchStrategy[Failure]) -> Iterator[Failure]:
    """One failure for each attempt that is made, and none for those that are not."""
    while True:
        yield data.draw(coming)


@given(models(), st.lists(st.floats(0.0, 120.0), min_size=1, max_size=4), st.data())
def test_every_request_keeps_its_promises(of: Model, pauses_s: list[float], data: st.DataObject) -> None:
    state, configured, now_s = MemoryState(random.Random(1)), snapshot(of), NOW_S
    for pause_s in pauses_s:
        now_s += pause_s
        record = run(state, of, configured, drawn(data, failures()), now_s)
        assert len(record.sent) <= configured.max_attempts, "the budget"
        assert record.first_is_best, "the healthy are served in priority order"
        assert record.is_spread, "two sends to a provider while another is untried"
        for number, tried in enumerate(record.history):
            before = record.history[:number]
            is_again = any(_pair(earlier.send) == _pair(tried.send) for earlier in before)
            assert not is_again or on_purpose(before, tried.send), "twice, and not on purpose"
        assert sum(tried.send.last_resort for tried in record.history) <= 1


def first_visits(history: Sequence[Tried]) -> list[tuple[str, str]]:
    """The candidates in the order in which they were first sent to."""
    visits = (tried.send.planned.candidate for tried in history)
    return list(dict.fromkeys((item.provider.name, item.model) for item in visits))


def told_order(told: dict[str, object]) -> list[tuple[str, str]]:
    rows = told["candidates"]
    assert isinstance(rows, list)
    return [(row["provider"], row["upstream_model"]) for row in rows]


@given(models(), st.integers(1, 5), st.data())
def test_an_explanation_is_the_order_of_the_attempts(of: Model, requests: int, data: st.DataObject) -> None:
    state, configured, now_s = MemoryState(random.Random(1)), snapshot(of), NOW_S
    for _ in range(requests):
        record = run(state, of, configured, drawn(data, failures(OF_ONE_CANDIDATE)), now_s)
        tried = [each for each in record.history if not each.send.last_resort]
        assert first_visits(tried) == told_order(record.told)[: configured.max_attempts]
        now_s += 7


@given(models(own_providers=True), st.data())
def test_with_a_provider_each_it_is_so_whatever_fails(of: Model, data: st.DataObject) -> None:
    configured = snapshot(of)
    record = run(MemoryState(random.Random(1)), of, configured, drawn(data, failures(GOES_ON)), NOW_S)
    visits, told = first_visits(record.history), told_order(record.told)
    assert visits == [row for row in told if row in visits], "in the order of the explanation"
    is_narrowed = any(tried.failure.kind in (K.REJECTED, K.CONTEXT_TOO_LONG) for tried in record.history)
    if not is_narrowed and len(record.sent) < configured.max_attempts:
        assert visits == told, "and nobody is left out"


@settings(max_examples=50)
@given(models())
def test_the_explained_credential_is_the_one_that_is_used(of: Model) -> None:
    configured = snapshot(of)
    broken = [Failure(K.SERVER_ERROR, status=500)] * 9
    record = run(MemoryState(random.Random(1)), of, configured, iter(broken), NOW_S)
    rows = record.told["candidates"]
    assert isinstance(rows, list)
    first = record.history[0].send
    assert first.credential is not None and rows[0]["credential"] == first.credential.name
    assert credential(first.planned.candidate).startswith("k1#")
