"""`fairlead usage` on a SQLite ledger: what it prints in each form, and what it refuses."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from proxy.core.records import CloseRecord
from proxy.core.usage import Usage
from proxy.store.database import Database
from proxy.store.migrate import upgrade
from proxy.store.spool import Spool
from proxy.store.spoolfolder import claim_folder
from tests.fakes.ledger import load
from tests.fakes.process import run_command
from tests.fakes.records import closed, request_id
from tests.integration.cli.conftest import Fairlead

FILE = """
[server]
data_dir = "kept"

[providers.main]
kind = "openai"
api_key = "not-a-key-of-anyone"
"""
NOVEMBER = ("--since", "2026-11", "--until", "2026-12")
FIELDS = "request_id started_at key model end usage cost_usd estimated attempts".split()

Keep = Callable[..., None]


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Make the ledger of the configuration in this folder and put requests into it."""
    (tmp_path / "fairlead.toml").write_text(FILE)
    (tmp_path / "kept").mkdir()

    async def fill(records: tuple[CloseRecord, ...]) -> None:
        database = Database("sqlite:///fairlead.db", tmp_path / "kept")
        await upgrade(database)
        await load(database, records)
        await database.aclose()

    return lambda *records: asyncio.run(fill(records))


def test_table_has_rows_a_total_and_what_the_sum_lacks(keep: Keep, fairlead: Fairlead) -> None:
    estimated = Usage(7, 3, estimated=True)
    keep(
        closed(1, cost_nusd=1_500_000_001),
        closed(2, provider="azure", cost_nusd=None),
        closed(3, provider="azure", usage=estimated, cost_nusd=2, end="client_gone"),
    )
    ended = fairlead("usage", *NOVEMBER)
    assert ended.code == 0
    lines = [line.split() for line in ended.out.splitlines()]
    assert ended.out.startswith("Usage from 2026-11-01 00:00 to 2026-12-01 00:00 (UTC)")
    assert ["openrouter", "gpt-4o", "1", "0", "0", "0", "100", "0", "0", "20", "0", "1.500000001"] in lines
    assert ["azure", "gpt-4o", "2", "1", "1", "1", "107", "0", "0", "23", "0", "0.000000002"] in lines
    assert ["total", "3", "1", "1", "1", "207", "0", "0", "43", "0", "1.500000003"] in lines
    assert "1 of 3 requests has no known price: its cost is not in the sum." in ended.out
    assert "1 of 3 requests has estimated tokens, and so an estimated cost." in ended.out


def test_nothing_is_lacking_where_nothing_is_said(keep: Keep, fairlead: Fairlead) -> None:
    keep(closed(1))
    assert "of 1 request" not in fairlead("usage", *NOVEMBER).out


def test_zone_and_filters_are_stated(keep: Keep, fairlead: Fairlead) -> None:
    keep(closed(1))
    words = ("--zone", "Europe/Berlin", "--key", "ci", "--tag", "", "--by", "day")
    assert "(Europe/Berlin), key ci, tag (none)" in fairlead("usage", *NOVEMBER, *words).out
    found = json.loads(fairlead("usage", *NOVEMBER, *words, "--json").out)
    assert (found["zone"], found["since"], found["until"]) == (
        "Europe/Berlin",
        "2026-11-01T00:00:00+01:00",
        "2026-12-01T00:00:00+01:00",
    )
    assert found["filters"] == {"provider": None, "model": None, "key": "ci", "tag": ""}


def test_tags_are_said_to_overlap(keep: Keep, fairlead: Fairlead) -> None:
    keep(closed(1, tags=("a", "b")))
    ended = fairlead("usage", *NOVEMBER, "--by", "tag")
    lines = [line.split()[:2] for line in ended.out.splitlines()]
    assert ["a", "1"] in lines
    assert ["b", "1"] in lines
    assert ["total", "1"] in lines
    assert "A request counts under each of its tags; the total counts every request once." in ended.out


def test_usual_period_is_the_last_thirty_days(keep: Keep, fairlead: Fairlead) -> None:
    now_s = datetime.now(UTC).timestamp()
    keep(
        closed(1, started_s=now_s - 60),
        closed(2, started_s=now_s - 29 * 86_400),
        closed(3, started_s=now_s - 32 * 86_400),
    )
    assert json.loads(fairlead("usage", "--json").out)["total"]["requests"] == 2


