"""The record of a request, field by field: what the ledger, the metrics and the alerts are told, and how often."""

from __future__ import annotations

from dataclasses import replace as replace_failure
from decimal import Decimal

import pytest
from msgspec.structs import astuple, replace

from proxy.core.call import Call, EndpointSpec, Needs, Operation
from proxy.core.errors import GatewayError, LedgerFull, Overloaded, QuotaExhausted, UpstreamsExhausted
from proxy.core.failure import Failure, FailureKind
from proxy.core.health import CandidateId
from proxy.core.plan import Planned, Send
from proxy.core.price import Change, Cost, Price
from proxy.core.records import AttemptRecord, CloseRecord, OpenRecord
from proxy.core.snapshot import Candidate, Model, Snapshot
from proxy.core.usage import Usage
from proxy.gateway.accounting import UNKNOWN_USAGE, Account
from tests.fakes.prices import flat_price
from tests.unit.gateway.engine import NOON_S, PRICE, PRICED, Bench, key
from tests.unit.routing.build import NOW_S, call, candidate, model, provider

LATE = Failure(FailureKind.TIMEOUT_RESPONSE, request_sent=True)
LIMITED = Failure(FailureKind.RATE_LIMITED, status=429, request_sent=True)
UNREACHED = Failure(FailureKind.CONNECT, request_sent=False)
GONE = Failure(FailureKind.CLIENT_GONE, request_sent=True)
A, B = PRICED.candidates
UNPRICED = model(candidate("c", "new"))
USED = Usage(1_000, 100, 200)
COST_NUSD = 2_800_000  # 800 × 2,000 + 200 × 1,000 + 100 × 10,000 nano-dollars


def ask(**fields: object) -> Call:
    request = call(key=key(tags=("of-key",)), needs=Needs(input_tokens=40))
    return replace(request, **{"tags": ("of-client",), "stream": True, **fields})


def sent(account: Account, to: Candidate, outcome: Failure | None, began_s: float, ended_s: float) -> None:
    """Note an attempt of these seconds since the request's arrival."""
    credential = to.provider.credentials[0]
    planned = Planned(to, PRICED, "")
    account.attempted(Send(planned, credential), outcome, NOW_S + began_s, NOW_S + ended_s)


def answered(account: Account, by: Candidate = A, usage: Usage | None = USED) -> None:
    """Let one attempt answer at once, and commit a second after the arrival."""
    sent(account, by, None, 0.0, 1.0)
    account.committed(by, 200, NOW_S + 1.0)
    account.usage = usage


def test_open_tells_all_that_is_known_before_the_first_byte() -> None:
    bench = Bench()
    account = bench.account(ask())
    account.open(A)
    account.open(B)
    (opened,) = bench.told
    assert isinstance(opened, OpenRecord)
    assert astuple(opened) == (
        *("r", NOON_S, "chat", "m", "ci", ("of-client", "of-key"), True),
        *("a", "up", 40, 80_000),
    )


def test_open_without_a_price_knows_no_cost_and_without_a_weight_goes_by_the_bytes() -> None:
    bench = Bench()
    bench.account(replace(call(body=b"x" * 400), key=None), UNPRICED).open(UNPRICED.candidates[0])
    (opened,) = bench.told
    assert isinstance(opened, OpenRecord)
    assert (opened.key, opened.prompt_tokens, opened.estimated_nusd) == ("", 100, None)


def test_open_counts_a_picture_as_one_and_not_by_its_bytes() -> None:
    bench = Bench()
    url = b'{"type":"image_url","image_url":{"url":"data:image/png;base64,' + b"iVBORw0KGgo" * 100_000 + b'"}}'
    account = bench.account(call(body=b'{"messages":[' + url + b"]}"))
    account.open(A)
    (opened,) = bench.told
    assert isinstance(opened, OpenRecord)
    assert 700 < opened.prompt_tokens < 1_500


def test_open_of_what_nobody_can_estimate_says_nothing_of_tokens_or_money() -> None:
    bench = Bench()
    account = bench.account(replace(call(Operation.IMAGES, body=b"x" * 4_000), needs=Needs(input_tokens=1)))
    account.open(A)
    (opened,) = bench.told
    assert isinstance(opened, OpenRecord)
    assert (opened.prompt_tokens, opened.estimated_nusd) == (0, None)


