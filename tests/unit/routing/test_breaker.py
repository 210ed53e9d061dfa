from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.snapshot import BreakerPolicy
from proxy.routing.breaker import Breaker, after_bad, after_closing, after_good

POLICY = BreakerPolicy()


def run(answers: str, apart_s: float = 1.0) -> float | None:
    """Feed good (+) and bad (-) answers; return how long the last one opened the breaker."""
    breaker, open_s = Breaker(), None
    for number, answer in enumerate(answers):
        now_s = 1_000.0 + number * apart_s
        if answer == "+":
            breaker, open_s = after_good(breaker, POLICY, now_s), None
        else:
            breaker, open_s = after_bad(breaker, POLICY, now_s, is_open=False)
            assert open_s is None or number == len(answers) - 1, "opened early"
    return open_s


@pytest.mark.parametrize(
    ("answers", "apart_s", "expected"),
    [
        pytest.param("---", 1.0, 10.0, id="three-in-a-row"),
        pytest.param("---", 3_600.0, 10.0, id="three-in-a-row-an-hour-apart"),
        pytest.param("--", 1.0, None, id="two-are-not-enough"),
        pytest.param("--+--", 1.0, 10.0, id="four-of-five"),
        pytest.param("++--+-", 1.0, 10.0, id="exactly-half"),
        pytest.param("+++--", 1.0, None, id="two-of-five"),
        pytest.param("--+++++-", 1.0, None, id="three-of-eight"),
        pytest.param("--+-", 1.0, None, id="a-good-one-breaks-the-row-and-four-are-too-few"),
        pytest.param("--+--", 20.0, None, id="too-old-to-count"),
    ],
)
def test_a_breaker_opens_on_a_row_or_on_half_of_five(answers: str, apart_s: float, expected: float | None) -> None:
    assert run(answers, apart_s) == expected


def test_every_second_failing_opens_at_the_fifth() -> None:
    assert run("-+-+-") == 10.0


def reopened(closed_for_s: float, *, open_s: float = 10.0, is_open: bool = False) -> float | None:
    breaker = after_closing(Breaker(open_s=open_s), 1_000.0)
    policy = BreakerPolicy(consecutive=1)
    return after_bad(breaker, policy, 1_000.0 + closed_for_s, is_open=is_open)[1]


@pytest.mark.parametrize(
    ("closed_for_s", "open_s", "expected"),
    [
        pytest.param(1.0, 10.0, 20.0, id="soon-after-closing-it-doubles"),
        pytest.param(300.0, 40.0, 80.0, id="within-the-longest-opening-too"),
        pytest.param(301.0, 40.0, 10.0, id="later-it-starts-again"),
        pytest.param(1.0, 200.0, 300.0, id="never-longer-than-the-longest"),
    ],
)
def test_opening_again_soon_doubles_the_time(closed_for_s: float, open_s: float, expected: float) -> None:
    assert reopened(closed_for_s, open_s=open_s) == expected


def test_a_failed_probe_doubles_the_time_at_once() -> None:
    breaker, _ = after_bad(Breaker(), BreakerPolicy(consecutive=1), 1_000.0, is_open=False)
    assert after_bad(breaker, POLICY, 9_000.0, is_open=True)[1] == 20.0


def test_a_failed_probe_of_a_forgotten_breaker_opens_as_at_first() -> None:
    assert after_bad(Breaker(), POLICY, 9_000.0, is_open=True)[1] == 10.0


def test_after_closing_the_window_is_empty() -> None:
    breaker = Breaker()
    for number in range(3):
        breaker, _ = after_bad(breaker, POLICY, 1_000.0 + number, is_open=False)
    closed = after_closing(breaker, 1_012.0)
    assert after_bad(closed, POLICY, 1_013.0, is_open=False)[1] is None


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 20.0)), max_size=60))
def test_the_window_holds_what_came_in_about_thirty_seconds(answers: list[tuple[bool, float]]) -> None:
    policy = BreakerPolicy(min_requests=1_000, consecutive=1_000)
    breaker, now_s, came = Breaker(), 1_000.0, []
    for is_good, passed_s in answers:
        now_s += passed_s
        came.append(now_s)
        breaker = after_good(breaker, policy, now_s) if is_good else after_bad(breaker, policy, now_s, is_open=False)[0]
    counted = breaker.good + breaker.bad + sum(good + bad for _, good, bad in breaker.older)
    assert sum(at_s > now_s - 25 for at_s in came) <= counted <= sum(at_s > now_s - 30 for at_s in came)
