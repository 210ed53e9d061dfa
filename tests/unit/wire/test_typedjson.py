from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw, Struct

from proxy.core.translation import Undecodable
from proxy.wire.typedjson import check_utf8, decoded, given, members_of


class Inner(Struct):
    b: int


class Outer(Struct):
    a: list[Inner]
    text: str = ""


DECODER = msgspec.json.Decoder(Outer)


@pytest.mark.parametrize(
    ("body", "where", "param", "says"),
    [
        pytest.param(b'{"a":[{"b":"secret"}]}', "", "a[0].b", "wrong type", id="wrong-type"),
        pytest.param(b'{"a":[{}]}', "", "a[0].b", "missing", id="missing"),
        pytest.param(b"{}", "", "a", "missing", id="missing-at-the-top"),
        pytest.param(b"{}", "input[1]", "input[1].a", "missing", id="missing-in-a-part"),
        pytest.param(b"[]", "input[1]", "input[1]", "wrong type", id="part-of-another-kind"),
        pytest.param(b"[]", "", None, "expected form", id="another-kind"),
        pytest.param(b'{"a":[secret', "", None, "not valid JSON", id="no-json"),
        pytest.param(b'{"text":"\\ud83d","a":1}', "", "a", "wrong type", id="half-character-and-wrong-type"),
    ],
)
def test_what_does_not_fit_is_told_by_its_place(body: bytes, where: str, param: str | None, says: str) -> None:
    with pytest.raises(Undecodable) as caught:
        decoded(DECODER, body, where)
    assert caught.value.param == param
    assert says in caught.value.message
    assert "secret" not in caught.value.message


def test_deep_json_is_undecodable() -> None:
    with pytest.raises(Undecodable, match="deeply"):
        decoded(msgspec.json.Decoder(dict), b'{"a":' * 100_000)


def test_half_a_character_is_replaced() -> None:
    assert decoded(DECODER, b'{"a":[],"text":"x\\ud83d"}').text == "x\ufffd"


def test_raw_json_can_be_decoded() -> None:
    assert decoded(DECODER, Raw(b'{"a":[]}')) == Outer([])


def test_null_is_not_given() -> None:
    assert [given(Raw(b"null")), given(Raw(b"0"))] == [None, Raw(b"0")]


@pytest.mark.parametrize("body", [b"plain", "größer 🜚".encode()], ids=["ascii", "utf-8"])
def test_text_is_text(body: bytes) -> None:
    check_utf8(body)


@pytest.mark.parametrize("body", [b"secret\xff", b"\xed\xa0\xbd"], ids=["no-utf-8", "half-a-character"])
def test_bytes_that_are_no_text_are_undecodable(body: bytes) -> None:
    with pytest.raises(Undecodable) as caught:
        check_utf8(body)
    assert caught.value.message == "The body is not valid UTF-8."


def test_members_are_split() -> None:
    assert members_of(b'{"a":[ ]}') == {"a": Raw(b"[ ]")}


def test_what_cannot_be_split_is_undecodable() -> None:
    with pytest.raises(Undecodable) as caught:
        members_of(b'{"a":secret}')
    assert caught.value.message == "The body is not valid JSON."