FIELDS: dict[str, object] = {
    "request_id": "r",
    "started_at_s": NOON_S,
    "ended_at_s": NOON_S,
    "endpoint": "chat",
    "model": "m",
    "key": "ci",
    "tags": ("of-client", "of-key"),
    "stream": True,
    "end": "ok",
    "provider": "a",
    "upstream_model": "up",
    "status": 200,
    "first_token_s": 1.0,
    "attempts": [AttemptRecord("a", "up", "k1", "ok", None, 0.0, 1.0, False)],
    "usage": USED,
    "cost_nusd": COST_NUSD,
    "price": "configured",
    "error": "",
}


def fields(record: CloseRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def test_record_of_an_answer_holds_everything() -> None:
    bench = Bench()
    account = bench.account(ask())
    answered(account)
    bench.clock.now_s += 3.0
    assert fields(bench.closed(account)) == FIELDS | {"ended_at_s": NOON_S + 3.0}


def test_times_of_attempts_count_from_the_arrival() -> None:
    bench = Bench()
    account = bench.account(ask())
    sent(account, B, LIMITED, 0.25, 0.5)
    sent(account, A, None, 0.75, 2.0)
    assert bench.closed(account).attempts == [
        AttemptRecord("b", "up", "k1", "rate_limited", 429, 0.25, 0.5, True),
        AttemptRecord("a", "up", "k1", "ok", None, 0.75, 2.0, False),
    ]
    assert account.trail == "b=rate_limited;a=ok"
    assert bench.metric("failovers_total", from_provider="b", to_provider="a", reason="rate_limited") == 1


def test_what_each_failure_was_is_told_with_who_it_was() -> None:
    account = Bench().account(ask())
    sent(account, A, replace_failure(UNREACHED, detail="connection refused"), 0.0, 0.1)
    sent(account, B, replace_failure(LIMITED, detail="status 429"), 0.1, 0.2)
    sent(account, B, replace_failure(LIMITED, status=404, detail="no such endpoint"), 0.2, 0.3)
    sent(account, B, LATE, 0.3, 0.4)
    answered(account)
    account.truncated(Failure(FailureKind.TRUNCATED, detail="the connection ended inside the body"))
    assert account.failures == (
        "a: connection refused",
        "b: status 429",
        "b: no such endpoint (status 404)",
        "b: timeout_response",
        "a: the connection ended inside the body",
    )


def test_a_client_that_leaves_is_no_failure_of_anybody() -> None:
    account = Bench().account(ask())
    sent(account, B, GONE, 0.0, 0.5)
    assert account.failures == ()


def test_record_of_a_request_that_was_never_sent() -> None:
    bench = Bench()
    account = bench.account(ask())
    account.refused(UpstreamsExhausted("no", status=503, type="upstream_error", code="no_upstream_available"))
    nothing: dict[str, object] = {"provider": "", "upstream_model": "", "first_token_s": None, "attempts": []}
    told = {"end": "failed", "status": 503, "error": "no_upstream_available"}
    unpaid = {"usage": None, "cost_nusd": None, "price": ""}
    assert fields(bench.closed(account, "failed")) == FIELDS | nothing | told | unpaid


def test_failed_request_names_who_was_asked_last_and_costs_nothing() -> None:
    bench = Bench()
    account = bench.account(ask())
    sent(account, A, UNREACHED, 0.0, 0.1)
    sent(account, B, LATE, 0.1, 0.2)
    account.refused(UpstreamsExhausted("no", status=504, type="upstream_error", code="upstream_timeout"))
    closed = bench.closed(account, "failed")
    assert [(row.outcome, row.maybe_billed) for row in closed.attempts] == [
        ("connect", False),
        ("timeout_response", True),
    ]
    assert (closed.provider, closed.status, closed.error) == ("b", 504, "upstream_timeout")
    assert (closed.first_token_s, closed.usage, closed.cost_nusd) == (None, None, None)


def test_truncated_stream_keeps_its_status_and_what_was_used() -> None:
    bench = Bench()
    account = bench.account(ask())
    sent(account, B, LIMITED, 0.0, 0.1)
    answered(account)
    account.truncated(Failure(FailureKind.TRUNCATED))
    closed = bench.closed(account, "truncated")
    assert (closed.end, closed.status, closed.cost_nusd) == ("truncated", 200, COST_NUSD)
    assert [(row.outcome, row.maybe_billed) for row in closed.attempts] == [("rate_limited", True), ("truncated", True)]
    assert account.trail == "b=rate_limited;a=truncated"


def test_client_that_leaves_before_the_commit_is_charged_the_prompt_of_who_was_asked() -> None:
    bench = Bench()
    account = bench.account(ask())
    sent(account, B, GONE, 0.0, 0.5)
    closed = bench.closed(account, account.end_if_cancelled)
    assert (closed.end, closed.status, closed.first_token_s) == ("client_gone", 499, None)
    assert (closed.provider, closed.usage) == ("b", Usage(40, 0, estimated=True))
    assert closed.cost_nusd == 160_000
    assert closed.attempts[0].maybe_billed


def test_client_that_leaves_an_answer_is_recorded_with_the_status_it_saw() -> None:
    bench = Bench()
    account = bench.account(ask())
    answered(account, usage=None)
    account.estimate(7)
    closed = bench.closed(account, account.end_if_cancelled)
    assert (closed.end, closed.status, closed.usage) == ("client_gone", 200, Usage(40, 7, estimated=True))


def test_shutdown_before_the_commit_is_the_gateways_failure() -> None:
    bench = Bench()
    account = bench.account(ask())
    sent(account, A, GONE, 0.0, 0.5)
    account.shut_down()
    closed = bench.closed(account, account.end_if_cancelled)
    assert (closed.end, closed.status, closed.error) == ("failed", Overloaded.status, Overloaded.code)


def test_shutdown_after_the_commit_truncates() -> None:
    bench = Bench()
    account = bench.account(ask())
    answered(account)
    account.shut_down()
    closed = bench.closed(account, account.end_if_cancelled)
    assert (closed.end, closed.status, closed.error) == ("truncated", 200, "")


REFUSALS = [
    pytest.param(QuotaExhausted("no"), 429, "insufficient_quota", id="code"),
    pytest.param(GatewayError("no"), 500, "server_error", id="type-where-there-is-no-code"),
    pytest.param(
        UpstreamsExhausted("no", status=400, type="invalid_request_error", code="what the client said"),
        400,
        "invalid_request_error",
        id="code-that-is-no-name",
    ),
    pytest.param(
        UpstreamsExhausted("no", status=400, type="also said", code="what the client said"),
        400,
        "upstream_refusal",
        id="neither-is-a-name",
    ),
]


@pytest.mark.parametrize(("error", "status", "name"), REFUSALS)
def test_error_is_recorded_by_status_and_name(error: GatewayError, status: int, name: str) -> None:
    bench = Bench()
    account = bench.account(ask())
    account.refused(error)
    closed = bench.closed(account, "failed")
    assert (closed.status, closed.error) == (status, name)


def test_error_after_a_keepalive_does_not_change_the_status_that_was_sent() -> None:
    bench = Bench()
    account = bench.account(ask())
    account.committed_s, account.status = NOW_S + 0.5, 200
    account.refused(UpstreamsExhausted("no", status=502, type="upstream_error", code="upstream_error"))
    closed = bench.closed(account, "failed")
    assert (closed.status, closed.first_token_s, closed.error) == (200, 0.5, "upstream_error")


def test_only_the_first_close_counts() -> None:
    bench = Bench()
    account = bench.account(ask())
    answered(account)
    account.close("ok")
    account.close("failed")
    assert [record.end for record in bench.told if isinstance(record, CloseRecord)] == ["ok"]
    assert bench.metric("tokens_total", provider="a", model="m", type="prompt") == 1_000


def test_what_was_not_admitted_has_no_record() -> None:
    bench = Bench()
    account = Account(bench.engine, ask())
    account.resolved(PRICED)
    account.close("failed")
    assert (bench.told, account.end) == ([], "failed")


def test_request_that_could_not_be_recorded_has_no_end_either() -> None:
    bench = Bench()
    account = bench.account(ask())
    account.refused(LedgerFull("full", retry_after_s=5.0))
    account.close("failed")
    assert (bench.told, account.status) == ([], 503)


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


def test_overhead_is_what_was_not_spent_waiting() -> None:
    bench = Bench()
    account = bench.account(ask())
    account.waited_s = 0.75
    bench.clock.now_s += 1.0
    assert account.overhead_s == pytest.approx(0.25)
    account.committed(A, 200, NOW_S + 0.8)
    assert account.overhead_s == pytest.approx(0.05)


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
