"""Forms, files and handshakes as calls."""

from __future__ import annotations

import pytest

from proxy.api.endpointspec import (
    BATCHES,
    FILE,
    FILE_CONTENT,
    FILES,
    IMAGE_EDITS,
    IMAGE_VARIATIONS,
    REALTIME,
    RESPONSES,
    SPEECH,
    TRANSCRIPTIONS,
    TRANSLATIONS,
)
from proxy.api.passparse import parse_any
from proxy.core.call import Call, EndpointSpec
from proxy.core.errors import MalformedRequest, MethodNotAllowed
from proxy.core.snapshot import Snapshot
from proxy.edge.client_auth import handshake_headers
from proxy.edge.exchange import Asked, Exchange
from proxy.edge.tunnel import TunnelExchange
from tests.fakes.wire import FakeWire

SNAPSHOT = Snapshot(deadline_s=600.0)
TYPE = b"multipart/form-data; boundary=b"
END = b"--b--\r\n"


def part(name: str, value: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value)


MODEL = part("model", b"m")


def parse(
    endpoint: EndpointSpec,
    body: bytes = b"",
    content_type: bytes = TYPE,
    method: bytes = b"POST",
    asked: Asked | None = None,
    **headers: str,
) -> Call:
    fields = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    if content_type:
        fields[b"content-type"] = content_type
    exchange = Exchange(FakeWire(), asked or Asked(endpoint), method, fields)
    exchange.request_id = "req_1"
    return parse_any(exchange, body, SNAPSHOT)


def test_form_becomes_a_call_with_its_body_as_it_came() -> None:
    body = MODEL + part("file", b"\x00\xff") + END
    call = parse(TRANSCRIPTIONS, body, idempotency_key="k", authorization="Bearer x")
    assert (call.model, call.stream, call.repeatable, call.content_type) == ("m", False, False, TYPE)
    assert call.body is body
    assert call.form is not None
    assert [found.name for found in call.form.parts] == ["model", "file"]
    assert call.headers == ((b"idempotency-key", b"k"),)
    assert call.needs.input_tokens == 1  # not what its bytes would be


@pytest.mark.parametrize(
    ("endpoint", "value", "stream"),
    [
        pytest.param(TRANSCRIPTIONS, b"true", True, id="true"),
        pytest.param(TRANSCRIPTIONS, b" True", True, id="capital"),
        pytest.param(TRANSCRIPTIONS, b"1", True, id="one"),
        pytest.param(TRANSCRIPTIONS, b"false", False, id="false"),
        pytest.param(IMAGE_EDITS, b"true", True, id="images"),
        pytest.param(TRANSLATIONS, b"true", False, id="what-never-streams"),
    ],
)
def test_form_says_whether_it_streams(endpoint: EndpointSpec, value: bytes, stream: bool) -> None:
    assert parse(endpoint, MODEL + part("stream", value) + END).stream is stream


def test_path_names_the_model_above_the_form() -> None:
    assert parse(TRANSCRIPTIONS, MODEL + END, asked=Asked(TRANSCRIPTIONS, "deployed")).model == "deployed"
    assert parse(TRANSCRIPTIONS, END).model is None


def test_headers_steer_forms_too() -> None:
    call = parse(TRANSCRIPTIONS, MODEL + END, x_fairlead_provider="a", x_fairlead_no_failover="true")
    assert (call.pinned_provider, call.failover) == ("a", False)


