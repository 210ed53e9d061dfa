from __future__ import annotations

import pytest

from proxy.core.secret import Secret
from proxy.core.snapshot import Alerts
from tests.unit.settings.documents import LOCAL, build, only_problem, warnings

SECRET = "0123456789abcdef"
URL = "https://hooks.example.com/services/T0/B0?token=abc"


def alerts(text: str, environ: dict[str, str] | None = None) -> Alerts:
    snapshot = build(text + LOCAL, environ)
    assert [problem for problem in snapshot.problems if not problem.warning] == []
    return snapshot.alerts


def test_without_the_section_there_is_no_webhook() -> None:
    assert (alerts("").webhook_url, alerts("").secret) == (None, None)


def test_a_webhook_and_its_secret_come_from_the_file_and_the_environment() -> None:
    made = alerts(f'[alerts]\nwebhook_url = "{URL}"\nsecret_env = "S"', {"S": SECRET + "\n"})
    assert (made.webhook_url, made.secret) == (Secret(URL), Secret(SECRET))
    assert URL not in repr(made) and SECRET not in repr(made)


def test_empty_strings_mean_that_there_is_none() -> None:
    assert alerts('[alerts]\nwebhook_url = "${U:-}"\nsecret = "${S:-}"').webhook_url is None


def test_a_signed_webhook_is_no_reason_to_warn() -> None:
    assert warnings(f'[alerts]\nwebhook_url = "{URL}"\nsecret = "{SECRET}"' + LOCAL) == []


def test_an_unsigned_webhook_is_a_warning() -> None:
    (warning,) = warnings(f'[alerts]\nwebhook_url = "{URL}"' + LOCAL)
    assert (warning.where, warning.found) == ("f.toml: alerts.secret", "a webhook whose bodies are not signed")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param(f'webhook_url = "{URL}"\nsecret = "short"', "alerts.secret", id="short-secret"),
        pytest.param('webhook_url = "ftp://hooks.example.com"', "alerts.webhook_url", id="not-http"),
        pytest.param('webhook_url = "hooks.example.com"', "alerts.webhook_url", id="no-scheme"),
        pytest.param('webhook_url = "https://"', "alerts.webhook_url", id="no-host"),
        pytest.param('webhook_url = "https://[::1"', "alerts.webhook_url", id="broken-host"),
        pytest.param('webhook_url = "https://a b.example"', "alerts.webhook_url", id="a-space"),
        pytest.param('webhook = "https://a.example"', "alerts.webhook", id="unknown-key"),
    ],
)
def test_what_cannot_be_used_is_fatal_and_not_shown(text: str, where: str) -> None:
    problem = only_problem(f"[alerts]\n{text}" + LOCAL)
    assert problem.where == f"f.toml: {where}"
    assert problem.fatal
    assert "short" not in str(problem).replace("too short", "") and "example.com/services" not in str(problem)
