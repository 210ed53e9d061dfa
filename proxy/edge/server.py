"""The listening side: uvicorn with a drain that ends in time.

Turns SIGTERM into: not ready at once, accept for `drain_delay_s` more, close; what runs `drain_s` after the signal
is ended with an error of its dialect. A second signal ends at once. Ctrl-C skips the delay, since nobody routes to it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any

import anyio
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from proxy.core.errors import ConfigError
from proxy.core.snapshot import Problem
from proxy.core.snapshot import Server as Listening
from proxy.edge.admission import Admission
from proxy.edge.connection import client_protocol
from proxy.edge.front import Front

# Longer than load balancers keep idle connections, so that none is reused while it closes here.
KEEP_ALIVE_S = 75
LAST_WORDS_S = 5.0  # for error events to leave after the drain
HASTY_WORDS_S = 0.2  # the same after a second signal
NOTICE_S = 1.0  # for a request to notice that its connection is gone
TICK_S = 0.02

_LOG = logging.getLogger("fairlead.server")


class QuietServer(uvicorn.Server):
    """A server beside the main one: it leaves signals alone; cancelled, it drops what it still serves."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def main_loop(self) -> None:
        try:
            await super().main_loop()
        finally:
            with anyio.CancelScope(shield=True):
                await _drop_connections(self, lambda: _serves(self))


class DrainingServer(uvicorn.Server):
    """The main server; see the module's docstring for what a signal does. `settings` gives those in force."""

    def __init__(self, config: uvicorn.Config, settings: Callable[[], Listening], admission: Admission) -> None:
        super().__init__(config)
        self._settings = settings
        self._admission = admission
        self._closes_at_s: float | None = None
        self._ends_at_s = 0.0
        self._drops_at_s = 0.0
        self.on_started: Callable[[], None] | None = None
        self.on_second_signal: Callable[[], None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        now_s, settings = monotonic(), self._settings()
        if self._closes_at_s is not None:
            self._closes_at_s = self._ends_at_s = now_s
            self._drops_at_s = min(self._drops_at_s, now_s + HASTY_WORDS_S)
            if self.on_second_signal is not None:
                self.on_second_signal()
            return
        self._admission.draining = True
        self._closes_at_s = now_s if sig == signal.SIGINT else now_s + settings.drain_delay_s
        self._ends_at_s = now_s + settings.drain_s
        self._drops_at_s = self._ends_at_s + LAST_WORDS_S
        _LOG.info(
            "told to stop: new requests are taken for %g s more, and what is still under way in %g s is ended",
            max(0.0, self._closes_at_s - now_s),
            settings.drain_s,
            extra={"event": "draining", "fairlead.in_flight": self._admission.in_flight},
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.on_started is not None:
            self.on_started()

    async def on_tick(self, counter: int) -> bool:
        ends = await super().on_tick(counter)
        return ends or (self._closes_at_s is not None and monotonic() >= self._closes_at_s)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close; wait for what runs, then end it; give errors time to leave, then drop who does not read them."""
        self._admission.draining = True
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await _idle(self._is_busy, lambda: self._ends_at_s)
        if self._admission.in_flight:
            _LOG.warning(
                "the drain is over: what is still under way is ended with an error",
                extra={"event": "drain_over", "fairlead.in_flight": self._admission.in_flight},
            )
        self._admission.end_all()
        await _idle(self._is_busy, lambda: self._drops_at_s)
        await _drop_connections(self, self._is_busy)

    def _is_busy(self) -> bool:
        return _serves(self) or self._admission.in_flight > 0


def _serves(server: uvicorn.Server) -> bool:
    """Whether a server has connections, or requests of connections that are gone."""
    return bool(server.server_state.connections or server.server_state.tasks)


async def _idle(is_busy: Callable[[], bool], until_s: Callable[[], float]) -> None:
    """Wait until nothing is served any more, or until a time that may still change."""
    while is_busy() and monotonic() < until_s():  # noqa: ASYNC110 - uvicorn tells nobody when that is
        await asyncio.sleep(TICK_S)


async def _drop_connections(server: uvicorn.Server, is_busy: Callable[[], bool]) -> None:
    """Close every connection at once and let the requests on them notice, so that none is left to be cancelled."""
    for connection in list(server.server_state.connections):
        connection.transport.abort()
    given_up_s = monotonic() + NOTICE_S
    await _idle(is_busy, lambda: given_up_s)


def server_config(front: Front, settings: Callable[[], Listening]) -> uvicorn.Config:
    """uvicorn's settings for a port that others can reach: no access log of its own, no lifespan, no extra headers."""
    return _config(front.app, client_protocol(settings, front), settings().host, settings().port)


def side_config(app: Callable[..., Awaitable[Any]], host: str, port: int) -> uvicorn.Config:
    """The same for the simulator, whose every write is to leave by itself."""
    return _config(app, HttpToolsProtocol, host, port)


def _config(
    app: Callable[..., Awaitable[Any]], protocol: type[asyncio.Protocol], host: str, port: int
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        ws="none",
        lifespan="off",
        loop="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        backlog=4096,
    )


def listen(host: str, port: int) -> socket.socket:
    """Bind a listening address now, so that a taken port is one clear error before anything else starts.

    Raises:
        OSError: The address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; without it answers wait 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def bind(setting: str, host: str, port: int) -> socket.socket:
    """Listen, or say which setting names an address that cannot be had.

    Raises:
        ConfigError: Something else listens there, or this machine has no such address.
    """
    try:
        return listen(host, port)
    except OSError as exc:
        found = f"{host}:{port}, which cannot be listened on ({exc.strerror or type(exc).__name__})"
        match exc.errno:
            case errno.EADDRINUSE:
                words = "a free port", "stop what listens there or choose another"
            case errno.EACCES:
                words = "a port that this user may have", "choose one from 1024 on, or grant CAP_NET_BIND_SERVICE"
            case _:
                setting = "server.host"
                words = "an address of this machine", "correct it: 127.0.0.1 is this machine alone, 0.0.0.0 all of it"
        raise ConfigError([Problem(setting, found, *words)]) from exc
