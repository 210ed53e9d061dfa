from __future__ import annotations

import hashlib

import pytest

from proxy.core.secret import Secret
from proxy.core.snapshot import NO_LIMITS, Auth, KeyLimits
from proxy.settings.access import read_client_key
from proxy.settings.problems import Report
from tests.unit.settings.documents import KEY, LOCAL, build, only_problem, warnings

SHA256 = hashlib.sha256(KEY.encode()).hexdigest()
ONE_KEY = f'[[auth.keys]]\nname = "ci"\nkey = "{KEY}"\n'
OPEN = '[server]\nhost = "0.0.0.0"\n'


def auth(text: str, environ: dict[str, str] | None = None) -> Auth:
    snapshot = build(text + LOCAL, environ)
    assert [problem for problem in snapshot.problems if not problem.warning] == []
    return snapshot.auth


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        pytest.param("", "none", id="no-key-on-loopback"),
        pytest.param(ONE_KEY, "keys", id="a-key"),
        pytest.param(OPEN + ONE_KEY, "keys", id="a-key-off-loopback"),
        pytest.param('[auth]\nmode = "keys"', "keys", id="written"),
        pytest.param(OPEN + '[auth]\nmode = "keys"', "keys", id="written-off-loopback"),
        pytest.param('[auth]\nmode = "none"\n' + ONE_KEY, "none", id="written-none"),
    ],
)
def test_the_mode_is_the_written_one_else_follows_from_the_keys(text: str, mode: str) -> None:
    made = auth(text)
    assert made.mode == mode
    assert made.mode_is_implied == ("mode =" not in text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(OPEN, id="no-key"),
        pytest.param(OPEN + '[auth]\nmode = "none"', id="written-none"),
        pytest.param(OPEN + '[auth]\nmode = "none"\n' + ONE_KEY, id="written-none-with-a-key"),
    ],
)
def test_an_open_gateway_off_loopback_is_refused(text: str) -> None:
    problem = only_problem(text + LOCAL)
    assert problem.where == "f.toml: auth.mode"
    assert problem.fatal


def test_the_host_of_the_process_counts() -> None:
    assert only_problem(LOCAL, {"FAIRLEAD_HOST": "0.0.0.0"}).where == "f.toml: auth.mode"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param('[auth]\nmode = "none"\n' + ONE_KEY, 'mode = "none" beside client keys', id="keys-unused"),
    ],
)
def test_what_is_odd_but_not_wrong_is_a_warning(text: str, found: str) -> None:
    assert [warning.found for warning in warnings(text + LOCAL)] == [found]


def test_a_key_without_limits_has_none() -> None:
    assert auth(ONE_KEY).keys[SHA256].limits is NO_LIMITS
    assert warnings(ONE_KEY + "rpm = 5" + LOCAL) == []


def test_limits_of_a_key_are_whole_numbers_and_nano_dollars() -> None:
    written = "rpm = 60\ntpm = 1000\nparallel = 3\nbudget_usd_day = 0.1\nbudget_usd_month = 12\nallow_unpriced = true"
    assert auth(ONE_KEY + written).keys[SHA256].limits == KeyLimits(60, 1000, 3, 100_000_000, 12_000_000_000, True)


@pytest.mark.parametrize(
    ("written", "nusd"),
    [
        pytest.param("0", 0, id="nothing-at-all"),
        pytest.param("0.000000001", 1, id="the-smallest"),
        pytest.param("1e-9", 1, id="the-smallest-in-short"),
        pytest.param("0.123456789", 123_456_789, id="nine-digits"),
        pytest.param('"999999999.999999999"', 999_999_999_999_999_999, id="as-text-more-than-a-float-holds"),
        pytest.param('"0.1000000000000"', 100_000_000, id="zeros-that-say-nothing"),
        pytest.param("1e9", 10**18, id="the-largest"),
    ],
)
def test_a_budget_is_taken_exactly(written: str, nusd: int) -> None:
    assert auth(f"{ONE_KEY}budget_usd_day = {written}").keys[SHA256].limits.day_nusd == nusd


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("0.0000000001", "at most 9 digits after the point", id="below-a-nano-dollar"),
        pytest.param('"1.1234567891"', "at most 9 digits after the point", id="ten-digits"),
        pytest.param("-1", "at least 0", id="negative"),
        pytest.param("1e10", "at most 1000000000", id="too-much"),
        pytest.param('"1e999999"', "at most 1000000000", id="far-too-much"),
        pytest.param('"five"', "a number", id="a-word"),
        pytest.param("true", "a number", id="a-switch"),
    ],
)
def test_a_budget_that_is_no_amount_of_nano_dollars_is_a_problem(written: str, expected: str) -> None:
    problem = only_problem(f"{ONE_KEY}budget_usd_month = {written}{LOCAL}")
    assert (problem.where, problem.expected) == ("f.toml: auth.keys[0].budget_usd_month", expected)


