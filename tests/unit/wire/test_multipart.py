"""Forms read strictly and rewritten without touching what their parts hold."""

from __future__ import annotations

import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.form import Form
from proxy.wire.multipart import (
    MAX_PART_HEAD_BYTES,
    MAX_PARTS,
    boundary_of,
    is_form,
    read_form,
    rewritten,
    text_of,
)


def part(name: str, value: bytes, more: str = "", boundary: str = "b") -> bytes:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def form(*parts: bytes, boundary: str = "b") -> bytes:
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


FILE = part("file", b"RIFF\x00\xff\r\n-- b\r\n", '; filename="a.wav"\r\nContent-Type: audio/wav')
MODEL = part("model", b"whisper-1")
BODY = form(FILE, MODEL, part("stream", b""))


def read(body: bytes, boundary: bytes = b"b") -> Form:
    return read_form(body, boundary)


TYPES = [
    pytest.param(b"multipart/form-data; boundary=abc", b"abc", id="plain"),
    pytest.param(b"Multipart/Form-Data;boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", None, id="chrome"),
    pytest.param(b'multipart/form-data; boundary="a b:c"', b"a b:c", id="quoted"),
    pytest.param(b"multipart/form-data ; boundary=a=b ;", b"a=b", id="spaces"),
    pytest.param(b"multipart/form-data; boundary=a; charset=utf-8", b"a", id="charset"),
    pytest.param(b" multipart/form-data; boundary=" + b"x" * 70, b"x" * 70, id="longest"),
]


@pytest.mark.parametrize(("content_type", "boundary"), TYPES)
def test_boundary_is_found(content_type: bytes, boundary: bytes | None) -> None:
    assert is_form(content_type)
    assert boundary_of(content_type) == (boundary or b"----WebKitFormBoundary7MA4YWxkTrZu0gW")


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param(b"multipart/form-data", id="none"),
        pytest.param(b"multipart/form-data; boundary=", id="empty"),
        pytest.param(b'multipart/form-data; boundary=""', id="empty-quoted"),
        pytest.param(b"multipart/form-data; boundary=a; boundary=b", id="two"),
        pytest.param(b'multipart/form-data; boundary="a\\"b"', id="escaped"),
        pytest.param(b'multipart/form-data; boundary="a "', id="space-at-the-end"),
        pytest.param(b"multipart/form-data; boundary=a b", id="space-unquoted"),
        pytest.param(b"multipart/form-data; boundary*=utf-8''a", id="extended"),
        pytest.param(b"multipart/form-data; charset=utf-8; boundary=a", id="after-another"),
        pytest.param(b"multipart/form-data; boundary=" + b"x" * 71, id="too-long"),
        pytest.param(b"multipart/form-data; boundary=a\x00", id="control"),
    ],
)
def test_content_type_without_one_plain_boundary_is_refused(content_type: bytes) -> None:
    assert is_form(content_type)
    with pytest.raises(ValueError, match="one boundary"):
        boundary_of(content_type)


@pytest.mark.parametrize("content_type", [b"", b"application/json", b"multipart/mixed; boundary=a", b"multipart"])
def test_other_content_types_are_no_form(content_type: bytes) -> None:
    assert not is_form(content_type)


def test_parts_are_found_where_they_lie() -> None:
    found = read(BODY)
    assert [(part.name, part.is_file) for part in found.parts] == [("file", True), ("model", False), ("stream", False)]
    assert [BODY[part.value : part.end] for part in found.parts] == [b"RIFF\x00\xff\r\n-- b\r\n", b"whisper-1", b""]
    assert BODY[found.end :] == b"--b--\r\n"


ACCEPTED = [
    pytest.param(form(), {}, id="no-parts"),
    pytest.param(form(part("a", b"1")).rstrip(), {"a": "1"}, id="no-line-break-at-the-end"),
    pytest.param(b"\r\n" + form(part("a", b"1")) + b"\r\n", {"a": "1"}, id="line-breaks-around"),
    pytest.param(form(b"--b\r\ncontent-disposition:form-data;name=a\r\n\r\n1\r\n"), {"a": "1"}, id="token"),
    pytest.param(form(part("a", b"1", "; filename*=UTF-8''%e2%82%ac")), {}, id="extended-file-name"),
    pytest.param(form(part("a", b"1", '; filename="C:\\x\\y"')), {}, id="backslashes-in-a-path"),
    pytest.param(form(part("ü", "ü".encode())), {"ü": "ü"}, id="utf-8"),
    pytest.param(form(part("a", b"\r\n\r\n--\r\n")), {"a": "\r\n\r\n--\r\n"}, id="line-breaks-inside"),
    pytest.param(form(part("a", b"1", "\r\nContent-Transfer-Encoding: 8bit")), {"a": "1"}, id="no-encoding"),
    pytest.param(form(part("a", b"1", " ;")), {"a": "1"}, id="semicolon-at-the-end"),
]


