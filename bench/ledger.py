"""`python -m bench.ledger`: how quickly a full ledger answers; exit 1 if a report misses its bar.

Fills a SQLite database of its own, asks it for reports and for pages, loads some more, and writes the table into
`bench/README.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from bench.ledger_rows import Month, fill, records
from bench.report import machine
from proxy.state.clock import SystemClock
from proxy.store.database import Database
from proxy.store.loader import Loader
from proxy.store.migrate import upgrade
from proxy.store.period import make_period
from proxy.store.report import Dimension, Question, read_report
from proxy.store.requests import Search, read_page
from proxy.store.spoolmemory import SpoolMemory
from proxy.store.tables import DAYS, HOURS

ROOT = Path(__file__).parents[1]
README = ROOT / "bench" / "README.md"
BEGIN, END = "<!-- ledger:begin -->", "<!-- ledger:end -->"
FIRST_DAY = datetime(2026, 10, 1, tzinfo=UTC)
REPORT_BAR_MS = 200.0
ROUNDS = 5
PAGE = 100
LOADED = 50_000
REPORTS = ("provider,model", "key", "key,model", "model,tag", "day,provider", "key,day")
SEARCHES = {"": Search(), " of one key": Search(key="team-100"), " with a rare end": Search(end="failed")}
PLACES = {"the newest": 1.0, "in the middle": 0.5, "near the oldest": 0.001}
CONFIGURATION = '[providers.vendor]\nkind = "openai"\napi_key = "not-a-key-of-anyone"\n'


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: the best of the rounds, of time passed and of this process's processor time."""

    work: str
    result: float
    cpu: float | None = None
    unit: str = "ms"
    bar: float | None = None

    @property
    def missed(self) -> bool:
        return self.bar is not None and self.result > self.bar

    def __str__(self) -> str:
        cpu = "" if self.cpu is None else f"{self.cpu:.1f} {self.unit}"
        bar = "" if self.bar is None else f"≤ {self.bar:g}"
        verdict = "" if self.bar is None else "**missed**" if self.missed else "bar met"
        return f"| {self.work} | {self.result:.1f} {self.unit} | {cpu} | {bar} | {verdict} |"


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench.ledger", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="requests in the ledger")
    parser.add_argument("--keys", type=int, default=200, help="client keys that they come from")
    parser.add_argument("--models", type=int, default=20, help="models that they ask for")
    parser.add_argument("--even", action="store_true", help="all keys and models alike: the most sums")
    parser.add_argument("--dry", action="store_true", help="leave bench/README.md as it is")
    return parser.parse_args(argv)


async def measure(folder: Path, month: Month) -> tuple[list[Row], str]:
    """Fill a database and ask it; return the figures and the table of them."""
    database = Database("sqlite:///fairlead.db", folder)
    try:
        await upgrade(database)
        await asyncio.to_thread(fill, folder / "fairlead.db", month)
        counts = await _counts(database)
        rows = [*await _reports(database, month), *await _pages(database, month), _command(folder, month)]
        rows.append(await _loading(database, month))
        return rows, table(rows, month, counts)
    finally:
        await database.aclose()


async def _reports(database: Database, month: Month) -> list[Row]:
    since = datetime.fromtimestamp(month.since_h * 3600, UTC)
    period = make_period(since, since + timedelta(days=month.days), UTC)
    rows = []
    for by in REPORTS:
        question = Question(period, tuple(map(Dimension, by.split(","))))
        passed, cpu = await _timed(partial(read_report, database, question))
        rows.append(Row(f"report of {month.days} days by {by.replace(',', ' and ')}", passed, cpu, bar=REPORT_BAR_MS))
    return rows


async def _pages(database: Database, month: Month) -> list[Row]:
    since_ms, span_ms = month.since_h * 3_600_000, month.days * 86_400_000
    rows = []
    for name, search in SEARCHES.items():
        for place, part in PLACES.items():
            after = f"req_{since_ms + round(span_ms * part):012x}"
            passed, cpu = await _timed(partial(read_page, database, search, after, PAGE))
            rows.append(Row(f"page of {PAGE} requests{name}, {place}", passed, cpu))
    return rows


def _command(folder: Path, month: Month) -> Row:
    """The whole command as a process, start-up included."""
    (folder / "fairlead.toml").write_text(CONFIGURATION, encoding="utf-8")
    since, until = (f"{FIRST_DAY + timedelta(days=days):%Y-%m-%d}" for days in (0, month.days))
    command = [sys.executable, "-m", "proxy", "usage", "--since", since, "--until", until, "--json"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "FAIRLEAD_DATA_DIR": str(folder)}
    environ["PYTHONPATH"] = str(ROOT)
    times = []
    for _ in range(ROUNDS):
        began_s = time.perf_counter()
        subprocess.run(command, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - began_s) * 1000)
    return Row("`fairlead usage --json`, from start to end of its process", min(times))


async def _loading(database: Database, month: Month) -> Row:
    """What the loader costs for a request, in a database that is full already."""
    spool = SpoolMemory()
    for record in records(replace(month, rows=LOADED, since_h=month.since_h + 24 * month.days, days=1, seed=2)):
        spool.close(record)
    loader = Loader(database, spool, SystemClock())
    began_s, cpu_s = time.perf_counter(), time.process_time()
    if not await loader.load():
        raise SystemExit("the records could not be loaded")
    passed_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    return Row(f"loading {LOADED:,} requests of one day, for each", passed_s / LOADED * 1e6, cpu_s / LOADED * 1e6, "µs")


async def _timed(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Milliseconds passed, and of processor time; the best round: other work on the machine is not in it."""
    times = []
    for _ in range(ROUNDS):
        began_s, cpu_s = time.perf_counter(), time.process_time()
        await work()
        times.append(((time.perf_counter() - began_s) * 1000, (time.process_time() - cpu_s) * 1000))
    return min(passed for passed, _ in times), min(cpu for _, cpu in times)


async def _counts(database: Database) -> str:
    async with database.read() as connection:
        counts = (select(func.count()).select_from(table) for table in (HOURS, DAYS))
        found = [(await connection.execute(count)).scalar_one() for count in counts]
    return f"{found[0]:,} rows of sums by hour, {found[1]:,} by day"


def table(rows: Sequence[Row], month: Month, counts: str) -> str:
    """The Markdown table of a run."""
    spread = "all alike" if month.is_even else "some far busier than others"
    about = f"{month.rows:,} requests in {month.days} days, {month.keys} keys and {month.models} models, {spread}"
    lines = [
        machine(),
        "",
        f"{about}: {counts}.",
        "",
        "| work | time | processor | bar | verdict |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(str, rows)])


def write(text: str) -> None:
    """Put the table between its marks in the page."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    args = parse(argv)
    since_h = int(FIRST_DAY.timestamp()) // 3600
    month = Month(args.rows, since_h, keys=args.keys, models=args.models, is_even=args.even)
    with tempfile.TemporaryDirectory(prefix="fairlead-ledger-") as folder:
        rows, text = asyncio.run(measure(Path(folder), month))
    print(text)
    if not args.dry:
        write(text)
    return 1 if any(row.missed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
