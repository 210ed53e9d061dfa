"""What a connection of a client carries: requests in any pieces, one after the other, over ASGI and past it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from http.client import HTTPConnection

import pytest

from proxy.edge.connection import LESSONS, MAX_WAITING, ClientConnection
from tests.fakes.heard import Heard
from tests.fakes.rawserver import BLINK_S, chunk, split
from tests.fakes.stage import Stage, Upstream, stage
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import CHAT, WireClient, ask, chat

KEY = "client-key-0123456789"
PAGE = "https://page.example.com"
KEYS = f'[[auth.keys]]\nname = "tester"\nkey = "{KEY}"\n'
BEARER = {"authorization": f"Bearer {KEY}"}
EXPECTING = {"expect": "100-continue"}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
DEPLOYED = "/openai/deployments/team%2Fgpt/chat/completions?api-version=2024-10-21"
BODY = json.dumps(chat("m")).encode()


@asynccontextmanager
async def on_stage(phrase: str = "sim-ok", sections: str = "") -> AsyncIterator[tuple[Stage, WireClient]]:
    """A gateway whose one provider does what the phrase says, and a connection to it."""
    async with stage(Upstream("first", phrase), sections=sections, model='aliases = ["team/gpt"]') as on:
        async with WireClient(on.gateway.url) as client:
            yield on, client


def request(method: str = "POST", path: str = CHAT, *lines: str, body: bytes = b"", version: str = "1.1") -> bytes:
    fields = ["host: localhost", "content-type: application/json", *lines]
    if body:
        fields.append(f"content-length: {len(body)}")
    return "\r\n".join([f"{method} {path} HTTP/{version}", *fields, "", ""]).encode() + body


# --- with the head of the one before (edge.known_head) ---


def for_model(model: str, key: str = KEY) -> bytes:
    return request("POST", CHAT, f"authorization: Bearer {key}", body=json.dumps(chat(model)).encode())


async def test_head_that_comes_again_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[ClientConnection] = []
    usual = ClientConnection.on_headers_complete

    def on_headers_complete(connection: ClientConnection) -> None:
        read.append(connection)
        usual(connection)

    monkeypatch.setattr(ClientConnection, "on_headers_complete", on_headers_complete)
    async with on_stage(sections=KEYS) as (_, client):
        for size in (1, 2, 60, 1, 11):
            client.writer.write(for_model("x" * size))
            heard = await client.heard()
            assert (heard.status, f"'{'x' * size}'" in heard.error["message"]) == (404, True)
        client.writer.write(for_model("m"))
        (await client.heard()).check_whole(by="first")
    assert len(read) == 1


async def test_other_key_is_seen_behind_a_head_that_is_known() -> None:
    async with on_stage(sections=KEYS) as (_, client):
        for key, status in ((KEY, 200), (KEY, 200), ("client-key-0123456780", 401), (KEY, 200)):
            client.writer.write(for_model("m", key))
            assert (await client.heard()).status == status


async def test_head_that_is_known_may_come_in_any_two_pieces() -> None:
    async with on_stage(sections=KEYS) as (_, client):
        whole = for_model("?")
        for at in range(0, len(whole), 7):
            client.writer.write(whole[:at])
            await asyncio.sleep(0.001)
            client.writer.write(whole[at:])
            assert (await client.heard()).status == 404


async def test_requests_with_a_known_head_may_come_together() -> None:
    """Those behind the first are another length than it says, and wait their turn."""
    async with on_stage(sections=KEYS) as (_, client):
        for _ in range(3):
            client.writer.write(for_model("a") + for_model("bb") + for_model("m"))
            errors = [(await client.heard()).error["message"] for _ in range(2)]
            assert ["'a'" in errors[0], "'bb'" in errors[1]] == [True, True]
            (await client.heard()).check_whole(by="first")


async def test_request_that_waits_behind_another_teaches_nothing() -> None:
    """Its bytes are not those of the request that is being answered when they come."""
    async with on_stage("sim-delay-0.2", sections=KEYS) as (_, client):
        client.writer.write(for_model("m"))
        await asyncio.sleep(0.05)
        client.writer.write(for_model("m", "client-key-0123456780"))
        assert [(await client.heard()).status for _ in range(2)] == [200, 401]
        client.writer.write(for_model("m", "client-key-0123456780"))
        assert (await client.heard()).status == 401


async def test_known_head_means_nothing_behind_what_is_no_request() -> None:
    async with on_stage(sections=KEYS) as (on, client):
        for _ in range(2):
            client.writer.write(for_model("m"))
            (await client.heard()).check_whole(by="first")
        client.writer.write(b"no request\r\n\r\n")
        assert (await client.heard()).status == 400
        client.writer.write(for_model("m"))
        assert await client.reader.read() == b""
        for _ in range(2):  # by then what came before has been looked at
            await ask(on.gateway.url, chat("m"), BEARER)
        assert on.calls("first") == 4


async def test_clients_that_share_a_connection_are_told_apart() -> None:
    """As behind a proxy: more heads than are ever looked at."""
    async with on_stage(sections=KEYS) as (_, client):
        for number in range(3 * LESSONS):
            key = KEY if number % 3 else f"client-key-00000000{number:02}"
            client.writer.write(for_model("m", key))
            assert (await client.heard()).status == (200 if number % 3 else 401)


# --- in pieces ---


async def test_request_may_come_in_any_pieces() -> None:
    async with on_stage() as (_, client):
        for piece in split(request(body=BODY)):
            client.writer.write(piece)
            await asyncio.sleep(0)
        (await client.heard()).check_whole(by="first")


@pytest.mark.parametrize("gap_s", [pytest.param(0.0, id="at-once"), pytest.param(0.002, id="one-by-one")])
async def test_body_may_come_in_chunks_of_a_byte(gap_s: float) -> None:
    async with on_stage() as (_, client):
        client.writer.write(request("POST", CHAT, "transfer-encoding: chunked"))
        for piece in split(BODY):
            client.writer.write(chunk(piece))
            if gap_s:
                await asyncio.sleep(gap_s)
        client.writer.write(b"0\r\nx-trailer: 1\r\n\r\n")
        (await client.heard()).check_whole(by="first")


async def test_trailer_is_no_header() -> None:
    """Neither of this request nor of the next one on the connection."""
    async with on_stage(sections=KEYS) as (_, client):
        for _ in range(2):
            client.writer.write(request("POST", CHAT, "transfer-encoding: chunked") + chunk(BODY))
            client.writer.write(f"0\r\nauthorization: Bearer {KEY}\r\n\r\n".encode())
            assert (await client.heard()).status == 401


async def test_body_that_comes_behind_its_head_is_waited_for() -> None:
    async with on_stage() as (on, client):
        client.begin(len(BODY))
        assert await settles(lambda: on.gateway.parts.edge.admission.in_flight == 1)
        for piece in split(BODY, 10, 20):
            client.writer.write(piece)
            await asyncio.sleep(BLINK_S)
        (await client.heard()).check_whole(by="first")


async def test_rest_of_a_refused_body_is_thrown_away_and_the_connection_used_again() -> None:
    async with on_stage(sections="[server]\nmax_body_bytes = 1024\n") as (on, client):
        client.begin(3_000_000)
        assert (await client.heard()).status == 413
        for _ in range(30):
            client.writer.write(b" " * 100_000)
            await client.writer.drain()
        (await client.ask(chat("m"))).check_whole(by="first")
        assert on.calls("first") == 1


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        pytest.param({"connection": "close"}, 11, id="asked-to-close"),
        pytest.param({}, 10, id="http-1.0"),
        pytest.param(EXPECTING, 11, id="asks-and-does-not-wait"),
        pytest.param({"transfer-encoding": "chunked"}, 11, id="chunk-that-is-none"),
    ],
)
async def test_client_that_sends_all_before_it_reads_is_told_why_it_is_refused(
    fields: dict[str, str], version: int
) -> None:
    """Python's own client, and nginx before it, as they are: a reset would take the answer away again."""

    def post(url: str) -> int:
        connection = HTTPConnection(url.removeprefix("http://"), timeout=5)
        connection._http_vsn, connection._http_vsn_str = version, f"HTTP/1.{version % 10}"  # type: ignore[attr-defined]
        with closing(connection):
            connection.request("POST", CHAT, b"x" * 20_000_000, {"content-type": "application/json", **fields})
            return connection.getresponse().status

    async with on_stage(sections=KEYS) as (on, _):
        assert await asyncio.to_thread(post, on.gateway.url) in (400, 401)