def test_empty_period_says_so(keep: Keep, fairlead: Fairlead) -> None:
    keep()
    assert "(UTC): no requests.\n" in fairlead("usage", *NOVEMBER).out
    assert fairlead("usage", "--requests").out == "No requests.\n"
    assert fairlead("usage", "--requests", "--json").out == ""


def test_json_adds_up_to_the_nano_dollar(keep: Keep, fairlead: Fairlead) -> None:
    keep(*(closed(n, key=f"k{n % 3}", cost_nusd=10**n + 1) for n in range(12)), closed(99, key="", cost_nusd=None))
    found = json.loads(fairlead("usage", *NOVEMBER, "--by", "key,model", "--json").out)
    assert found["by"] == ["key", "model"]
    assert {row["key"] for row in found["rows"]} == {"k0", "k1", "k2", None}
    total = Decimal(111_111_111_123).scaleb(-9)
    assert sum(Decimal(row["cost_usd"]) for row in found["rows"]) == Decimal(found["total"]["cost_usd"]) == total
    assert sum(row["requests"] for row in found["rows"]) == found["total"]["requests"] == 13


ODD = ["a,b", 'say "hi"', "two\nlines", "[red]x[/red]", "=cmd()", "@SUM(1)", "-1", "\x1b[2J", "naïve"]


def test_csv_is_read_back_by_any_reader_and_calculates_nothing(keep: Keep, fairlead: Fairlead) -> None:
    keep(*(closed(n, model=name, cost_nusd=10**n) for n, name in enumerate(ODD)))
    ended = fairlead("usage", *NOVEMBER, "--by", "model,day", "--csv")
    assert ended.code == 0
    rows = list(csv.DictReader(io.StringIO(ended.out, newline="")))
    assert {row["model"] for row in rows} == {
        f"'{name}" if name[0] in "=@-" else name.replace("\n", "\\n").replace("\x1b", "\\x1b") for name in ODD
    }
    assert sum(Decimal(row["cost_usd"]) for row in rows) == Decimal("0.111111111")
    assert {row["day"] for row in rows} == {"2026-11-18"}
    assert "(UTC)" in ended.err


def test_json_has_odd_names_as_they_are(keep: Keep, fairlead: Fairlead) -> None:
    keep(*(closed(n, model=name) for n, name in enumerate(ODD)))
    found = json.loads(fairlead("usage", *NOVEMBER, "--by", "model", "--json").out)
    assert sorted(row["model"] for row in found["rows"]) == sorted(ODD)


def test_table_spells_out_what_would_steer_a_terminal(keep: Keep, fairlead: Fairlead) -> None:
    keep(*(closed(n, model=name) for n, name in enumerate(ODD)))
    for words in (("--by", "model"), ("--requests",), ("--model", "\x1b[2J")):
        out = fairlead("usage", *NOVEMBER, *words).out
        assert "\\x1b[2J" in out
        assert "\x1b" not in out
    assert "two\\nlines" in fairlead("usage", *NOVEMBER).out
    assert "[red]x[/red]" in fairlead("usage", *NOVEMBER).out


@pytest.mark.parametrize(("words", "order"), [((), -1), (("--oldest-first",), 1)], ids=["newest-first", "oldest-first"])
def test_requests_are_one_json_object_a_line(
    words: tuple[str, ...], order: int, keep: Keep, fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(*(closed(number) for number in range(1100)))
    lines = [json.loads(line) for line in fairlead("usage", "--requests", "--json", *words).out.splitlines()]
    assert [line["request_id"] for line in lines] == [request_id(number) for number in range(1100)][::order]
    assert {tuple(line) for line in lines} == {tuple(FIELDS)}


def test_a_request_has_all_its_fields(keep: Keep, fairlead: Fairlead) -> None:
    usage = Usage(100, 20, 10, 5, True, 4, 3, 2, 1, None, "flex", 6)
    keep(closed(1, usage=usage, cost_nusd=123, key="", end="truncated"))
    (line,) = fairlead("usage", "--requests", "--json").out.splitlines()
    assert json.loads(line) == {
        "request_id": request_id(1),
        "started_at": "2026-11-18T11:06:40.000000Z",
        "key": None,
        "model": "gpt-4o",
        "end": "truncated",
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 120,
            "prompt_tokens_details": {
                "cached_tokens": 10,
                "cache_write_tokens": 4,
                "cache_write_1h_tokens": 3,
                "audio_tokens": 2,
            },
            "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 1},
            "searches": 6,
            "service_tier": "flex",
        },
        "cost_usd": "0.000000123",
        "estimated": True,
        "attempts": [
            {
                "provider": "openrouter",
                "model": "openai/gpt-4o",
                "credential": "default",
                "outcome": "ok",
                "status": 200,
                "began_s": 0.001,
                "ended_s": 1.0,
                "maybe_billed": False,
            }
        ],
    }