@pytest.mark.parametrize(("body", "texts"), ACCEPTED)
def test_what_clients_write_is_read(body: bytes, texts: dict[str, str]) -> None:
    found = read(body)
    assert {part.name: text_of(body, found, part.name) for part in found.parts if not part.is_file} == texts


HOSTILE = [
    pytest.param(b"", "begin", id="empty"),
    pytest.param(b"preamble\r\n" + BODY, "begin", id="preamble"),
    pytest.param(MODEL, "ends without", id="no-end"),
    pytest.param(MODEL[:-2], "ends without", id="cut-in-a-value"),
    pytest.param(b"--b\r\nContent-Disposition: form-data", "does not end", id="cut-in-a-head"),
    pytest.param(b"--b", "alone on a line", id="cut-behind-a-boundary"),
    pytest.param(b"--b \r\n" + BODY[5:], "alone on a line", id="space-behind-the-boundary"),
    pytest.param(form(MODEL.replace(b"\r\n", b"\n")), "alone on a line", id="bare-line-feeds"),
    pytest.param(form(MODEL) + MODEL, "follows its end", id="epilogue"),
    pytest.param(form(part("a", b"\n--b\nContent-Disposition: x")), "inside a part", id="boundary-behind-a-line-feed"),
    pytest.param(form(part("a", b"x--b")), "inside a part", id="boundary-in-a-line"),
    pytest.param(form(part("a", b"\r\n--bc")), "alone on a line", id="longer-boundary"),
    pytest.param(form(part("a--b", b"1")), "inside a part", id="boundary-in-a-name"),
    pytest.param(form(part('a"; name="model', b"1")), "no name, or two", id="two-names"),
    pytest.param(form(part("a", b"1", '; NAME="model"')), "no name, or two", id="two-names-of-another-case"),
    pytest.param(form(part("a", b"1", "; name*=utf-8''model")), "Content-Disposition", id="extended-name"),
    pytest.param(form(part('a\\"; name=\\"model', b"1")), "Content-Disposition", id="escaped-quote"),
    pytest.param(form(part("a", b"1", '; filename="x\\"; name=\\"model"')), "Content-Disposition", id="in-a-file-name"),
    pytest.param(form(part("mod\\el", b"dear"), MODEL), "backslash", id="escaped-letter"),  # aiohttp reads "model"
    pytest.param(form(part("a", b"1", '; x="y"')), "Content-Disposition", id="unknown-parameter"),
    pytest.param(form(part("a", b"1", '\r\n ; name="model"')), "malformed", id="folded"),
    pytest.param(form(part("a", b"1", "\r\nContent-Disposition: form-data")), "Content-Disposition", id="two-of-them"),
    pytest.param(form(b"--b\r\nContent-Type: text/plain\r\n\r\n1\r\n"), "Content-Disposition", id="none"),
    pytest.param(form(b"--b\r\n\r\n1\r\n"), "malformed", id="no-head"),
    pytest.param(
        form(b'--b\r\nContent-Disposition: attachment; name="a"\r\n\r\n1\r\n'), "Content-Disposition", id="attachment"
    ),
    pytest.param(
        form(b'--b\r\nContent-Disposition: form-data; filename="a"\r\n\r\n1\r\n'), "no name, or two", id="file-alone"
    ),
    pytest.param(form(b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n"), "Content-Disposition", id="nameless"),
    pytest.param(form(part("a", b"1", "\r\nContent-Transfer-Encoding: quoted-printable")), "encoded", id="encoded"),
    pytest.param(form(part("a", b"1", "\r\nno header")), "malformed", id="no-colon"),
    pytest.param(form(part("a", b"1", "\r\nX: a\x00")), "malformed", id="nul"),
    pytest.param(form(part("a", b"1", "\r\nX: a\rb")), "malformed", id="bare-return"),
    pytest.param(form(part("a", b"1").replace(b'"a"', b'"\xff"')), "not UTF-8", id="name-of-no-text"),
    pytest.param(form(*[part("a", b"")] * (MAX_PARTS + 1)), "more than", id="too-many-parts"),
    pytest.param(form(part("a", b"1", f"\r\nX: {'a' * MAX_PART_HEAD_BYTES}")), "too long", id="long-head"),
]


@pytest.mark.parametrize(("body", "why"), HOSTILE)
def test_form_that_two_readers_could_understand_differently_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(body)


def test_form_cut_anywhere_is_never_taken_for_a_whole_one() -> None:
    for at in range(len(BODY) - 2):
        with pytest.raises(ValueError, match=r"it |its |the "):
            read(BODY[:at])


def test_text_of_one_part_is_read() -> None:
    found = read(BODY)
    assert (text_of(BODY, found, "model"), text_of(BODY, found, "stream")) == ("whisper-1", "")
    assert text_of(BODY, found, "absent") is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(form(MODEL, MODEL), "one part", id="two"),
        pytest.param(form(part("model", b"x", '; filename="m"')), "no file", id="file"),
        pytest.param(form(part("model", b"\xff")), "UTF-8", id="no-text"),
        pytest.param(form(part("Model", b"x")), "just this name", id="another-case"),
        pytest.param(form(part("model ", b"x")), "just this name", id="a-space-behind"),
        pytest.param(form(MODEL, part(" model", b"x")), "just this name", id="two-that-a-reader-may-trim"),
    ],
)
def test_text_that_is_not_plain_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        text_of(body, read(body), "model")


