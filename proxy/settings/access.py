"""From `[auth]` to who may call, and whether the gateway may be open where it listens.

Keeps digests of client keys, never the keys.
"""

from __future__ import annotations

import hashlib

from proxy.core.address import is_loopback
from proxy.core.secret import Secret
from proxy.core.snapshot import Auth, ClientKey
from proxy.settings.problems import Report, Severity
from proxy.settings.schema import AuthSection, ClientKeyRow

SHORTEST_KEY = 16
_LIMITS = ("rpm", "tpm", "parallel", "budget_usd_day", "budget_usd_month")


def build_auth(section: AuthSection, host: str, report: Report) -> Auth:
    """Make the client keys and choose the mode; what is wrong goes to the report.

    Args:
        host: Where the process really listens.
    """
    keys: dict[str, ClientKey] = {}
    names: set[str] = set()
    for index, row in enumerate(section.keys):
        _check_key(index, row, section, report)
        sha256 = row.key_sha256 or hashlib.sha256((row.key or "").encode()).hexdigest()
        if sha256 in keys or row.name in names:
            found, expected = "a key or name that another entry has", "keys and names of their own"
            path = ("auth", "keys", index)
            report.add(Severity.FATAL, path, found=found, expected=expected, fix="remove or rename one of the two")
        keys[sha256] = _client_key(row)
        names.add(row.name)
    token = section.admin_token
    if token is not None and len(token) < SHORTEST_KEY and not section.allow_weak_keys:
        _report_weak(("auth", "admin_token"), report)
    return Auth(_mode(section, host, report), keys, Secret(token) if token else None)


def _check_key(index: int, row: ClientKeyRow, section: AuthSection, report: Report) -> None:
    path = ("auth", "keys", index)
    if row.key is not None and len(row.key) < SHORTEST_KEY and not section.allow_weak_keys:
        _report_weak((*path, "key"), report)
    limits = [name for name in _LIMITS if getattr(row, name) is not None]
    if limits:
        found, fix = "limits of a client key, which are not built yet", "the key works without them"
        expected = "a key without limits"
        report.add(Severity.WARNING, (*path, limits[0]), found=found, expected=expected, fix=fix)


def _report_weak(path: tuple[str | int, ...], report: Report) -> None:
    found, expected = "a secret that is too short", f"at least {SHORTEST_KEY} characters"
    fix = "make one with `openssl rand -hex 32`, or set allow_weak_keys = true in [auth] for tests"
    report.add(Severity.FATAL, path, found=found, expected=expected, fix=fix)


def _mode(section: AuthSection, host: str, report: Report) -> str:
    """Written, else "keys" where there is one, else "none"; and "none" on a loopback address only."""
    mode = section.mode or ("keys" if section.keys else "none")
    here = ("auth", "mode")
    if mode == "none" and not is_loopback(host):
        found = "an open gateway on an address that others can reach"
        fix = (
            "add a key under [[auth.keys]] (without a file: set FAIRLEAD_CLIENT_KEY), "
            'write mode = "keys", or listen on 127.0.0.1'
        )
        report.add(Severity.FATAL, here, found=found, expected="a client key off loopback", fix=fix)
    if mode == "none" and section.keys:
        found, expected = 'mode = "none" beside client keys', 'mode = "keys"'
        report.add(Severity.WARNING, here, found=found, expected=expected, fix="the keys are not asked for")
    if mode == "keys" and not section.keys:
        found, expected = 'mode = "keys" without a key', "at least one key"
        report.add(Severity.WARNING, here, found=found, expected=expected, fix="add one: until then nobody may call")
    return mode


def _client_key(row: ClientKeyRow) -> ClientKey:
    return ClientKey(
        name=row.name,
        models=row.models,
        providers=row.providers,
        expires_at_s=row.expires_at.timestamp() if row.expires_at else None,
        owner=row.owner,
        tags=row.tags,
    )
