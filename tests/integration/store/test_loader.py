"""From the spool to a real database: each request once, whatever happened before."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.core.usage import Usage
from proxy.store.database import Database
from proxy.store.loader import ADOPT_EVERY_S, Loader
from proxy.store.spool import Spool, SpoolOptions
from proxy.store.spoolfolder import claim_folder, file_path
from proxy.store.spoolmemory import SpoolMemory
from proxy.store.spoolrecord import write_close
from tests.fakes.clock import StillClock
from tests.fakes.loaded import is_balanced, loaded_ids, loaded_rows
from tests.fakes.records import COST_NUSD, STARTED_S, closed, opened, request_id
from tests.fakes.spools import SMALL, longest_file, make_spool, spooled

MANY = SpoolOptions(reserve_bytes=4096, file_bytes=2048, recent=10)


@dataclass(slots=True)
class Ledger:
    """A run of the gateway, as far as the ledger sees it."""

    spool: Spool
    loader: Loader
    clock: StillClock

    def serve(self, *numbers: int) -> None:
        for number in numbers:
            self.spool.open(opened(number))
            self.spool.close(closed(number))

    def die(self) -> None:
        """Let go of what a process holds, and no more."""
        self.spool.folder.release()


def begin(database: Database, data_dir: Path, options: SpoolOptions = SMALL) -> Ledger:
    spool, clock = make_spool(data_dir, options), StillClock()
    return Ledger(spool, Loader(database, spool, clock), clock)


def ids(*numbers: int) -> list[str]:
    return [request_id(number) for number in numbers]


def has_recent(spool: Spool, count: int) -> bool:
    return spool.recent is not None and len(spool.recent) == count


async def test_each_request_is_in_the_database_once_with_its_sums(database: Database, tmp_path: Path) -> None:
    run = begin(database, tmp_path)
    run.serve(1, 2, 3)
    assert run.loader.backlog == 3
    assert await run.loader.load() and run.loader.backlog == 0
    run.serve(4)
    assert await run.loader.load() and await run.loader.load()
    assert await loaded_ids(database) == ids(1, 2, 3, 4)
    assert await is_balanced(database, 4)


async def test_requests_of_many_hours_keys_and_ends_balance(database: Database, tmp_path: Path) -> None:
    run = begin(database, tmp_path)
    for number in range(300):
        started_s = STARTED_S + number * 1800
        run.spool.close(
            closed(
                number,
                started_s=started_s,
                key=f"key-{number % 7}",
                tags=("b", "a") if number % 3 else (),
                end="ok" if number % 2 else "failed",
                usage=Usage(number, 1, estimated=number % 5 == 0) if number % 11 else None,
                cost_nusd=number if number % 11 else None,
            )
        )
    assert await run.loader.load()
    assert await is_balanced(database, 300)


async def test_a_backlog_is_read_from_many_files_which_then_go(database: Database, tmp_path: Path) -> None:
    run = begin(database, tmp_path, MANY)
    run.serve(*range(500))
    assert run.spool.recent is None and len(run.spool.folder.numbers()) > 50
    assert await run.loader.load()
    assert await is_balanced(database, 500)
    assert run.loader.backlog == 0 and len(run.spool.folder.numbers()) <= 2
    run.serve(*range(500, 505))
    assert has_recent(run.spool, 5)  # it has caught up
    assert await run.loader.load() and await is_balanced(database, 505)
    assert run.spool.folder.numbers() == [run.spool.end.number]


async def test_requests_that_come_too_fast_in_between_are_all_loaded(database: Database, tmp_path: Path) -> None:
    run = begin(database, tmp_path, MANY)
    number = 0
    for count in (3, 20, 1, 10, 11, 0, 50, 2):
        run.serve(*range(number, number + count))
        number += count
        assert await run.loader.load()
    assert await is_balanced(database, number)


async def test_what_is_loaded_twice_is_counted_once(database: Database, tmp_path: Path) -> None:
    run = begin(database, tmp_path)
    run.serve(1, 2, 3)
    run.spool.close(closed(2, cost_nusd=7))
    assert await run.loader.load()
    run.die()  # before any file was let go
    again = begin(database, tmp_path)
    again.serve(4)
    assert await again.loader.load()
    assert await loaded_ids(database) == ids(1, 2, 3, 4)
    assert await is_balanced(database, 4)
    assert (await loaded_rows(database))[1].cost_nusd == COST_NUSD  # the first of two ends
    assert min(again.spool.folder.numbers()) == again.spool.first


async def test_a_request_that_was_never_ended_is_interrupted_with_its_estimate(
    database: Database, tmp_path: Path
) -> None:
    run = begin(database, tmp_path)
    run.spool.open(opened(1))
    run.serve(2)
    run.spool.close(closed(3, started_s=STARTED_S + 30))
    assert await run.loader.load()
    assert await loaded_ids(database) == [*ids(2), request_id(3, STARTED_S + 30)]
    run.die()
    again = begin(database, tmp_path)
    assert again.loader.backlog > 0
    assert await again.loader.load() and again.loader.backlog == 0
    first, *_ = await loaded_rows(database)
    assert (first.request_id, first.end, first.estimated, first.prompt_tokens) == (
        request_id(1),
        "interrupted",
        True,
        100,
    )
    assert (first.cost_nusd, first.ended_us) == (300, int((STARTED_S + 31) * 1e6))
    assert await is_balanced(database, 3)


async def test_a_long_stream_outlives_the_file_it_began_in(database: Database, tmp_path: Path) -> None:
    run = begin(database, tmp_path, MANY)
    run.spool.open(opened(1000))
    run.spool.open(opened(1001))
    run.serve(*range(200))
    assert await run.loader.load() and await run.loader.load()
    assert run.spool.folder.numbers() == [run.spool.end.number]
    run.spool.close(closed(1000))
    run.serve(*range(200, 300))
    assert await run.loader.load()
    run.die()
    again = begin(database, tmp_path)
    assert await again.loader.load()
    rows = {row.request_id: row.end for row in await loaded_rows(database)}
    assert rows[request_id(1000)] == "ok" and rows[request_id(1001)] == "interrupted"
    assert await is_balanced(database, 302)


async def test_a_file_is_turned_over_now_and_then_so_that_little_is_loaded_again(
    database: Database, tmp_path: Path
) -> None:
    run = begin(database, tmp_path)
    run.serve(1)
    assert await run.loader.load() and await run.loader.load()
    before = run.spool.end.number
    run.serve(2)
    assert await run.loader.load() and run.spool.end.number == before
    run.clock.now_s += 60
    assert await run.loader.load() and run.spool.end == (before + 1, 0)
    assert await run.loader.load() and run.spool.folder.numbers() == [before + 1]


async def test_everything_is_loaded_at_the_end_and_no_file_stays(database: Database, tmp_path: Path) -> None:
    run = begin(database, tmp_path)
    run.serve(1, 2)
    assert await run.loader.drain(5.0)
    run.spool.stop()
    assert run.spool.folder.numbers() == [] and await is_balanced(database, 2)


async def test_two_processes_of_one_data_directory_lose_nothing(database: Database, tmp_path: Path) -> None:
    old, new = begin(database, tmp_path), begin(database, tmp_path)
    assert old.spool.folder.path != new.spool.folder.path
    old.serve(1, 2)
    old.spool.open(opened(3))
    new.serve(4)
    assert await new.loader.load()
    assert await loaded_ids(database) == ids(4)  # the other one lives
    old.die()
    new.clock.now_s += ADOPT_EVERY_S
    assert await new.loader.load()
    assert await loaded_ids(database) == ids(1, 2, 3, 4) and await is_balanced(database, 4)
    assert old.spool.folder.numbers() == []
    third = claim_folder(tmp_path)
    assert third.path == old.spool.folder.path  # free again


async def test_damage_costs_its_own_record_and_no_other(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = begin(database, tmp_path)
    run.serve(*range(10))
    run.die()
    path = file_path(run.spool.folder.path, 1)
    content = bytearray(path.read_bytes())
    at = bytes(content).index(write_close(closed(4)))
    content[at + 30] ^= 0xFF
    path.write_bytes(content + b"\xc1\xfftorn")
    again = begin(database, tmp_path)
    assert await again.loader.load()
    ends = {row.request_id: row.end for row in await loaded_rows(database)}
    assert sorted(ends) == ids(*range(10))
    assert [name for name, end in ends.items() if end != "ok"] == ids(4)  # that it began is known
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


async def test_what_a_client_made_of_a_name_keeps_nothing_from_being_loaded(database: Database, tmp_path: Path) -> None:
    run = begin(database, tmp_path)
    run.serve(1)
    run.spool.close(closed(2, model="m" * 100_000, error="e\0" * 100, tags=("t\0",)))
    run.spool.close(closed(3, usage=Usage(2**70, 2**63), cost_nusd=2**64))
    run.serve(4)
    assert await run.loader.load()
    assert await loaded_ids(database) == ids(1, 2, 3, 4) and await is_balanced(database, 4)
    run.die()
    again = begin(database, tmp_path)
    assert await again.loader.load() and await is_balanced(database, 4)


async def test_half_a_character_keeps_nothing_from_being_loaded(database: Database) -> None:
    kept = SpoolMemory()
    loader = Loader(database, kept, StillClock())
    kept.close(closed(1, model="x\ud800", upstream_model="\udc80"))
    kept.close(closed(2))
    assert await loader.load() and loader.backlog == 0
    assert await loaded_ids(database) == ids(1, 2) and await is_balanced(database, 2)


class Unfit(str):
    """A name that nothing can be done with."""

    def replace(self, *_: object) -> str:
        raise ValueError


async def test_what_nothing_makes_fit_waits_and_never_ends_the_loading(tmp_path: Path) -> None:
    database, kept = Database("sqlite:///never-migrated.db", tmp_path), SpoolMemory()
    loader = Loader(database, kept, StillClock())
    kept.close(closed(1, model=Unfit("x")))
    assert not await loader.load() and not await loader.load()
    assert loader.backlog == 1
    await database.aclose()


async def test_names_that_no_index_has_room_for_are_cut(database: Database, tmp_path: Path) -> None:
    rng = random.Random(3)
    long = ["".join(chr(rng.randrange(0x20000, 0x2A000)) for _ in range(256)) for _ in range(3)]
    run = begin(database, tmp_path)
    run.serve(1)
    tags = (long[2][:200], long[2][51:199])  # as many bytes as are kept
    run.spool.close(closed(2, model=long[0], upstream_model=long[1], key=long[2][:128], provider="p" * 128, tags=tags))
    for _ in range(2):
        loaded = await run.loader.load()
    assert loaded and await loaded_ids(database) == ids(1, 2) and await is_balanced(database, 2)


async def test_name_of_a_key_is_never_cut_since_what_it_spent_is_found_by_it(
    database: Database, tmp_path: Path
) -> None:
    run, name = begin(database, tmp_path), "ключ" * 32  # as long as a name may be, in twice as many bytes
    run.spool.close(closed(1, key=name))
    run.spool.close(closed(2, key="other", usage=Usage(2**70), cost_nusd=None))  # for which the whole batch is refused
    assert await run.loader.load()
    assert await run.loader.spend(STARTED_S) == {name: (1_000, 1_000)}
    run.die()
    assert await begin(database, tmp_path).loader.spend(STARTED_S) == {name: (1_000, 1_000)}


async def test_records_in_memory_alone_are_loaded_too(database: Database) -> None:
    spool = SpoolMemory(longest=3)
    loader = Loader(database, spool, StillClock())
    for number in range(4):
        spool.open(opened(number))
        spool.close(closed(number))
    assert (loader.backlog, loader.dropped) == (3, 1)
    assert await loader.drain(5.0)
    assert (loader.backlog, loader.dropped) == (0, 1)
    assert await is_balanced(database, 3)
    assert await loader.spend(STARTED_S) == {"ci": (3_000, 3_000)}
    spool.stop()


async def test_what_is_not_written_yet_is_loaded_from_memory(database: Database, tmp_path: Path) -> None:
    run = begin(database, tmp_path, SpoolOptions(reserve_bytes=2**62))  # full from the start
    run.spool.close(closed(1))
    assert await run.loader.load() and await is_balanced(database, 1)
    assert spooled(run.spool.folder.path)[1] in (ids(1), [])


async def test_a_backlog_that_no_disk_has_room_for_is_loaded_from_memory(database: Database, tmp_path: Path) -> None:
    """The disk became full while the database was away for more requests than are held in memory twice."""
    run = begin(database, tmp_path, SpoolOptions("drop", reserve_bytes=4096, recent=10))
    with longest_file(4096):
        run.serve(*range(300))
    assert run.spool.is_full and run.spool.recent is None
    assert 0 < len(spooled(run.spool.folder.path)[1]) < 300
    assert await run.loader.load() and await is_balanced(database, 300)
    assert (run.loader.backlog, run.spool.dropped) == (0, 0)
    with longest_file(4096):
        run.serve(*range(300, 305))
    assert await run.loader.load() and await is_balanced(database, 305)
    assert run.loader.backlog == 0
    run.serve(305)  # there is room again
    assert await run.loader.load() and await is_balanced(database, 306)
    assert run.loader.backlog == 0