async def test_body_that_nobody_reads_yet_stops_being_read() -> None:
    """It belongs to a request that waits behind another, and comes in full all the same."""
    async with on_stage("sim-delay-0.5") as (on, client):
        long = json.dumps(chat("m", text="x" * 3_000_000)).encode()
        client.send(chat("m"))
        client.send(long)
        await asyncio.sleep(0.3)
        assert on.gateway.parts.edge.admission.buffered_bytes < 1000
        (await client.heard()).check_whole(by="first")
        (await client.heard()).check_whole(by="first")


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        pytest.param([KEY, KEY], 200, id="the-same-key"),
        pytest.param([KEY, ""], 200, id="one-is-empty"),
        pytest.param([KEY, "another-key-0123456789"], 401, id="the-right-one-first"),
        pytest.param(["another-key-0123456789", KEY], 401, id="the-right-one-last"),
    ],
)
async def test_header_that_comes_twice_is_seen_twice(keys: list[str], status: int) -> None:
    async with on_stage(sections=KEYS) as (_, client):
        client.writer.write(request("POST", CHAT, *[f"x-api-key: {key}" for key in keys], body=BODY))
        assert (await client.heard()).status == status


# --- a client that asks before it sends ---


async def test_client_that_asks_may_send_its_body() -> None:
    async with on_stage() as (_, client):
        client.begin(len(BODY), EXPECTING)
        assert await client.reader.readexactly(len(CONTINUE)) == CONTINUE
        client.writer.write(BODY)
        (await client.heard()).check_whole(by="first")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="no-key"),
        pytest.param({"authorization": "Bearer other"}, 401, id="unknown-key"),
        pytest.param({**BEARER, "content-length": "2000"}, 413, id="too-large"),
        pytest.param({**BEARER, "content-encoding": "br"}, 415, id="unknown-coding"),
    ],
)
async def test_client_that_asks_is_refused_before_it_sends(headers: dict[str, str], status: int) -> None:
    async with on_stage(sections=f"[server]\nmax_body_bytes = 1024\n{KEYS}") as (on, client):
        client.begin(500, {**EXPECTING, **headers})
        heard = await client.heard()
        assert (heard.status, heard.headers["connection"]) == (status, "close"), "the first thing said is the answer"
        assert await client.reader.read() == b"", "what comes next may be the body, so it is no request"
        assert on.calls("first") == 0


