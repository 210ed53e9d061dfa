"""A gateway whose database is away when it starts, and what becomes of keys, budgets and records when it is back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes.databases import Databases
from tests.fakes.postgres import PostgresServer
from tests.fakes.process import GatewayProcess, gateway_process, run_command
from tests.fakes.tools import require_module
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import CHAT, chat
from tests.integration.test_storage import CLIENT_KEY, GUARDED, SIMULATED, records, status

BACK_S = 12.0
RING = "a-secret-of-the-tests-0123456789"
BUDGET_KEY = "budget-key-0123456789"
BUDGETED = f'{GUARDED}[[auth.keys]]\nname = "paid"\nkey = "{BUDGET_KEY}"\nbudget_usd_month = 5\n'


@pytest.fixture
async def away(databases: Databases, stoppable_postgres: PostgresServer, tmp_path: Path) -> dict[str, str]:
    """The environment of a gateway whose PostgreSQL, empty, has just been stopped."""
    url = await databases.make("postgres", tmp_path, migrated=False)
    await asyncio.to_thread(stoppable_postgres.stop)
    return {"DATABASE_URL": url, "FAIRLEAD_SECRET_KEYS": RING}


def on_postgres(toml: str) -> str:
    return f'[database]\nurl = "${{DATABASE_URL}}"\n{toml}'


async def health(gateway: GatewayProcess) -> tuple[str, str, str]:
    report = (await gateway.client.get("/health")).json()
    return report["status"], report["database"], report["ledger"]


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_gateway_serves_without_its_database_and_catches_up(
    away: dict[str, str], stoppable_postgres: PostgresServer, tmp_path: Path
) -> None:
    async with gateway_process(tmp_path, on_postgres(BUDGETED), away) as gateway:
        assert await status(gateway, CLIENT_KEY) == 200
        paid = {"authorization": f"Bearer {BUDGET_KEY}"}
        refused = await gateway.client.post(CHAT, json=chat("m", max_tokens=5), headers=paid)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert refused.json()["error"]["code"] == "budget_unknown"
        await asyncio.sleep(6)  # it has tried again
        assert gateway.err.count("the database is away") == 1
        assert (await gateway.client.get("/readyz")).status_code == 200
        assert await gateway.metric("ledger_spool_records") == 1
        assert await health(gateway) == ("ok", "away", "behind")
        await asyncio.to_thread(stoppable_postgres.start)
        assert await settles(lambda: "the database is back" in gateway.err, BACK_S)
        assert await status(gateway, BUDGET_KEY) == 200
        await gateway.metric_becomes("ledger_spool_records", 0, 5)
        assert await health(gateway) == ("ok", "ok", "ok")
        made = await run_command(tmp_path, "keys", "create", "team", environ=away)
        assert made.returncode == 0, made.stderr
        await asyncio.sleep(2)
        assert await status(gateway, made.stdout.strip()) == 200
        assert await gateway.stop() == 0
        assert gateway.err.count("the database is away") == 1
        assert "Traceback" not in gateway.err
    assert [row["key"] for row in await records(tmp_path, **away)] == ["ci", "paid", "team"]


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_gateway_that_is_open_where_there_are_no_keys_is_closed_until_that_is_known(
    away: dict[str, str], stoppable_postgres: PostgresServer, tmp_path: Path
) -> None:
    async with gateway_process(tmp_path, on_postgres(SIMULATED), away) as gateway:
        assert await status(gateway) == 401
        await asyncio.to_thread(stoppable_postgres.start)
        assert await settles(lambda: "the database is back" in gateway.err, BACK_S)
        assert await status(gateway) == 200
        assert await gateway.stop() == 0


async def test_postgres_without_a_secret_for_keys_is_one_clear_line_and_exit_code_2(
    away: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "fairlead.toml").write_text(on_postgres(SIMULATED))
    ended = await run_command(tmp_path, "serve", "--port", "0", environ={"DATABASE_URL": away["DATABASE_URL"]})
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith("error: FAIRLEAD_SECRET_KEYS: nothing; expected a secret")
    assert "openssl rand -hex 32" in ended.stderr


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_database_that_turns_out_to_be_another_programs_is_said_once_and_left_alone(
    databases: Databases, stoppable_postgres: PostgresServer, tmp_path: Path
) -> None:
    url = await databases.make("postgres", tmp_path, migrated=False)
    connection = await require_module("asyncpg").connect(url)
    await connection.execute("CREATE TABLE orders (id INTEGER)")
    await connection.close()
    await asyncio.to_thread(stoppable_postgres.stop)
    environ = {"DATABASE_URL": url, "FAIRLEAD_SECRET_KEYS": RING}
    async with gateway_process(tmp_path, on_postgres(GUARDED), environ) as gateway:
        assert await status(gateway, CLIENT_KEY) == 200
        await asyncio.to_thread(stoppable_postgres.start)
        assert await settles(lambda: "tables of another program" in gateway.err, BACK_S)
        await asyncio.sleep(5.5)
        assert gateway.err.count("tables of another program") == 1
        assert await status(gateway, CLIENT_KEY) == 200
        assert await gateway.stop() == 0
        assert "Traceback" not in gateway.err
