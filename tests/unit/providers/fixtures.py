"""Signal fixtures: one file an error, `tests/golden/signals/<kind>/<case>.json`, and how to judge one.

A fixture holds `status`, `headers`, `body` (JSON) or `body_text`, `now` (RFC 3339) and `expected`: `kind` and `scope`,
then `delay_s`, `stated`, `edit`, `status` and `error` where they are not the defaults. A status of 200 is an error
inside a success; the kind "none" says that it holds none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from proxy.core.call import Headers
from proxy.core.failure import Failure
from proxy.core.secret import Secret
from proxy.core.snapshot import Credential, Provider
from proxy.providers.kinds import KINDS
from proxy.providers.signals import SignalRows, classify, envelope_failure, rows_for

FOLDER = Path(__file__).parents[2] / "golden" / "signals"
SECRET = "planted-0123456789abcdef"


def provider_of(kind: str) -> Provider:
    return Provider(
        "p",
        kind,
        "https://upstream.example/v1",
        credentials=(Credential("first", Secret(SECRET)),),
        cost_multiplier=Decimal(1),
        limits_by_account=KINDS[kind].limits_by_account,
    )


def read_fixture(path: Path) -> dict[str, Any]:
    fixture: dict[str, Any] = json.loads(path.read_text())
    return fixture


def judge(provider: Provider, fixture: Mapping[str, Any], rows: SignalRows | None = None) -> Failure | None:
    """Judge a fixture by a provider's rows, or by other ones."""
    rows = rows or rows_for(provider)
    headers: Headers = tuple((name.encode(), value.encode()) for name, value in fixture["headers"].items())
    body = fixture["body_text"].encode() if "body_text" in fixture else json.dumps(fixture["body"]).encode()
    now_s = datetime.fromisoformat(fixture["now"]).timestamp()
    if fixture["status"] == 200:
        return envelope_failure(rows, body, headers, now_s)
    return classify(rows, fixture["status"], headers, body, now_s)


def assert_as_expected(failure: Failure | None, fixture: Mapping[str, Any]) -> None:
    expected = fixture["expected"]
    if expected["kind"] == "none":
        assert failure is None
        return
    assert failure is not None
    delay_s = None if failure.delay_s is None else round(failure.delay_s, 3)
    found = (str(failure.kind), str(failure.scope), delay_s, failure.stated, list(failure.edit), failure.status)
    assert found == (
        expected["kind"],
        expected["scope"],
        expected.get("delay_s"),
        expected.get("stated", False),
        expected.get("edit", []),
        expected.get("status", fixture["status"]),
    )
    for name, value in expected.get("error", {}).items():
        assert getattr(failure.error, name) == value
