"""The one handler of every proxied endpoint: edge duties around the gateway's pipeline.

Authenticate, admit, read the body, hand over; then render what went wrong, count and log. Where the request goes is not
decided here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from proxy.api.callparse import parse_call
from proxy.api.counting import estimated_count, is_counted_upstream
from proxy.api.endpointspec import CHAT, OLLAMA_GENERATE, RESPONSES
from proxy.api.health import Upkeep
from proxy.api.passparse import method_not_allowed, parse_any
from proxy.core.call import OF_ACCOUNTS, Call, Dialect, Gives, Operation
from proxy.core.errors import BodyReadTimeout, GatewayError, Overloaded, told_name
from proxy.core.localprocess import ProcessReport, no_processes
from proxy.core.ports import ModelLists
from proxy.core.snapshot import Snapshot
from proxy.core.translation import Envelope
from proxy.edge.admission import Admission
from proxy.edge.body import receive_body, take_body
from proxy.edge.client_auth import recognise
from proxy.edge.exchange import Cut, Exchange
from proxy.edge.open_mode import check_body, check_open_mode
from proxy.edge.render import JSON_TYPE, error_as_event, error_body, error_headers
from proxy.edge.tunnel import TunnelExchange
from proxy.gateway.accounting import CLIENT_CLOSED, Account
from proxy.gateway.answered import owner_of
from proxy.gateway.context import Engine
from proxy.gateway.keepalive import handle_patiently
from proxy.gateway.opaque import deliver_bytes
from proxy.gateway.pipeline import Way, handle
from proxy.gateway.replyheaders import own_lines
from proxy.gateway.tunnel import deliver_tunnel
from proxy.providers.dialects import stream_type, takes_comments
from proxy.routing.affinity import account_model
from proxy.routing.resolve import resolve
from proxy.telemetry.access import AccessRecord
from proxy.telemetry.logs import AccessLog
from proxy.telemetry.metrics import UNKNOWN
from proxy.translate.ollama.generate import encode_loaded, is_empty
from proxy.translate.openai_responses.references import with_items
from proxy.wire.headers import field_lines

_LOG = logging.getLogger("fairlead.edge")
_COUNT = Operation.COUNT_TOKENS
_BYTES = Way(resolve, deliver_bytes)

_random_bits = random.Random(os.urandom(32)).getrandbits  # noqa: S311 - see new_request_id
_VERSION_7 = 0x7 << 76 | 0x2 << 62  # of a UUID: its version and its variant
_RANDOM = (1 << 76) - 1 & ~(0x3 << 62)


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """What the handler needs beside the request."""

    engine: Engine
    admission: Admission
    access_log: AccessLog
    lists: ModelLists
    processes: Callable[[], Mapping[str, ProcessReport]] = no_processes
    upkeep: Callable[[], Upkeep] = Upkeep


async def serve(edge: Edge, exchange: Exchange) -> None:
    """Answer one request of a proxied endpoint, whatever happens."""
    engine, admission = edge.engine, edge.admission
    snapshot = engine.snapshot
    exchange.arrived_s, exchange.arrived_at_s = engine.clock.now(), engine.clock.wall()
    exchange.request_id = new_request_id(exchange.arrived_at_s)
    try:
        _check(edge, snapshot, exchange)
        admission.enter(exchange, snapshot.server)
        if not exchange.is_whole:
            snapshot = await _received(edge, snapshot, exchange)
        body = take_body(exchange, snapshot.server, admission)
        parse = parse_call if exchange.asked.endpoint is CHAT else partial(_parse_other, edge)
        call = parse(exchange, body, snapshot)
        exchange.account = account = Account(engine, call, started_at_s=exchange.arrived_at_s)
        if call.endpoint is not CHAT and await _served_apart(edge, exchange, call, account):
            return
        if call.stream and snapshot.server.sse_keepalive_s and takes_comments(call.endpoint):
            await handle_patiently(engine, call, exchange, account)
        else:
            await handle(engine, call, exchange, account)
    except asyncio.CancelledError:
        if not exchange.take_back():
            raise
        if exchange.cut is not Cut.CLIENT_GONE:
            await _fail(exchange, snapshot, _cut_error(exchange))
    except GatewayError as error:
        await _fail(exchange, snapshot, error)
    except Exception:
        _LOG.exception("request failed", extra={"fairlead.request_id": exchange.request_id})
        await _fail(exchange, snapshot, GatewayError("The gateway failed. Its log has the details."))
    finally:
        admission.leave(exchange)
        if not exchange.ended:
            exchange.wire.abort()
        _note(edge, exchange)


def _parse_other(edge: Edge, exchange: Exchange, body: bytes, snapshot: Snapshot) -> Call:
    """Parse what is no chat; where it refers to items of earlier answers, with them in their places."""
    if exchange.asked.endpoint is RESPONSES:
        told = with_items(body, partial(edge.engine.kept.find, owner_of(exchange.key)))
        if told is not body:
            edge.admission.hold(exchange, len(told), snapshot.server)
            body = told
    return parse_any(exchange, body, snapshot)


async def _served_apart(edge: Edge, exchange: Exchange, call: Call, account: Account) -> bool:
    """Answer what is not answered like a chat; False = it is."""
    endpoint = call.endpoint
    if endpoint.operation is _COUNT or (endpoint is OLLAMA_GENERATE and is_empty(call.fields)):
        return await _answered_here(edge, exchange, call)
    if isinstance(exchange, TunnelExchange):
        way = Way(resolve, partial(deliver_tunnel, exchange))
    elif endpoint.operation in OF_ACCOUNTS:
        way = Way(partial(account_model, call), deliver_bytes)
    elif endpoint.gives is Gives.BYTES:
        way = _BYTES
    else:
        return False
    await handle(edge.engine, call, exchange, account, way)
    return True


async def _answered_here(edge: Edge, exchange: Exchange, call: Call) -> bool:
    """Answer what no provider is asked; it costs nothing and leaves no record. False = one is to be asked."""
    engine, account = edge.engine, exchange.account
    model = resolve(call.model, call.key, engine.snapshot)
    if account is None or (call.endpoint.operation is _COUNT and is_counted_upstream(call, model)):
        return False
    account.resolved(model)
    account.status, account.committed_s, account.end = 200, engine.clock.now(), "ok"
    if call.endpoint.operation is _COUNT:
        type_, body = JSON_TYPE, estimated_count(call)
    else:
        type_ = stream_type(call.endpoint) if call.stream else JSON_TYPE
        body = encode_loaded(Envelope(call.request_id, model.name, int(engine.clock.wall())))
    await exchange.answer(200, field_lines([type_]) + own_lines(engine.snapshot, account), body)
    return True


def _check(edge: Edge, snapshot: Snapshot, exchange: Exchange) -> None:
    """Refuse what may not be asked, or not by this caller."""
    if exchange.method != b"POST" and exchange.method not in exchange.asked.endpoint.methods:
        raise method_not_allowed(exchange)
    auth = snapshot.auth
    if auth.mode == "none":
        check_open_mode(exchange.headers, snapshot.server)
        check_body(exchange)
    else:
        exchange.key = recognise(exchange, auth, exchange.arrived_at_s)


async def _received(edge: Edge, snapshot: Snapshot, exchange: Exchange) -> Snapshot:
    """Wait for the body, which may take its time; return the configuration of then, which the request is planned by."""
    await receive_body(exchange, snapshot.server, edge.admission)
    if edge.engine.snapshot is not snapshot:
        snapshot = edge.engine.snapshot
        _check(edge, snapshot, exchange)
    return snapshot


async def _fail(exchange: Exchange, snapshot: Snapshot, error: GatewayError) -> None:
    exchange.error = told_name(error)
    if exchange.ended:
        return
    if exchange.started and exchange.asked.endpoint.gives is Gives.BYTES:
        return  # there is no place for an error: the connection is dropped
    if exchange.started:
        event = error_as_event(error, exchange.asked.endpoint, exchange.request_id, is_first=exchange.is_silent)
        await exchange.end(event)
        return
    id_ = exchange.request_id.encode()
    account = exchange.account
    own = b"x-fairlead-request-id: %b\r\n" % id_ if account is None else own_lines(snapshot, account)
    # SDKs look for the id of an error in `x-request-id`, Anthropic's in a header of their own.
    ids = b"x-request-id: %b\r\n" % id_
    if exchange.asked.endpoint.dialect is Dialect.ANTHROPIC:
        ids += b"request-id: %b\r\n" % id_
    lines = b"%b%b%b" % (field_lines(error_headers(error)), own, ids)
    await exchange.answer(error.status, lines, error_body(error, exchange.asked.endpoint, exchange.request_id))


def _cut_error(exchange: Exchange) -> GatewayError:
    if exchange.cut is Cut.BODY_TIMEOUT:
        return BodyReadTimeout("The request body did not arrive in time.")
    return Overloaded("This gateway is shutting down. Send the request again.", retry_after_s=1.0)


def _note(edge: Edge, exchange: Exchange) -> None:
    """Count the request and write its log line."""
    engine, endpoint, account = edge.engine, exchange.asked.endpoint, exchange.account
    status = exchange.status or CLIENT_CLOSED
    duration_s = engine.clock.now() - exchange.arrived_s
    if account is None:
        engine.metrics.request(endpoint.name, UNKNOWN, False, status, duration_s, duration_s)
        edge.access_log.write(_refusal(edge, exchange, status, duration_s))
        return
    call, committed_s, overhead_s, candidate = account.call, account.committed_s, account.overhead_s, account.candidate
    provider, model = ("", "") if candidate is None else candidate.id
    engine.metrics.request(endpoint.name, account.label, call.stream, status, duration_s, overhead_s)
    edge.access_log.write(
        AccessRecord(
            engine.clock.wall(),
            exchange.request_id,
            endpoint.name,
            endpoint.operation,
            status,
            duration_s,
            overhead_s,
            call.model,
            provider,
            model,
            call.stream,
            None if committed_s is None else committed_s - call.arrived_s,
            len(account.attempts),
            account.trail,
            account.usage,
            "" if call.key is None else call.key.name,
            call.tags,
            account.end or "failed",
            exchange.error,
            account.failures,
        )
    )


def _refusal(edge: Edge, exchange: Exchange, status: int, duration_s: float) -> AccessRecord:
    """The log line of a request that nobody was asked to answer."""
    endpoint, key = exchange.asked.endpoint, exchange.key
    return AccessRecord(
        edge.engine.clock.wall(),
        exchange.request_id,
        endpoint.name,
        endpoint.operation,
        status,
        duration_s,
        key="" if key is None else key.name,
        error=exchange.error,
        end="failed",
    )


def new_request_id(wall_s: float) -> str:
    """`req_` and a UUIDv7 in hex: 48 bits of Unix milliseconds, then random, so that ids sort by time.

    The ledger files a request under this very time: lists go by the id, and must hold what the sums of a day hold.
    Unique, not secret: the random part comes from a generator seeded once by the system.
    """
    uuid = int(wall_s * 1000) << 80 | _random_bits(76) & _RANDOM | _VERSION_7
    return "req_" + uuid.to_bytes(16).hex()
