"""`fairlead db` on both databases: what it says, what it does, how it ends."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.store.migrate import OURS
from proxy.store.migrations import VERSION_TABLE
from tests.fakes.databases import database_url, databases, empty_database_url, postgres
from tests.fakes.process import environment
from tests.integration.cli.conftest import Fairlead
from tests.integration.store.asking import on_sqlite

__all__ = ["database_url", "databases", "empty_database_url", "postgres"]

PASSWORD = "planted-secret-0123456789"
Configured = Callable[[str], Path]


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    """Write a configuration with this database."""

    def configured(url: str) -> Path:
        path = tmp_path / "gateway.toml"
        path.write_text(f'[server]\ndata_dir = "{tmp_path}"\n[database]\nurl = "{url}"\n[providers.a]\nkind = "ollama"')
        return path

    return configured


def test_an_empty_database_gets_its_tables(
    fairlead: Fairlead, configured: Configured, empty_database_url: str, tmp_path: Path
) -> None:
    config = configured(empty_database_url)
    looked = fairlead("db", "current", "--config", config)
    assert looked.code == 2
    assert looked.out.endswith(": without tables; `fairlead db upgrade` makes them, and so does `fairlead serve`\n")
    assert not list(tmp_path.glob("*.db"))
    upgraded = fairlead("db", "upgrade", "--config", config)
    assert (upgraded.code, upgraded.err) == (0, "")
    assert upgraded.out.endswith(f": upgraded from nothing to revision {OURS.head}\n")
    looked = fairlead("db", "current", "--config", config)
    assert (looked.code, looked.err) == (0, "")
    assert looked.out.endswith(f": at revision {OURS.head}, up to date\n")


def test_upgrading_again_is_no_error(fairlead: Fairlead, configured: Configured, database_url: str) -> None:
    ended = fairlead("db", "upgrade", "--config", configured(database_url))
    assert ended.code == 0
    assert ended.out.endswith(f": at revision {OURS.head} already\n")


@on_sqlite
def test_a_database_in_use_can_be_looked_at(
    fairlead: Fairlead, configured: Configured, database_url: str, tmp_path: Path
) -> None:
    server = sqlite3.connect(tmp_path / "fairlead.db", isolation_level=None)
    server.execute("BEGIN IMMEDIATE")
    try:
        assert fairlead("db", "current", "--config", configured(database_url)).code == 0
        assert fairlead("db", "upgrade", "--config", configured(database_url)).code == 0
    finally:
        server.close()


@pytest.mark.parametrize(
    ("statement", "looked", "refused"),
    [
        pytest.param(
            f"UPDATE {VERSION_TABLE} SET version_num = '9999'",
            "at revision 9999, newer than this Fairlead",
            "tables of revision 9999, which is newer than Fairlead",
            id="newer",
        ),
        pytest.param(
            f"DROP TABLE {VERSION_TABLE}",
            "with tables of another program: Fairlead does not touch it",
            "tables of another program; expected tables of revision",
            id="foreign",
        ),
    ],
)
@on_sqlite
def test_a_database_that_is_not_ours_to_change_is_refused(
    fairlead: Fairlead,
    configured: Configured,
    database_url: str,
    tmp_path: Path,
    statement: str,
    looked: str,
    refused: str,
) -> None:
    with sqlite3.connect(tmp_path / "fairlead.db") as connection:
        connection.execute(statement)
    connection.close()
    config = configured(database_url)
    current = fairlead("db", "current", "--config", config)
    assert (current.code, looked in current.out) == (2, True)
    upgrade = fairlead("db", "upgrade", "--config", config)
    assert (upgrade.code, upgrade.out) == (2, "")
    assert upgrade.err.startswith("error: SQLite file ") and refused in upgrade.err and upgrade.err.count("\n") == 1


@pytest.mark.parametrize("command", ["current", "upgrade"])
@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param(
            f"postgresql://u:{PASSWORD}@127.0.0.1:9/f", "error: PostgreSQL at 127.0.0.1:9/f: ", id="nobody-answers"
        ),
        pytest.param(
            f"mysql://u:{PASSWORD}@h/f", "database.url: a URL of no database that Fairlead knows", id="bad-url"
        ),
        pytest.param("sqlite:////proc/no/f.db", "error: SQLite file /proc/no/f.db: ", id="no-folder"),
    ],
)
def test_a_database_that_cannot_be_opened_is_one_line_without_its_password(
    fairlead: Fairlead, configured: Configured, command: str, url: str, said: str
) -> None:
    ended = fairlead("db", command, "--config", configured(url))
    if command == "current" and url.startswith("sqlite"):
        assert (ended.code, "without tables" in ended.out) == (2, True)
        return
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err
    assert PASSWORD not in ended.err


def test_help_needs_no_sqlalchemy(tmp_path: Path) -> None:
    code = "import sys, proxy.cli.main as m; m.run(['db', 'upgrade', '--help']); print('sqlalchemy' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert "keeping what is in them" in ended.stdout
    assert ended.stdout.endswith("False\n")
