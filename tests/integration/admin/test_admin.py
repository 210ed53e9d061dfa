"""The operator's routes over HTTP, on a real state."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from proxy.admin.routes import AdminParts, admin_routes
from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.health import CandidateId
from proxy.core.ports import Grant, KeyAsk, KeyGrant
from proxy.core.secret import Secret
from proxy.core.snapshot import (
    Auth,
    Candidate,
    ClientKey,
    Credential,
    KeyLimits,
    Model,
    Provider,
    Rotation,
    Snapshot,
    StoredKey,
)
from proxy.state.memory import MemoryState
from tests.fakes.clock import StillClock
from tests.fakes.prices import flat_price

TOKEN = "admin-token-0123456789"
PLANTED = "planted-secret-0123456789"
HEADERS = {"authorization": f"Bearer {TOKEN}"}


def make_snapshot(*, admin_token: str = TOKEN) -> Snapshot:
    a = Provider("a", "openai", "https://a.test", credentials=(Credential("key-1", Secret(PLANTED)),), tags=("eu",))
    b = Provider("b", "openai", "https://b.test")
    price = flat_price("1", "2")
    sticky = Model("sticky", (Candidate(a, "up-a", price=price), Candidate(b, "up-b")), aliases=("also",))
    turning = Model("turning", (Candidate(a, "up-a"), Candidate(b, "up-b")), rotation=Rotation.ROUND_ROBIN)
    return Snapshot(
        version=3,
        providers={"a": a, "b": b},
        models={"sticky": sticky, "turning": turning},
        aliases={"also": "sticky"},
        prefixes=(Model("gpt-*", (Candidate(a, "up-{*}"), Candidate(b, "up-{*}"))),),
        auth=Auth(
            "keys",
            {"0" * 64: ClientKey("narrow", models=("turning",))},
            admin_token=Secret(admin_token) if admin_token else None,
            stored={
                "1" * 64: StoredKey(
                    ClientKey("made", models=("sticky",), limits=KeyLimits(rpm=60, day_nusd=5 * 10**9))
                ),
                "2" * 64: StoredKey(ClientKey("ended", limits=KeyLimits(rpm=1)), revoked=True),
            },
        ),
    )


@dataclass
class Desk:
    """An operator's desk: the routes on a state of their own."""

    snapshot: Snapshot = field(default_factory=make_snapshot)
    state: MemoryState = field(default_factory=lambda: MemoryState(random.Random(1)))
    clock: StillClock = field(default_factory=StillClock)
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        app = Starlette(routes=self.routes)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway")

    @property
    def routes(self) -> list[Route]:
        return admin_routes(AdminParts(lambda: self.snapshot, self.state, self.clock))

    async def get(self, path: str, **params: str) -> httpx.Response:
        return await self.client.get(path, params=params, headers=HEADERS)

    async def post(self, action: str, body: object = None) -> httpx.Response:
        return await self.client.post(f"/admin/state/{action}", json=body, headers=HEADERS)

    async def refuse(self, kind: FailureKind = FailureKind.AUTH) -> None:
        """Let the provider `a` refuse its credential."""
        candidate = self.snapshot.models["sticky"].candidates[0]
        credential = candidate.provider.credentials[0].id
        grant = Grant(candidate, credential, self.clock.now())
        assert await self.state.claim(grant)
        await self.state.failed(grant, Failure(kind, Scope.CREDENTIAL), self.clock.now())
        self.state.release(grant, self.clock.now())


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    async with desk.client:
        yield desk


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return error


def every_route() -> list[Any]:
    return [
        pytest.param(method, route.path, id=f"{method}-{route.path}")
        for route in Desk().routes
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]


def test_every_route_of_the_design_is_there() -> None:
    paths = {route.path for route in Desk().routes}
    changes = {f"/admin/state/{name}" for name in ("clear", "advance", "reset", "disable", "enable")}
    assert paths == {"/admin/state", "/admin/explain", *changes}


