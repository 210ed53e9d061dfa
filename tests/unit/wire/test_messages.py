"""Messages of a WebSocket, as who only looks on puts them together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.messages import BEGINNING_BYTES, MessageReader

LAST, MASK = 0x80, b"\x0f\xa1\x00\x77"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
LONG = b"L" * 70_000


def frame(payload: bytes, opcode: int = TEXT, *, last: bool = True, mask: bytes = b"", reserved: int = 0) -> bytes:
    size = len(payload)
    lengths = (
        bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2) if size < 65_536 else b"\x7f" + size.to_bytes(8)
    )
    second = bytes([lengths[0] | (0x80 if mask else 0)]) + lengths[1:]
    masked = bytes([byte ^ mask[place % 4] for place, byte in enumerate(payload)]) if mask else payload
    return bytes([opcode | reserved | (LAST if last else 0)]) + second + mask + masked


def parts(*pieces: bytes, opcode: int = TEXT) -> list[bytes]:
    """The frames of one message in several pieces."""
    ends = len(pieces) - 1
    return [frame(piece, 0 if at else opcode, last=at == ends) for at, piece in enumerate(pieces)]


def reader(max_bytes: int = 100_000) -> MessageReader:
    """Nobody wants what begins with an X."""
    return MessageReader(lambda beginning: not beginning.startswith(b"X"), max_bytes)


def test_text_is_given_whole_and_nothing_else_is() -> None:
    read = reader()
    stream = frame(b"one") + frame(b"sound", BINARY) + frame(b"", PING) + frame(b"") + frame(b"two")
    assert read.feed(stream) == [b"one", b"", b"two"]
    assert (read.is_over, read.has_missed) == (False, False)


MESSAGES = [
    pytest.param(parts(b"on", b"", b"e"), [b"one"], id="pieces"),
    pytest.param([frame(b"on", last=False), frame(b"?", PING), frame(b"e", 0)], [b"one"], id="ping-between-pieces"),
    pytest.param(parts(b"o", b"x", opcode=BINARY) + parts(b"two"), [b"two"], id="sound-in-pieces"),
    pytest.param([frame(b"masked", mask=MASK), frame(b"plain")], [b"masked", b"plain"], id="masked"),
    pytest.param([frame(b"Xone"), frame(b"two")], [b"two"], id="unwanted"),
    pytest.param([*parts(b"X", b"one"), frame(b"two")], [b"two"], id="unwanted-in-pieces"),
    pytest.param([frame(b"m" * 300), frame(b"X" * 300)], [b"m" * 300], id="longer-than-a-beginning"),
    pytest.param([frame(b"one"), frame(b"\x03\xe8", CLOSE), frame(b"two")], [b"one"], id="farewell"),
]


@pytest.mark.parametrize(("frames", "messages"), MESSAGES)
def test_messages_are_the_same_wherever_their_bytes_are_cut(frames: list[bytes], messages: list[bytes]) -> None:
    stream = b"".join(frames)
    for at in range(len(stream) + 1):
        read = reader()
        assert read.feed(stream[:at]) + read.feed(stream[at:]) == messages
        assert not read.has_missed
    read = reader()
    assert [message for byte in stream for message in read.feed(bytes([byte]))] == messages


FRAMES = [frame(b"a"), frame(b"Xb"), frame(b"c" * 300), frame(LONG), frame(b"s", BINARY), frame(b"m", mask=MASK)]
GIVEN = [b"a", None, b"c" * 300, LONG, None, b"m"]


@given(st.lists(st.sampled_from(range(len(FRAMES))), max_size=6), st.data())
def test_any_messages_cut_anywhere_are_given(which: list[int], data: st.DataObject) -> None:
    stream = b"".join([FRAMES[index] for index in which])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    read, given_out = reader(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        given_out += read.feed(stream[start:end])
    assert given_out == [GIVEN[index] for index in which if GIVEN[index] is not None]


def test_whether_it_is_wanted_is_told_by_the_beginning_alone() -> None:
    asked: list[bytes] = []

    def refuse(beginning: bytes) -> bool:
        asked.append(beginning)
        return False

    read = MessageReader(refuse)
    for piece in parts(b"b" * 200, b"c" * 200, b"d" * 70_000):
        assert read.feed(piece) == []
    read.feed(frame(b"short"))
    assert asked == [b"b" * 200 + b"c" * (BEGINNING_BYTES - 200), b"short"]


def test_message_that_is_too_long_is_skipped_and_known_to_be() -> None:
    read = reader(max_bytes=1000)
    assert read.feed(frame(b"m" * 1000)) == [b"m" * 1000]
    assert read.feed(frame(b"X" * 1001)) == []
    assert not read.has_missed
    stream = b"".join(parts(b"m" * 600, b"m" * 401, b"m")) + frame(b"after")
    assert [message for byte in stream for message in read.feed(bytes([byte]))] == [b"after"]
    assert (read.has_missed, read.is_over) == (True, False)


NO_FRAMES = [
    pytest.param(frame(b"one", reserved=0x40), id="compressed"),
    pytest.param(frame(b"one", 3), id="unknown"),
    pytest.param(frame(b"one", 0xB), id="unknown-control"),
    pytest.param(frame(b"one", 0), id="end-of-nothing"),
    pytest.param(frame(b"on", last=False) + frame(b"two"), id="another-before-its-end"),
    pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="no-frames"),
]


@pytest.mark.parametrize("stream", NO_FRAMES)
def test_what_is_no_frame_ends_the_reading(stream: bytes) -> None:
    read = reader()
    assert read.feed(stream + frame(b"one")) == []
    assert read.feed(frame(b"one")) == []
    assert (read.is_over, read.has_missed) == (True, True)


@given(st.binary(max_size=200))
def test_nothing_is_raised_whatever_comes(noise: bytes) -> None:
    read = reader()
    for byte in noise:
        read.feed(bytes([byte]))
