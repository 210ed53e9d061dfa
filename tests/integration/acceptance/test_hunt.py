"""A whole gateway between clients and upstreams that all misbehave at random, and what must be true all the same.

Each request carries a mark of its own, which the upstream repeats: nobody hears another's answer, what says that it is
whole is whole, and every record, cost, counter, connection and task is accounted for. A seed decides all that is drawn;
times and the order in which things happen stay the machine's.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import pytest

from proxy.core.records import CloseRecord, OpenRecord
from tests.fakes.dialects import SPOKEN
from tests.fakes.echoes import MARK, Echo, Served
from tests.fakes.heard import Heard
from tests.fakes.rawserver import RawServer, chunk, refused_url
from tests.fakes.served import Tariff, mark
from tests.fakes.stage import Stage, Upstream, stage
from tests.fakes.survivors import of_answer, of_stream
from tests.fakes.wireclient import WireClient
from tests.integration.acceptance.scene import PAID_KEY, TEAM_KEY, credentials, nusd
from tests.integration.faults.cases import impatient

SESSIONS = 150
AT_ONCE = 12
LONGEST_S = 12.0  # over the deadline of a request and a stream's idle time
PROVIDERS = (
    ("first", "openai_compatible", "openai_chat", "/v1"),
    ("second", "anthropic", "anthropic", ""),
    ("third", "gemini", "gemini", ""),
)
TARIFFS = {"first": Tariff("3", "15"), "second": Tariff("0.25", "1.1"), "third": Tariff("2", "7")}
SECTIONS = f"""
[server]
body_read_s = 1
write_stall_s = 1
max_body_bytes = 500_000
[auth]
keys = [
  {{ name = "team", key = "{TEAM_KEY}" }},
  {{ name = "paid", key = "{PAID_KEY}", budget_usd_day = 5, parallel = 6 }},
]
[defaults]
deadline_s = 5
breaker = {{ open_s = 0.3, max_open_s = 1 }}
{impatient()}
"""
PATHS: Mapping[str, str] = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "ollama": "/api/chat",
}
# What a whole stream ends with, and nothing else: never an error.
ENDS: Mapping[str, bytes] = {
    "openai_chat": b"data: [DONE]\n\n",
    "openai_responses": b'"type":"response.completed"',
    "anthropic": b'{"type":"message_stop"}\n\n',
    "ollama": b'"done":true',
    "gemini": b'"finishReason":"STOP"',
}


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: its body as it is sent, with the fields that tell how."""

    mark: str
    dialect: str
    stream: bool
    path: str
    body: bytes
    fields: Mapping[str, str]
    is_sound: bool


@dataclass(slots=True, eq=False)
class Ledger:
    """Implements `UsageSink`."""

    opened: list[str] = field(default_factory=list)
    closed: list[CloseRecord] = field(default_factory=list)

    def open(self, record: OpenRecord) -> None:
        self.opened.append(record.request_id)

    def close(self, record: CloseRecord) -> None:
        self.closed.append(record)


def ask_of(number: int, rng: random.Random) -> Ask:
    """Draw a request."""
    name, dialect = mark(number), rng.choice([*PATHS, "gemini"])
    stream, text = rng.random() < 0.6, f"{name} please" + " more" * rng.choice([0, 0, 0, 0, 2_000, 60_000, 900_000])
    said = [{"role": "user", "content": text}]
    path = PATHS.get(dialect, "/v1beta/models/m:" + ("streamGenerateContent?alt=sse" if stream else "generateContent"))
    document: dict[str, object] = {"model": "m", "messages": said, "stream": stream, "max_tokens": 50}
    if dialect == "gemini":
        document = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    elif dialect == "openai_responses":
        document = {"model": "m", "input": text, "stream": stream, "store": False}
    body, key = json.dumps(document).encode(), rng.choice([TEAM_KEY] * 6 + [PAID_KEY] * 3 + ["nobody-0123456789"])
    is_cut = rng.random() < 0.07
    body, fields = framed(body[: rng.randrange(len(body))] if is_cut else body, rng)
    fields |= {"x-fairlead-tags": name, **credentials(key)}
    return Ask(name, dialect, stream, path, body, fields, is_sound=not is_cut and key in (TEAM_KEY, PAID_KEY))