@pytest.mark.parametrize(("method", "path"), every_route())
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"authorization": "Bearer wrong"}, id="wrong-token"),
        pytest.param({"authorization": f"Bearer {TOKEN}x"}, id="longer-token"),
        pytest.param({"authorization": f"Basic {TOKEN}"}, id="wrong-scheme"),
        pytest.param({"x-api-key": TOKEN}, id="wrong-header"),
    ],
)
async def test_route_without_the_admin_token_is_closed(
    method: str, path: str, headers: dict[str, str], desk: Desk
) -> None:
    answer = await desk.client.request(method, path, headers=headers, content=b"{}" if method == "POST" else None)
    assert answer.status_code == 401
    assert "Authorization: Bearer" in error_of(answer)["message"]
    assert not desk.state.view.disabled


@pytest.mark.parametrize(("method", "path"), every_route())
async def test_without_a_configured_token_every_route_is_closed(method: str, path: str) -> None:
    desk = Desk(make_snapshot(admin_token=""))
    async with desk.client:
        for headers in ({}, {"authorization": "Bearer "}, HEADERS):
            answer = await desk.client.request(method, path, headers=headers)
            assert answer.status_code == 403
            assert "admin_token" in error_of(answer)["message"]


async def test_state_shows_configuration_providers_and_rotations(desk: Desk) -> None:
    answer = (await desk.get("/admin/state")).json()
    assert answer["config"] == {"version": 3, "source": "file"}
    row = {"provider": "a", "kind": "openai", "priority": 1, "enabled": True, "tags": ["eu"]}
    assert answer["providers"][0] == row
    assert answer["set_aside"] == []
    assert [(row["model"], row["rotation"]) for row in answer["rotation"]] == [
        ("sticky", "sticky"),
        ("turning", "round_robin"),
    ]


async def test_state_shows_what_is_set_aside_and_never_the_secret_or_its_fingerprint(desk: Desk) -> None:
    await desk.refuse()
    answer = await desk.get("/admin/state")
    (row,) = answer.json()["set_aside"]
    assert (row["provider"], row["credential"], row["cause"]) == ("a", "key-1", "auth")
    assert row["seconds_left"] > 0
    assert PLANTED not in answer.text
    assert Secret(PLANTED).fingerprint not in answer.text


async def test_explain_gives_the_plan_of_the_planner(desk: Desk) -> None:
    await desk.refuse()
    answer = (await desk.get("/admin/explain", model="also")).json()
    assert answer["model"] == "sticky"
    assert [row["provider"] for row in answer["candidates"]] == ["b"]
    assert [(row["provider"], row["cause"]) for row in answer["omitted"]] == [("a", "auth")]


async def test_explain_with_a_key_has_its_rights(desk: Desk) -> None:
    assert (await desk.get("/admin/explain", model="turning", key="narrow")).status_code == 200
    refused = await desk.get("/admin/explain", model="sticky", key="narrow")
    assert (refused.status_code, error_of(refused)["code"]) == (404, "model_not_found")


async def test_explain_with_a_stored_key_has_its_rights_and_its_need_of_a_price(desk: Desk) -> None:
    answer = (await desk.get("/admin/explain", model="sticky", key="made")).json()
    assert [row["provider"] for row in answer["candidates"]] == ["a"]
    assert [(row["provider"], row["reason"]) for row in answer["omitted"]] == [("b", "unpriced")]
    assert (await desk.get("/admin/explain", model="turning", key="made")).status_code == 404


async def test_state_shows_what_keys_with_limits_have_used(desk: Desk) -> None:
    made = next(iter(desk.snapshot.auth.stored.values())).key
    grant = await desk.state.reserve(KeyAsk(made, 0, 2_000_000_000, desk.clock.now(), desk.clock.wall()))
    assert isinstance(grant, KeyGrant)
    (row,) = (await desk.get("/admin/state")).json()["keys"]
    assert (row["key"], row["tokens"], row["parallel"]) == ("made", None, None)
    assert row["requests"] == {"limit": 60, "remaining": 59, "resets_s": 1.0}
    (budget,) = row["budgets"]
    assert (budget["spent_usd"], budget["reserved_usd"], budget["limit_usd"]) == ("0.00", "2.00", "5.00")


