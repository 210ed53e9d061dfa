"""Who is calling: a client key from the headers to its row, or 401.

A key is looked up by its digest, so no comparison depends on its text. Whether it was unknown or expired goes to the
log, not to the client. Keys are taken from headers only, never from the query.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Mapping, Sequence

from proxy.core.errors import NotAuthenticated
from proxy.core.secret import Secret
from proxy.core.snapshot import Auth, ClientKey

_LOG = logging.getLogger("fairlead.auth")

CREDENTIAL_HEADERS = frozenset({b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"})


def authenticate(headers: Sequence[tuple[bytes, bytes]], auth: Auth, wall_s: float) -> ClientKey | None:
    """Return the caller's row; None in open mode.

    Args:
        headers: As they came, names in lower case; repeated ones included.
        wall_s: Unix time.

    Raises:
        NotAuthenticated: No key, two different keys, or a key that is unknown or expired.
    """
    if auth.mode == "none":
        return None
    presented = presented_key(headers)
    if presented is None:
        raise NotAuthenticated("Send your Fairlead key as 'Authorization: Bearer <key>'.")
    key = auth.keys.get(hashlib.sha256(presented).hexdigest())
    if key is None:
        _LOG.info("client key refused: unknown")
        raise NotAuthenticated("This key is not valid for this gateway.")
    if key.expires_at_s is not None and key.expires_at_s <= wall_s:
        _LOG.info("client key refused: expired", extra={"fairlead.key": key.name})
        raise NotAuthenticated("This key is not valid for this gateway.")
    return key


def presented_key(headers: Sequence[tuple[bytes, bytes]]) -> bytes | None:
    """The one key a client sent, wherever it put it.

    Raises:
        NotAuthenticated: Two headers hold different keys.
    """
    found: bytes | None = None
    for name, value in headers:
        if name not in CREDENTIAL_HEADERS:
            continue
        if name == b"authorization":
            scheme, _, value = value.partition(b" ")
            if scheme.lower() != b"bearer":
                continue
        value = value.strip()
        if not value:  # an SDK without a key may send the header all the same
            continue
        if found is not None and not hmac.compare_digest(found, value):
            raise NotAuthenticated("Two different keys were sent. Send one, as 'Authorization: Bearer <key>'.")
        found = value
    return found


def is_admin(headers: Mapping[bytes, bytes], token: Secret | None) -> bool:
    """Whether the request carries the admin token, compared in constant time."""
    if token is None:
        return False
    scheme, _, value = headers.get(b"authorization", b"").partition(b" ")
    return scheme.lower() == b"bearer" and hmac.compare_digest(value.strip(), token.reveal().encode())