def framed(body: bytes, rng: random.Random) -> tuple[bytes, dict[str, str]]:
    """Draw how a body is sent: as it is, packed, in chunks, or as the last of its connection."""
    way = rng.random()
    if way < 0.15:
        return gzip.compress(body), {"content-encoding": "gzip"}
    if way < 0.35:
        places = sorted(rng.randrange(len(body) + 1) for _ in range(4))
        pieces = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
        return chunk(*[piece for piece in pieces if piece]) + b"0\r\n\r\n", {"transfer-encoding": "chunked"}
    return body, {"connection": "close"} if way < 0.5 else {}


def written(ask: Ask) -> bytes:
    """The request as bytes."""
    length = {} if "transfer-encoding" in ask.fields else {"content-length": str(len(ask.body))}
    fields = {"host": "localhost", "content-type": "application/json", **length, **ask.fields}
    lines = [f"POST {ask.path} HTTP/1.1", *[f"{name}: {value}" for name, value in fields.items()], "", ""]
    return "\r\n".join(lines).encode() + ask.body


@dataclass(slots=True, eq=False)
class Hunt:
    """One run.

    Attributes:
        heard: By mark: whole HTTP answers, however they ended.
        reload: Reads the configuration again: the providers are others then, though they are called the same.
        cut: Marks of those whose connection ended first, though they did nothing to deserve it.
    """

    on: Stage
    reload: Callable[[], object]
    rng: random.Random
    served: list[Served]
    ledger: Ledger = field(default_factory=Ledger)
    asked: dict[str, Ask] = field(default_factory=dict)
    heard: dict[str, Heard] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)

    def next(self) -> Ask:
        ask = ask_of(len(self.asked), self.rng)
        self.asked[ask.mark] = ask
        return ask

    async def session(self, room: asyncio.Semaphore) -> None:
        ways = [self._in_turn] * 3 + [self._at_once, self._leaving, self._leaving, self._dripping]
        async with room, asyncio.timeout(LONGEST_S), WireClient(self.on.gateway.url) as client:
            await self.rng.choice(ways)(client)

    async def _in_turn(self, client: WireClient) -> None:
        for _ in range(self.rng.choice([1, 2, 4])):
            ask = self.next()
            client.writer.write(written(ask))
            if not await self._hear(client, ask):
                return

    async def _at_once(self, client: WireClient) -> None:
        asks = [self.next() for _ in range(self.rng.choice([2, 5]))]
        client.writer.write(b"".join(map(written, asks)))
        for ask in asks:
            if not await self._hear(client, ask):
                return

    async def _leaving(self, client: WireClient) -> None:
        """Gone at a random byte: of the request, or of its answer."""
        message = written(self.next())
        client.writer.write(message[: self.rng.choice([len(message), self.rng.randrange(len(message))])])
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(self.rng.choice([0, 0.01, 0.1])):
                await client.reader.read(self.rng.choice([1, 400, 3000]))
        if self.rng.random() < 0.5:
            client.reset()

    async def _dripping(self, client: WireClient) -> None:
        ask = self.next()
        message = written(ask)
        step = len(message) // 9 + 1
        for at in range(0, len(message), step):
            client.writer.write(message[at : at + step])
            await asyncio.sleep(0.005)
        await self._hear(client, ask)

    async def _hear(self, client: WireClient, ask: Ask) -> bool:
        """Hear one answer; whether another may be asked for on the connection."""
        try:
            heard = await client.heard(LONGEST_S)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.cut.append(ask.mark)
            return False
        self.heard[ask.mark] = heard
        return "connection" not in heard.headers

    async def meddle(self) -> None:
        """What an operator does meanwhile."""
        state, rng, clock = self.on.gateway.parts.state, self.rng, self.on.clock
        while True:
            await asyncio.sleep(rng.uniform(0.0, 0.1))
            acts: list[Callable[[], object]] = [
                self.reload,
                partial(clock.advance, 0.4),
                partial(state.disable, "first"),
                partial(state.advance_pointer, self.on.gateway.parts.edge.engine.snapshot.models["m"], clock.now()),
            ]
            rng.choice(acts)()
            state.enable("first")
            state.clear()

    # Afterwards.

    def check(self) -> None:
        records = {tag: record for record in self.ledger.closed for tag in record.tags}
        assert len(records) == len(self.ledger.closed), "a request has one record"
        assert Counter(self.ledger.opened).keys() <= {record.request_id for record in self.ledger.closed}
        assert len(set(self.ledger.opened)) == len(self.ledger.opened)
        assert {served.mark for served in self.served} <= records.keys(), "what reached an upstream has a record"
        assert not self.cut
        for name, heard in self.heard.items():
            self._check_heard(self.asked[name], heard, records.get(name))
        for name, record in records.items():
            if record.end == "ok" and record.usage is not None and not record.usage.estimated:
                self._check_cost(name, record)
        spent = sum(record.cost_nusd or 0 for record in records.values() if record.key == "paid")
        use = self.on.gateway.parts.state.keys.uses["paid"]
        assert (use.in_flight, use.days.first.spent_nusd, use.days.first.reserved_nusd) == (0, spent, 0)

    def _check_heard(self, ask: Ask, heard: Heard, record: CloseRecord | None) -> None:
        found = {name.decode() for name in MARK.findall(heard.body)}
        assert found <= {ask.mark}, "an answer of somebody else's"
        dialect = SPOKEN[ask.dialect]
        if heard.status != 200:
            assert json.loads(heard.body)["error"]
            assert record is None or (record.end, record.status) == ("failed", heard.status), (ask, record)
            assert ask.is_sound or heard.status in (400, 401, 413, 415, 503), heard
            return
        assert record is not None
        assert record.request_id == heard.headers["x-fairlead-request-id"]
        texts = [served.text for served in self.served if (served.mark, served.provider) == (ask.mark, record.provider)]
        if not ask.stream:
            text = of_answer(dialect.decode_answer(heard.body), dialect.loses)["text"]
        elif ENDS[ask.dialect] not in heard.body:
            assert json.loads(heard.body.strip().rpartition(b"\n")[2].removeprefix(b"data: "))["error"]
            assert record.end == "truncated", record
            return
        else:
            assert heard.body.count(ENDS[ask.dialect]) == 1, heard
            text = of_stream(dialect.parts(dialect.events([heard.body])), dialect.loses)["text"]
        assert record.end == "ok", record
        assert text in ["".join(said.split()) for said in texts], (text, texts)

    def _check_cost(self, name: str, record: CloseRecord) -> None:
        tariff = TARIFFS[record.provider]
        costs = [nusd(tariff.usd(each.usage)) for each in self.served if each.mark == name]
        assert record.cost_nusd in costs, (record, costs)