@pytest.mark.parametrize(
    ("params", "status", "param"),
    [
        pytest.param({}, 400, "model", id="no-model"),
        pytest.param({"model": "nope"}, 404, "model", id="unknown-model"),
        pytest.param({"model": "sticky", "key": "nope"}, 404, "key", id="unknown-key"),
        pytest.param({"model": "sticky", "key": "ended"}, 404, "key", id="revoked-key"),
    ],
)
async def test_explain_refuses_names_that_are_not_there(
    params: dict[str, str], status: int, param: str, desk: Desk
) -> None:
    answer = await desk.get("/admin/explain", **params)
    assert (answer.status_code, error_of(answer)["param"]) == (status, param)


@pytest.mark.parametrize(
    ("body", "cleared"),
    [
        pytest.param({}, 1, id="all"),
        pytest.param({"provider": "a"}, 1, id="provider"),
        pytest.param({"provider": "b"}, 0, id="other-provider"),
        pytest.param({"model": "also"}, 1, id="model-by-alias"),
        pytest.param({"credential": "key-1"}, 1, id="credential"),
    ],
)
async def test_clear_ends_what_is_set_aside(body: dict[str, str], cleared: int, desk: Desk) -> None:
    await desk.refuse()
    answer = await desk.post("clear", body)
    assert answer.json() == {"done": "clear", "about": body, "cleared": cleared}
    assert len(desk.state.view.asides) == 1 - cleared


async def test_empty_body_is_about_everything(desk: Desk) -> None:
    await desk.refuse()
    answer = await desk.client.post("/admin/state/clear", headers=HEADERS)
    assert answer.json()["cleared"] == 1


async def test_advance_moves_the_pointer_and_reset_puts_it_back(desk: Desk) -> None:
    answer = await desk.post("advance", {"model": "sticky"})
    assert answer.json()["moved"] == [{"priority": 1, "provider": "b", "upstream_model": "up-b"}]
    assert list(desk.state.view.pointers.values()) == [CandidateId("b", "up-b")]
    assert (await desk.post("reset", {"model": "sticky", "priority": 1})).json()["reset"] == 1
    assert (await desk.post("reset")).json()["reset"] == 0
    assert not desk.state.view.pointers


async def test_name_that_a_prefix_stands_for_has_a_pointer_too(desk: Desk) -> None:
    answer = await desk.post("advance", {"model": "gpt-4", "priority": 1})
    assert answer.json()["moved"] == [{"priority": 1, "provider": "b", "upstream_model": "up-4"}]
    explained = (await desk.get("/admin/explain", model="gpt-4")).json()
    assert [row["provider"] for row in explained["candidates"]] == ["b", "a"]
    assert (await desk.post("reset", {"model": "gpt-5"})).json()["reset"] == 0
    assert (await desk.post("reset", {"model": "gpt-4"})).json()["reset"] == 1


async def test_priority_that_only_names_behind_a_prefix_have_is_one(desk: Desk) -> None:
    a, b = desk.snapshot.providers.values()
    prefix = Model("o-*", (Candidate(a, "{*}", priority=7), Candidate(b, "{*}", priority=7)))
    desk.snapshot = replace(desk.snapshot, prefixes=(prefix,))
    assert (await desk.post("advance", {"model": "o-4"})).status_code == 200
    assert (await desk.post("reset", {"priority": 7})).json()["reset"] == 1


async def test_clear_knows_a_name_that_a_prefix_stands_for(desk: Desk) -> None:
    a = desk.snapshot.providers["a"]
    grant = Grant(Candidate(a, "up-4"), a.credentials[0].id, desk.clock.now())
    await desk.state.failed(grant, Failure(FailureKind.MODEL_MISSING), desk.clock.now())
    assert (await desk.post("clear", {"model": "gpt-5"})).json()["cleared"] == 0
    assert (await desk.post("clear", {"model": "gpt-4"})).json()["cleared"] == 1


