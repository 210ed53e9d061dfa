"""Images and documents, from everywhere they may come."""

from __future__ import annotations

import pytest

from proxy.core.conversation import Document, FileRef, Image, Inline, Link, Source, Vendor
from tests.unit.translate.anthropic.said import body, refusal, sent, talk
from tests.unit.translate.talking import user

URL = Link("https://example.com/a")
OWN_FILE = FileRef(Vendor.ANTHROPIC, "file_1")
PNG = Inline("image/png", "aGk=")


def block(part: Image | Document, host: str = "") -> object:
    return body(talk(user(part)), host=host)["messages"][0]["content"][0]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(PNG, {"type": "base64", "media_type": "image/png", "data": "aGk="}, id="base64"),
        pytest.param(
            Inline("IMAGE/JPG", "aGk="), {"type": "base64", "media_type": "image/jpeg", "data": "aGk="}, id="jpg"
        ),
        pytest.param(URL, {"type": "url", "url": "https://example.com/a"}, id="url"),
        pytest.param(OWN_FILE, {"type": "file", "file_id": "file_1"}, id="file"),
    ],
)
def test_an_image_is_sent(source: Source, expected: object) -> None:
    assert block(Image(source)) == {"type": "image", "source": expected}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(
            Inline("application/pdf", "aGk="),
            {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
            id="pdf",
        ),
        pytest.param(
            Inline("text/markdown", "aGk="), {"type": "text", "media_type": "text/plain", "data": "hi"}, id="text"
        ),
        pytest.param(URL, {"type": "url", "url": "https://example.com/a"}, id="url"),
    ],
)
def test_a_document_is_sent(source: Source, expected: object) -> None:
    assert block(Document(source, "a.pdf")) == {"type": "document", "source": expected, "title": "a.pdf"}


@pytest.mark.parametrize(
    ("part", "host", "capability"),
    [
        pytest.param(Image(Inline("image/tiff", "aGk=")), "", "images", id="format"),
        pytest.param(Image(Link("gs://bucket/a")), "", "images", id="scheme"),
        pytest.param(Image(FileRef(Vendor.OPENAI, "file-1")), "", "", id="foreign-file"),
        pytest.param(Image(URL), "vertex", "images", id="url-on-vertex"),
        pytest.param(Image(OWN_FILE), "vertex", "", id="file-on-vertex"),
        pytest.param(Document(Inline("application/zip", "aGk=")), "", "", id="zip"),
        pytest.param(Document(Inline("text/plain", "?")), "", "", id="text-that-is-no-base64"),
        pytest.param(Document(URL), "vertex", "", id="document-url-on-vertex"),
    ],
)
def test_what_cannot_be_read_there_is_refused_with_its_place(
    part: Image | Document, host: str, capability: str
) -> None:
    refused = refusal(talk(user("look", part)), host=host)
    assert (refused.param, refused.capability) == ("messages[0].content[1]", capability)


def test_a_file_of_the_vendor_needs_its_beta() -> None:
    assert sent(talk(user(Image(OWN_FILE)))).betas == ("files-api-2025-04-14",)
    assert sent(talk(user(Image(PNG)))).betas == ()


def test_a_resolution_is_named_as_left_out() -> None:
    assert sent(talk(user(Image(PNG, detail="high"), Image(PNG, detail="auto")))).dropped == ("detail",)
    assert sent(talk(user(Image(PNG, detail="auto")))).dropped == ()
