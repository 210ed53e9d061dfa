"""The one handler of every proxied endpoint: edge duties around the gateway's pipeline.

Authenticate, admit, read the body, hand over; then render what went wrong, count and log. Where the request goes is not
decided here.
"""

from __future__ import annotations

import logging
import os
import random
import re
from dataclasses import dataclass
from time import time_ns

from proxy.api.callparse import Envelope, parse_call
from proxy.core.call import Call, EndpointSpec
from proxy.core.errors import BodyReadTimeout, GatewayError, MethodNotAllowed, Overloaded
from proxy.core.snapshot import ClientKey, Snapshot
from proxy.edge.admission import Admission
from proxy.edge.body import ClientLeft, read_body
from proxy.edge.client_auth import authenticate
from proxy.edge.exchange import Cut, Exchange, Receive, Scope, Send
from proxy.edge.open_mode import check_json, check_open_mode
from proxy.edge.render import error_as_event, error_body, error_headers
from proxy.gateway.accounting import Account
from proxy.gateway.context import Engine
from proxy.gateway.keepalive import handle_patiently
from proxy.gateway.pipeline import handle
from proxy.gateway.replyheaders import own_headers
from proxy.telemetry.access import AccessRecord
from proxy.telemetry.logs import AccessLog
from proxy.telemetry.metrics import UNKNOWN

_LOG = logging.getLogger("fairlead.edge")

_random_bits = random.Random(os.urandom(32)).getrandbits  # noqa: S311 - see new_request_id
# Code and type of a client's fault are the upstream's own: any text, which may repeat the client's words.
_NAME = re.compile(r"[\w.:-]{1,64}")
UNNAMED = "upstream_refusal"

CLIENT_CLOSED = 499  # the status that is noted, never sent, for a client that left before an answer


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """What the handler needs beside the request."""

    engine: Engine
    admission: Admission
    access_log: AccessLog


class _Visit:
    """One request as the edge sees it, from arrival to its log line."""

    __slots__ = ("account", "arrived_s", "endpoint", "error", "key", "request_id", "snapshot")

    def __init__(self, endpoint: EndpointSpec, snapshot: Snapshot, arrived_s: float) -> None:
        self.endpoint = endpoint
        self.snapshot = snapshot
        self.arrived_s = arrived_s
        self.request_id = new_request_id()
        self.key: ClientKey | None = None
        self.account: Account | None = None
        self.error = ""


async def serve(edge: Edge, endpoint: EndpointSpec, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request of a proxied endpoint, whatever happens."""
    engine = edge.engine
    visit = _Visit(endpoint, engine.snapshot, engine.clock.now())
    exchange = Exchange(scope, receive, send)
    try:
        await exchange.run(_answer(edge, visit, exchange), visit.snapshot.server.body_read_s)
        if exchange.cut is not None and exchange.cut is not Cut.CLIENT_GONE:
            await _fail(visit, exchange, _cut_error(exchange.cut))
    except ClientLeft:
        pass
    except GatewayError as error:
        await _fail(visit, exchange, error)
    except Exception:
        _LOG.exception("request failed", extra={"fairlead.request_id": visit.request_id})
        await _fail(visit, exchange, GatewayError("The gateway failed. Its log has the details."))
    finally:
        _note(edge, visit, exchange)


async def _answer(edge: Edge, visit: _Visit, exchange: Exchange) -> None:
    engine, admission, server = edge.engine, edge.admission, visit.snapshot.server
    scope = exchange.scope
    if scope["method"] != "POST":
        raise MethodNotAllowed("Use POST for this endpoint.", allow="POST")
    auth = visit.snapshot.auth
    if auth.mode == "none":
        check_open_mode(exchange.headers, server)
        check_json(exchange.headers)
    visit.key = authenticate(scope["headers"], auth, engine.clock.wall())
    admission.enter(exchange, server)
    buffered = 0
    try:
        body = await read_body(exchange, server, admission)
        buffered = len(body)
        call = _call(visit, exchange, body)
        visit.account = exchange.account = Account(engine, call)
        answer = handle_patiently if call.stream and server.sse_keepalive_s else handle
        await answer(engine, call, exchange, visit.account)
    finally:
        admission.unbuffer(buffered)
        admission.leave(exchange)


def _call(visit: _Visit, exchange: Exchange, body: bytes) -> Call:
    scope = exchange.scope
    path_model = scope.get("path_params", {}).get("model")
    envelope = Envelope(
        visit.request_id, exchange.headers, scope.get("query_string", b""), visit.key, visit.arrived_s, path_model
    )
    return parse_call(visit.endpoint, body, envelope, visit.snapshot)


async def _fail(visit: _Visit, exchange: Exchange, error: GatewayError) -> None:
    visit.error = next((name for name in (error.code, error.type) if name and _NAME.fullmatch(name)), UNNAMED)
    if exchange.ended:
        return
    if exchange.started:
        await exchange.end(error_as_event(error))
        return
    account = visit.account
    body = error_body(error)
    headers = error_headers(error)
    if account is not None:
        headers += own_headers(visit.snapshot, account)
    else:
        headers.append((b"x-fairlead-request-id", visit.request_id.encode()))
    headers.append((b"x-request-id", visit.request_id.encode()))  # where SDKs look for the id of an error
    headers.append((b"content-length", b"%d" % len(body)))
    await exchange.begin(error.status, headers)
    await exchange.end(body)


def _cut_error(cut: Cut) -> GatewayError:
    if cut is Cut.BODY_TIMEOUT:
        return BodyReadTimeout("The request body did not arrive in time.")
    return Overloaded("This gateway is shutting down. Send the request again.", retry_after_s=1.0)


def _note(edge: Edge, visit: _Visit, exchange: Exchange) -> None:
    """Count the request and write its log line."""
    account, clock = visit.account, edge.engine.clock
    status = exchange.status or CLIENT_CLOSED
    duration_s = clock.now() - visit.arrived_s
    record = AccessRecord(
        clock.wall(),
        visit.request_id,
        visit.endpoint.name,
        visit.endpoint.operation,
        status,
        duration_s,
        key=visit.key.name if visit.key is not None else "",
        error=visit.error,
        end="failed",
    )
    label, stream, overhead_s = UNKNOWN, False, duration_s
    if account is not None:
        label, stream, overhead_s = account.label, account.call.stream, account.overhead_s
        record = account.describe(record)
    edge.engine.metrics.request(visit.endpoint.name, label, stream, status, duration_s, overhead_s)
    edge.access_log.write(record)


def new_request_id() -> str:
    """`req_` and a UUIDv7 in hex: 48 bits of Unix milliseconds, then random, so that ids sort by time.

    Unique, not secret: the random part comes from a generator seeded once by the system.
    """
    value = ((time_ns() // 1_000_000) << 80) | (0x7 << 76) | (_random_bits(12) << 64) | (0x2 << 62) | _random_bits(62)
    return f"req_{value:032x}"
