"""The model list where `direct_models` is on: what is configured, then what each provider says that it has."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from proxy.upstream.modellists import BOUNDS
from tests.fakes.gateway import RunningGateway, gateway, load
from tests.fakes.rawserver import RawServer, response, silence
from tests.fakes.upstream_calls import settles
from tests.integration.contracts.scene import JSON, Witness, ask, model, providers, refused, said, scene

DIRECT = "[server]\ndirect_models = true\n"
KEYS = {"all": None, "a-alone": ["a/*"], "narrow": ["b/x-*"], "star": ["*"], "named": ["m"]}
AUTH = "[auth]\nkeys = [{}]\n".format(
    ", ".join(
        f'{{ name = "{name}", key = "{name}-key-0123456789"' + ("" if globs is None else f", models = {globs}") + " }"
        for name, globs in KEYS.items()
    )
    + ', { name = "only-b", key = "only-b-key-0123456789", providers = ["b*"] }'
)
TOKEN = "admin-token-0123456789"
ADMIN = f'[auth]\nadmin_token = "{TOKEN}"\n'
SOON_S = 2.0


def told(*ids: str) -> bytes:
    """A list in OpenAI's form."""
    return response(json.dumps({"object": "list", "data": [{"id": each} for each in ids]}).encode(), JSON)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}-key-0123456789"}


async def listed(running: RunningGateway, key: str = "") -> list[str]:
    answer = await running.client.get("/v1/models", headers=bearer(key) if key else None)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["data"]]


async def test_configured_models_come_first_then_each_providers_own_by_name() -> None:
    a, b = Witness(told("z", "x/y:1")), Witness(told("n"))
    async with scene(DIRECT + providers("a", "b") + model("a"), a=a, b=b) as running:
        assert await listed(running) == ["m", "a/x/y:1", "a/z", "b/n"]
    assert a.targets == b.targets == ["/v1/models"]
    assert ("authorization", "Bearer sk-of-a") in [(name.lower(), value) for name, value in a.headers()]


async def test_listed_name_is_served() -> None:
    a = Witness(told("x/y"), said())
    async with scene(DIRECT + providers("a"), a=a) as running:
        (name,) = await listed(running)
        assert (await ask(running, name)).status == 200
    assert json.loads(a.requests[1].body)["model"] == "x/y"


async def test_nothing_is_asked_where_direct_names_are_off() -> None:
    a = Witness(told("x"))
    async with scene(providers("a") + model("a"), a=a) as running:
        assert await listed(running) == ["m"]
    assert a.calls == 0


async def test_nothing_is_asked_before_somebody_lists() -> None:
    a = Witness(said())
    async with scene(DIRECT + providers("a"), a=a) as running:
        assert (await ask(running, "a/x")).status == 200
        assert (await running.client.get("/v1/models/a/x")).status_code == 200
        assert running.parts.lists.asked == 0
    assert a.calls == 1


@pytest.mark.parametrize(
    ("key", "names"),
    [
        pytest.param("all", ["m", "a/x-1", "a/y", "b/x-1", "b/y"], id="all"),
        pytest.param("a-alone", ["a/x-1", "a/y"], id="one-providers"),
        pytest.param("narrow", ["b/x-1"], id="a-narrow-glob"),
        pytest.param("star", ["m"], id="a-star-gives-no-direct-names"),
        pytest.param("named", ["m"], id="a-name"),
        pytest.param("only-b", ["b/x-1", "b/y"], id="providers-of-the-key"),
    ],
)
async def test_list_is_what_the_key_may_call_and_no_other_provider_is_asked(key: str, names: list[str]) -> None:
    a, b = Witness(told("x-1", "y")), Witness(told("x-1", "y"))
    async with scene(AUTH + DIRECT + providers("a", "b") + model("a"), a=a, b=b) as running:
        assert await listed(running, key) == names
    assert (a.calls > 0, b.calls > 0) == tuple(any(name.startswith(f"{who}/") for name in names) for who in "ab")


async def test_name_that_means_something_else_is_not_the_providers() -> None:
    toml = (
        DIRECT
        + providers("a", "b")
        + model("b", called="a/x", more='aliases = ["a/short"]')
        + model("b", called="a/p-*")
    )
    async with scene(toml, a=Witness(told("x", "short", "p-1", "own")), b=Witness(told())) as running:
        assert await listed(running) == ["a/x", "a/own"]


SHAPES = [
    pytest.param("/v1/models", {"anthropic-version": "2023-06-01"}, "data", "id", "a/x", id="anthropic"),
    pytest.param("/v1/models", {"x-goog-api-client": "genai"}, "models", "name", "models/a/x", id="google-at-v1"),
    pytest.param("/v1beta/models", {}, "models", "name", "models/a/x", id="google"),
    pytest.param("/api/tags", {}, "models", "name", "a/x:latest", id="ollama"),
    pytest.param("/openai/models", {}, "data", "id", "a/x", id="azures-clients"),
]


@pytest.mark.parametrize(("path", "headers", "member", "field", "name"), SHAPES)
async def test_each_dialect_has_its_shape(
    path: str, headers: dict[str, str], member: str, field: str, name: str
) -> None:
    async with scene(DIRECT + providers("a"), a=Witness(told("x"))) as running:
        answer = await running.client.get(path, headers=headers)
        assert [row[field] for row in answer.json()[member]] == [name]
        if path != "/api/tags":
            one = await running.client.get(f"{path}/a/x", headers=headers)
            assert one.json()[field] == name


