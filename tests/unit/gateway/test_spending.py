"""What a request asks of its key's limits, and what of it comes back."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec import Raw
from msgspec.structs import replace

from proxy.core.call import Call, Needs, Operation
from proxy.core.errors import GatewayError
from proxy.core.ports import KeyGrant
from proxy.core.price import Cost, Price
from proxy.core.snapshot import ClientKey, Model
from proxy.core.usage import Usage
from proxy.gateway.accounting import Account
from proxy.gateway.spending import reserve, settle
from proxy.routing.keylimits import tokens_left
from tests.fakes.prices import rates
from tests.unit.gateway.engine import PRICED, Bench, LimitFields, key
from tests.unit.routing.build import call, candidate, model, planned, provider

DEAR = 10**12
TIERED = Price("configured", rates(input="2", output="10"), {"priority": rates(input="4", output="20")})


def asking(by: ClientKey, max_tokens: int | None = 500, members: Mapping[str, bytes] | None = None) -> Call:
    """A request with 1,000 input tokens and these members."""
    raw = {name: Raw(value) for name, value in (members or {}).items()}
    return replace(call(key=by, needs=Needs(input_tokens=1_000)), max_tokens=max_tokens, fields=raw)


async def reserved(bench: Bench, request: Call, of: Model = PRICED) -> Account:
    """An account of a request that was let in."""
    account = bench.account(request, of)
    await reserve(bench.engine, request, planned(of, None, request), account)
    return account


def tokens_of(bench: Bench, by: ClientKey) -> tuple[int, int, float] | None:
    """What is left of a key's tokens a minute."""
    return tokens_left(bench.state.keys.uses[by.name], by.limits, bench.clock.now())


async def taken(bench: Bench, request: Call, of: Model = PRICED) -> KeyGrant | None:
    return (await reserved(bench, request, of)).taken


@pytest.mark.parametrize("by", [pytest.param(None, id="no-key"), pytest.param(ClientKey("free"), id="no-limits")])
async def test_who_has_no_limits_takes_nothing(by: ClientKey | None) -> None:
    bench = Bench()
    assert await taken(bench, call(key=by)) is None
    assert not bench.state.keys.uses


ASKED = [
    pytest.param({"rpm": 10}, {}, 0, 0, id="requests-alone-need-no-estimate"),
    pytest.param({"parallel": 1}, {}, 0, 0, id="places-alone-need-no-estimate"),
    pytest.param({"tpm": 100}, {}, 1_500, 0, id="tokens-of-input-and-answer"),
    pytest.param({"tpm": 100}, {"n": b"3"}, 2_500, 0, id="each-answer-counts"),
    pytest.param({"tpm": 100}, {"n": b"{}"}, 1_500, 0, id="a-number-that-is-none"),
    pytest.param({"day_nusd": DEAR}, {}, 1_500, 4_000_000 + 10_000_000, id="the-dearest-candidate"),
    pytest.param({"month_nusd": DEAR}, {"n": b"2"}, 2_000, 28_000_000, id="money-for-each-answer"),
]


@pytest.mark.parametrize(("limits", "members", "tokens", "nusd"), ASKED)
async def test_request_asks_for_what_its_key_counts(
    limits: LimitFields, members: dict[str, bytes], tokens: int, nusd: int
) -> None:
    bench = Bench()
    grant = await taken(bench, asking(key(**limits), members=members))
    assert grant is not None
    assert (grant.ask.tokens, grant.ask.nusd) == (tokens, nusd)


@pytest.mark.parametrize(
    ("max_tokens", "nusd"),
    [pytest.param(None, 4_000_000 + 81_920_000, id="unsaid"), pytest.param(1, 4_000_000 + 20_000, id="said")],
)
async def test_longest_answer_is_what_the_client_says_else_4096_tokens(max_tokens: int | None, nusd: int) -> None:
    grant = await taken(Bench(), asking(key(day_nusd=DEAR), max_tokens=max_tokens))
    assert grant is not None
    assert grant.ask.nusd == nusd


@pytest.mark.parametrize(
    ("tier", "nusd"),
    [
        pytest.param(b'"priority"', 14_000_000, id="known"),
        pytest.param(b'"default"', 7_000_000, id="usual"),
        pytest.param(b"null", 7_000_000, id="null"),
        pytest.param(b"7", 7_000_000, id="no-text"),
        pytest.param(b'"\xff"', 7_000_000, id="no-utf-8"),
    ],
)
async def test_service_tier_that_is_asked_for_is_reserved(tier: bytes, nusd: int) -> None:
    of = model(candidate("a", price=TIERED))
    grant = await taken(Bench(), asking(key(day_nusd=DEAR), members={"service_tier": tier}), of)
    assert grant is not None
    assert grant.ask.nusd == nusd


@pytest.mark.parametrize(
    ("limits", "status", "code"),
    [
        pytest.param({"rpm": 1}, 429, "rate_limit_exceeded", id="rpm"),
        pytest.param({"tpm": 100}, 429, "rate_limit_exceeded", id="tpm"),
        pytest.param({"parallel": 1}, 429, "rate_limit_exceeded", id="parallel"),
        pytest.param({"day_nusd": 20_000_000}, 429, "insufficient_quota", id="day"),
        pytest.param({"month_nusd": 20_000_000}, 429, "insufficient_quota", id="month"),
    ],
)
async def test_limit_that_is_reached_refuses_and_takes_nothing(limits: LimitFields, status: int, code: str) -> None:
    bench, by = Bench(), key(**limits)
    assert await taken(bench, asking(by)) is not None
    with pytest.raises(GatewayError) as refused:
        await taken(bench, asking(by))
    assert (refused.value.status, refused.value.code) == (status, code)
    assert bench.state.keys.uses["ci"].in_flight == 1


