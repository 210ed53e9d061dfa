"""State machines: whatever happens in whatever order, these promises of DESIGN.md section 6 hold."""

from __future__ import annotations

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.health import Aside, CandidateId, Slot, Target
from proxy.core.plan import Planned
from proxy.core.ports import Grant
from proxy.core.snapshot import BreakerPolicy, Candidate
from proxy.routing.order import pointer_move
from proxy.routing.view import CLAIM_S, LAST_RESORTS, block, pick, targets_of
from proxy.state.memory import MemoryState
from tests.unit.routing.build import NOW_S, candidate, credential, limited, model, planned, provider
from tests.unit.state.drive import admit, done

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]  # to choose thousands of steps costs more than to take them

K = FailureKind
FAILURES = st.builds(
    Failure,
    kind=st.sampled_from(list(K)),
    scope=st.sampled_from(list(Scope)),
    delay_s=st.one_of(st.none(), st.floats(0.0, 5_000.0)),
    stated=st.booleans(),
)
PAUSES = st.one_of(st.floats(0.0, 3.0), st.floats(3.0, 100.0), st.floats(100.0, 4_000.0))
SHORT = settings(stateful_step_count=40)


class CooldownMachine(RuleBasedStateMachine):
    """Two models of one provider with two credentials, any failures, any interleaving."""

    def __init__(self) -> None:
        super().__init__()
        self.state = MemoryState(random.Random(3))
        of = provider("p", keys=2)
        self.candidates = [candidate(of, "x"), candidate(of, "y")]
        self.now_s = NOW_S
        self.running: list[Grant] = []
        self.settled: list[Grant] = []

    @rule(pause_s=PAUSES)
    def time_passes(self, pause_s: float) -> None:
        self.now_s += pause_s

    @rule(which=st.sampled_from([0, 0, 0, 1]), key=st.sampled_from([1, 1, 1, 2]))
    def begin(self, which: int, key: int) -> None:
        of = self.candidates[which]
        held = [self.state.view.asides.get(spot) for spot in targets_of(of.id, credential(of, key))]
        grant = admit(self.state, of, self.now_s, key)
        if any(aside is not None and self.now_s < aside.opens_at_s for aside in held):
            assert grant is None, "sent to what is set aside"
        if grant is not None:
            for spot in grant.claimed:
                rivals = [other for other in self.running if spot in other.claimed]
                assert all(self.now_s - other.began_s >= CLAIM_S for other in rivals), "two claims in thirty seconds"
            self.running.append(grant)

    @rule(which=st.integers(0, 1))
    def begin_last_resort(self, which: int) -> None:
        grant = admit(self.state, self.candidates[which], self.now_s, last_resort=True)
        if grant is not None:
            self.running.append(grant)

    @precondition(lambda self: self.running)
    @rule(chosen=st.integers(0, 99), delay_s=st.one_of(st.none(), st.floats(0.0, 300.0)))
    def limit(self, chosen: int, delay_s: float | None) -> None:
        self._fail(chosen, limited(delay_s))

    @precondition(lambda self: self.running)
    @rule(chosen=st.integers(0, 99), failure=FAILURES)
    def fail(self, chosen: int, failure: Failure) -> None:
        self._fail(chosen, failure)

    def _fail(self, chosen: int, failure: Failure) -> None:
        grant = self._settle(chosen)
        before = dict(self.state.view.asides)
        setback = done(self.state.failed(grant, failure, self.now_s))
        after = self.state.view.asides
        for spot, old in before.items():
            assert after[spot].until_s >= old.until_s and after[spot].opens_at_s >= old.opens_at_s, "shortened"
        assert set(after) - set(before) <= set(setback.asides)
        if grant.last_resort:
            assert dict(after) == before, "a last resort changed something"
        self.state.release(grant, self.now_s)

    @precondition(lambda self: self.running)
    @rule(chosen=st.integers(0, 99))
    def succeed(self, chosen: int) -> None:
        grant = self._settle(chosen)
        late = self._late(grant)
        self.state.succeeded(grant, self.now_s, 0.1)
        left = [spot for spot in targets_of(grant.candidate.id, grant.credential) if spot in self.state.view.asides]
        assert left == late, "a success frees what it proves and nothing that was set aside after it began"
        self.state.release(grant, self.now_s)

    @precondition(lambda self: self.running)
    @rule(chosen=st.integers(0, 99))
    def leave(self, chosen: int) -> None:
        self.state.release(self._settle(chosen), self.now_s)

    @precondition(lambda self: self.settled)
    @rule(chosen=st.integers(0, 99))
    def release_again(self, chosen: int) -> None:
        self.state.release(self.settled[chosen % len(self.settled)], self.now_s)

    @invariant()
    def what_is_in_flight_is_counted(self) -> None:
        view = self.state.view
        assert view.provider_in_flight.get("p", 0) == sum(view.in_flight.values()) == len(self.running)
        assert all(count <= LAST_RESORTS for count in view.last_resorts.values())

    @invariant()
    def whoever_cannot_be_picked_is_blocked_until_later(self) -> None:
        for of in self.candidates:
            held = block(of, self.state.view, self.now_s)
            assert (pick(of, self.state.view, self.now_s) is None) is (held is not None)
            assert held is None or held.recovers_s >= self.now_s

    def _settle(self, chosen: int) -> Grant:
        grant = self.running.pop(chosen % len(self.running))
        self.settled.append(grant)
        return grant

    def _late(self, grant: Grant) -> list[Target]:
        asides = self.state.view.asides
        spots = targets_of(grant.candidate.id, grant.credential)
        return [spot for spot in spots if spot in asides and asides[spot].since_s > grant.began_s]


