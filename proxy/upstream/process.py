"""One process of a provider: started, watched, restarted when it ends, stopped with its children.

It gets an environment of its own and nothing of Fairlead's. Requests must never reach another program that listens on
its port: where the system tells whose a listening socket is, it counts as ready only once that is its own.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

import anyio

from proxy.core.localprocess import LocalProcess, ProcessReport, Stage
from proxy.core.ports import Clock
from proxy.upstream.process_family import MARK, Holder, family, holder, reap
from proxy.upstream.process_orphans import new_mark
from proxy.upstream.process_output import Output, open_output

_LOG = logging.getLogger("fairlead.process")

LOOPBACK = "127.0.0.1"
POLL_S = 0.1
TERM_S = 5.0  # between SIGTERM and SIGKILL
STOP_S = TERM_S + 3.0
LAST_WORDS_S = 1.0  # for what it printed at its end
LAST_STANDARD_FILE = 2
KILL_ROUNDS = 10  # of killing what one that is being killed has just started
HEALTHY_S = 60.0  # a process that was ready for so long begins again with the shortest pause
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class _End(NamedTuple):
    """How one run of a process ended. `ready_s`: for how long its port answered."""

    why: str
    ready_s: float = 0.0
    is_idle: bool = False


class Household(NamedTuple):
    """What all processes share.

    Attributes:
        is_tidy: Set once what a killed Fairlead left running is gone; nothing is started before.
        is_hurried: Whether to stop them without waiting until they have done so themselves.
        on_ready: Called with the provider's name when its port answers: what was held against it is of no account.
    """

    clock: Clock
    is_tidy: asyncio.Event
    is_hurried: Callable[[], bool]
    on_ready: Callable[[str], None]


class Supervised:
    """A provider's process over all its starts. `run` does the work; everything else only asks for it.

    Args:
        name: The provider's.
    """

    def __init__(self, name: str, process: LocalProcess, household: Household) -> None:
        self.process = process
        self._name = name
        self._household = household
        self._clock = clock = household.clock
        self._in_use = 0
        self._last_used_s = clock.now()
        self._pause_s = SHORTEST_PAUSE_S
        self._wanted = asyncio.Event()
        self._changed = asyncio.Event()
        self._scope = anyio.CancelScope()
        self._is_leaving = False
        self._is_over = False
        self._report = ProcessReport(Stage.STOPPED, "not used yet", None, None, 0)
        self._restarts = 0

    @property
    def report(self) -> ProcessReport:
        return self._report

    def want(self) -> None:
        """Have it started if it does not run."""
        self._last_used_s = self._clock.now()
        self._wanted.set()

    async def settled(self) -> ProcessReport:
        """Wait until it is ready or has failed to become so."""
        while self._report.stage in (Stage.STARTING, Stage.STOPPED) and not self._is_over:
            await self._changed.wait()
        return self._report

    def take(self) -> None:
        """Say that a request is on its way to it; `give_back` ends that."""
        self._in_use += 1

    def give_back(self) -> None:
        self._in_use -= 1
        self._last_used_s = self._clock.now()
        if self._is_leaving and not self._in_use:
            self._scope.cancel()

    def leave(self) -> None:
        """Stop it for good, once the requests on their way to it are over."""
        self._is_leaving = True
        if not self._in_use:
            self._scope.cancel()

    async def run(self) -> None:
        """Run the process whenever it is wanted, until cancelled or left; then it is stopped with its children."""
        if self.process.eager:
            self._wanted.set()
        try:
            with self._scope:
                while not self._is_leaving:
                    await self._wanted.wait()
                    await self._household.is_tidy.wait()
                    await self._run_once()
        finally:
            self._is_over = True
            self._set(Stage.STOPPED, "no longer configured so" if self._is_leaving else "Fairlead stops")

    async def _run_once(self) -> None:
        """Run it to its end; where that was not wanted, wait for the pause before its next start."""
        self._set(Stage.STARTING, "its port does not answer yet")
        try:
            end = await self._live()
        except Exception as exc:  # the top of a background task: what happens here is this provider's trouble alone
            end = _End(f"cannot be started or watched ({getattr(exc, 'strerror', None) or type(exc).__name__})")
            self._ended(end)
        if not end.is_idle:
            await self._clock.sleep(self._pause_s)
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    async def _live(self) -> _End:
        """Start it, watch it and stop whatever is left of it. Requests learn of its end before that takes its time."""
        port, mark = free_port(), new_mark()
        output = Output(self._name, self.process.secrets, self._clock.now)
        with anyio.CancelScope(shield=True):  # takes no time, and a process that is being made must not be lost
            child = await self._spawn(port, mark, output)
        try:
            self._set(Stage.STARTING, "its port does not answer yet", child.pid, port)
            end = await self._watch(child, port, mark)
            self._ended(end)
            return end
        finally:
            with anyio.move_on_after(STOP_S, shield=True):
                await stop(child, mark, self._household.is_hurried)
            with anyio.move_on_after(LAST_WORDS_S, shield=True):
                await output.ended.wait()
            output.close()

    async def _spawn(self, port: int, mark: str, output: Output) -> Process:
        process = self.process
        own = {name: _at_port(value.reveal(), port) for name, value in process.env}
        args = [_at_port(argument, port) for argument in process.args]
        env = {**dict(process.surroundings), **own, MARK: mark}
        written = await open_output(output)
        _keep_files()
        try:
            return await asyncio.create_subprocess_exec(
                process.command, *args, stdin=DEVNULL, stdout=written, stderr=STDOUT, env=env, start_new_session=True
            )
        except BaseException:
            output.close()
            raise
        finally:
            os.close(written)

    async def _watch(self, child: Process, port: int, mark: str) -> _End:
        why = await self._until_ready(child, port, mark)
        if why:
            return _End(why)
        began_s = self._clock.now()
        self._household.on_ready(self._name)
        self._set(Stage.READY, "its port answers", child.pid, port)
        why = await self._until_ended(child)
        is_idle = not why
        return _End(why or f"not used for {self.process.idle_stop_s:.0f} s", self._clock.now() - began_s, is_idle)

    async def _until_ready(self, child: Process, port: int, mark: str) -> str:
        """Wait until its port answers; return why it never will."""
        give_up_s = self._clock.now() + self.process.start_s
        while True:
            if await _answers(port):
                found = await anyio.to_thread.run_sync(holder, port, child.pid, mark)
                if found is Holder.STRANGER:
                    return "left its port to a program that it did not start"
                if found is Holder.OWN_EVERYWHERE:
                    _LOG.warning("the process of provider %s can be reached from other machines", self._name)
                if found is not Holder.NOBODY:
                    return ""
            if child.returncode is not None:
                return f"ended before its port answered ({_ending(child.returncode)})"
            if self._clock.now() >= give_up_s:
                return f"did not answer on its port within {self.process.start_s:.0f} s"
            await self._clock.sleep(POLL_S)

    async def _until_ended(self, child: Process) -> str:
        """Wait until it ends, and return how; "" where nobody has used it for long."""
        idle_s = self.process.idle_stop_s
        ended = asyncio.ensure_future(child.wait())
        try:
            while True:
                left_s = None if idle_s is None else max(POLL_S, self._last_used_s + idle_s - self._clock.now())
                done, _ = await asyncio.wait([ended], timeout=left_s)
                if done:
                    return f"ended ({_ending(ended.result())})"
                if idle_s is not None and not self._in_use and self._clock.now() >= self._last_used_s + idle_s:
                    return ""
        finally:
            ended.cancel()

    def _ended(self, end: _End) -> None:
        """Let everybody know: from now on nothing is sent to it."""
        if end.is_idle:
            self._wanted.clear()
            self._pause_s = SHORTEST_PAUSE_S
            self._set(Stage.STOPPED, end.why)
            return
        if end.ready_s >= HEALTHY_S:
            self._pause_s = SHORTEST_PAUSE_S
        self._restarts += 1
        _LOG.error("the process of provider %s %s", self._name, end.why)
        self._set(Stage.RESTARTING, f"{end.why}; started again after {self._pause_s:.0f} s")

    def _set(self, stage: Stage, why: str, pid: int | None = None, port: int | None = None) -> None:
        told = self._report
        self._report = ProcessReport(stage, why, pid, port, self._restarts)
        self._changed.set()
        self._changed = asyncio.Event()
        if (stage, why) != (told.stage, told.why):
            _LOG.info("the process of provider %s is %s: %s", self._name, stage, why)


def free_port() -> int:
    """Return a loopback port that nothing listens on at this moment.

    Raises:
        OSError: There is none, or no more files can be opened.
    """
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


async def stop(child: Process, mark: str, is_hurried: Callable[[], bool]) -> None:
    """End a process and whatever it started: SIGTERM, and SIGKILL for what still runs after a while."""
    give_up_s = anyio.current_time() + TERM_S
    members = seen = await _members(child, mark)
    _signal(child.pid, members, signal.SIGTERM)
    while (child.returncode is None or members) and anyio.current_time() < give_up_s and not is_hurried():
        await anyio.sleep(POLL_S)
        members = await _members(child, mark)
        seen |= members
    for _ in range(KILL_ROUNDS):
        _signal(child.pid, members, signal.SIGKILL)
        await child.wait()
        members = await _members(child, mark)
        seen |= members
        if not members:
            break
    await anyio.to_thread.run_sync(reap, seen - {child.pid})


async def _members(child: Process, mark: str) -> frozenset[int]:
    return await anyio.to_thread.run_sync(family, child.pid, mark)


def _signal(group: int, others: Iterable[int], number: signal.Signals) -> None:
    """Signal a process's group, and what of its family is in no group of its own any more."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
    for pid in others:
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) != group:
                os.kill(pid, number)


async def _answers(port: int) -> bool:
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


def _keep_files() -> None:
    """See that no child gets what this process was given open when it was started: uvloop closes nothing for it."""
    with suppress(OSError):
        for name in os.listdir("/dev/fd"):
            with suppress(OSError):
                if int(name) > LAST_STANDARD_FILE:
                    os.set_inheritable(int(name), False)


def _at_port(word: str, port: int) -> str:
    return word.replace("{port}", str(port))


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}" if code else "exit code 0: it must stay in the foreground"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:  # most real-time signals have no name
        return f"signal {-code}"
