"""What keys have spent is known at a start: each request once, wherever it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proxy.store.database import Database, DatabaseAway
from proxy.store.loader import Loader
from proxy.store.spend import Place, read_spend
from proxy.store.spoolfolder import claim_folder
from tests.fakes.clock import StillClock
from tests.fakes.records import STARTED_S, closed, opened
from tests.fakes.spools import make_spool

DAY_S = 86_400.0
NOW_S = STARTED_S + 3600


async def test_spend_is_what_is_loaded_and_what_is_on_its_way(database: Database, tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    loader = Loader(database, spool, StillClock())
    assert await loader.spend(NOW_S) == {}
    spool.close(closed(1))
    spool.close(closed(2, started_s=STARTED_S - DAY_S))
    spool.close(closed(3, started_s=STARTED_S - 20 * DAY_S))  # in October
    spool.close(closed(4, key=""))
    spool.close(closed(5, cost_nusd=None))
    spool.close(closed(6, key="other", cost_nusd=7))
    expected = {"ci": (1_000, 2_000), "other": (7, 7)}
    assert await loader.spend(NOW_S) == expected  # all of it on its way
    assert await loader.load()
    assert await loader.spend(NOW_S) == expected  # all of it in both
    spool.close(closed(7, cost_nusd=1))
    assert await loader.spend(NOW_S) == {"ci": (1_001, 2_001), "other": (7, 7)}
    assert await loader.drain(5.0)
    assert await loader.spend(NOW_S) == {"ci": (1_001, 2_001), "other": (7, 7)}


async def test_what_has_not_ended_counts_with_its_estimate(database: Database, tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    loader = Loader(database, spool, StillClock())
    spool.open(opened(1))
    spool.open(opened(2, estimated_nusd=None))
    assert await loader.spend(NOW_S) == {"ci": (300, 300)}
    spool.close(closed(1))
    assert await loader.spend(NOW_S) == {"ci": (1_000, 1_000)}


async def test_spend_after_a_crash_is_the_same_before_and_after_it_is_loaded(
    database: Database, tmp_path: Path
) -> None:
    crashed = make_spool(tmp_path)
    for number in range(50):
        crashed.open(opened(number))
    for number in range(40):
        crashed.close(closed(number))
    assert await Loader(database, crashed, StillClock()).load()
    crashed.close(closed(40))
    crashed.folder.release()
    loader = Loader(database, make_spool(tmp_path), StillClock())
    expected = {"ci": (41 * 1_000 + 9 * 300,) * 2}
    assert await loader.spend(NOW_S) == expected
    assert await loader.load()
    assert await loader.spend(NOW_S) == expected


async def test_spend_holds_what_other_processes_have_not_loaded(database: Database, tmp_path: Path) -> None:
    living, mine, dead = make_spool(tmp_path), make_spool(tmp_path), make_spool(tmp_path)
    living.close(closed(1))
    dead.close(closed(2))
    mine.close(closed(3))
    dead.folder.release()
    loader = Loader(database, mine, StillClock())
    assert await loader.spend(NOW_S) == {"ci": (3_000, 3_000)}
    assert await loader.load()
    assert await loader.spend(NOW_S) == {"ci": (3_000, 3_000)}
    assert claim_folder(tmp_path).path == dead.folder.path


async def test_file_that_a_living_process_loads_and_deletes_while_it_is_read_counts_once(
    database: Database, tmp_path: Path
) -> None:
    living = make_spool(tmp_path)
    for number in range(2_000):  # more than are read in one go
        living.close(closed(number))
    places = [Place(living.folder.path, living.end, is_foreign=True)]
    assert await Loader(database, living, StillClock(0.0)).load()

    async def delete() -> None:
        living.folder.delete(places[0].end.number)

    spent, _ = await asyncio.gather(read_spend(database, places, NOW_S), delete())
    assert spent == {"ci": (2_000_000, 2_000_000)}


async def test_spend_is_unknown_while_the_database_is_away(tmp_path: Path) -> None:
    away = Database(f"sqlite:///{tmp_path}/gone/fairlead.db", tmp_path)
    loader = Loader(away, make_spool(tmp_path), StillClock())
    with pytest.raises(DatabaseAway):
        await loader.spend(NOW_S)
    await away.aclose()
