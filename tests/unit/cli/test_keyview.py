"""A stored key as an operator sees it."""

from __future__ import annotations

import pytest

from proxy.cli.keyview import BROKEN, as_cells, as_object, moment
from proxy.core.snapshot import ClientKey, KeyLimits
from proxy.store.keys import KeyRow, SecretRow

NOW_US = 1_800_000_000_000_000
HOUR_US = 3_600_000_000
LIMITS = KeyLimits(60, 100_000, 10, 1_500_000_000, 1, True)
FULL = ClientKey("ci", ("gpt*", "qwen"), ("azure-*",), 1_900_000_000.5, "team a", ("x",), LIMITS)


def row(key: ClientKey, *secrets: SecretRow) -> KeyRow:
    return KeyRow(key, NOW_US, None, secrets)


def test_a_bare_key_is_a_short_line() -> None:
    cells = as_cells(row(ClientKey("ci"), SecretRow("fl_abcdef", NOW_US, None)), NOW_US)
    assert cells == ("ci", "fl_abcdef…", "", "2027-01-15 08:00", None, None, "")


def test_a_line_says_what_a_key_may() -> None:
    name, _, owner, _, expires, _, limits = as_cells(row(FULL), NOW_US)
    assert (name, owner, expires) == ("ci", "team a", "2030-03-17 17:46")
    assert limits == (
        "60 rpm, 100000 tpm, 10 at once, 1.50 USD a day, 0.000000001 USD a month, unpriced models too, "
        "models gpt* qwen, providers azure-*, tags x"
    )


def test_a_line_shows_secrets_that_still_work_and_until_when() -> None:
    ended, ending = SecretRow("fl_ended0", 1, NOW_US), SecretRow("fl_ending", 1, NOW_US + HOUR_US)
    cells = as_cells(row(FULL, SecretRow("fl_newest", NOW_US, None), ending, ended), NOW_US)
    assert cells[1] == "fl_newest…, fl_ending… until 2027-01-15 09:00"


def test_a_revoked_key_shows_when() -> None:
    assert as_cells(KeyRow(FULL, 0, NOW_US, ()), NOW_US)[5] == "2027-01-15 08:00"


def test_no_secret_of_a_revoked_key_is_said_to_work_until_a_time() -> None:
    ending = SecretRow("fl_ending", 1, NOW_US + HOUR_US)
    assert as_cells(KeyRow(FULL, 0, NOW_US, (ending,)), NOW_US)[1] == "fl_ending…"


def test_a_key_that_cannot_be_read_says_what_to_do() -> None:
    broken = KeyRow(ClientKey("ci"), 0, None, (), is_broken=True)
    assert as_cells(broken, NOW_US)[6] == BROKEN
    assert as_object(broken)["broken"] == BROKEN


def test_programs_get_every_field_with_exact_money() -> None:
    made = as_object(row(FULL, SecretRow("fl_newest", NOW_US, None), SecretRow("fl_ended0", 1, NOW_US)))
    assert made == {
        "name": "ci",
        "owner": "team a",
        "tags": ("x",),
        "models": ("gpt*", "qwen"),
        "providers": ("azure-*",),
        "limits": {
            "rpm": 60,
            "tpm": 100_000,
            "parallel": 10,
            "budget_usd_day": "1.50",
            "budget_usd_month": "0.000000001",
            "allow_unpriced": True,
        },
        "created_at": "2027-01-15T08:00:00Z",
        "expires_at": "2030-03-17T17:46:40Z",
        "revoked_at": None,
        "secrets": [
            {"hint": "fl_newest", "created_at": "2027-01-15T08:00:00Z", "ends_at": None},
            {"hint": "fl_ended0", "created_at": "1970-01-01T00:00:00Z", "ends_at": "2027-01-15T08:00:00Z"},
        ],
    }


def test_what_is_not_limited_is_null() -> None:
    limits = as_object(row(ClientKey("ci")))["limits"]
    assert isinstance(limits, dict)
    assert set(limits.values()) == {None, False}


@pytest.mark.parametrize(
    ("us", "shown"), [(None, None), (0, "1970-01-01T00:00:00Z"), (253_402_300_799_999_999, "9999-12-31T23:59:59Z")]
)
def test_a_moment_is_told_in_whole_seconds(us: int | None, shown: str | None) -> None:
    assert moment(us) == shown
