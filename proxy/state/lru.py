"""A map that forgets what was written longest ago once it is full, so that no client can make it grow."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Lru(OrderedDict[K, V]):
    """Reading does not count as use: what matters here is written again while it matters."""

    def __init__(self, cap: int) -> None:
        super().__init__()
        self._cap = cap
        self._room = cap // 2

    def put(self, key: K, value: V) -> None:
        self[key] = value
        if len(self) > self._room:  # until it is half full nothing is about to go, so the order need not be kept
            self.move_to_end(key)
            if len(self) > self._cap:
                self.popitem(last=False)
