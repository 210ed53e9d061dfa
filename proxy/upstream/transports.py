"""The `Transport` that the gateway uses: it hands each request to the one that its provider wants.

It must never look at the request itself.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from proxy.core.failure import Failure
from proxy.core.ports import Clock, UpstreamRequest, UpstreamResponse, Wait
from proxy.core.snapshot import Provider, Snapshot
from proxy.upstream.httpx_transport import HttpxTransport
from proxy.upstream.native import NativeTransport
from proxy.upstream.processes import LocalTransport, Processes


class Transports:
    """All transports behind one.

    Attributes:
        processes: The providers that Fairlead runs itself.

    Args:
        on_stale_retry: Called with the provider's name when a request was repeated because its idle connection was
            closed by the upstream.
        on_process_ready: Called with the name of a provider whose process can be connected to from now on.
        idle_s: How long an idle connection is kept.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        on_stale_retry: Callable[[str], None],
        on_process_ready: Callable[[str], None],
        idle_s: float = 30.0,
    ) -> None:
        self._native = NativeTransport(clock, on_stale_retry=on_stale_retry, idle_s=idle_s)
        self._httpx = HttpxTransport(clock, idle_s=idle_s)
        self.processes = Processes(clock, on_process_ready)
        self._local = LocalTransport(self.processes, self._native)

    def send(
        self, request: UpstreamRequest, connect: Wait, head: Wait
    ) -> Coroutine[Any, Any, UpstreamResponse | Failure]:
        """Send a request by the transport that its provider asks for; see `core.ports.Transport`."""
        provider = request.route.provider
        if provider.process is not None:
            return self._local.send(request, connect, head)
        if provider.transport == "httpx" or provider.proxy_url is not None:
            return self._httpx.send(request, connect, head)
        return self._native.send(request, connect, head)

    def retire(self, snapshot: Snapshot) -> None:
        """Let go of connections to providers that the new configuration does not hold; requests under way finish."""
        providers = snapshot.providers.values()
        self._native.keep_only(providers)
        self._httpx.keep_only(providers)
        self.processes.keep_only(snapshot)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._native.aclose()
        await self._httpx.aclose()


def uses_httpx(provider: Provider) -> bool:
    """Tell whether a provider's requests go through httpx: because it says so, or because it has a proxy."""
    return provider.transport == "httpx" or provider.proxy_url is not None
