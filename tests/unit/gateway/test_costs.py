"""What a request used and what that costs: by report, by price, by estimate, or nobody knows."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from proxy.core.call import EndpointSpec, Needs, Operation
from proxy.core.health import CandidateId
from proxy.core.price import Change, Cost, Price
from proxy.core.records import OpenRecord
from proxy.core.snapshot import Model, Snapshot
from proxy.core.usage import Usage
from proxy.gateway.accounting import UNKNOWN_USAGE
from tests.fakes.prices import flat_price
from tests.unit.gateway.accounts import COST_NUSD, UNPRICED, USED, A, answered, ask, sent
from tests.unit.gateway.engine import NOON_S, PRICE, Bench
from tests.unit.routing.build import NOW_S, call, candidate, model, provider


def reporting(kind: str, multiplier: str = "1") -> Model:
    return model(candidate(provider("a", kind=kind, cost_multiplier=Decimal(multiplier)), price=PRICE))


PAID = [
    pytest.param("openai", None, COST_NUSD, "configured", id="by-price"),
    pytest.param("openai", 5, COST_NUSD, "configured", id="report-of-who-is-not-believed"),
    pytest.param("openrouter", 5, 5, "reported", id="report-of-who-is-believed"),
    pytest.param("openrouter", 0, 0, "reported", id="free"),
    pytest.param("openrouter", None, COST_NUSD, "configured", id="believed-and-silent"),
]


@pytest.mark.parametrize(("kind", "reported_nusd", "nusd", "price"), PAID)
def test_cost_is_by_price_or_by_report(kind: str, reported_nusd: int | None, nusd: int, price: str) -> None:
    bench, of = Bench(), reporting(kind)
    account = bench.account(ask(), of)
    answered(account, of.candidates[0], replace(USED, reported_cost_nusd=reported_nusd))
    closed = bench.closed(account)
    assert (closed.cost_nusd, closed.price) == (nusd, price)
    assert closed.usage is not None
    assert (closed.usage.reported_cost_nusd is None) == (price == "configured")


@pytest.mark.parametrize(
    ("operation", "estimated"), [(Operation.RERANK, Usage(10, estimated=True)), (Operation.IMAGES, UNKNOWN_USAGE)]
)
def test_a_report_that_nobody_believes_is_no_usage(operation: Operation, estimated: Usage) -> None:
    bench, of = Bench(), reporting("openai")
    account = bench.account(replace(ask(), endpoint=EndpointSpec("e", operation), needs=Needs(input_tokens=10)), of)
    answered(account, of.candidates[0], Usage(reported_cost_nusd=5))
    account.committed_s = NOW_S
    closed = bench.closed(account)
    assert closed.usage == estimated
    assert closed.cost_nusd == (20_000 if operation is Operation.RERANK else None)


def test_cost_is_the_providers_multiple() -> None:
    bench, of = Bench(), reporting("openai", "1.1")
    account = bench.account(ask(), of)
    answered(account, of.candidates[0])
    assert bench.closed(account).cost_nusd == 3_080_000


def test_cost_is_by_the_price_of_the_moment_at_which_the_request_began() -> None:
    bench = Bench()
    changed = replace(PRICE, changes=(Change(flat_price("200", "1000"), NOON_S + 1.0),))
    of = model(candidate("a", price=changed))
    account = bench.account(ask(), of)
    answered(account, of.candidates[0])
    bench.clock.now_s += 60.0
    assert bench.closed(account).cost_nusd == COST_NUSD


ADVISED = Usage(1_050, 105, 200, others=(("big", Usage(50, 5)),))


@pytest.mark.parametrize(
    ("prices", "nusd"),
    [
        pytest.param(
            {CandidateId("a", "big"): flat_price("20", "100")}, COST_NUSD + 50 * 20_000 + 5 * 100_000, id="of-it"
        ),
        pytest.param({CandidateId("b", "big"): flat_price("20", "100")}, None, id="at-another-provider-alone"),
    ],
)
def test_another_model_that_had_part_is_priced_as_that_provider_sells_it(
    prices: dict[CandidateId, Price], nusd: int | None
) -> None:
    bench = Bench()
    bench.engine.snapshot = Snapshot(prices=prices)
    account = bench.account(ask())
    answered(account, usage=ADVISED)
    closed = bench.closed(account)
    assert (closed.cost_nusd, closed.usage) == (nusd, ADVISED)
    assert bench.metric("unpriced_requests_total", provider="a", model="m") == (nusd is None)
    assert [(alert.provider, alert.model) for alert in bench.alerts] == ([] if nusd else [("a", "big")])


def test_model_without_a_price_is_told_though_another_had_part() -> None:
    bench = Bench()
    account = bench.account(ask(), UNPRICED)
    answered(account, UNPRICED.candidates[0], ADVISED)
    assert bench.closed(account).cost_nusd is None
    assert [alert.model for alert in bench.alerts] == ["new"]


def test_settled_cost_is_there_before_the_close_and_does_not_change() -> None:
    bench = Bench()
    account = bench.account(ask())
    answered(account)
    account.settle_usage()
    assert account.cost == Cost(COST_NUSD, "configured")
    account.usage = Usage(9, 9)
    assert bench.closed(account).cost_nusd == COST_NUSD


def test_unpriced_answer_has_no_cost_is_counted_each_time_and_told_once() -> None:
    bench = Bench()
    for _ in range(3):
        account = bench.account(ask(), UNPRICED)
        answered(account, UNPRICED.candidates[0])
        closed = bench.closed(account)
        assert (closed.cost_nusd, closed.price) == (None, "")
    assert bench.metric("unpriced_requests_total", provider="c", model="m") == 3
    assert bench.metric("cost_usd_total", provider="c", model="m") == 0
    assert [(alert.event, alert.provider, alert.model) for alert in bench.alerts] == [("unpriced_model", "c", "new")]


def test_cost_is_counted_by_provider_and_public_model() -> None:
    bench = Bench()
    for _ in range(2):
        account = bench.account(ask())
        answered(account)
        account.close("ok")
    assert bench.metric("cost_usd_total", provider="a", model="m") == pytest.approx(0.0056)
    assert bench.metric("unpriced_requests_total", provider="a", model="m") == 0
    assert bench.alerts == []


def test_embeddings_are_estimated_by_their_input_alone() -> None:
    bench = Bench()
    account = bench.account(replace(call(Operation.EMBEDDINGS, body=b"x" * 4_000), key=None))
    answered(account, usage=None)
    account.estimate(0)
    assert bench.closed(account).usage == Usage(1_000, 0, estimated=True)


def test_estimate_never_takes_the_place_of_what_was_reported() -> None:
    bench = Bench()
    account = bench.account(ask())
    answered(account)
    account.estimate(5)
    assert account.usage == USED


@pytest.mark.parametrize("end", ["ok", "client_gone"])
def test_counting_tokens_is_free_however_it_ends(end: str) -> None:
    bench = Bench()
    account = bench.account(call(Operation.COUNT_TOKENS, needs=Needs(input_tokens=40)), UNPRICED)
    (unpriced,) = UNPRICED.candidates
    account.open(unpriced)
    answered(account, unpriced, usage=None)
    account.estimate(7)
    closed = bench.closed(account, end)
    opened = bench.told[0]
    assert isinstance(opened, OpenRecord) and opened.prompt_tokens == 0
    assert (closed.usage, closed.cost_nusd, bench.alerts) == (Usage(), 0, [])


def test_whole_answer_that_nobody_can_count_was_used_though_it_could_not_be_sent() -> None:
    bench = Bench()
    account = bench.account(call(Operation.IMAGES))
    sent(account, A, None, 0.0, 1.0)
    account.candidate = A
    closed = bench.closed(account, "client_gone")
    assert (closed.status, closed.usage, closed.first_token_s) == (499, UNKNOWN_USAGE, None)
