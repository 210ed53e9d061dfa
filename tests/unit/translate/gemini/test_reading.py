"""Google's JSON, in either spelling."""

from __future__ import annotations

import json

import pytest

from proxy.core.translation import Undecodable
from proxy.translate.gemini.reading import both_spellings, read_members


def members_of(body: object) -> dict[str, object]:
    return {name: json.loads(bytes(value)) for name, value in read_members(json.dumps(body).encode()).items()}


def test_snake_case_is_read_as_camel_case() -> None:
    body = {"system_instruction": {"parts": [{"inline_data": {"mime_type": "a/b", "data": ""}}]}}
    assert members_of(body) == {"systemInstruction": {"parts": [{"inlineData": {"mimeType": "a/b", "data": ""}}]}}


def test_names_inside_arguments_and_schemas_stay() -> None:
    body = {
        "contents": [{"parts": [{"function_call": {"name": "f", "args": {"mime_type": 1}}}]}],
        "tools": [{"function_declarations": [{"parameters": {"properties": {"file_uri": {}}}}]}],
    }
    assert members_of(body) == {
        "contents": [{"parts": [{"functionCall": {"name": "f", "args": {"mime_type": 1}}}]}],
        "tools": [{"functionDeclarations": [{"parameters": {"properties": {"file_uri": {}}}}]}],
    }


def test_camel_case_stays_byte_for_byte() -> None:
    assert bytes(read_members(b'{"contents": [ 1.50 ]}')["contents"]) == b"[ 1.50 ]"


def test_half_a_character_is_read() -> None:
    assert members_of({"a": "x"}) == {"a": "x"}
    assert bytes(read_members(b'{"a": "\\ud83d", "top_k": "\\ud83d"}')["topK"]) == '"\ufffd"'.encode()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        pytest.param(b"[1]", None, id="a-list"),
        pytest.param(b"{", None, id="cut"),
        pytest.param(b'{"a": "\\ud83d"', None, id="cut-with-half-a-character"),
        pytest.param(b'{"\xff": 1}', None, id="not-utf-8"),
    ],
)
def test_what_is_no_object_is_refused(body: bytes, param: str | None) -> None:
    with pytest.raises(Undecodable) as failure:
        read_members(body)
    assert failure.value.param == param


def test_names_have_two_spellings() -> None:
    names = frozenset({"safetySettings", "top_k", "labels"})
    assert both_spellings(names) == names | {"safety_settings", "topK"}
