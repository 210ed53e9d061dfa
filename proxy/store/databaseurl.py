"""From the URL of `[database]` to where the database is: a file, or a PostgreSQL server.

Imports no SQLAlchemy, so that settings can judge a URL without it. Never connects, and never quotes a URL: it may hold
a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

# Not in one piece: the redaction of logs masks what stands between :// and @.
EXPECTED = '"sqlite:///FILE" or "postgresql://HOST:PORT/DATABASE" with USER:PASSWORD@ before HOST'
_ENCODE = "write special characters of the password as %XX: %40 for @, %2F for /, %23 for #, %3F for ?"
_SCHEMES = ("postgresql", "postgres")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:\[\]/]*)(:\d{1,5})?")
# Parameters that psql knows and asyncpg would hand to the server, which refuses them.
_UNKNOWN = frozenset(
    {
        "channel_binding",
        "connect_timeout",
        "fallback_application_name",
        "gssencmode",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "load_balance_hosts",
        "require_auth",
        "sslcompression",
        "sslsni",
        "tcp_user_timeout",
    }
)
_SWITCH = {"true": True, "1": True, "false": False, "0": False}


class BadUrl(ValueError):
    """A URL that leads to no database. Each part fits into a `Problem`."""

    def __init__(self, found: str, fix: str, expected: str = EXPECTED) -> None:
        super().__init__(f"{found}; expected {expected}; {fix}")
        self.found, self.expected, self.fix = found, expected, fix


@dataclass(frozen=True, slots=True)
class Target:
    """Where a database is.

    Attributes:
        shown: For messages: no user, no password.
        path: SQLite's file; None = PostgreSQL.
        dsn: What asyncpg connects with; empty for SQLite.
        is_pooled: PgBouncer hands each transaction to any of its connections, so that nothing may be prepared ahead.
    """

    shown: str
    path: Path | None = None
    dsn: str = field(default="", repr=False)
    is_pooled: bool = False


def has_asyncpg() -> bool:
    """Tell whether the driver for PostgreSQL is installed, without importing it."""
    return find_spec("asyncpg") is not None


def read_url(url: str, data_dir: Path, *, has_driver: Callable[[], bool] = has_asyncpg) -> Target:
    """Find out where a URL leads.

    Raises:
        BadUrl: Nowhere, or asyncpg is needed and not installed.
    """
    scheme, separator, rest = url.strip().partition("://")
    if separator and scheme == "sqlite":
        return _sqlite(rest, data_dir)
    if separator and scheme in _SCHEMES:
        target = _postgres(url.strip())
        if has_driver():
            return target
        expected = "the package asyncpg for PostgreSQL"
        raise BadUrl("no package asyncpg", "install it: pip install 'fairlead[postgres]'", expected)
    raise BadUrl("a URL of no database that Fairlead knows", "correct the part before ://")


def _sqlite(rest: str, data_dir: Path) -> Target:
    name = rest.removeprefix("/")
    if name == rest:
        raise BadUrl("a SQLite URL with a host", "write three slashes before a relative path, four before an absolute")
    if not name or name.startswith(":memory:") or name.endswith("/"):
        raise BadUrl("a SQLite URL without a file", "name a file: what is in memory alone would be lost")
    if "?" in name or not name.isprintable():
        raise BadUrl("a SQLite URL with parameters", "write the path alone")
    path = Path(data_dir, name)
    return Target(f"SQLite file {path}", path)


def _postgres(url: str) -> Target:
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise BadUrl("a PostgreSQL URL that cannot be read", _ENCODE) from None
    _, _, hosts = parts.netloc.rpartition("@")
    is_fit = parts.netloc.count("@") <= 1 and not parts.fragment and url.isprintable() and " " not in url
    if not is_fit or not all(_HOST.fullmatch(host) for host in hosts.split(",")):
        raise BadUrl("a PostgreSQL URL that cannot be read", _ENCODE)
    for name in query:
        if name in _UNKNOWN:
            raise BadUrl(f"the parameter {name}, which cannot be kept", f"remove {name} from the URL")
    pooled = _SWITCH.get(query.pop("pgbouncer", "false"))
    if pooled is None:
        raise BadUrl("a parameter pgbouncer that is no switch", "write pgbouncer=true or remove it")
    query.setdefault("application_name", "fairlead")
    shown = f"PostgreSQL at {hosts or query.get('host', 'its usual place')}{parts.path.rstrip('/')}"
    return Target(shown, dsn=parts._replace(query=urlencode(query)).geturl(), is_pooled=pooled)
