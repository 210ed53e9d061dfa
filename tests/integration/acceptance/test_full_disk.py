"""A gateway whose disk is full: it refuses what it could not record, ends what it began, and recovers by itself."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.process import GatewayProcess, gateway_process
from tests.fakes.served import arrivals_by_mark, mark, remembering
from tests.fakes.serving import serve
from tests.fakes.wireclient import WireClient
from tests.integration.acceptance.scene import (
    PAID_KEY,
    SECRETS,
    Books,
    Told,
    books,
    configuration,
    credentials,
    ledger,
    listen,
)

DISK = "24m"
PAGE_BYTES = 4096
FULL_WITHIN = 200  # requests: those whose records fit into what the file system had given to the spool already
ROOM_WITHIN_S = 10.0
KEYS = f'{{ name = "paid", key = "{PAID_KEY}", budget_usd_month = 1 }}'


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", folder], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(path: Path) -> None:
    """Take all the room there is."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(PAGE_BYTES)) == PAGE_BYTES:
                pass
        except OSError:
            return


async def ask(gateway: GatewayProcess, number: int, model: str = "plain") -> Told:
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": mark(number)}]}
    async with WireClient(gateway.url) as client:
        client.send(body, {**credentials(PAID_KEY), "x-fairlead-tags": mark(number)})
        return await listen(client)


async def test_full_disk_refuses_requests_ends_those_under_way_and_recovers(disk: Path, tmp_path: Path) -> None:
    simulator = remembering('[[rules]]\nmodel = "*400*"\nthen = "rate-20-tokens-60"\n')  # three seconds
    told: dict[str, Told] = {}
    environ = {**SECRETS, "FAIRLEAD_DATA_DIR": str(disk)}
    async with serve(simulator) as url:
        (tmp_path / "fairlead.toml").write_text(configuration(url, "sqlite:///fairlead.db", KEYS))
        async with gateway_process(tmp_path, environ=environ) as gateway:
            begun = asyncio.create_task(ask(gateway, 0, "slow"))
            while not simulator.journal.entries:
                await asyncio.sleep(0.01)
            fill(disk / "filler")
            for number in range(1, FULL_WITHIN):
                refused = await ask(gateway, number)
                if refused.status != 200:
                    break
                told[mark(number)] = refused
            arrived = len(simulator.journal.entries)
            for again in (refused, await ask(gateway, FULL_WITHIN)):
                assert (again.status, again.error["code"], again.retry_after) == (503, "ledger_full", "5")
            assert len(simulator.journal.entries) == arrived == len(told) + 1, "nothing is sent that is not recorded"
            assert not begun.done()
            report = (await gateway.client.get("/health")).json()
            assert (report["status"], report["ledger"]) == ("down", "refusing")
            told[mark(0)] = await begun
            assert told[mark(0)].end == "ok"
            assert (await books(gateway, "paid")).reserved_nusd == 0

            (disk / "filler").unlink()
            async with asyncio.timeout(ROOM_WITHIN_S):
                while (back := await ask(gateway, FULL_WITHIN + 1)).status == 503:
                    await asyncio.sleep(0.1)
            told[mark(FULL_WITHIN + 1)] = back
            report = (await gateway.client.get("/health")).json()
            assert (report["status"], report["database"]) == ("ok", "ok")
            paid = await books(gateway, "paid")
            assert await gateway.stop() == 0
            assert "Traceback" not in gateway.err, gateway.err
    rows = {json.loads(row.tags)[0]: row for row in await ledger(f"sqlite:///{disk}/fairlead.db", disk)}
    assert {name: row.request_id for name, row in rows.items()} == {name: got.request_id for name, got in told.items()}
    assert {row.end for row in rows.values()} == {"ok"} == {got.end for got in told.values()}
    assert paid == Books(sum(row.cost_nusd for row in rows.values()), 0)
    assert arrivals_by_mark(simulator).keys() == rows.keys()
