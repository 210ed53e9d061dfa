"""`python -m tests.fakes.spoolwriter DATA_DIR FIRST [URL]`: a process that records requests until it is killed.

Prints `b ID` once the beginning of a request is recorded and `e ID` once its end is: what was printed must never be
lost. With the URL of a database it loads what it records as it goes.
"""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

from proxy.store.spool import Spool, SpoolOptions
from proxy.store.spoolfolder import claim_folder
from tests.fakes.records import closed, opened, request_id

IN_FLIGHT = 5
OPTIONS = SpoolOptions(file_bytes=20_000, reserve_bytes=4096, fsync_s=0.01, recent=200)


def record(spool: Spool, number: int) -> None:
    """Begin a request, and end the one that was begun `IN_FLIGHT` before."""
    spool.open(opened(number))
    os.write(1, f"b {request_id(number)}\n".encode())
    if number % 1_000_000 >= IN_FLIGHT:
        spool.close(closed(number - IN_FLIGHT))
        os.write(1, f"e {request_id(number - IN_FLIGHT)}\n".encode())


async def record_and_load(spool: Spool, first: int, url: str) -> None:
    from proxy.state.clock import SystemClock
    from proxy.store.database import Database
    from proxy.store.loader import Loader

    spool.start(asyncio.get_running_loop().call_soon_threadsafe)
    loader = Loader(Database(url, spool.data_dir), spool, SystemClock())
    loading = asyncio.create_task(loader.load())
    for number in count(first):
        record(spool, number)
        if number % 20 == 0:
            await asyncio.sleep(0.001)
        if loading.done():
            assert await loading
            loading = asyncio.create_task(loader.load())


def main() -> None:
    data_dir, first = Path(sys.argv[1]), int(sys.argv[2])
    spool = Spool(data_dir, claim_folder(data_dir), OPTIONS)
    if len(sys.argv) > 3:
        asyncio.run(record_and_load(spool, first, sys.argv[3]))
    for number in count(first):
        record(spool, number)


if __name__ == "__main__":
    main()
