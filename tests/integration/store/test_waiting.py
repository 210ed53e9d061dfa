"""What the spool holds beside the database is counted, by a reader that takes no part in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.store.database import Database
from proxy.store.spool import Spool
from proxy.store.spoolfolder import claim_folder
from proxy.store.waiting import count_waiting
from tests.fakes.ledger import load
from tests.fakes.records import closed, opened


async def test_nothing_waits_where_there_is_no_spool(database: Database, tmp_path: Path) -> None:
    assert await count_waiting(database, tmp_path) == 0


async def test_ended_requests_that_are_not_in_the_database_wait(database: Database, tmp_path: Path) -> None:
    spools = [Spool(tmp_path, claim_folder(tmp_path)) for _ in range(2)]
    try:
        for number in range(6):
            spools[number % 2].open(opened(number))
            spools[number % 2].close(closed(number))
        spools[0].open(opened(7))  # still under way
        await load(database, [closed(0), closed(1)])
        assert await count_waiting(database, tmp_path) == 4
        await load(database, [closed(number) for number in (2, 3, 4, 5)])
        assert await count_waiting(database, tmp_path) == 0
    finally:
        for spool in spools:
            spool.stop()


async def test_spool_too_large_to_look_at_is_not_counted(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.store.waiting.LARGEST_BYTES", 10)
    spool = Spool(tmp_path, claim_folder(tmp_path))
    spool.close(closed(1))
    assert await count_waiting(database, tmp_path) is None
    spool.stop()
