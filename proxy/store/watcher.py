"""Brings changed client keys to a running server: looks at one number each second, and loads all keys when it rose.

Goes on through an outage of the database with the keys it has, and says so once. Publishes nothing but whole loads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import anyio

from proxy.core.snapshot import StoredKey
from proxy.store.database import DatabaseAway
from proxy.store.keys import KeyStore

POLL_S = 1.0

_LOG = logging.getLogger("fairlead.keys")


class KeyWatcher:
    """`load_once` at start, then `run` as a background task. `publish` gets every key by its HMAC.

    Attributes:
        ever: Some key was stored or configured before, or the database has not said yet that none was.
    """

    def __init__(
        self, keys: KeyStore, publish: Callable[[Mapping[str, StoredKey]], None], poll_s: float = POLL_S
    ) -> None:
        self._keys = keys
        self._publish = publish
        self._poll_s = poll_s
        self._seen: int | None = None
        self._trouble = ""
        self.ever = True

    @property
    def is_away(self) -> bool:
        """Whether the last look found no database."""
        return bool(self._trouble)

    async def load_once(self) -> None:
        """Load and publish.

        Raises:
            DatabaseAway: Nothing was published.
        """
        loaded = await self._keys.load()
        self.ever = loaded.version > 0
        self._publish(loaded.stored)
        self._seen = loaded.version

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await anyio.sleep(self._poll_s)
            await self._look()

    async def _look(self) -> None:
        try:
            if await self._keys.version() != self._seen:
                await self.load_once()
                _LOG.info("client keys of the database are in force: version %d", self._seen)
        except DatabaseAway as exc:
            self._complain(str(exc))
        except Exception as exc:
            # The top of a background task: whatever one look met, the next key that is revoked must be seen.
            self._complain(type(exc).__name__)
        else:
            if self._trouble:
                _LOG.info("client keys can be read again")
            self._trouble = ""

    def _complain(self, trouble: str) -> None:
        if not self._trouble:
            _LOG.error("client keys cannot be read; those that were read last stay in force: %s", trouble)
        self._trouble = trouble
