"""F10: a key that is refused or out of credit is set aside and the operator called; the others go on."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from tests.fakes.heard import Heard
from tests.fakes.stage import Stage, Upstream, stage
from tests.integration.faults.cases import BOTH, SECOND

ONE, TWO = "sk-one-planted-0123456789", "sk-two-planted-0123456789"
TWO_KEYS = f'api_keys = ["{ONE}", "{TWO}"]'
HOUR_S = 3600.0


class Refusal(NamedTuple):
    status: int
    kind: str
    error: dict[str, str | None]
    reason: str
    aside_s: float


def refusal(status: int, message: str, reason: str, *, code: str | None = None, kind: str = "openai") -> Refusal:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return Refusal(status, kind, error, reason, 30.0 if reason == "auth" else HOUR_S)


def rest_of_the_month_s(wall_s: float) -> float:
    now = datetime.fromtimestamp(wall_s, UTC)
    following = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
    return (following - now).total_seconds()


REFUSALS = [
    pytest.param(refusal(401, "Incorrect API key provided.", "auth", code="invalid_api_key"), id="401"),
    pytest.param(refusal(401, "Unauthorized", "auth"), id="401-bare"),
    pytest.param(refusal(403, "The key was revoked.", "auth", code="invalid_api_key"), id="403-bad-key"),
    pytest.param(refusal(400, "Incorrect API key provided.", "auth", kind="xai"), id="400-of-xai"),
    pytest.param(refusal(402, "Insufficient Balance", "billing", kind="deepseek"), id="402"),
    pytest.param(refusal(402, "Insufficient credits", "billing", kind="openrouter"), id="402-of-openrouter"),
    pytest.param(refusal(403, "x", "billing", code="organization_spend_limit_exceeded"), id="403-spend-limit"),
    pytest.param(refusal(429, "x", "billing", code="credit_balance_exhausted"), id="429-no-credit"),
]


def refusing(refused: Refusal, *keys: str, count: int = 1000) -> str:
    """Write a scenario in which these keys are refused so many times."""
    body = json.dumps(json.dumps({"error": refused.error}))
    rule = '[[rules]]\ncredential = "{}"\nfirst = {}\nanswer = {{ status = {}, body = {} }}\n'
    return "".join(rule.format(key, count, refused.status, body) for key in keys)


def alerts(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """The credential and the reason of each alert."""
    records = [record for record in caplog.records if getattr(record, "event", "") == "provider_attention"]
    assert all(record.levelno == logging.ERROR for record in records)
    return [(vars(record)["fairlead.credential"], vars(record)["fairlead.reason"]) for record in records]


def attention(on: Stage, reason: str, provider: str = "first") -> float:
    return on.gateway.metric("provider_attention", provider=provider, reason=reason)


async def check_no_key_is_told(on: Stage, caplog: pytest.LogCaptureFixture, *heard: Heard) -> None:
    """Hold that neither key shows in answers, logs or metrics."""
    await on.records(len(heard))
    metrics = (await on.gateway.client.get("/metrics")).text
    answers = "".join(f"{answer.headers}{answer.body!r}" for answer in heard)
    told = metrics + answers + on.gateway.log.getvalue() + caplog.text
    assert "planted" not in told


@BOTH
@pytest.mark.parametrize("refused", REFUSALS)
async def test_f10_refused_key_rotates_to_the_next_and_calls_the_operator(
    refused: Refusal, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    first = Upstream("first", kind=refused.kind, more=TWO_KEYS)
    async with stage(first, SECOND, scenario=refusing(refused, ONE)) as on:
        heard = await on.ask(stream=stream)
        heard.check_whole("first")
        assert heard.trail == f"first={refused.reason};first=ok"
        assert on.attempts("first", refused.reason) == 1
        assert on.gateway.metric("failovers_total", from_provider="first", to_provider="first", reason="auth") == 0
        aside_s = rest_of_the_month_s(on.clock.wall()) if "spend" in str(refused.error["code"]) else refused.aside_s
        assert on.cooldown_s("first", "credential", refused.reason) == pytest.approx(aside_s, abs=2)
        assert attention(on, refused.reason) == 1
        again = await on.ask(stream=stream)
        again.check_whole("first")
        assert again.trail == "first=ok", "the dead key is not asked again"
        assert (on.calls("first"), on.calls("second")) == (3, 0)
        assert alerts(caplog) == [("key-1", refused.reason)], "one alert an episode"
        assert attention(on, refused.reason) == 1, "the other key's success does not end it"
        await check_no_key_is_told(on, caplog, heard, again)


@BOTH
@pytest.mark.parametrize("refused", REFUSALS)
async def test_f10_all_keys_dead_is_a_502_of_its_own(
    refused: Refusal, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    first = Upstream("first", kind=refused.kind, more=TWO_KEYS)
    async with stage(first, scenario=refusing(refused, ONE, TWO)) as on:
        heard = await on.ask(stream=stream)
        assert heard.status == 502, "never a 401: the client's own key is fine"
        assert heard.error["code"] == "upstream_credentials_exhausted"
        assert heard.error["type"] == "upstream_error"
        assert "Your own key is fine" in heard.error["message"]
        assert heard.headers["x-should-retry"] == "false"
        assert heard.trail == f"first={refused.reason};first={refused.reason}"
        again = await on.ask(stream=stream)
        assert again.status == 502
        assert again.error == heard.error
        assert again.headers["x-fairlead-attempts"] == "0"
        assert on.calls("first") == 2
        assert alerts(caplog) == [("key-1", refused.reason), ("key-2", refused.reason)]
        await check_no_key_is_told(on, caplog, heard, again)


@BOTH
async def test_f10_all_keys_of_all_providers_dead_is_the_same_502(stream: bool) -> None:
    async with stage(
        Upstream("first", "sim-auth", kind="openai"), Upstream("second", "sim-billing", kind="deepseek")
    ) as on:
        heard = await on.ask(stream=stream)
        assert heard.status == 502
        assert heard.error["code"] == "upstream_credentials_exhausted"
        assert heard.trail == "first=auth;second=billing"


@BOTH
async def test_f10_dead_keys_fail_over_to_the_next_provider(stream: bool, caplog: pytest.LogCaptureFixture) -> None:
    refused = refusal(401, "Incorrect API key provided.", "auth")
    async with stage(Upstream("first", more=TWO_KEYS), SECOND, scenario=refusing(refused, ONE, TWO)) as on:
        heard = await on.ask(stream=stream)
        heard.check_whole("second")
        assert heard.trail == "first=auth;first=auth;second=ok"
        assert on.failovers("first", "second", "auth") == 1
        assert on.gateway.metric("provider_up", provider="first") == 0
        again = await on.ask(stream=stream)
        assert again.trail == "second=ok"
        assert len(alerts(caplog)) == 2


async def test_f10_refused_key_is_tried_again_at_growing_intervals_and_never_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refused = refusal(401, "Incorrect API key provided.", "auth")
    async with stage(Upstream("first", more=TWO_KEYS), scenario=refusing(refused, ONE, count=3)) as on:
        for aside_s in (30, 300, 600):
            heard = await on.ask()
            assert heard.trail == "first=auth;first=ok"
            assert on.cooldown_s("first", "credential", "auth") == pytest.approx(aside_s, abs=1)
            on.clock.advance(aside_s - 5)
            assert (await on.ask()).trail == "first=ok", "by the other key"
            on.clock.advance(6)
        assert attention(on, "auth") == 1
        assert (await on.ask()).trail == "first=ok", "the key was renewed at the vendor"
        assert attention(on, "auth") == 0
        assert not on.is_anything_aside()
        assert len(alerts(caplog)) == 1


@pytest.mark.parametrize("code", ["credit_balance_exhausted", "organization_spend_limit_exceeded"])
async def test_f10_key_out_of_credit_is_probed_once_an_hour(code: str, caplog: pytest.LogCaptureFixture) -> None:
    refused = refusal(403, "x", "billing", code=code)
    async with stage(Upstream("first", more=TWO_KEYS), scenario=refusing(refused, ONE, count=2)) as on:
        assert (await on.ask()).trail == "first=billing;first=ok"
        on.clock.advance(HOUR_S - 5)
        assert (await on.ask()).trail == "first=ok"
        assert attention(on, "billing") == 1
        on.clock.advance(6)
        assert (await on.ask()).trail == "first=billing;first=ok", "still no credit"
        on.clock.advance(HOUR_S + 1)
        assert (await on.ask()).trail == "first=ok", "topped up"
        assert attention(on, "billing") == 0
        assert not on.is_anything_aside()
        assert len(alerts(caplog)) == 1


async def test_f10_refused_key_is_probed_by_one_request_alone() -> None:
    refused = refusal(401, "Incorrect API key provided.", "auth")
    probe = f'[[rules]]\ncredential = "{ONE}"\nfirst = 1\nthen = "delay-1"\n'
    async with stage(Upstream("first", more=TWO_KEYS), scenario=refusing(refused, ONE, count=1) + probe) as on:
        assert (await on.ask()).trail == "first=auth;first=ok"
        on.clock.advance(31)
        heard = await on.ask_crowd(20, slow=1, slow_s=1)
        assert {answer.trail for answer in heard} == {"first=ok"}
        refused_key = on.arrivals("first")[0].arrival.credential
        with_it = [entry for entry in on.arrivals("first") if entry.arrival.credential == refused_key]
        assert len(with_it) == 2, "the refusal and one probe"


@BOTH
async def test_f10_key_without_rights_to_a_model_is_set_aside_for_that_model_alone(
    stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    scenario = f'[[rules]]\ncredential = "{ONE}"\nmodel = "secret"\nthen = "permission"\n'
    first = Upstream("first", "secret", kind="openai", more=TWO_KEYS)
    other = '[models.n]\nmodel = "sim-ok"\nproviders = ["first"]\n'
    async with stage(first, SECOND, scenario=scenario, model=other) as on:
        heard = await on.ask(stream=stream)
        heard.check_whole("first")
        assert heard.trail == "first=permission;first=ok", "by the key that has the right"
        assert on.cooldown_s("first", "credential_model", "permission") == pytest.approx(600, abs=1)
        again = await on.ask(stream=stream)
        assert again.trail == "first=ok", "which is now the first one asked"
        (await on.ask(stream=stream, model="n")).check_whole("first")
        assert on.arrivals("first")[-1].arrival.credential == on.arrivals("first")[0].arrival.credential
        assert alerts(caplog) == [], "a right that lacks is no emergency"


@BOTH
async def test_f10_blocked_account_sets_its_provider_aside_and_calls_the_operator(
    stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage(Upstream("first", "sim-blocked", kind="openai", more=TWO_KEYS), SECOND) as on:
        heard = await on.ask(stream=stream)
        heard.check_whole("second")
        assert heard.trail == "first=blocked;second=ok"
        assert on.cooldown_s("first", "provider", "blocked") == pytest.approx(600, abs=1)
        assert attention(on, "blocked") == 1
        assert [reason for _, reason in alerts(caplog)] == ["blocked"]


async def test_f10_round_robin_of_keys_skips_the_dead_one() -> None:
    refused = refusal(401, "Incorrect API key provided.", "auth")
    more = f'{TWO_KEYS}\ncredentials = "round_robin"'
    async with stage(Upstream("first", more=more), scenario=refusing(refused, ONE)) as on:
        trails = [(await on.ask()).trail for _ in range(6)]
        assert trails.count("first=auth;first=ok") == 1
        assert trails.count("first=ok") == 5


async def test_f10_402_with_a_time_is_a_limit_and_no_emergency(caplog: pytest.LogCaptureFixture) -> None:
    """OpenRouter's credit reserved by requests in flight comes back by itself."""
    scenario = '[[rules]]\nfirst = 1\nprovider = "first"\nanswer = { status = 402, headers = { retry-after = "9" } }\n'
    async with stage(Upstream("first", kind="openrouter"), SECOND, scenario=scenario) as on:
        heard = await on.ask()
        heard.check_whole("second")
        assert heard.trail == "first=rate_limited;second=ok"
        assert on.cooldown_s("first", "credential", "rate_limited") == pytest.approx(9.2, abs=0.5)
        assert alerts(caplog) == []
