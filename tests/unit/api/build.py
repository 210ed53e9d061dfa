"""Makes calls from the bytes and headers of requests."""

from __future__ import annotations

import json

from proxy.api.callparse import parse_call
from proxy.api.endpointspec import CHAT
from proxy.core.call import Call, EndpointSpec
from proxy.core.snapshot import ClientKey, Snapshot
from proxy.edge.exchange import Asked
from tests.fakes.wire import make_exchange

SNAPSHOT = Snapshot(deadline_s=600.0)
CI = ClientKey("ci")


def parse(
    body: bytes | dict[str, object],
    headers: dict[bytes, bytes] | None = None,
    endpoint: EndpointSpec = CHAT,
    *,
    query: bytes = b"",
    path_model: str = "",
    snapshot: Snapshot = SNAPSHOT,
) -> Call:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    exchange = make_exchange(headers, asked=Asked(endpoint, path_model, query))
    exchange.request_id, exchange.arrived_s, exchange.key = "req_1", 5.0, CI
    return parse_call(exchange, content, snapshot)


def user(content: object) -> dict[str, object]:
    return {"model": "demo", "messages": [{"role": "user", "content": content}]}
