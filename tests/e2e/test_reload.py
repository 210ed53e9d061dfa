"""Reloads of a running gateway under load: what is changed in the file, requests and streams never notice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.core.secret import Secret
from proxy.simulator.app import Simulator, simulator_app
from proxy.simulator.journal import Entry
from tests.fakes.heard import Heard
from tests.fakes.process import GatewayProcess, gateway_process
from tests.fakes.rawserver import Peer, RawServer
from tests.fakes.serving import serve
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import WireClient, chat

RELOAD_S = 3.0
# By then an attempt that was decided on before the reload has arrived, on a busy machine too.
DECIDED_S = 0.5
WATCHED_S = 1.0

CLIENTS = 20
EVERY_S = 0.1  # of each client: 200 requests a second together
STREAMS = 50
QUICK = "sim-delay-0.02"  # some requests are always on their way
PACED = "sim-rate-6-tokens-78"  # 13 seconds, longer than both reloads take

OLD_KEY, NEW_KEY, THIRD_KEY = "sk-the-old-key", "sk-the-new-key", "sk-the-third-key"
ALL = ("staying", "deleted", "disabled", "rekeyed")


def configuration(url: str, names: Iterable[str], key: str, off: str = "") -> str:
    """A file with these providers, the one called `rekeyed` with this key, and two models that use all in turn."""
    names = tuple(names)
    providers = [
        f"""
        [providers.{name}]
        kind = "openai_compatible"
        base_url = "{url}/{name}/v1"
        api_key = "{key if name == "rekeyed" else "sk-of-" + name}"
        enabled = {str(name != off).lower()}
        """
        for name in names
    ]
    models = [
        f"""
        [models.{name}]
        rotation = "round_robin"
        model = "{upstream}"
        providers = {list(names)}
        """
        for name, upstream in (("quick", QUICK), ("paced", PACED))
    ]
    return "\n".join([*providers, *models])


def replace_file(path: Path, text: str) -> None:
    """Change a file as careful editors do."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


@asynccontextmanager
async def load(url: str) -> AsyncIterator[list[Heard]]:
    """Ask 200 times a second from here on; whatever is heard is in the list."""
    heard: list[Heard] = []
    stopping = asyncio.Event()

    async def ask(start_s: float) -> None:
        async with WireClient(url) as client:
            due_s = start_s
            while not stopping.is_set():
                await asyncio.sleep(max(0.0, due_s - asyncio.get_running_loop().time()))
                heard.append(await client.ask(chat("quick")))
                due_s += EVERY_S

    async with asyncio.TaskGroup() as group:
        now_s = asyncio.get_running_loop().time()
        for number in range(CLIENTS):
            group.create_task(ask(now_s + EVERY_S * number / CLIENTS))
        yield heard
        stopping.set()


async def stream(url: str) -> Heard:
    async with WireClient(url) as client:
        return await client.ask(chat("paced", stream=True), within_s=18)


async def arrivals_after_a_reload(simulator: Simulator) -> list[Entry]:
    """What upstreams get for a while, once nothing that was decided before is on its way."""
    await asyncio.sleep(DECIDED_S)
    simulator.reset()
    await asyncio.sleep(WATCHED_S)
    return list(simulator.journal.entries)


def keys_used(arrivals: Iterable[Entry], provider: str) -> set[str]:
    return {entry.arrival.credential for entry in arrivals if entry.arrival.provider == provider}


def providers_of(arrivals: Iterable[Entry]) -> set[str]:
    return {entry.arrival.provider for entry in arrivals}


async def open_streams(gateway: GatewayProcess) -> float:
    return await gateway.metric("in_flight_requests", model="paced")


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_providers_are_deleted_disabled_and_rekeyed_under_load_without_a_failed_request(tmp_path: Path) -> None:
    simulator = simulator_app()
    async with serve(simulator) as url, gateway_process(tmp_path, configuration(url, ALL, OLD_KEY)) as gateway:
        async with asyncio.TaskGroup() as group, load(gateway.url) as heard:
            began_s = asyncio.get_running_loop().time()
            streams = [group.create_task(stream(gateway.url)) for _ in range(STREAMS)]
            before = await arrivals_after_a_reload(simulator)
            assert await open_streams(gateway) == STREAMS

            text = configuration(url, [n for n in ALL if n != "deleted"], NEW_KEY, off="disabled")
            replace_file(gateway.path, text)
            await gateway.metric_becomes("config_version", 2, within_s=RELOAD_S)
            changed = await arrivals_after_a_reload(simulator)

            gateway.path.write_text(configuration(url, ALL, THIRD_KEY))
            await gateway.metric_becomes("config_version", 3, within_s=RELOAD_S)
            restored = await arrivals_after_a_reload(simulator)
            assert await open_streams(gateway) == STREAMS
            took_s = asyncio.get_running_loop().time() - began_s
        assert await gateway.stop() == 0

    assert providers_of(before) == set(ALL)
    assert keys_used(before, "rekeyed") == {Secret(OLD_KEY).fingerprint}
    assert providers_of(changed) == {"staying", "rekeyed"}
    assert keys_used(changed, "rekeyed") == {Secret(NEW_KEY).fingerprint}
    assert providers_of(restored) == set(ALL)
    assert keys_used(restored, "rekeyed") == {Secret(THIRD_KEY).fingerprint}

    assert len(heard) >= 0.9 * took_s * CLIENTS / EVERY_S, "the load was not what it should be"
    served_by = {streamed.result().headers["x-fairlead-provider"] for streamed in streams}
    assert served_by == set(ALL)
    for answer in (*heard, *(streamed.result() for streamed in streams)):
        answer.check_whole(by=answer.headers["x-fairlead-provider"])
        assert answer.headers["x-fairlead-attempts"] == "1"
    assert "Traceback" not in gateway.err


