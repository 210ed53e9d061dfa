"""`sse_keepalive_s`: what a stream says while its upstream is silent, and what that costs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from proxy.core.ports import Clock
from proxy.core.records import CloseRecord, OpenRecord
from proxy.simulator.app import simulator_app
from proxy.state.clock import SystemClock
from tests.fakes.gateway import RunningGateway, gateway
from tests.fakes.heard import DONE, Heard
from tests.fakes.rawserver import Peer, RawServer, response
from tests.fakes.serving import serve
from tests.fakes.wireclient import WireClient, ask, chat

EVERY_S = 0.25
COMMENT = b": keep-alive\n\n"


class Dozing(SystemClock):
    """A clock whose sleepers sleep until `wake`, and then find that much time has passed."""

    def __init__(self) -> None:
        self._asleep: list[asyncio.Future[None]] = []
        self._ahead_s = 0.0

    def now(self) -> float:
        return super().now() + self._ahead_s

    async def sleep(self, delay_s: float) -> None:
        self._asleep.append(asyncio.get_running_loop().create_future())
        await self._asleep[-1]

    def wake(self) -> None:
        self._ahead_s += 60.0
        for sleeper in self._asleep:
            sleeper.set_result(None)


@dataclass(slots=True)
class Rousing:
    """Implements `UsageSink`: wakes who sleeps when a request closes."""

    clock: Dozing
    statuses: list[int] = field(default_factory=list)

    def open(self, record: OpenRecord) -> None:
        """Nothing is kept of it."""

    def close(self, record: CloseRecord) -> None:
        self.statuses.append(record.status)
        self.clock.wake()


@asynccontextmanager
async def talkative(
    first: str, *, every_s: float = EVERY_S, clock: Clock | None = None
) -> AsyncIterator[RunningGateway]:
    """A gateway whose first provider does what the phrase says, and whose second is always well."""
    async with serve(simulator_app()) as url:
        providers = "".join(
            f'[providers.{name}]\nkind = "openai_compatible"\nbase_url = "{url}/{name}/v1"\n'
            for name in ("first", "second")
        )
        candidates = f"""[
          {{ provider = "first", model = "{first}" }},
          {{ provider = "second", model = "sim-ok" }},
        ]"""
        toml = f"[server]\nsse_keepalive_s = {every_s}\n{providers}\n[models.m]\ncandidates = {candidates}"
        async with gateway(toml, clock=clock) as running:
            yield running


async def test_silence_is_filled_with_comments_and_the_answer_is_whole() -> None:
    async with talkative("sim-delay-1") as running, WireClient(running.url) as client:
        client.send(chat("m", stream=True))
        began_s = asyncio.get_running_loop().time()
        status, headers = await client.head()
        assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert await client.chunk() == COMMENT
        assert asyncio.get_running_loop().time() - began_s < 0.9
        body = COMMENT + await client.body(headers)
        assert body.count(COMMENT) > 1
        rest = body.replace(COMMENT, b"")
        assert rest.startswith(b"data: ")
        assert rest.endswith(f"data: {DONE}\n\n".encode())
        assert running.metric("attempts_total", provider="first", model="m", outcome="ok") == 1


async def test_comments_stand_between_whole_events_of_a_slow_stream() -> None:
    async with talkative("sim-rate-1.5-tokens-2") as running:
        heard = await ask(running.url, chat("m", stream=True))
        assert heard.body.count(COMMENT) >= 2
        heard.check_clean()
        assert "x-fairlead-provider" not in heard.headers  # nobody had answered when they were sent
        assert running.metric("attempts_total", provider="first", model="m", outcome="ok") == 1


async def test_failure_after_a_comment_is_an_error_event_and_no_other_provider_answers() -> None:
    async with talkative("sim-500-delay-0.6") as running:
        heard = await ask(running.url, chat("m", stream=True))
        assert heard.status == 200
        assert heard.body.startswith(COMMENT)
        assert DONE not in heard.events
        (chunk,) = heard.chunks
        assert chunk["error"]["code"] == "upstream_error"
        assert running.metric("attempts_total", provider="first", model="m", outcome="server_error") == 1
        assert running.metric("attempts_total", provider="second", model="m", outcome="ok") == 0


async def test_json_that_no_stream_can_be_made_of_is_an_error_event_after_a_comment() -> None:
    body = b'{"created":1,"data":[{"b64_json":"AAAA"}]}'

    async def answer_late(peer: Peer) -> None:
        await peer.request()
        await asyncio.sleep(2 * EVERY_S)
        await peer.send(response(body, b"Content-Type: application/json"))
        await peer.gone()

    async with RawServer(answer_late) as server:
        toml = f"""
        server.sse_keepalive_s = {EVERY_S}
        providers.first = {{ kind = "openai_compatible", base_url = "{server.url}/v1" }}
        models.m = {{ model = "up", providers = ["first"] }}
        """
        async with gateway(toml) as running:
            asked = {"model": "m", "prompt": "a boat", "stream": True}
            answer = await running.client.post("/v1/images/generations", json=asked)
            heard = Heard(answer.status_code, answer.headers, answer.content)
            assert heard.body.startswith(COMMENT)
            heard.check_cut("")
            assert running.metric("streams_truncated_total", provider="first") == 1


async def test_failure_before_the_first_comment_fails_over_as_ever() -> None:
    async with talkative("sim-500", every_s=5) as running:
        (await ask(running.url, chat("m", stream=True))).check_whole(by="second")


async def test_comment_that_is_due_when_all_is_lost_does_not_make_a_success_of_it() -> None:
    clock = Dozing()
    async with talkative("sim-500", every_s=5, clock=clock) as running:
        running.parts.edge.engine.sink = ledger = Rousing(clock)
        heard = await ask(running.url, chat("m", stream=True), {"x-fairlead-no-failover": "true"})
        assert [heard.status] == ledger.statuses == [502]
        assert heard.error["code"] == "upstream_error"


async def test_answer_that_is_no_stream_gets_no_comment() -> None:
    async with talkative("sim-delay-0.6") as running:
        (await ask(running.url, chat("m"))).check_whole(by="first")


async def test_nothing_is_said_in_silence_unless_it_is_asked_for() -> None:
    async with talkative("sim-delay-0.6", every_s=0) as running:
        heard = await ask(running.url, chat("m", stream=True))
        assert not heard.body.startswith(b":")
        assert COMMENT not in heard.body
        heard.check_whole(by="first")


async def test_client_that_leaves_between_comments_frees_the_upstream() -> None:
    async with talkative("sim-delay-30") as running:
        async with WireClient(running.url) as client:
            client.send(chat("m", stream=True))
            await client.head()
            assert await client.chunk() == COMMENT
            assert running.metric("in_flight_requests", model="m") == 1
        async with asyncio.timeout(1):
            while running.metric("in_flight_requests", model="m"):
                await asyncio.sleep(0.01)
        assert not running.parts.state.view.in_flight
