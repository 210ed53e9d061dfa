"""From `[auth]` to who may call and within which limits, and whether the gateway may be open where it listens.

Keeps digests of client keys, never the keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from decimal import Decimal

from proxy.core.address import is_loopback
from proxy.core.money import NUSD_PER_USD
from proxy.core.secret import SHORTEST, Secret
from proxy.core.snapshot import Auth, ClientKey, KeyLimits
from proxy.settings.fields import RowFault
from proxy.settings.problems import Report, Severity
from proxy.settings.reading import read_table
from proxy.settings.schema import AuthSection, ClientKeyRow

_NO_KEY = "0" * 64  # stands in for a digest where a row is read that has none


def build_auth(section: AuthSection, host: str, report: Report) -> Auth:
    """Make the client keys and choose the mode; what is wrong goes to the report.

    Args:
        host: Where the process really listens.
    """
    keys: dict[str, ClientKey] = {}
    owners: dict[tuple[str, str], int] = {}
    for index, row in enumerate(section.keys):
        path = ("auth", "keys", index)
        sha256 = row.key_sha256 or hashlib.sha256((row.key or "").encode()).hexdigest()
        report.add_row_faults(Severity.FATAL, path, [*_secret_faults(row), *_taken(row, sha256, owners, index)])
        if row.key is not None and len(row.key) < SHORTEST and not section.allow_weak_keys:
            _report_weak((*path, "key"), report)
        keys[sha256] = _client_key(row)
    token = section.admin_token
    if token is not None and len(token) < SHORTEST and not section.allow_weak_keys:
        _report_weak(("auth", "admin_token"), report)
    mode = _mode(section, host, report)
    return Auth(mode, keys, Secret(token) if token else None, mode_is_implied=section.mode is None)


def _secret_faults(row: ClientKeyRow) -> Iterator[RowFault]:
    if row.key is None and row.key_sha256 is None:
        expected, fix = "a key, or its key_sha256", 'add key = "${VAR}" and set that variable'
        yield RowFault("key", "nothing, or an empty string", expected, fix, ("key_sha256",))
    if row.key is not None and row.key_sha256 is not None:
        yield RowFault("key_sha256", "a second secret", "either key or key_sha256", "remove one of the two", ("key",))


def _taken(row: ClientKeyRow, sha256: str, owners: dict[tuple[str, str], int], index: int) -> Iterator[RowFault]:
    """Find what an earlier entry has; what none has is this one's."""
    secret = "key" if row.key is not None else "key_sha256"
    own = [("name", row.name, "name")] + ([(secret, sha256, "secret")] if row.key or row.key_sha256 else [])
    for key, value, what in own:
        owner = owners.setdefault((what, value), index)
        if owner != index:
            yield RowFault(key, f"the {what} of auth.keys[{owner}]", f"a {what} of its own", "change one of the two")


def read_client_key(values: Mapping[str, object], report: Report) -> ClientKey | None:
    """Read a key that no file brings by the rules of those that it does; None = what is wrong is in the report.

    Args:
        values: By the names that keys of `[[auth.keys]]` have; without the key itself.
    """
    read = read_table(ClientKeyRow, {**values, "key_sha256": _NO_KEY})
    report.add_wrong(Severity.FATAL, (), ClientKeyRow, read)
    return _client_key(read.row) if read.row is not None and not read.wrong else None


def _report_weak(path: tuple[str | int, ...], report: Report) -> None:
    found, expected = "a secret that is too short", f"at least {SHORTEST} characters"
    fix = "make one with `openssl rand -hex 32`, or set allow_weak_keys = true in [auth] for tests"
    report.add(Severity.FATAL, path, found=found, expected=expected, fix=fix)


def _mode(section: AuthSection, host: str, report: Report) -> str:
    """Written, else "keys" where there is one, else "none"; and "none" on a loopback address only.

    Whether the database holds keys is not known here: `edge.key_lookup.with_stored` closes the gateway for them.
    """
    mode = section.mode or ("keys" if section.keys else "none")
    here = ("auth", "mode")
    if mode == "none" and not is_loopback(host) and not report.is_unreadable(("auth", "keys")):
        found = "an open gateway on an address that others can reach"
        fix = (
            "add a key under [[auth.keys]] (without a file: set FAIRLEAD_CLIENT_KEY), "
            'write mode = "keys" and make keys with `fairlead keys create`, or listen on 127.0.0.1'
        )
        report.add(Severity.FATAL, here, found=found, expected="a client key off loopback", fix=fix)
    if mode == "none" and section.keys:
        found, expected = 'mode = "none" beside client keys', 'mode = "keys"'
        report.add(Severity.WARNING, here, found=found, expected=expected, fix="the keys are not asked for")
    return mode


def _client_key(row: ClientKeyRow) -> ClientKey:
    return ClientKey(
        name=row.name,
        models=row.models,
        providers=row.providers,
        expires_at_s=row.expires_at.timestamp() if row.expires_at else None,
        owner=row.owner,
        tags=row.tags,
        limits=KeyLimits(
            rpm=row.rpm,
            tpm=row.tpm,
            parallel=row.parallel,
            day_nusd=_nusd(row.budget_usd_day),
            month_nusd=_nusd(row.budget_usd_month),
            allow_unpriced=row.allow_unpriced,
        ),
    )


def _nusd(usd: Decimal | None) -> int | None:
    """Exact: the schema takes no more digits than there are nano-dollars."""
    return None if usd is None else int(usd * NUSD_PER_USD)