@pytest.mark.parametrize("path", ["/v1/models", "/admin/state/clear"])
async def test_client_that_asks_elsewhere_is_refused_before_it_sends(path: str) -> None:
    async with on_stage(sections=f'[auth]\nadmin_token = "admin-token-0123456789"\n{KEYS}') as (_, client):
        client.writer.write(
            request("POST" if "admin" in path else "GET", path, "expect: 100-continue", "content-length: 9")
        )
        heard = await client.heard()
        assert (heard.status, heard.headers["connection"]) == (401, "close")
        assert await client.reader.read() == b""


async def test_client_that_asks_and_sends_at_once_keeps_its_connection_though_refused() -> None:
    async with on_stage(sections=KEYS) as (_, client):
        client.writer.write(request("POST", CHAT, "expect: 100-continue", body=BODY))
        assert (await client.heard()).status == 401
        (await client.ask(chat("m"), BEARER)).check_whole(by="first")


async def test_client_that_asks_and_sends_at_once_is_answered() -> None:
    async with on_stage() as (_, client):
        client.send(chat("m"), EXPECTING)
        (await client.heard()).check_whole(by="first")


async def test_operator_who_asks_may_send_too() -> None:
    token = "admin-token-0123456789"
    async with on_stage(sections=f'[auth]\nadmin_token = "{token}"\n') as (_, client):
        headers = {**EXPECTING, "authorization": f"Bearer {token}"}
        client.begin(2, headers, path="/admin/state/clear")
        assert await client.reader.readexactly(len(CONTINUE)) == CONTINUE
        client.writer.write(b"{}")
        assert (await client.heard()).status == 200


