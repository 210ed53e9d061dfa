"""The simulated upstream as an ASGI application: one request in, the steps of its reply out.

`simulator_app(scenario)` serves OpenAI's endpoints for any number of providers, told apart by the path's first segment,
and the controls under `/_simulator/`. It never opens a connection and never fetches what a request names.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from proxy.core.call import Operation
from proxy.core.errors import BodyTooLarge, GatewayError, MalformedRequest, MethodNotAllowed, NotFound, UnknownModel
from proxy.core.ports import Clock
from proxy.simulator import bench
from proxy.simulator.answering import Question, Reply, answer_question, model_document, models_document, refusal
from proxy.simulator.answers import Serial
from proxy.simulator.control import Order, obey
from proxy.simulator.grammar import PhraseError, parse_phrase, phrase_of
from proxy.simulator.journal import Arrival, Entry, Journal, credential_fingerprint, header_map, shown_headers
from proxy.simulator.paths import CONTROL, Endpoint, Route, route_of
from proxy.simulator.performing import Connection, Progress, RealClock, perform
from proxy.simulator.replies import Plain, json_answer, plain_steps
from proxy.simulator.request import Head, decode
from proxy.simulator.scenario import Scenario
from proxy.simulator.selection import Counters, Facts, choose
from proxy.wire.jsonbody import split_object

MAX_BODY_BYTES = 64 * 1024 * 1024
_RECORDED_BYTES = 16 * 1024
_OPERATIONS = {
    Endpoint.CHAT: Operation.CHAT,
    Endpoint.COMPLETIONS: Operation.COMPLETIONS,
    Endpoint.EMBEDDINGS: Operation.EMBEDDINGS,
    Endpoint.MODERATIONS: Operation.MODERATIONS,
}
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
                route = _checked_route(scope)
                if route.endpoint is not Endpoint.MODELS:
                    await self._answer(route, scope, body, connection)
                    return
                plain = self._models(route)
        except GatewayError as exc:
            plain = refusal(exc)
        await perform(plain_steps(plain), connection, Progress())

    async def _answer(self, route: Route, scope: Scope, body: bytes, connection: Connection) -> None:
        if bench.MARK in body and (ready := bench.prepared(head := decode(body, Head))):
            await self._answer_prepared(ready, route.provider, head.model or "", connection)
            return
        entry = self._log(route, scope, body)
        try:
            reply = self._reply(route, body, entry)
        except GatewayError as exc:
            reply = Reply(plain_steps(refusal(exc)))
        try:
            await perform(reply.steps, connection, entry.progress)
        finally:
            entry.ended_at_s, entry.usage = self._clock.wall(), reply.usage
            self.journal.count(route.provider, entry.model, reply.usage.prompt_tokens, entry.progress.tokens)

    async def _answer_prepared(self, ready: bench.Prepared, provider: str, model: str, connection: Connection) -> None:
        self.journal.count(provider, model, bench.PROMPT_TOKENS, ready.tokens)
        if ready.steps:
            await perform(ready.steps, connection, Progress())
        for message in ready.messages:
            await connection.send(message)

    def _reply(self, route: Route, body: bytes, entry: Entry) -> Reply:
        """Decide what a request gets, and note it in the log."""
        head = decode(body, Head)
        entry.model, entry.stream = route.model or head.model or "", bool(head.stream)
        if not entry.model:
            raise MalformedRequest("you must provide a model parameter", param="model")
        fingerprint = entry.arrival.credential
        credentials = frozenset({fingerprint, self.scenario.credentials.get(fingerprint, fingerprint)})
        facts = Facts(route.provider, entry.model, _OPERATIONS[route.endpoint], entry.stream, credentials)
        try:
            chosen = choose(self.scenario, facts, self._counters, self._clock.now())
        except PhraseError as exc:
            raise UnknownModel(str(exc), param="model") from exc
        entry.behaviour = chosen.label
        wall_s = self._clock.wall()
        serial = Serial(entry.arrival.number, int(wall_s))
        return answer_question(Question(route, head, entry.model, body), chosen, serial, wall_s)

    def _log(self, route: Route, scope: Scope, body: bytes) -> Entry:
        self.journal.arrived += 1
        headers = header_map(scope["headers"])
        fingerprint = credential_fingerprint(headers)
        arrival = Arrival(
            number=self.journal.arrived,
            at_s=self._clock.wall(),
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            provider=route.provider,
            headers=shown_headers(headers),
            header_names=tuple(headers),
            credential=self.scenario.credentials.get(fingerprint, fingerprint),
            body_bytes=len(body),
            fields=_fields(body),
            body=body[:_RECORDED_BYTES].decode("utf-8", "replace") if self.scenario.record_bodies else None,
        )
        entry = Entry(arrival)
        self.journal.entries.append(entry)
        return entry

    def _models(self, route: Route) -> Plain:
        if route.model is None:
            return json_answer(models_document(self.scenario.models))
        try:
            parse_phrase(phrase_of(route.model) or "ok")
        except PhraseError as exc:
            raise UnknownModel(str(exc), param="model") from exc
        return json_answer(model_document(route.model))


def _checked_route(scope: Scope) -> Route:
    route = _route_of(scope["path"])
    if route is None:
        raise NotFound(f"The simulator serves {', '.join(Endpoint)} under /{{provider}}/v1/.")
    if scope["method"] != route.endpoint.method:
        raise MethodNotAllowed(f"Use {route.endpoint.method} here.", route.endpoint.method)
    return route


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
