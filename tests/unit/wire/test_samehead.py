"""A head that was read before is known again, and only where it is the same but for the digits of the length."""

from __future__ import annotations

import pytest

from proxy.wire.samehead import SameHead, same_head

BEFORE = b"POST / HTTP/1.1\r\nAuthorization: Bearer key\r\nContent-Length: "
AFTER = b"\r\nuser-agent: a\r\n\r\n"
FIRST = BEFORE + b"5" + AFTER + b"hello"


def known() -> SameHead:
    head = same_head(FIRST, b"5")
    assert head is not None
    return head


@pytest.mark.parametrize("body", [b"", b"hello", b"\r\n\r\n", b"x" * 123_456])
def test_another_body_stands_behind_the_same_head(body: bytes) -> None:
    assert known().body_behind(b"%b%d%b%b" % (BEFORE, len(body), AFTER, body)) == body


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(FIRST[:-1], id="body-not-whole"),
        pytest.param(FIRST + b"P", id="more-behind"),
        pytest.param(FIRST + FIRST, id="two-at-once"),
        pytest.param(BEFORE, id="no-digits-yet"),
        pytest.param(BEFORE + b"5", id="head-not-whole"),
        pytest.param(BEFORE + b"5\r\nuser-agent: b\r\n\r\nhello", id="other-line-behind"),
        pytest.param(FIRST.replace(b"key", b"kez"), id="other-line-before"),
        pytest.param(BEFORE + b"+5" + AFTER + b"hello", id="sign"),
        pytest.param(BEFORE + b"05" + AFTER + b"hello", id="nought-before"),
        pytest.param(BEFORE + b" 5" + AFTER + b"hello", id="space-before"),
        pytest.param(BEFORE + b"5 " + AFTER + b"hello", id="space-behind"),
        pytest.param(BEFORE + b"0" * 5000 + b"5" + AFTER + b"hello", id="far-too-many-digits"),
    ],
)
def test_anything_else_is_for_the_parser(data: bytes) -> None:
    assert known().body_behind(data) is None


@pytest.mark.parametrize(
    ("data", "length"),
    [
        pytest.param(BEFORE.replace(b"Length", b"Size") + AFTER, None, id="no-length"),
        pytest.param(FIRST, None, id="not-the-parser's"),
        pytest.param(FIRST, b"6", id="another-than-the-parser's"),
        pytest.param(FIRST + FIRST, b"5", id="more-behind"),
        pytest.param(BEFORE + b"05" + AFTER + b"hello", b"05", id="nought-before"),
    ],
)
def test_what_cannot_be_known_again_is_not_remembered(data: bytes, length: bytes | None) -> None:
    assert same_head(data, length) is None


def test_key_is_not_shown() -> None:
    assert repr(known()) == f"SameHead({len(BEFORE + AFTER)} bytes)"
