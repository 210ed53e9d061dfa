"""A gateway before upstreams that keep every request as it came and answer from a script.

async with scene(TOML, a=Witness(said("hello"))) as gateway:
    ...  # `@a` in the TOML is the address of the witness `a`
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from proxy.core.ports import Clock
from tests.fakes.gateway import RunningGateway, gateway
from tests.fakes.heard import Heard
from tests.fakes.rawserver import Handler, Peer, RawServer, Received, chunk, response
from tests.fakes.rawstreams import HEAD
from tests.fakes.wireclient import CHAT

JSON = b"Content-Type: application/json"


class Witness:
    """A raw upstream: give it to `scene`, which calls it for each connection.

    Attributes:
        answers: Whole responses, one for each request in turn; the last goes on. One that says `Connection: close` is
            followed by the end of its connection.
        requests: Everything that came, oldest first.
    """

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[Received] = []

    async def __call__(self, peer: Peer) -> None:
        while True:
            self.requests.append(await peer.request())
            answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
            await peer.send(answer)
            if b"connection: close" in answer.lower():
                return peer.close()

    @property
    def calls(self) -> int:
        return len(self.requests)

    @property
    def targets(self) -> list[str]:
        """The target of each request line."""
        return [request.head.split(b" ", 2)[1].decode() for request in self.requests]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.requests]

    def headers(self, which: int = -1) -> list[tuple[str, str]]:
        """The header lines of a request, in order."""
        lines = self.requests[which].head.decode("latin-1").split("\r\n")[1:-2]
        pairs = [line.split(": ", 1) for line in lines]
        return [(name, value) for name, value in pairs]


def said(text: str = "hello", *fields: bytes, **members: object) -> bytes:
    """A whole chat answer."""
    message = {"role": "assistant", "content": text}
    answer = {
        "id": "chatcmpl-raw",
        "object": "chat.completion",
        "created": 1,
        "model": "up",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        **members,
    }
    return response(json.dumps(answer).encode(), JSON, *fields)


def refused(status: int, message: str = "no", *fields: bytes, **error: object) -> bytes:
    """An error in OpenAI's form; `fields` are header lines."""
    body = {"error": {"message": message, "type": None, "param": None, "code": None, **error}}
    return response(json.dumps(body).encode(), JSON, *fields, status=b"%d Refused" % status)


def streamed(*pieces: bytes, head: bytes = HEAD) -> bytes:
    """A stream that ends cleanly; each piece is one chunk of its body."""
    return head + chunk(*pieces) + b"0\r\n\r\n"


@asynccontextmanager
async def scene(
    toml: str, *, clock: Clock | None = None, simulator_url: str | None = None, **upstreams: Handler
) -> AsyncIterator[RunningGateway]:
    """Run the upstreams and a gateway whose configuration names them."""
    async with AsyncExitStack() as stack:
        text = await _addressed(toml, upstreams, stack)
        yield await stack.enter_async_context(gateway(text, clock=clock, simulator_url=simulator_url))


async def ask(
    running: RunningGateway,
    model: str | None = "m",
    *,
    headers: dict[str, str] | None = None,
    path: str = CHAT,
    **members: object,
) -> Heard:
    """Send a chat request and hear its answer to the end."""
    named = {} if model is None else {"model": model}
    body = {**named, "messages": [{"role": "user", "content": "hello"}], **members}
    return await post(running, json.dumps(body).encode(), headers=headers, path=path)


async def post(
    running: RunningGateway, body: bytes, *, headers: dict[str, str] | None = None, path: str = CHAT
) -> Heard:
    """Send these bytes as JSON and hear the answer to its end."""
    fields = {"content-type": "application/json", **(headers or {})}
    answer = await running.client.post(path, content=body, headers=fields)
    return Heard(answer.status_code, answer.headers, answer.content)


def providers(*names: str, kind: str = "openai_compatible", more: str = "") -> str:
    """A table for each provider, reached at `@name`."""
    return "".join(
        f'[providers.{name}]\nkind = "{kind}"\nbase_url = "@{name}/v1"\napi_key = "sk-of-{name}"\n{more}\n'
        for name in names
    )


def model(*names: str, called: str = "m", more: str = "") -> str:
    """A model whose candidates are these providers, by priority."""
    rows = [f'{{ provider = "{name}", model = "up", priority = {place} }}' for place, name in enumerate(names, 1)]
    return f'[models."{called}"]\ncandidates = [{", ".join(rows)}]\n{more}\n'


def keyed(name: str, *keys: str, more: str = "") -> str:
    """A provider with several credentials."""
    return f'[providers.{name}]\nkind = "openai_compatible"\nbase_url = "@{name}/v1"\napi_keys = {list(keys)}\n{more}\n'


def used(witness: Witness) -> list[str]:
    """The credential of each request."""
    return [dict(witness.headers(place))["authorization"].removeprefix("Bearer ") for place in range(witness.calls)]


BROKEN = refused(500, "oops")
LIMITED = refused(429, "slow down", b"Retry-After: 30")
ONE = providers("a") + model("a")
TWO = providers("a", "b") + model("a", "b")


async def _addressed(toml: str, upstreams: dict[str, Handler], stack: AsyncExitStack) -> str:
    """Start the upstreams and put their addresses in, longest name first."""
    for name in sorted(upstreams, key=len, reverse=True):
        server = await stack.enter_async_context(RawServer(upstreams[name]))
        toml = toml.replace(f"@{name}", server.url)
    return toml
