"""Steps of a reply, compressed and split."""

from __future__ import annotations

import gzip
import zlib

from proxy.simulator.behaviour import MAX_DELAY_S, Coding
from proxy.simulator.replies import (
    Cut,
    Pause,
    Plain,
    Send,
    Start,
    Step,
    compressed,
    json_answer,
    plain_steps,
    silence,
    split,
    with_coding,
)

_PLAIN = Plain(200, (("content-type", "application/json"),), b'{"a":1}', 3)


def _body(steps: list[Step]) -> bytes:
    return b"".join(step.body for step in steps if isinstance(step, Send))


def test_plain_answer_is_head_and_body() -> None:
    headers = (("content-type", "application/json"), ("content-length", "7"))
    assert list(plain_steps(_PLAIN)) == [Start(200, headers), Send(b'{"a":1}', 3)]


def test_json_answer_has_type_and_status() -> None:
    assert json_answer({"a": 1}, 404) == Plain(404, (("content-type", "application/json"),), b'{"a":1}')


def test_silence_is_bounded() -> None:
    assert silence() == (Pause(MAX_DELAY_S), Cut())


def test_coding_changes_body_and_header() -> None:
    assert with_coding(_PLAIN, Coding.IDENTITY) == _PLAIN
    packed = with_coding(_PLAIN, Coding.GZIP)
    assert gzip.decompress(packed.body) == _PLAIN.body
    assert packed.headers[-1] == ("content-encoding", "gzip")
    claimed = with_coding(_PLAIN, Coding.UNKNOWN)
    assert (claimed.body, claimed.headers[-1]) == (_PLAIN.body, ("content-encoding", "unknown"))


def test_compressed_stream_can_be_read_piece_by_piece() -> None:
    steps = list(compressed([Start(200, ()), Send(b"one", 1), Pause(1.0), Send(b"two", 1)]))
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    pieces = [reader.decompress(step.body) for step in steps if isinstance(step, Send)]
    assert pieces == [b"one", b"two", b""]
    assert reader.eof
    assert sum(step.tokens for step in steps if isinstance(step, Send)) == 2


def test_compressed_stream_that_is_cut_has_no_trailer() -> None:
    steps = list(compressed([Send(b"one"), Cut()]))
    assert steps[-1] == Cut()
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    assert (reader.decompress(_body(steps)), reader.eof) == (b"one", False)


def test_split_keeps_bytes_and_tokens() -> None:
    steps = list(split([Start(200, ()), Send(b"abcde", 1), Send(b"xy", 1)], 2))
    assert steps == [Start(200, ()), Send(b"ab"), Send(b"cd"), Send(b"e", 1), Send(b"xy", 1)]
