"""An upstream on raw sockets that answers each request in its dialect with the request's own mark, or spoils it.

    async with RawServer(Echo(Speaks("first", "anthropic"), random.Random(1), served)) as server: ...

Which fault it commits, and where, is drawn; what it said is noted in `served`.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from proxy.core.conversation import Answer, Choice, Finish, Text
from proxy.core.usage import Usage
from tests.fakes.conversations import streamed
from tests.fakes.dialects import ENVELOPE, SPOKEN, Dialect
from tests.fakes.rawserver import BLINK_S, Peer, Received, chunk, chunked, response

MARK = re.compile(rb"mark-\d{6}")
ERRORS: Mapping[str, object] = {
    "anthropic": {"type": "error", "error": {"type": "api_error", "message": "went wrong"}},
    "gemini": {"error": {"code": 500, "message": "went wrong", "status": "INTERNAL"}},
}
_OPENAI_ERROR = {"error": {"message": "went wrong", "type": "server_error", "param": None, "code": None}}
_JSON = b"content-type: application/json"
_EVENTS = b"content-type: text/event-stream"


@dataclass(slots=True, eq=False)
class Served:
    """One answer. `is_whole`: all of it was sent, as it should be."""

    provider: str
    mark: str
    text: str
    usage: Usage
    fault: str
    is_whole: bool = False


@dataclass(slots=True, eq=False)
class Said:
    """What is to be sent. `pieces`: of the body; a stream's are its events."""

    mark: str
    stream: bool
    pieces: list[bytes]
    error: bytes

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def message(self) -> bytes:
        if not self.stream:
            return response(self.body, _JSON)
        return chunked(*self.pieces).replace(b"\r\n", b"\r\n" + _EVENTS + b"\r\n", 1)


Act = Callable[[Peer, Said, random.Random], Awaitable[bool]]  # whether the connection serves another request


async def _whole(peer: Peer, said: Said, rng: random.Random) -> bool:
    await peer.send(said.message)
    return True


async def _dripping(peer: Peer, said: Said, rng: random.Random) -> bool:
    message = said.message
    step = len(message) // 7 + 1
    await peer.send(*[message[at : at + step] for at in range(0, len(message), step)], gap_s=0.003)
    return True


async def _announced(peer: Peer, said: Said, rng: random.Random) -> bool:
    await peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + said.message)
    return True


async def _and_gone(peer: Peer, said: Said, rng: random.Random) -> bool:
    """Whole, and then the connection is over, though nothing said so."""
    await peer.send(said.message)
    return False


async def _surplus(peer: Peer, said: Said, rng: random.Random) -> bool:
    await peer.send(said.message + rng.choice([b"X", b"\r\n", response(b'{"surplus":true}')]))
    return True


async def _until_the_end(peer: Peer, said: Said, rng: random.Random) -> bool:
    kind = _EVENTS if said.stream else _JSON
    await peer.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\n" + kind + b"\r\n\r\n" + said.body)
    return False


async def _cut(peer: Peer, said: Said, rng: random.Random) -> bool:
    await peer.send(said.message[: rng.randrange(len(said.message) - 5)])
    return False


async def _reset(peer: Peer, said: Said, rng: random.Random) -> bool:
    await peer.send(said.message[: rng.randrange(len(said.message) - 5)])
    with suppress(OSError):  # its client may have left
        await asyncio.sleep(BLINK_S)
        peer.reset()
    return False


async def _stall(peer: Peer, said: Said, rng: random.Random) -> bool:
    await peer.send(said.message[: rng.randrange(len(said.message) - 5)])
    await peer.gone()
    return False


async def _limited(peer: Peer, said: Said, rng: random.Random) -> bool:
    fields = (b"retry-after: 1", b"retry-after-ms: 200", b"retry-after: soon", b"retry-after: nan", b"x-none: 1")
    await peer.send(response(said.error, _JSON, rng.choice(fields), status=b"429 Slow"))
    return True


