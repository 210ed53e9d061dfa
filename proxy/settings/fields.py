"""The kinds of value that a configuration key can hold, as annotated types, and the base class of every row.

A validator's `ValueError` text completes the sentence "expected ...". It never quotes the value: it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticKnownError

from proxy.wire.headers import NEVER_FORWARDED, is_name

_FRAMING = frozenset(
    {
        "host",
        "connection",
        "content-length",
        "content-type",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class Row(BaseModel):
    """A table of the file. Its `repr` names no value, since any of them may be a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    def __repr_args__(self) -> list[tuple[str | None, object]]:
        return []


def as_table(value: object) -> Mapping[str, object] | None:
    """Narrow a raw value to a table."""
    return value if isinstance(value, dict) else None


def _not_bool(value: object) -> object:
    """Refuse what pydantic would take for 0 or 1."""
    if isinstance(value, bool):
        raise PydanticKnownError("float_type")
    return value


def _blank(value: object) -> object:
    """Take an empty string for an absent key, so that `${VAR:-}` can mean "the default"."""
    return None if isinstance(value, str) and not value.strip() else value


def _base_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_usable = parts.scheme in {"http", "https"} and bool((parts.hostname or "").encode("idna"))
        is_bare = parts.port != 0 and parts.username is None and not parts.query and not parts.fragment
    except ValueError:
        is_usable = is_bare = False
    if not is_usable or not is_bare or not value.isprintable() or " " in value:
        raise ValueError(
            'an http or https URL such as "https://api.example.com/v1", without credentials, query and fragment'
        )
    return value.rstrip("/")


def _webhook_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_usable = (
            parts.scheme in {"http", "https"} and bool((parts.hostname or "").encode("idna")) and parts.port != 0
        )
    except ValueError:
        is_usable = False
    if not is_usable or not value.isprintable() or " " in value:
        raise ValueError('an http or https URL such as "https://alerts.example.com/fairlead"')
    return value


def _proxy_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_usable = parts.scheme in {"http", "https", "socks5", "socks5h"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if value != "env" and not is_usable:
        raise ValueError('an http, https, socks5 or socks5h URL, or "env"')
    return value


def _origin(value: str) -> str:
    value = value.lower()  # as browsers send it
    scheme, _, rest = value.partition("://")
    if value != "*" and (scheme not in {"http", "https"} or not rest or "/" in rest):
        raise ValueError('"*" or an origin such as "https://chat.example.com"')
    return value


def _header_name(value: str) -> str:
    name = value.lower()
    if name in _FRAMING or not name.isascii() or not is_name(name.encode()):
        raise ValueError("the name of a header that may be set")
    return name


def _forward_header(value: str) -> str:
    name = _header_name(value)
    if name.encode() in NEVER_FORWARDED:
        raise ValueError("a header that never carries a client's credential or frames a message")
    return name


def _sendable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("printable characters on one line")
    return value


def _hex_digest(value: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        raise ValueError("64 hexadecimal digits")
    return value.lower()


def _utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


Whole = Annotated[int, BeforeValidator(_not_bool)]
Number = Annotated[float, BeforeValidator(_not_bool)]
Amount = Annotated[Decimal, BeforeValidator(_not_bool)]
OptionalText = Annotated[str | None, BeforeValidator(_blank)]
Name = Annotated[str, AfterValidator(_sendable)]
# A secret mounted from a file often ends in a newline; no vendor's key ends in a space.
Credential = Annotated[str, AfterValidator(str.strip), AfterValidator(_sendable)]
OptionalCredential = Annotated[Credential | None, BeforeValidator(_blank)]
BaseUrl = Annotated[Annotated[str, AfterValidator(_base_url)] | None, BeforeValidator(_blank)]
WebhookUrl = Annotated[Annotated[str, AfterValidator(_webhook_url)] | None, BeforeValidator(_blank)]
ProxyUrl = Annotated[Annotated[str, AfterValidator(_proxy_url)] | None, BeforeValidator(_blank)]
Origin = Annotated[str, AfterValidator(_origin)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, AfterValidator(_sendable)]
ForwardHeader = Annotated[str, AfterValidator(_forward_header)]
HexDigest = Annotated[Annotated[str, AfterValidator(_hex_digest)] | None, BeforeValidator(_blank)]
Moment = Annotated[datetime, AfterValidator(_utc)]
