"""Where images and files lie, as URLs: `data:` with the bytes in it, or a link; what is in them. Never fetches."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from mimetypes import guess_extension, guess_type
from urllib.parse import unquote_to_bytes

from proxy.core.conversation import Conversation, Image, Inline, Link
from proxy.core.translation import Undecodable, Untranslatable

_USUAL = ("", "auto")
_DEFAULT_TYPE = "text/plain"  # RFC 2397, section 2
_ENDED = re.compile(r"\.[A-Za-z][\w-]*$")


def read_url(url: str, param: str) -> Inline | Link:
    """Read a URL that may hold the bytes themselves.

    Raises:
        Undecodable: A `data:` URL without a comma.

    Source: RFC 2397, read 2026-11-20.
    """
    if url[:5].lower() != "data:":
        return Link(url)
    head, comma, data = url[5:].partition(",")
    if not comma:
        raise Undecodable(f"`{param}` is not a data URL.", param=param)
    media_type, *options = head.split(";")
    if "base64" not in options:
        return Inline(media_type or _DEFAULT_TYPE, b64encode(unquote_to_bytes(data)).decode())
    if "\n" in data or "\r" in data or " " in data:
        data = "".join(data.split())
    return Inline(media_type or _DEFAULT_TYPE, data)


def write_url(source: Inline | Link) -> str:
    """Write bytes as a `data:` URL, a link as it is."""
    return source.url if isinstance(source, Link) else f"data:{source.media_type};base64,{source.data}"


def image_type(media_type: str) -> str:
    """Give the registered name of an image's type: vendors know no other, and clients write what OpenAI lets pass."""
    name = media_type.lower()
    return "image/jpeg" if name == "image/jpg" else name


def file_name(name: str, media_type: str) -> str:
    """Name a file so that the ending tells its type: by that OpenAI judges, and titles of other dialects have none.

    Source: OpenAI's 400 as other clients' tests quote it ("Expected context stuffing file type to be a supported
    format: ... but got none"), read 2026-11-21.
    """
    if media_type == "application/pdf":
        is_told, ending = name.lower().endswith(".pdf"), ".pdf"
    elif media_type.startswith("text/"):
        is_told, ending = (guess_type(name)[0] or "").startswith("text/"), ".txt"
    else:  # the tables of a slim system do not know Word's endings
        is_told, ending = _ENDED.search(name) is not None, guess_extension(media_type) or ".pdf"
    return name if is_told else f"{name or 'document'}{ending}"


def words_of(source: Inline, param: str) -> str:
    """Read a document that is text.

    Raises:
        Untranslatable: It is not in base64.
    """
    try:
        return b64decode("".join(source.data.split()), validate=True).decode(errors="replace")
    except ValueError as exc:
        raise Untranslatable("The document is not valid base64.", param=param) from exc


def details(conversation: Conversation) -> set[str]:
    """Collect the resolutions in which images are to be looked at; empty where there are none."""
    found = set()
    for message in conversation.messages:
        for part in message.parts:
            if type(part) is Image:
                found.add(part.detail or "auto")
    return found


def asks_detail(conversation: Conversation) -> bool:
    """Say whether a client asks for another resolution than the model's own choice."""
    for message in conversation.messages:
        for part in message.parts:
            if type(part) is Image and part.detail not in _USUAL:
                return True
    return False
