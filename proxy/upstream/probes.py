"""Asks providers for their model lists: whether they are reached, take the credential, and have the configured models.

Costs nothing: GET only. Follows no redirect, never shows a credential or what a vendor answered, reads no more than
`LARGEST_BYTES`.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import anyio
from anyio import to_thread
from msgspec import Struct

from proxy import __version__
from proxy.core.access import Access, Token
from proxy.core.call import Headers
from proxy.core.failure import Failure, FailureKind
from proxy.core.localprocess import LocalProcess
from proxy.core.ports import Clock, Credentials, Wait
from proxy.core.snapshot import Credential, Provider
from proxy.credentials.header import HeaderScheme, credential_headers
from proxy.credentials.sigv4 import SignedParts, SigningScope, sign
from proxy.providers.kinds import KINDS
from proxy.providers.listings import (
    Listing,
    ModelPage,
    UpstreamModel,
    listing_of,
    listing_urls,
    missing,
    next_url,
    read_page,
)
from proxy.providers.signals import classify, rows_for
from proxy.upstream.tls import TlsSettings, make_context

if TYPE_CHECKING:
    import httpx

WAIT_S = 10.0  # for a connection, and for each read
PROBE_S = 60.0  # for one credential as a whole
AT_ONCE = 8
MAX_PAGES = 50
LARGEST_BYTES = 16_777_216  # of one page
OK, NOT_FOUND = 200, 404

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
PROXY_PASSWORD = 407
LIMITED = frozenset({FailureKind.RATE_LIMITED, FailureKind.QUOTA_EXHAUSTED})


class Probe(Struct, frozen=True):
    """What asking with one credential told.

    Attributes:
        credential: Its name; "none" where the provider needs none.
        result: In words.
        well: Requests can be expected to work.
        accepted: The vendor takes the credential; None = nothing is known of that.
        models: None where no list came.
        missing: Upstream names of the configuration that are not in the list.
    """

    provider: str
    credential: str
    result: str
    well: bool
    reached: bool = True
    accepted: bool | None = None
    models: tuple[UpstreamModel, ...] | None = None
    missing: tuple[str, ...] = ()


class _Refused(NamedTuple):
    """Why there is no list."""

    result: str
    well: bool = False
    reached: bool = True
    accepted: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prober:
    """Asks. `names`: the upstream models that the configuration has of each provider."""

    credentials: Credentials
    clock: Clock
    names: Mapping[str, Collection[str]]
    wait_s: float = WAIT_S

    async def probe_all(self, providers: Sequence[Provider]) -> list[Probe]:
        """Ask every enabled provider that lists models, with each of its credentials, several at once, in order."""
        jobs = [
            (provider, credential)
            for provider in providers
            if provider.enabled and listing_of(provider.kind) is not None
            for credential in (provider.credentials or (None,))
        ]
        found: dict[int, Probe] = {}
        limiter = anyio.CapacityLimiter(AT_ONCE)

        async def run(place: int, provider: Provider, credential: Credential | None) -> None:
            async with limiter:
                found[place] = await self.probe(provider, credential)

        async with anyio.create_task_group() as group:
            for place, job in enumerate(jobs):
                group.start_soon(run, place, *job)
        return [found[place] for place in range(len(jobs))]

    async def probe(self, provider: Provider, credential: Credential | None) -> Probe:
        """Ask with one credential; its kind must list models. Never raises what a vendor or the network does."""
        name = credential.name if credential else "none"
        outcome: tuple[UpstreamModel, ...] | _Refused
        with anyio.move_on_after(PROBE_S) as scope:
            outcome = await self._ask(provider, credential)
        if scope.cancelled_caught:
            outcome = _Refused(f"no whole list within {PROBE_S:g} s", reached=False)
        if isinstance(outcome, _Refused):
            return Probe(provider.name, name, *outcome)
        ids = {model.id for model in outcome}
        lacking = missing(provider.kind, self.names.get(provider.name, ()), ids)
        result = f"ok, {len(ids)} {'model' if len(ids) == 1 else 'models'}"
        if lacking:
            result += f"; not listed: {', '.join(lacking)}"
        return Probe(provider.name, name, result, True, True, True, outcome, lacking)

    async def _ask(self, provider: Provider, credential: Credential | None) -> tuple[UpstreamModel, ...] | _Refused:
        import httpx

        from proxy.upstream.httpx_failures import UPSTREAM_ERRORS, send_failure

        if provider.process is not None:
            return _not_asked(provider.process)
        access: Access | None = None
        if credential is not None and credential.account is not None:
            until = Wait(self.clock.now() + PROBE_S, FailureKind.TIMEOUT_CONNECT)
            made = await self.credentials.ready(provider, credential, until)
            if isinstance(made, Failure):
                return _unmade(made)
            access = made
        asking = _Asking(provider, credential, access, self.clock)
        try:
            client = await to_thread.run_sync(_client, provider, self.wait_s)
        except (httpx.InvalidURL, OSError, ValueError):
            return _Refused("ca_file, client_cert or proxy_url cannot be used; correct it", reached=False)
        until = Wait(self.clock.now() + self.wait_s, FailureKind.TIMEOUT_CONNECT)
        try:
            async with client:
                return await _list(client, asking)
        except httpx.TimeoutException:
            return _Refused(f"no answer within {self.wait_s:g} s; check base_url", reached=False)
        except httpx.InvalidURL:
            return _Refused("not reached; base_url is no URL", reached=False)
        except UPSTREAM_ERRORS as error:
            return _unreached(send_failure(error, until, until, connecting=False))


def _unmade(failure: Failure) -> _Refused:
    """No token or keys for it."""
    is_refused = failure.kind is FailureKind.AUTH
    advice = "check the account" if is_refused else "check the network, ca_file and proxy_url"
    return _Refused(f"{failure.detail}; {advice}", reached=False, accepted=False if is_refused else None)


def _unreached(failure: Failure) -> _Refused:
    advice = next((said for beginning, said in ADVICE.items() if failure.detail.startswith(beginning)), RUNNING)
    return _Refused(f"not reached ({failure.detail}); {advice}", reached=False)


def _not_asked(process: LocalProcess) -> _Refused:
    """One that Fairlead runs: a second one beside it might take its memory, so it is not started to be asked."""
    path = next(
        (value.reveal() for name, value in process.env if name == "PATH"), dict(process.surroundings).get("PATH")
    )
    if shutil.which(process.command, path=path) is None:
        return _Refused(f"there is no program {process.command}; give its whole path, or a PATH in env", reached=False)
    return _Refused("not asked: it runs only with the gateway; see `fairlead state show`", True, reached=False)


class _Asking(NamedTuple):
    """What every request of one probe is made from. Holds secrets: never shown."""

    provider: Provider
    credential: Credential | None
    access: Access | None
    clock: Clock


async def _list(client: httpx.AsyncClient, asking: _Asking) -> tuple[UpstreamModel, ...] | _Refused:
    listing = listing_of(asking.provider.kind)
    assert listing is not None
    if listing.key_path is not None and asking.credential is not None:
        status, headers, body = await _get(client, asking.provider.base_url + listing.key_path, asking, listing)
        if status not in (OK, NOT_FOUND):
            return _refusal(asking.provider, listing, status, headers, body)
    models: dict[str, UpstreamModel] = {}
    for first in listing_urls(asking.provider, listing):
        url: str | None = first
        for _ in range(MAX_PAGES):
            if url is None:
                break
            status, headers, body = await _get(client, url, asking, listing)
            if status != OK:
                return _refusal(asking.provider, listing, status, headers, body)
            page = _page(body, listing)
            if page is None:
                return _Refused(f"{OK}, but no list of models; check base_url")
            models.update((model.id, model) for model in page.models)
            url = next_url(first, listing, page.following) if page.following else None
    return tuple(models.values())


def _page(body: bytes, listing: Listing) -> ModelPage | None:
    try:
        return read_page(body, listing)
    except ValueError:
        return None


def _refusal(provider: Provider, listing: Listing, status: int, headers: Headers, body: bytes) -> _Refused:
    """Turn a refusal into words, by the same table that judges answers to requests."""
    if status == PROXY_PASSWORD:
        return _Refused(f"{status}: the proxy wants a password; check proxy_url")
    if status == NOT_FOUND:
        return _Refused(f"{status}: there is no model list at this base URL; check it")
    if status < 400:  # redirects
        return _Refused(f"{status}: not a model list; check base_url")
    kind = classify(rows_for(provider), status, headers, body, 0.0).kind
    if kind is FailureKind.PERMISSION and listing.own_right:
        return _Refused(f"{status}: the account is accepted, but may not list models", well=True, accepted=True)
    accepted = True if kind in LIMITED else False if kind is FailureKind.AUTH else None
    return _Refused(
        f"{status}: {MEANINGS.get(kind, 'not a model list; check base_url')}", kind in LIMITED, True, accepted
    )


async def _get(client: httpx.AsyncClient, url: str, asking: _Asking, listing: Listing) -> tuple[int, Headers, bytes]:
    """Ask once. A body longer than it may be is cut, which makes it no list."""
    body = b""
    async with client.stream("GET", url, headers=[*_headers(url, asking, listing)]) as answer:
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > LARGEST_BYTES:
                break
    headers = tuple((name.lower(), value) for name, value in answer.headers.raw)
    return answer.status_code, headers, body


def _headers(url: str, asking: _Asking, listing: Listing) -> Headers:
    provider, credential = asking.provider, asking.credential
    sent: dict[bytes, bytes] = {b"accept": b"application/json", b"user-agent": b"fairlead/" + __version__.encode()}
    sent.update(listing.headers)
    sent.update((name.encode(), value.encode()) for name, value in provider.headers)
    if isinstance(asking.access, Token):
        sent.update(credential_headers(HeaderScheme.BEARER, asking.access.secret))
    elif asking.access is not None:
        keys, parts = asking.access, urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        signed = SignedParts("GET", parts.netloc, target, (), b"")
        sent.update(sign(signed, keys, SigningScope(provider.region or ""), asking.clock.wall()))
    elif credential is not None:
        sent.update(credential_headers(KINDS[provider.kind].auth, credential.secret))
    return tuple(sent.items())


def _client(provider: Provider, wait_s: float) -> httpx.AsyncClient:
    """Make the client. Reading the trust store takes long: not on the event loop's thread."""
    import httpx

    proxy_url = provider.proxy_url.reveal() if provider.proxy_url else ""
    return httpx.AsyncClient(
        timeout=wait_s,
        follow_redirects=False,
        trust_env=proxy_url == "env",
        proxy=None if proxy_url in ("", "env") else proxy_url,
        verify=make_context(TlsSettings(provider.ca_file, provider.client_cert)),
    )
