"""The simulated upstream as an ASGI application: one request in, the steps of its reply out.

`simulator_app(scenario)` serves each vendor's endpoints for any number of providers, told apart by the path's first
segment, and the controls under `/_simulator/`. It never opens a connection and never fetches what a request names.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from proxy.core.errors import BodyTooLarge, GatewayError, MalformedRequest, MethodNotAllowed, NotFound, UnknownModel
from proxy.core.ports import Clock
from proxy.simulator import bench
from proxy.simulator.answering import Reply, answer_list, answer_question, refusal
from proxy.simulator.answers import Serial
from proxy.simulator.control import Order, obey
from proxy.simulator.dialects.service import Keys, Service
from proxy.simulator.dialects.table import SERVICES
from proxy.simulator.grammar import PhraseError
from proxy.simulator.journal import (
    Arrival,
    Entry,
    Journal,
    credential_fingerprint,
    header_map,
    shown_headers,
    without_key,
)
from proxy.simulator.paths import CONTROL, Endpoint, Operation, Route, models_route, route_of
from proxy.simulator.performing import Connection, Progress, RealClock, perform
from proxy.simulator.question import ANYBODY, Question, Sent
from proxy.simulator.replies import plain_steps
from proxy.simulator.request import Head, decode
from proxy.simulator.scenario import Scenario
from proxy.simulator.selection import Chosen, Counters, Facts, choose, choose_by_rule
from proxy.wire.jsonbody import split_object

MAX_BODY_BYTES = 64 * 1024 * 1024
_RECORDED_BYTES = 16 * 1024
_route_of = lru_cache(maxsize=1024)(route_of)


def simulator_app(scenario: Scenario | None = None, clock: Clock | None = None) -> Simulator:
    """Make a simulator; without a scenario the models' names alone say what it does."""
    return Simulator(scenario or Scenario(), clock or RealClock())


