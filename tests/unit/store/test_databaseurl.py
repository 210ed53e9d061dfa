from __future__ import annotations

import importlib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from proxy.store import databaseurl
from proxy.store.databaseurl import BadUrl, Target, read_url

HERE = Path("/kept")
PASSWORD = "planted-secret-0123456789"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        pytest.param("sqlite:///fairlead.db", "/kept/fairlead.db", id="relative"),
        pytest.param("sqlite:///sub/f.db", "/kept/sub/f.db", id="in-a-folder"),
        pytest.param("sqlite:////var/lib/f.db", "/var/lib/f.db", id="absolute"),
        pytest.param(" sqlite:///f.db\n", "/kept/f.db", id="from-a-mounted-file"),
        pytest.param("sqlite:///a b#1%20.db", "/kept/a b#1%20.db", id="as-it-is-written"),
    ],
)
def test_a_sqlite_url_names_a_file(url: str, path: str) -> None:
    assert read_url(url, HERE) == Target(f"SQLite file {path}", Path(path))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param(f"postgresql://u:{PASSWORD}@db.example:5433/f", "PostgreSQL at db.example:5433/f", id="usual"),
        pytest.param(f"postgres://u:{PASSWORD}@db.example/f", "PostgreSQL at db.example/f", id="short-scheme"),
        pytest.param(f"postgresql://u:{PASSWORD}%40@[::1]:5432/f", "PostgreSQL at [::1]:5432/f", id="ipv6"),
        pytest.param(f"postgresql://u:{PASSWORD}@a:1,b:2/f", "PostgreSQL at a:1,b:2/f", id="several-hosts"),
        pytest.param(f"postgresql://u:{PASSWORD}@/f?host=/run/pg", "PostgreSQL at /run/pg/f", id="socket"),
        pytest.param(f"postgresql:///f?password={PASSWORD}", "PostgreSQL at its usual place/f", id="no-host"),
    ],
)
def test_a_postgres_url_is_shown_without_user_and_password(url: str, shown: str) -> None:
    target = read_url(url, HERE)
    assert (target.shown, target.path, target.is_pooled) == (shown, None, False)
    assert PASSWORD in target.dsn
    assert PASSWORD not in repr(target)


def test_what_a_postgres_url_says_reaches_the_driver() -> None:
    target = read_url("postgresql://u:p%40w@h:5433/f?sslmode=require&search_path=a%2Cb", HERE)
    parts = urlsplit(target.dsn)
    assert (parts.scheme, parts.netloc, parts.path) == ("postgresql", "u:p%40w@h:5433", "/f")
    named = {"sslmode": ["require"], "search_path": ["a,b"], "application_name": ["fairlead"]}
    assert parse_qs(parts.query) == named


def test_an_application_name_of_ones_own_is_kept() -> None:
    assert read_url("postgresql://h/f?application_name=eu-1", HERE).dsn == "postgresql://h/f?application_name=eu-1"


@pytest.mark.parametrize(
    ("value", "is_pooled"),
    [("true", True), ("1", True), ("false", False), ("0", False)],
)
def test_pgbouncer_is_a_switch_and_no_parameter_of_the_server(value: str, is_pooled: bool) -> None:
    target = read_url(f"postgresql://h/f?pgbouncer={value}", HERE)
    assert (target.is_pooled, target.dsn) == (is_pooled, "postgresql://h/f?application_name=fairlead")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        pytest.param("", "a URL of no database that Fairlead knows", id="empty"),
        pytest.param("fairlead.db", "a URL of no database that Fairlead knows", id="path"),
        pytest.param("sqlite", "a URL of no database that Fairlead knows", id="word"),
        pytest.param(f"mysql://u:{PASSWORD}@h/f", "a URL of no database that Fairlead knows", id="mysql"),
        pytest.param("postgresql+psycopg://h/f", "a URL of no database that Fairlead knows", id="driver"),
        pytest.param("sqlite://fairlead.db", "a SQLite URL with a host", id="two-slashes"),
        pytest.param("sqlite://", "a SQLite URL with a host", id="nothing-after"),
        pytest.param("sqlite:///", "a SQLite URL without a file", id="no-file"),
        pytest.param("sqlite:///:memory:", "a SQLite URL without a file", id="memory"),
        pytest.param("sqlite:///kept/", "a SQLite URL without a file", id="folder"),
        pytest.param("sqlite:///f.db?mode=ro", "a SQLite URL with parameters", id="sqlite-parameters"),
        pytest.param("sqlite:///f\0.db", "a SQLite URL with parameters", id="null-byte"),
        pytest.param(f"postgresql://u:{PASSWORD}@1@h/f", "a PostgreSQL URL that cannot be read", id="at-sign"),
        pytest.param(f"postgresql://u:{PASSWORD}/1@h/f", "a PostgreSQL URL that cannot be read", id="slash"),
        pytest.param(f"postgresql://u:{PASSWORD}#1@h/f", "a PostgreSQL URL that cannot be read", id="hash"),
        pytest.param(f"postgresql://u:{PASSWORD}?1@h/f", "a PostgreSQL URL that cannot be read", id="question-mark"),
        pytest.param(f"postgresql://u:{PASSWORD}[@h/f", "a PostgreSQL URL that cannot be read", id="bracket"),
        pytest.param("postgresql://h/a b", "a PostgreSQL URL that cannot be read", id="space"),
        pytest.param("postgresql://h:port/f", "a PostgreSQL URL that cannot be read", id="port"),
        pytest.param("postgresql://h/f?sslmode", "a PostgreSQL URL that cannot be read", id="half-a-parameter"),
        pytest.param("postgresql://h/f?pgbouncer=maybe", "a parameter pgbouncer that is no switch", id="no-switch"),
        pytest.param(
            "postgresql://h/f?channel_binding=require", "the parameter channel_binding, which cannot be kept", id="psql"
        ),
    ],
)
def test_a_url_that_leads_nowhere_is_refused_without_quoting_it(url: str, found: str) -> None:
    with pytest.raises(BadUrl) as caught:
        read_url(url, HERE)
    assert caught.value.found == found
    assert PASSWORD not in str(caught.value)
    assert caught.value.__cause__ is None and (caught.value.__context__ is None or caught.value.__suppress_context__)


def test_a_missing_driver_is_told_with_the_extra_that_brings_it() -> None:
    with pytest.raises(BadUrl) as caught:
        read_url("postgresql://h/f", HERE, has_driver=lambda: False)
    assert str(caught.value).endswith("install it: pip install 'fairlead[postgres]'")


def test_judging_a_url_needs_no_sqlalchemy() -> None:
    source = Path(importlib.import_module(databaseurl.__name__).__file__ or "").read_text()
    assert "import sqlalchemy" not in source and "from sqlalchemy" not in source