async def test_spend_that_is_not_known_yet_refuses_keys_with_a_budget_alone() -> None:
    bench = Bench()
    bench.state.keys.expect_restore()
    assert await taken(bench, asking(key(rpm=10))) is not None
    with pytest.raises(GatewayError) as refused:
        await taken(bench, asking(key(day_nusd=DEAR)))
    assert (refused.value.status, refused.value.code, refused.value.retry_after_s) == (503, "budget_unknown", 5.0)


RESERVED_NUSD = 14_000_000
USED = Usage(1_000, 100)
PAID = Cost(3_000_000, "configured")
BOOKED = [
    pytest.param(USED, PAID, False, 1_100, 3_000_000, id="priced"),
    pytest.param(None, None, False, 0, 0, id="nothing-used"),
    pytest.param(USED, None, False, 1_100, RESERVED_NUSD, id="what-nobody-can-price-is-not-free"),
    pytest.param(USED, None, True, 1_100, 0, id="unless-the-key-may"),
]


@pytest.mark.parametrize(("usage", "paid", "lax", "tokens", "spent_nusd"), BOOKED)
async def test_what_was_not_used_comes_back(
    usage: Usage | None, paid: Cost | None, lax: bool, tokens: int, spent_nusd: int
) -> None:
    bench, by = Bench(), key(tpm=6_000, day_nusd=DEAR, allow_unpriced=lax)
    account = await reserved(bench, asking(by))
    account.usage, account.cost = usage, paid
    settle(account)
    use = bench.state.keys.uses["ci"]
    assert (use.in_flight, use.days.first.reserved_nusd, use.months.first.reserved_nusd) == (0, 0, 0)
    assert (use.days.first.spent_nusd, use.months.first.spent_nusd) == (spent_nusd, spent_nusd)
    assert (left := tokens_of(bench, by)) is not None
    assert left[1] == 6_000 - tokens


async def test_tokens_that_were_used_before_are_paid_off_since() -> None:
    left: list[int] = []
    for ago_s in (0.0, 5.0, 60.0):
        bench, by = Bench(), key(tpm=6_000, allow_unpriced=True)
        account = await reserved(bench, asking(by))
        bench.clock.now_s += 100.0
        account.usage = Usage(5_000)
        settle(account, bench.clock.now() - ago_s)
        left.append((tokens_of(bench, by) or (0, 0, 0.0))[1])
    assert (left[1], left[2]) == (left[0] + 500, 6_000)


async def test_only_the_first_settlement_counts() -> None:
    bench = Bench()
    account = await reserved(bench, asking(key(day_nusd=DEAR)))
    account.usage, account.cost = USED, PAID
    settle(account)
    settle(account)
    assert bench.state.keys.uses["ci"].days.first.spent_nusd == 3_000_000


async def test_absurd_number_of_tokens_does_not_wipe_out_what_a_key_owes() -> None:
    bench, by = Bench(), key(tpm=2_000)
    account = await reserved(bench, asking(by, max_tokens=500))
    account.usage = Usage(1_000, 999)
    settle(account)
    owed = tokens_of(bench, by)
    settle(await reserved(bench, asking(by, max_tokens=10**9, members={"n": b"1000000000"})))  # the upstream refused it
    assert tokens_of(bench, by) == pytest.approx(owed)


@pytest.mark.parametrize(
    ("paid", "spent_nusd"), [pytest.param(PAID, 3_000_000, id="paid"), pytest.param(None, 0, id="unpriced")]
)
async def test_spend_of_a_key_without_limits_is_kept_for_the_budget_that_it_may_be_given(
    paid: Cost | None, spent_nusd: int
) -> None:
    bench = Bench()
    account = await reserved(bench, asking(ClientKey("ci")))
    account.usage, account.cost = USED, paid
    settle(account)
    uses = bench.state.keys.uses
    assert sum(use.days.first.spent_nusd for use in uses.values()) == spent_nusd


async def test_spend_without_a_key_is_nobodys() -> None:
    bench = Bench()
    account = await reserved(bench, call(key=None))
    account.usage, account.cost = USED, PAID
    settle(account)
    assert not bench.state.keys.uses


async def test_a_ranking_is_a_search() -> None:
    of = model(
        candidate(
            provider("a", operations=frozenset(Operation)), price=Price("configured", rates(), search_nusd=2_000_000)
        )
    )
    ranking = replace(call(Operation.RERANK, key=key(day_nusd=DEAR)), needs=Needs(input_tokens=1_000))
    grant = await taken(Bench(), ranking, of)
    assert grant is not None
    assert grant.ask.nusd == 2_000_000


@pytest.mark.parametrize("limits", [{"tpm": 100}, {"day_nusd": 1}])
async def test_counting_tokens_takes_no_tokens_and_no_money(limits: LimitFields) -> None:
    request = replace(call(Operation.COUNT_TOKENS, key=key(**limits), needs=Needs(input_tokens=1_000)), max_tokens=500)
    grant = await taken(Bench(), request)
    assert grant is not None
    assert (grant.ask.tokens, grant.ask.nusd) == (0, 0)
