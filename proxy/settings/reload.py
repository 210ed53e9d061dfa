"""Keeps the snapshot in step with its file: looks every 2 s and on demand, and publishes what is wholly right.

Any error keeps the whole old snapshot. A file is loaded only after it has looked the same twice, so that one which is
being written is never taken for whole; it is found by its path each time, so renames and swapped links are seen. Never
stops because of what a file holds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from proxy.core.errors import ConfigError
from proxy.core.snapshot import Problem, Snapshot
from proxy.settings.load import load_snapshot
from proxy.settings.origin import digest, read_text

POLL_S = 2.0
SETTLE_S = 0.25
RETRY_S = 10.0

_LOG = logging.getLogger("fairlead.config")


@dataclass(frozen=True, slots=True)
class Watched:
    """What a reload reads: the same file, environment and simulator as the first load."""

    path: Path
    environ: Mapping[str, str] = field(repr=False)
    simulator_url: str | None = None
    poll_s: float = POLL_S
    settle_s: float = SETTLE_S
    retry_s: float = RETRY_S


def log_problems(problems: Sequence[Problem]) -> None:
    """Log each problem of a configuration, as grave as it is."""
    for problem in problems:
        _LOG.log(logging.WARNING if problem.warning else logging.ERROR, "configuration: %s", problem)


class Reloader:
    """A background task: `run` it, `poke` it on SIGHUP.

    `publish` gets every new snapshot, whose version is one more than the last; if it raises, the old one stays.
    `on_failed` gets the problems of every content that cannot be used, once each. Such a content is tried again now and
    then: what it lacks may be another file, which comes later.
    """

    def __init__(
        self,
        watched: Watched,
        current: Snapshot,
        publish: Callable[[Snapshot], None],
        on_failed: Callable[[Sequence[Problem]], None],
    ) -> None:
        self._watched = watched
        self._current = current
        self._publish = publish
        self._on_failed = on_failed
        self._tried = current.digest
        self._problems: Sequence[Problem] = ()
        self._retry_s = inf
        self._poked = asyncio.Event()

    def poke(self) -> None:
        """Reload soon, even if nothing changed: certificates and other files may have. Call it on the loop."""
        self._poked.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            is_poked = await self._wait()
            content = await self._settled()
            if is_poked or content != self._tried:
                self._tried, self._problems = content, ()
                await self._reload()
            elif asyncio.get_running_loop().time() >= self._retry_s:
                await self._reload()

    async def _wait(self) -> bool:
        try:
            async with asyncio.timeout(self._watched.poll_s):
                await self._poked.wait()
        except TimeoutError:
            return False
        self._poked.clear()
        return True

    async def _settled(self) -> str:
        """Tell the content once it has looked the same twice; content that is known needs no second look."""
        before, content = self._tried, await asyncio.to_thread(self._content)
        while content != before:
            await asyncio.sleep(self._watched.settle_s)
            before, content = content, await asyncio.to_thread(self._content)
        return content

    def _content(self) -> str:
        try:
            return digest(read_text(self._watched.path), self._watched.environ)
        except ConfigError as error:
            return str(error)

    async def _reload(self) -> None:
        self._retry_s = inf
        try:
            # Not on the loop: a large file takes longer than a stream may wait.
            snapshot = await asyncio.to_thread(self._load)
            self._publish(snapshot)
        except ConfigError as error:
            self._retry_s = asyncio.get_running_loop().time() + self._watched.retry_s
            if error.problems != self._problems:
                self._problems = error.problems
                self._fail(error.problems)
        except Exception as exc:
            # The top of a background task: whatever a new configuration upsets, the old one serves on.
            found = f"a configuration that could not be put in force ({type(exc).__name__})"
            self._fail([Problem(str(self._watched.path), found, "one that can", "report this as a bug")])
        else:
            self._current = snapshot
            log_problems(snapshot.problems)
            _LOG.info("configuration version %d is in force", snapshot.version)

    def _load(self) -> Snapshot:
        return load_snapshot(
            self._watched.path,
            self._watched.environ,
            strict=True,
            simulator_url=self._watched.simulator_url,
            version=self._current.version + 1,
            running=self._current,
        )

    def _fail(self, problems: Sequence[Problem]) -> None:
        log_problems(problems)
        _LOG.error("the configuration is unchanged: version %d stays in force", self._current.version)
        self._on_failed(problems)
