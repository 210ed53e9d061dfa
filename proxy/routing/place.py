"""Whether a provider is still the one that something is remembered of, when the configuration has changed.

A name alone does not tell: another address, another way to ask, another key may stand behind it since. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter

from proxy.core.health import Aside, Target
from proxy.core.snapshot import Provider, Snapshot
from proxy.routing.health import BROKEN

# Where a provider is and how it is asked. Its limits, prices and order are the gateway's own affair.
_PLACE = attrgetter(
    "kind",
    "base_url",
    "api_version",
    "deployment",
    "region",
    "project",
    "location",
    "headers",
    "transport",
    "proxy_url",
    "ca_file",
    "client_cert",
    "process",
)
MARK_DIGITS = 4


def has_moved(before: Provider, after: Provider) -> bool:
    """Say whether a provider of the same name is another one: what is remembered of the first says nothing of it."""
    return _PLACE(before) != _PLACE(after)


def has_new_key(before: Provider, after: Provider) -> bool:
    """Say whether a provider of the same name has a credential that it did not have, so perhaps another account."""
    return not {credential.secret for credential in after.credentials} <= {known.secret for known in before.credentials}


def present_id(provider: Provider, credential: str) -> str:
    """Return the id that a credential has now: its place in a list names it, its fingerprint stays.

    Args:
        provider: As it is configured now.
        credential: The id that it had; returned where the provider has it no more.
    """
    fingerprint = credential.rpartition("#")[2]
    same = [known.id for known in provider.credentials if known.id.rpartition("#")[2] == fingerprint]
    return credential if not same or credential in same else same[0]


@lru_cache(maxsize=1024)
def mark_of(provider: Provider, credential: str) -> str:
    """Digest where a provider is, how it is asked and with what: for what was changed meanwhile it is another.

    It stands in a file, and some of what it is made of is secret. So it is short: of those who guess at a secret it
    tells too many that they are right. And one change in 65,536 is missed, which leaves a set-aside to end by itself.

    Args:
        credential: The id of the one that is meant; "" where it is all of them.
    """
    if provider.kind == "simulator":  # ours listens on another port after each start
        provider = replace(provider, base_url="")
    process = provider.process
    secrets = [provider.proxy_url] if provider.proxy_url else []
    secrets += [value for _, value in process.env] if process else []
    keys = [credential] if credential else [known.id for known in provider.credentials]
    told = repr((_PLACE(provider), keys, [secret.reveal() for secret in secrets]))
    return hashlib.sha256(b"fairlead:" + told.encode(errors="surrogatepass")).hexdigest()[:MARK_DIGITS]


def is_meant(provider: Provider, credential: str, snapshot: Snapshot) -> bool:
    """Say whether what happened to an attempt still tells of something that is configured.

    Args:
        provider: As it was when the attempt began.
        credential: The id of the attempt's; "" for none.
    """
    now = snapshot.providers.get(provider.name)
    if now is None or has_moved(provider, now):
        return False
    return not credential or any(known.id == credential for known in now.credentials)


class Change:
    """From the providers that were configured to those that are: of whom what is remembered still tells."""

    def __init__(self, before: Mapping[str, Provider], snapshot: Snapshot) -> None:
        self._now = snapshot.providers
        pairs = [(before[name], provider) for name, provider in self._now.items() if name in before]
        self._moved = {now.name for old, now in pairs if has_moved(old, now)}
        self._with_new_key = {now.name for old, now in pairs if has_new_key(old, now)}

    def is_same(self, provider: str) -> bool:
        """Say whether a provider still exists, where it was."""
        return provider in self._now and provider not in self._moved

    def id_of(self, provider: str, credential: str) -> str:
        """Return the present id of a credential."""
        now = self._now.get(provider)
        return credential if now is None else present_id(now, credential)

    def keeps(self, target: Target, aside: Aside | None) -> bool:
        """Say whether what is remembered of a target still holds; a credential whose secret changed is another one.

        Model names are not looked at: clients may send a provider's own.

        Args:
            aside: How the target is set aside, if it is.
        """
        name = target.provider
        if not self.is_same(name):
            return False
        if target.credential:
            return any(credential.id == target.credential for credential in self._now[name].credentials)
        # A new key may be of another account, of which limits, rights and blocks say nothing.
        return name not in self._with_new_key or aside is None or aside.breaker or aside.kind in BROKEN
