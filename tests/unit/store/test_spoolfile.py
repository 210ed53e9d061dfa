from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.store.spoolfile import CLOSE, HEAD_BYTES, MARK, OPEN, Scan, frame, scan

RECORDS = [
    (OPEN, b"first"),
    (CLOSE, MARK * 3),
    (OPEN, b"\x00" * 40),
    (CLOSE, frame(CLOSE, b"a record in a record")[2:]),
]
FRAMES = [frame(*record) for record in RECORDS]
FILE = b"".join(FRAMES)
# Where each record begins, and where the last one ends.
BOUNDS = [0]
for _one in FRAMES:
    BOUNDS.append(BOUNDS[-1] + len(_one))


def without(number: int) -> list[tuple[int, bytes]]:
    return RECORDS[:number] + RECORDS[number + 1 :]


def test_what_was_framed_is_found_again_in_order() -> None:
    assert scan(FILE, is_last=True) == Scan(RECORDS, len(FILE), 0, 0)


def test_nothing_holds_no_records() -> None:
    assert scan(b"", is_last=True) == scan(b"", is_last=False) == Scan([], 0, 0, 0)


@pytest.mark.parametrize("cut", range(len(FILE)))
def test_a_file_cut_anywhere_keeps_every_whole_record(cut: int) -> None:
    whole = sum(bound <= cut for bound in BOUNDS) - 1
    found = scan(FILE[:cut], is_last=True)
    assert found == Scan(RECORDS[:whole], cut, 0, cut - BOUNDS[whole])


@pytest.mark.parametrize("cut", range(len(FILE)))
def test_what_is_incomplete_at_the_end_of_a_piece_is_left_for_the_next(cut: int) -> None:
    first = scan(FILE[:cut], is_last=False)
    second = scan(FILE[first.end :], is_last=True)
    assert first.records + second.records == RECORDS
    assert (first.damaged, second.damaged, second.torn_bytes) == (0, 0, 0)


@pytest.mark.parametrize("at", range(len(FILE)))
def test_any_changed_byte_costs_its_own_record_and_no_other(at: int) -> None:
    number = next(i for i, (begin, end) in enumerate(pairwise(BOUNDS)) if begin <= at < end)
    for flip in (0x01, 0x80, 0xFF):
        broken = bytearray(FILE)
        broken[at] ^= flip
        found = scan(bytes(broken), is_last=True)
        assert found.records == without(number)
        is_last = number == len(RECORDS) - 1
        assert (found.damaged, found.torn_bytes) == ((0, len(FRAMES[-1])) if is_last else (1, 0))


@pytest.mark.parametrize("is_last", [True, False])
def test_a_stretch_of_anything_is_one_damage_however_long(is_last: bool) -> None:
    found = scan(FRAMES[0] + b"?" * 1000 + MARK * 9 + FRAMES[1] + FRAMES[2], is_last=is_last)
    assert found.records == RECORDS[:3] and found.damaged == 1


def test_damage_at_the_end_of_a_piece_is_judged_with_what_follows() -> None:
    broken = bytearray(FRAMES[1])
    broken[HEAD_BYTES] ^= 1
    first = scan(FRAMES[0] + broken, is_last=False)
    assert first == Scan(RECORDS[:1], len(FRAMES[0]), 0, 0)
    assert scan(bytes(broken) + FRAMES[2], is_last=True).records == [RECORDS[2]]


def test_a_length_beyond_the_file_does_not_hide_what_follows() -> None:
    broken = bytearray(FILE)
    broken[BOUNDS[1] + 6] = 0x7F  # the length's highest byte
    assert scan(bytes(broken), is_last=False).records == RECORDS[:1]  # it might be as long as that
    assert scan(bytes(broken), is_last=True).records == without(1)


@given(st.lists(st.tuples(st.sampled_from([OPEN, CLOSE, 7]), st.binary(max_size=60)), max_size=6), st.data())
def test_any_records_survive_the_loss_of_any_others(records: list[tuple[int, bytes]], choose: st.DataObject) -> None:
    spared = [choose.draw(st.booleans()) for _ in records]
    pieces = [
        frame(*record) if kept else frame(*record)[:-1] + b"!" for record, kept in zip(records, spared, strict=True)
    ]
    broken = [kept or frame(*record) == piece for record, kept, piece in zip(records, spared, pieces, strict=True)]
    found = scan(b"".join(pieces), is_last=True)
    assert found.records == [record for record, kept in zip(records, broken, strict=True) if kept]


def test_no_text_can_hold_a_mark() -> None:
    for character in map(chr, [*range(0xD800), *range(0xE000, 0x110000, 251)]):
        assert not set(MARK) & set(character.encode())
