"""JSON objects taken apart and put together again without touching their members."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.json import Decoder

from proxy.wire.jsonbody import (
    LARGE_BYTES,
    LONG_BYTES,
    LONGEST_ESCAPE,
    join_object,
    raw,
    readable,
    replaced,
    split_object,
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=6)


@settings(max_examples=150)
@given(value=OBJECTS, ascii_only=st.booleans(), indent=st.sampled_from([None, 2]))
def test_object_taken_apart_and_joined_is_the_same_object(
    value: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert json.loads(join_object(split_object(body))) == value


@settings(max_examples=300)
@given(body=st.binary(max_size=60) | st.lists(st.sampled_from(list(b'{}[]":,\\ \xff1e-.u0tn')), max_size=30).map(bytes))
@example(b'{"\xff": 1}')
@example(b'{"a": "\\ud800"}')
@example(b'{"a": 1e999}')
def test_any_bytes_are_an_object_or_a_value_error(body: bytes) -> None:
    try:
        members = split_object(body)
    except ValueError:
        return
    assert split_object(join_object(members)).keys() == members.keys()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"", "Input data was truncated", id="empty"),
        pytest.param(b'{"PLANTED": ', "Input data was truncated", id="cut-short"),
        pytest.param(b'["PLANTED"]', "expected a JSON object", id="array"),
        pytest.param(b'"PLANTED"', "expected a JSON object", id="text"),
        pytest.param(b"null", "expected a JSON object", id="null"),
        pytest.param(b"7", "expected a JSON object", id="number"),
        pytest.param(b"PLANTED", "JSON is malformed: invalid character (byte 0)", id="no-json"),
        pytest.param(b"{PLANTED: 1}", "JSON is malformed: object keys must be strings (byte 1)", id="bare-name"),
        pytest.param(b'{"a": PLANTED}', "JSON is malformed: invalid character (byte 6)", id="bare-value"),
        pytest.param(b'{"a": 1} PLANTED', "JSON is malformed: trailing characters (byte 10)", id="trailing-text"),
        pytest.param(b"model=PLANTED", "JSON is malformed: invalid character (byte 0)", id="form"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', "JSON is malformed: invalid character (byte 0)", id="byte-order-mark"),
        pytest.param(b'{"PLANTED\xff": 1}', "a member's name is not UTF-8", id="name-that-is-no-utf-8"),
        pytest.param(rb'{"PLANTED\ud83d": 1}', "a member's name is not UTF-8", id="half-a-character-in-a-name"),
        pytest.param(
            rb'{"a": "\ud83d", PLANTED}',
            "JSON is malformed: object keys must be strings (byte 16)",
            id="half-a-character-in-what-is-no-json",
        ),
        pytest.param(b'{"a": "\xff\\ud83d"}', "Input data was truncated", id="half-a-character-in-what-is-no-utf-8"),
        pytest.param(
            b'{"a": "' + rb"\ud83d" * 10_000 + b'"}',
            "JSON is malformed: invalid utf-16 surrogate pair (byte 19)",
            id="nothing-but-halves",
        ),
        pytest.param(b'{"a": ' + b"[" * 100_000, "nested too deeply", id="deep-and-unfinished"),
        pytest.param(b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply", id="deep-and-whole"),
    ],
)
def test_refusal_says_where_and_never_what(body: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        split_object(body)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "member",
    [
        pytest.param(b"1.0e+05", id="a-number-keeps-its-digits"),
        pytest.param(b"123456789012345678901234567890", id="a-number-too-large-for-64-bits"),
        pytest.param(rb'"\u00e9\/"', id="escapes-stay"),
        pytest.param(rb'"\ud83d"', id="the-first-half-of-a-character"),
        pytest.param(rb'"\uDE00 \ud83d\uDE00"', id="the-second-half-beside-a-whole-one"),
        pytest.param(rb'{"\uD83d": "\ude00\ud83d\ud83d\ude00"}', id="halves-in-names-and-in-a-row"),
        pytest.param(rb'"\\ud83d \\\ud83d \\\\ud83d"', id="halves-among-escaped-backslashes"),
        pytest.param('"é🜚"'.encode(), id="characters-stay"),
        pytest.param(b'{"b" : [1, 2 ], "b":null}', id="inner-objects-are-not-looked-at"),
    ],
)
def test_member_stays_the_bytes_that_came(member: bytes) -> None:
    members = split_object(b'{"a": ' + member + b"}")
    assert bytes(members["a"]) == member
    assert join_object(members) == b'{"a":' + member + b"}"


@pytest.mark.parametrize(
    ("payload", "plain"),
    [
        pytest.param(rb'"\ud83d"', rb'"\ufffd"', id="first-half"),
        pytest.param(rb'"\uDE00"', rb'"\ufffd"', id="second-half"),
        pytest.param(rb'"\ud83d\ude00"', rb'"\ud83d\ude00"', id="whole"),
        pytest.param(rb'"\\ud83d"', rb'"\\ud83d"', id="text"),
        pytest.param(rb'"\\\ud83d"', rb'"\\\ufffd"', id="half-behind-a-backslash"),
    ],
)
def test_halves_are_made_readable(payload: bytes, plain: bytes) -> None:
    assert readable(payload) == plain
    json.loads(plain).encode()


def test_members_keep_their_order() -> None:
    assert list(split_object(b'{"z": 1, "a": 2, "m": 3}')) == ["z", "a", "m"]


def test_member_written_twice_is_the_last_one() -> None:
    assert join_object(split_object(b'{"a": 1, "b": 2, "a": 3}')) == b'{"a":3,"b":2}'


def test_value_becomes_a_raw_member() -> None:
    assert join_object({"model": raw('gpt "4"'), "n": raw(1)}) == rb'{"model":"gpt \"4\"","n":1}'


@pytest.mark.parametrize(
    ("body", "path", "expected"),
    [
        pytest.param(b'{"a":1, "b":2.50}', ["a"], b'{"a":"x","b":2.50}', id="there"),
        pytest.param(b'{"a":{"b":1},"c":[ ]}', ["a", "b"], b'{"a":{"b":"x"},"c":[ ]}', id="inside"),
        pytest.param(b'{"b":1, "c":2}', ["a"], b'{"b":1, "c":2}', id="absent"),
        pytest.param(b'{"a":{"c":1}, "c":2}', ["a", "b"], b'{"a":{"c":1}, "c":2}', id="absent-inside"),
        pytest.param(b'{"a": 7}', ["a", "b"], b'{"a": 7}', id="no-object-inside"),
        pytest.param(b"[1]", ["a"], b"[1]", id="no-object"),
    ],
)
def test_member_is_replaced_where_it_is(body: bytes, path: list[str], expected: bytes) -> None:
    assert replaced(body, path, raw("x")) == expected


LONG_TEXTS = st.text(alphabet='ab"\\\n\u00e9\U0001f600/', min_size=1, max_size=12).map(
    lambda text: text * (LONG_BYTES // len(text) + 1)
)
PAGE = "x" * LARGE_BYTES  # makes a body a large one


@settings(max_examples=60, deadline=None)
@given(
    members=st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), LONG_TEXTS | VALUES), max_size=5),
    at=st.integers(0, 5),
    ascii_only=st.booleans(),
)
@example(members=[("a", 1), ("b", "b" * LONG_BYTES), ("a", "a" * LONG_BYTES)], at=1, ascii_only=True)
@example(
    members=[("a", "é" * LONG_BYTES), ("a", 1), ("a", {"in": ["é" * LONG_BYTES, PAGE, 2]})], at=3, ascii_only=False
)
def test_large_object_is_split_as_a_small_one(members: list[tuple[str, Any]], at: int, ascii_only: bool) -> None:
    """Also where a name comes twice: JSON lets the last one hold."""
    named = [*members[:at], ("page", PAGE), *members[at:]]
    written = [f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=ascii_only)}" for name, value in named]
    body = f"{{{','.join(written)}}}".encode()
    assert len(body) >= LARGE_BYTES
    assert _texts_of(split_object(body)) == _texts_of(Decoder(dict[str, Raw]).decode(body))


@pytest.mark.parametrize(
    "members",
    [
        pytest.param(b'"few": 1', id="no-long-text"),
        pytest.param(b'"a": "' + b"\\\\" * LONG_BYTES + b'"', id="backslashes-that-nobody-counts"),
        pytest.param(b'"a": "' + b'\\"' * LONG_BYTES + b'"', id="quotes-in-a-text"),
        pytest.param(b'"a": "' + b"x" * LONG_BYTES + b'", "b": [' + b'"", ' * 99 + b"0]", id="many-texts"),
        pytest.param(b'"' + b"n" * LONG_BYTES + b'": 1', id="long-name"),
        pytest.param(b'"a": "' + b"x" * LONG_BYTES + b'", "b": "\xff"', id="no-utf-8"),
    ],
)
def test_large_object_that_is_not_simple_is_read_whole(members: bytes) -> None:
    body = b"{" + members + b', "z": [' + b"1, " * (LARGE_BYTES // 3) + b"2]}"
    assert _texts_of(split_object(body)) == _texts_of(Decoder(dict[str, Raw]).decode(body))


@pytest.mark.parametrize("run", [*range(4), *range(LONGEST_ESCAPE - 2, LONGEST_ESCAPE + 3)])
@pytest.mark.parametrize("text", [b"", b"x" * LONG_BYTES], ids=["at-the-start", "at-the-end"])
def test_backslashes_before_a_quote_are_counted(run: int, text: bytes) -> None:
    """After an odd number of them the quote is part of the text, and the next one ends it."""
    end = b'"' if run % 2 == 0 else b'" : 1, \\"b\\": 2"'
    body = b'{"a": "%b%b%b, "page": "%b", "b": 3}' % (text, b"\\" * run, end, PAGE.encode())
    assert _texts_of(split_object(body)) == _texts_of(Decoder(dict[str, Raw]).decode(body))
    assert bytes(split_object(body)["b"]) == b"3"


@pytest.mark.parametrize("text", [b"\xff", b"\xff0\xff", b"0\xff", b"\xff1"])
def test_bytes_that_look_like_a_stand_in_stay(text: bytes) -> None:
    body = b'{"a": "%b", "b": "%b%b%b", "c": ["%b", 0]}' % (text, text, PAGE.encode(), text, text)
    assert _texts_of(split_object(body)) == _texts_of(Decoder(dict[str, Raw]).decode(body))


@pytest.mark.parametrize(
    ("end", "message"),
    [
        pytest.param(b"", "Input data was truncated", id="cut-short"),
        pytest.param(b'", PLANTED}', f"object keys must be strings (byte {LARGE_BYTES + 10})", id="no-member"),
        pytest.param(b'"} PLANTED', f"trailing characters (byte {LARGE_BYTES + 11})", id="trailing-text"),
    ],
)
def test_mistake_behind_a_long_text_is_told_with_its_place(end: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        split_object(b'{"a": "' + PAGE.encode() + end)
    assert "PLANTED" not in str(caught.value)


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(b"1", id="nothing"),
        pytest.param(b'"\\ud83d"', id="half-a-character"),
    ],
)
def test_long_text_beside_anything_passes_as_it_came(rest: bytes) -> None:
    text = b'"' + b"x" * LARGE_BYTES + b'"'
    assert join_object(split_object(b'{"a": ' + text + b', "b": ' + rest + b"}")) == b'{"a":%b,"b":%b}' % (text, rest)


def test_control_characters_in_a_long_text_pass() -> None:
    """They are the upstream's to refuse."""
    text = b'"' + b"\x01" * LARGE_BYTES + b'"'
    assert join_object(split_object(b'{"a": ' + text + b', "b": 1}')) == b'{"a":%b,"b":1}' % text


def _texts_of(members: dict[str, Raw]) -> dict[str, bytes]:
    return {name: bytes(value) for name, value in members.items()}
