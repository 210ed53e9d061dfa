"""Which headers pass in each direction, and which bytes may be a header at all.

Takes header lists, gives lists or lines; never adds a header, never lets a credential or a framing header of one
connection reach the other. Everything here runs on each request: set look-ups and byte tables, no regular expressions.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable

from proxy.core.call import Headers

ALWAYS_FORWARDED = frozenset({b"idempotency-key", b"traceparent", b"tracestate"})
CLIENT_HEADERS = ALWAYS_FORWARDED | {b"openai-beta", b"anthropic-version", b"anthropic-beta"}

# No configuration can forward these: they hold the client's own credential, or belong to one connection or body.
NEVER_FORWARDED = frozenset(
    {
        b"authorization",
        b"proxy-authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"cookie",
        b"host",
        b"accept-encoding",
        b"connection",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"keep-alive",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

_TO_CLIENT = frozenset(
    {b"content-type", b"x-request-id", b"request-id", b"retry-after", b"retry-after-ms", b"openai-processing-ms"}
)
_LIMITS = (b"x-ratelimit-", b"anthropic-ratelimit-")

_TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BREAKS = b"\r\n\0"
_CONTROLS = bytes(code for code in (*range(32), 127) if code != 9)


def is_name(name: bytes) -> bool:
    """Tell whether these bytes are a header name: one token of RFC 9110."""
    return bool(name) and not name.translate(None, _TOKEN)


def is_value(value: bytes) -> bool:
    """Tell whether these bytes are a header value: no CR, LF, NUL or other control but the tab."""
    return len(value.translate(None, _CONTROLS)) == len(value)


def combined(fields: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Give each name one value, a list where it came in several lines (RFC 9110 section 5.3).

    Clients name each of several betas, or vendors of a trace, in a line of its own. What cannot be a list makes no
    sense then, unless its lines are the same.
    """
    values: dict[bytes, dict[bytes, None]] = {}
    for name, value in fields:
        values.setdefault(name, {})[value.strip(b" \t")] = None
    return {name: b", ".join(filter(None, several)) for name, several in values.items()}


def upstream_headers(client_headers: Iterable[tuple[bytes, bytes]], allowed: Container[bytes]) -> Headers:
    """Keep the client's headers that may reach an upstream.

    Args:
        client_headers: Names in lower case.
        allowed: Names in lower case; those in `NEVER_FORWARDED` are left out whatever this says.
    """
    return tuple(
        [pair for pair in client_headers if pair[0] in allowed and pair[0] not in NEVER_FORWARDED and is_value(pair[1])]
    )


def field_lines(fields: Collection[tuple[bytes, bytes]]) -> bytes:
    """Write header fields as lines, each with its end.

    Raises:
        ValueError: A field holds a line break, which would make two of one, or a NUL.
    """
    lines = b"".join([b"%b: %b\r\n" % field for field in fields])
    # One scan of them all: a stray CR or LF in any field makes more of them than there are lines.
    if len(lines.translate(None, _BREAKS)) != len(lines) - 2 * len(fields):
        raise ValueError("a header field holds a line break or a NUL")
    return lines


def downstream_lines(headers: Iterable[tuple[bytes, bytes]], *, key_limits: bool = False) -> bytes:
    """Write the upstream's headers that may reach the client as lines.

    Args:
        headers: The upstream's, names in lower case.
        key_limits: The client's key has limits of its own, so the upstream's would mislead.
    """
    return b"".join(
        [
            b"%b: %b\r\n" % pair
            for pair in headers
            if (pair[0] in _TO_CLIENT or (not key_limits and pair[0].startswith(_LIMITS))) and is_value(pair[1])
        ]
    )
