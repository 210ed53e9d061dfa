"""The headers of an answer: what the upstream's allow-list lets through, and Fairlead's own.

Off loopback `[server] expose = "minimal"` leaves only the request id, since the rest tells how the gateway is built.
"""

from __future__ import annotations

from functools import lru_cache

from proxy.core.call import Headers
from proxy.core.snapshot import Candidate, Snapshot
from proxy.gateway.accounting import Account
from proxy.wire.headers import downstream_headers

EVENT_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")
# Buffering proxies in front would turn a stream into one late lump.
STREAM_HEADERS = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))


def reply_headers(snapshot: Snapshot, account: Account, upstream: Headers) -> list[tuple[bytes, bytes]]:
    """The headers of an answer that came from an upstream, without its length."""
    return [*downstream_headers(upstream), *own_headers(snapshot, account)]


def own_headers(snapshot: Snapshot, account: Account) -> list[tuple[bytes, bytes]]:
    """Fairlead's headers for an answer or an error."""
    request_id = (b"x-fairlead-request-id", account.call.request_id.encode())
    if snapshot.server.expose == "minimal":
        return [request_id]
    headers = [
        request_id,
        *_of_way(account.candidate, len(account.attempts), account.trail),
        (b"x-fairlead-overhead-ms", b"%.2f" % (account.overhead_s * 1000)),
    ]
    if account.dropped:
        headers.append((b"x-fairlead-dropped-params", ",".join(account.dropped).encode()))
    return headers


@lru_cache(maxsize=4096)  # nearly every request goes the way of the one before
def _of_way(candidate: Candidate | None, attempts: int, trail: str) -> Headers:
    """Say who answered and what was tried before."""
    headers = []
    if candidate is not None:
        headers.append((b"x-fairlead-provider", candidate.provider.name.encode()))
        headers.append((b"x-fairlead-model", candidate.model.encode("ascii", "replace")))
    headers.append((b"x-fairlead-attempts", b"%d" % attempts))
    if trail:
        headers.append((b"x-fairlead-trail", trail.encode()))
    return tuple(headers)
