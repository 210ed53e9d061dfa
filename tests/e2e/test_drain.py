"""How a gateway ends: what signals do, what becomes of requests under way, and what is there after a restart."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.simulator.app import simulator_app
from tests.fakes.heard import DONE, Heard
from tests.fakes.process import GatewayProcess, gateway_process
from tests.fakes.serving import serve
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import WireClient, ask, chat

TERM, INT, KILL = signal.SIGTERM, signal.SIGINT, signal.SIGKILL
AT_ONCE_S = 0.3
SLACK_S = 1.0  # for a busy machine

BEHAVIOURS = {
    "plain": "sim-ok",
    "short-stream": "sim-rate-10-tokens-12",
    "long-stream": "sim-rate-10-tokens-300",
    "soon": "sim-delay-1.2",
    "late": "sim-delay-30",
    "torrent": "sim-huge-50",
}
TOKEN = "admin-token-0123456789"


def configuration(delay_s: float, drain_s: float) -> str:
    models = "".join(f'[models.{name}]\nmodel = "{model}"\nproviders = ["sim"]\n' for name, model in BEHAVIOURS.items())
    return f"""
    [server]
    drain_delay_s = {delay_s}
    drain_s = {drain_s}
    [providers.sim]
    kind = "simulator"
    {models}
    """


async def under_way(gateway: GatewayProcess, count: int) -> None:
    """Wait until so many requests are in flight, each with an attempt that was sent."""
    end_s = time.monotonic() + 5
    while sum([await gateway.metric("in_flight_requests", model=model) for model in BEHAVIOURS]) != count:
        assert time.monotonic() < end_s
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)


def lines(gateway: GatewayProcess) -> dict[str, dict[str, Any]]:
    """What the log says of each model's request."""
    records = [json.loads(line) for line in gateway.err.splitlines()]
    return {line["gen_ai.request.model"]: line for line in records if line.get("event") == "request"}


def life(gateway: GatewayProcess) -> list[tuple[str, int | None]]:
    """What the log says of the process itself, with how many requests were under way."""
    records = [json.loads(line) for line in gateway.err.splitlines()]
    told = [line for line in records if line.get("event") in ("ready", "draining", "drain_over", "stopped")]
    return [(line["event"], line.get("fairlead.in_flight")) for line in told]


def check_shut_down(heard: Heard) -> None:
    """Hold that a stream was ended by the gateway, and does not claim to be whole."""
    assert heard.status == 200
    assert DONE not in heard.events
    assert heard.chunks[-1].keys() == {"error"}
    assert heard.chunks[-1]["error"]["code"] == "overloaded"
    assert "shutting down" in heard.chunks[-1]["error"]["message"]


async def test_sigterm_is_unready_at_once_accepts_for_the_delay_and_then_closes(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, configuration(1.0, 2.5)) as gateway, WireClient(gateway.url) as idle:
        (await idle.ask(chat("plain"))).check_whole(by="sim")
        holding = asyncio.create_task(ask(gateway.url, chat("long-stream", stream=True)))
        await under_way(gateway, 1)
        gateway.send(TERM)
        signalled_s = time.monotonic()
        while (await gateway.client.get("/readyz")).status_code != 503:
            assert time.monotonic() < signalled_s + AT_ONCE_S
        assert (await gateway.client.get("/livez")).status_code == 200
        while time.monotonic() < signalled_s + 0.7:
            (await ask(gateway.url, chat("plain"))).check_whole(by="sim")
        assert await idle.reader.read() == b""  # until it is closed
        assert 0.9 < time.monotonic() - signalled_s < 1.0 + SLACK_S
        with pytest.raises(ConnectionRefusedError):
            await ask(gateway.url, chat("plain"))
        assert gateway.process.poll() is None
        check_shut_down(await holding)
        assert await gateway.ended() == 0
        assert 2.4 < time.monotonic() - signalled_s < 2.5 + SLACK_S


