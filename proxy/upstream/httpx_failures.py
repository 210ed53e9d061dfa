"""Turns what httpx, and the libraries below it, raise into a `Failure`.

It must never let a library's message through: only the words of `failures` reach a log.
"""

from __future__ import annotations

import anyio
import httpx
from h2.exceptions import H2Error
from socksio.exceptions import SOCKSError

from proxy.core.failure import Failure
from proxy.core.ports import Wait
from proxy.upstream import failures

# httpcore lets some errors of h2, socksio, ssl and anyio pass as they are.
UPSTREAM_ERRORS = (
    httpx.HTTPError,
    H2Error,
    SOCKSError,
    OSError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
)


def send_failure(error: BaseException, connect: Wait, head: Wait, *, connecting: bool) -> Failure:
    """Describe why no head came. `connecting`: no byte of the request itself had left yet."""
    match error:
        case httpx.ProxyError():
            status = str(error)[:3]
            return failures.refused_by_proxy(status if status.isdigit() else "")
        case SOCKSError():
            return failures.refused_by_proxy("")
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return failures.not_connected_in_time(connect)
        case httpx.ConnectError():
            return failures.not_connected(_root(error))
        case _ if connecting:
            return failures.not_connected(_root(error))
        case httpx.TimeoutException():
            return failures.no_head_in_time(head)
        case httpx.ProtocolError() | H2Error() | httpx.DecodingError():
            return failures.died_before_head(reset=False) if _disconnected(error) else failures.protocol(_MALFORMED)
        case _:
            return failures.died_before_head(reset=True)


def body_failure(error: BaseException, wait: Wait, status: int) -> Failure:
    """Describe why the body did not go on."""
    match error:
        case httpx.TimeoutException():
            return failures.no_body_in_time(wait, status)
        case httpx.ProtocolError() | H2Error() if not _disconnected(error):
            return failures.protocol(_MALFORMED, status)
        case httpx.ProtocolError() | H2Error():
            return failures.died_in_body(status, reset=False)
        case _:
            return failures.died_in_body(status, reset=True)


_MALFORMED = "malformed answer"


def _disconnected(error: BaseException) -> bool:
    return "disconnected" in str(error) or "closed connection" in str(error)


def _root(error: BaseException) -> BaseException:
    """Walk to the error of the operating system or of TLS that the libraries wrapped."""
    below: BaseException | None = error
    while below is not None:
        error = below
        if isinstance(error, OSError) and error.errno is not None:
            return error
        below = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error.__context__
    return error
