"""The headers of an answer: what the upstream's allow-list lets through, and Fairlead's own.

Off loopback `[server] expose = "minimal"` leaves only the request id, since the rest tells how the gateway is built.
"""

from __future__ import annotations

from proxy.core.call import Headers
from proxy.core.snapshot import Snapshot
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
    headers = [(b"x-fairlead-request-id", account.call.request_id.encode())]
    if snapshot.server.expose == "minimal":
        return headers
    candidate = account.candidate
    if candidate is not None:
        headers.append((b"x-fairlead-provider", candidate.provider.name.encode()))
        headers.append((b"x-fairlead-model", candidate.model.encode("ascii", "replace")))
    headers.append((b"x-fairlead-attempts", b"%d" % len(account.attempts)))
    if account.attempts:
        headers.append((b"x-fairlead-trail", account.trail.encode()))
    if account.dropped:
        headers.append((b"x-fairlead-dropped-params", ",".join(account.dropped).encode()))
    headers.append((b"x-fairlead-overhead-ms", b"%.2f" % (account.overhead_s * 1000)))
    return headers