def test_value_is_replaced_and_all_else_stays() -> None:
    changed = rewritten(BODY, read(BODY), "model", b"up")
    assert changed == BODY.replace(b"whisper-1", b"up")
    assert rewritten(BODY, read(BODY), "model", b"whisper-1") == BODY


def test_value_is_added_where_there_is_none() -> None:
    body = form(FILE)
    changed = rewritten(body, read(body), "model", b"up")
    assert changed == form(part("model", b"up"), FILE)
    assert rewritten(form(), read(form()), "model", b"up") == form(part("model", b"up"))


def test_unwanted_parts_are_left_out() -> None:
    body = form(FILE, part("language", b"de"), MODEL, part("language", b"en"))
    assert rewritten(body, read(body), "model", b"up", {"language", "model"}) == form(FILE, part("model", b"up"))


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(blacklist_characters='"\\', blacklist_categories=["Cc", "Cs"]), min_size=1),
            st.binary(),
        ),
        max_size=5,
    )
)
def test_every_form_comes_back_as_it_was_written(fields: list[tuple[str, bytes]]) -> None:
    body = form(*[part(name, value, boundary="unlikely-0123") for name, value in fields], boundary="unlikely-0123")
    found = read(body, b"unlikely-0123")
    assert [(part.name, body[part.value : part.end]) for part in found.parts] == fields


# A reader that takes line feeds alone, boundaries anywhere and names in any spelling. Boundaries are compared by bytes
# everywhere (RFC 2046, 5.1.1).
_LAX = re.compile(
    rb"(?-i:--b)[^\n]*\n(?:[^\r\n]+\r?\n)*?[^\r\n]*name\*?=(?:utf-8'')?\"?\s*model\s*(?![^\";\r\n])[^\n]*\n"
    rb"(?:[^\r\n]+\r?\n)*\r?\n(.*?)\r?\n(?-i:--b)",
    re.DOTALL | re.IGNORECASE,
)


@given(st.integers(0, len(BODY) - 1), st.binary(max_size=3), st.integers(0, 12))
def test_no_change_of_a_few_bytes_shows_a_lax_reader_another_model(at: int, put: bytes, out: int) -> None:
    body = BODY[:at] + put + BODY[at + out :]
    try:
        model = text_of(body, read(body), "model")
    except ValueError:
        return
    assert {value.decode() for value in _LAX.findall(body)} <= {model}


def test_what_httpx_writes_is_read() -> None:
    request = httpx.Request(
        "POST",
        "http://x.test",
        data={"model": "m", "granularities[]": ["word", "segment"]},
        files={"file": ('sp"e\\ch ü.wav', b"RIFF", "audio/wav")},
    )
    body = request.read()
    found = read(body, boundary_of(request.headers["content-type"].encode()))
    assert [part.name for part in found.parts] == ["model", "granularities[]", "granularities[]", "file"]
    assert text_of(body, found, "model") == "m"
