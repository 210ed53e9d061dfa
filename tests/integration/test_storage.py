"""A gateway as a process beside its database: keys made while it runs, outages, restarts, and what it leaves behind."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from proxy.store.migrate import OURS
from tests.fakes.process import GatewayProcess, gateway_process, run_command
from tests.fakes.rawstreams import DONE
from tests.fakes.wireclient import CHAT, WireClient, chat

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]  # several processes are started in each, one after the other

WITHIN_S = 2.0  # in which a change of a key must be known everywhere
CLIENT_KEY = "client-key-0123456789"
SIMULATED = """
[server]
drain_delay_s = 0
drain_s = 2
[providers.one]
kind = "simulator"
[prices."one/sim-ok"]
input_usd_per_mtok = 1000
output_usd_per_mtok = 1000
[models.m]
candidates = [{ provider = "one", model = "sim-ok" }]
[models.slow]
candidates = [{ provider = "one", model = "sim-stall-after-2" }]
"""
GUARDED = f'{SIMULATED}\n[[auth.keys]]\nname = "ci"\nkey = "{CLIENT_KEY}"\n'
BUDGETED = f"{GUARDED}budget_usd_day = 5\n"


async def status(gateway: GatewayProcess, key: str = "", model: str = "m") -> int:
    """Ask for a short answer and return what came."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    body = chat(model, max_tokens=5)
    return (await gateway.client.post(CHAT, json=body, headers=headers)).status_code


async def becomes(ask: Callable[[], Awaitable[int]], wanted: int, since_s: float) -> None:
    """Hold that the answer is this one to whoever asks some time after a moment, and stays so."""
    asked_s = time.monotonic()
    while (found := await ask()) != wanted:
        assert asked_s - since_s < WITHIN_S, f"still {found}"
        await asyncio.sleep(0.05)
        asked_s = time.monotonic()
    assert await ask() == wanted


async def fairlead(gateway: GatewayProcess, *words: str, **environ: str) -> str:
    """Run a command beside the gateway and return the last line that it prints."""
    done = await run_command(gateway.folder, *words, environ=environ)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().rpartition("\n")[2]


async def records(folder: Path, **environ: str) -> list[dict[str, Any]]:
    """What the ledger has of each request, oldest first."""
    done = await run_command(folder, "usage", "--requests", "--json", environ=environ)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return sorted(rows, key=lambda row: str(row["request_id"]))


async def test_open_gateway_closes_with_the_first_key_and_never_opens_again(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, SIMULATED) as gateway:
        assert "FAIRLEAD_KEY" not in gateway.out
        assert await status(gateway) == 200
        key = await fairlead(gateway, "keys", "create", "first")
        made_s = time.monotonic()
        await becomes(lambda: status(gateway, key), 200, made_s)
        await becomes(lambda: status(gateway), 401, made_s)
        await fairlead(gateway, "keys", "revoke", "first")
        revoked_s = time.monotonic()
        await becomes(lambda: status(gateway, key), 401, revoked_s)
        assert await status(gateway) == 401
        assert await gateway.stop() == 0
    async with gateway_process(tmp_path, SIMULATED) as gateway:
        assert await status(gateway) == 401
        assert "nobody may call: make one with `fairlead keys create NAME`" in gateway.out
        assert await gateway.stop() == 0


async def test_a_lost_secret_is_told_where_it_costs_client_keys(tmp_path: Path) -> None:
    lost = "secret.key was not there"
    async with gateway_process(tmp_path, GUARDED) as gateway:
        key = await fairlead(gateway, "keys", "create", "team")
        await becomes(lambda: status(gateway, key), 200, time.monotonic())
        assert await gateway.stop() == 0
        assert lost not in gateway.err, "no key was stored when it was made"
        (secret,) = gateway.folder.rglob("secret.key")
    secret.unlink()
    async with gateway_process(tmp_path, GUARDED) as gateway:
        assert await status(gateway, key) == 401
        assert await status(gateway, CLIENT_KEY) == 200
        assert await gateway.stop() == 0
        (line,) = [json.loads(line) for line in gateway.err.splitlines() if lost in line]
    assert (line["level"], line["event"]) == ("ERROR", "secret_lost")
    assert "none of the 1 client keys" in line["message"]


async def test_rotated_key_is_known_at_once_and_the_old_one_ends(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, GUARDED) as gateway:
        old = await fairlead(gateway, "keys", "create", "team", "--rpm", "1000")
        await becomes(lambda: status(gateway, old), 200, time.monotonic())
        kept = await fairlead(gateway, "keys", "rotate", "team")
        rotated_s = time.monotonic()
        await becomes(lambda: status(gateway, kept), 200, rotated_s)
        assert await status(gateway, old) == 200
        new = await fairlead(gateway, "keys", "rotate", "team", "--grace", "0")
        rotated_s = time.monotonic()
        await becomes(lambda: status(gateway, new), 200, rotated_s)
        await becomes(lambda: status(gateway, old), 401, rotated_s)
        await becomes(lambda: status(gateway, kept), 401, rotated_s)
        assert await status(gateway, CLIENT_KEY) == 200
        assert await gateway.stop() == 0


