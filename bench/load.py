"""The benchmark's clients: a job in, counts and times out. It never judges a figure; `bench.rows` does.

Run as `python -m bench.load ADDRESS JOB`, both in JSON; prints one `Tally` in JSON. Each client is a closed loop on one
keep-alive connection: it sends its next request when the last answer is complete. An answer other than 200, a stream
with a chunk too few, or a connection closed early ends the whole run with a message: a figure over errors is no figure.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import cast

import uvloop

from bench import traffic


@dataclass(frozen=True, slots=True)
class Address:
    """Where to send it: a loopback port, the path of chat completions, and what else the target wants to be told."""

    port: int
    path: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """What to do.

    Attributes:
        clients: Connections at once.
        ramp_s: Seconds over which the connections are opened.
        seconds: How long new requests are sent; 0 = until `requests` are done.
        requests: How many requests to send at most; 0 = no bound but the time.
        chunks: Chunks of each answer; 0 = a whole answer.
        cancel_after: Close the connection after so many chunks and open another; 0 = never.
    """

    body: str
    clients: int
    seconds: float = 0.0
    requests: int = 0
    ramp_s: float = 0.0
    chunks: int = 0
    cancel_after: int = 0


@dataclass(slots=True)
class Tally:
    """What happened. `reads` counts receive calls: it equals `chunks` when no chunks were merged on the way."""

    requests: int = 0
    chunks: int = 0
    reads: int = 0
    seconds: float = 0.0
    late_ms: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0


class Run:
    """The shared side of all clients of one job."""

    def __init__(self, address: Address, job: Job) -> None:
        self.address = address
        self.job = job
        self.tally = Tally()
        self.times_s: list[float] = []
        self.connecting: set[asyncio.Task[None]] = set()
        self.request = traffic.post(job.body.encode(), address.path, address.headers)
        self.began_s = time.monotonic()
        self.started = 0
        self.busy = job.clients
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def may_send(self) -> bool:
        """Whether one more request belongs to this job; counts it."""
        job = self.job
        if job.requests and self.started >= job.requests:
            return False
        if job.seconds and time.monotonic() - self.began_s >= job.seconds:
            return False
        self.started += 1
        return True

    def client_done(self) -> None:
        self.busy -= 1
        if not self.busy and not self.over.done():
            times_s = sorted(self.times_s) or [0.0]
            self.tally.seconds = time.monotonic() - self.began_s
            self.tally.p50_ms = times_s[len(times_s) // 2] * 1000
            self.tally.p99_ms = times_s[len(times_s) * 99 // 100] * 1000
            self.over.set_result(None)

    def fail(self, why: str) -> None:
        if not self.over.done():
            self.over.set_exception(RuntimeError(why))

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        kind = Streamed if self.job.chunks else Whole
        await loop.create_connection(lambda: kind(self), "127.0.0.1", self.address.port)

    def reconnect(self) -> None:
        """Put a new client in the place of one that left."""
        task = asyncio.get_running_loop().create_task(self.connect())
        self.connecting.add(task)
        task.add_done_callback(self.connecting.discard)


class Client(asyncio.Protocol):
    """One connection's closed loop; subclasses know when an answer is complete."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.buffer = b""
        self.sent_s = 0.0
        self.idle = True
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.idle:
            self.run.fail(f"the target closed a connection in mid-answer ({exc or 'EOF'})")

    def next(self) -> None:
        """Send the next request, or end this client."""
        self.idle = not self.run.may_send()
        if self.idle:
            self.transport.close()
            self.run.client_done()
            return
        self.buffer = b""
        self.sent_s = time.perf_counter()
        self.transport.write(self.run.request)

    def complete(self) -> None:
        self.run.tally.requests += 1
        self.run.times_s.append(time.perf_counter() - self.sent_s)
        self.next()


class Whole(Client):
    """Answers with a content-length."""

    def data_received(self, data: bytes) -> None:
        data = self.buffer + data if self.buffer else data
        head = data.find(b"\r\n\r\n")
        length = traffic.LENGTH.search(data, 0, head + 2)
        if head < 0 or (length and len(data) < head + 4 + int(length[1])):
            self.buffer = data
            return
        if data[9:12] != b"200" or not length:
            self.run.fail(f"not a whole answer: {data[:400]!r}")
            return
        self.complete()


class Streamed(Client):
    """Answers in SSE chunks that carry the time they were sent."""

    seen = 0
    terminated = False

    def next(self) -> None:
        self.seen, self.terminated = 0, False
        super().next()

    def data_received(self, data: bytes) -> None:
        now_s = time.monotonic()
        job, tally = self.run.job, self.run.tally
        if not self.seen and not self.buffer and data[9:12] != b"200":
            self.run.fail(f"not a stream: {data[:400]!r}")
            return
        # An event may be split between two reads; what follows the last whole one waits.
        data = self.buffer + data
        end = data.rfind(b"\n\n") + 2
        self.buffer = data[end:] if end > 1 else data
        stamps = traffic.STAMP.findall(data, 0, max(end, 0))
        tally.reads += 1
        tally.chunks += len(stamps)
        self.seen += len(stamps)
        self.terminated |= traffic.DONE in data
        for stamp in stamps:
            tally.late_ms = max(tally.late_ms, (now_s - float(stamp)) * 1000)
        if job.cancel_after and self.seen >= job.cancel_after:
            self.cancel()
        elif self.buffer.endswith(traffic.STREAM_END):
            self.finish()

    def cancel(self) -> None:
        self.idle = True
        self.run.tally.requests += 1
        self.transport.abort()
        self.run.reconnect()

    def finish(self) -> None:
        if self.seen != self.run.job.chunks or not self.terminated:
            said = "with" if self.terminated else "without"
            self.run.fail(f"a stream ended after {self.seen} of {self.run.job.chunks} chunks, {said} [DONE]")
            return
        self.complete()


async def load(address: Address, job: Job) -> Tally:
    """Run the job to its end."""
    run = Run(address, job)
    for _ in range(job.clients):
        await run.connect()
        await asyncio.sleep(job.ramp_s / job.clients)
    await run.over
    return run.tally


def main(address: str, job: str) -> None:
    try:
        tally = uvloop.run(load(Address(**json.loads(address)), Job(**json.loads(job))))
    except (RuntimeError, OSError) as error:
        sys.exit(str(error))
    print(json.dumps(asdict(tally)))


if __name__ == "__main__":
    main(*sys.argv[1:])
