"""A provider's own limits, through the state that requests take from."""

from __future__ import annotations

import pytest

from proxy.core.ports import Grant
from proxy.core.snapshot import Candidate, Limits
from tests.unit.routing.build import NOW_S, candidate, credential, model, provider, snapshot
from tests.unit.state.drive import admit, begin, done, fresh


def limits(**fields: int) -> Candidate:
    return candidate(provider("lim", limits=Limits(**fields)))


def test_a_provider_takes_no_more_than_its_parallel_limit() -> None:
    state, of = fresh(), limits(parallel=1)
    attempt = begin(state, of, NOW_S)
    assert admit(state, of, NOW_S) is None
    state.release(attempt, NOW_S)
    assert admit(state, of, NOW_S) is not None


def test_a_provider_takes_no_more_than_its_requests_a_minute() -> None:
    state, of = fresh(), limits(rpm=2)
    for _ in range(2):
        begin(state, of, NOW_S)
    assert admit(state, of, NOW_S + 29) is None
    assert state.view.limit_free_s["lim"] == pytest.approx(NOW_S + 30, abs=0.01)
    assert admit(state, of, NOW_S + 30) is not None


def test_a_provider_takes_no_more_than_its_tokens_a_minute() -> None:
    state, of = fresh(), limits(tpm=1_000, rpm=100)
    attempt = Grant(of, credential(of), NOW_S, tokens=1_500)
    assert done(state.claim(attempt)) and admit(state, of, NOW_S + 29) is None
    state.release(attempt, NOW_S + 29, tokens=100)
    assert admit(state, of, NOW_S + 29) is not None


@pytest.mark.parametrize("of", [limits(tpm=1_000), limits(rpm=1)], ids=["tokens-unknown", "no-token-limit"])
def test_without_a_correction_the_estimate_stays(of: Candidate) -> None:
    state = fresh()
    attempt = Grant(of, credential(of), NOW_S, tokens=5_000)
    assert done(state.claim(attempt))
    state.release(attempt, NOW_S, tokens=None if of.provider.limits.tpm else 1)
    assert admit(state, of, NOW_S + 30) is None


@pytest.mark.parametrize(
    ("now", "free_in_s"),
    [
        pytest.param({"rpm": 2, "tpm": 100}, 120, id="the-same"),
        pytest.param({"rpm": 2, "tpm": 200}, 30, id="raised-and-still-owing"),
        pytest.param({"rpm": 1}, 60, id="one-lowered-one-taken-away"),
        pytest.param({"rpm": 200, "tpm": 10_000}, 0, id="raised"),
        pytest.param({}, 0, id="taken-away"),
        pytest.param({"parallel": 5}, 0, id="another-one"),
    ],
)
def test_what_was_used_is_owed_at_the_pace_of_the_limits_that_are_in_force(
    now: dict[str, int], free_in_s: float
) -> None:
    state, of = fresh(), limits(rpm=2, tpm=100)
    assert done(state.claim(Grant(of, credential(of), NOW_S, tokens=299)))
    state.forget(snapshot(model(limits(**now))), NOW_S, {"lim": of.provider})
    assert state.view.limit_free_s.get("lim", NOW_S) == pytest.approx(NOW_S + free_in_s, abs=0.01)


@pytest.mark.parametrize("now", [{}, {"tpm": 1_000_000}], ids=["taken-away", "raised"])
def test_an_attempt_that_ends_under_other_limits_counts_by_those(now: dict[str, int]) -> None:
    state, of = fresh(), limits(tpm=10)
    attempt = begin(state, of, NOW_S)
    state.forget(snapshot(model(limits(**now))), NOW_S, {"lim": of.provider})
    state.release(attempt, NOW_S, tokens=1_000)
    assert state.view.limit_free_s == {}


def test_limits_of_a_provider_that_left_are_forgotten() -> None:
    state, of = fresh(), limits(rpm=1)
    begin(state, of, NOW_S)
    state.forget(snapshot(model(candidate("a"))), NOW_S, {"lim": of.provider})
    assert state.view.limit_free_s == {}
    assert admit(state, of, NOW_S) is not None


@pytest.mark.parametrize("now", [{}, {"rpm": 100}], ids=["taken-away", "raised"])
def test_a_request_from_before_a_reload_is_the_first_and_counts_by_the_limits_of_now(now: dict[str, int]) -> None:
    state, of = fresh(), limits(rpm=1)
    state.forget(snapshot(model(limits(**now))), NOW_S, {"lim": of.provider})
    begin(state, of, NOW_S)
    assert state.view.limit_free_s == {}