@asynccontextmanager
async def between(seed: int, transport: str) -> AsyncIterator[Hunt]:
    """A gateway before three upstreams that spoil a part of what they say, and one that is not there."""
    rng, served = random.Random(seed), list[Served]()
    more = f'transport = "{transport}"\n'
    echoes = [Echo(name, dialect, rng, served) for name, _, dialect, _ in PROVIDERS]
    prices = "".join(TARIFFS[name].toml(f"{name}/up") for name, *_ in PROVIDERS)
    async with AsyncExitStack() as stack:
        upstreams = [Upstream("dead", "up", refused_url(), priority=1, more=more)]
        for echo, (name, kind, _, path) in zip(echoes, PROVIDERS, strict=True):
            server = await stack.enter_async_context(RawServer(echo))
            upstreams.append(Upstream(name, "up", server.url + path, kind, priority=1, more=more))
        sections = SECTIONS + prices + '[prices."dead/up"]\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 1\n'
        model = 'rotation = "round_robin"'
        on = await stack.enter_async_context(stage(*upstreams, sections=sections, model=model))
        hunt = Hunt(on, partial(on.publish, *upstreams, sections=sections, model=model), rng, served)
        on.gateway.parts.edge.engine.sink = hunt.ledger
        yield hunt
        assert await on.quiet(LONGEST_S), on.gateway.parts.state.view
        assert not [request for echo in echoes for request in echo.mixed]
        hunt.check()


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("transport", ["native", "httpx"])
@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_clients_and_upstreams_do_everything_is_accounted_for(
    seed: int, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    troubles: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    async with between(seed, transport) as hunt:
        room = asyncio.Semaphore(AT_ONCE)
        meddling = asyncio.create_task(hunt.meddle())
        async with asyncio.TaskGroup() as clients:
            for _ in range(SESSIONS):
                clients.create_task(hunt.session(room))
        meddling.cancel()
        await asyncio.wait([meddling])
    ends = Counter(record.end for record in hunt.ledger.closed)
    print(f"{len(hunt.asked)} asked, {len(hunt.heard)} heard; records: {ends}")
    assert {"ok", "failed"} <= ends.keys()
    assert not troubles
    assert not [record for record in caplog.records if record.exc_info]
