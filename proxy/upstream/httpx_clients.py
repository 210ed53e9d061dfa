"""Keeps one httpx client per provider: made on first use, closed when its provider is gone and its last request ended.

It must never close a client while a request is using it, whatever the reason for closing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import httpcore
import httpx

from proxy.core.failure import Failure
from proxy.core.snapshot import Provider
from proxy.upstream import failures
from proxy.upstream.closers import Closers
from proxy.upstream.httpx_pool import ConnectionPool
from proxy.upstream.tls import TlsContexts

MAX_CLIENTS = 1_000


@dataclass(slots=True, eq=False)
class Client:
    """An httpx client and the pool beneath it."""

    http: httpx.AsyncClient
    pool: ConnectionPool
    in_flight: int = 0
    retired: bool = False


class ClientCache:
    """Clients by provider, least recently used first."""

    def __init__(self, closers: Closers, idle_s: float) -> None:
        self._closers = closers
        self._idle_s = idle_s
        self._contexts = TlsContexts(("http/1.1", "h2"))
        self._clients: dict[Provider, Client] = {}
        self._kept: Collection[Provider] | None = None  # None: every provider's

    def borrow(self, provider: Provider) -> Client | Failure:
        """Return the provider's client for one request; `give_back` when it has ended."""
        client = self._clients.pop(provider, None)
        if client is None:
            made = self._make(provider)
            if isinstance(made, Failure):
                return made
            client = made
            self._make_room()
        client.in_flight += 1
        if self._kept is None or provider in self._kept:
            self._clients[provider] = client
        else:  # asked for by a request from before a reload: it serves that one alone
            client.retired = True
        return client

    def give_back(self, client: Client) -> None:
        client.in_flight -= 1
        self._close_unused(client)

    def keep_only(self, providers: Collection[Provider]) -> None:
        """Forget the clients of any other provider, those made later too, and what was read from files."""
        kept = self._kept = frozenset(providers)
        for provider in [provider for provider in self._clients if provider not in kept]:
            self._retire(provider)
        self._contexts.forget_files()

    def close(self) -> None:
        """Close all, used or not."""
        for client in self._clients.values():
            self._closers.start(client.http.aclose())
        self._clients.clear()

    def _make_room(self) -> None:
        while len(self._clients) >= MAX_CLIENTS:
            self._retire(next(iter(self._clients)))

    def _retire(self, provider: Provider) -> None:
        client = self._clients.pop(provider)
        client.retired = True
        self._close_unused(client)

    def _close_unused(self, client: Client) -> None:
        if client.retired and client.in_flight == 0:
            self._closers.start(client.http.aclose())

    def _make(self, provider: Provider) -> Client | Failure:
        try:
            context = self._contexts.get(provider)
        except OSError:
            return failures.unusable_tls_settings()
        try:
            url = proxy_url(provider)
            proxy = httpx.Proxy(url, ssl_context=context if url.startswith("https:") else None) if url else None
        except (ValueError, httpx.InvalidURL):
            return failures.unusable_proxy()
        pool = ConnectionPool(context, _httpcore_proxy(proxy) if proxy else None, self._idle_s)
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # nobody reads them, and they would pile up
        return Client(httpx.AsyncClient(transport=_Transport(pool), trust_env=False, cookies=no_cookies), pool)


def proxy_url(provider: Provider) -> str | None:
    """Return the URL of the proxy to use; with "env" what `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say of its host."""
    configured = provider.proxy_url.reveal() if provider.proxy_url else ""
    if configured != "env":
        return configured or None
    target = urlsplit(provider.base_url)
    if proxy_bypass(target.netloc.rpartition("@")[2]):
        return None
    variables = getproxies_environment()
    url = variables.get(target.scheme) or variables.get("all")
    return f"http://{url}" if url and "://" not in url else url


def _httpcore_proxy(proxy: httpx.Proxy) -> httpcore.Proxy:
    return httpcore.Proxy(
        url=httpcore.URL(scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=b"/"),
        auth=proxy.raw_auth,
        headers=proxy.headers.raw,
        ssl_context=proxy.ssl_context,
    )


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's own transport on our pool."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
