from __future__ import annotations

from proxy.state.lru import Lru


def test_what_was_written_longest_ago_goes_first() -> None:
    entries: Lru[str, int] = Lru(2)
    for key in ("a", "b", "a", "c"):
        entries.put(key, 1)
    assert list(entries) == ["a", "c"]


def test_writing_again_replaces() -> None:
    entries: Lru[str, int] = Lru(2)
    entries.put("a", 1)
    entries.put("a", 2)
    assert entries == {"a": 2}
