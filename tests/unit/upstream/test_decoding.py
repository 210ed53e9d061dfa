"""Bodies that were compressed unasked."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failure import Failure, FailureKind
from proxy.core.ports import Wait
from proxy.upstream.decoding import (
    FREE_BYTES,
    MAX_PLAIN_BYTES,
    MAX_RATIO,
    Decoder,
    DecodingError,
    decoder_for,
    plain_headers,
    read_plain,
)

TEXT = b'{"answer": "' + bytes(range(32, 127)) * 30 + b'"}'
WAIT = Wait(0.0, FailureKind.TIMEOUT_IDLE)


def raw_deflate(plain: bytes) -> bytes:
    press = zlib.compressobj(wbits=-15)
    return press.compress(plain) + press.flush()


def members(plain: bytes) -> bytes:
    return gzip.compress(plain[:100]) + gzip.compress(plain[100:])


CODINGS = [
    pytest.param(gzip.compress, False, id="gzip"),
    pytest.param(members, False, id="gzip-members"),
    pytest.param(zlib.compress, True, id="deflate"),
    pytest.param(raw_deflate, True, id="raw-deflate"),
]


def decode(decoder: Decoder, pieces: Iterable[bytes]) -> bytes:
    plain = b"".join(decoder.feed(piece) for piece in pieces)
    decoder.finish()
    return plain


@pytest.mark.parametrize(("press", "deflate"), CODINGS)
def test_a_body_is_decoded_whole_or_split_at_any_byte(press: object, deflate: bool) -> None:
    assert callable(press)
    packed = press(TEXT)
    assert decode(Decoder(deflate=deflate), [packed]) == TEXT
    for at in range(len(packed) + 1):
        assert decode(Decoder(deflate=deflate), [packed[:at], packed[at:]]) == TEXT
    assert decode(Decoder(deflate=deflate), [packed[i : i + 1] for i in range(len(packed))]) == TEXT


@pytest.mark.parametrize(("press", "deflate"), CODINGS)
def test_a_body_cut_anywhere_is_refused(press: object, deflate: bool) -> None:
    assert callable(press)
    packed = press(TEXT)
    whole = {len(gzip.compress(TEXT[:100]))} if press is members else set()  # a cut between members cannot be seen
    for at in set(range(1, len(packed))) - whole:
        with pytest.raises(DecodingError, match="the compressed body ended early"):
            decode(Decoder(deflate=deflate), [packed[:at]])


@given(plain=st.binary(max_size=2000), cut=st.integers(min_value=0, max_value=2000))
def test_any_bytes_come_back(plain: bytes, cut: int) -> None:
    packed = gzip.compress(plain)
    assert decode(Decoder(deflate=False), [packed[:cut], packed[cut:]]) == plain


@pytest.mark.parametrize("deflate", [False, True])
def test_an_empty_body_is_empty_in_any_coding(deflate: bool) -> None:
    assert decode(Decoder(deflate=deflate), []) == b""


@pytest.mark.parametrize("deflate", [False, True])
def test_a_body_in_another_format_is_refused(deflate: bool) -> None:
    with pytest.raises(DecodingError, match="the compressed body is broken"):
        decode(Decoder(deflate=deflate), [b"plain text"])


def test_bytes_after_a_deflated_body_are_refused() -> None:
    with pytest.raises(DecodingError, match="bytes follow"):
        decode(Decoder(deflate=True), [zlib.compress(TEXT) + b"x"])


def test_a_short_body_may_grow_by_any_ratio() -> None:
    plain = bytes(FREE_BYTES)
    assert len(plain) > MAX_RATIO * len(gzip.compress(plain))
    assert decode(Decoder(deflate=False), [gzip.compress(plain)]) == plain


def test_a_body_may_not_grow_beyond_the_ratio() -> None:
    decoder = Decoder(deflate=False)
    with pytest.raises(DecodingError, match="grows too much"):
        decoder.feed(gzip.compress(bytes(FREE_BYTES + 1)))


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    packed = gzip.compress(bytes(16 * 1024 * 1024))
    decoder = Decoder(deflate=False)
    with pytest.raises(DecodingError, match="grows too much"):
        for i in range(len(packed)):
            assert len(decoder.feed(packed[i : i + 1])) <= FREE_BYTES


def test_a_body_may_not_grow_beyond_the_absolute_limit() -> None:
    noise = bytes(range(256)) * 64  # packs by less than the ratio
    press = zlib.compressobj(level=0, wbits=31)
    decoder = Decoder(deflate=False)
    got_bytes = 0
    with pytest.raises(DecodingError, match="grows too much"):
        while got_bytes <= MAX_PLAIN_BYTES:
            got_bytes += len(decoder.feed(press.compress(noise * 64)))
    assert got_bytes <= MAX_PLAIN_BYTES


@pytest.mark.parametrize("value", [None, b"", b"identity", b" Identity "])
def test_a_plain_body_needs_no_decoder(value: bytes | None) -> None:
    headers = ((b"content-type", b"text/plain"), *([(b"content-encoding", value)] if value is not None else []))
    assert decoder_for(headers) is None


@pytest.mark.parametrize(
    ("value", "packed"),
    [(b"gzip", gzip.compress(TEXT)), (b"X-Gzip", gzip.compress(TEXT)), (b"deflate", zlib.compress(TEXT))],
)
def test_a_known_coding_has_a_decoder(value: bytes, packed: bytes) -> None:
    decoder = decoder_for(((b"content-encoding", value),))
    assert decoder is not None
    assert decode(decoder, [packed]) == TEXT


@pytest.mark.parametrize("values", [[b"br"], [b"zstd"], [b"gzip, gzip"], [b"gzip", b"br"], [b"gzip", b"gzip"]])
def test_any_other_coding_is_refused(values: list[bytes]) -> None:
    with pytest.raises(DecodingError, match="not asked for"):
        decoder_for(tuple((b"content-encoding", value) for value in values))


def test_headers_of_a_decoded_body_say_nothing_of_its_packing() -> None:
    headers = ((b"content-type", b"x"), (b"content-encoding", b"gzip"), (b"content-length", b"9"))
    assert plain_headers(headers) == ((b"content-type", b"x"),)


async def test_reading_goes_on_until_there_are_plain_bytes() -> None:
    packed = gzip.compress(b"hello")
    pieces = iter([packed[:5], packed[5:], b""])

    async def read(wait: Wait) -> bytes | Failure:
        return next(pieces)

    decoder = Decoder(deflate=False)
    assert [await read_plain(decoder, read, WAIT), await read_plain(decoder, read, WAIT)] == [b"hello", b""]


async def test_a_failure_passes_the_decoder_by() -> None:
    failure = Failure(FailureKind.TIMEOUT_IDLE)

    async def read(wait: Wait) -> bytes | Failure:
        return failure

    assert await read_plain(Decoder(deflate=False), read, WAIT) is failure
