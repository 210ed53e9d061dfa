from __future__ import annotations

import pytest

from proxy.core.ports import KeyBudget
from proxy.wire.ratelimits import go_duration, limit_headers


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(0.0, b"0s", id="none"),
        pytest.param(-1.0, b"0s", id="past"),
        pytest.param(0.0001, b"1ms", id="rounded-up"),
        pytest.param(0.017, b"17ms", id="milliseconds"),
        pytest.param(1.0, b"1s", id="a-second"),
        pytest.param(8.64, b"8.64s", id="a-part-of-a-second"),
        pytest.param(59.9999, b"1m0s", id="up-to-a-minute"),
        pytest.param(90.5, b"1m30.5s", id="minutes"),
        pytest.param(360.0, b"6m0s", id="whole-minutes"),
        pytest.param(3600.0, b"1h0m0s", id="an-hour"),
        pytest.param(3723.25, b"1h2m3.25s", id="hours"),
        pytest.param(90_000.0, b"25h0m0s", id="more-than-a-day"),
    ],
)
def test_a_duration_is_written_as_go_prints_it(seconds: float, text: bytes) -> None:
    assert go_duration(seconds) == text


def test_every_limit_of_a_key_has_its_three_headers() -> None:
    assert limit_headers(KeyBudget((60, 59, 1.0), (150_000, 149_984, 0.006))) == [
        (b"x-ratelimit-limit-requests", b"60"),
        (b"x-ratelimit-remaining-requests", b"59"),
        (b"x-ratelimit-reset-requests", b"1s"),
        (b"x-ratelimit-limit-tokens", b"150000"),
        (b"x-ratelimit-remaining-tokens", b"149984"),
        (b"x-ratelimit-reset-tokens", b"6ms"),
    ]


@pytest.mark.parametrize(
    ("budget", "names"),
    [
        pytest.param(KeyBudget(None, None), set(), id="none"),
        pytest.param(KeyBudget((1, 1, 0.0), None), {b"requests"}, id="requests"),
        pytest.param(KeyBudget(None, (1, 1, 0.0)), {b"tokens"}, id="tokens"),
    ],
)
def test_a_limit_that_a_key_has_not_has_no_header(budget: KeyBudget, names: set[bytes]) -> None:
    assert {name.rpartition(b"-")[2] for name, _ in limit_headers(budget)} == names
