"""Exceptions of sockets, TLS and name lookup as failures."""

from __future__ import annotations

import errno
import socket
import ssl

import anyio
import httpx
import pytest
from h2.exceptions import ProtocolError
from socksio.exceptions import SOCKSError

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.ports import Wait
from proxy.upstream import failures
from proxy.upstream.httpx_failures import body_failure, send_failure

CONNECT = Wait(1.0, FailureKind.TIMEOUT_CONNECT)
HEAD = Wait(2.0, FailureKind.TIMEOUT_HEADERS)
IDLE = Wait(3.0, FailureKind.TIMEOUT_IDLE)


def verification() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] at 10.0.0.1")
    error.verify_message = "certificate has expired"
    return error


def handshake(reason: str | None) -> ssl.SSLError:
    error = ssl.SSLError(1, "[SSL: SOMETHING] at 10.0.0.1")
    if reason:
        error.reason = reason
    return error


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        pytest.param(socket.gaierror(-2, "Name or service"), "DNS: the host name cannot be resolved", id="dns"),
        pytest.param(UnicodeError("label too long"), "DNS: the host name cannot be resolved", id="idna"),
        pytest.param(
            verification(), "TLS: the certificate is not accepted (certificate has expired)", id="certificate"
        ),
        pytest.param(handshake("WRONG_VERSION_NUMBER"), "TLS: the handshake failed (wrong version number)", id="tls"),
        pytest.param(handshake(None), "TLS: the handshake failed (closed)", id="tls-without-reason"),
        pytest.param(ConnectionRefusedError(errno.ECONNREFUSED, "to 10.0.0.1"), "connection refused", id="refused"),
        pytest.param(OSError(errno.EHOSTUNREACH, "x"), "host unreachable", id="host-unreachable"),
        pytest.param(OSError(errno.ENETUNREACH, "x"), "network unreachable", id="network-unreachable"),
        pytest.param(OSError(errno.EMFILE, "x"), "this process has too many open files", id="files"),
        pytest.param(OSError(errno.ENOTTY, "x"), "connection failed", id="odd-number"),
        pytest.param(ConnectionResetError(), "connection reset while connecting", id="reset-without-number"),
        pytest.param(
            OSError("Multiple exceptions: [Errno 111] ('::1', 1), [Errno 111] ('127.0.0.1', 1)"),
            "connection refused",
            id="several-addresses",
        ),
        pytest.param(OSError("Multiple exceptions: [Errno 9999] x"), "connection failed", id="several-odd"),
        pytest.param(OSError("no number"), "connection failed", id="no-number"),
        pytest.param(anyio.EndOfStream(), "connection failed", id="anything-else"),
    ],
)
def test_what_prevents_a_connection_is_told_in_our_words(error: BaseException, detail: str) -> None:
    assert failures.not_connected(error) == Failure(
        FailureKind.CONNECT, Scope.PROVIDER, request_sent=False, detail=detail
    )


UNREACHABLE = ExceptionGroup("several addresses", [OSError(errno.EHOSTUNREACH, "x"), OSError(errno.ECONNREFUSED, "x")])


@pytest.mark.parametrize(
    ("error", "connecting", "failure"),
    [
        pytest.param(
            caused(httpx.ConnectError("x"), caused(RuntimeError(), ConnectionRefusedError(errno.ECONNREFUSED, "x"))),
            True,
            failures.not_connected(ConnectionRefusedError(errno.ECONNREFUSED, "x")),
            id="refused-below",
        ),
        pytest.param(
            caused(httpx.ConnectError("x"), caused(OSError("all failed"), UNREACHABLE)),
            True,
            failures.not_connected(OSError(errno.EHOSTUNREACH, "x")),
            id="first-of-a-group",
        ),
        pytest.param(httpx.ConnectTimeout("x"), True, failures.not_connected_in_time(CONNECT), id="connect-timeout"),
        pytest.param(httpx.PoolTimeout("x"), False, failures.not_connected_in_time(CONNECT), id="pool-timeout"),
        pytest.param(httpx.ReadTimeout("x"), False, failures.no_head_in_time(HEAD), id="read-timeout"),
        pytest.param(httpx.ProxyError("407 Secret realm"), True, failures.refused_by_proxy("407"), id="proxy-status"),
        pytest.param(httpx.ProxyError("Invalid password"), True, failures.refused_by_proxy(""), id="proxy-words"),
        pytest.param(SOCKSError("x"), True, failures.refused_by_proxy(""), id="socks"),
        pytest.param(httpx.ReadError("x"), True, failures.not_connected(RuntimeError()), id="read-while-connecting"),
        pytest.param(httpx.ReadError("x"), False, failures.died_before_head(reset=True), id="read"),
        pytest.param(anyio.BrokenResourceError(), False, failures.died_before_head(reset=True), id="broken"),
        pytest.param(
            httpx.RemoteProtocolError("Server disconnected without sending a response."),
            False,
            failures.died_before_head(reset=False),
            id="disconnected",
        ),
        pytest.param(
            httpx.RemoteProtocolError("illegal status line: secret"),
            False,
            failures.protocol("malformed answer"),
            id="malformed",
        ),
        pytest.param(ProtocolError("x"), False, failures.protocol("malformed answer"), id="h2"),
    ],
)
def test_what_httpx_raises_before_the_head_becomes_a_failure(
    error: BaseException, connecting: bool, failure: Failure
) -> None:
    assert send_failure(error, CONNECT, HEAD, connecting=connecting) == failure


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        pytest.param(httpx.ReadTimeout("x"), failures.no_body_in_time(IDLE, 200), id="timeout"),
        pytest.param(httpx.ReadError("x"), failures.died_in_body(200, reset=True), id="reset"),
        pytest.param(
            httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
            failures.died_in_body(200, reset=False),
            id="cut",
        ),
        pytest.param(
            httpx.RemoteProtocolError("bad chunk"), failures.protocol("malformed answer", 200), id="malformed"
        ),
        pytest.param(ProtocolError("x"), failures.protocol("malformed answer", 200), id="h2"),
    ],
)
def test_what_httpx_raises_in_the_body_becomes_a_failure(error: BaseException, failure: Failure) -> None:
    assert body_failure(error, IDLE, 200) == failure


def test_waits_name_their_failures() -> None:
    assert failures.not_connected_in_time(CONNECT).kind is FailureKind.TIMEOUT_CONNECT
    assert failures.no_head_in_time(HEAD).kind is FailureKind.TIMEOUT_HEADERS
    assert failures.no_body_in_time(IDLE, 200).kind is FailureKind.TIMEOUT_IDLE