def test_every_class_is_a_column_of_its_own_where_there_is_any(keep: Keep, fairlead: Fairlead) -> None:
    keep(closed(1, usage=Usage(100, 20, 10, 5, False, 4, 3, 2, 1, searches=6)), closed(2))
    classes = {
        "prompt_tokens": 200,
        "cached_tokens": 10,
        "cache_write_tokens": 4,
        "cache_write_1h_tokens": 3,
        "audio_input_tokens": 2,
        "completion_tokens": 40,
        "reasoning_tokens": 5,
        "audio_output_tokens": 1,
        "searches": 6,
    }
    total = json.loads(fairlead("usage", *NOVEMBER, "--json").out)["total"]
    assert {name: total[name] for name in classes} == classes
    (row,) = csv.DictReader(io.StringIO(fairlead("usage", *NOVEMBER, "--csv").out, newline=""))
    assert {name: int(row[name]) for name in classes} == classes
    table = fairlead("usage", *NOVEMBER).out
    heads = [head for head in table.splitlines()[2].split("  ") if head]
    assert [head.strip() for head in heads][6:] == [
        *(name.removesuffix("_tokens").replace("_", " ") for name in classes),
        "cost USD",
    ]
    assert [*map(str, classes.values())] == table.split("total")[1].split()[4:13]


def test_what_nobody_used_takes_no_room_in_a_table(keep: Keep, fairlead: Fairlead) -> None:
    keep(closed(1, usage=Usage(100, 20, searches=6)))
    heads = fairlead("usage", *NOVEMBER).out.splitlines()[2].split()
    assert heads[-4:] == ["reasoning", "searches", "cost", "USD"]
    assert "audio" not in heads


def test_what_is_unknown_is_null_and_what_is_free_costs_nothing(keep: Keep, fairlead: Fairlead) -> None:
    keep(closed(1, usage=None, cost_nusd=None), closed(2, cost_nusd=0))
    free, unknown = (json.loads(line) for line in fairlead("usage", "--requests", "--json").out.splitlines())
    assert (unknown["usage"], unknown["cost_usd"]) == (None, None)
    assert Decimal(free["cost_usd"]) == 0
    table = fairlead("usage", "--requests").out
    assert "unknown" in table
    assert "0.000000000" in table


def test_requests_as_a_table_are_the_last_twenty(keep: Keep, fairlead: Fairlead) -> None:
    keep(*(closed(number) for number in range(30)))
    shown = [line.split()[-1] for line in fairlead("usage", "--requests").out.splitlines() if "req_" in line]
    assert shown == [request_id(number) for number in range(29, 9, -1)]
    few = fairlead("usage", "--requests", "--limit", "3", "--oldest-first", "--json").out.splitlines()
    assert [json.loads(line)["request_id"] for line in few] == [request_id(number) for number in range(3)]


def test_times_of_requests_are_those_of_the_zone(keep: Keep, fairlead: Fairlead) -> None:
    keep(closed(1))
    out = fairlead("usage", "--requests", "--zone", "Asia/Kolkata").out
    assert "times in Asia/Kolkata" in out
    assert "2026-11-18 16:36:40" in out


@pytest.mark.parametrize(
    ("words", "count"),
    [
        pytest.param(("--end", "failed"), 1, id="end"),
        pytest.param(("--key", "team"), 1, id="key"),
        pytest.param(("--provider", "azure"), 1, id="provider"),
        pytest.param(("--model", "gpt-4o"), 3, id="model"),
        pytest.param(("--tag", "a"), 1, id="tag"),
        pytest.param(("--since", "2026-11-18T11:06:40"), 3, id="since"),
        pytest.param(("--since", "2026-11-18T11:06:41"), 0, id="since-later"),
        pytest.param(("--until", "2026-11-18T11:06:40"), 0, id="until"),
    ],
)
def test_requests_are_filtered(words: tuple[str, ...], count: int, keep: Keep, fairlead: Fairlead) -> None:
    keep(closed(1, end="failed"), closed(2, key="team", tags=("a",)), closed(3, provider="azure"))
    assert len(fairlead("usage", "--requests", "--json", *words).out.splitlines()) == count


