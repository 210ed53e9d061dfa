from __future__ import annotations

import logging
from pathlib import Path

import pytest

from proxy.store.spoolfile import OPEN, frame
from proxy.store.spoolfolder import Position, end_of, file_path
from proxy.store.spoolreader import PIECE_BYTES, SpoolReader

START = Position(0, 0)


def write(folder: Path, number: int, *payloads: bytes, after: bytes = b"") -> None:
    file_path(folder, number).write_bytes(b"".join(frame(OPEN, payload) for payload in payloads) + after)


def read_all(reader: SpoolReader, end: Position) -> list[bytes]:
    found = []
    while (scan := reader.read(end)) is not None:
        assert scan.records
        found += [payload for _, payload in scan.records]
    return found


def test_files_are_read_in_the_order_they_were_written(tmp_path: Path) -> None:
    write(tmp_path, 10, b"c")
    write(tmp_path, 2, b"a", b"b")
    write(tmp_path, 5)
    reader = SpoolReader(tmp_path, START)
    assert read_all(reader, end_of(tmp_path)) == [b"a", b"b", b"c"]
    assert reader.at == end_of(tmp_path)


def test_nothing_beyond_the_end_is_read(tmp_path: Path) -> None:
    write(tmp_path, 1, b"a", b"half written")
    reader = SpoolReader(tmp_path, START)
    assert read_all(reader, Position(1, len(frame(OPEN, b"a")))) == [b"a"]
    assert read_all(reader, end_of(tmp_path)) == [b"half written"]


def test_a_large_file_is_read_in_pieces(tmp_path: Path) -> None:
    payloads = [bytes([number]) * 10_000 for number in range(30)]
    write(tmp_path, 1, *payloads)
    reader = SpoolReader(tmp_path, START)
    first = reader.read(end_of(tmp_path))
    assert first is not None and 0 < len(first.records) < 30
    assert [payload for _, payload in first.records] + read_all(reader, end_of(tmp_path)) == payloads


def test_a_record_larger_than_a_piece_is_read_whole(tmp_path: Path) -> None:
    write(tmp_path, 1, b"a", b"b" * (3 * PIECE_BYTES), b"c")
    assert [len(p) for p in read_all(SpoolReader(tmp_path, START), end_of(tmp_path))] == [1, 3 * PIECE_BYTES, 1]


def test_a_damaged_length_does_not_hide_the_rest_of_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = bytearray(frame(OPEN, b"b"))
    broken[6] = 0xFF
    write(tmp_path, 1, b"a", after=bytes(broken) + frame(OPEN, b"c" * PIECE_BYTES) + frame(OPEN, b"d"))
    write(tmp_path, 2, b"e")
    reader = SpoolReader(tmp_path, START)
    assert [payload[:1] for payload in read_all(reader, end_of(tmp_path))] == [b"a", b"c", b"d", b"e"]
    assert reader.damaged == 1
    (record,) = caplog.records
    assert record.levelno == logging.ERROR and "is damaged in 1 places after byte" in record.message


def test_a_torn_end_is_a_warning_and_the_next_file_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, 1, b"a", after=frame(OPEN, b"torn")[:-1])
    write(tmp_path, 2, b"b")
    reader = SpoolReader(tmp_path, START)
    assert read_all(reader, end_of(tmp_path)) == [b"a", b"b"]
    assert reader.damaged == 0 and [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_file_of_anything_is_read_to_its_end(tmp_path: Path) -> None:
    file_path(tmp_path, 1).write_bytes(bytes(300_000))
    reader = SpoolReader(tmp_path, START)
    assert read_all(reader, end_of(tmp_path)) == [] and reader.at == end_of(tmp_path)


def test_a_file_that_became_shorter_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    write(tmp_path, 1, b"a", b"b")
    end = end_of(tmp_path)
    write(tmp_path, 1, b"a")
    assert read_all(SpoolReader(tmp_path, START), end) == [b"a"]


def test_files_that_are_gone_are_passed_over(tmp_path: Path) -> None:
    assert read_all(SpoolReader(tmp_path, Position(1, 50)), Position(3, 0)) == []
    write(tmp_path, 3, b"a")
    assert read_all(SpoolReader(tmp_path, Position(1, 50)), end_of(tmp_path)) == [b"a"]


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    file_path(tmp_path, 1).mkdir()
    with pytest.raises(IsADirectoryError):
        SpoolReader(tmp_path, START).read(Position(1, 10))