class Simulator:
    """The application. `scenario` and `journal` may be read by whoever runs it in the same process."""

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        self.scenario = scenario
        self.journal = Journal()
        self._counters = Counters()
        self._clock = clock

    def use(self, scenario: Scenario) -> None:
        """Follow another script from the next request on; its counts begin anew."""
        self.scenario = scenario
        self._counters.clear()

    def reset(self) -> None:
        """Forget every request."""
        self._counters.clear()
        self.journal.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._serve(scope, Connection(receive, send, self._clock))
            case "lifespan":
                await _live(receive, send)
            case _:
                await send({"type": "websocket.close"})

    async def _serve(self, scope: Scope, connection: Connection) -> None:
        try:
            body = await _read_body(connection.receive)
            if body is None:
                return
            if scope["path"].startswith(CONTROL):
                plain = obey(_order(scope, body), self)
            else:
                await self._answer(_checked_route(scope), scope, body, connection)
                return
        except GatewayError as exc:
            plain = refusal(exc)
        await perform(plain_steps(plain), connection, Progress())

    async def _answer(self, route: Route, scope: Scope, body: bytes, connection: Connection) -> None:
        if bench.MARK in body and (ready := _prepared(route, body)):
            await self._answer_prepared(ready[1], route.provider, ready[0], connection)
            return
        sent = _sent(scope)
        route = models_route(route, sent.headers, sent.query)
        if scope["method"] != SERVICES[route.endpoint].method:
            wanted = SERVICES[route.endpoint].method
            error = MethodNotAllowed(f"Use {wanted} here.", wanted)
            await perform(plain_steps(refusal(error, route)), connection, Progress())
            return
        entry = self._log(route, sent, scope, body)
        try:
            reply = self._reply(route, sent, body, entry)
        except GatewayError as exc:
            reply = Reply(plain_steps(refusal(exc, route)))
        try:
            await perform(reply.steps, connection, entry.progress)
        finally:
            entry.ended_at_s, entry.usage = self._clock.wall(), reply.usage
            if SERVICES[route.endpoint].operation is not Operation.MODELS:
                self.journal.count(route.provider, entry.model, reply.usage.prompt_tokens, entry.progress.tokens)

    async def _answer_prepared(self, ready: bench.Prepared, provider: str, model: str, connection: Connection) -> None:
        self.journal.count(provider, model, bench.PROMPT_TOKENS, ready.tokens)
        if ready.steps:
            await perform(ready.steps, connection, Progress())
        for message in ready.messages:
            await connection.send(message)

    def _reply(self, route: Route, sent: Sent, body: bytes, entry: Entry) -> Reply:
        """Decide what a request gets, and note it in the log."""
        service, wall_s = SERVICES[route.endpoint], self._clock.wall()
        serial = Serial(entry.arrival.number, int(wall_s))
        account = route.project or credential_fingerprint(sent.headers, sent.query) or ANYBODY
        question = Question(route, Head(), route.model or "", body, sent, account, self.scenario.models)
        service.admit(question, Keys(self.scenario.aws_secrets, wall_s))
        if service.operation is Operation.MODELS:
            ruled = choose_by_rule(self.scenario, self._facts(route, entry), self._counters, self._clock.now())
            if ruled is None:
                return Reply(plain_steps(answer_list(question, serial)))
            entry.behaviour = ruled.label
            return answer_question(question, ruled, serial, wall_s)
        question = _with_head(question, service)
        entry.model, entry.stream = question.model, bool(question.head.stream)
        if not entry.model:
            raise MalformedRequest("you must provide a model parameter", param="model")
        chosen = self._choose(route, entry)
        entry.behaviour = chosen.label
        return answer_question(question, chosen, serial, wall_s)

    def _facts(self, route: Route, entry: Entry) -> Facts:
        fingerprint = entry.arrival.credential
        credentials = frozenset({fingerprint, self.scenario.credentials.get(fingerprint, fingerprint)})
        return Facts(route.provider, entry.model, SERVICES[route.endpoint].operation, entry.stream, credentials)

    def _choose(self, route: Route, entry: Entry) -> Chosen:
        try:
            return choose(self.scenario, self._facts(route, entry), self._counters, self._clock.now())
        except PhraseError as exc:
            raise UnknownModel(str(exc), param="model") from exc

    def _log(self, route: Route, sent: Sent, scope: Scope, body: bytes) -> Entry:
        self.journal.arrived += 1
        fingerprint = credential_fingerprint(sent.headers, sent.query)
        arrival = Arrival(
            number=self.journal.arrived,
            at_s=self._clock.wall(),
            method=scope["method"],
            path=scope["path"],
            query=without_key(sent.query),
            provider=route.provider,
            dialect=SERVICES[route.endpoint].dialect.value,
            headers=shown_headers(sent.headers),
            header_names=tuple(sent.headers),
            credential=self.scenario.credentials.get(fingerprint, fingerprint),
            body_bytes=len(body),
            fields=_fields(body),
            body=body[:_RECORDED_BYTES].decode("utf-8", "replace") if self.scenario.record_bodies else None,
        )
        entry = Entry(arrival)
        self.journal.entries.append(entry)
        return entry


def _checked_route(scope: Scope) -> Route:
    route = _route_of(scope["path"])
    if route is None:
        raise NotFound("The simulator does not serve this path; docs/simulator.md lists those that it does.")
    return route


def _prepared(route: Route, body: bytes) -> tuple[str, bench.Prepared] | None:
    """Return the bench's model and answer, where it is the bench that asks."""
    if route.endpoint is not Endpoint.CHAT:
        return None
    head = decode(body, Head)
    ready = bench.prepared(head)
    return (head.model or "", ready) if ready else None


def _sent(scope: Scope) -> Sent:
    target = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"].decode("latin-1")
    return Sent(scope["method"], target.decode("latin-1"), query, header_map(scope["headers"]))


def _with_head(question: Question, service: Service) -> Question:
    head = service.read_head(question.body, question.sent.headers)
    head.stream = service.stream(head)
    return question._replace(head=head, model=question.model or head.model or "")


def _order(scope: Scope, body: bytes) -> Order:
    headers = header_map(scope["headers"])
    query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    name = scope["path"].removeprefix(CONTROL)
    return Order(scope["method"], name, query, body, headers.get("content-type", ""))


def _fields(body: bytes) -> tuple[str, ...]:
    try:
        return tuple(split_object(body))
    except ValueError:
        return ()


async def _read_body(receive: Receive) -> bytes | None:
    """Return the request's body, None where the client left before it was whole."""
    pieces, size_bytes = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        size_bytes += len(pieces[-1])
        if size_bytes > MAX_BODY_BYTES:
            raise BodyTooLarge(f"The simulator takes at most {MAX_BODY_BYTES} bytes.")
        if not message.get("more_body", False):
            return b"".join(pieces)


async def _live(receive: Receive, send: Send) -> None:
    for stage in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{stage}.complete"})