async def test_broken_file_keeps_the_old_configuration_serving_until_it_is_mended(tmp_path: Path) -> None:
    async with serve(simulator_app()) as url:
        good = configuration(url, ALL, OLD_KEY)
        async with gateway_process(tmp_path, good) as gateway:
            gateway.path.write_text(good.replace("api_key", "api_kye") + f'\n[models.more]\nmodel = "{NEW_KEY}')
            await gateway.metric_becomes("config_reload_failed", 1, within_s=RELOAD_S)
            assert await gateway.metric("config_version") == 1
            told = (await gateway.client.get("/health")).json()["config"]
            assert (told["version"], told["problems"], len(told["rejected"])) == (1, [], 1)
            assert "text that is not TOML" in told["rejected"][0]
            async with WireClient(gateway.url) as client:
                (await client.ask(chat("quick"))).check_whole(by="staying")
            assert await settles(lambda: "version 1 stays in force" in gateway.err)
            assert "text that is not TOML" in gateway.err
            assert NEW_KEY not in gateway.err

            gateway.path.write_text(good)
            gateway.send(signal.SIGHUP)
            await gateway.metric_becomes("config_reload_failed", 0, within_s=RELOAD_S)
            assert await gateway.metric("config_version") == 2
            assert (await gateway.client.get("/health")).json()["config"]["rejected"] == []
            assert await gateway.stop() == 0
        assert "Traceback" not in gateway.err


async def test_sighup_reloads_at_once_even_what_has_not_changed(tmp_path: Path) -> None:
    """Three in less time than two looks at the file take."""
    async with serve(simulator_app()) as url, gateway_process(tmp_path, configuration(url, ALL, OLD_KEY)) as gateway:
        took_s = 0.0
        for version in (2, 3, 4):
            gateway.send(signal.SIGHUP)
            took_s += await gateway.metric_becomes("config_version", version, within_s=RELOAD_S)
        assert took_s < 2.0
        assert await gateway.metric("config_reload_failed") == 0


async def test_sighup_while_it_still_starts_ends_nothing(tmp_path: Path) -> None:
    """It has not even read its keys; the content of the file is looked at soon after the start anyway."""

    async def database(peer: Peer) -> None:
        await peer.some()
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGHUP)

    async with RawServer(database) as server:
        url = server.url.replace("http://", "postgresql://fairlead:planted@")
        text = f'[database]\nurl = "{url}/books"\n[providers.one]\nkind = "simulator"\n'
        secrets = {"FAIRLEAD_SECRET_KEYS": "0123456789abcdef0123456789abcdef"}
        async with gateway_process(tmp_path, text, secrets) as gateway:
            assert server.accepted
            assert await gateway.stop() == 0


async def test_variable_that_is_not_text_is_no_reason_to_refuse_a_reload(tmp_path: Path) -> None:
    """What a process is given, Fairlead compares with what it had before; any bytes may be in that, a secret too."""
    text = """
        [providers.local]
        kind = "openai_compatible"
        command = "sleep"
        args = ["60", "{port}"]
        pass_env = ["ODD_KEY"]
        [models.quick]
        providers = ["local"]
        """
    async with gateway_process(tmp_path, text, {"ODD_KEY": os.fsdecode(b"caf\xe9-in-latin-1")}) as gateway:
        gateway.send(signal.SIGHUP)
        await gateway.metric_becomes("config_version", 2, within_s=RELOAD_S)
        assert await gateway.metric("config_reload_failed") == 0
        assert await gateway.stop() == 0


async def test_reload_changes_the_log_level_and_how_long_a_drain_takes(tmp_path: Path) -> None:
    async with serve(simulator_app()) as url:
        text = configuration(url, ALL, OLD_KEY)
        async with gateway_process(tmp_path, text) as gateway, WireClient(gateway.url) as client:
            client.send(chat("paced", stream=True))
            gateway.path.write_text('[server]\ndrain_delay_s = 0\ndrain_s = 0.5\nlog_level = "error"\n' + text)
            gateway.send(signal.SIGHUP)
            await gateway.metric_becomes("config_version", 2, within_s=RELOAD_S)
            gateway.send(signal.SIGTERM)
            assert await gateway.ended(within_s=2.0) == 0
        assert "version 2 is in force" not in gateway.err
        assert '"event":"request"' not in gateway.err


async def test_reload_may_bring_the_first_simulated_provider(tmp_path: Path) -> None:
    async with serve(simulator_app()) as url, gateway_process(tmp_path, configuration(url, ALL, OLD_KEY)) as gateway:
        gateway.path.write_text('[providers.built-in]\nkind = "simulator"\n[models.quick]\nproviders = ["built-in"]\n')
        gateway.send(signal.SIGHUP)
        await gateway.metric_becomes("config_version", 2, within_s=RELOAD_S)
        async with WireClient(gateway.url) as client:
            (await client.ask(chat("quick"))).check_whole(by="built-in")
