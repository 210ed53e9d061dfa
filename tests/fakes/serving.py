"""An ASGI app on a real loopback socket, in the running event loop, for the length of one `async with`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

START_S = 10.0
STOP_S = 5.0


class LoopServer(uvicorn.Server):
    """A uvicorn server that leaves signals alone and stops within a bounded time, with nothing left behind."""

    def __init__(self, config: uvicorn.Config, grace_s: float) -> None:
        super().__init__(config)
        self.running = asyncio.Event()
        self.stopping = asyncio.Event()
        self._grace_s = grace_s

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so; an app whose lifespan fails is left to `serve` to report, not to `sys.exit`."""
        try:
            await super().startup(sockets)
        except SystemExit:
            self.should_exit = True
        finally:
            self.running.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, give requests in flight `grace_s`, then cancel them and close what is still open."""
        for server in self.servers:
            server.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._grace_s):
                while state.connections or state.tasks:
                    await asyncio.sleep(0.005)
        tasks = list(state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in list(state.connections):
            connection.transport.abort()
        while state.connections:
            await asyncio.sleep(0)
        await self.lifespan.shutdown()


@asynccontextmanager
async def serve(
    app: ASGIApp, *, grace_s: float = 0.2, protocol: type[asyncio.Protocol] = HttpToolsProtocol
) -> AsyncIterator[str]:
    """Serve `app` on 127.0.0.1, port 0, and yield its base URL without a trailing slash.

    Args:
        grace_s: How long requests still in flight at the end may take before they are cancelled.
        protocol: Speaks HTTP/1.1 on each connection; uvicorn's own by default.
    """
    config = uvicorn.Config(
        app, http=protocol, ws="none", lifespan="auto", log_config=None, access_log=False, server_header=False
    )
    # The protocol is named so that asyncio sets TCP_NODELAY on what is accepted.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(2048)
        server = LoopServer(config, grace_s)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.wait_for(server.running.wait(), START_S)
            if not server.started:
                raise RuntimeError("the app did not start")
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.stopping.set()
            await asyncio.wait_for(task, STOP_S + grace_s)
