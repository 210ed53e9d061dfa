"""From a request that passes as it came to a `Call`: forms, files and batches, and WebSocket handshakes.

Reads the model and little else. Whatever has a body of JSON is left to `callparse`, but for the tag that Ollama's
clients put behind a model's name.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from msgspec import Raw
from msgspec.structs import replace

from proxy.api.callparse import forwardable, known_query, parse_call, steered
from proxy.api.endpointspec import RESPONSES
from proxy.core.call import Call, Dialect, Needs, Takes
from proxy.core.errors import MalformedRequest, MethodNotAllowed
from proxy.core.form import Form
from proxy.core.snapshot import Snapshot
from proxy.edge.client_auth import plain_protocols
from proxy.edge.exchange import Exchange
from proxy.edge.tunnel import TunnelExchange
from proxy.routing.resolve import untagged
from proxy.translate.ollama.listing import TAG
from proxy.wire.multipart import boundary_of, is_form, read_form, text_of
from proxy.wire.websocket import HANDSHAKE, PROTOCOL, VERSION, is_key

JSON = b"application/json"
_NO_TEXT = Needs(input_tokens=1)  # by its bytes a recording would be millions
_OF_OLLAMA = frozenset({Dialect.OLLAMA, Dialect.OLLAMA_PROMPT})
_FALSE = Raw(b"false")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def parse_any(exchange: Exchange, body: bytes, snapshot: Snapshot) -> Call:
    """Build the `Call`.

    Raises:
        MethodNotAllowed: The endpoint is asked in another way.
        MalformedRequest: Not what the endpoint takes.
    """
    endpoint = exchange.asked.endpoint
    if exchange.method not in endpoint.methods:
        raise method_not_allowed(exchange)
    if endpoint.takes is Takes.TUNNEL:
        return _parse_handshake(exchange, snapshot)
    if endpoint.takes is Takes.RESOURCE:
        return _parse_resource(exchange, body, snapshot)
    if endpoint.takes is Takes.FORM and is_form(_content_type(exchange)):
        return _parse_form(exchange, body, snapshot)
    call = parse_call(exchange, body, snapshot)
    if endpoint is RESPONSES and not call.stream and bytes(call.fields.get("background", _FALSE)) == b"true":
        raise _in_background()
    if endpoint.dialect in _OF_OLLAMA and call.model:
        call = replace(call, model=untagged(call.model, TAG, snapshot))
    return call


def _in_background() -> MalformedRequest:
    """Nobody could fetch the answer here, and no record would show what it costs."""
    return MalformedRequest(
        "'background' leaves an answer to be fetched later, which this gateway does not serve: leave it out, or set "
        "'stream' to true.",
        param="background",
    )


def method_not_allowed(exchange: Exchange) -> MethodNotAllowed:
    allow = ", ".join(sorted(method.decode() for method in exchange.asked.endpoint.methods))
    return MethodNotAllowed(f"Use {allow.replace(', ', ' or ')} for this endpoint.", allow=allow)


def _parse_form(exchange: Exchange, body: bytes, snapshot: Snapshot) -> Call:
    try:
        form = read_form(body, boundary_of(_content_type(exchange)))
        model, stream = text_of(body, form, "model"), _streams(body, form)
    except ValueError as exc:
        raise MalformedRequest(f"The request body is no plain form: {exc}.") from exc
    endpoint, asked = exchange.asked.endpoint, exchange.asked
    call = replace(
        _bare(exchange, body, snapshot),
        model=asked.model or model,
        stream=stream and endpoint.streams is not None,
        content_type=_content_type(exchange),
        form=form,
    )
    return steered(call, exchange.headers)


def _streams(body: bytes, form: Form) -> bool:
    text = text_of(body, form, "stream")
    if text is None:
        return False
    stream = _FLAGS.get(text.strip().lower())
    if stream is None:
        raise ValueError("'stream' must be true or false")
    return stream


def _parse_resource(exchange: Exchange, body: bytes, snapshot: Snapshot) -> Call:
    """A file or a batch. What is uploaded names no model, so nothing inside it is read."""
    content_type = b""
    if exchange.method == b"POST" and body:
        content_type = _content_type(exchange)
        if is_form(content_type):
            _check_boundary(content_type)
        elif content_type.partition(b";")[0].strip().lower() != JSON:
            raise MalformedRequest("Send a file as 'multipart/form-data', anything else as 'application/json'.")
    call = replace(_bare(exchange, body, snapshot), content_type=content_type, path=exchange.asked.path)
    return steered(call, exchange.headers)


def _check_boundary(content_type: bytes) -> None:
    try:
        boundary_of(content_type)
    except ValueError as exc:
        raise MalformedRequest(f"The request body is no plain form: {exc}.") from exc


def _parse_handshake(exchange: Exchange, snapshot: Snapshot) -> Call:
    headers = exchange.headers
    if not isinstance(exchange, TunnelExchange):
        raise MalformedRequest("Connect to this endpoint with a WebSocket.")
    if headers.get(b"sec-websocket-version") != VERSION or not is_key(headers.get(b"sec-websocket-key", b"")):
        raise MalformedRequest("The WebSocket handshake is not one of version 13.")
    asked = dict(parse_qsl(exchange.asked.query.decode("latin-1")))
    protocols = plain_protocols([value for name, value in exchange.repeated if name == PROTOCOL])
    call = _bare(exchange, b"", snapshot)
    handshake = [pair for pair in headers.items() if pair[0] in HANDSHAKE]
    if protocols:
        handshake.append((PROTOCOL, protocols))
    model = asked.get("model") or asked.get("deployment")  # the latter from Azure's clients
    return steered(replace(call, headers=(*call.headers, *handshake), model=model), headers)


def _bare(exchange: Exchange, body: bytes, snapshot: Snapshot) -> Call:
    """What holds for each of them."""
    asked = exchange.asked
    endpoint = asked.endpoint
    return Call(
        exchange.request_id,
        endpoint,
        body,
        {},
        None,
        endpoint.streams is True,
        False,
        forwardable(exchange.headers, snapshot),
        known_query(asked.query, endpoint),
        exchange.key,
        exchange.arrived_s,
        snapshot.deadline_s,
        _NO_TEXT,
        repeatable=endpoint.repeatable,
        method=exchange.method.decode(),
    )


def _content_type(exchange: Exchange) -> bytes:
    return exchange.headers.get(b"content-type", b"").strip()
