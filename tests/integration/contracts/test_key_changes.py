"""A key changes while a request of it is under way: that ends as it began, pays once and gives back all it held."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.fakes.clock import ShiftedClock
from tests.integration.contracts.held import COST_NUSD, held, key

LIMITS = "parallel = 2\nrpm = 60\ntpm = 6000\nbudget_usd_day = 0.0014\nbudget_usd_month = 0.0014"
OTHER_KEY = "other-key-0123456789"
OTHERS = f'[[auth.keys]]\nname = "other"\nkey = "{OTHER_KEY}"\n'

# What the keys are afterwards, and what the next request gets while the first is under way, and when it is over.
CHANGES = [
    pytest.param(OTHERS, 401, 401, id="taken-away"),
    pytest.param(key(LIMITS, "another-key-0123456789"), 401, 401, id="another-secret"),
    pytest.param(key(LIMITS + '\nexpires_at = "2020-01-01"'), 401, 401, id="expired"),
    pytest.param(key(LIMITS.replace("parallel = 2", "parallel = 1")), 429, 200, id="fewer-at-once"),
    pytest.param(key(LIMITS.replace("0.0014", "0.0009")), 429, 200, id="less-money"),
    pytest.param(key(LIMITS.replace("0.0014", "0.00001")), 429, 429, id="no-money-left"),
    pytest.param(key(LIMITS.replace("0.0014", "10")), 200, 200, id="more-money"),
    pytest.param(key("budget_usd_day = 0.0014"), 200, 200, id="fewer-limits"),
    pytest.param(key(""), 200, 200, id="no-limits"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("keys", "meanwhile", "afterwards"), CHANGES)
async def test_change_of_a_key_lets_what_is_under_way_end(
    keys: str, meanwhile: int, afterwards: int, stream: bool
) -> None:
    clock = ShiftedClock()
    clock.go_on_to_noon()
    async with held(key(LIMITS), clock) as at:
        first = await at.begin(stream=stream)
        assert at.use.in_flight == 1 and at.use.today.reserved_nusd > 500_000
        at.publish(keys)
        if meanwhile == 200:
            second = await at.begin(stream=stream)
        else:
            assert (await at.ask(stream=stream)).status == meanwhile
        at.upstream.go.set()
        answers = [await first, await second] if meanwhile == 200 else [await first]
        assert {answer.status for answer in answers} == {200}
        for window in (at.use.days.first, at.use.months.first):
            assert (window.spent_nusd, window.reserved_nusd) == (COST_NUSD * len(answers), 0)
        assert at.use.in_flight == 0
        assert (await at.ask(stream=stream)).status == afterwards


async def test_key_that_expires_during_a_stream_is_heard_to_its_end_and_not_again() -> None:
    clock = ShiftedClock()
    clock.go_on_to_noon()
    ends = datetime.fromtimestamp(clock.wall() + 60, UTC)
    async with held(key(f'{LIMITS}\nexpires_at = "{ends:%Y-%m-%dT%H:%M:%SZ}"'), clock) as at:
        first = await at.begin(stream=True)
        clock.advance(61)
        assert (await at.ask()).status == 401
        at.upstream.go.set()
        (await first).check_clean()
        assert (at.use.today.spent_nusd, at.use.today.reserved_nusd, at.use.in_flight) == (COST_NUSD, 0, 0)
