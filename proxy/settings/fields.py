"""The kinds of value that a configuration key can hold, as annotated types, and the base class of every row.

A validator's `ValueError` text completes the sentence "expected ...". It never quotes the value: it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticKnownError

from proxy.settings.interpolate import KeyPath
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
_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_REDIS_SCHEMES = frozenset({"redis", "rediss", "unix", "valkey", "valkeys"})


class Row(BaseModel):
    """A table of the file. Its `repr` names no value, since any of them may be a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    def __repr_args__(self) -> list[tuple[str | None, object]]:
        return []


class RowFault(NamedTuple):
    """What is wrong with a row as a whole.

    Attributes:
        key: Where it is told: a key of the row, or a path in it; "" = the row itself.
        about: Other keys and paths that it speaks of: where one of them is wrong, nothing is known.
    """

    key: str | KeyPath
    found: str
    expected: str
    fix: str
    about: tuple[str | KeyPath, ...] = ()


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


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _is_http_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        is_url = parts.scheme in {"http", "https"} and bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:
        return False
    return is_url and value.isprintable() and " " not in value


def _base_url(value: str) -> str:
    value = value.strip()
    if not _is_http_url(value):
        raise ValueError('an http or https URL such as "https://api.example.com/v1"')
    parts = urlsplit(value)
    if parts.username is not None:
        raise ValueError("a URL without credentials: they belong in api_key")
    if parts.query or parts.fragment:
        raise ValueError("a URL that ends before ? and #: a key belongs in api_key, azure's version in api_version")
    return value.rstrip("/")


def _webhook_url(value: str) -> str:
    if not _is_http_url(value):
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
    if value != "*" and (scheme not in {"http", "https"} or not rest or "/" in rest or "*" in rest):
        raise ValueError('"*" alone, or an origin such as "https://chat.example.com" without a path')
    return value


def _host(value: str) -> str:
    host = value.strip().removeprefix("[").removesuffix("]")
    try:
        ip_address(host)
    except ValueError:
        if not _HOST_NAME.fullmatch(host):
            raise ValueError("an IP address or a host name, without scheme and port") from None
    return host


def _redis_url(value: str) -> str:
    if value and value.partition("://")[0] not in _REDIS_SCHEMES:
        raise ValueError('a URL such as "redis://localhost:6379" or "rediss://..."')
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


def _glob(value: str) -> str:
    if not value or value.count("[") > value.count("]"):
        raise ValueError("a name, or a glob whose [ is closed; not empty")
    return value


def _utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


Whole = Annotated[int, BeforeValidator(_not_bool)]
Number = Annotated[float, BeforeValidator(_not_bool)]
Amount = Annotated[Decimal, BeforeValidator(_not_bool)]
Name = Annotated[str, AfterValidator(_sendable)]
OptionalText = Annotated[Annotated[Name, BeforeValidator(_stripped)] | None, BeforeValidator(_blank)]
# A secret mounted from a file often ends in a newline; no vendor's key ends in a space.
Credential = Annotated[str, AfterValidator(str.strip), AfterValidator(_sendable)]
OptionalCredential = Annotated[Credential | None, BeforeValidator(_blank)]
BaseUrl = Annotated[Annotated[str, AfterValidator(_base_url)] | None, BeforeValidator(_blank)]
WebhookUrl = Annotated[Annotated[str, AfterValidator(_webhook_url)] | None, BeforeValidator(_blank)]
ProxyUrl = Annotated[Annotated[str, AfterValidator(_proxy_url)] | None, BeforeValidator(_blank)]
Host = Annotated[str, AfterValidator(_host)]
OptionalHost = Annotated[Host | None, BeforeValidator(_blank)]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
Origin = Annotated[str, AfterValidator(_origin)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, AfterValidator(_sendable)]
ForwardHeader = Annotated[str, AfterValidator(_forward_header)]
HexDigest = Annotated[Annotated[str, AfterValidator(_hex_digest)] | None, BeforeValidator(_blank)]
Glob = Annotated[Name, AfterValidator(_glob)]
Moment = Annotated[datetime, AfterValidator(_utc)]