async def test_requests_under_way_end_whole_in_time_or_are_told_at_the_end_of_the_drain(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, configuration(0, 2)) as gateway:
        asked = {
            name: asyncio.create_task(ask(gateway.url, chat(name, stream=name.endswith("stream"))))
            for name in ("short-stream", "long-stream", "soon", "late")
        }
        await under_way(gateway, 4)
        gateway.send(TERM)
        heard = dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))
        assert await gateway.ended(within_s=SLACK_S) == 0

    heard["short-stream"].check_whole(by="sim")
    heard["soon"].check_whole(by="sim")
    check_shut_down(heard["long-stream"])
    assert heard["long-stream"].text
    assert heard["late"].status == 503
    assert heard["late"].error["code"] == "overloaded"
    assert heard["late"].retry_after_s == 1
    ends = {model: line["fairlead.end"] for model, line in lines(gateway).items()}
    assert ends == {"short-stream": "ok", "soon": "ok", "long-stream": "truncated", "late": "failed"}
    assert life(gateway) == [("ready", None), ("draining", 4), ("drain_over", 2), ("stopped", None)]
    assert "Traceback" not in gateway.err


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(TERM, TERM, id="terminated"),
        pytest.param(INT, INT, id="ctrl-c"),
        pytest.param(TERM, INT, id="mixed"),
    ],
)
async def test_second_signal_ends_at_once_and_says_so_to_every_client(
    tmp_path: Path, first: signal.Signals, second: signal.Signals
) -> None:
    async with gateway_process(tmp_path, configuration(20, 60)) as gateway, WireClient(gateway.url) as deaf:
        streaming = asyncio.create_task(ask(gateway.url, chat("long-stream", stream=True)))
        waiting = asyncio.create_task(ask(gateway.url, chat("late")))
        deaf.send(chat("torrent", stream=True))  # its answer is never read
        await under_way(gateway, 3)
        gateway.send(first)
        await asyncio.sleep(AT_ONCE_S)
        assert gateway.process.poll() is None
        gateway.send(second)
        assert await gateway.ended(within_s=0.5 + SLACK_S) == 0
        check_shut_down(await streaming)
        assert (await waiting).status == 503
    assert "Traceback" not in gateway.err


async def test_ctrl_c_skips_the_delay(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, configuration(30, 60)) as gateway:
        asked = asyncio.create_task(ask(gateway.url, chat("soon")))
        await under_way(gateway, 1)
        gateway.send(INT)
        (await asked).check_whole(by="sim")
        assert await gateway.ended(within_s=SLACK_S) == 0
    assert "Traceback" not in gateway.err


# Kept over a restart.

