"""The record of a request, field by field: what the ledger, the metrics and the alerts are told, and how often."""

from __future__ import annotations

from dataclasses import replace as replace_failure

import pytest
from msgspec.structs import astuple, replace

from proxy.core.call import Needs, Operation
from proxy.core.errors import GatewayError, LedgerFull, Overloaded, QuotaExhausted, UpstreamsExhausted
from proxy.core.failure import Failure, FailureKind
from proxy.core.records import AttemptRecord, CloseRecord, OpenRecord
from proxy.core.usage import Usage
from proxy.gateway.accounting import Account
from tests.unit.gateway.accounts import COST_NUSD, UNPRICED, USED, A, B, answered, ask, sent
from tests.unit.gateway.engine import NOON_S, PRICED, Bench
from tests.unit.routing.build import NOW_S, call

LATE = Failure(FailureKind.TIMEOUT_RESPONSE, request_sent=True)
LIMITED = Failure(FailureKind.RATE_LIMITED, status=429, request_sent=True)
UNREACHED = Failure(FailureKind.CONNECT, request_sent=False)
GONE = Failure(FailureKind.CLIENT_GONE, request_sent=True)


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


def test_overhead_is_what_was_not_spent_waiting() -> None:
    bench = Bench()
    account = bench.account(ask())
    account.waited_s = 0.75
    bench.clock.now_s += 1.0
    assert account.overhead_s == pytest.approx(0.25)
    account.committed(A, 200, NOW_S + 0.8)
    assert account.overhead_s == pytest.approx(0.05)
