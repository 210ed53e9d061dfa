"""Tokens by bytes."""

from __future__ import annotations

import json

import pytest

from proxy.pricing.estimate import MEDIA_TOKENS, MOST_MEDIA, estimate_output, estimate_prompt


def body(*content: object, ascii_only: bool = False) -> bytes:
    messages = [{"role": "user", "content": part} for part in content]
    return json.dumps({"model": "m", "messages": messages}, ensure_ascii=ascii_only).encode()


def test_text_is_four_bytes_a_token_in_every_script() -> None:
    for text in ("hello there ", "привет, мир ", "你好，世界"):
        assert estimate_prompt(body(text * 10)) == len(body(text * 10)) // 4


@pytest.mark.parametrize("times", [pytest.param(10, id="looked-at-whole"), pytest.param(5_000, id="by-samples")])
def test_escaped_characters_count_by_their_number(times: int) -> None:
    plain = estimate_prompt(body("你好，世界 " * times))
    escaped = estimate_prompt(body("你好，世界 " * times, ascii_only=True))
    assert len(body("你好，世界 " * times, ascii_only=True)) > 1.5 * len(body("你好，世界 " * times))
    assert 0.7 * plain < escaped < 1.3 * plain


def test_a_long_text_is_judged_by_samples() -> None:
    text = body("some words of a language, " * 20_000)
    assert estimate_prompt(text) == len(text) // 4


