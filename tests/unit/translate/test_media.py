from __future__ import annotations

import pytest

from proxy.core.conversation import Conversation, Image, Inline, Link, Message, Role, Text, Vendor
from proxy.core.translation import Undecodable, Untranslatable
from proxy.translate.media import asks_detail, details, file_name, image_type, read_url, words_of, write_url


@pytest.mark.parametrize(
    ("url", "source"),
    [
        pytest.param("data:image/png;base64,AA==", Inline("image/png", "AA=="), id="base64"),
        pytest.param("DATA:image/png;base64,AA==", Inline("image/png", "AA=="), id="capitals"),
        pytest.param("data:image/png;charset=x;base64,AA==", Inline("image/png", "AA=="), id="more-options"),
        pytest.param("data:;base64,AA\n A=", Inline("text/plain", "AAA="), id="line-breaks-and-no-type"),
        pytest.param("data:,Hello%20you", Inline("text/plain", "SGVsbG8geW91"), id="plain"),
        pytest.param("https://example.com/a.png", Link("https://example.com/a.png"), id="link"),
        pytest.param("gs://bucket/a.png", Link("gs://bucket/a.png"), id="own-scheme"),
    ],
)
def test_url_tells_where_the_bytes_are(url: str, source: Inline | Link) -> None:
    assert read_url(url, "x") == source


def test_data_url_without_data_is_refused() -> None:
    with pytest.raises(Undecodable) as caught:
        read_url("data:image/png;base64", "messages[0]")
    assert caught.value.param == "messages[0]"


@pytest.mark.parametrize("url", ["data:image/png;base64,AA==", "https://example.com/a.png"])
def test_url_is_written_as_it_was_read(url: str) -> None:
    assert write_url(read_url(url, "x")) == url


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param("SGVsbG8=", "Hello", id="text"),
        pytest.param("", "", id="nothing"),
        pytest.param("SGV\nsbG8=", "Hello", id="line-breaks"),
        pytest.param("/w==", "\ufffd", id="no-utf-8"),
    ],
)
def test_words_of_a_text_in_base64(data: str, words: str) -> None:
    assert words_of(Inline("text/plain", data), "x") == words


@pytest.mark.parametrize("data", ["abc", "?", "SGVs-G8="])
def test_what_is_no_base64_is_refused(data: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        words_of(Inline("text/plain", data), "messages[0]")
    assert caught.value.param == "messages[0]"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("image/png", "image/png"),
        ("image/jpg", "image/jpeg"),
        ("IMAGE/PNG", "image/png"),
        ("image/x-png", "image/x-png"),
    ],
)
def test_images_have_one_name_for_each_type(written: str, meant: str) -> None:
    assert image_type(written) == meant


@pytest.mark.parametrize(
    ("name", "media_type", "named"),
    [
        pytest.param("a.pdf", "application/pdf", "a.pdf", id="with-its-ending"),
        pytest.param("My report", "application/pdf", "My report.pdf", id="title"),
        pytest.param("Report 2.1", "application/pdf", "Report 2.1.pdf", id="dot-that-begins-no-ending"),
        pytest.param("notes", "text/plain", "notes.txt", id="words"),
        pytest.param("", "text/plain", "document.txt", id="no-name"),
        pytest.param("About Node.js", "application/pdf", "About Node.js.pdf", id="title-with-another-ending"),
        pytest.param("example.com", "text/plain", "example.com.txt", id="title-of-a-page"),
        pytest.param("main.py", "text/plain", "main.py", id="another-sort-of-text"),
        pytest.param("a.unheard-of", "application/x-unheard-of", "a.unheard-of", id="ending-that-is-in-no-table"),
        pytest.param("", "application/x-unheard-of", "document.pdf", id="type-without-an-ending"),
    ],
)
def test_name_of_a_file_tells_its_type(name: str, media_type: str, named: str) -> None:
    assert file_name(name, media_type) == named


def looking(*asked: str) -> Conversation:
    images = [Image(Link(f"https://x/{place}.png"), detail) for place, detail in enumerate(asked)]
    return Conversation(Vendor.OPENAI, (Message(Role.USER, (Text("look"), *images)),))


@pytest.mark.parametrize(
    ("asked", "found", "is_asked"),
    [
        pytest.param((), set(), False, id="no-image"),
        pytest.param(("", "auto"), {"auto"}, False, id="the-models-choice"),
        pytest.param(("low", ""), {"low", "auto"}, True, id="one-of-two"),
        pytest.param(("high",), {"high"}, True, id="high"),
    ],
)
def test_resolutions_that_are_asked_for(asked: tuple[str, ...], found: set[str], is_asked: bool) -> None:
    assert (details(looking(*asked)), asks_detail(looking(*asked))) == (found, is_asked)