def test_what_is_not_loaded_yet_is_said_in_every_form(
    keep: Keep, tmp_path: Path, fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(closed(1))
    spool = Spool(tmp_path / "kept", claim_folder(tmp_path / "kept"))
    spool.close(closed(2))
    spool.stop()
    said = "1 request is recorded on this machine and not loaded into the database yet"
    assert said in fairlead("usage", *NOVEMBER).out
    assert said in fairlead("usage", "--requests").out
    assert said in fairlead("usage", *NOVEMBER, "--csv").err
    assert said in fairlead("usage", "--requests", "--json").err
    assert json.loads(fairlead("usage", *NOVEMBER, "--json").out)["waiting"] == 1
    monkeypatch.setattr("proxy.store.waiting.LARGEST_BYTES", 10)
    assert "Many requests are recorded on this machine" in fairlead("usage", *NOVEMBER).out
    assert json.loads(fairlead("usage", *NOVEMBER, "--json").out)["waiting"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("--json", "--csv"), "exclude each other", id="two-forms"),
        pytest.param(("--requests", "--by", "key"), "--requests goes with neither", id="requests-by"),
        pytest.param(("--requests", "--csv"), "--requests goes with neither", id="requests-csv"),
        pytest.param(("--end", "ok"), "need --requests", id="end-alone"),
        pytest.param(("--limit", "3"), "need --requests", id="limit-alone"),
        pytest.param(("--by", "kye"), "provider, model, upstream_model, key, tag, day", id="unknown-dimension"),
        pytest.param(("--by", "key,key"), "different ones", id="twice-the-same"),
        pytest.param(("--by", "key,model,day"), "one or two", id="three"),
        pytest.param(("--by", ""), "one or two", id="none"),
        pytest.param(("--since", "soon"), "'soon' is no moment", id="no-moment"),
        pytest.param(("--since", "2026-12", "--until", "2026-11"), "--until must be later", id="backwards"),
        pytest.param(
            ("--requests", "--since", "2026-12", "--until", "2026-11"), "--until must be later", id="requests-backwards"
        ),
        pytest.param(
            ("--requests", "--end", "finished"), "ok, truncated, client_gone, failed, interrupted", id="no-end"
        ),
        pytest.param(("--zone", "Moon"), "no time zone 'Moon'", id="no-zone"),
        pytest.param(("--zone", "Asia/Kolkata"), "whole number of hours", id="zone-of-half-hours"),
    ],
)
def test_wrong_words_are_refused_in_a_line(words: tuple[str, ...], said: str, keep: Keep, fairlead: Fairlead) -> None:
    keep()
    ended = fairlead("usage", *words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1


def test_without_a_database_the_command_to_run_is_named(tmp_path: Path, fairlead: Fairlead) -> None:
    (tmp_path / "fairlead.toml").write_text(FILE)
    for words in ((), ("--requests", "--json")):
        ended = fairlead("usage", *words)
        assert (ended.code, ended.out) == (2, "")
        assert "run fairlead db upgrade" in ended.err
    assert not (tmp_path / "kept" / "fairlead.db").exists()


def test_wrong_configuration_is_refused(tmp_path: Path, fairlead: Fairlead) -> None:
    (tmp_path / "fairlead.toml").write_text("[server]\nprot = 1\n")
    assert fairlead("usage").code == 2


async def test_process_reads_beside_one_that_writes(tmp_path: Path, keep: Keep) -> None:
    await asyncio.to_thread(keep, closed(1), closed(2))
    writer = sqlite3.connect(tmp_path / "kept" / "fairlead.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM hours")
    writer.execute("DELETE FROM days")
    try:
        report = await run_command(tmp_path, "usage", "--json", *NOVEMBER)
        lines = await run_command(tmp_path, "usage", "--requests", "--json")
    finally:
        writer.close()
    assert (report.returncode, report.stderr) == (0, "")
    assert json.loads(report.stdout)["total"]["requests"] == 2
    assert len(lines.stdout.splitlines()) == 2
