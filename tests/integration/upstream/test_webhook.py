"""Alerts on their way to a receiver on a real socket: what it gets, what is tried again, and what nobody waits for."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.core.ports import Clock
from proxy.core.secret import Secret
from proxy.core.snapshot import Alerts
from proxy.telemetry.alerts import RETRY_AFTER_S, TEST_ALERT, Posted, posted
from proxy.upstream.webhook import Webhook, deliver, make_client
from tests.fakes.clock import StillClock
from tests.fakes.rawserver import Handler, Peer, RawServer, Received, refused_url, response, silence, slow
from tests.fakes.upstream_calls import settles

ROOT = Path(__file__).parents[3]
SECRET = "a-secret-of-the-receiver"
GOOD = response(b"thanks")
Verify = Callable[[str, Mapping[str, str], bytes], bool]


class Receiver:
    """Answers each delivery with the next of its answers, the last of them for ever."""

    def __init__(self, *answers: bytes) -> None:
        self.got: list[Received] = []
        self._answers = list(answers)

    async def __call__(self, peer: Peer) -> None:
        request = await peer.request()
        self.got.append(request)
        await peer.send(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])
        peer.close()

    def bodies(self) -> list[dict[str, object]]:
        return [json.loads(request.body) for request in self.got]


def headers_of(request: Received) -> dict[str, str]:
    lines = request.head.decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}


def settings(url: str, *, secret: str | None = SECRET) -> Alerts:
    return Alerts(Secret(url), Secret(secret) if secret else None)


def alert(number: int = 0) -> Posted:
    return posted(TEST_ALERT, f"id-{number}", 1_795_176_000.0)


@asynccontextmanager
async def running(url: str, clock: Clock, *, capacity: int = 100, delivery_s: float = 5.0) -> AsyncIterator[Webhook]:
    webhook = Webhook(lambda: settings(url), clock, capacity, delivery_s)
    task = asyncio.create_task(webhook.run())
    yield webhook
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def documented_verification() -> Verify:
    """Run the snippet of the page that tells receivers how to verify."""
    page = (ROOT / "docs/operations.md").read_text()
    (snippet,) = [text for text in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "is_genuine" in text]
    names: dict[str, Verify] = {}
    exec(snippet, names)
    return names["is_genuine"]


class Now(StillClock):
    """Its wall clock is the machine's, as the receiver's is."""

    def wall(self) -> float:
        return time.time()


async def test_a_delivery_is_a_signed_post_that_the_documented_snippet_verifies() -> None:
    receiver = Receiver(GOOD)
    async with RawServer(receiver) as server, running(f"{server.url}/hook?team=1", Now()) as webhook:
        webhook.put(alert())
        assert await settles(lambda: len(receiver.got) == 1)
    (request,) = receiver.got
    headers = headers_of(request)
    assert request.head.startswith(b"POST /hook?team=1 HTTP/1.1\r\n")
    assert headers["content-type"] == "application/json"
    is_genuine = documented_verification()
    assert is_genuine(SECRET, headers, request.body)
    assert not is_genuine(SECRET, headers, request.body + b" ")
    assert not is_genuine("another-secret-of-16", headers, request.body)
    assert not is_genuine(SECRET, headers | {"x-fairlead-timestamp": "1795176000"}, request.body)
    assert json.loads(request.body)["event"] == "test"


async def test_what_fails_for_a_while_is_tried_again_with_the_same_body_and_a_new_time() -> None:
    receiver = Receiver(response(b"", status=b"503 Busy"), response(b"", status=b"429 Slow Down"), GOOD)
    clock = StillClock(1_795_176_000.0)
    async with RawServer(receiver) as server, running(server.url, clock) as webhook:
        webhook.put(alert(1))
        webhook.put(alert(2))
        assert await settles(lambda: len(receiver.got) == 4)
    assert [body["id"] for body in receiver.bodies()] == ["id-1", "id-1", "id-1", "id-2"]
    stamps = [headers_of(request)["x-fairlead-timestamp"] for request in receiver.got]
    assert stamps == ["1795176000", "1795176001", "1795176005", "1795176005"]
    assert webhook.failed == 0


async def test_what_never_succeeds_is_given_up_after_five_tries_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    receiver, clock = Receiver(response(b"no secret here", status=b"500 Broken")), StillClock()
    async with RawServer(receiver) as server, running(f"{server.url}/token-of-the-url", clock) as webhook:
        webhook.put(alert())
        assert await settles(lambda: webhook.failed == 1)
    assert (len(receiver.got), tuple(clock.slept_s)) == (5, RETRY_AFTER_S)
    assert "could not be delivered to the webhook in 5 tries: status 500" in caplog.text
    assert "token-of-the-url" not in caplog.text and "no secret here" not in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(response(b"", status=b"400 Bad Request"), id="refused"),
        pytest.param(response(b"", status=b"404 Not Found"), id="not-there"),
        pytest.param(response(b"", status=b"410 Gone"), id="gone"),
    ],
)
async def test_what_the_receiver_refuses_is_final(answer: bytes) -> None:
    receiver, clock = Receiver(answer), StillClock()
    async with RawServer(receiver) as server, running(server.url, clock) as webhook:
        webhook.put(alert())
        assert await settles(lambda: webhook.failed == 1)
    assert (len(receiver.got), clock.slept_s) == (1, [])


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary Redirect", b"308 Permanent Redirect"])
async def test_a_redirect_is_not_followed(status: bytes) -> None:
    elsewhere = Receiver(GOOD)
    async with RawServer(elsewhere) as other:
        receiver = Receiver(response(b"", b"Location: " + other.url.encode(), status=status))
        async with RawServer(receiver) as server, running(server.url, StillClock()) as webhook:
            webhook.put(alert())
            assert await settles(lambda: webhook.failed == 1)
    assert (len(receiver.got), elsewhere.got) == (1, [])


async def test_a_receiver_that_is_not_there_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    clock = StillClock()
    async with running(refused_url(), clock) as webhook:
        webhook.put(alert())
        assert await settles(lambda: webhook.failed == 1)
    assert tuple(clock.slept_s) == RETRY_AFTER_S
    assert "not reached (ConnectError)" in caplog.text


async def test_a_silent_receiver_is_not_waited_for_beyond_the_time_of_a_delivery(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = StillClock()
    async with RawServer(silence()) as server, running(server.url, clock, delivery_s=0.05) as webhook:
        webhook.put(alert())
        assert await settles(lambda: webhook.failed == 1)
    assert tuple(clock.slept_s) == RETRY_AFTER_S
    assert "no answer in time" in caplog.text


async def test_an_answer_that_does_not_end_counts_by_its_status() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"

    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(head, b"ok")
        await peer.gone()

    async with RawServer(endless) as server, make_client() as client:
        delivery = await deliver(client, settings(server.url), alert(), 1.0, 0.2)
    assert delivery == (200, "ok")


async def test_of_a_long_answer_only_the_beginning_is_read() -> None:
    receiver = Receiver(response(b"x" * 1_000_000))
    async with RawServer(receiver) as server, make_client() as client:
        delivery = await deliver(client, settings(server.url), alert(), 1.0)
    assert delivery == (200, "x" * 1024)


async def test_a_slow_answer_is_waited_for() -> None:
    async with RawServer(slow(GOOD, gap_s=0.001)) as server, make_client() as client:
        assert await deliver(client, settings(server.url), alert(), 1.0) == (200, "thanks")


async def test_without_a_secret_the_body_is_sent_unsigned() -> None:
    receiver = Receiver(GOOD)
    async with RawServer(receiver) as server, make_client() as client:
        await deliver(client, settings(server.url, secret=None), alert(), 1.0)
    assert "x-fairlead-signature" not in headers_of(receiver.got[0])


async def test_putting_never_waits_and_the_oldest_make_room(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(GOOD)
    async with RawServer(receiver) as server, running(server.url, StillClock(), capacity=3) as webhook:
        for number in range(10):
            webhook.put(alert(number))
        assert receiver.got == []
        assert await settles(lambda: len(receiver.got) == 3)
    assert [body["id"] for body in receiver.bodies()] == ["id-7", "id-8", "id-9"]
    assert webhook.dropped == 7
    assert "dropped" in caplog.text


async def test_without_a_webhook_nothing_is_queued_and_one_that_is_taken_away_ends_the_tries() -> None:
    receiver = Receiver(response(b"", status=b"503 Busy"))
    now: list[Alerts] = [Alerts()]

    class Taking(StillClock):
        async def sleep(self, delay_s: float) -> None:
            now[0] = Alerts()
            await super().sleep(delay_s)

    seen: list[Alerts] = []

    def in_force() -> Alerts:
        seen.append(now[0])
        return now[0]

    webhook = Webhook(in_force, Taking())
    task = asyncio.create_task(webhook.run())
    webhook.put(alert(1))
    async with RawServer(receiver) as server:
        now[0] = settings(server.url)
        webhook.put(alert(2))
        assert await settles(lambda: seen[-1].webhook_url is None)
        now[0] = settings(server.url)
        webhook.put(alert(3))
        assert await settles(lambda: len(receiver.got) == 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [body["id"] for body in receiver.bodies()] == ["id-2", "id-3"]


async def test_an_address_that_cannot_be_sent_to_is_a_failure_and_the_next_alert_is_delivered() -> None:
    receiver = Receiver(GOOD)
    urls = ["http://127.0.0.1:99999/", ""]
    async with RawServer(receiver) as server:
        urls[1] = server.url
        webhook = Webhook(lambda: settings(urls[0]), StillClock())
        task = asyncio.create_task(webhook.run())
        webhook.put(alert(1))
        assert await settles(lambda: webhook.failed == 1)
        urls[0] = urls[1]
        webhook.put(alert(2))
        assert await settles(lambda: len(receiver.got) == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert receiver.bodies()[0]["id"] == "id-2"


def cut(status: bytes) -> Handler:
    """End the connection in the middle of the head."""

    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(status)
        peer.close()

    return handle


async def test_an_answer_that_is_cut_is_no_answer() -> None:
    async with RawServer(cut(b"HTTP/1.1 20")) as server, make_client() as client:
        delivery = await deliver(client, settings(server.url), alert(), 1.0)
    assert delivery == (None, "not reached (RemoteProtocolError)")
