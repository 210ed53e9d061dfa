"""Without keys only programs of this machine are served."""

from __future__ import annotations

import pytest

from proxy.api.endpointspec import FILES, IMAGES, REALTIME, TRANSCRIPTIONS
from proxy.core.call import EndpointSpec
from proxy.core.errors import NotPermitted, UnsupportedEncoding
from proxy.core.snapshot import Server
from proxy.edge.exchange import Asked
from proxy.edge.open_mode import check_body, check_open_mode
from tests.fakes.wire import make_exchange

LOCAL = {b"host": b"127.0.0.1:8080"}
SERVER = Server()
WITH_CORS = Server(cors_origins=("https://app.test", "*"))


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(b"localhost", id="localhost"),
        pytest.param(b"localhost:8080", id="localhost-and-port"),
        pytest.param(b"LocalHost:8080", id="capitals"),
        pytest.param(b"127.0.0.1", id="ipv4"),
        pytest.param(b"127.0.0.1:80", id="ipv4-and-port"),
        pytest.param(b"[::1]", id="ipv6"),
        pytest.param(b"[::1]:8080", id="ipv6-and-port"),
    ],
)
def test_local_host_is_served(host: bytes) -> None:
    check_open_mode({b"host": host}, SERVER)


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(None, id="none"),
        pytest.param(b"", id="empty"),
        pytest.param(b"evil.test", id="another-name"),
        pytest.param(b"evil.test:8080", id="another-name-and-port"),
        pytest.param(b"localhost.evil.test", id="a-name-that-begins-like-ours"),
        pytest.param(b"evil.test:localhost", id="a-port-that-is-a-name"),
        pytest.param(b"localhost:", id="no-port-behind-the-colon"),
        pytest.param(b"localhost:80:80", id="two-ports"),
        pytest.param(b"127.0.0.1.evil.test", id="a-name-that-begins-like-our-address"),
        pytest.param(b"127.0.0.2", id="another-address-of-this-machine"),
        pytest.param(b"0.0.0.0:8080", id="any-address"),
        pytest.param(b"192.168.0.7:8080", id="an-address-of-the-network"),
        pytest.param(b"[::2]:8080", id="another-ipv6-address"),
        pytest.param(b"::1", id="ipv6-without-brackets"),
        pytest.param(b":8080", id="a-port-alone"),
        pytest.param(b"user@localhost", id="a-user"),
    ],
)
def test_foreign_host_is_refused(host: bytes | None) -> None:
    with pytest.raises(NotPermitted, match="answers to localhost only"):
        check_open_mode({} if host is None else {b"host": host}, SERVER)


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param(b"http://127.0.0.1:8080", id="its-own"),
        pytest.param(b"https://127.0.0.1:8080", id="its-own-behind-tls"),
        pytest.param(b"HTTP://127.0.0.1:8080", id="its-own-in-capitals"),
        pytest.param(b"https://app.test", id="a-configured-one"),
    ],
)
def test_page_of_an_allowed_site_is_served(origin: bytes) -> None:
    check_open_mode({**LOCAL, b"origin": origin}, WITH_CORS)


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param(b"https://evil.test", id="another-site"),
        pytest.param(b"http://127.0.0.1:9090", id="another-port"),
        pytest.param(b"http://127.0.0.1", id="no-port"),
        pytest.param(b"http://localhost:8080", id="another-name-of-this-machine"),
        pytest.param(b"null", id="null"),
        pytest.param(b"", id="empty"),
        pytest.param(b"127.0.0.1:8080", id="no-scheme"),
        pytest.param(b"file://127.0.0.1:8080", id="another-scheme"),
        pytest.param(b"https://app.test.evil.test", id="a-name-that-begins-like-a-configured-one"),
        pytest.param(b"http://app.test", id="another-scheme-than-configured"),
        pytest.param(b"\xff", id="no-text"),
    ],
)
def test_page_of_another_site_is_refused(origin: bytes) -> None:
    with pytest.raises(NotPermitted, match="web pages of other sites"):
        check_open_mode({**LOCAL, b"origin": origin}, WITH_CORS)


@pytest.mark.parametrize(
    ("site", "served"),
    [
        pytest.param(b"same-origin", True, id="same-origin"),
        pytest.param(b"none", True, id="typed-by-the-user"),
        pytest.param(b"same-site", False, id="same-site"),
        pytest.param(b"cross-site", False, id="cross-site"),
        pytest.param(b"", False, id="empty"),
        pytest.param(b"Something-new", False, id="unknown"),
    ],
)
def test_request_that_a_page_made_without_an_origin_is_judged_by_its_site(site: bytes, served: bool) -> None:
    headers = {**LOCAL, b"sec-fetch-site": site}
    if served:
        check_open_mode(headers, SERVER)
        return
    with pytest.raises(NotPermitted, match="web pages of other sites"):
        check_open_mode(headers, SERVER)


