"""A gateway process with priced providers, all played by one simulator, and clients that note what became of a request.

What each public model does is in `MODELS`; what it costs is in `TARIFFS`, from which the configuration is written too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from proxy.store.database import Database
from tests.fakes.heard import DONE
from tests.fakes.loaded import loaded_rows
from tests.fakes.process import GatewayProcess
from tests.fakes.served import Tariff
from tests.fakes.wireclient import WireClient

TOKEN = "admin-token-0123456789"
SECRETS = {"FAIRLEAD_SECRET_KEYS": "0123456789abcdef0123456789abcdef"}
TEAM_KEY = "team-key-0123456789"
PAID_KEY = "paid-key-0123456789"
ADMIN = {"authorization": f"Bearer {TOKEN}"}
KNOWN_WITHIN_S = 15.0

# The public model: its candidates in order of priority. What the simulator is asked for says what it does.
MODELS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "plain": (("alpha", "sim-rate-2000-tokens-23"),),
    "slow": (("gamma", "sim-delay-0.02-rate-400-tokens-31"),),
    "cached": (("beta", "sim-cached-7-tokens-9"),),
    "reasoning": (("beta", "sim-reasoning-5-tokens-11-delay-0.01"),),
    "midway": (("alpha", "sim-usage-midway-tokens-12"),),
    "untold": (("gamma", "sim-no-usage-tokens-6"),),
    "moving": (
        ("gamma", "sim-rate-limit-percent-50-tokens-7"),
        ("gamma", "sim-role-error-percent-50-tokens-8"),
        ("beta", "sim-tokens-13-delay-0.005"),
    ),
    "broken": (("alpha", "sim-cut-after-3-tokens-10"),),
    "failing": (("alpha", "sim-server-error"), ("beta", "sim-headers-cut")),
    "vectors": (("beta", "sim-delay-0.002"),),
    "held": (("beta", "sim-delay-30-tokens-40"),),
    "quick": (("beta", "sim-tokens-40"),),
}
MULTIPLIERS = {"alpha": "1", "beta": "1.37", "gamma": "0.25"}
_RATES = {
    "sim-rate-2000-tokens-23": ("3", "15", ""),
    "sim-delay-0.02-rate-400-tokens-31": ("0.15", "0.600001", "0.075"),
    "sim-cached-7-tokens-9": ("2.5", "10", "0.3125"),
    "sim-reasoning-5-tokens-11-delay-0.01": ("1.1", "4.4", "0.55"),
    "sim-usage-midway-tokens-12": ("0.333333", "0.777777", ""),
    "sim-no-usage-tokens-6": ("0.1", "0.2", ""),
    "sim-rate-limit-percent-50-tokens-7": ("0.05", "0.08", ""),
    "sim-role-error-percent-50-tokens-8": ("0.59", "0.79", ""),
    "sim-tokens-13-delay-0.005": ("75", "150", "37.5"),
    "sim-cut-after-3-tokens-10": ("1", "2", ""),
    "sim-server-error": ("1", "2", ""),
    "sim-headers-cut": ("1", "2", ""),
    "sim-delay-0.002": ("0.020001", "0", ""),
    "sim-delay-30-tokens-40": ("2", "10", ""),
    "sim-tokens-40": ("2", "10", ""),
}
TARIFFS = {
    (provider, model): Tariff(*_RATES[model], multiplier=MULTIPLIERS[provider])
    for candidates in MODELS.values()
    for provider, model in candidates
}


def configuration(simulator_url: str, database_url: str, keys: str, *, server: str = "") -> str:
    """Write the file.

    Args:
        keys: What `[auth]` has as its keys.
        server: Further lines of `[server]`.
    """
    lines = [f"[server]\ndrain_delay_s = 0\ndrain_s = 2\n{server}"]
    lines.append(f'[auth]\nadmin_token = "{TOKEN}"\nkeys = [{keys}]')
    lines.append(f'[database]\nurl = "{database_url}"\n[defaults]\ncooldowns = false\n')
    for name, multiplier in MULTIPLIERS.items():
        lines.append(f'[providers.{name}]\nkind = "openai_compatible"\nbase_url = "{simulator_url}/{name}/v1"')
        lines.append(f"cost_multiplier = {multiplier}\n")
    for name, candidates in MODELS.items():
        rows = [
            f'{{ provider = "{provider}", model = "{model}", priority = {place} }}'
            for place, (provider, model) in enumerate(candidates, 1)
        ]
        lines.append(f"[models.{name}]\ncandidates = [{', '.join(rows)}]\n")
    lines += [tariff.toml("/".join(candidate)) for candidate, tariff in TARIFFS.items()]
    return "\n".join(lines)


def credentials(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@dataclass(frozen=True, slots=True)
class Told:
    """What a client got of an answer. `is_whole`: from its status line to its end."""

    status: int = 0
    request_id: str = ""
    body: bytes = b""
    is_whole: bool = False
    cost_usd: Decimal | None = None
    retry_after: str = ""

    @property
    def end(self) -> str:
        """What the ledger must say of it, for a whole answer."""
        assert self.is_whole
        if self.status != 200:
            return "failed"
        return "ok" if DONE.encode() in self.body or b'"error"' not in self.body else "truncated"

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = json.loads(self.body)["error"]
        return error


async def listen(client: WireClient, leaves_after_chunks: int | None = None) -> Told:
    """Hear an answer to its end, to the end of the connection, or up to so many chunks of a stream."""
    told, body, chunks = Told(), b"", 0
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        status, headers = await client.head()
        cost = Decimal(headers["x-fairlead-cost-usd"]) if "x-fairlead-cost-usd" in headers else None
        told = Told(status, headers["x-fairlead-request-id"], b"", False, cost, headers.get("retry-after", ""))
        if "content-length" in headers:
            return replace(told, body=await client.body(headers), is_whole=True)
        while chunks != leaves_after_chunks:
            piece = await client.chunk()
            if not piece:
                return replace(told, body=body, is_whole=True)
            chunks, body = chunks + 1, body + piece
    return replace(told, body=body)


@dataclass(frozen=True, slots=True)
class Books:
    """What the gateway says of a key's budget of the month, in nano-dollars."""

    spent_nusd: int
    reserved_nusd: int


async def books(gateway: GatewayProcess, key: str) -> Books:
    """Ask it."""
    state = (await gateway.client.get("/admin/state", headers=ADMIN)).raise_for_status().json()
    (row,) = [row for row in state["keys"] if row["key"] == key]
    (budget,) = [budget for budget in row["budgets"] if budget["budget"] == "month"]
    return Books(nusd(Decimal(budget["spent_usd"])), nusd(Decimal(budget["reserved_usd"])))


def nusd(usd: Decimal) -> int:
    amount = usd * 10**9
    assert amount == int(amount)
    return int(amount)


async def all_loaded(gateway: GatewayProcess) -> None:
    """Wait until everything that was recorded is in the database."""
    await gateway.metric_becomes("ledger_spool_records", 0, KNOWN_WITHIN_S)


async def ledger(url: str, folder: Path) -> list[Row[tuple[object, ...]]]:
    """Every record, oldest first."""
    database = Database(url, folder)
    try:
        return await loaded_rows(database)
    finally:
        await database.aclose()
