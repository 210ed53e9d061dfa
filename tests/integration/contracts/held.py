"""A key with limits before an upstream that holds the end of its answers back, so that things happen meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from proxy.core.ports import Clock
from proxy.routing.keylimits import KeyUse
from tests.fakes.gateway import RunningGateway, load
from tests.fakes.heard import Heard
from tests.fakes.rawserver import Peer, RawServer, chunk
from tests.fakes.rawstreams import DONE, FINISH, HEAD, event
from tests.fakes.rawstreams import said as spoken
from tests.integration.contracts.scene import ask, model, providers, said, scene

KEY = "client-key-0123456789"
MAX_TOKENS = 50
USAGE = event({}, usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})
COST_NUSD = 26_000  # of these tokens; a request of so many `MAX_TOKENS` reserves some 0.0006 USD
PRICE = '[prices."a/up"]\ninput_usd_per_mtok = 2\noutput_usd_per_mtok = 10\n'


@dataclass(slots=True)
class Holding:
    """The upstream. A stream's first words come at once."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, peer: Peer) -> None:
        while True:
            is_stream = json.loads((await peer.request()).body)["stream"]
            if is_stream:
                await peer.send(HEAD + chunk(*spoken("Hi")))
            self.arrived.set()
            await self.go.wait()
            await peer.send(chunk(FINISH, USAGE, DONE) + b"0\r\n\r\n" if is_stream else said())


@dataclass(slots=True)
class Held:
    """The gateway with its upstream."""

    gateway: RunningGateway
    upstream: Holding
    url: str

    async def ask(self, *, key: str = KEY, stream: bool = False, max_tokens: int = MAX_TOKENS) -> Heard:
        headers = {"authorization": f"Bearer {key}"}
        return await ask(self.gateway, headers=headers, max_tokens=max_tokens, stream=stream)

    async def begin(self, *, stream: bool) -> asyncio.Task[Heard]:
        """Ask, and wait until the upstream has it."""
        self.upstream.arrived.clear()
        task = asyncio.create_task(self.ask(stream=stream))
        await asyncio.wait_for(self.upstream.arrived.wait(), 5)
        return task

    def publish(self, auth: str) -> None:
        """Put a configuration with other keys in force, as a reload does."""
        self.gateway.parts.publish(load((auth + REST).replace("@a", self.url)))

    @property
    def use(self) -> KeyUse:
        """What the one key has used."""
        return self.gateway.parts.state.keys.uses["ci"]


REST = PRICE + providers("a") + model("a")


@asynccontextmanager
async def held(auth: str, clock: Clock | None = None) -> AsyncIterator[Held]:
    """Run both.

    Args:
        auth: What the configuration says of keys.
    """
    upstream = Holding()
    async with RawServer(upstream) as server, scene((auth + REST).replace("@a", server.url), clock=clock) as gateway:
        yield Held(gateway, upstream, server.url)


def key(limits: str, text: str = KEY) -> str:
    """The table of the one key."""
    return f'[[auth.keys]]\nname = "ci"\nkey = "{text}"\n{limits}\n'