def test_cross_site_request_of_a_configured_site_is_served() -> None:
    check_open_mode({**LOCAL, b"origin": b"https://app.test", b"sec-fetch-site": b"cross-site"}, WITH_CORS)


def test_cross_site_request_of_another_site_is_refused_whatever_its_site_says() -> None:
    with pytest.raises(NotPermitted):
        check_open_mode({**LOCAL, b"origin": b"https://evil.test", b"sec-fetch-site": b"same-origin"}, WITH_CORS)


@pytest.mark.parametrize(
    "name",
    [
        b"forwarded",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-forwarded-port",
        b"x-forwarded-server",
        b"x-forwarded-prefix",
        b"x-real-ip",
        b"x-original-host",
        b"cf-connecting-ip",
        b"true-client-ip",
        b"x-client-ip",
        b"fly-client-ip",
    ],
)
def test_forwarded_request_is_refused(name: bytes) -> None:
    with pytest.raises(NotPermitted, match="refuses forwarded requests"):
        check_open_mode({**LOCAL, name: b""}, SERVER)


def test_refusal_says_how_to_serve_others() -> None:
    with pytest.raises(NotPermitted) as caught:
        check_open_mode({b"host": b"evil.test"}, SERVER)
    assert caught.value.status == 403
    assert "Make a client key (`fairlead keys create NAME`, or [[auth.keys]])" in caught.value.message
    assert "evil" not in caught.value.message


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param(b"application/json", id="plain"),
        pytest.param(b"Application/JSON", id="capitals"),
        pytest.param(b"application/json; charset=utf-8", id="charset"),
        pytest.param(b" application/json ;charset=utf-8", id="spaces"),
    ],
)
def test_json_body_is_taken(content_type: bytes) -> None:
    check_body(make_exchange({b"content-type": content_type}))


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param(None, id="none"),
        pytest.param(b"", id="empty"),
        pytest.param(b"text/plain", id="text"),
        pytest.param(b"text/plain;application/json", id="text-with-a-misleading-parameter"),
        pytest.param(b"application/x-www-form-urlencoded", id="form"),
        pytest.param(b"multipart/form-data; boundary=x", id="multipart"),
        pytest.param(b"application/json-seq", id="another-json"),
        pytest.param(b"application/json, text/plain", id="two"),
    ],
)
def test_body_that_a_form_could_send_is_refused(content_type: bytes | None) -> None:
    with pytest.raises(UnsupportedEncoding, match="Content-Type: application/json") as caught:
        check_body(make_exchange({} if content_type is None else {b"content-type": content_type}))
    assert caught.value.status == 415


@pytest.mark.parametrize(
    ("endpoint", "content_type", "is_taken"),
    [
        pytest.param(TRANSCRIPTIONS, b"multipart/form-data; boundary=x", True, id="form-where-a-form-is-due"),
        pytest.param(TRANSCRIPTIONS, b"application/json", True, id="json-where-a-form-is-due"),
        pytest.param(TRANSCRIPTIONS, b"", False, id="nothing-where-a-form-is-due"),
        pytest.param(TRANSCRIPTIONS, b"application/x-www-form-urlencoded", False, id="another-form"),
        pytest.param(FILES, b"multipart/form-data; boundary=x", True, id="upload"),
        pytest.param(FILES, b"", True, id="request-without-a-body"),
        pytest.param(FILES, b"text/plain", False, id="text-as-an-upload"),
        pytest.param(REALTIME, b"", True, id="handshake"),
        pytest.param(REALTIME, b"multipart/form-data; boundary=x", False, id="form-as-a-handshake"),
        pytest.param(IMAGES, b"multipart/form-data; boundary=x", False, id="form-where-json-is-due"),
    ],
)
def test_form_is_taken_on_the_routes_alone_that_want_one(
    endpoint: EndpointSpec, content_type: bytes, is_taken: bool
) -> None:
    if is_taken:
        check_body(make_exchange({b"content-type": content_type}, asked=Asked(endpoint)))
    else:
        with pytest.raises(UnsupportedEncoding):
            check_body(make_exchange({b"content-type": content_type}, asked=Asked(endpoint)))
