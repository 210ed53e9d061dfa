"""The head of a request as bytes."""

from __future__ import annotations

import pytest

from proxy.core.ports import UpstreamRequest
from proxy.core.snapshot import Provider
from proxy.upstream.request_head import serialise

PROVIDER = Provider("p", "openai", "https://api.vendor.test")


def request(*headers: tuple[bytes, bytes], method: str = "POST", target: str = "/v1/x?y=1%2F2") -> UpstreamRequest:
    return UpstreamRequest(PROVIDER, method, f"https://api.vendor.test{target}", target, headers, b"")


def test_the_head_holds_the_request_line_and_every_header_in_order() -> None:
    head = serialise(request((b"host", b"api.vendor.test"), (b"x-b", b"2"), (b"x-a", b"1"), (b"x-a", b"\xe9")))
    assert head == b"POST /v1/x?y=1%2F2 HTTP/1.1\r\nhost: api.vendor.test\r\nx-b: 2\r\nx-a: 1\r\nx-a: \xe9\r\n\r\n"


def test_a_request_without_headers_is_a_line_and_a_blank_one() -> None:
    assert serialise(request(method="GET", target="/")) == b"GET / HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(request((b"x", b"a\r\nevil: 1")), id="crlf-in-value"),
        pytest.param(request((b"x", b"a\nb")), id="lf-in-value"),
        pytest.param(request((b"x", b"a\rb")), id="cr-in-value"),
        pytest.param(request((b"x", b"a\0b")), id="nul-in-value"),
        pytest.param(request((b"x", b"a\r\n")), id="crlf-at-the-end"),
        pytest.param(request((b"x", b"a"), (b"y", b"\n")), id="lf-at-the-very-end"),
        pytest.param(request((b"x\r\ny", b"a")), id="crlf-in-name"),
        pytest.param(request(target="/v1/x HTTP/1.1\r\nevil: 1"), id="crlf-in-target"),
        pytest.param(request(target="/v1/x y"), id="space-in-target"),
        pytest.param(request(method="PO ST"), id="space-in-method"),
        pytest.param(request(target="/v1/é"), id="target-not-ascii"),
    ],
)
def test_a_head_that_would_not_say_what_was_meant_is_refused(bad: UpstreamRequest) -> None:
    for _ in range(2):  # nothing is remembered of what was refused
        with pytest.raises(ValueError, match=r"upstream request|ascii"):
            serialise(bad)
