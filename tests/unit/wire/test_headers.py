"""Which headers pass, and which bytes may be one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.headers import (
    CLIENT_HEADERS,
    NEVER_FORWARDED,
    combined,
    downstream_lines,
    field_lines,
    is_name,
    is_value,
    upstream_headers,
)

CREDENTIALS = {b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"cookie", b"proxy-authorization"}


@pytest.mark.parametrize("name", [b"a", b"X-Title", b"x_y", b"!#$%&'*+-.^_`|~9"])
def test_token_is_a_name(name: bytes) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", [b"", b"a b", b"a:", b"a\r\n", b"a\0", b"\xc3\xa9", b'"', b"(", b"a\t"])
def test_other_bytes_are_no_name(name: bytes) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("value", [b"", b"a b", b"a\tb", b"\xc3\xa9", b'"x"; y=1'])
def test_text_is_a_value(value: bytes) -> None:
    assert is_value(value)


@pytest.mark.parametrize("code", [code for code in (*range(32), 127) if code != 9])
def test_control_is_no_value(code: int) -> None:
    assert not is_value(b"a" + bytes([code]) + b"b")


def test_client_headers_of_the_list_pass() -> None:
    headers = ((b"traceparent", b"t"), (b"x-mine", b"m"), (b"traceparent", b"again"))
    assert upstream_headers(headers, {b"traceparent"}) == ((b"traceparent", b"t"), (b"traceparent", b"again"))


def test_broken_value_is_left_out() -> None:
    assert upstream_headers(((b"traceparent", b"t\r\nx: y"),), {b"traceparent"}) == ()


@given(allowed=st.frozensets(st.sampled_from(sorted(NEVER_FORWARDED | CLIENT_HEADERS))))
def test_no_list_forwards_a_credential_or_framing(allowed: frozenset[bytes]) -> None:
    headers = tuple((name, b"v") for name in sorted(NEVER_FORWARDED | CLIENT_HEADERS))
    assert {name for name, _ in upstream_headers(headers, allowed)} == allowed - NEVER_FORWARDED


def test_every_credential_header_is_never_forwarded() -> None:
    assert CREDENTIALS <= NEVER_FORWARDED
    assert not CLIENT_HEADERS & NEVER_FORWARDED


def test_upstream_headers_of_the_list_reach_the_client() -> None:
    headers = (
        (b"content-type", b"application/json"),
        (b"x-request-id", b"r"),
        (b"request-id", b"r"),
        (b"retry-after", b"7"),
        (b"retry-after-ms", b"7000"),
        (b"openai-processing-ms", b"5"),
        (b"x-ratelimit-remaining-tokens", b"9"),
        (b"anthropic-ratelimit-requests-limit", b"9"),
    )
    hidden = (
        (b"server", b"s"),
        (b"set-cookie", b"c"),
        (b"transfer-encoding", b"chunked"),
        (b"openai-organization", b"o"),
    )
    assert downstream_lines(headers + hidden) == field_lines(headers)
    assert downstream_lines(headers + hidden, key_limits=True) == field_lines(headers[:6])


def test_broken_value_never_reaches_the_client() -> None:
    assert downstream_lines(((b"x-request-id", b"r\nx: y"),)) == b""


def test_fields_are_written_as_lines() -> None:
    assert field_lines(()) == b""
    assert field_lines([(b"x-a", b"1"), (b"x-b", b"")]) == b"x-a: 1\r\nx-b: \r\n"


@pytest.mark.parametrize("field", [(b"x-a", b"1\r\nset-cookie: a"), (b"x-a", b"1\n"), (b"x\r", b"1"), (b"x-a", b"\0")])
def test_field_that_would_be_two_lines_is_written_by_nobody(field: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="line break or a NUL"):
        field_lines([(b"x-good", b"1"), field])


def test_lines_of_one_name_are_one_list_in_their_order() -> None:
    fields = [(b"b", b"2"), (b"a", b"1"), (b"b", b"1"), (b"b", b"2"), (b"c", b"")]
    assert combined(fields) == {b"b": b"2, 1", b"a": b"1", b"c": b""}


def test_lines_that_differ_in_their_spaces_or_are_empty_add_nothing_to_a_list() -> None:
    """RFC 9110 sections 5.5 and 5.6.1: neither is part of what is said."""
    fields = [(b"a", b"1"), (b"a", b"1 \t"), (b"a", b""), (b"b", b" "), (b"b", b"2")]
    assert combined(fields) == {b"a": b"1", b"b": b"2"}
