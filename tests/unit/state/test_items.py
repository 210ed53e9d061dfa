from __future__ import annotations

from proxy.state.items import MOST_ITEMS, MemoryItems

ROOM = 100_000


def items(room: int = ROOM) -> MemoryItems:
    return MemoryItems(lambda: room)


def test_item_is_found_by_its_owner_alone() -> None:
    kept = items()
    kept.keep("ci", {"msg_1": b"{}"})
    assert kept.find("ci", "msg_1") == b"{}"
    assert kept.find("dev", "msg_1") is None
    assert kept.find("", "msg_1") is None


def test_item_that_is_kept_again_is_replaced() -> None:
    kept = items()
    for text in (b"1", b"2"):
        kept.keep("ci", {"msg_1": text})
    assert kept.find("ci", "msg_1") == b"2"


def test_what_was_used_longest_ago_goes_first() -> None:
    kept = items()
    for place in range(13):
        kept.keep("ci", {f"msg_{place}": b"x" * 8_000})
        kept.find("ci", "msg_0")
    assert kept.find("ci", "msg_0") is not None
    assert kept.find("ci", "msg_1") is None
    assert kept.find("ci", "msg_12") is not None


def test_there_is_a_most_of_small_items() -> None:
    kept = items(1 << 30)
    for place in range(MOST_ITEMS + 1):
        kept.keep("ci", {f"msg_{place}": b"{}"})
    assert kept.find("ci", "msg_0") is None
    assert kept.find("ci", "msg_1") is not None


def test_item_too_large_for_its_share_is_not_kept() -> None:
    kept = items()
    kept.keep("ci", {"msg_1": b"x" * 12_000, "ig_1": b"x" * 13_000})
    assert kept.find("ci", "msg_1") is not None
    assert kept.find("ci", "ig_1") is None


def test_less_room_is_kept_to_with_the_next_answer() -> None:
    room = ROOM
    kept = MemoryItems(lambda: room)
    kept.keep("ci", {"msg_1": b"{}"})
    room = 0
    kept.keep("ci", {"msg_2": b"{}"})
    assert kept.find("ci", "msg_1") is None
    assert kept.find("ci", "msg_2") is None