async def test_ollamas_clients_ask_for_what_was_listed_with_its_tag() -> None:
    a = Witness(said())
    async with scene(DIRECT + providers("a"), a=a) as running:
        shown = await running.client.post("/api/show", json={"model": "a/x:latest"})
        assert shown.json()["model_info"]["general.basename"] == "a/x"
        body = {"model": "a/x:latest", "messages": [{"role": "user", "content": "hello"}], "stream": False}
        assert (await running.client.post("/api/chat", json=body)).status_code == 200
    assert [each["model"] for each in a.bodies] == ["x"]


async def test_window_and_price_are_the_catalogues() -> None:
    prices = '[prices."a/x"]\ninput_usd_per_mtok = 2\noutput_usd_per_mtok = 8\n'
    async with scene(DIRECT + providers("a") + prices, a=Witness(told("x", "unknown"))) as running:
        rows = (await running.client.get("/v1/models")).json()["data"]
        one = (await running.client.get("/v1/models/a/x")).json()
    assert rows[1]["pricing"] == {
        "input_usd_per_mtok": "2",
        "output_usd_per_mtok": "8",
        "cached_input_usd_per_mtok": None,
    }
    assert one == rows[1]
    assert "pricing" not in rows[0]


async def test_silent_provider_keeps_a_list_waiting_a_short_time_and_requests_not_at_all() -> None:
    a = Witness(told("x"), said())
    async with scene(DIRECT + providers("a", "b"), a=a, b=silence()) as running:
        began_s = time.monotonic()
        listing = asyncio.create_task(listed(running))
        assert await settles(lambda: a.calls == 1, SOON_S)
        assert (await ask(running, "a/x")).status == 200
        assert not listing.done()
        assert await listing == ["a/x"]
        assert time.monotonic() - began_s < BOUNDS.wait_s


async def test_provider_that_a_reload_disables_or_changes_is_forgotten() -> None:
    a, b = Witness(told("x")), Witness(told("x"), told("y"))
    async with RawServer(a) as at_a, RawServer(b) as at_b, gateway(both(at_a.url, at_b.url)) as running:
        assert await listed(running) == ["a/x", "b/x"]
        running.parts.publish(load(both(at_a.url, at_b.url, "enabled = false")))
        assert await listed(running) == ["a/x"]
        running.parts.publish(load(both(at_a.url, at_b.url, "priority = 2")))
        assert await listed(running) == ["a/x", "b/y"]
    assert (a.calls, b.calls) == (1, 2)


async def test_reload_that_turns_direct_names_off_hides_them() -> None:
    async with RawServer(Witness(told("x"))) as a, gateway(both(a.url, a.url)) as running:
        assert await listed(running) == ["a/x", "b/x"]
        running.parts.publish(load(both(a.url, a.url).replace("= true", "= false", 1)))
        assert await listed(running) == []


async def test_reload_changes_the_price_of_a_list_that_is_kept() -> None:
    a = Witness(told("x"))
    async with RawServer(a) as at, gateway(both(at.url, at.url)) as running:
        assert "pricing" not in (await running.client.get("/v1/models")).json()["data"][0]
        running.parts.publish(load(both(at.url, at.url) + '[prices."a/x"]\ninput_usd_per_mtok = 2\n'))
        assert (await running.client.get("/v1/models")).json()["data"][0]["pricing"]["input_usd_per_mtok"] == "2"
    assert a.calls == 2  # each of the providers once


async def test_provider_that_an_operator_has_switched_off_is_neither_asked_nor_listed() -> None:
    a, b = Witness(told("x")), Witness(told("x"))
    async with scene(ADMIN + DIRECT + providers("a", "b"), a=a, b=b) as running:
        headers = {"authorization": f"Bearer {TOKEN}"}
        await running.client.post("/admin/state/disable", json={"provider": "b"}, headers=headers)
        assert await listed(running) == ["a/x"]
        await running.client.post("/admin/state/enable", json={"provider": "b"}, headers=headers)
        assert await listed(running) == ["a/x", "b/x"]
    assert b.calls == 1


async def test_refusal_to_list_shows_no_secret_to_client_or_log(caplog: pytest.LogCaptureFixture) -> None:
    a = Witness(refused(401, "Incorrect API key provided: sk-of-a"))
    async with scene(DIRECT + providers("a"), a=a) as running:
        answer = await running.client.get("/v1/models")
        assert (answer.status_code, answer.json()["data"]) == (200, [])
    assert "provider a: its models cannot be listed: 401: the key is refused; replace it" in caplog.text
    assert "sk-of-a" not in caplog.text + answer.text


async def test_simulator_has_every_model_and_is_not_asked() -> None:
    toml = (
        DIRECT
        + '[providers.s]\nkind = "simulator"\n[models.demo]\ncandidates = [{ provider = "s", model = "sim-ok" }]\n'
    )
    async with gateway(toml, simulator_url="http://127.0.0.1:9") as running:
        assert await listed(running) == ["demo"]
        assert running.parts.lists.asked == 0


def both(a: str, b: str, more: str = "") -> str:
    """Two providers, the second with a further line."""
    tables = providers("a").replace("@a", a) + providers("b", more=more).replace("@b", b)
    return DIRECT + tables
