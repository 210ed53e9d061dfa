"""From why a provider gave no model list to words that say what to do about it.

Never shows a credential or what a vendor answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from proxy.core.call import Headers
from proxy.core.failure import Failure, FailureKind
from proxy.core.snapshot import Provider
from proxy.providers.listings import Listing
from proxy.providers.signals import classify, rows_for

NOT_FOUND = 404

MEANINGS: Mapping[FailureKind, str] = {
    FailureKind.AUTH: "the key is refused; replace it",
    FailureKind.BILLING: "the account has no credit; top it up",
    FailureKind.PERMISSION: "the key may not list models; check its rights, the region and the account",
    FailureKind.BLOCKED: "the vendor blocks this account, address or region",
    FailureKind.RATE_LIMITED: "the key works; the vendor limits it right now",
    FailureKind.QUOTA_EXHAUSTED: "the key works; its quota is used up",
    FailureKind.OVERLOADED: "the vendor is overloaded",
    FailureKind.SERVER_ERROR: "the vendor fails right now",
}
# What to do where a provider is not reached, by how its reason begins.
ADVICE: Mapping[str, str] = {
    "DNS": "check the host in base_url",
    "TLS": "check that base_url is https where it must be, and ca_file",
    "the proxy": "check proxy_url",
}
RUNNING = "check base_url, and that it is running"
PROXIED = "check proxy_url, then base_url"  # where it may be the proxy that has no such name or does not run
PROXY_PASSWORD = 407
LIMITED = frozenset({FailureKind.RATE_LIMITED, FailureKind.QUOTA_EXHAUSTED})


class Refused(NamedTuple):
    """Why there is no list."""

    result: str
    well: bool = False
    reached: bool = True
    accepted: bool | None = None


def unmade(failure: Failure) -> Refused:
    """No token or keys for it."""
    is_refused = failure.kind is FailureKind.AUTH
    advice = "check the account" if is_refused else "check the network, ca_file and proxy_url"
    return Refused(f"{failure.detail}; {advice}", reached=False, accepted=False if is_refused else None)


def unreached(provider: Provider, failure: Failure) -> Refused:
    advice = next((said for beginning, said in ADVICE.items() if failure.detail.startswith(beginning)), RUNNING)
    if provider.proxy_url is not None and advice in (ADVICE["DNS"], RUNNING):
        advice = PROXIED
    return Refused(f"not reached ({failure.detail}); {advice}", reached=False)


def refusal(provider: Provider, listing: Listing, status: int, headers: Headers, body: bytes) -> Refused:
    """Turn a refusal into words, by the same table that judges answers to requests."""
    if status == PROXY_PASSWORD:
        return Refused(f"{status}: the proxy wants a password; check proxy_url")
    if status == NOT_FOUND:
        return Refused(f"{status}: there is no model list at this base URL; check it")
    if status < 400:  # redirects
        return Refused(f"{status}: not a model list; check base_url")
    kind = classify(rows_for(provider), status, headers, body, 0.0).kind
    if kind is FailureKind.PERMISSION and listing.own_right:
        return Refused(f"{status}: the account is accepted, but may not list models", well=True, accepted=True)
    accepted = True if kind in LIMITED else False if kind is FailureKind.AUTH else None
    return Refused(
        f"{status}: {MEANINGS.get(kind, 'not a model list; check base_url')}", kind in LIMITED, True, accepted
    )