async def test_disable_and_enable_switch_a_provider(desk: Desk) -> None:
    assert (await desk.post("disable", {"provider": "a"})).status_code == 200
    assert (await desk.get("/admin/state")).json()["disabled"] == ["a"]
    explained = (await desk.get("/admin/explain", model="sticky")).json()
    assert [(row["provider"], row["reason"]) for row in explained["omitted"]] == [("a", "operator_disabled")]
    assert (await desk.post("enable", {"provider": "a"})).status_code == 200
    assert not desk.state.view.disabled


@pytest.mark.parametrize(
    ("action", "body", "status", "param"),
    [
        pytest.param("clear", {"provider": "nope"}, 404, "provider", id="unknown-provider"),
        pytest.param("clear", {"model": "nope"}, 404, "model", id="unknown-model"),
        pytest.param("clear", {"model": "gpt-*"}, 404, "model", id="prefix-itself"),
        pytest.param("clear", {"credential": "nope"}, 404, "credential", id="unknown-credential"),
        pytest.param("clear", {"provider": "b", "credential": "key-1"}, 404, "credential", id="of-another-provider"),
        pytest.param("reset", {"priority": 9}, 404, "priority", id="unknown-priority"),
        pytest.param("advance", {"model": "sticky", "priority": 9}, 404, "priority", id="priority-of-no-candidate"),
        pytest.param("clear", {"vendor": "a"}, 400, None, id="unknown-field"),
        pytest.param("clear", {"priority": "1"}, 400, None, id="wrong-type"),
        pytest.param("clear", {"provider": ""}, 400, None, id="empty-name"),
        pytest.param("clear", ["a"], 400, None, id="not-an-object"),
        pytest.param("disable", {}, 400, "provider", id="disable-without-provider"),
        pytest.param("disable", {"provider": "a", "model": "sticky"}, 400, "model", id="disable-of-one-model"),
        pytest.param("enable", {}, 400, "provider", id="enable-without-provider"),
        pytest.param("enable", {"provider": "a", "credential": "key-1"}, 400, "credential", id="enable-of-one-key"),
        pytest.param("advance", {}, 400, "model", id="advance-without-model"),
        pytest.param("advance", {"model": "sticky", "provider": "a"}, 400, "provider", id="advance-to-a-provider"),
        pytest.param("reset", {"provider": "a"}, 400, "provider", id="reset-of-a-provider"),
        pytest.param("clear", {"priority": 1}, 400, "priority", id="clear-of-one-priority"),
        pytest.param("advance", {"model": "turning"}, 400, "model", id="advance-of-a-rotation-without-pointer"),
    ],
)
async def test_change_that_cannot_be_made_is_refused(
    action: str, body: object, status: int, param: str | None, desk: Desk
) -> None:
    answer = await desk.post(action, body)
    assert (answer.status_code, error_of(answer)["param"]) == (status, param)
    assert desk.state.changes == 0


async def test_body_that_is_not_json_is_refused_without_being_quoted(desk: Desk) -> None:
    answer = await desk.client.post("/admin/state/clear", content=PLANTED.encode(), headers=HEADERS)
    assert answer.status_code == 400
    assert "not JSON" in error_of(answer)["message"]
    assert PLANTED not in answer.text


async def test_unknown_field_is_named_and_the_known_ones_listed(desk: Desk) -> None:
    message = error_of(await desk.post("clear", {"vendor": "a"}))["message"]
    assert message == (
        "unknown field 'vendor'. The body is a JSON object with any of: provider, model, priority, credential."
    )


async def test_huge_body_is_refused(desk: Desk) -> None:
    answer = await desk.client.post("/admin/state/clear", content=b" " * 70_000, headers=HEADERS)
    assert answer.status_code == 413


async def test_change_is_logged_with_what_it_is_about(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    await desk.post("disable", {"provider": "a"})
    (record,) = [record for record in caplog.records if vars(record).get("event") == "operator_change"]
    assert record.getMessage() == "operator: disable"
    assert vars(record)["fairlead.change"] == {"provider": "a"}