def test_json_is_taken_where_a_form_is_usual() -> None:
    call = parse(IMAGE_EDITS, b'{"model": "m", "stream": true}', b"application/json")
    assert (call.model, call.stream, call.form, call.content_type) == ("m", True, None, b"")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(MODEL + MODEL + END, TYPE, id="two-models"),
        pytest.param(MODEL + part("stream", b"perhaps") + END, TYPE, id="stream"),
        pytest.param(MODEL + END, b"multipart/form-data", id="no-boundary"),
        pytest.param(MODEL, TYPE, id="no-end"),
        pytest.param(MODEL + END, b"application/json", id="form-as-json"),
        pytest.param(MODEL + END, b"", id="no-type"),
    ],
)
def test_form_that_is_none_is_refused(body: bytes, content_type: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse(IMAGE_VARIATIONS, body, content_type)


RESOURCES = [
    pytest.param(FILES, b"GET", b"", b"", b"", id="list"),
    pytest.param(FILES, b"POST", b"anything", TYPE, TYPE, id="upload-is-not-read"),
    pytest.param(BATCHES, b"POST", b"anything", b"application/json; charset=utf-8", None, id="json-is-not-read"),
    pytest.param(FILE, b"DELETE", b"", b"text/plain", b"", id="type-without-a-body"),
]


@pytest.mark.parametrize(("endpoint", "method", "body", "content_type", "kept"), RESOURCES)
def test_resource_passes_as_it_came(
    endpoint: EndpointSpec, method: bytes, body: bytes, content_type: bytes, kept: bytes | None
) -> None:
    call = parse(endpoint, body, content_type, method, Asked(endpoint, path="/f", query=b"limit=2&x=y"))
    assert (call.body, call.method, call.path, call.model) == (body, method.decode(), "/f", None)
    assert call.content_type == (content_type if kept is None else kept)
    assert call.query == ((("limit", "2"),) if endpoint.query else ())


def test_content_of_a_file_is_a_stream_of_bytes() -> None:
    assert parse(FILE_CONTENT, method=b"GET").stream


@pytest.mark.parametrize("content_type", [b"", b"text/plain", b"multipart/form-data", b"multipart/mixed; boundary=b"])
def test_upload_of_another_type_is_refused(content_type: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse(FILES, b"x", content_type)


@pytest.mark.parametrize(
    ("endpoint", "method", "allow"),
    [(SPEECH, b"GET", "POST"), (FILE, b"POST", "DELETE, GET"), (REALTIME, b"POST", "GET")],
    ids=["speech", "file", "realtime"],
)
def test_other_method_is_refused_with_those_that_are_allowed(endpoint: EndpointSpec, method: bytes, allow: str) -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        parse(endpoint, method=method)
    assert caught.value.allow == allow


KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def handshake(query: bytes = b"model=m", *more: tuple[bytes, bytes], **changed: bytes) -> Call:
    fields = {b"sec-websocket-key": KEY, b"sec-websocket-version": b"13"}
    fields |= {name.replace("_", "-").encode(): value for name, value in changed.items()}
    repeated = handshake_headers([*fields.items(), *more])
    exchange = TunnelExchange(FakeWire(), Asked(REALTIME, query=query), b"GET", {**fields, **dict(more)})
    exchange.repeated = repeated
    return parse_any(exchange, b"", SNAPSHOT)


@pytest.mark.parametrize(
    ("query", "model"),
    [
        pytest.param(b"model=m", "m", id="model"),
        pytest.param(b"api-version=1&deployment=m", "m", id="deployment"),
        pytest.param(b"model=a%2Fb", "a/b", id="escaped"),
        pytest.param(b"", None, id="none"),
        pytest.param(b"model=", None, id="empty"),
    ],
)
def test_handshake_names_its_model_in_the_query(query: bytes, model: str | None) -> None:
    assert handshake(query).model == model


def test_handshake_s_headers_are_the_client_s_without_its_key_and_extensions() -> None:
    protocol = b"sec-websocket-protocol"
    call = handshake(
        b"model=m&intent=i&x=y",
        (protocol, b"realtime, openai-insecure-api-key.planted"),
        (protocol, b"OpenAI-Organization.o,openai-beta.realtime-v1"),
        (b"sec-websocket-extensions", b"permessage-deflate"),
        (b"openai-beta", b"realtime=v1"),
    )
    assert dict(call.headers) == {
        b"openai-beta": b"realtime=v1",
        b"sec-websocket-key": KEY,
        b"sec-websocket-version": b"13",
        protocol: b"realtime, openai-beta.realtime-v1",
    }
    assert (call.query, call.stream) == ((("intent", "i"),), True)


def test_handshake_that_offers_its_key_alone_offers_nothing_upstream() -> None:
    call = handshake(b"model=m", (b"sec-websocket-protocol", b"openai-insecure-api-key.planted"))
    assert b"sec-websocket-protocol" not in dict(call.headers)


@pytest.mark.parametrize(
    "changed", [{"sec_websocket_version": b"12"}, {"sec_websocket_key": b"short"}], ids=["version", "key"]
)
def test_handshake_of_another_sort_is_refused(changed: dict[str, bytes]) -> None:
    with pytest.raises(MalformedRequest, match="version 13"):
        handshake(b"model=m", **changed)


def test_request_that_is_no_handshake_is_told_so() -> None:
    with pytest.raises(MalformedRequest, match="WebSocket"):
        parse(REALTIME, method=b"GET")


def test_answer_that_would_have_to_be_fetched_later_is_refused_before_it_costs_anything() -> None:
    with pytest.raises(MalformedRequest) as refused:
        parse(RESPONSES, b'{"model": "m", "input": "hi", "background": true}', b"application/json")
    assert refused.value.param == "background"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param(b'"background": true, "stream": true', id="streamed"),
        pytest.param(b'"background": false', id="false"),
        pytest.param(b'"background": null', id="null"),
        pytest.param(b'"background": "x"', id="for-the-upstream-to-refuse"),
        pytest.param(b'"store": true', id="unsaid"),
    ],
)
def test_answer_that_comes_at_once_is_asked_for(members: bytes) -> None:
    assert parse(RESPONSES, b'{"model": "m", "input": "hi", %b}' % members, b"application/json").model == "m"
