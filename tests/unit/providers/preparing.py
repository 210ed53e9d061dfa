"""Short ways to make a client's request and a candidate, and to see what is sent to it."""

from __future__ import annotations

import json
from typing import Any

from proxy.core.call import Call, Dialect, EndpointSpec, Headers, Operation
from proxy.core.secret import Secret
from proxy.core.snapshot import Candidate, Credential, Provider
from proxy.providers.adapter import Prepared
from proxy.wire.jsonbody import split_object

KEY = Credential("first", Secret("planted-0123456789"))
CHAT = EndpointSpec("chat", Operation.CHAT)
EMBEDDINGS = EndpointSpec("embeddings", Operation.EMBEDDINGS)
_BETA = frozenset({"beta"})
MESSAGES = EndpointSpec("messages", Operation.CHAT, Dialect.ANTHROPIC, query=_BETA)
COUNT_TOKENS = EndpointSpec("count_tokens", Operation.COUNT_TOKENS, Dialect.ANTHROPIC, query=_BETA)


def call_of(
    body: dict[str, Any] | bytes,
    endpoint: EndpointSpec = CHAT,
    headers: Headers = (),
    query: tuple[tuple[str, str], ...] = (),
) -> Call:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = split_object(sent)
    decoded = json.loads(sent)
    options = decoded.get("stream_options")
    return Call(
        request_id="r",
        endpoint=endpoint,
        body=sent,
        fields=fields,
        model=decoded.get("model"),
        stream=bool(decoded.get("stream")),
        include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
        headers=headers,
        query=query,
        key=None,
        arrived_s=0.0,
        deadline_s=600.0,
    )


def candidate_of(
    kind: str = "openai",
    model: str = "up",
    base_url: str = "https://api.example/v1",
    **more: Any,  # noqa: ANN401  # whatever a provider takes
) -> Candidate:
    return Candidate(Provider("p", kind, base_url, **more), model)


def sent_body(prepared: Prepared) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(prepared.request.body)
    return body


def header_of(prepared: Prepared, name: str) -> list[str]:
    return [value.decode() for key, value in prepared.request.headers if key == name.encode()]
