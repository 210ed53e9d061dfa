"""Commands that ask and steer a running gateway, over a real socket."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.admin.routes import AdminParts, admin_routes
from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.ports import Grant
from proxy.edge.server import listen
from proxy.state.memory import MemoryState
from tests.fakes.clock import StillClock
from tests.integration.admin.test_admin import TOKEN, make_snapshot
from tests.integration.cli.conftest import Fairlead

PLANTED = "planted-secret-0123456789"


NOW_S = 1_000.0


@dataclass(frozen=True)
class Running:
    url: str
    state: MemoryState


async def models_of_a_key(request: Request) -> Response:
    return JSONResponse({"data": [{"id": request.headers["authorization"].removeprefix("Bearer ")}]})


@pytest.fixture
def gateway() -> Iterator[Running]:
    """The admin routes of a gateway, listening."""
    snapshot, state = make_snapshot(), MemoryState(random.Random(1))
    parts = AdminParts(lambda: snapshot, state, StillClock(NOW_S))
    app = Starlette(routes=[*admin_routes(parts), Route("/v1/models", models_of_a_key)])
    listener = listen("127.0.0.1", 0)
    listener.listen()  # now: a command may come before the thread has begun
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield Running(f"http://127.0.0.1:{listener.getsockname()[1]}", state)
    server.should_exit = True
    thread.join()
    listener.close()


def test_state_show_lists_providers_and_rotations(gateway: Running, fairlead: Fairlead) -> None:
    gateway.state.disable("b")
    ended = fairlead("state", "show", "--url", gateway.url, "--token", TOKEN)
    assert ended.code == 0
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["a", "openai", "1", "0", "enabled"] in rows
    assert ["b", "openai", "1", "0", "disabled", "by", "operator"] in rows
    assert ["sticky", "1", "sticky", "a", "up-a"] in rows
    assert ["turning", "1", "round_robin", "turn", "0"] in rows
    assert "Nothing is set aside." in ended.out
    assert ["made", "60", "of", "60", "0.00", "of", "5.00", "a", "day", "0.00"] in rows


def test_state_show_does_not_call_spend_that_nobody_knows_yet_nothing(gateway: Running, fairlead: Fairlead) -> None:
    gateway.state.keys.expect_restore()
    ended = fairlead("state", "show", "--url", gateway.url, "--token", TOKEN)
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["made", "60", "of", "60", "unknown", "of", "5.00", "a", "day", "0.00"] in rows


def test_state_show_as_json_is_the_gateways_answer(gateway: Running, fairlead: Fairlead) -> None:
    ended = fairlead("state", "show", "--url", gateway.url, "--token", TOKEN, "--json")
    assert json.loads(ended.out)["config"]["version"] == 3


def test_url_and_token_come_from_the_environment(
    gateway: Running, fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRLEAD_URL", gateway.url + "/")
    monkeypatch.setenv("FAIRLEAD_ADMIN_TOKEN", TOKEN)
    assert fairlead("state", "show").code == 0


def test_state_changes_take_effect_and_say_what_they_did(gateway: Running, fairlead: Fairlead) -> None:
    def state(*words: str) -> str:
        ended = fairlead("state", *words, "--url", gateway.url, "--token", TOKEN)
        assert (ended.code, ended.err) == (0, "")
        return ended.out.strip()

    assert state("disable", "a") == "disable: provider a"
    assert gateway.state.view.disabled == {"a"}
    assert state("enable", "a") == "enable: provider a"
    assert state("advance", "sticky") == "advance: model sticky (priority 1 to b up-b)"
    assert state("reset") == "reset: everything (1 had moved)"
    assert state("clear", "--provider", "a") == "clear: provider a (0 ended)"


def set_aside(state: MemoryState, kind: FailureKind, *, scope: Scope = Scope.CREDENTIAL) -> None:
    """Let the first provider fail once."""
    candidate = make_snapshot().models["sticky"].candidates[0]
    credential = candidate.provider.credentials[0].id

    async def fail() -> None:
        grant = Grant(candidate, credential, NOW_S)
        assert await state.claim(grant)
        await state.failed(grant, Failure(kind, scope), NOW_S)
        state.release(grant, NOW_S)

    asyncio.run(fail())


def test_state_show_lists_what_is_set_aside(gateway: Running, fairlead: Fairlead) -> None:
    set_aside(gateway.state, FailureKind.AUTH)
    ended = fairlead("state", "show", "--url", gateway.url, "--token", TOKEN)
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["a", "key-1", "auth", "set", "aside", "30s", "30s"] in rows


def test_explain_names_the_last_resort(gateway: Running, fairlead: Fairlead) -> None:
    set_aside(gateway.state, FailureKind.CONNECT, scope=Scope.CANDIDATE)
    gateway.state.disable("b")
    ended = fairlead("explain", "sticky", "--url", gateway.url, "--token", TOKEN)
    assert "Last resort: a up-a" in ended.out


def test_models_are_asked_for_with_the_clients_key(gateway: Running, fairlead: Fairlead) -> None:
    ended = fairlead("models", "--url", gateway.url, "--key", "fl_mine")
    assert ["fl_mine"] in [line.split() for line in ended.out.splitlines()]


def test_explain_asks_the_running_gateway(gateway: Running, fairlead: Fairlead) -> None:
    gateway.state.disable("a")
    ended = fairlead("explain", "sticky", "--url", gateway.url, "--token", TOKEN)
    assert ended.code == 0
    assert "disabled by the operator" in ended.out
    ended = fairlead("explain", "sticky", "--key", "narrow", "--url", gateway.url, "--token", TOKEN)
    assert ended.code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["state", "show"], "Pass it by --token or $FAIRLEAD_ADMIN_TOKEN.", id="how-to-give-a-token"),
        pytest.param(["state", "show"], "401: Send the admin token", id="no-token"),
        pytest.param(["state", "show", "--token", "wrong-token"], "401: Send the admin token", id="wrong-token"),
        pytest.param(["state", "disable", "nope", "--token", TOKEN], "404: There is no provider 'nope'", id="unknown"),
    ],
)
def test_refusal_is_one_line_and_2(words: list[str], said: str, gateway: Running, fairlead: Fairlead) -> None:
    ended = fairlead(*words, "--url", gateway.url)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert line.startswith(f"error: {gateway.url}: ")
    assert said in line
    assert TOKEN not in line


def test_address_where_nobody_listens_is_one_line_and_2(fairlead: Fairlead) -> None:
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
    ended = fairlead("state", "show", "--url", url)
    assert ended.code == 2
    assert "is a gateway running there?" in ended.err
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("scheme", ["http", "https", "odd"])
@pytest.mark.parametrize("words", [("state", "show"), ("models",), ("prices", "update")])
def test_password_in_a_url_is_not_shown(words: tuple[str, ...], scheme: str, fairlead: Fairlead) -> None:
    ended = fairlead(*words, "--url", f"{scheme}://me:PlantedPassword0021@127.0.0.1:1/x")
    assert ended.code == 2
    assert "[redacted]@127.0.0.1:1/x" in ended.err
    assert "PlantedPassword0021" not in ended.err + ended.out


@pytest.mark.parametrize("url", ["http://[::bad", "localhost:8080", "127.0.0.1:8080"])
def test_url_that_is_none_is_refused(url: str, fairlead: Fairlead) -> None:
    ended = fairlead("state", "show", "--url", url)
    assert ended.code == 2
    assert ended.err == f"error: --url {url}: not a URL; expected one such as http://127.0.0.1:8080\n"


@pytest.mark.parametrize("password", ["Planted/word-0021", "Pl@127.0.0.1:1/word-0021", "Pl/nted@word-0021"])
@pytest.mark.parametrize("words", [("state", "show"), ("models",), ("prices", "update")])
def test_password_that_makes_a_url_none_is_not_shown(words: tuple[str, ...], password: str, fairlead: Fairlead) -> None:
    ended = fairlead(*words, "--url", f"https://me:{password}@127.0.0.1:1/x")
    assert ended.code == 2
    assert "https://[redacted]@127.0.0.1:1/x" in ended.err
    assert "Pl" not in ended.err and "nted" not in ended.err and "word" not in ended.err


def test_password_of_an_address_is_not_shown(gateway: Running, fairlead: Fairlead) -> None:
    ended = fairlead("state", "show", "--url", gateway.url.replace("//", f"//me:{PLANTED}@"))
    assert ended.code == 2
    assert PLANTED not in ended.err


def test_token_in_any_letters_is_sent(gateway: Running, fairlead: Fairlead) -> None:
    assert json.loads(fairlead("models", "--url", gateway.url, "--key", "schlüssel", "--json").out)["data"]


@pytest.mark.parametrize("command", [("state", "show", "--token"), ("models", "--key")], ids=["token", "key"])
def test_token_that_no_header_may_have_is_refused_unseen(
    command: tuple[str, ...], gateway: Running, fairlead: Fairlead
) -> None:
    ended = fairlead(*command, f"{PLANTED}\nmore", "--url", gateway.url)
    assert ended.code == 2
    assert PLANTED not in ended.err
    assert command[-1] in ended.err


def test_answer_that_is_not_json_is_refused(fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch) -> None:
    page = httpx.Response(200, text="<html>", request=httpx.Request("GET", "http://x.test"))
    monkeypatch.setattr(httpx.Client, "request", lambda *_, **__: page)
    ended = fairlead("state", "show")
    assert ended.code == 2
    assert "is that a Fairlead gateway?" in ended.err


def test_refusal_without_a_reason_shows_its_status(fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = httpx.Response(502, json=["bad"], request=httpx.Request("GET", "http://x.test"))
    monkeypatch.setattr(httpx.Client, "request", lambda *_, **__: refused)
    assert "502: refused without a reason" in fairlead("state", "show").err