@pytest.mark.parametrize("size", [10_000, 1_000_000])
@pytest.mark.parametrize(
    "part",
    [
        pytest.param({"type": "image_url", "image_url": {"url": "data:image/png;base64,%s"}}, id="image"),
        pytest.param({"type": "input_audio", "input_audio": {"data": "%s", "format": "wav"}}, id="sound"),
        pytest.param({"type": "input_audio", "input_audio": {"format": "wav", "data": "%s"}}, id="sound-format-first"),
        pytest.param({"type": "image_url", "image_url": "data:image/png;base64,%s"}, id="image-without-an-object"),
        pytest.param({"type": "file", "file": {"file_data": "data:application/pdf;base64,%s"}}, id="file"),
    ],
)
def test_images_and_sounds_count_by_their_number(part: dict[str, object], size: int) -> None:
    written = json.dumps(part).replace("%s", "Ab3/" * (size // 4))
    request = body([json.loads(written)] * 2, "some words " * 400)
    assert 0 < estimate_prompt(request) - 2 * MEDIA_TOKENS - 1100 < 150


PNG = "Ab3/"


@pytest.mark.parametrize("indent", [pytest.param(None, id="compact"), pytest.param(1, id="spread-out")])
@pytest.mark.parametrize("size", [10_000, 1_000_000])
@pytest.mark.parametrize(
    ("part", "media"),
    [
        pytest.param(
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "%s"}}, 1, id="anthropic"
        ),
        pytest.param(
            {"type": "image", "source": {"media_type": "image/png", "type": "base64", "data": "%s"}}, 1, id="turned"
        ),
        pytest.param({"source": {"data": "%s", "media_type": "image/png", "type": "base64"}}, 1, id="by-letters"),
        pytest.param({"source": {"media_type": "image/png", "data": "%s", "type": "base64"}}, 1, id="kind-last"),
        pytest.param({"source": {"data": "%s", "type": "base64"}}, 1, id="without-its-type"),
        pytest.param({"inlineData": {"mimeType": "image/png", "data": "%s"}}, 1, id="gemini"),
        pytest.param({"inline_data": {"mime_type": "image/png", "data": "%s"}}, 1, id="gemini-snake-case"),
        pytest.param({"inlineData": {"data": "%s", "mimeType": "audio/wav"}}, 1, id="gemini-by-letters"),
        pytest.param(
            {"inlineData": {"displayName": "a", "mimeType": "application/pdf", "data": "%s"}}, 1, id="gemini-named"
        ),
        pytest.param({"content": "see", "images": ["%s", "%s", "%s"]}, 3, id="ollama"),
        pytest.param({"type": "input_image", "image_url": "data:image/png;base64,%s"}, 1, id="responses"),
        pytest.param({"type": "input_file", "file_data": "data:application/pdf;base64,%s"}, 1, id="responses-file"),
    ],
)
def test_media_of_every_dialect_counts_by_its_number(
    part: dict[str, object], media: int, size: int, indent: int | None
) -> None:
    message = {"role": "user", "content": [part, "some words " * 400]}
    request = json.dumps({"messages": [message]}, indent=indent).replace("%s", PNG * (size // 4)).encode()
    assert 0 < estimate_prompt(request) - media * MEDIA_TOKENS - 1100 < 150


@pytest.mark.parametrize(
    "source",
    [
        pytest.param({"type": "text", "media_type": "text/plain", "data": "%s"}, id="kind-first"),
        pytest.param({"data": "%s", "media_type": "text/plain", "type": "text"}, id="kind-last"),
        pytest.param({"media_type": "text/plain", "data": "%s", "type": "text"}, id="kind-last-but-its-type-first"),
    ],
)
def test_a_document_of_plain_text_is_text(source: dict[str, str]) -> None:
    written = json.dumps({"messages": [{"content": [{"type": "document", "source": source}]}]})
    request = written.replace("%s", "a1B2c3D4" * 5_000).encode()
    assert estimate_prompt(request) == len(request) // 4


def test_a_long_word_is_text() -> None:
    assert estimate_prompt(body("x" * 40_000)) == len(body("x" * 40_000)) // 4


@pytest.mark.parametrize(
    "opening",
    [
        pytest.param(";base64,", id="base64"),
        pytest.param("data:image/png;base64,", id="data-url"),
        pytest.param('"url":"data:image/png;base64,', id="image"),
        pytest.param('"image_url": "data:', id="image-without-an-object"),
        pytest.param('"input_audio":{"data":"', id="sound"),
        pytest.param('{"data": "', id="any-member"),
        pytest.param('"source":{"type":"base64","media_type":"image/png","data":"', id="anthropic"),
        pytest.param('"inlineData":{"mimeType":"image/png","data":"', id="gemini"),
        pytest.param('"images":["', id="ollama"),
    ],
)
@pytest.mark.parametrize("as_utf_8", [False, True])
def test_no_text_of_a_message_passes_for_media(opening: str, as_utf_8: bool) -> None:
    request = body(opening + "a1B2c3D4" * 5_000, ascii_only=not as_utf_8)
    assert estimate_prompt(request) == len(request) // 4


@pytest.mark.parametrize(
    "many",
    [
        pytest.param(b'"images":[%b"a"]' % (b'"a",' * 100_000), id="one-list"),
        pytest.param(b'"images":["a"],' * 50_000 + b'"a":"a"', id="many-lists"),
        pytest.param(b'"source":{"data":"a"},' * 50_000 + b'"url":"data:%b"' % (b"A" * 500_000), id="what-is-none"),
    ],
)
def test_no_more_is_looked_at_than_a_request_may_have(many: bytes) -> None:
    """Each takes a microsecond, and millions of them fit into a body."""
    request = b'{"model":"%b",%b}' % (b"A" * 500_000, many)
    if b"url" in many:
        assert estimate_prompt(request) == len(request) // 4
    else:
        assert MOST_MEDIA * MEDIA_TOKENS < estimate_prompt(request) < MOST_MEDIA * MEDIA_TOKENS + len(request) // 4


def test_a_member_that_merely_is_called_data_is_text() -> None:
    request = json.dumps({"model": "m", "tools": [{"data": "a1B2c3D4" * 5_000}]}).encode()
    assert estimate_prompt(request) == len(request) // 4


def test_media_that_never_ends_is_media_to_the_end() -> None:
    assert estimate_prompt(b'{"url": "data:image/png;base64,' + b"A" * 10_000) < MEDIA_TOKENS + 50


def test_nothing_is_no_token() -> None:
    assert estimate_prompt(b"") == 0
    assert estimate_prompt(b"\\u") == 0


@pytest.mark.parametrize(
    ("answer_bytes", "events", "expected"),
    [
        pytest.param(4_250, 1, 1_000, id="whole-without-its-envelope"),
        pytest.param(100, 1, 1, id="never-none"),
        pytest.param(0, 40, 40, id="events-that-nobody-measured"),
        pytest.param(40 * 255, 40, 50, id="events-of-more-than-a-token"),
        pytest.param(40 * 230, 40, 40, id="events-of-a-token"),
        pytest.param(0, 0, 0, id="nothing"),
    ],
)
def test_output_is_estimated_by_bytes_or_events(answer_bytes: int, events: int, expected: int) -> None:
    assert estimate_output(answer_bytes, events) == expected