# --- one after the other ---


async def test_requests_sent_at_once_are_answered_in_their_order() -> None:
    async with on_stage("sim-delay-0.1") as (_, client):
        client.writer.write(
            request(body=BODY)
            + request("GET", "/v1/models")
            + request(body=json.dumps(chat("m", stream=True)).encode())
            + request("GET", CHAT)
            + request("GET", "/livez")
            + request("GET", "/nowhere")
            + request(body=BODY)
        )
        first, models, stream, wrong, alive, unknown, last = [await client.heard() for _ in range(7)]
        for heard in (first, stream, last):
            heard.check_whole(by="first")
        assert stream.is_stream
        assert json.loads(models.body)["object"] == "list"
        assert (wrong.status, unknown.status, alive.body) == (405, 404, b"ok\n")


async def test_request_begins_when_the_one_before_is_answered() -> None:
    async with on_stage("sim-delay-0.3") as (on, client):
        client.writer.write(request(body=BODY) * 2)
        assert await settles(lambda: on.calls("first") == 1)
        await asyncio.sleep(0.1)
        assert on.calls("first") == 1
        for _ in range(2):
            (await client.heard()).check_whole(by="first")


async def test_many_requests_sent_at_once_are_all_answered() -> None:
    count = 6 * MAX_WAITING
    async with on_stage() as (_, client):
        one, other = request("GET", "/livez"), request("GET", CHAT)
        for _ in range(count // 2):
            client.writer.write(one + other)
            await client.writer.drain()
        statuses = [(await client.heard()).status for _ in range(count)]
        assert statuses == [200, 405] * (count // 2)


async def test_requests_that_wait_are_forgotten_when_their_client_leaves() -> None:
    async with on_stage("sim-delay-5") as (on, client):
        client.writer.write(request(body=BODY) + request("GET", "/v1/models") + request(body=BODY))
        assert await settles(lambda: on.calls("first") == 1)
        client.close()
        assert await on.quiet(1.0)
        assert on.calls("first") == 1
        assert len(await on.records(1)) == 1


# --- how it ends ---


async def test_client_that_leaves_is_noticed_at_once() -> None:
    async with on_stage("sim-delay-5") as (on, client):
        client.send(chat("m"))
        assert await settles(lambda: on.calls("first") == 1)
        client.close()
        async with asyncio.timeout(0.5):
            (record,) = await on.records(1)
        assert record["http.response.status_code"] == 499
        assert record["duration_s"] < 0.5


async def test_client_that_closes_its_half_has_left() -> None:
    async with on_stage("sim-delay-5") as (on, client):
        client.send(chat("m"))
        client.writer.write_eof()
        assert await client.reader.read() == b""
        assert await on.quiet(1.0)


@pytest.mark.parametrize(
    ("line", "version"),
    [
        pytest.param("connection: close", "1.1", id="asked-to"),
        pytest.param("accept: */*", "1.0", id="http-1.0"),
        pytest.param("connection: keep-alive", "1.0", id="http-1.0-asked-not-to"),
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/v1/models"])
async def test_connection_of_a_last_request_is_closed(line: str, version: str, path: str) -> None:
    async with on_stage() as (_, client):
        method, body = ("POST", BODY) if path == CHAT else ("GET", b"")
        client.writer.write(request(method, path, line, body=body, version=version) + request(body=BODY))
        heard = await client.heard()
        assert (heard.status, heard.headers["connection"]) == (200, "close")
        assert await client.reader.read() == b"", "what came behind it is not answered"


async def test_stream_of_a_last_request_is_whole_before_its_connection_is_closed() -> None:
    async with on_stage() as (_, client):
        heard = await client.ask(chat("m", stream=True), {"connection": "close"})
        heard.check_whole(by="first")
        assert heard.headers["connection"] == "close"
        assert await client.reader.read() == b""


async def test_stream_of_http_1_0_is_no_chunks() -> None:
    async with on_stage() as (_, client):
        client.writer.write(request(body=json.dumps(chat("m", stream=True)).encode(), version="1.0"))
        status, headers = await client.head()
        assert (status, headers["connection"]) == (200, "close")
        assert "transfer-encoding" not in headers
        Heard(status, headers, await client.reader.read()).check_whole(by="first")


# --- other methods ---


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", [CHAT, DEPLOYED])
async def test_proxied_path_takes_post_alone(method: str, path: str) -> None:
    async with on_stage() as (on, client):
        client.writer.write(request(method, path))
        heard = await client.heard()
        assert (heard.status, heard.headers["allow"]) == (405, "POST")
        assert heard.error["code"] == "method_not_allowed"
        assert on.gateway.metric("requests_total", endpoint="chat", model="unknown", status="405") == 1
        (await client.ask(chat("m"))).check_whole(by="first")


async def test_answer_to_head_has_no_body() -> None:
    async with on_stage() as (_, client):
        client.writer.write(request("HEAD"))
        status, headers = await client.head()
        assert (status, headers["allow"]) == (405, "POST")
        assert int(headers["content-length"]) > 0
        (await client.ask(chat("m"))).check_whole(by="first")


@pytest.mark.parametrize("target", ["localhost:443", CHAT, "/livez", "*"])
async def test_tunnel_is_refused_and_holds_nobody_up(target: str) -> None:
    async with on_stage() as (on, client):
        client.writer.write(f"CONNECT {target} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        assert (await client.heard()).status == 400
        (await ask(on.gateway.url, chat("m"))).check_whole(by="first")


async def test_head_of_too_many_lines_is_refused_though_it_is_whole() -> None:
    async with on_stage() as (on, client):
        client.writer.write(request("POST", CHAT, *["a: b"] * 300, body=BODY))
        assert (await client.heard()).status == 400
        assert on.calls("first") == 0


# --- paths with the model's name, and pages of other origins ---


async def test_model_in_the_path_may_hold_a_slash() -> None:
    async with on_stage() as (on, client):
        (await client.ask({"messages": chat("m")["messages"]}, path=DEPLOYED)).check_whole(by="first")
        (record,) = await on.records(1)
        assert record["gen_ai.request.model"] == "team/gpt"


@pytest.mark.parametrize("path", [CHAT, DEPLOYED])
async def test_page_of_a_configured_origin_may_call_every_proxied_path(path: str) -> None:
    async with on_stage(sections=f'[server]\ncors_origins = ["{PAGE}"]\n') as (on, client):
        asking = [f"origin: {PAGE}", "access-control-request-method: POST", "access-control-request-headers: x-a"]
        client.writer.write(request("OPTIONS", path, *asking))
        check_open_to_the_page(preflight := await client.heard())
        assert (preflight.status, preflight.headers["access-control-allow-headers"]) == (200, "x-a")
        for stream in (False, True):
            heard = await client.ask(chat("m", stream=stream), {"origin": PAGE}, path=path)
            heard.check_whole(by="first")
            check_open_to_the_page(heard)
        refusal = await client.ask(b"no JSON", {"origin": PAGE}, path=path)
        assert refusal.status == 400
        check_open_to_the_page(refusal)
        assert on.gateway.metric("requests_total", endpoint="chat", model="m", status="200") == 2


def check_open_to_the_page(heard: Heard) -> None:
    assert heard.headers["access-control-allow-origin"] == PAGE
    assert "Origin" in heard.headers["vary"]


async def test_options_that_are_no_preflight_are_refused_like_any_other_method() -> None:
    async with on_stage(sections=f'[server]\ncors_origins = ["{PAGE}"]\n') as (_, client):
        client.writer.write(request("OPTIONS", CHAT))
        assert (await client.heard()).status == 405


# --- who calls ---


async def test_each_request_of_a_connection_is_its_own_callers() -> None:
    other = "other-key-0123456789"
    keys = f'{KEYS}[[auth.keys]]\nname = "other"\nkey = "{other}"\n'
    async with on_stage(sections=keys) as (on, client):
        seen = []
        for key, model in ((KEY, "m"), (KEY, "m"), (other, "m"), ("no-key-0123456789abc", "m"), (KEY, "none-such")):
            client.send(chat(model), {"authorization": f"Bearer {key}"})
            seen.append((await client.heard()).status)
        assert seen == [200, 200, 200, 401, 404]
        named = [record.get("fairlead.key", "") for record in await on.records(5)]
        assert named == ["tester", "tester", "other", "", "tester"]
