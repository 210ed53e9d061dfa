"""Turns what went wrong on a connection into a `Failure`: the one place where network exceptions become values.

It must never put an address with credentials, a header value or bytes of a body into `detail`, nor decide what is tried
next. A connection that dies before the answer's head is whole is `connect` (nothing can be said about the answer); one
that dies in the body is `protocol` (the answer is not what it announced).
"""

from __future__ import annotations

import errno
import re
import socket
import ssl

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.ports import Wait

_BY_ERRNO = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset while connecting",
    errno.ECONNABORTED: "connection reset while connecting",
    errno.EPIPE: "connection reset while connecting",
    errno.ENETUNREACH: "network unreachable",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ETIMEDOUT: "the network reported a time-out while connecting",
    errno.EADDRNOTAVAIL: "no local address or port left",
    errno.EMFILE: "this process has too many open files",
    errno.ENFILE: "this machine has too many open files",
    errno.EACCES: "this machine forbids the connection",
    errno.EPERM: "this machine forbids the connection",
}
# With several addresses that all fail asyncio raises one OSError without a number; its text holds the numbers.
_ERRNO_IN_TEXT = re.compile(r"\[Errno (\d+)\]")


def not_connected(error: BaseException) -> Failure:
    """Describe why no connection came about: name lookup, TCP or TLS. No byte of the request was sent."""
    return _connect(_connect_detail(error))


def unusable_tls_settings() -> Failure:
    return _connect("TLS: ca_file or client_cert cannot be used")


def unusable_proxy() -> Failure:
    return _connect("proxy_url cannot be used")


def refused_by_proxy(status: str) -> Failure:
    return _connect(f"the proxy refused the connection{f' with status {status}' if status else ''}")


def not_connected_in_time(wait: Wait) -> Failure:
    return Failure(wait.kind, Scope.PROVIDER, request_sent=False, detail="no connection in time")


def no_head_in_time(wait: Wait) -> Failure:
    return Failure(wait.kind, detail="no answer in time")


def no_body_in_time(wait: Wait, status: int) -> Failure:
    return Failure(wait.kind, status=status, detail="the answer stopped coming")


def died_before_head(*, reset: bool, request_sent: bool = True) -> Failure:
    manner = "reset" if reset else "closed"
    return Failure(
        FailureKind.CONNECT, request_sent=request_sent, detail=f"the connection was {manner} before an answer came"
    )


def died_in_body(status: int, *, reset: bool) -> Failure:
    manner = "was reset" if reset else "ended"
    return Failure(FailureKind.PROTOCOL, status=status, detail=f"the connection {manner} inside the body")


def protocol(detail: str, status: int | None = None) -> Failure:
    return Failure(FailureKind.PROTOCOL, status=status, detail=detail)


def _connect(detail: str) -> Failure:
    return Failure(FailureKind.CONNECT, Scope.PROVIDER, request_sent=False, detail=detail)


def _connect_detail(error: BaseException) -> str:
    match error:
        case socket.gaierror() | UnicodeError():
            return "DNS: the host name cannot be resolved"
        case ssl.SSLCertVerificationError():
            return f"TLS: the certificate is not accepted ({error.verify_message})"
        case ssl.SSLError():
            reason = getattr(error, "reason", None) or "closed"  # absent unless OpenSSL itself made the error
            return f"TLS: the handshake failed ({reason.replace('_', ' ').lower()})"
        case OSError(errno=None) if found := _ERRNO_IN_TEXT.search(str(error)):
            return _BY_ERRNO.get(int(found[1]), "connection failed")
        case ConnectionResetError():
            return "connection reset while connecting"
        case OSError(errno=int(number)):
            return _BY_ERRNO.get(number, "connection failed")
        case _:
            return "connection failed"
