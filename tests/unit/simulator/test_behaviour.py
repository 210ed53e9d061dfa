"""Conditions, and what is left of a behaviour whose condition does not hold."""

from __future__ import annotations

import pytest

from proxy.simulator.behaviour import ALWAYS, Behaviour, Cause, Condition, Fault, FixedAnswer, RecoveryForm


@pytest.mark.parametrize(
    ("condition", "holding"),
    [
        pytest.param(ALWAYS, [1, 2, 3, 4, 5, 6], id="always"),
        pytest.param(Condition(nth=2), [2], id="nth"),
        pytest.param(Condition(every=3), [3, 6], id="every"),
        pytest.param(Condition(first=2), [1, 2], id="first"),
        pytest.param(Condition(every=2, first=4), [2, 4], id="both"),
    ],
)
def test_condition_holds_by_count(condition: Condition, holding: list[int]) -> None:
    assert [count for count in range(1, 7) if condition.holds(count, 0.0, 50.0)] == holding


@pytest.mark.parametrize(
    ("condition", "holding"),
    [
        pytest.param(Condition(for_s=2.0), [0, 1], id="for"),
        pytest.param(Condition(from_s=2.0), [2, 3, 4], id="from"),
        pytest.param(Condition(from_s=1.0, for_s=2.0), [1, 2], id="window"),
    ],
)
def test_condition_holds_by_time(condition: Condition, holding: list[int]) -> None:
    assert [at_s for at_s in range(5) if condition.holds(1, float(at_s), 50.0)] == holding


def test_condition_holds_for_its_share() -> None:
    assert Condition(percent=30).holds(1, 0.0, 29.9)
    assert not Condition(percent=30).holds(1, 0.0, 30.0)


def test_behaviour_without_its_fault_keeps_pace_and_size() -> None:
    spoilt = Behaviour(
        cause=Cause.QUOTA,
        status=429,
        form=RecoveryForm.TEXT,
        fault=Fault.CUT,
        fixed=FixedAnswer(),
        tokens=7,
        tokens_per_s=5.0,
    )
    assert spoilt.without_fault() == Behaviour(tokens=7, tokens_per_s=5.0)
