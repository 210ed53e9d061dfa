"""DESIGN.md section 3, "Operators": what they see of the traffic, and what their hand on the state does to it."""

from __future__ import annotations

import threading
from typing import Any, SupportsIndex

import pytest
from prometheus_client import Metric
from prometheus_client.registry import Collector

from tests.fakes.clock import ShiftedClock
from tests.fakes.gateway import RunningGateway
from tests.integration.contracts.scene import Witness, ask, model, providers, refused, said, scene

TOKEN = "admin-token-0123456789"
OPERATED = f'[auth]\nmode = "none"\nadmin_token = "{TOKEN}"\n'
TWO = OPERATED + providers("a", "b") + model("a", "b", more='aliases = ["also"]')
LIMITED = refused(429, "slow down", b"Retry-After: 600")


async def steer(gateway: RunningGateway, action: str, **change: object) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {TOKEN}"}
    answer = await gateway.client.post(f"/admin/state/{action}", json=change, headers=headers)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def health(gateway: RunningGateway) -> dict[str, Any]:
    answer = await gateway.client.get("/health")
    assert answer.status_code == 200
    report: dict[str, Any] = answer.json()
    return report


async def trail(gateway: RunningGateway) -> str:
    return (await ask(gateway)).trail


CLEARED = [
    pytest.param({}, True, id="all"),
    pytest.param({"provider": "a"}, True, id="provider"),
    pytest.param({"model": "m"}, True, id="model"),
    pytest.param({"model": "also"}, True, id="alias"),
    pytest.param({"credential": "key-1"}, True, id="credential"),
    pytest.param({"provider": "b"}, False, id="another-provider"),
]


@pytest.mark.parametrize(("change", "ended"), CLEARED)
async def test_clear_brings_the_traffic_back(change: dict[str, object], ended: bool) -> None:
    async with scene(TWO, a=Witness(LIMITED, said()), b=Witness(said())) as gateway:
        assert await trail(gateway) == "a=rate_limited;b=ok"
        assert await trail(gateway) == "b=ok"
        assert (await steer(gateway, "clear", **change))["cleared"] == int(ended)
        assert await trail(gateway) == ("a=ok" if ended else "b=ok")


async def test_clear_closes_an_open_breaker() -> None:
    broken = refused(500)
    async with scene(TWO, a=Witness(broken, broken, broken, said()), b=Witness(said())) as gateway:
        trails = [await trail(gateway) for _ in range(4)]
        assert gateway.metric("breaker_state", provider="a", model="up") == 2
        await steer(gateway, "clear")
        assert gateway.metric("breaker_state", provider="a", model="up") == 0
        trails.append(await trail(gateway))
    assert trails == [*["a=server_error;b=ok"] * 3, "b=ok", "a=ok"]


async def test_disabled_provider_gets_nothing_until_it_is_enabled() -> None:
    a, b = Witness(said()), Witness(said())
    async with scene(TWO, a=a, b=b) as gateway:
        await steer(gateway, "disable", provider="a")
        assert await trail(gateway) == "b=ok"
        await steer(gateway, "disable", provider="b")
        heard = await ask(gateway)
        report = await health(gateway)
        await steer(gateway, "enable", provider="a")
        assert await trail(gateway) == "a=ok"
    assert (heard.status, heard.error["code"], heard.retry_after_s) == (503, "no_upstream_available", 1)
    assert (a.calls, b.calls) == (1, 1)
    assert report["status"] == "down"
    assert {row["status"] for row in report["providers"].values()} == {"disabled"}


async def test_health_tells_each_providers_state_and_readiness_does_not_depend_on_it() -> None:
    clock = ShiftedClock()
    toml = (
        OPERATED
        + providers("a", "b", "c")
        + '[providers.d]\nkind = "openai_compatible"\nbase_url = "@a"\nenabled = false\n'
    )
    toml = toml.replace("[providers.b]", '[providers.b]\napi_keys = ["one", "two"]').replace(
        'api_key = "sk-of-b"\n', ""
    )
    answers = {"a": LIMITED, "b": LIMITED, "c": said()}
    a, b, c = (Witness(answer) for answer in answers.values())
    b.answers = [LIMITED, refused(500)]
    async with scene(toml + model("a", "b", "c"), clock=clock, a=a, b=b, c=c) as gateway:
        fresh = await health(gateway)
        await ask(gateway)
        report = await health(gateway)
        up = {name: gateway.metric("provider_up", provider=name) for name in "abcd"}
        clock.advance(700)
        later = await health(gateway)
        ready = await gateway.client.get("/readyz")
    statuses = [[page["providers"][name]["status"] for name in "abcd"] for page in (fresh, report, later)]
    assert statuses == [
        ["ok", "ok", "ok", "disabled"],
        ["down", "degraded", "ok", "disabled"],
        ["ok", "ok", "ok", "disabled"],
    ]
    assert up == {"a": 0, "b": 1, "c": 1, "d": 0}
    (aside,) = report["providers"]["a"]["set_aside"]
    assert (aside["scope"], aside["reason"], aside["credential"], aside["model"]) == (
        "credential_model",
        "rate_limited",
        "key-1",
        "up",
    )
    assert 590 < aside["seconds_left"] <= 602
    assert (ready.status_code, ready.text) == (200, "ok\n")
    assert "sk-of" not in str(report)


async def test_everything_down_is_still_ready_and_alive() -> None:
    async with scene(TWO, a=Witness(LIMITED), b=Witness(LIMITED)) as gateway:
        assert (await ask(gateway)).status == 429
        assert (await health(gateway))["status"] == "down"
        answers = [(await gateway.client.get(path)).status_code for path in ("/readyz", "/livez")]
    assert answers == [200, 200]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health", "/metrics", "/v1/models"])
async def test_pages_may_be_read_and_nothing_else(path: str, method: str) -> None:
    async with scene(TWO, a=Witness(), b=Witness()) as gateway:
        read = await gateway.client.request(method, path)
        written = await gateway.client.post(path, json={})
    assert read.status_code == 200
    assert bool(read.content) == (method == "GET")
    assert (written.status_code, written.json()["error"]["code"]) == (405, "method_not_allowed")
    assert "GET" in written.headers["allow"]


class Meaning(str):
    """The text of a series that knows which threads wrote it."""

    writers: list[int]

    def replace(self, old: str, new: str, count: SupportsIndex = -1, /) -> str:
        self.writers.append(threading.get_ident())
        return super().replace(old, new, count)


class Watched(Collector):
    def __init__(self) -> None:
        self.collectors: list[int] = []
        self.writers: list[int] = []

    def collect(self) -> list[Metric]:
        self.collectors.append(threading.get_ident())
        meaning = Meaning("Watched.")
        meaning.writers = self.writers
        return [Metric("watched", meaning, "gauge")]


async def test_the_metrics_page_is_written_beside_the_event_loop() -> None:
    watched = Watched()
    async with scene(TWO, a=Witness(), b=Witness()) as gateway:
        gateway.parts.edge.engine.metrics.registry.register(watched)
        watched.collectors.clear()
        page = await gateway.client.get("/metrics")
    assert "# HELP watched Watched." in page.text
    assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert watched.collectors == [threading.get_ident()]
    assert watched.writers and threading.get_ident() not in watched.writers
