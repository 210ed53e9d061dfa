"""What an alert says, how it is signed, and when its delivery is tried again."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging

import pytest

from proxy.core.failure import FailureKind
from proxy.routing.budget import BudgetMark
from proxy.telemetry.alerts import (
    LONGEST_NAME,
    MOST_UNCONFIGURED,
    REMEMBERED,
    RETRY_AFTER_S,
    TEST_ALERT,
    Alert,
    AlertDesk,
    Posted,
    UnpricedModels,
    budget_alert,
    is_delivered,
    posted,
    provider_attention,
    retry_in_s,
    signed_headers,
    unpriced_model,
)

AT_S = 1_795_176_000.7  # 2026-11-20T12:00:00Z
USD = 1_000_000_000


def body(alert: Alert) -> dict[str, object]:
    found = json.loads(posted(alert, "0a1b", AT_S).body)
    assert isinstance(found, dict)
    return found


def test_a_body_has_what_every_alert_has() -> None:
    assert body(TEST_ALERT) == {
        "id": "0a1b",
        "event": "test",
        "severity": "warning",
        "at": "2026-11-20T12:00:00Z",
        "reason": "asked_for",
        "text": "this is a test alert of Fairlead; nothing is wrong",
    }


def test_an_alert_about_a_provider_names_it_its_credential_and_the_remedy() -> None:
    found = body(provider_attention("azure-eu", "key-2", FailureKind.AUTH))
    assert (found["event"], found["severity"]) == ("provider_attention", "error")
    assert (found["provider"], found["credential"], found["reason"]) == ("azure-eu", "key-2", "auth")
    assert found["text"] == "provider azure-eu needs attention: its credential is refused; replace it"


def test_an_alert_about_a_whole_provider_names_no_credential() -> None:
    assert "credential" not in body(provider_attention("azure-eu", "", FailureKind.BLOCKED))


def test_an_alert_about_a_model_without_a_price_says_what_to_add() -> None:
    found = body(unpriced_model("openrouter", "new/model"))
    assert (found["event"], found["provider"], found["model"]) == ("unpriced_model", "openrouter", "new/model")
    assert '[prices."openrouter/new/model"]' in str(found["text"])


@pytest.mark.parametrize(
    ("percent", "severity", "reason", "words", "refusing"),
    [
        pytest.param(80, "warning", "mark_reached", "has reached 80 %", "", id="a-mark"),
        pytest.param(100, "error", "used_up", "is used up", "; until then requests are refused", id="all"),
    ],
)
def test_an_alert_about_a_budget_says_how_much_is_spent_and_is_true_after_its_day_too(
    percent: int, severity: str, reason: str, words: str, refusing: str
) -> None:
    found = body(budget_alert(BudgetMark("ci", "day", 20_777, percent, 4 * USD, 5 * USD)))
    assert (found["event"], found["severity"], found["reason"], found["key"]) == (
        "budget_alert",
        severity,
        reason,
        "ci",
    )
    assert found["text"] == (
        f"the budget of key ci for the day that ends at 2026-11-21T00:00:00Z {words}: 4.00 of 5.00 USD are spent"
        f"{refusing}"
    )
    assert found["budget"] == {
        "period": "day",
        "percent": percent,
        "spent_usd": "4.00",
        "limit_usd": "5.00",
        "resets_at": "2026-11-21T00:00:00Z",
    }


def test_a_body_is_signed_together_with_the_time_of_its_delivery() -> None:
    headers = signed_headers("s3cret", b'{"a":1}', AT_S)
    expected = hmac.new(b"s3cret", b'1795176000.{"a":1}', hashlib.sha256).hexdigest()
    assert headers["x-fairlead-timestamp"] == "1795176000"
    assert headers["x-fairlead-signature"] == f"v1={expected}"
    assert headers["content-type"] == "application/json"


def test_without_a_secret_nothing_is_signed() -> None:
    assert "x-fairlead-signature" not in signed_headers(None, b"{}", AT_S)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, True), (204, True), (199, False), (302, False), (404, False), (500, False), (None, False)],
)
def test_only_a_2xx_is_a_delivery(status: int | None, expected: bool) -> None:
    assert is_delivered(status) is expected


@pytest.mark.parametrize("status", [None, 408, 429, 500, 502, 503, 599])
def test_what_may_pass_is_tried_five_times_within_about_a_minute(status: int | None) -> None:
    delays_s = [retry_in_s(status, tries) for tries in range(1, 6)]
    assert delays_s == [*RETRY_AFTER_S, None]
    assert len(RETRY_AFTER_S) == 4 and 50 <= sum(RETRY_AFTER_S) <= 70


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 410, 422])
def test_what_the_receiver_refuses_or_redirects_is_final(status: int) -> None:
    assert retry_in_s(status, 1) is None


class Desk:
    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.desk = AlertDesk(self.posted.append, lambda: AT_S, lambda text: text.replace("hunter2", "***"))

    def bodies(self) -> list[dict[str, object]]:
        return [json.loads(alert.body) for alert in self.posted]


def test_an_alert_is_logged_with_its_event_and_handed_on(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.desk.raise_alert(budget_alert(BudgetMark("ci", "month", 682, 100, 5 * USD, 5 * USD)))
    (record,) = caplog.records
    fields = vars(record)
    assert (record.levelno, fields["event"], fields["fairlead.key"]) == (logging.ERROR, "budget_alert", "ci")
    assert (fields["fairlead.budget"], fields["fairlead.percent"], fields["fairlead.reason"]) == (
        "month",
        100,
        "used_up",
    )
    assert [alert.event for alert in desk.posted] == ["budget_alert"]


def test_a_warning_is_logged_as_one(caplog: pytest.LogCaptureFixture) -> None:
    Desk().desk.raise_alert(unpriced_model("p", "m"))
    assert [(record.levelno, vars(record)["gen_ai.response.model"]) for record in caplog.records] == [
        (logging.WARNING, "m")
    ]


def test_what_its_source_has_logged_is_only_handed_on(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.desk.post(provider_attention("p", "k", FailureKind.AUTH))
    assert (len(desk.posted), caplog.records) == (1, [])


def test_a_name_that_holds_a_secret_is_masked_in_the_body() -> None:
    desk = Desk()
    desk.desk.raise_alert(unpriced_model("p", "hunter2"))
    assert "hunter2" not in desk.posted[0].body.decode()
    assert desk.bodies()[0]["model"] == "***"


def test_every_alert_has_an_id_of_its_own() -> None:
    desk = Desk()
    desk.desk.post(TEST_ALERT)
    desk.desk.post(TEST_ALERT)
    first, second = desk.bodies()
    assert first["id"] != second["id"]


def test_a_model_without_a_price_is_told_of_once() -> None:
    raised: list[Alert] = []
    models = UnpricedModels(raised.append)
    for provider, model in (("p", "a"), ("p", "b"), ("q", "a"), ("p", "a")):
        models.served(provider, model)
    assert [(alert.provider, alert.model) for alert in raised] == [("p", "a"), ("p", "b"), ("q", "a")]


@pytest.mark.parametrize(("is_configured", "most"), [(False, MOST_UNCONFIGURED), (True, REMEMBERED)])
def test_models_do_not_make_alerts_for_ever(is_configured: bool, most: int) -> None:
    raised: list[Alert] = []
    models = UnpricedModels(raised.append)
    for number in range(REMEMBERED + 100):
        models.served("p", f"m{number}", is_configured=is_configured)
    assert len(raised) == most


def test_made_up_models_hide_neither_configured_ones_nor_those_of_another_provider() -> None:
    raised: list[Alert] = []
    models = UnpricedModels(raised.append)
    for number in range(MOST_UNCONFIGURED + 1):
        models.served("p", f"m{number}")
    models.served("p", "ours", is_configured=True)
    models.served("q", "m0")
    assert [(alert.provider, alert.model) for alert in raised[MOST_UNCONFIGURED:]] == [("p", "ours"), ("q", "m0")]


def test_a_models_name_in_an_alert_is_short_and_steers_no_terminal() -> None:
    alert = unpriced_model("p", "\x1b[2J\x9b1m\n" + "m" * 1_000)
    assert (alert.model, len(alert.model)) == ("?[2J?1m?" + "m" * 120, LONGEST_NAME)
    assert alert.text.isprintable() and len(alert.text) < 2 * LONGEST_NAME + 150
