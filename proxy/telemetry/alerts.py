"""Operator alerts: what they say, how a webhook's body is written and signed, and when a delivery is tried again.

An alert is always a log line; `upstream.webhook` also sends it where `[alerts]` says. Holds names of providers, models
and keys, never a secret, a prompt or what an upstream wrote.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

from msgspec import Struct, json
from msgspec.structs import replace

from proxy.core.failure import FailureKind
from proxy.core.money import usd
from proxy.routing.budget import BudgetMark, period_end_s
from proxy.telemetry.attention import REMEDY

_LOG = logging.getLogger("fairlead.alerts")

TIMESTAMP_HEADER = "x-fairlead-timestamp"
SIGNATURE_HEADER = "x-fairlead-signature"
RETRY_AFTER_S = (1.0, 4.0, 15.0, 40.0)  # five tries within about a minute
WORTH_RETRYING = frozenset({408, 429})  # of 4xx

REMEMBERED = 1_000  # configured models without a price
MOST_UNCONFIGURED = 20  # other names of a provider that alerts tell: a client may make them up
LONGEST_NAME = 128  # characters of a model's name in an alert: it may be any text of a client

WARNING, ERROR = "warning", "error"


class BudgetUse(Struct, frozen=True):
    """Of an alert about a budget. `period` is "day" or "month"; times are UTC."""

    period: str
    percent: int
    spent_usd: str
    limit_usd: str
    resets_at: str


class Alert(Struct, frozen=True, omit_defaults=True):
    """One alert, as its body has it; what does not apply is left out.

    Attributes:
        event: "provider_attention", "budget_alert", "unpriced_model" or "test".
        severity: "warning" or "error".
        reason: Within the event, for programs.
        text: For people.
        credential: Its name.
    """

    event: str
    severity: str
    reason: str
    text: str
    provider: str = ""
    credential: str = ""
    model: str = ""
    key: str = ""
    budget: BudgetUse | None = None


class _Body(Alert, frozen=True, omit_defaults=True):
    """The alert with what each delivery of it repeats: a receiver that knows the id has had it."""

    id: str = ""
    at: str = ""


class Posted(Struct, frozen=True):
    """An alert on its way: the same body for every try."""

    event: str
    body: bytes


Raise = Callable[[Alert], None]


class AlertDesk:
    """Raises alerts: a log line each, and a body for whoever delivers them. Called from the event loop's thread.

    Args:
        post: Takes a body and returns at once.
        wall: Unix time.
        redact: Masks what looks like a secret: a model's name may be a client's.
    """

    def __init__(self, post: Callable[[Posted], None], wall: Callable[[], float], redact: Callable[[str], str]) -> None:
        self._post = post
        self._wall = wall
        self._redact = redact

    def raise_alert(self, alert: Alert) -> None:
        """Log an alert and hand it on."""
        _LOG.log(logging.ERROR if alert.severity == ERROR else logging.WARNING, "%s", alert.text, extra=_fields(alert))
        self.post(alert)

    def post(self, alert: Alert) -> None:
        """Hand on what its source has logged itself."""
        alert = replace(alert, text=self._redact(alert.text), model=self._redact(alert.model))
        self._post(posted(alert, uuid4().hex, self._wall()))


class UnpricedModels:
    """Raises one alert for each model that serves without a known price, once in the life of the process."""

    def __init__(self, raise_alert: Raise) -> None:
        self._raise = raise_alert
        self._seen: set[tuple[str, str]] = set()
        self._configured = 0
        self._unconfigured: Counter[str] = Counter()

    def served(self, provider: str, model: str, *, is_configured: bool = False) -> None:
        """Take note of an answer without a price.

        Args:
            model: As the upstream calls it.
            is_configured: The file names the model. Of others, only `MOST_UNCONFIGURED` of a provider are told of.
        """
        if (provider, model) in self._seen:
            return
        if is_configured and self._configured < REMEMBERED:
            self._configured += 1
        elif not is_configured and self._unconfigured[provider] < MOST_UNCONFIGURED:
            self._unconfigured[provider] += 1
        else:
            return
        self._seen.add((provider, model))
        self._raise(unpriced_model(provider, model))


def posted(alert: Alert, alert_id: str, wall_s: float) -> Posted:
    """Write the body of an alert."""
    fields = {name: getattr(alert, name) for name in Alert.__struct_fields__}
    return Posted(alert.event, json.encode(_Body(**fields, id=alert_id, at=_moment(wall_s))))


def signed_headers(secret: str | None, body: bytes, wall_s: float) -> dict[str, str]:
    """Return a delivery's headers: the time of this try and, with a secret, the HMAC-SHA-256 of `TIME.BODY` in hex."""
    stamp = str(int(wall_s))
    headers = {"content-type": "application/json", "user-agent": "fairlead", TIMESTAMP_HEADER: stamp}
    if secret is not None:
        digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers[SIGNATURE_HEADER] = f"v1={digest}"
    return headers


