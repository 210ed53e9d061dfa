from __future__ import annotations

import pytest

from proxy.core.ports import KeyBudget
from proxy.core.snapshot import KeyLimits
from proxy.wire.headers import field_lines
from proxy.wire.ratelimits import go_duration, limit_lines


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(0.0, "0s", id="none"),
        pytest.param(-1.0, "0s", id="past"),
        pytest.param(0.0001, "1ms", id="rounded-up"),
        pytest.param(0.017, "17ms", id="milliseconds"),
        pytest.param(1.0, "1s", id="a-second"),
        pytest.param(8.64, "8.64s", id="a-part-of-a-second"),
        pytest.param(59.9999, "1m0s", id="up-to-a-minute"),
        pytest.param(90.5, "1m30.5s", id="minutes"),
        pytest.param(360.0, "6m0s", id="whole-minutes"),
        pytest.param(3600.0, "1h0m0s", id="an-hour"),
        pytest.param(3723.25, "1h2m3.25s", id="hours"),
        pytest.param(90_000.0, "25h0m0s", id="more-than-a-day"),
    ],
)
def test_a_duration_is_written_as_go_prints_it(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


def test_every_limit_of_a_key_has_its_three_headers() -> None:
    assert limit_lines(
        KeyLimits(60, 150_000), KeyBudget((60, 59, 1.0), (150_000, 149_984, 0.006))
    ).encode() == field_lines(
        [
            (b"x-ratelimit-limit-requests", b"60"),
            (b"x-ratelimit-remaining-requests", b"59"),
            (b"x-ratelimit-reset-requests", b"1s"),
            (b"x-ratelimit-limit-tokens", b"150000"),
            (b"x-ratelimit-remaining-tokens", b"149984"),
            (b"x-ratelimit-reset-tokens", b"6ms"),
        ]
    )


@pytest.mark.parametrize(
    ("limits", "budget", "names"),
    [
        pytest.param(KeyLimits(), KeyBudget(None, None), set(), id="none"),
        pytest.param(KeyLimits(1), KeyBudget((1, 0, 9.0), None), {"requests"}, id="requests"),
        pytest.param(KeyLimits(None, 1), KeyBudget(None, (1, 0, 9.0)), {"tokens"}, id="tokens"),
        pytest.param(KeyLimits(), None, set(), id="none-and-nothing-owed"),
        pytest.param(KeyLimits(1), None, {"requests"}, id="requests-of-which-none-is-owed"),
        pytest.param(KeyLimits(None, 1), None, {"tokens"}, id="tokens-of-which-none-is-owed"),
    ],
)
def test_a_limit_that_a_key_has_not_has_no_header(limits: KeyLimits, budget: KeyBudget | None, names: set[str]) -> None:
    lines = limit_lines(limits, budget).splitlines()
    assert {line.partition(":")[0].rpartition("-")[2] for line in lines} == names


def test_where_nothing_is_owed_all_is_left() -> None:
    limits, budget = KeyLimits(60, 1_000), KeyBudget((60, 60, 0.0), (1_000, 1_000, 0.0))
    assert limit_lines(limits, None) == limit_lines(limits, budget)