async def test_key_of_a_file_that_is_reloaded_keeps_the_gateway_closed_for_good(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, SIMULATED) as gateway:
        gateway.path.write_text(GUARDED)
        gateway.send(signal.SIGHUP)
        await becomes(lambda: status(gateway), 401, time.monotonic())
        async with asyncio.timeout(WITHIN_S):
            while "version 1" not in gateway.err:  # that there was a key is in the database
                await asyncio.sleep(0.05)
        assert await gateway.stop() == 0
    async with gateway_process(tmp_path, SIMULATED) as gateway:
        assert await status(gateway) == 401
        assert await gateway.stop() == 0


@pytest.mark.parametrize(
    ("statements", "complaint"),
    [
        pytest.param(
            ["CREATE TABLE orders (id INTEGER)"],
            f"tables of another program; expected tables of revision {OURS.head}; "
            "name an empty database in database.url",
            id="foreign",
        ),
        pytest.param(
            ["CREATE TABLE fairlead_version (version_num VARCHAR)", "INSERT INTO fairlead_version VALUES ('9999')"],
            "tables of revision 9999, which is newer than Fairlead",
            id="newer",
        ),
    ],
)
async def test_database_that_is_not_ours_is_one_clear_line_and_exit_code_2(
    tmp_path: Path, statements: list[str], complaint: str
) -> None:
    (tmp_path / "fairlead.toml").write_text(SIMULATED)
    (tmp_path / "kept").mkdir()
    connection = sqlite3.connect(tmp_path / "kept" / "fairlead.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    ended = await run_command(tmp_path, "serve", "--port", "0")
    assert (ended.returncode, ended.stdout) == (2, "")
    complaints = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert len(complaints) == 1
    assert complaint in complaints[0]
    assert "Traceback" not in ended.stderr


async def test_budget_given_to_a_key_while_it_runs_knows_what_the_key_has_spent(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, GUARDED) as gateway:
        answer = await gateway.client.post(CHAT, json=chat("m"), headers={"authorization": f"Bearer {CLIENT_KEY}"})
        cost_usd = answer.headers["x-fairlead-cost-usd"]
        gateway.path.write_text(f"{GUARDED}budget_usd_day = {cost_usd}\n")
        gateway.send(signal.SIGHUP)
        await gateway.metric_becomes("config_version", 2, 5)
        await asyncio.sleep(0.3)
        refused = await gateway.client.post(
            CHAT, json=chat("m", max_tokens=1), headers={"authorization": f"Bearer {CLIENT_KEY}"}
        )
        assert refused.status_code == 429
        assert f"{cost_usd} USD are spent" in refused.json()["error"]["message"]
        assert await gateway.stop() == 0


async def test_restart_does_not_reset_what_a_key_has_spent(tmp_path: Path) -> None:
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    async with gateway_process(tmp_path, BUDGETED) as gateway:
        answer = await gateway.client.post(CHAT, json=chat("m", max_tokens=50), headers=headers)
        cost_usd = answer.headers["x-fairlead-cost-usd"]
        gateway.process.kill()
        await gateway.ended()
    async with gateway_process(tmp_path, f"{GUARDED}budget_usd_day = {cost_usd}\n") as gateway:
        refused = await gateway.client.post(CHAT, json=chat("m", max_tokens=1), headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "insufficient_quota")
        assert f"{cost_usd} USD are spent" in refused.json()["error"]["message"]
        assert await gateway.stop() == 0


async def test_last_records_are_in_the_database_when_the_gateway_has_ended(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, GUARDED) as gateway, WireClient(gateway.url) as client:
        headers = {"authorization": f"Bearer {CLIENT_KEY}"}
        client.send(chat("slow", stream=True), headers)
        await client.head()
        await client.chunk()
        answers = await asyncio.gather(*(status(gateway, CLIENT_KEY) for _ in range(20)))
        gateway.send(signal.SIGTERM)
        assert await gateway.ended() == 0
        rest = await client.reader.read()
    assert (answers, b'"error"' in rest, DONE in rest) == ([200] * 20, True, False)
    rows = await records(tmp_path)
    assert [row["end"] for row in rows] == ["truncated"] + ["ok"] * 20
    assert len({row["request_id"] for row in rows}) == 21
    assert not list(gateway.data_dir.rglob("*.spool"))


async def test_two_processes_share_a_data_folder(tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    shared = {"FAIRLEAD_DATA_DIR": str(tmp_path / "kept")}
    async with (
        gateway_process(tmp_path, GUARDED) as first,
        gateway_process(tmp_path / "second", GUARDED, shared) as second,
    ):
        key = await fairlead(first, "keys", "create", "team")
        made_s = time.monotonic()
        for gateway in (first, second):
            await becomes(lambda gateway=gateway: status(gateway, key), 200, made_s)  # type: ignore[misc]  # a default
        await asyncio.gather(*(status(gateway, CLIENT_KEY) for gateway in (first, second) for _ in range(10)))
        assert {path.name for path in (tmp_path / "kept" / "spool").iterdir()} == {"1", "2"}
        assert [await first.stop(), await second.stop()] == [0, 0]
        assert not [gateway for gateway in (first, second) if "Traceback" in gateway.err]
    rows = [row for row in await records(tmp_path) if row["key"] == "ci"]
    assert (len(rows), len({row["request_id"] for row in rows})) == (20, 20)