KEPT = f"""
[auth]
admin_token = "{TOKEN}"
[providers.limited]
kind = "simulator"
[providers.second]
kind = "simulator"
[providers.third]
kind = "simulator"
[models.long]
candidates = [
  {{ provider = "limited", model = "sim-429-retry-after-120" }},
  {{ provider = "second", model = "sim-ok" }},
  {{ provider = "third", model = "sim-ok" }},
]
[models.short]
candidates = [
  {{ provider = "limited", model = "sim-429-retry-after-30" }},
  {{ provider = "second", model = "sim-ok" }},
]
"""
ADMIN = {"authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("end", [pytest.param(TERM, id="drained"), pytest.param(KILL, id="killed")])
async def test_long_cooldowns_pointers_and_operator_disables_survive_a_restart(
    tmp_path: Path, end: signal.Signals
) -> None:
    async with gateway_process(tmp_path, KEPT.replace("[auth]", "[server]\ndrain_delay_s = 0\n[auth]")) as gateway:
        for model in ("long", "short"):
            assert (await ask(gateway.url, chat(model))).trail == "limited=rate_limited;second=ok"
        async with httpx.AsyncClient(base_url=gateway.url, headers=ADMIN) as admin:
            (await admin.post("/admin/state/disable", json={"provider": "third"})).raise_for_status()
        kept = gateway.data_dir / "state.json"
        assert await settles(lambda: kept.exists() and b'"third"' in kept.read_bytes(), 3)
        assert kept.stat().st_mode & 0o077 == 0
        gateway.send(end)
        assert await gateway.ended() == (0 if end is TERM else -KILL)

    async with gateway_process(tmp_path, KEPT, headers=ADMIN) as gateway:
        explained = (await gateway.client.get("/admin/explain", params={"model": "long"})).json()
        assert [row["provider"] for row in explained["candidates"]] == ["second"]
        left_out = {row["provider"]: row for row in explained["omitted"]}
        assert left_out["limited"]["reason"] == "set_aside"
        assert 100 < left_out["limited"]["seconds_left"] <= 123
        assert left_out["third"]["reason"] == "operator_disabled"
        state = (await gateway.client.get("/admin/state")).json()
        (rotation,) = [row for row in state["rotation"] if row["model"] == "long"]
        assert rotation["pointer"]["provider"] == "second"
        assert (await ask(gateway.url, chat("long"))).trail == "second=ok"
        # What was set aside for less than a minute is not worth keeping; the pointer has moved all the same.
        explained = (await gateway.client.get("/admin/explain", params={"model": "short"})).json()
        assert [row["provider"] for row in explained["candidates"]] == ["second", "limited"]
        assert explained["omitted"] == []


def _limited(base_url: str, key: str) -> str:
    """A provider whose limits are its account's, and a second."""
    return f"""
        [auth]
        admin_token = "{TOKEN}"
        [providers.limited]
        kind = "groq"
        base_url = "{base_url}"
        api_key = "{key}"
        [providers.second]
        kind = "simulator"
        [models.long]
        candidates = [
          {{ provider = "limited", model = "sim-429-retry-after-120" }},
          {{ provider = "second", model = "sim-ok" }},
        ]
        """


@pytest.mark.parametrize(
    ("place", "key", "order"),
    [
        pytest.param("limited", "sk-the-first-key", ["second"], id="nothing"),
        pytest.param("moved", "sk-the-first-key", ["second", "limited"], id="address"),
        pytest.param("limited", "sk-another-key", ["second", "limited"], id="key"),
    ],
)
async def test_cooldown_ends_with_what_is_changed_while_the_gateway_is_down(
    tmp_path: Path, place: str, key: str, order: list[str]
) -> None:
    async with serve(simulator_app()) as url:
        async with gateway_process(tmp_path, _limited(f"{url}/limited/v1", "sk-the-first-key")) as gateway:
            assert (await ask(gateway.url, chat("long"))).trail == "limited=rate_limited;second=ok"
            assert await gateway.stop() == 0
        async with gateway_process(tmp_path, _limited(f"{url}/{place}/v1", key), headers=ADMIN) as gateway:
            explained = (await gateway.client.get("/admin/explain", params={"model": "long"})).json()
            assert [row["provider"] for row in explained["candidates"]] == order


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"{", id="cut"),
        pytest.param(b"[1]", id="not-an-object"),
        pytest.param(b"\xff\xfe", id="not-text"),
        pytest.param(b"[" * 100_000, id="too-deep"),
    ],
)
async def test_broken_state_does_not_stop_the_start(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "state.json").write_bytes(content)
    async with gateway_process(tmp_path, KEPT) as gateway:
        assert (await ask(gateway.url, chat("long"))).trail == "limited=rate_limited;second=ok"
        assert await gateway.stop() == 0
    assert (folder / "state.json.broken").read_bytes() == content
    assert gateway.err.count("the state starts empty") == 1
    assert "Traceback" not in gateway.err
    assert json.loads((folder / "state.json").read_bytes())["asides"]


async def test_state_of_another_shape_is_taken_row_by_row(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    kept = {"version": 99, "disabled": ["second", 5, "gone"], "asides": [{"what": "is this"}], "pointers": "none"}
    (folder / "state.json").write_text(json.dumps(kept))
    async with gateway_process(tmp_path, KEPT) as gateway:
        assert (await ask(gateway.url, chat("long"))).trail == "limited=rate_limited;third=ok"
        assert await gateway.stop() == 0
    assert sorted(os.listdir(folder)) == ["fairlead.db", "secret.key", "spool", "state.json"]
    assert "Traceback" not in gateway.err
