"""A gateway that starts on the ledger of an earlier release: its tables are brought up to date and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.core.usage import Usage
from proxy.store.database import Database
from proxy.store.migrate import OURS
from tests.fakes.databases import databases, empty_database_url, postgres
from tests.fakes.earlier import make_earlier
from tests.fakes.process import gateway_process, run_command
from tests.fakes.records import closed, request_id
from tests.fakes.spools import make_spool
from tests.fakes.wireclient import CHAT, chat

__all__ = ["databases", "empty_database_url", "postgres"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]  # several processes are started, one after the other

SECRETS = {"FAIRLEAD_SECRET_KEYS": "0123456789abcdef0123456789abcdef"}
SIMULATED = """
[server]
drain_delay_s = 0
[providers.one]
kind = "simulator"
[prices."one/sim-ok"]
input_usd_per_mtok = 1000
output_usd_per_mtok = 1000
[models.m]
candidates = [{ provider = "one", model = "sim-ok" }]
"""
PERIOD = ("--since", "2026-11-18", "--json")


async def test_ledger_of_an_earlier_release_is_upgraded_at_the_start(empty_database_url: str, tmp_path: Path) -> None:
    config = f'{SIMULATED}\n[database]\nurl = "{empty_database_url}"\n'
    (tmp_path / "fairlead.toml").write_text(config)
    (tmp_path / "kept").mkdir()

    async def fairlead(*words: str, code: int = 0) -> str:
        ended = await run_command(tmp_path, *words, environ=SECRETS)
        assert ended.returncode == code, ended.stderr
        return ended.stdout + ended.stderr

    async def total() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await fairlead("usage", *PERIOD))["total"]
        return found

    database = Database(empty_database_url, tmp_path / "kept")
    await make_earlier(database, [closed(1, usage=Usage(100, 20, audio_input_tokens=7)), closed(2, key="team")])
    await database.aclose()
    spool = make_spool(tmp_path / "kept")  # the earlier gateway was killed, and the database did not have this yet
    spool.close(closed(3, usage=Usage(searches=5)))
    spool.folder.release()
    assert "run fairlead db upgrade" in await fairlead("usage", *PERIOD, code=2)

    async with gateway_process(tmp_path, config, SECRETS) as gateway:
        assert (await gateway.client.post(CHAT, json=chat("m"))).status_code == 200
        assert await gateway.stop() == 0
    assert f"at revision {OURS.head}, up to date" in await fairlead("db", "current")
    found = await total()
    assert (found["requests"], found["audio_input_tokens"], found["searches"]) == (4, 7, 5)
    lines = [
        json.loads(line) for line in (await fairlead("usage", "--requests", "--oldest-first", "--json")).splitlines()
    ]
    assert [line["request_id"] for line in lines[:3]] == [request_id(1), request_id(2), request_id(3)]
    assert [line["usage"]["searches"] for line in lines] == [None, None, 5, 0]
