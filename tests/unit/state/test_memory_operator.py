"""What an operator does to the state by hand, and which changes are worth keeping."""

from __future__ import annotations

import pytest

from proxy.core.failure import FailureKind, Scope
from proxy.core.health import Slot
from proxy.core.snapshot import Rotation
from tests.unit.routing.build import NOW_S, candidate, failure, limited, model, target
from tests.unit.state.drive import begin, broken, done, fail, fresh, succeed

K = FailureKind
A, B, C = candidate("a"), candidate("b"), candidate("c")
SLOT = Slot("m", 1)


def test_clearing_all_forgets_every_set_aside_and_its_history() -> None:
    state = broken(A, limited())
    assert (state.clear(), state.clear()) == (1, 0)
    fail(state, A, limited(), NOW_S)
    assert state.view.asides[target(Scope.CREDENTIAL_MODEL, A)].until_s < NOW_S + 1.2, "the ladder began anew"


@pytest.mark.parametrize(
    ("by", "cleared"),
    [
        pytest.param({"provider": "a"}, 2, id="provider"),
        pytest.param({"model": model(A)}, 2, id="model-with-its-credentials"),
        pytest.param({"model": model(candidate("a", "other"))}, 1, id="another-models-credential-only"),
        pytest.param({"credential": "k1"}, 2, id="credential"),
        pytest.param({"provider": "b", "credential": "k1"}, 1, id="both"),
        pytest.param({"provider": "nobody"}, 0, id="nobody"),
    ],
)
def test_clearing_may_be_narrowed(by: dict[str, object], cleared: int) -> None:
    state = broken(A, failure(K.AUTH))
    done(state.failed(begin(fresh(), A, NOW_S), failure(K.CONNECT), NOW_S))
    fail(state, B, failure(K.BILLING), NOW_S)
    assert state.clear(**by) == cleared  # type: ignore[arg-type]  # a table of keyword arguments


def test_disabling_and_enabling_shows_in_the_view() -> None:
    state = fresh()
    state.disable("a")
    assert state.view.disabled == {"a"}
    state.enable("a")
    state.enable("a")
    assert state.view.disabled == set()


def test_advancing_by_hand_goes_to_the_next_that_is_not_set_aside() -> None:
    state = broken(B, failure(K.CONNECT))
    assert state.advance_pointer(model(A, B, C), NOW_S) == {1: C.id}
    assert state.view.pointers == {SLOT: C.id}


def test_advancing_by_hand_moves_even_if_all_are_set_aside() -> None:
    state = broken(B, failure(K.CONNECT))
    assert state.advance_pointer(model(A, B), NOW_S) == {1: B.id}


@pytest.mark.parametrize(
    ("priority", "moved"),
    [pytest.param(None, {1, 2}, id="all"), pytest.param(2, {2}, id="one"), pytest.param(9, set(), id="none-such")],
)
def test_advancing_by_hand_moves_the_priorities_that_were_meant(priority: int | None, moved: set[int]) -> None:
    low = [candidate(name, priority=2) for name in ("d", "e")]
    alone = candidate("f", priority=3)
    assert set(fresh().advance_pointer(model(A, B, *low, alone), NOW_S, priority)) == moved


def test_other_rotations_have_no_pointer_to_advance() -> None:
    assert fresh().advance_pointer(model(A, B, rotation=Rotation.WEIGHTED), NOW_S) == {}


@pytest.mark.parametrize(
    ("name", "priority", "left"),
    [
        pytest.param(None, None, 0, id="all"),
        pytest.param("m", None, 1, id="a-model"),
        pytest.param("m", 2, 2, id="a-priority"),
        pytest.param("z", None, 3, id="none-such"),
    ],
)
def test_reset_puts_rotations_back(name: str | None, priority: int | None, left: int) -> None:
    state = fresh()
    slots = [Slot("m", 1), Slot("m", 2), Slot("n", 1)]
    for slot in slots:
        done(state.advance(slot, A.id, B.id, A.id))
    state.take_turn(slots[0])
    assert state.reset(name, priority) == 3 - left
    assert len(state.view.pointers) == left


def test_reset_of_a_model_puts_back_its_turns_behind_others() -> None:
    state = fresh()
    for slot in (Slot("m", 1), Slot("m\0", 2), Slot("n\0", 2)):
        state.take_turn(slot)
    assert state.reset("m") == 2
    assert set(state.view.turns) == {Slot("n\0", 2)}


def test_reset_counts_a_rotation_once_however_it_has_moved() -> None:
    state = fresh()
    for slot in (Slot("m", 2), Slot("m\0", 2)):
        state.take_turn(slot)
    assert state.reset() == 1
    assert not state.view.turns


def test_each_change_worth_keeping_is_counted() -> None:
    state = fresh()
    steps = []
    for change in (
        lambda: state.disable("a"),
        lambda: state.enable("a"),
        lambda: done(state.advance(SLOT, A.id, B.id, A.id)),
        lambda: state.reset(),
        lambda: fail(state, A, limited(7), NOW_S),
        lambda: state.clear(),
        lambda: state.advance_pointer(model(A, B), NOW_S),
    ):
        before = state.changes
        change()
        steps.append(state.changes > before)
    assert all(steps)
    before = state.changes
    succeed(state, A, NOW_S)
    assert state.changes == before
