from __future__ import annotations

import msgspec
import pytest

from proxy.core.records import AttemptRecord, CloseRecord, OpenRecord
from proxy.core.usage import Usage
from proxy.store.spoolfile import CLOSE, OPEN, frame, scan
from proxy.store.spoolrecord import LARGEST, read_close, read_open, write_close, write_open
from tests.fakes.records import closed, opened


def reread_open(record: OpenRecord) -> OpenRecord:
    ((kind, payload),) = scan(write_open(record), is_last=True).records
    found = read_open(payload)
    assert kind == OPEN and found is not None
    return found


def reread_close(record: CloseRecord) -> CloseRecord:
    ((kind, payload),) = scan(write_close(record), is_last=True).records
    found = read_close(payload)
    assert kind == CLOSE and found is not None
    return found


def same(one: msgspec.Struct, other: msgspec.Struct) -> bool:
    return msgspec.structs.astuple(one) == msgspec.structs.astuple(other)


def test_a_beginning_is_read_as_it_was_written() -> None:
    record = opened(1, tags=("a", "ü"), estimated_nusd=None)
    assert same(reread_open(record), record)


def test_an_end_is_read_as_it_was_written() -> None:
    record = closed(1, usage=Usage(5, 6, cached_tokens=1, reported_cost_nusd=7), first_token_s=None)
    assert same(reread_close(record), record)
    assert isinstance(reread_close(record).attempts[0], AttemptRecord)


def test_half_a_character_is_replaced_and_the_record_is_kept() -> None:
    assert reread_open(opened(1, model="m\ud83d", tags=("t\udc00",))).model == "m?"
    found = reread_close(closed(1, error="e\ud83d"))
    assert found.error == "e?" and found.usage == Usage(100, 20) and found.stream is False


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_beyond_all_reason_is_capped_and_the_record_is_kept(sign: int) -> None:
    found = reread_close(closed(1, usage=Usage(sign * 2**70, 5)))
    assert found.usage == Usage(sign * LARGEST, 5)


@pytest.mark.parametrize("payload", [b"", b"\xc1", msgspec.msgpack.encode([1, 2]), msgspec.msgpack.encode("x")])
def test_what_is_no_such_record_is_none(payload: bytes) -> None:
    assert read_open(payload) is None
    assert read_close(payload) is None


def test_a_later_version_may_add_fields() -> None:
    fields = [*msgspec.to_builtins(opened(1)), "new"]
    ((_, payload),) = scan(frame(OPEN, msgspec.msgpack.encode(fields)), is_last=True).records
    found = read_open(payload)
    assert found is not None and same(found, opened(1))
