"""DESIGN.md section 8: the record of a request as its ledger gets it, for every way in which a request ends."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import pytest

from proxy.core.errors import LedgerFull
from proxy.core.records import CloseRecord, OpenRecord
from proxy.core.usage import Usage
from tests.fakes.clock import ShiftedClock
from tests.fakes.gateway import RunningGateway
from tests.fakes.rawserver import Handler, Peer
from tests.fakes.rawstreams import HEAD, cut, streaming
from tests.fakes.rawstreams import said as spoken
from tests.fakes.wireclient import WireClient, chat
from tests.integration.contracts.scene import Witness, ask, model, providers, refused, said, scene, streamed

KEY = "client-key-0123456789"
GUARDED = f'[[auth.keys]]\nname = "ci"\nkey = "{KEY}"\nrpm = 100\ntpm = 100_000\nparallel = 5\nbudget_usd_day = 10\n'
PRICES = '[prices."a/up"]\ninput_usd_per_mtok = 2\noutput_usd_per_mtok = 10\n[prices."b/up"]\ninput_usd_per_mtok = 4\n'
PRICES += "output_usd_per_mtok = 20\n"
TWO = GUARDED + PRICES + providers("a", "b") + model("a", "b")
AUTH = {"authorization": f"Bearer {KEY}"}
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'
HI = spoken("Hi")[0]
SOON_S = 2.0


@dataclass(slots=True)
class Ledger:
    """Implements `UsageSink`. With `is_full` it takes no request that has not begun."""

    told: list[OpenRecord | CloseRecord] = field(default_factory=list)
    is_full: bool = False

    def open(self, record: OpenRecord) -> None:
        if self.is_full:
            raise LedgerFull("full", retry_after_s=5.0)
        self.told.append(record)

    def close(self, record: CloseRecord) -> None:
        self.told.append(record)

    async def closed(self) -> CloseRecord:
        """The record of the one request, once it has ended."""
        async with asyncio.timeout(SOON_S):
            while not self.told or isinstance(self.told[-1], OpenRecord):
                await asyncio.sleep(0.01)
        record = self.told[-1]
        assert isinstance(record, CloseRecord)
        assert sum(isinstance(row, CloseRecord) for row in self.told) == 1
        return record


def kept(gateway: RunningGateway, *, is_full: bool = False) -> Ledger:
    ledger = Ledger(is_full=is_full)
    gateway.parts.edge.engine.sink = ledger
    return ledger


def check_given_back(gateway: RunningGateway, spent_nusd: int | None) -> None:
    """Hold that the key has nothing in flight or in reserve, and that this much is spent."""
    use = gateway.parts.state.keys.uses["ci"]
    assert (use.in_flight, use.days.first.reserved_nusd) == (0, 0)
    assert use.days.first.spent_nusd == (spent_nusd or 0)


def passing(clock: ShiftedClock, seconds: float, then: Handler) -> Handler:
    """Let time pass before an upstream answers."""

    async def handle(peer: Peer) -> None:
        clock.advance(seconds)
        await then(peer)

    return handle


async def test_record_of_a_failover_has_every_field_and_times_since_the_arrival() -> None:
    clock = ShiftedClock()
    slow = passing(clock, 2.0, Witness(refused(500)))
    async with scene(TWO, clock=clock, a=slow, b=passing(clock, 3.0, Witness(said()))) as gateway:
        ledger, began_s = kept(gateway), clock.wall()
        heard = await ask(gateway, headers={**AUTH, "x-fairlead-tags": "one"})
        closed = await ledger.closed()
        check_given_back(gateway, 52_000)
    assert (closed.request_id, closed.key) == (heard.headers["x-fairlead-request-id"], "ci")
    assert (closed.endpoint, closed.model, closed.tags, closed.stream) == ("chat", "m", ("one",), False)
    assert (closed.end, closed.status, closed.error) == ("ok", 200, "")
    assert (closed.provider, closed.upstream_model, closed.usage) == ("b", "up", Usage(3, 2))
    assert (closed.cost_nusd, closed.price) == (52_000, "configured")
    times = [(row.began_s, row.ended_s) for row in closed.attempts]
    assert times == [pytest.approx((0.0, 2.0), abs=0.5), pytest.approx((2.0, 5.0), abs=0.5)]
    assert [(row.provider, row.model, row.credential) for row in closed.attempts] == [
        ("a", "up", "key-1"),
        ("b", "up", "key-1"),
    ]
    assert [(row.outcome, row.status) for row in closed.attempts] == [("server_error", 500), ("ok", None)]
    assert closed.first_token_s == pytest.approx(5.0, abs=0.5)
    assert closed.started_at_s == pytest.approx(began_s, abs=0.5)
    assert closed.ended_at_s == pytest.approx(began_s + 5.0, abs=0.5)


async def test_request_that_was_never_sent_is_a_close_alone_and_takes_nothing() -> None:
    away = refused(429, "slow down", b"Retry-After: 60")
    async with scene(TWO, a=Witness(away), b=Witness(away)) as gateway:
        await ask(gateway, headers=AUTH)
        ledger = kept(gateway)
        assert (await ask(gateway, headers=AUTH)).status == 429
        closed = await ledger.closed()
        check_given_back(gateway, 0)
    assert [type(row) for row in ledger.told] == [CloseRecord]
    assert (closed.end, closed.status, closed.error) == ("failed", 429, "rate_limit_exceeded")
    assert (closed.provider, closed.attempts, closed.first_token_s, closed.usage) == ("", [], None, None)


async def test_truncated_stream_is_charged_what_was_reported_before_the_cut() -> None:
    async with scene(TWO, a=streaming(HI, USAGE, ending=cut, gap_s=0.03), b=Witness(said())) as gateway:
        ledger = kept(gateway)
        (await ask(gateway, headers=AUTH, stream=True)).check_cut("Hi")
        closed = await ledger.closed()
        check_given_back(gateway, closed.cost_nusd)
    assert (closed.end, closed.status, closed.stream) == ("truncated", 200, True)
    assert (closed.usage, closed.cost_nusd) == (Usage(3, 2), 26_000)
    assert [(row.outcome, row.maybe_billed) for row in closed.attempts] == [("truncated", True)]


async def test_truncated_stream_without_usage_is_charged_an_estimate() -> None:
    async with scene(TWO, a=streaming(HI, ending=cut, gap_s=0.03), b=Witness(said())) as gateway:
        ledger = kept(gateway)
        await ask(gateway, headers=AUTH, stream=True)
        closed = await ledger.closed()
        check_given_back(gateway, closed.cost_nusd)
    assert closed.usage is not None
    assert closed.usage.estimated
    assert closed.usage.prompt_tokens > 0 and closed.usage.completion_tokens >= 1


@pytest.mark.parametrize("stream", [pytest.param(True, id="stream"), pytest.param(False, id="whole")])
async def test_client_that_leaves_before_the_commit_is_charged_its_prompt(stream: bool) -> None:
    asked = asyncio.Event()

    async def say_nothing(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await peer.gone()

    async with scene(TWO, a=say_nothing, b=Witness(said())) as gateway:
        ledger = kept(gateway)
        async with WireClient(gateway.url) as client:
            client.send(chat("m", stream=stream), AUTH)
            await asyncio.wait_for(asked.wait(), SOON_S)
        closed = await ledger.closed()
        await asyncio.sleep(0)
        check_given_back(gateway, closed.cost_nusd)
    assert (closed.end, closed.status, closed.first_token_s, closed.provider) == ("client_gone", 499, None, "a")
    assert closed.usage is not None
    assert (closed.usage.estimated, closed.usage.completion_tokens) == (True, 0)
    assert closed.cost_nusd == closed.usage.prompt_tokens * 2_000


async def test_client_that_leaves_a_stream_is_charged_an_estimate_of_what_it_got() -> None:
    async def say_a_little(peer: Peer) -> None:
        await peer.request()
        await peer.send(streamed(HI, HI, head=HEAD).removesuffix(b"0\r\n\r\n"))
        await peer.gone()

    async with scene(TWO, a=say_a_little, b=Witness(said())) as gateway:
        ledger = kept(gateway)
        async with WireClient(gateway.url) as client:
            client.send(chat("m", stream=True), AUTH)
            await client.head()
            await client.chunk()
        closed = await ledger.closed()
        check_given_back(gateway, closed.cost_nusd)
    assert (closed.end, closed.status) == ("client_gone", 200)
    assert closed.first_token_s is not None
    assert closed.usage is not None
    assert closed.usage.estimated and closed.usage.completion_tokens >= 2
    assert closed.cost_nusd is not None and closed.cost_nusd > 0


async def test_failure_after_a_keepalive_is_recorded_with_the_200_that_was_sent() -> None:
    async def late(peer: Peer) -> None:
        await peer.request()
        await asyncio.sleep(0.3)
        await peer.send(refused(500))

    toml = "[server]\nsse_keepalive_s = 0.05\n" + TWO
    async with scene(toml, a=late, b=Witness(said())) as gateway:
        ledger = kept(gateway)
        heard = await ask(gateway, headers=AUTH, stream=True)
        closed = await ledger.closed()
        check_given_back(gateway, 0)
    assert (heard.status, b": " in heard.body or b":\n" in heard.body) == (200, True)
    assert (closed.end, closed.status, closed.error) == ("failed", 200, "upstream_error")
    assert closed.first_token_s is not None
    assert [row.outcome for row in closed.attempts] == ["server_error"]


async def test_unpriced_answers_are_recorded_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    toml = providers("a") + model("a")
    async with scene(toml, a=Witness(said())) as gateway:
        ledger = kept(gateway)
        await ask(gateway)
        await ask(gateway)
        assert gateway.metric("unpriced_requests_total", provider="a", model="m") == 2
        assert gateway.metric("cost_usd_total", provider="a", model="m") == 0
    closed = [row for row in ledger.told if isinstance(row, CloseRecord)]
    assert [(row.cost_nusd, row.price, row.usage) for row in closed] == [(None, "", Usage(3, 2))] * 2
    alerts = [record for record in caplog.records if record.name == "fairlead.alerts"]
    assert [record.getMessage().partition(":")[0] for record in alerts] == [
        "no price is known for the model up of provider a"
    ]


@pytest.mark.parametrize(
    ("kind", "nusd", "price"),
    [
        pytest.param("openrouter", 1_234, "reported", id="believed"),
        pytest.param("openai_compatible", 26_000, "configured", id="not-believed"),
    ],
)
async def test_reported_cost_is_taken_from_who_is_believed(kind: str, nusd: int, price: str) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "cost": 0.000001234}
    toml = PRICES.partition('[prices."b')[0] + providers("a", kind=kind) + model("a")
    async with scene(toml, a=Witness(said(usage=usage))) as gateway:
        ledger = kept(gateway)
        heard = await ask(gateway)
        closed = await ledger.closed()
    assert (closed.cost_nusd, closed.price) == (nusd, price)
    assert heard.headers["x-fairlead-cost-usd"] == f"{nusd / 1e9:.9f}".rstrip("0")


async def test_embeddings_without_usage_are_estimated_by_their_input() -> None:
    answer = said(usage=None, object="list", data=[{"object": "embedding", "index": 0, "embedding": [0.5]}])
    toml = PRICES.partition('[prices."b')[0] + providers("a") + model("a")
    async with scene(toml, a=Witness(answer)) as gateway:
        ledger = kept(gateway)
        heard = await ask(gateway, path="/v1/embeddings", input="x" * 400)
        assert heard.status == 200
        closed = await ledger.closed()
    assert closed.usage is not None
    assert (closed.endpoint, closed.usage.estimated, closed.usage.completion_tokens) == ("embeddings", True, 0)
    assert closed.usage.prompt_tokens > 100
    assert closed.cost_nusd == closed.usage.prompt_tokens * 2_000


async def test_full_ledger_refuses_before_anything_is_sent_and_gives_everything_back() -> None:
    witness = Witness(said())
    async with scene(TWO, a=witness, b=Witness(said())) as gateway:
        ledger = kept(gateway, is_full=True)
        heard = await ask(gateway, headers=AUTH)
        view = gateway.parts.state.view
        assert (view.in_flight, view.provider_in_flight) == ({}, {})
        check_given_back(gateway, 0)
        assert gateway.parts.edge.engine.metrics.registry.get_sample_value("fairlead_attempts_total") is None
        ledger.is_full = False
        assert (await ask(gateway, headers=AUTH)).trail == "a=ok"
    assert (heard.status, heard.error["code"], heard.retry_after_s) == (503, "ledger_full", 5)
    assert (heard.headers["x-fairlead-attempts"], "x-fairlead-trail" in heard.headers) == ("0", False)
    assert "x-should-retry" not in heard.headers
    assert [type(row) for row in ledger.told] == [OpenRecord, CloseRecord]
    assert witness.calls == 1


async def test_request_whose_body_took_long_is_filed_under_the_moment_that_its_id_begins_with() -> None:
    """Lists of requests go by the id, sums of a day by the start: what is in the one must be in the other."""
    clock, body = ShiftedClock(), json.dumps(chat("m")).encode()
    async with (
        scene(TWO, clock=clock, a=Witness(said()), b=Witness(said())) as gateway,
        WireClient(gateway.url) as client,
    ):
        ledger = kept(gateway)
        client.begin(len(body), AUTH)
        async with asyncio.timeout(SOON_S):
            while not gateway.parts.edge.admission.in_flight:
                await asyncio.sleep(0.01)
        clock.advance(20.0)
        client.writer.write(body)
        heard = await client.heard()
        closed = await ledger.closed()
    assert (heard.status, heard.headers["x-fairlead-request-id"]) == (200, closed.request_id)
    assert int(closed.started_at_s * 1000) == int(closed.request_id[4:16], 16)
    assert closed.ended_at_s - closed.started_at_s > 19.0
