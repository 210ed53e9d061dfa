"""The headers of an answer: what the upstream's allow-list lets through, and Fairlead's own.

Written as lines at once, since every answer has a dozen of them. Off loopback `[server] expose = "minimal"` leaves only
the request id, the cost and what is left of the key's limits, since the rest tells how the gateway is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

from proxy.core.call import Dialect, EndpointSpec, Headers
from proxy.core.money import usd
from proxy.core.snapshot import NO_LIMITS, Candidate, Provider, Snapshot
from proxy.gateway.accounting import Account
from proxy.providers.dialects import stream_type
from proxy.providers.redaction import MASK, SHORTEST_SECRET
from proxy.providers.signals import secrets_of
from proxy.wire.headers import downstream_lines, field_lines
from proxy.wire.ratelimits import limit_lines

MOST_NAMES, LONGEST_NAME = 50, 64  # of what was dropped
_PLAIN = "[]()$:@/"
_ANTHROPIC = Dialect.ANTHROPIC
_MASK = MASK.encode()


@lru_cache(maxsize=64)
def stream_lines(endpoint: EndpointSpec) -> bytes:
    """What every stream of an endpoint begins with."""
    # Buffering proxies in front would turn a stream into one late lump.
    return field_lines((stream_type(endpoint), (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")))


def reply_lines(snapshot: Snapshot, account: Account, upstream: Headers) -> bytes:
    """The headers of an answer that came from an upstream, without its length."""
    key = account.call.key
    has_limits = key is not None and key.limits is not NO_LIMITS
    lines = downstream_lines(upstream, key_limits=has_limits)
    if account.candidate is not None:
        for secret in _secrets_of(account.candidate.provider):
            if secret in lines:
                lines = lines.replace(secret, _MASK)
    lines += own_lines(snapshot, account)
    if account.call.endpoint.dialect is _ANTHROPIC and b"\nrequest-id: " not in b"\n" + lines:
        lines += b"request-id: %b\r\n" % account.call.request_id.encode()  # where Anthropic's SDKs look for it
    return lines


@lru_cache(maxsize=1024)
def _secrets_of(provider: Provider) -> tuple[bytes, ...]:
    """What an upstream may repeat as it was sent; what it makes of it would cost every answer more to look for."""
    values = [value for value in secrets_of(provider) if len(value) >= SHORTEST_SECRET]
    return tuple([value.encode(errors="surrogateescape") for value in values])


def own_lines(snapshot: Snapshot, account: Account) -> bytes:
    """Fairlead's headers for an answer or an error."""
    call, cost, key = account.call, account.cost, account.call.key
    paid = "" if cost is None or call.stream else f"x-fairlead-cost-usd: {usd(cost.nusd)}\r\n"
    left = ""
    if key is not None and key.limits is not NO_LIMITS:
        engine = account.engine
        left = limit_lines(key.limits, engine.state.key_budget(key, engine.clock.now()))
    # Text until the end: it is put together at a third of what bytes cost.
    lines = f"x-fairlead-request-id: {call.request_id}\r\n{paid}{left}"
    if snapshot.server.expose != "minimal":
        way = _way_lines(account.candidate, len(account.attempts), account.trail)
        lost = f"x-fairlead-dropped-params: {_listed(account.dropped)}\r\n" if account.dropped else ""
        lines = f"{lines}{way}{lost}x-fairlead-overhead-ms: {account.overhead_s * 1000:.2f}\r\n"
    return lines.encode()


@lru_cache(maxsize=4096)  # nearly every request goes the way of the one before
def _way_lines(candidate: Candidate | None, attempts: int, trail: str) -> str:
    """Say who answered and what was tried before."""
    headers = []
    if candidate is not None:
        headers.append((b"x-fairlead-provider", candidate.provider.name.encode()))
        headers.append((b"x-fairlead-model", candidate.model.encode("ascii", "replace")))
    headers.append((b"x-fairlead-attempts", b"%d" % attempts))
    if trail:
        headers.append((b"x-fairlead-trail", trail.encode()))
    return field_lines(headers).decode()


def _listed(names: Sequence[str]) -> str:
    """List names that a client may have made up: what a header or a list cannot hold is percent-encoded."""
    shown = [quote(name[:LONGEST_NAME], safe=_PLAIN, errors="replace") for name in names[:MOST_NAMES]]
    return ",".join([*shown, "..."] if len(names) > MOST_NAMES else shown)
