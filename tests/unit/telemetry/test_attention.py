"""An operator is alerted once an episode, and told by a gauge while it lasts."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from proxy.core.failure import Failure, FailureKind
from proxy.core.secret import Secret
from proxy.core.snapshot import Credential, Provider, Snapshot
from proxy.telemetry.attention import QUIET_S, Attention
from proxy.telemetry.metrics import Metrics

REFUSED = Failure(FailureKind.AUTH, status=401, detail="invalid key")


class Desk:
    """An `Attention` with what it told: alerts, and the gauge."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.metrics = Metrics()
        self.attention = Attention(self.metrics)
        self._caplog = caplog

    @property
    def alerts(self) -> list[logging.LogRecord]:
        return [record for record in self._caplog.records if vars(record).get("event") == "provider_attention"]

    def gauge(self, provider: str, reason: str) -> str | None:
        start = f'fairlead_provider_attention{{provider="{provider}",reason="{reason}"}} '
        lines = self.metrics.scrape()().decode().splitlines()
        return next((line.removeprefix(start) for line in lines if line.startswith(start)), None)


@pytest.fixture
def desk(caplog: pytest.LogCaptureFixture) -> Desk:
    return Desk(caplog)


def test_first_refusal_is_logged_as_an_error_with_provider_credential_and_reason(desk: Desk) -> None:
    desk.attention.failed("azure", "key1#0a1b2c3d", REFUSED, 0.0)
    (alert,) = desk.alerts
    assert alert.levelno == logging.ERROR
    fields = vars(alert)
    assert fields["gen_ai.provider.name"] == "azure"
    assert fields["fairlead.credential"] == "key1"
    assert fields["fairlead.reason"] == "auth"
    assert fields["http.response.status_code"] == 401
    assert desk.gauge("azure", "auth") == "1.0"


def test_refusals_of_the_same_episode_are_silent(desk: Desk) -> None:
    for now_s in (0.0, 30.0, 100_000.0):
        desk.attention.failed("azure", "key1#1", REFUSED, now_s)
    assert len(desk.alerts) == 1


def test_success_ends_the_episode_and_lowers_the_gauge(desk: Desk) -> None:
    desk.attention.failed("azure", "key1#1", REFUSED, 0.0)
    desk.attention.succeeded("azure", "key1#1")
    assert desk.gauge("azure", "auth") == "0.0"
    desk.attention.failed("azure", "key1#1", REFUSED, QUIET_S)
    assert len(desk.alerts) == 2
    assert desk.gauge("azure", "auth") == "1.0"


def test_credential_that_flaps_is_logged_at_most_once_in_ten_minutes(desk: Desk) -> None:
    for now_s in (0.0, 60.0, QUIET_S - 1):
        desk.attention.failed("azure", "key1#1", REFUSED, now_s)
        desk.attention.succeeded("azure", "key1#1")
    assert len(desk.alerts) == 1


def test_success_of_another_credential_ends_nothing(desk: Desk) -> None:
    desk.attention.failed("azure", "key1#1", REFUSED, 0.0)
    desk.attention.succeeded("azure", "key2#2")
    desk.attention.succeeded("openrouter", "key1#1")
    assert desk.gauge("azure", "auth") == "1.0"


def test_gauge_stays_up_until_the_last_credential_is_well(desk: Desk) -> None:
    for credential in ("key1#1", "key2#2"):
        desk.attention.failed("azure", credential, REFUSED, 0.0)
    assert len(desk.alerts) == 2
    desk.attention.succeeded("azure", "key1#1")
    assert desk.gauge("azure", "auth") == "1.0"
    desk.attention.succeeded("azure", "key2#2")
    assert desk.gauge("azure", "auth") == "0.0"


def test_blocked_is_of_the_whole_provider_and_any_success_ends_it(desk: Desk) -> None:
    for credential in ("key1#1", "key2#2"):
        desk.attention.failed("azure", credential, Failure(FailureKind.BLOCKED), 0.0)
    assert len(desk.alerts) == 1
    desk.attention.succeeded("azure", "key2#2")
    assert desk.gauge("azure", "blocked") == "0.0"


@pytest.mark.parametrize("kind", sorted(set(FailureKind) - {"auth", "billing", "blocked"}))
def test_failure_that_needs_no_operator_is_ignored(kind: FailureKind, desk: Desk) -> None:
    desk.attention.failed("azure", "key1#1", Failure(kind), 0.0)
    assert desk.alerts == []
    assert desk.gauge("azure", kind) is None


def test_success_without_an_episode_changes_nothing(desk: Desk) -> None:
    desk.attention.succeeded("azure", "key1#1")
    assert desk.gauge("azure", "auth") is None


def test_credential_that_has_another_name_stays_in_its_episode(desk: Desk) -> None:
    first, second = Credential("key-1", Secret("one")), Credential("key-2", Secret("two"))
    before = Provider("azure", "azure", "https://x.test", credentials=(first, second))
    desk.attention.failed("azure", second.id, REFUSED, 0.0)
    renamed = Credential("key-1", second.secret)
    desk.attention.forget(Snapshot(providers={"azure": replace(before, credentials=(renamed,))}), {"azure": before})
    assert desk.gauge("azure", "auth") == "1.0"
    desk.attention.failed("azure", renamed.id, REFUSED, 1.0)
    assert len(desk.alerts) == 1
    desk.attention.succeeded("azure", renamed.id)
    assert desk.gauge("azure", "auth") == "0.0"


def test_replaced_credential_ends_its_episode(desk: Desk) -> None:
    old, new = Credential("main", Secret("old")), Credential("main", Secret("new"))
    desk.attention.failed("azure", old.id, REFUSED, 0.0)
    desk.attention.failed("azure", new.id, REFUSED, 0.0)
    provider = Provider("azure", "azure", "https://x.test", credentials=(new,))
    desk.attention.forget(Snapshot(providers={"azure": provider}), {})
    assert desk.gauge("azure", "auth") == "1.0"
    desk.attention.forget(Snapshot(), {})
    assert desk.gauge("azure", "auth") == "0.0"
    desk.attention.failed("azure", new.id, REFUSED, 1.0)
    assert len(desk.alerts) == 3
