"""A presented key to its row or to why it is refused; stored keys joined to those of the file."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.clientkey import hmac_of, is_well_formed, make, mint, peppers
from proxy.core.secret import Secret
from proxy.core.snapshot import Auth, ClientKey, StoredKey
from proxy.edge.key_lookup import Refusal, _memory, find, with_stored

NOW_S = 1_800_000_000.0
NEW, OLD = "the-newest-secret-of-all", "the-secret-before-it"
RING = Secret(f"{NEW},{OLD}")
FILE_KEY = "of-the-file-0123456789"
FILE_ROW = ClientKey("file")
ROW = ClientKey("stored")


def key(number: int) -> str:
    return make(number.to_bytes(32, "big"))


def hashed(number: int, ring: Secret = RING) -> str:
    return mint(number.to_bytes(32, "big"), ring).hmac


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


AUTH = Auth(
    "keys",
    {sha256(FILE_KEY): FILE_ROW, sha256("ended-in-the-file"): ClientKey("ended", expires_at_s=NOW_S)},
    stored={
        hashed(1): StoredKey(ROW),
        hashed(2): StoredKey(ROW, ends_at_s=NOW_S),
        hashed(3): StoredKey(ROW, revoked=True),
        hashed(4): StoredKey(ROW, ends_at_s=NOW_S - 1, revoked=True),
        hashed(5): StoredKey(ROW, ends_at_s=NOW_S + 1),
        hashed(6, Secret(OLD)): StoredKey(ROW),
        hashed(7, Secret("a-secret-that-is-gone")): StoredKey(ROW),
    },
    pepper=RING,
)


@pytest.mark.parametrize(
    ("presented", "found"),
    [
        pytest.param(FILE_KEY, FILE_ROW, id="of-the-file"),
        pytest.param("ended-in-the-file", Refusal.EXPIRED, id="of-the-file-and-expired"),
        pytest.param(key(1), ROW, id="stored"),
        pytest.param(key(2), Refusal.EXPIRED, id="expired-this-second"),
        pytest.param(key(3), Refusal.REVOKED, id="revoked"),
        pytest.param(key(4), Refusal.REVOKED, id="revoked-and-expired"),
        pytest.param(key(5), ROW, id="good-for-another-second"),
        pytest.param(key(6), ROW, id="hashed-under-an-older-secret"),
        pytest.param(key(7), Refusal.UNKNOWN, id="hashed-under-a-secret-that-is-gone"),
        pytest.param(key(8), Refusal.UNKNOWN, id="never-made"),
        pytest.param("another-0123456789", Refusal.UNKNOWN, id="not-of-our-form"),
        pytest.param("größer", Refusal.UNKNOWN, id="not-ascii"),
        pytest.param("", Refusal.UNKNOWN, id="empty"),
        pytest.param(key(1)[:-1], Refusal.MALFORMED, id="cut"),
        pytest.param(key(1).lower(), Refusal.MALFORMED, id="in-small-letters"),
        pytest.param("fl_ö", Refusal.MALFORMED, id="our-prefix-and-not-ascii"),
    ],
)
def test_a_key_is_found_or_refused_for_a_reason(presented: str, found: ClientKey | Refusal) -> None:
    assert find(AUTH, presented.encode(), NOW_S) is found
    assert find(AUTH, presented.encode(), NOW_S) is found  # remembered or not


def test_bytes_that_are_no_text_are_unknown() -> None:
    assert find(AUTH, b"\xff\xfe", NOW_S) is Refusal.UNKNOWN


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["hmac", "sha256", "upper"]))
def test_a_stored_hash_is_never_accepted_as_a_key(drawn: bytes, form: str) -> None:
    text, minted = make(drawn), mint(drawn, RING)
    auth = Auth("keys", {sha256(text + "-of-the-file"): FILE_ROW}, stored={minted.hmac: StoredKey(ROW)}, pepper=RING)
    assert find(auth, text.encode(), NOW_S) is ROW
    shown = {"hmac": minted.hmac, "sha256": sha256(text + "-of-the-file"), "upper": minted.hmac.upper()}[form]
    for hash_or_its_bytes in (shown.encode(), bytes.fromhex(shown), b"fl_" + shown.encode()):
        assert isinstance(find(auth, hash_or_its_bytes, NOW_S), Refusal)
    assert not is_well_formed(shown)


@given(st.binary(max_size=80))
def test_what_nobody_made_is_refused(presented: bytes) -> None:
    assert isinstance(find(AUTH, presented, NOW_S), Refusal)


def test_a_key_of_the_file_needs_no_pepper() -> None:
    assert find(Auth("keys", AUTH.keys), FILE_KEY.encode(), NOW_S) is FILE_ROW
    assert find(Auth("keys", AUTH.keys), key(1).encode(), NOW_S) is Refusal.UNKNOWN


def test_stored_keys_without_a_pepper_are_unknown() -> None:
    assert find(replace(AUTH, pepper=None), key(1).encode(), NOW_S) is Refusal.UNKNOWN


def test_a_remembered_key_still_ends() -> None:
    assert find(AUTH, key(5).encode(), NOW_S) is ROW
    assert find(AUTH, key(5).encode(), NOW_S + 1) is Refusal.EXPIRED


def test_a_remembered_key_is_forgotten_with_its_auth() -> None:
    assert find(AUTH, key(1).encode(), NOW_S) is ROW
    revoked = replace(AUTH, stored={hashed(1): StoredKey(ROW, revoked=True)})
    assert find(revoked, key(1).encode(), NOW_S) is Refusal.REVOKED
    assert find(replace(AUTH, stored={}), key(1).encode(), NOW_S) is Refusal.UNKNOWN


def test_only_keys_that_were_found_are_remembered_and_none_by_its_text() -> None:
    auth = replace(AUTH)
    for number in range(1, 50):
        find(auth, key(number).encode(), NOW_S)
    memory = _memory(auth)
    assert set(memory.seen) == {sha256(key(number)) for number in range(1, 7)}
    assert all(key(1) not in text and NEW not in text for text in (repr(memory), repr(auth), repr(memory.seen)))
    assert hashed(1) not in repr(auth) + repr(memory)


def test_the_hash_is_taken_under_each_pepper_of_the_ring() -> None:
    first, second = peppers(RING)
    assert hmac_of(key(1).encode(), first) in AUTH.stored
    assert hmac_of(key(6).encode(), second) in AUTH.stored


STORED = {hashed(1): StoredKey(ROW)}
NONE_YET = Auth("none", mode_is_implied=True)
OPENED = Auth("none")
CLOSED = Auth("keys")
WITH_FILE_KEY = Auth("keys", {sha256(FILE_KEY): FILE_ROW}, mode_is_implied=True)


@pytest.mark.parametrize(
    ("auth", "stored", "was_closed", "mode"),
    [
        pytest.param(NONE_YET, {}, False, "none", id="never-a-key"),
        pytest.param(NONE_YET, STORED, False, "keys", id="the-first-key"),
        pytest.param(NONE_YET, {hashed(3): StoredKey(ROW, revoked=True)}, False, "keys", id="the-last-was-revoked"),
        pytest.param(NONE_YET, {}, True, "keys", id="closed-before"),
        pytest.param(OPENED, STORED, True, "none", id="written-none"),
        pytest.param(CLOSED, {}, False, "keys", id="written-keys"),
        pytest.param(WITH_FILE_KEY, {}, False, "keys", id="a-key-of-the-file"),
    ],
)
def test_a_mode_that_nobody_wrote_follows_from_the_keys(
    auth: Auth, stored: dict[str, StoredKey], was_closed: bool, mode: str
) -> None:
    joined = with_stored(auth, stored, RING, was_closed=was_closed)
    assert joined.mode == mode
    assert (joined.stored, joined.pepper, joined.keys) == (stored, RING, auth.keys)
    assert joined.mode_is_implied == auth.mode_is_implied


def test_where_both_have_a_name_the_key_of_the_configuration_counts(caplog: pytest.LogCaptureFixture) -> None:
    stored = {hashed(1): StoredKey(ClientKey("file")), hashed(2): StoredKey(ROW)}
    joined = with_stored(WITH_FILE_KEY, stored, RING, was_closed=False)
    assert list(joined.stored) == [hashed(2)]
    assert find(joined, FILE_KEY.encode(), NOW_S) is FILE_ROW
    assert find(joined, key(1).encode(), NOW_S) is Refusal.UNKNOWN
    (line,) = caplog.messages
    assert line == "client key 'file' of the database is ignored: the configuration has one of that name"


@pytest.mark.parametrize(
    ("auth", "stored", "lines"),
    [
        pytest.param(CLOSED, {}, 1, id="nobody-may-call"),
        pytest.param(CLOSED, STORED, 0, id="a-stored-key"),
        pytest.param(WITH_FILE_KEY, {}, 0, id="a-key-of-the-file"),
        pytest.param(NONE_YET, {}, 0, id="open"),
    ],
)
def test_a_closed_gateway_without_keys_is_a_warning(
    auth: Auth, stored: dict[str, StoredKey], lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        with_stored(auth, stored, RING, was_closed=False)
    assert len(caplog.messages) == lines
    assert all("fairlead keys create" in line for line in caplog.messages)
