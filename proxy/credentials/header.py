"""A provider's secret turned into the header that its vendor wants it in.

Builds header pairs only; never stores or logs a secret.
"""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from proxy.core.call import Headers
from proxy.core.secret import Secret
from proxy.wire.headers import is_value


class HeaderScheme(StrEnum):
    """How a vendor takes a static key."""

    BEARER = "bearer"
    API_KEY = "api_key"
    X_API_KEY = "x_api_key"
    X_GOOG_API_KEY = "x_goog_api_key"
    NONE = "none"


def credential_headers(scheme: HeaderScheme, secret: Secret) -> Headers:
    """Build the header pairs that carry a secret, names in lower case.

    Raises:
        ValueError: The secret holds a character that no header may carry, such as a line end.
    """
    value = secret.reveal().encode()
    if not is_value(value):
        raise ValueError("a credential holds a character that no header may carry")
    match scheme:
        case HeaderScheme.BEARER:
            return ((b"authorization", b"Bearer " + value),)
        case HeaderScheme.API_KEY:
            return ((b"api-key", value),)
        case HeaderScheme.X_API_KEY:
            return ((b"x-api-key", value),)
        case HeaderScheme.X_GOOG_API_KEY:
            return ((b"x-goog-api-key", value),)
        case HeaderScheme.NONE:
            return ()
        case _:
            assert_never(scheme)