class BreakerMachine(RuleBasedStateMachine):
    """One candidate, one request at a time, against a plain account of all that came."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = BreakerPolicy()
        self.of = candidate(provider("p", breaker=self.policy))
        self.spot = targets_of(self.of.id, credential(self.of))[3]
        self.state = MemoryState(random.Random(3))
        self.now_s = NOW_S
        self.came: list[tuple[float, bool]] = []  # since the breaker last opened or closed
        self.lengths: list[float] = []

    @rule(pause_s=st.one_of(st.floats(0.0, 4.0), st.floats(4.0, 400.0)))
    def time_passes(self, pause_s: float) -> None:
        self.now_s += pause_s

    @rule(is_good=st.booleans())
    def answer(self, is_good: bool) -> None:
        before = self.state.view.asides.get(self.spot)
        grant = admit(self.state, self.of, self.now_s)
        if before is not None and self.now_s < before.opens_at_s:
            assert grant is None
            return
        assert grant is not None
        self.came.append((self.now_s, is_good))
        if is_good:
            self.state.succeeded(grant, self.now_s, 0.1)
            assert self.spot not in self.state.view.asides
            self.came = self.came if before is None else []
        else:
            setback = done(self.state.failed(grant, Failure(K.SERVER_ERROR, status=500), self.now_s))
            assert setback.breaker_opened is (before is not None or self._must_open(setback.breaker_opened))
            if setback.breaker_opened:
                self._opened(self.state.view.asides[self.spot], before)
        self.state.release(grant, self.now_s)

    def _opened(self, aside: Aside, before: Aside | None) -> None:
        length_s = aside.opens_at_s - self.now_s
        doublings = {min(10.0 * 2**step, self.policy.max_open_s) for step in range(8)}
        assert aside.breaker and any(abs(length_s - each) < 1e-6 for each in doublings)
        if before is not None and self.lengths:
            assert length_s >= min(2 * self.lengths[-1], self.policy.max_open_s) - 1e-6, "a failed probe doubles"
        self.lengths.append(length_s)
        self.came = []

    def _must_open(self, opened: bool) -> bool:
        """Three in a row do; half of five in the window do, which buckets may shorten by a sixth."""
        row = [good for _, good in self.came[-3:]]
        if len(row) == 3 and not any(row):
            return True
        verdicts = set()
        for window_s in (self.policy.window_s * 5 / 6, self.policy.window_s):
            recent = [good for at_s, good in self.came if at_s > self.now_s - window_s]
            verdicts.add(len(recent) >= self.policy.min_requests and recent.count(False) * 2 >= len(recent))
        return opened if len(verdicts) == 2 else verdicts.pop()


class RotationMachine(RuleBasedStateMachine):
    """Three candidates in a sticky rotation, many requests in flight at once."""

    def __init__(self) -> None:
        super().__init__()
        self.of = model(*(candidate(provider(name, keys=2)) for name in "abc"))
        self.members = planned(self.of).candidates
        self.slot = Slot("m", 1)
        self.state = MemoryState(random.Random(3))
        self.now_s = NOW_S
        self.running: list[tuple[int, Grant]] = []

    @property
    def pointer(self) -> CandidateId:
        return self.state.view.pointers.get(self.slot, self.members[0].candidate.id)

    @rule(pause_s=PAUSES)
    def time_passes(self, pause_s: float) -> None:
        self.now_s += pause_s

    @rule(count=st.integers(1, 30))
    def begin_at_the_first_that_is_free(self, count: int) -> None:
        for _ in range(count):
            made = planned_now(self)
            if made:
                place = self.members.index(made[0])
                grant = admit(self.state, made[0].candidate, self.now_s, self._free_key(made[0].candidate))
                if grant is not None:
                    self.running.append((place, grant))

    def _free_key(self, of: Candidate) -> int:
        found = pick(of, self.state.view, self.now_s)
        return of.provider.credentials.index(found.credential) + 1 if found and found.credential else 1

    @precondition(lambda self: self.running)
    @rule(delay_s=st.one_of(st.none(), st.floats(1.0, 600.0)))
    def all_in_flight_fail(self, delay_s: float | None) -> None:
        moves: list[CandidateId] = []
        for place, grant in self.running:
            before = self.pointer
            setback = done(self.state.failed(grant, limited(delay_s), self.now_s))
            self.state.release(grant, self.now_s)
            move = pointer_move(self.members[place], limited(delay_s), setback, self.state.view, self.now_s)
            if move is not None and done(self.state.advance(*move)):
                assert pick(candidate_of(self, before), self.state.view, self.now_s) is None, "moved from a usable one"
                assert pick(candidate_of(self, move.new), self.state.view, self.now_s) is not None
                moves.append(before)
        assert len(moves) == len(set(moves)), "the same failures moved the pointer twice"
        self.running = []

    @precondition(lambda self: self.running)
    @rule()
    def one_succeeds(self) -> None:
        _, grant = self.running.pop()
        before = self.pointer
        self.state.succeeded(grant, self.now_s, 0.1)
        self.state.release(grant, self.now_s)
        assert self.pointer == before

    @invariant()
    def the_pointer_is_at_a_member(self) -> None:
        assert self.pointer in {item.candidate.id for item in self.members}


def planned_now(machine: RotationMachine) -> list[Planned]:
    view = machine.state.view
    free = [item for item in machine.members if pick(item.candidate, view, machine.now_s) is not None]
    start = next(place for place, item in enumerate(machine.members) if item.candidate.id == machine.pointer)
    return [item for item in (*machine.members[start:], *machine.members[:start]) if item in free]


def candidate_of(machine: RotationMachine, wanted: CandidateId) -> Candidate:
    return next(item.candidate for item in machine.members if item.candidate.id == wanted)


TestCooldowns = CooldownMachine.TestCase
TestCooldowns.settings = SHORT
TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = SHORT
TestRotation = RotationMachine.TestCase
TestRotation.settings = SHORT
