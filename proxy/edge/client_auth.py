"""Who is calling: a client key from the headers to its row, or 401.

A key is looked up by its digest, so no comparison depends on its text. Whether it was unknown, expired or revoked goes
to the log, not to the client. Keys are taken from headers only, never from the query.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping, Sequence

from proxy.core.call import Headers
from proxy.core.errors import NotAuthenticated
from proxy.core.secret import Secret
from proxy.core.snapshot import Auth, ClientKey, StoredKey
from proxy.edge.exchange import Caller, Exchange
from proxy.edge.key_lookup import Refusal, find, find_row
from proxy.wire.websocket import PROTOCOL, listed

_LOG = logging.getLogger("fairlead.auth")

_OTHERS = frozenset({b"x-api-key", b"api-key", b"x-goog-api-key"})
CREDENTIAL_HEADERS = _OTHERS | {b"authorization"}

# What browsers, which cannot set headers on a WebSocket, say among its subprotocols. None of it is for an upstream: the
# last two name an account there, which is the operator's to choose.
# Source: developers.openai.com/api/docs/guides/realtime-websocket (subprotocols), openai-node src/realtime, read
# 2026-11-20.
KEY_PROTOCOL = b"openai-insecure-api-key."
_ACCOUNT_PROTOCOLS = (KEY_PROTOCOL, b"openai-organization.", b"openai-project.")


def recognise(exchange: Exchange, auth: Auth, wall_s: float) -> ClientKey:
    """Return the row of who sent this request: mostly who sent the one before it on the same connection.

    What is compared are two values that came from there, so that nothing can be learnt of anyone else's key.

    Raises:
        NotAuthenticated: As `authenticate`.
    """
    caller, headers = exchange.wire.caller, exchange.headers
    if caller is None or caller.auth is not auth or caller.headers is not headers:
        authorization = headers.get(b"authorization")
        if authorization is None or exchange.repeated or not _OTHERS.isdisjoint(headers):
            return authenticate(headers, exchange.repeated, auth, wall_s)
        if caller is None or caller.auth is not auth or caller.authorization != authorization:
            found = find_row(auth, presented_key(headers, ()))
            if isinstance(found, Refusal):
                raise _refused(found, found)
            exchange.wire.caller = caller = Caller(auth, authorization, found, headers)
        caller.headers = headers
    row = caller.row
    if row.ends_at_s is not None and row.ends_at_s <= wall_s:
        raise _refused(Refusal.EXPIRED, row)
    return row.key


def authenticate(
    headers: Mapping[bytes, bytes], repeated: Sequence[tuple[bytes, bytes]], auth: Auth, wall_s: float
) -> ClientKey:
    """Return the caller's row.

    Args:
        headers: Names in lower case.
        repeated: The headers as they came, where a name came more than once.
        wall_s: Unix time.

    Raises:
        NotAuthenticated: No key, two different keys, or a key that is unknown, mistyped, expired or revoked.
    """
    presented = presented_key(headers, repeated)
    found = find(auth, presented, wall_s)
    if isinstance(found, Refusal):
        raise _refused(found, find_row(auth, presented))
    return found


def _refused(why: Refusal, row: StoredKey | Refusal) -> NotAuthenticated:
    """What the client is told; the log says more, and whose key it was where that is known: one that has expired."""
    name = row.key.name if isinstance(row, StoredKey) else ""
    _LOG.info("client key refused: %s", why, extra={"fairlead.key": name})
    return NotAuthenticated("This key is not valid for this gateway.")


def presented_key(headers: Mapping[bytes, bytes], repeated: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The one key a client sent, wherever it put it.

    Raises:
        NotAuthenticated: No header holds a key, or two hold different ones.
    """
    if not repeated and _OTHERS.isdisjoint(headers):  # as nearly always
        keys = {_key_in(b"authorization", headers.get(b"authorization", b""))}
    elif repeated:
        keys = {_key_in(name, value) for name, value in repeated if name in CREDENTIAL_HEADERS}
    else:
        keys = {_key_in(name, headers[name]) for name in CREDENTIAL_HEADERS & headers.keys()}
    if len(keys) > 1:
        keys.discard(b"")  # an SDK without a key may send the header all the same
    if len(keys) > 1:
        raise NotAuthenticated("Two different keys were sent. Send one, as 'Authorization: Bearer <key>'.")
    if not keys or b"" in keys:
        raise NotAuthenticated("Send your Fairlead key as 'Authorization: Bearer <key>'.")
    return keys.pop()


def handshake_headers(fields: Sequence[tuple[bytes, bytes]]) -> Headers:
    """Return a WebSocket handshake's headers with a key that stands among its subprotocols as a header of its own."""
    protocols = listed([value for name, value in fields if name == PROTOCOL])
    keys = [item[len(KEY_PROTOCOL) :] for item in protocols if item.lower().startswith(KEY_PROTOCOL)]
    return (*fields, *((b"x-api-key", key) for key in keys))


def plain_protocols(values: Sequence[bytes]) -> bytes:
    """Return the subprotocols that are for the upstream, as one header; b"" = none."""
    return b", ".join(item for item in listed(values) if not item.lower().startswith(_ACCOUNT_PROTOCOLS))


def _key_in(name: bytes, value: bytes) -> bytes:
    if name == b"authorization":
        scheme, _, value = value.partition(b" ")
        if scheme.lower() != b"bearer":
            return b""
    return value.strip()


def is_admin(headers: Mapping[bytes, bytes], token: Secret | None) -> bool:
    """Whether the request carries the admin token, compared in constant time."""
    if token is None:
        return False
    scheme, _, value = headers.get(b"authorization", b"").partition(b" ")
    return scheme.lower() == b"bearer" and hmac.compare_digest(value.strip(), token.reveal().encode())
