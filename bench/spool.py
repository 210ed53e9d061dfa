"""`python -m bench.spool [--url URL]`: processor time of one request in the ledger, from its two appends to its row.

Everything of this process counts, the database's thread included; a PostgreSQL server does not.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from proxy.core.records import AttemptRecord, CloseRecord, OpenRecord
from proxy.core.snapshot import Ledger
from proxy.core.usage import Usage
from proxy.state.clock import SystemClock
from proxy.store.database import Database
from proxy.store.loader import Loader
from proxy.store.migrate import upgrade
from proxy.store.sink import open_sink
from proxy.store.spool import Spool

STARTED_S = 1_795_000_000.0
RECENT, BACKLOG = 4_000, 20_000  # what the loader finds in memory, and what it must read from files
ROUNDS = 3


def opened(number: int) -> OpenRecord:
    return OpenRecord(
        f"req_{number:032x}", STARTED_S, "chat", "gpt-4o", "ci", (), False, "openrouter", "openai/gpt-4o", 1200, 3000
    )


def closed(number: int) -> CloseRecord:
    attempt = AttemptRecord("openrouter", "openai/gpt-4o", "default", "ok", 200, 0.0012, 1.2, False)
    return CloseRecord(
        f"req_{number:032x}",
        STARTED_S,
        STARTED_S + 1.2,
        "chat",
        "gpt-4o",
        "ci",
        (),
        False,
        "ok",
        "openrouter",
        "openai/gpt-4o",
        200,
        0.12,
        [attempt],
        Usage(1200, 300),
        1_234_567,
        "catalog 2026-11-20",
        "",
    )


def per_request(began_s: float, requests: int) -> float:
    """Microseconds of processor time since then, for each request."""
    return (time.process_time() - began_s) / requests * 1e6


async def measure(url: str, folder: Path, first: int, requests: int) -> dict[str, float]:
    """Record and load requests; `first` keeps their ids apart from others."""
    database = Database(url, folder)
    await upgrade(database)
    spool = open_sink(Ledger(), folder)
    assert isinstance(spool, Spool)
    loader = Loader(database, spool, SystemClock())
    begun = [opened(number) for number in range(first, first + requests)]
    ended = [closed(number) for number in range(first, first + requests)]
    found: dict[str, float] = {}
    began_s = time.process_time()
    for record in begun:
        spool.open(record)
    found["open"] = per_request(began_s, requests)
    began_s = time.process_time()
    for end in ended:
        spool.close(end)
    found["close"] = per_request(began_s, requests)
    source = "files" if spool.recent is None else "memory"
    began_s = time.process_time()
    if not await loader.load():
        raise SystemExit("the database cannot be written")
    found[f"load from {source}"] = per_request(began_s, requests)
    await loader.drain(10.0)
    spool.stop()
    await database.aclose()
    return found


async def run(url: str) -> None:
    best: dict[str, float] = {}
    for turn in range(ROUNDS):
        for requests in (RECENT, BACKLOG):
            with tempfile.TemporaryDirectory(prefix="fairlead-spool-") as folder:
                found = await measure(url, Path(folder), (turn * 2 + (requests == BACKLOG)) * 1_000_000, requests)
            best.update({name: min(cost, best.get(name, cost)) for name, cost in found.items()})
    for name, cost in best.items():
        print(f"{name:20} {cost:6.1f} µs")


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.spool", description=__doc__)
    parser.add_argument("--url", default="sqlite:///fairlead.db", help="of a database to write to")
    asyncio.run(run(parser.parse_args(argv).url))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