def is_delivered(status: int | None) -> bool:
    return status is not None and 200 <= status < 300


def retry_in_s(status: int | None, tries: int) -> float | None:
    """Say after how many seconds to try again after so many tries; None = never.

    Args:
        status: The receiver's answer; None where none came. A redirect is an answer like any other: it is not followed
            and not tried again, and neither is what the receiver refuses (4xx but 408 and 429).
    """
    is_final = status is not None and status < 500 and status not in WORTH_RETRYING
    return None if is_final or tries > len(RETRY_AFTER_S) else RETRY_AFTER_S[tries - 1]


def provider_attention(provider: str, credential: str, reason: FailureKind) -> Alert:
    """Of `telemetry.attention`: what only an operator can mend. `credential` is its name, "" for the whole provider."""
    text = f"provider {provider} needs attention: {REMEDY[reason]}"
    return Alert("provider_attention", ERROR, str(reason), text, provider=provider, credential=credential)


def unpriced_model(provider: str, model: str) -> Alert:
    """A request was served whose price nobody knows."""
    model = "".join([letter if letter.isprintable() else "?" for letter in model[:LONGEST_NAME]])
    fix = f'add [prices."{provider}/{model}"]'
    text = f"no price is known for the model {model} of provider {provider}: its cost is not counted; {fix}"
    return Alert("unpriced_model", WARNING, "no_price", text, provider=provider, model=model)


def budget_alert(mark: BudgetMark) -> Alert:
    """A key passed a mark of its budget, or is refused since too little is left."""
    resets = _moment(period_end_s(mark.budget, mark.period))
    use = BudgetUse(mark.budget, mark.percent, usd(mark.spent_nusd), usd(mark.allowed_nusd), resets)
    is_used_up = mark.percent >= 100
    state = "is used up" if is_used_up else f"has reached {mark.percent} %"
    # Its time may be over: a request that began in it ends when it ends.
    text = (
        f"the budget of key {mark.key} for the {mark.budget} that ends at {resets} {state}: {use.spent_usd} of "
        f"{use.limit_usd} USD are spent{'; until then requests are refused' if is_used_up else ''}"
    )
    reason = "used_up" if is_used_up else "mark_reached"
    return Alert("budget_alert", ERROR if is_used_up else WARNING, reason, text, key=mark.key, budget=use)


TEST_ALERT = Alert("test", WARNING, "asked_for", "this is a test alert of Fairlead; nothing is wrong")


def _moment(at_s: float) -> str:
    return f"{datetime.fromtimestamp(int(at_s), UTC):%Y-%m-%dT%H:%M:%SZ}"


def _fields(alert: Alert) -> dict[str, object]:
    fields: dict[str, object] = {
        "event": alert.event,
        "fairlead.reason": alert.reason,
        "gen_ai.provider.name": alert.provider,
        "gen_ai.response.model": alert.model,
        "fairlead.credential": alert.credential,
        "fairlead.key": alert.key,
    }
    if alert.budget is not None:
        fields |= {"fairlead.budget": alert.budget.period, "fairlead.percent": alert.budget.percent}
    return fields
