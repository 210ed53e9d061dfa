"""Knows which models providers say that they have, for clients that list the gateway's: a `core.ports.ModelLists`.

A provider is asked when somebody wants to see its list and there is none that is new enough: once at a time, in a task
that goes on when its clients have gone or have waited long enough. Nobody else's request ever waits for it. A list is
kept until its provider's row changes, and shown for a while when the provider does not answer any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import inf
from typing import NamedTuple

import anyio
from anyio import to_thread
from msgspec import Struct

from proxy.core.ports import Clock, Credentials
from proxy.core.snapshot import Model, Provider, Snapshot
from proxy.providers.listings import names_models
from proxy.routing.resolve import direct_models
from proxy.upstream.probes import Bounds, Prober

_LOG = logging.getLogger("fairlead.models")

MOST = 1_000  # models of one provider
BOUNDS = Bounds(wait_s=5.0, whole_s=10.0, page_bytes=4_194_304, models=MOST)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds.

    Attributes:
        wait_s: For a client's request; some clients give up after 3 s (Claude Code).
        fresh_s: So long a list is not asked for again.
        retry_s: So long a provider that gave none is not asked again.
        kept_s: So long after it was told a list is shown.
    """

    wait_s: float = 2.0
    fresh_s: float = 300.0
    retry_s: float = 60.0
    kept_s: float = 3_600.0


USUAL = Patience()


class _Made(NamedTuple):
    """What was made of a list, and of what exactly."""

    provider: Provider
    names: tuple[str, ...]
    models: list[Model]


class _Held(Struct, eq=False):
    """What is known of one provider. Times are monotonic."""

    provider: Provider
    names: tuple[str, ...] = ()
    told_s: float = -inf
    due_s: float = -inf
    is_failing: bool = False
    made: _Made | None = None
    asking: asyncio.Task[None] | None = None


class ModelLists:
    """Lists by provider. Belongs to the event loop's thread.

    Attributes:
        asked: How often a provider was asked.
    """

    def __init__(
        self, credentials: Credentials, clock: Clock, patience: Patience = USUAL, bounds: Bounds = BOUNDS
    ) -> None:
        self.asked = 0
        self._prober = Prober(credentials, clock, {}, bounds)
        self._clock = clock
        self._patience = patience
        self._held: dict[str, _Held] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def models(self, snapshot: Snapshot, providers: Sequence[Provider]) -> list[Model]:
        """Return what these providers list as models of direct names; see `core.ports.ModelLists`."""
        now_s = self._clock.now()
        held = {each: self._held.setdefault(each.name, _Held(each)) for each in providers if names_models(each)}
        due = [self._ask(each) for each in held.values() if now_s >= each.due_s]
        if due:
            await asyncio.wait(due, timeout=self._patience.wait_s)
        oldest_s = self._clock.now() - self._patience.kept_s
        shown = [(provider, each) for provider, each in held.items() if each.told_s >= oldest_s]
        return [model for provider, each in shown for model in await _models(provider, each, snapshot)]

    def keep_only(self, snapshot: Snapshot) -> None:
        """Forget the lists of providers whose rows a new configuration does not have so."""
        rows = snapshot.providers if snapshot.server.direct_models else {}
        for name, held in list(self._held.items()):
            row = rows.get(name)
            if row is not None and _is_same(row, held.provider):
                held.provider = row
                continue
            del self._held[name]
            if held.asking is not None:
                held.asking.cancel()

    async def aclose(self) -> None:
        """End what is being asked."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ask(self, held: _Held) -> asyncio.Task[None]:
        """Begin to ask, or join who does."""
        if held.asking is None:
            held.asking = asyncio.get_running_loop().create_task(self._asked(held))
            self._tasks.add(held.asking)
            held.asking.add_done_callback(self._tasks.discard)
        return held.asking

    async def _asked(self, held: _Held) -> None:
        self.asked += 1
        try:
            told = await self._told(held.provider)
        except Exception as error:  # the top of a task: one provider's list is no reason for more
            told = f"asking failed ({type(error).__name__})"  # without a traceback, whose lines may quote a secret
        finally:
            held.asking = None
        now_s = self._clock.now()
        if isinstance(told, str):
            if not held.is_failing:  # once an episode
                _LOG.warning("provider %s: its models cannot be listed: %s", held.provider.name, told)
            held.is_failing, held.due_s = True, now_s + self._patience.retry_s
            return
        if len(told) > MOST and not held.names:
            _LOG.warning("provider %s: of its models the first %d are listed", held.provider.name, MOST)
        held.names, held.is_failing = tuple(sorted(told[:MOST])), False
        held.told_s, held.due_s = now_s, now_s + self._patience.fresh_s

    async def _told(self, provider: Provider) -> list[str] | str:
        """Ask with one credential after the other until a list comes; else say why there is none."""
        why = f"no whole list within {self._prober.bounds.whole_s:g} s"
        with anyio.move_on_after(self._prober.bounds.whole_s):
            for credential in provider.credentials or (None,):
                probe = await self._prober.probe(provider, credential)
                if probe.models is not None:
                    return [model.id for model in probe.models]
                why = probe.result
        return why


async def _models(provider: Provider, held: _Held, snapshot: Snapshot) -> list[Model]:
    """The models of a list; made in a thread, once, since prices and abilities are looked up.

    Args:
        provider: Of that snapshot; a reload may have passed by while the list was waited for.
    """
    names, made = held.names, held.made
    if made is None or made.provider is not provider or made.names is not names:
        models = await to_thread.run_sync(direct_models, provider, names, snapshot)
        made = held.made = _Made(provider, names, models)
    return made.models


def _is_same(row: Provider, other: Provider) -> bool:
    """Whether two rows say the same; a reload makes each anew."""
    names = [each.name for each in fields(Provider) if each.name != "credentials"]
    return [each.id for each in row.credentials] == [each.id for each in other.credentials] and all(
        getattr(row, name) == getattr(other, name) for name in names
    )
