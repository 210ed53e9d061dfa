"""Asks providers for their model lists: whether they are reached, take the credential, and have the configured models.

Costs nothing: GET only. Follows no redirect, never shows a credential or what a vendor answered, reads no more than its
`Bounds` say. What takes long beside waiting is done in worker threads: a gateway may ask while it serves.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
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
from proxy.upstream.probewords import NOT_FOUND, Refused, refusal, unmade, unreached
from proxy.upstream.tls import TlsSettings, make_context

if TYPE_CHECKING:
    import httpx

AT_ONCE = 8
MAX_PAGES = 50
OK = 200


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a probe may take, and how much it may read.

    Attributes:
        wait_s: For a connection, and for each read.
        whole_s: For one credential as a whole.
        page_bytes: Of one page.
        models: With so many no further page is asked for.
    """

    wait_s: float = 10.0
    whole_s: float = 60.0
    page_bytes: int = 16_777_216
    models: float = inf


USUAL = Bounds()


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


@dataclass(frozen=True, slots=True, eq=False)
class Prober:
    """Asks. `names`: the upstream models that the configuration has of each provider."""

    credentials: Credentials
    clock: Clock
    names: Mapping[str, Collection[str]]
    bounds: Bounds = USUAL

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
        outcome: tuple[UpstreamModel, ...] | Refused
        with anyio.move_on_after(self.bounds.whole_s) as scope:
            outcome = await self._ask(provider, credential)
        if scope.cancelled_caught:
            outcome = Refused(f"no whole list within {self.bounds.whole_s:g} s", reached=False)
        if isinstance(outcome, Refused):
            return Probe(provider.name, name, *outcome)
        ids = {model.id for model in outcome}
        lacking = missing(provider.kind, self.names.get(provider.name, ()), ids)
        result = f"ok, {len(ids)} {'model' if len(ids) == 1 else 'models'}"
        if lacking:
            result += f"; not listed: {', '.join(lacking)}"
        return Probe(provider.name, name, result, True, True, True, outcome, lacking)

    async def _ask(self, provider: Provider, credential: Credential | None) -> tuple[UpstreamModel, ...] | Refused:
        import httpx

        from proxy.upstream.httpx_failures import UPSTREAM_ERRORS, send_failure

        if provider.process is not None:
            return _not_asked(provider.process)
        access: Access | None = None
        if credential is not None and credential.account is not None:
            until = Wait(self.clock.now() + self.bounds.whole_s, FailureKind.TIMEOUT_CONNECT)
            made = await self.credentials.ready(provider, credential, until)
            if isinstance(made, Failure):
                return unmade(made)
            access = made
        wait_s = self.bounds.wait_s
        asking = _Asking(provider, credential, access, self.clock, self.bounds)
        try:
            client = await to_thread.run_sync(_client, provider, wait_s)
        except (httpx.InvalidURL, OSError, ValueError):
            return Refused("ca_file, client_cert or proxy_url cannot be used; correct it", reached=False)
        until = Wait(self.clock.now() + wait_s, FailureKind.TIMEOUT_CONNECT)
        try:
            async with client:
                return await _list(client, asking)
        except httpx.TimeoutException:
            return Refused(f"no answer within {wait_s:g} s; check base_url", reached=False)
        except httpx.InvalidURL:
            return Refused("not reached; base_url is no URL", reached=False)
        except UPSTREAM_ERRORS as error:
            return unreached(provider, send_failure(error, until, until, connecting=False))


def _not_asked(process: LocalProcess) -> Refused:
    """One that Fairlead runs: a second one beside it might take its memory, so it is not started to be asked."""
    path = next(
        (value.reveal() for name, value in process.env if name == "PATH"), dict(process.surroundings).get("PATH")
    )
    if shutil.which(process.command, path=path) is None:
        return Refused(f"there is no program {process.command}; give its whole path, or a PATH in env", reached=False)
    return Refused("not asked: it runs only with the gateway; see `fairlead state show`", True, reached=False)


class _Asking(NamedTuple):
    """What every request of one probe is made from. Holds secrets: never shown."""

    provider: Provider
    credential: Credential | None
    access: Access | None
    clock: Clock
    bounds: Bounds


async def _list(client: httpx.AsyncClient, asking: _Asking) -> tuple[UpstreamModel, ...] | Refused:
    listing = listing_of(asking.provider.kind)
    assert listing is not None
    if listing.key_path is not None and asking.credential is not None:
        status, headers, body = await _get(client, asking.provider.base_url + listing.key_path, asking, listing)
        if status not in (OK, NOT_FOUND):
            return refusal(asking.provider, listing, status, headers, body)
    models: dict[str, UpstreamModel] = {}
    for first in listing_urls(asking.provider, listing):
        url: str | None = first
        for _ in range(MAX_PAGES):
            if url is None or len(models) >= asking.bounds.models:
                break
            status, headers, body = await _get(client, url, asking, listing)
            if status != OK:
                return refusal(asking.provider, listing, status, headers, body)
            page = await to_thread.run_sync(_page, body, listing)
            if page is None:
                return Refused(f"{OK}, but no list of models; check base_url")
            models.update((model.id, model) for model in page.models)
            url = next_url(first, listing, page.following) if page.following else None
    return tuple(models.values())


def _page(body: bytes, listing: Listing) -> ModelPage | None:
    try:
        return read_page(body, listing)
    except ValueError:
        return None


async def _get(client: httpx.AsyncClient, url: str, asking: _Asking, listing: Listing) -> tuple[int, Headers, bytes]:
    """Ask once. A body longer than it may be is cut, which makes it no list."""
    body = bytearray()
    async with client.stream("GET", url, headers=[*_headers(url, asking, listing)]) as answer:
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > asking.bounds.page_bytes:
                break
    headers = tuple((name.lower(), value) for name, value in answer.headers.raw)
    return answer.status_code, headers, bytes(body)


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