async def _failing(peer: Peer, said: Said, rng: random.Random) -> bool:
    status = rng.choice([b"500 No", b"503 No", b"401 No", b"404 No", b"408 No"])
    await peer.send(response(rng.choice([said.error, b"<html>", b""]), _JSON, status=status))
    return True


async def _nonsense(peer: Peer, said: Said, rng: random.Random) -> bool:
    await peer.send(response(rng.choice([b"<html></html>", b"", b"null", b"[[", said.error]), _JSON))
    return True


async def _error_within(peer: Peer, said: Said, rng: random.Random) -> bool:
    name = b"event: error\n" if said.error.startswith(b'{"type"') else b""
    pieces = said.pieces[: rng.randrange(len(said.pieces))]
    event = name + b"data: " + said.error + b"\n\n"
    said.stream, said.pieces = True, [*pieces, event]
    await peer.send(said.message)
    return True


async def _bad_chunk(peer: Peer, said: Said, rng: random.Random) -> bool:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n" + (_EVENTS if said.stream else _JSON) + b"\r\n\r\n"
    await peer.send(head + chunk(*said.pieces[:-1]) + rng.choice([b"zz\r\n", b"-1\r\n", b"2\r\nabcd\r\n"]))
    await peer.gone()
    return False


SOUND: Mapping[str, Act] = {
    "whole": _whole,
    "dripping": _dripping,
    "announced": _announced,
    "and gone": _and_gone,
    "surplus": _surplus,
    "until the end": _until_the_end,
}
FAULTS: Mapping[str, Act] = {
    "cut": _cut,
    "reset": _reset,
    "stall": _stall,
    "limited": _limited,
    "failing": _failing,
    "nonsense": _nonsense,
    "error within": _error_within,
    "bad chunk": _bad_chunk,
}


@dataclass(slots=True, eq=False)
class Echo:
    """A handler of a `RawServer`.

    Attributes:
        spoilt: The share of answers with a fault.
        mixed: What came with a mark that is not its own, or with none.
    """

    provider: str
    dialect: str
    rng: random.Random
    served: list[Served]
    spoilt: float = 0.3
    mixed: list[Received] = field(default_factory=list)

    async def __call__(self, peer: Peer) -> None:
        while await self._answer(peer, await peer.request()):
            pass
        peer.close()

    async def _answer(self, peer: Peer, request: Received) -> bool:
        rng = self.rng
        if rng.random() < 0.05:
            peer.reset()  # without a word
            return False
        marks = {mark.decode() for mark in MARK.findall(request.body)}
        if len(marks) != 1:
            self.mixed.append(request)
        is_spoilt = rng.random() < self.spoilt
        fault, act = rng.choice(list((FAULTS if is_spoilt else SOUND).items()))
        served = self._said(marks.pop(), fault)
        self.served.append(served)
        goes_on = await act(peer, self._put(served, request), rng)
        served.is_whole = not is_spoilt
        return goes_on

    def _said(self, mark: str, fault: str) -> Served:
        words = " ".join(f"w{number}" for number in range(self.rng.choice([1, 4, 30, 2000])))
        usage = Usage(self.rng.randrange(1, 99), self.rng.randrange(1, 99))
        return Served(self.provider, mark, f"{mark} {words} end of {mark}", usage, fault)

    def _put(self, served: Served, request: Received) -> Said:
        dialect: Dialect = SPOKEN[self.dialect]
        answer = Answer((Choice((Text(served.text),), Finish.STOP),), "answer", "up", 1_790_000_000, served.usage)
        stream = b"streamGenerate" in request.head or json.loads(request.body).get("stream") is True
        error = json.dumps(ERRORS.get(self.dialect, _OPENAI_ERROR)).encode()
        if not stream:
            return Said(served.mark, False, [dialect.encode_answer(answer)], error)
        events = dialect.written(streamed(answer, len(served.text) // 5 + 1), ENVELOPE)
        return Said(served.mark, True, [event + b"\n\n" for event in events.split(b"\n\n") if event], error)
