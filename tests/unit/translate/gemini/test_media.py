"""Images, sound and files, in the request and on links."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest

from proxy.apischema.gemini import Blob, FileData
from proxy.core.conversation import Audio, Document, FileRef, Image, Inline, Link, Vendor
from proxy.core.translation import Untranslatable
from proxy.translate.gemini.media import Media, read_blob, read_file, write_medium

FILES_URL = "https://generativelanguage.googleapis.com/v1beta/files/abc"


@pytest.mark.parametrize(
    ("media_type", "part"),
    [
        pytest.param("image/png", Image(Inline("image/png", "AA==")), id="image"),
        pytest.param("IMAGE/PNG", Image(Inline("IMAGE/PNG", "AA==")), id="in-capitals"),
        pytest.param("audio/wav", Audio(Inline("audio/wav", "AA=="), "wav"), id="wav"),
        pytest.param("audio/mpeg", Audio(Inline("audio/mpeg", "AA=="), "mp3"), id="mp3"),
        pytest.param("audio/flac", Audio(Inline("audio/flac", "AA=="), "flac"), id="another-sound"),
        pytest.param(
            "audio/L16;codec=pcm;rate=24000", Audio(Inline("audio/L16;codec=pcm;rate=24000", "AA=="), "pcm16"), id="pcm"
        ),
        pytest.param("application/pdf", Document(Inline("application/pdf", "AA==")), id="pdf"),
        pytest.param("video/mp4", Document(Inline("video/mp4", "AA==")), id="video"),
        pytest.param("", Document(Inline("", "AA==")), id="no-type"),
    ],
)
def test_a_blob_is_read_by_its_type(media_type: str, part: Media) -> None:
    assert read_blob(Blob(media_type, "AA==")) == part


def test_bytes_in_the_alphabet_of_urls_are_read_into_the_one_that_every_vendor_takes() -> None:
    data = b"\xfb\xff\xfe\x00"
    assert read_blob(Blob("image/png", urlsafe_b64encode(data).decode())) == Image(
        Inline("image/png", b64encode(data).decode())
    )


@pytest.mark.parametrize(
    ("file", "part"),
    [
        pytest.param(
            FileData(FILES_URL, "image/png"),
            Image(FileRef(Vendor.GOOGLE, FILES_URL, "image/png")),
            id="files-api",
        ),
        pytest.param(FileData("files/abc"), Document(FileRef(Vendor.GOOGLE, "files/abc")), id="name-alone"),
        pytest.param(FileData("gs://b/a.png"), Image(Link("gs://b/a.png", "image/png")), id="type-by-ending"),
        pytest.param(
            FileData("https://h/x", "application/pdf", "Report"),
            Document(Link("https://h/x", "application/pdf"), "Report"),
            id="https-with-a-name",
        ),
        pytest.param(FileData("gs://b/a", "audio/mp3"), Audio(Link("gs://b/a", "audio/mp3"), "mp3"), id="sound"),
    ],
)
def test_a_file_is_read_by_where_it_lies(file: FileData, part: Media) -> None:
    assert read_file(file) == part


def linked(url: str, media_type: str) -> dict[str, Any]:
    return {"fileData": {"mimeType": media_type, "fileUri": url}}


def inline(media_type: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": media_type, "data": "AA=="}}


@pytest.mark.parametrize(
    ("part", "written"),
    [
        pytest.param(Image(Inline("image/png", "AA==")), inline("image/png"), id="image"),
        pytest.param(Image(Inline("image/jpg", "AA==")), inline("image/jpeg"), id="image-in-registered-words"),
        pytest.param(Audio(Inline("", "AA=="), "mp3"), inline("audio/mp3"), id="sound-by-format"),
        pytest.param(Audio(Inline("", "AA==")), inline("audio/wav"), id="sound-of-no-format"),
        pytest.param(Audio(Inline("audio/mpeg", "AA=="), "mp3"), inline("audio/mp3"), id="sound-in-googles-words"),
        pytest.param(Document(Inline("", "AA=="), "a.csv"), inline("text/csv"), id="file-by-name"),
        pytest.param(Document(Inline("", "AA==")), inline("application/pdf"), id="file-without-name"),
        pytest.param(Image(Link("https://h/a.webp?x=1")), linked("https://h/a.webp?x=1", "image/webp"), id="link"),
        pytest.param(Image(Link("https://h/a")), linked("https://h/a", "image/jpeg"), id="link-without-ending"),
        pytest.param(Audio(Link("https://h/a.ogg")), linked("https://h/a.ogg", "audio/ogg"), id="linked-sound"),
        pytest.param(Document(Link("gs://b/a.txt")), linked("gs://b/a.txt", "text/plain"), id="bucket"),
        pytest.param(Document(Link("gs://b/a", "video/mp4")), linked("gs://b/a", "video/mp4"), id="stated-type"),
        pytest.param(
            Document(FileRef(Vendor.GOOGLE, FILES_URL, "application/pdf")),
            linked(FILES_URL, "application/pdf"),
            id="files-api",
        ),
    ],
)
def test_a_medium_is_written(part: Media, written: dict[str, Any]) -> None:
    assert write_medium(part, "messages[0]") == written


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(Document(FileRef(Vendor.OPENAI, "file-1")), id="anothers-file"),
        pytest.param(Image(Link("s3://bucket/a.png")), id="anothers-bucket"),
    ],
)
def test_what_google_cannot_reach_is_refused(part: Media) -> None:
    with pytest.raises(Untranslatable) as failure:
        write_medium(part, "messages[3].content")
    assert failure.value.param == "messages[3].content"