def test_a_key_that_no_file_brings_is_read_by_the_same_rules() -> None:
    report = Report("here")
    key = read_client_key({"name": "n", "models": ["a*"], "rpm": 5, "budget_usd_day": "0.5"}, report)
    assert key is not None
    assert (key.name, key.models, key.limits) == ("n", ("a*",), KeyLimits(rpm=5, day_nusd=500_000_000))
    assert report.problems == []


def test_a_key_that_no_file_brings_and_breaks_them_is_told_with_every_problem() -> None:
    report = Report("here")
    assert read_client_key({"name": "", "rpm": 0, "budget_usd_day": "much"}, report) is None
    assert [problem.where for problem in report.problems] == ["here: name", "here: rpm", "here: budget_usd_day"]
    assert all(problem.fatal for problem in report.problems)


def test_a_key_is_kept_as_its_digest() -> None:
    made = auth(
        ONE_KEY
        + 'models = ["gpt-*"]\nproviders = ["local"]\nexpires_at = 1970-01-02\n'
        + 'owner = "o"\ntags = ["t"]\nallow_unpriced = true\n'
    )
    key = made.keys[SHA256]
    assert (key.name, key.models, key.providers) == ("ci", ("gpt-*",), ("local",))
    assert (key.expires_at_s, key.owner, key.tags) == (86_400.0, "o", ("t",))
    assert KEY not in repr(made)


def test_a_key_may_be_given_as_its_digest() -> None:
    assert list(auth(f'[[auth.keys]]\nname = "ci"\nkey_sha256 = "{SHA256.upper()}"').keys) == [SHA256]


def test_a_key_mounted_with_a_line_end_is_the_key() -> None:
    assert list(auth('[[auth.keys]]\nname = "ci"\nkey = "${K}"', {"K": KEY + "\n"}).keys) == [SHA256]


@pytest.mark.parametrize(
    ("written", "expected_s"),
    [
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T01:00:10+01:00", 10.0),
        ("1970-01-01T00:00:10", 10.0),
        ('"1970-01-01T00:00:10Z"', 10.0),
    ],
)
def test_an_expiry_without_an_offset_is_utc(written: str, expected_s: float) -> None:
    assert auth(ONE_KEY + f"expires_at = {written}").keys[SHA256].expires_at_s == expected_s


def test_an_empty_admin_token_is_none() -> None:
    assert auth('[auth]\nadmin_token = "${FAIRLEAD_ADMIN_TOKEN:-}"').admin_token is None
    assert auth(f'[auth]\nadmin_token = "{KEY}"').admin_token == Secret(KEY)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param('[[auth.keys]]\nname = "a"\nkey = "short"', "auth.keys[0].key", id="weak-key"),
        pytest.param('[auth]\nadmin_token = "short"', "auth.admin_token", id="weak-token"),
        pytest.param('[[auth.keys]]\nname = "a"', "auth.keys[0].key", id="no-key"),
        pytest.param('[[auth.keys]]\nname = "a"\nkey = ""', "auth.keys[0].key", id="empty-key"),
        pytest.param(ONE_KEY + f'key_sha256 = "{SHA256}"', "auth.keys[0].key_sha256", id="key-and-digest"),
        pytest.param('[[auth.keys]]\nname = "a"\nkey_sha256 = "12"', "auth.keys[0].key_sha256", id="no-digest"),
        pytest.param(ONE_KEY + ONE_KEY.replace("ci", "cd"), "auth.keys[1].key", id="same-key"),
        pytest.param(ONE_KEY + ONE_KEY.replace(KEY, KEY + "0"), "auth.keys[1].name", id="same-name"),
        pytest.param(ONE_KEY + 'expires_at = "soon"', "auth.keys[0].expires_at", id="no-date"),
        pytest.param(ONE_KEY + 'key_env = "K"', "auth.keys[0].key_env", id="key-twice"),
    ],
)
def test_a_bad_key_is_fatal(text: str, where: str) -> None:
    problem = only_problem(text + LOCAL)
    assert problem.where == f"f.toml: {where}"
    assert problem.fatal


def test_weak_keys_may_be_allowed() -> None:
    text = '[auth]\nallow_weak_keys = true\nadmin_token = "t"\n[[auth.keys]]\nname = "a"\nkey = "k"'
    assert auth(text).admin_token == Secret("t")
