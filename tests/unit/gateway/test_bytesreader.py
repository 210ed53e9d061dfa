"""Bytes that nobody here understands."""

from __future__ import annotations

import pytest

from proxy.core.usage import Usage
from proxy.gateway.bytesreader import BytesReader, SpokenReader
from proxy.wire.sse import MAX_EVENT_BYTES


def test_bytes_are_held_until_the_commit_and_then_pass() -> None:
    reader = BytesReader()
    before = reader.is_ready
    reader.hold(b"a")
    assert (before, reader.is_ready) == (False, True)
    assert (reader.take_held(), reader.take_held(), reader.pass_on(b"b"), reader.end()) == (b"a", b"", b"b", b"")
    assert (reader.usage, reader.failure, reader.terminator, reader.done) == (None, None, b"", False)


@pytest.mark.parametrize("may_be_empty", [False, True])
def test_nothing_is_an_answer_only_where_it_may_be(may_be_empty: bool) -> None:
    reader = BytesReader(may_be_empty=may_be_empty)
    reader.end_held()
    assert (reader.is_ready, reader.done) == (may_be_empty, may_be_empty)


SOUND = b'data: {"type":"speech.audio.delta","audio":"AAAA"}\n\n'
SPOKEN = b'event: x\ndata: {"type":"speech.audio.done","usage":{"input_tokens":5,"output_tokens":90}}\n\n'
USED = Usage(5, 90, audio_output_tokens=90)


@pytest.mark.parametrize("stream", [SOUND + SPOKEN, SOUND + SPOKEN + b": bye\n\n", SOUND + SPOKEN[:-2]])
def test_events_with_sound_pass_as_they_come_and_their_usage_is_read(stream: bytes) -> None:
    for at in range(1, len(stream)):
        reader = SpokenReader()
        reader.hold(stream[:at])
        assert reader.take_held() + reader.pass_on(stream[at:]) + reader.end() == stream
        assert (reader.usage, reader.failure, reader.done) == (USED, None, False)


def test_bytes_that_are_no_events_pass_all_the_same() -> None:
    reader = SpokenReader()
    noise = b"x" * (MAX_EVENT_BYTES + 1)
    assert reader.pass_on(noise) == noise
    assert reader.pass_on(SPOKEN) == SPOKEN
    assert reader.usage is None
