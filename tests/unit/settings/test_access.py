from __future__ import annotations

import hashlib

import pytest

from proxy.core.secret import Secret
from proxy.core.snapshot import Auth
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
    assert auth(text).mode == mode


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
        pytest.param('[auth]\nmode = "keys"', 'mode = "keys" without a key', id="nobody-may-call"),
        pytest.param('[auth]\nmode = "none"\n' + ONE_KEY, 'mode = "none" beside client keys', id="keys-unused"),
        pytest.param(ONE_KEY + "rpm = 5\ntpm = 5", "limits of a client key, which are not built yet", id="limits"),
        pytest.param(ONE_KEY + "budget_usd_day = 5", "limits of a client key, which are not built yet", id="budget"),
    ],
)
def test_what_is_odd_but_not_wrong_is_a_warning(text: str, found: str) -> None:
    assert [warning.found for warning in warnings(text + LOCAL)] == [found]


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
        pytest.param('[[auth.keys]]\nname = "a"', "auth.keys[0]", id="no-key"),
        pytest.param('[[auth.keys]]\nname = "a"\nkey = ""', "auth.keys[0]", id="empty-key"),
        pytest.param(ONE_KEY + f'key_sha256 = "{SHA256}"', "auth.keys[0]", id="key-and-digest"),
        pytest.param('[[auth.keys]]\nname = "a"\nkey_sha256 = "12"', "auth.keys[0].key_sha256", id="no-digest"),
        pytest.param(ONE_KEY + ONE_KEY.replace("ci", "cd"), "auth.keys[1]", id="same-key"),
        pytest.param(ONE_KEY + ONE_KEY.replace(KEY, KEY + "0"), "auth.keys[1]", id="same-name"),
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
