"""A process that is killed at any moment loses nothing that it had acknowledged."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.store.database import Database
from proxy.store.loader import Loader
from tests.fakes.clock import StillClock
from tests.fakes.loaded import is_balanced, loaded_rows
from tests.fakes.process import ROOT
from tests.fakes.spools import make_spool

STRIDE = 1_000_000  # between the first requests of two processes


async def acknowledged(data_dir: Path, first: int, lines: int, *arguments: str) -> tuple[set[str], set[str]]:
    """Let a process record until it has printed so many lines, and kill it; return what it said began and ended."""
    command = [sys.executable, "-m", "tests.fakes.spoolwriter", str(data_dir), str(first), *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    said = [await process.stdout.readline() for _ in range(lines)]
    process.kill()
    said += [line async for line in process.stdout if line.endswith(b"\n")]
    await process.wait()
    begun = {line[2:].decode().strip() for line in said if line.startswith(b"b ")}
    return begun, {line[2:].decode().strip() for line in said if line.startswith(b"e ")}


async def assert_all_is_there(database: Database, data_dir: Path, begun: set[str], ended: set[str]) -> None:
    spool = make_spool(data_dir)
    assert await Loader(database, spool, StillClock()).drain(15.0)
    spool.stop()
    ends = {row.request_id: row.end for row in await loaded_rows(database)}
    assert begun <= ends.keys()
    assert ended <= {request_id for request_id, end in ends.items() if end == "ok"}
    assert len(ends) - len(begun) <= 20 and set(ends.values()) == {"ok", "interrupted"}  # unsaid: the last of each
    assert await is_balanced(database, len(ends))


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_twenty_kills_of_a_writer_lose_nothing_and_count_nothing_twice(
    database: Database, tmp_path: Path
) -> None:
    rng = random.Random(8)
    begun: set[str] = set()
    ended: set[str] = set()
    for run in range(20):
        some, whole = await acknowledged(tmp_path, run * STRIDE, rng.randrange(1, 300))
        begun |= some
        ended |= whole
    assert ended
    await assert_all_is_there(database, tmp_path, begun, ended)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_kills_in_the_middle_of_loading_lose_nothing_and_count_nothing_twice(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    rng = random.Random(9)
    begun: set[str] = set()
    ended: set[str] = set()
    for run in range(6):
        some, whole = await acknowledged(tmp_path, run * STRIDE, rng.randrange(500, 3000), database_url)
        begun |= some
        ended |= whole
    assert len(await loaded_rows(database)) > 0
    await assert_all_is_there(database, tmp_path, begun, ended)
