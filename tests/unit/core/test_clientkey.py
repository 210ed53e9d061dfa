"""What a client key looks like, and that nothing but the key itself is taken for it."""

from __future__ import annotations

import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.clientkey import RANDOM_BYTES, hint, hmac_of, is_well_formed, make, mint, peppers
from proxy.core.secret import Secret

RING = Secret("the-first-secret-of-all,the-secret-before")
PEPPER = peppers(RING)[0]
KEY = make(bytes(range(32)))

random_bytes = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)
characters = st.characters(min_codepoint=33, max_codepoint=126)


@given(random_bytes)
def test_key_is_a_prefix_and_letters_and_digits_of_one_length(drawn: bytes) -> None:
    assert re.fullmatch(r"fl_[0-9A-Za-z]{49}", make(drawn))
    assert is_well_formed(make(drawn))


@given(random_bytes, random_bytes)
def test_keys_are_alike_only_if_their_random_bytes_are(one: bytes, other: bytes) -> None:
    assert (make(one) == make(other)) == (one == other)


@pytest.mark.parametrize("drawn", [bytes(32), b"\xff" * 32], ids=["smallest", "largest"])
def test_every_256_bits_have_their_place(drawn: bytes) -> None:
    assert len(make(drawn)) == 52
    assert is_well_formed(make(drawn))


def test_key_of_other_than_256_bits_is_not_made() -> None:
    with pytest.raises(AssertionError):
        make(b"short")


@given(random_bytes, st.integers(min_value=0, max_value=51), characters)
def test_slip_of_one_character_shows(drawn: bytes, place: int, slip: str) -> None:
    key = make(drawn)
    typed = key[:place] + slip + key[place + 1 :]
    assert is_well_formed(typed) == (typed == key)


@given(random_bytes, st.integers(min_value=0, max_value=50))
def test_two_neighbours_that_changed_places_show(drawn: bytes, place: int) -> None:
    key = make(drawn)
    typed = key[:place] + key[place + 1] + key[place] + key[place + 2 :]
    assert is_well_formed(typed) == (typed == key)


def test_paste_that_was_cut_or_has_more_shows() -> None:
    cut = [KEY[:end] for end in range(len(KEY))] + [KEY[start:] for start in range(1, len(KEY))]
    assert not any(map(is_well_formed, [*cut, KEY + "0", f" {KEY}", f"{KEY}\n", f'"{KEY}"', KEY + KEY]))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(KEY.lower(), id="in-small-letters"),
        pytest.param(KEY.replace("fl_", "sk_"), id="another-prefix"),
        pytest.param(KEY[:-1] + "é", id="not-ascii"),
        pytest.param("fl_" + "٣" * 49, id="digits-of-another-script"),
    ],
)
def test_what_looks_like_a_key_is_none(text: str) -> None:
    assert not is_well_formed(text)


@given(random_bytes)
def test_what_is_stored_of_a_key_is_no_key_and_stores_as_something_else(drawn: bytes) -> None:
    minted = mint(drawn, RING)
    assert not is_well_formed(minted.hmac)
    assert hmac_of(minted.hmac.encode(), PEPPER) != minted.hmac


def test_minted_key_is_hashed_under_the_first_of_the_ring() -> None:
    minted = mint(bytes(range(32)), RING)
    assert minted.text == Secret(KEY)
    assert minted.hmac == hmac_of(KEY.encode(), PEPPER)
    assert re.fullmatch("[0-9a-f]{64}", minted.hmac)
    assert minted.hint == hint(KEY)
    assert KEY.startswith(minted.hint)


def test_each_member_of_the_ring_hashes_otherwise_and_always_the_same() -> None:
    first, second = (hmac_of(KEY.encode(), pepper) for pepper in peppers(RING))
    assert first != second
    assert peppers(Secret("the-secret-before")) == peppers(RING)[1:]


def test_pepper_is_not_the_member_itself() -> None:
    assert PEPPER != b"the-first-secret-of-all"
    assert len(PEPPER) == 32


def test_minted_key_shows_neither_itself_nor_its_hash() -> None:
    minted = mint(bytes(range(32)), RING)
    assert KEY not in repr(minted)
    assert minted.hmac not in repr(minted)
    assert minted.hint in repr(minted)


def test_format_stays_what_it_is() -> None:
    """Keys that were given out must be known for ever: their text, their checksum and their hash."""
    assert KEY == "fl_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf3vXzEc"
    assert int.from_bytes(bytes(range(32)), "big") == number(KEY[3:46])
    assert zlib.crc32(KEY[:46].encode()) == number(KEY[46:])
    assert PEPPER.hex() == "e368d7a058833fd32dd85bb9d98ffb9c32fb3310dfda2824ba8eceb545fed78f"
    assert hmac_of(KEY.encode(), PEPPER) == "27e397297925b95c9a32324cd0a5e80d7c9e01f1f65a5b76f3ec5211d54b44a3"


def number(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 62 + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".index(digit)
    return value
