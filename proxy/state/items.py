"""Items of answers that clients may refer to, in this process's memory and nowhere else."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

MOST_ITEMS = 10_000
_OVERHEAD = 300  # bytes that an item takes beside its own
_LARGEST = 8  # an item that would take more than one part in so many of the room is not kept


class MemoryItems:
    """Implements `core.ports.KeptItems`: the least recently used go first, by count and by bytes.

    Args:
        room: How many bytes may be kept; asked each time, since the configuration may change.
    """

    def __init__(self, room: Callable[[], int]) -> None:
        self._room = room
        self._items: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._bytes = 0

    def keep(self, owner: str, items: Mapping[str, bytes]) -> None:
        """Keep items of an answer for this owner."""
        room = self._room()
        for id_, item in items.items():
            if _size(item) * _LARGEST <= room:
                self._forget((owner, id_))
                self._items[owner, id_] = item
                self._bytes += _size(item)
        while self._bytes > room or len(self._items) > MOST_ITEMS:
            self._forget(next(iter(self._items)))

    def find(self, owner: str, id_: str) -> bytes | None:
        """Return what is kept for this owner under this id."""
        item = self._items.get((owner, id_))
        if item is not None:
            self._items.move_to_end((owner, id_))
        return item

    def _forget(self, key: tuple[str, str]) -> None:
        item = self._items.pop(key, None)
        if item is not None:
            self._bytes -= _size(item)


def _size(item: bytes) -> int:
    return len(item) + _OVERHEAD
