"""`fairlead keys` from the words to the database, in this process and as one of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proxy.core.clientkey import is_well_formed
from proxy.core.secret import Secret
from proxy.core.snapshot import Auth
from proxy.edge.key_lookup import Refusal, find
from proxy.store.database import Database
from proxy.store.keys import KeyStore
from tests.fakes.databases import database_url, databases, postgres
from tests.fakes.planted import check_absent
from tests.fakes.process import run_command, run_script
from tests.integration.cli.conftest import Ended, Fairlead

__all__ = ["database_url", "databases", "postgres"]

FILE_KEY = "planted-secret-0123456789"
RING = "planted-ring-secret-0123456789"
FILE = f"""
[[auth.keys]]
name = "of-the-file"
key = "{FILE_KEY}"
[providers.main]
kind = "openai"
api_key = "{FILE_KEY}"
"""


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fairlead: Fairlead) -> Path:
    """The data folder of the commands, which is not there yet."""
    monkeypatch.setenv("FAIRLEAD_DATA_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept"


def new_key(ended: Ended) -> str:
    """The key that a command printed: alone on stdout."""
    assert ended.code == 0, ended.err
    key = ended.out.removesuffix("\n")
    assert is_well_formed(key)
    assert key not in ended.err
    return key


def found(kept: Path, *presented: str, after: timedelta = timedelta()) -> list[str]:
    """What a server would say of keys: a name, or why not."""

    async def load() -> Auth:
        database = Database("sqlite:///fairlead.db", kept)
        stored = (await KeyStore(database).load()).stored
        await database.aclose()
        return Auth("keys", stored=stored, pepper=Secret((kept / "secret.key").read_text().strip()))

    auth, wall_s = asyncio.run(load()), (datetime.now(UTC) + after).timestamp()
    answers = [find(auth, key.encode(), wall_s) for key in presented]
    return [answer.value if isinstance(answer, Refusal) else answer.name for answer in answers]


def listed(fairlead: Fairlead) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(fairlead("keys", "list", "--json").out)
    return rows


def test_a_key_is_printed_once_and_works(fairlead: Fairlead, kept: Path) -> None:
    ended = fairlead("keys", "create", "ci")
    key = new_key(ended)
    assert "shown this once" in ended.err
    assert found(kept, key, key[:-1], FILE_KEY) == ["ci", "malformed", "unknown"]
    assert key not in fairlead("keys", "list").out + fairlead("keys", "list", "--json").out


def test_a_fresh_file_is_made_for_this_user_alone(fairlead: Fairlead, kept: Path) -> None:
    assert listed(fairlead) == []
    new_key(fairlead("keys", "create", "ci"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (kept, *kept.iterdir())}
    assert modes == {"kept": 0o700, "fairlead.db": 0o600, "secret.key": 0o600}


def test_every_option_of_a_key_is_kept_and_listed(fairlead: Fairlead, kept: Path) -> None:
    words = "--model gpt* --model qwen --provider azure-* --tag a --tag b --rpm 60 --tpm 1000 --parallel 3".split()
    words += "--budget-usd-day 0.5 --budget-usd-month 12 --allow-unpriced --expires 2999-12-31".split()
    made = json.loads(fairlead("keys", "create", "ci", *words, "--owner", "team a", "--json").out)
    (row,) = listed(fairlead)
    assert is_well_formed(made.pop("key"))
    assert made == row
    assert (row["models"], row["providers"], row["tags"], row["owner"]) == (
        ["gpt*", "qwen"],
        ["azure-*"],
        ["a", "b"],
        "team a",
    )
    assert row["limits"] == {
        "rpm": 60,
        "tpm": 1000,
        "parallel": 3,
        "budget_usd_day": "0.50",
        "budget_usd_month": "12.00",
        "allow_unpriced": True,
    }
    assert row["expires_at"] == "2999-12-31T00:00:00Z"
    (line,) = [line for line in fairlead("keys", "list").out.splitlines() if line.lstrip().startswith("ci ")]
    assert "60 rpm, 1000 tpm, 3 at once, 0.50 USD a day, 12.00 USD a month, unpriced models too" in line


def test_every_command_names_the_database_that_it_worked_on(fairlead: Fairlead, kept: Path) -> None:
    commands = [("create", "ci"), ("rotate", "ci"), ("list",), ("revoke", "ci")]
    where = f"in SQLite file {kept}/fairlead.db"
    assert [command for command in commands if where not in fairlead("keys", *command).err] == []


@pytest.mark.parametrize(
    ("written", "within_s"),
    [
        pytest.param("90d", 90 * 86_400, id="days"),
        pytest.param("12h", 12 * 3600, id="hours"),
        pytest.param("2w", 14 * 86_400, id="weeks"),
    ],
)
def test_an_expiry_may_be_told_as_a_time_from_now(written: str, within_s: int, fairlead: Fairlead, kept: Path) -> None:
    key = new_key(fairlead("keys", "create", "ci", "--expires", written))
    late = timedelta(seconds=within_s + 1)
    assert found(kept, key, after=late - timedelta(seconds=60)) == ["ci"]
    assert found(kept, key, after=late) == ["expired"]


def test_an_expiry_far_beyond_all_dates_is_the_last_one_that_can_be_shown(fairlead: Fairlead, kept: Path) -> None:
    assert fairlead("keys", "create", "ci", "--expires", "999999999w").code == 2
    assert listed(fairlead) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--rpm", "0"], "fairlead keys create: rpm: 0; expected at least 1", id="limit"),
        pytest.param(["--budget-usd-day", "much"], "budget_usd_day: a string; expected a number", id="no-amount"),
        pytest.param(["--budget-usd-day", "0.0000000001"], "at most 9 digits after the point", id="below-nano"),
        pytest.param(["--model", "a\nb"], "models[0]: a string that does not fit", id="two-lines"),
        pytest.param(["--expires", "soon"], "expires_at: a string; expected a date and time", id="no-date"),
        pytest.param(["--expires", "90"], "a time from now such as 90d", id="a-bare-number"),
        pytest.param(["--expires", "2020-01-01"], "a time that is still to come", id="past"),
        pytest.param(["--expires", "9999-12-31T23:59:59Z"], "before the year 10000", id="the-last-second"),
        pytest.param(["--rpm", "many"], "--rpm", id="no-number"),
    ],
)
def test_wrong_options_end_with_2_and_make_nothing(words: list[str], said: str, fairlead: Fairlead, kept: Path) -> None:
    ended = fairlead("keys", "create", "ci", *words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert not kept.exists()


def test_a_name_that_is_too_long_or_empty_is_refused(fairlead: Fairlead, kept: Path) -> None:
    assert "name: " in fairlead("keys", "create", "x" * 129).err
    assert "name: " in fairlead("keys", "create", "").err
    assert not kept.exists()


def test_a_name_is_taken_once(fairlead: Fairlead, kept: Path) -> None:
    new_key(fairlead("keys", "create", "ci"))
    ended = fairlead("keys", "create", "ci")
    assert (ended.code, ended.out) == (2, "")
    assert "fairlead keys rotate" in ended.err


def test_names_of_the_file_are_the_files(fairlead: Fairlead, kept: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(FILE)
    for command in ("create", "rotate", "revoke"):
        ended = fairlead("keys", command, "of-the-file", "--config", path)
        assert (ended.code, ended.out) == (2, "")
        assert "the configuration has a client key of this name" in ended.err
    ended = fairlead("keys", "list", "--config", path)
    assert (ended.code, ended.err.splitlines()[1:]) == (0, ["The configuration has others: of-the-file."])


def test_rotation_keeps_the_old_key_for_a_day(fairlead: Fairlead, kept: Path) -> None:
    old = new_key(fairlead("keys", "create", "ci"))
    ended = fairlead("keys", "rotate", "ci")
    young = new_key(ended)
    assert "The old one works until " in ended.err
    assert found(kept, old, young) == ["ci", "ci"]
    assert found(kept, old, young, after=timedelta(hours=23, minutes=59)) == ["ci", "ci"]
    assert found(kept, old, young, after=timedelta(hours=24)) == ["expired", "ci"]


@pytest.mark.parametrize(("grace", "minutes"), [("30m", 30), ("1h", 60), ("90s", 1.5)])
def test_a_grace_may_be_chosen(grace: str, minutes: float, fairlead: Fairlead, kept: Path) -> None:
    old = new_key(fairlead("keys", "create", "ci"))
    made = json.loads(fairlead("keys", "rotate", "ci", "--grace", grace, "--json").out)
    assert found(kept, made["key"]) == ["ci"]
    ends, begins = (datetime.fromisoformat(made[name]) for name in ("old_ends_at", "created_at"))
    assert ends - begins == timedelta(minutes=minutes)
    assert found(kept, old, after=timedelta(minutes=minutes)) == ["expired"]


def test_without_a_grace_the_old_key_ends_at_once(fairlead: Fairlead, kept: Path) -> None:
    old = new_key(fairlead("keys", "create", "ci"))
    ended = fairlead("keys", "rotate", "ci", "--grace", "0")
    assert found(kept, old, new_key(ended)) == ["expired", "ci"]
    assert "The old one has ended." in ended.err


@pytest.mark.parametrize("grace", ["soon", "-1h", "24", "1.5h", "", "99999999d", "4000000d"])
def test_a_grace_that_is_no_time_is_refused(grace: str, fairlead: Fairlead, kept: Path) -> None:
    old = new_key(fairlead("keys", "create", "ci"))
    ended = fairlead("keys", "rotate", "ci", f"--grace={grace}")
    assert (ended.code, ended.out) == (2, "")
    assert "--grace: expected a time such as 30m" in ended.err
    assert found(kept, old) == ["ci"]
    assert fairlead("keys", "list").code == 0


def test_a_revoked_key_is_refused_and_stays_on_the_list(fairlead: Fairlead, kept: Path) -> None:
    key = new_key(fairlead("keys", "create", "ci"))
    ended = fairlead("keys", "revoke", "ci")
    assert (ended.code, ended.out) == (0, "")
    assert "within 2 seconds" in ended.err
    assert found(kept, key) == ["revoked"]
    assert listed(fairlead)[0]["revoked_at"] is not None
    again = fairlead("keys", "revoke", "ci")
    assert (again.code, "revoked before" in again.err) == (0, True)
    assert fairlead("keys", "rotate", "ci").code == 2


def test_a_name_that_nobody_has_is_refused_with_the_nearest_and_not_repeated(fairlead: Fairlead, kept: Path) -> None:
    assert "there is none yet" in fairlead("keys", "revoke", "ci").err
    key = new_key(fairlead("keys", "create", "build-server"))
    ended = fairlead("keys", "revoke", "build-servr")
    assert (ended.code, 'did you mean "build-server"?' in ended.err) == (2, True)
    for command in ("revoke", "rotate"):
        pasted = fairlead("keys", command, key)
        assert (pasted.code, "choose one of: build-server" in pasted.err) == (2, True)
        assert key not in pasted.err + pasted.out


def test_tables_that_are_behind_are_not_touched_and_the_command_is_named(fairlead: Fairlead, kept: Path) -> None:
    kept.mkdir()
    with sqlite3.connect(kept / "fairlead.db") as connection:
        connection.execute("CREATE TABLE notes (note TEXT)")
    connection.close()
    for words in (["create", "ci"], ["list"], ["revoke", "ci"], ["rotate", "ci"]):
        ended = fairlead("keys", *words)
        assert (ended.code, ended.out) == (2, "")
        assert "tables of another program" in ended.err
    with sqlite3.connect(kept / "fairlead.db") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]
    connection.close()


def test_a_folder_that_cannot_be_written_is_refused(
    fairlead: Fairlead, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FAIRLEAD_DATA_DIR", str(tmp_path / "file" / "kept"))
    (tmp_path / "fairlead.toml").write_text(FILE)
    ended = fairlead("keys", "create", "ci")
    assert (ended.code, ended.out) == (2, "")
    assert "server.data_dir" in ended.err


def test_the_commands_work_on_both_databases(
    fairlead: Fairlead, database_url: str, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fairlead.toml").write_text(f'{FILE}\n[database]\nurl = "{database_url}"\n')
    if database_url.startswith("postgres"):
        ended = fairlead("keys", "create", "ci")
        assert (ended.code, ended.out) == (2, "")
        assert "set FAIRLEAD_SECRET_KEYS" in ended.err
        assert listed(fairlead) == []  # what makes no key needs no secret
    monkeypatch.setenv("FAIRLEAD_SECRET_KEYS", RING)
    first = new_key(fairlead("keys", "create", "ci", "--rpm", "5"))
    second = new_key(fairlead("keys", "rotate", "ci"))
    assert fairlead("keys", "revoke", "ci").code == 0
    (row,) = listed(fairlead)
    assert [secret["hint"] for secret in row["secrets"]] == [second[:9], first[:9]]
    assert row["revoked_at"] is not None
    assert not (kept / "secret.key").exists()


def test_a_database_that_is_away_is_refused_with_what_to_do(fairlead: Fairlead, kept: Path, tmp_path: Path) -> None:
    text = f'{FILE}\n[database]\nurl = "postgresql://user:{FILE_KEY}@127.0.0.1:9/fairlead"\n'
    (tmp_path / "fairlead.toml").write_text(text)
    ended = fairlead("keys", "list")
    assert (ended.code, ended.out) == (2, "")
    assert "check that it runs" in ended.err
    assert FILE_KEY not in ended.err


def test_nothing_that_is_printed_or_kept_holds_a_key_a_hash_or_a_secret(fairlead: Fairlead, kept: Path) -> None:
    keys = [new_key(fairlead("keys", "create", "ci")), new_key(fairlead("keys", "rotate", "ci"))]
    with sqlite3.connect(kept / "fairlead.db") as connection:
        hashes = [row[0] for row in connection.execute("SELECT hmac FROM key_secrets")]
    connection.close()
    secret = (kept / "secret.key").read_text().strip()
    told = [
        fairlead(*debug, "keys", *words)
        for debug in ([], ["--debug"])
        for words in (
            ["list"],
            ["list", "--json"],
            ["create", "ci"],
            ["revoke", "nobody"],
            ["rotate", keys[0]],
            ["revoke", "ci"],
            ["rotate", "ci"],
        )
    ]
    assert (len(hashes), len(secret)) == (2, 64)
    check_absent([ended.out + ended.err for ended in told], [*keys, *hashes, secret])
    database = "".join(path.read_bytes().decode("latin-1") for path in kept.glob("fairlead.db*"))
    check_absent([database], [*keys, secret])
    assert all(kept_hash in database for kept_hash in hashes)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_processes_work_side_by_side_and_a_key_can_be_piped(tmp_path: Path) -> None:
    """Each makes the file, the tables and the secret if it is the first; none undoes what another did."""
    made = await asyncio.gather(*(run_command(tmp_path, "keys", "create", name) for name in ("a", "b", "a", "b")))
    assert sorted(ended.returncode for ended in made) == [0, 0, 2, 2]
    keys = [ended.stdout.removesuffix("\n") for ended in made if ended.returncode == 0]
    assert all(map(is_well_formed, keys))
    assert {ended.stdout for ended in made if ended.returncode == 2} == {""}
    assert set(os.listdir(tmp_path / "kept")) == {"fairlead.db", "secret.key"}
    assert sorted(await asyncio.to_thread(found, tmp_path / "kept", *keys)) == ["a", "b"]


def test_help_of_the_commands_needs_no_database(tmp_path: Path) -> None:
    script = (
        "import sys; from proxy.cli.main import run; code = run(['keys', 'create', '--help']);"
        "heavy = {'sqlalchemy', 'alembic', 'starlette', 'proxy.store'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    ended = run_script(script, tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "--budget-usd-month" in ended.stdout
