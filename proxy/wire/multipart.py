"""`multipart/form-data` read and rewritten without touching what its parts hold.

Reads strictly: whoever may call one model alone must not be able to hide the name of another where a laxer reader finds
it. So a form that two readers could understand differently is refused: a boundary inside a part, a folded or repeated
header, an encoding, an escaped quote in a name. What clients' libraries write passes.

Source: RFC 7578, RFC 2046 section 5.1, RFC 2183; httpx 0.28 _multipart.py, read 2026-11-20.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from proxy.core.form import Form, FormPart

MAX_PARTS = 256
MAX_PART_HEAD_BYTES = 8 * 1024

_BREAK = b"\r\n"
_END_OF_HEAD = b"\r\n\r\n"
_TYPE = re.compile(
    rb"multipart/form-data[ \t]*;[ \t]*boundary=(?:"
    rb"\"(?P<quoted>[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-])\"|(?P<plain>[0-9A-Za-z'()+_./:=?-]{1,70}))"
    rb"(?:[ \t]*;[ \t]*charset=\"?[0-9A-Za-z_-]{1,40}\"?)?[ \t]*;?[ \t]*",
    re.IGNORECASE,
)
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
# A backslash before a quote: one reader goes on, the other ends the name there.
_QUOTED = rb'"(?:[^"\\\x00-\x1f\x7f]|\\(?!"))*"'
_PARAMETER = re.compile(
    rb"[ \t]*;[ \t]*(name|filename|filename\*)=(" + _QUOTED + rb"|[^\x00-\x20\x7f\"(),/:;<=>?@[\\\]{}]+)", re.IGNORECASE
)
_DISPOSITION = re.compile(rb"form-data((?:" + _PARAMETER.pattern + rb")+)[ \t]*;?[ \t]*", re.IGNORECASE)
_PLAIN_CODINGS = frozenset({b"7bit", b"8bit", b"binary"})


def is_form(content_type: bytes) -> bool:
    """Say whether a content type is that of a form, well written or not."""
    return content_type.partition(b";")[0].strip().lower() == b"multipart/form-data"


def boundary_of(content_type: bytes) -> bytes:
    """Return what stands between the parts.

    Raises:
        ValueError: The content type names no boundary, or more than one.
    """
    found = _TYPE.fullmatch(content_type.strip())
    if found is None:
        raise ValueError("the content type must be multipart/form-data with one boundary")
    return bytes(found["plain"] or found["quoted"])


def read_form(body: bytes, boundary: bytes) -> Form:
    """Find the parts.

    Raises:
        ValueError: Not a form, or one that could be understood in two ways. The text says why, never what.
    """
    delimiter = b"--" + boundary
    parts: list[FormPart] = []
    at = 2 if body.startswith(_BREAK) else 0
    if not body.startswith(delimiter, at):
        raise ValueError("it does not begin with its boundary")
    while not body.startswith(b"--", at + len(delimiter)):
        if len(parts) == MAX_PARTS:
            raise ValueError(f"it has more than {MAX_PARTS} parts")
        part = _read_part(body, at, delimiter)
        parts.append(part)
        at = part.end + len(_BREAK)
    if body[at + len(delimiter) + 2 :].strip(_BREAK):
        raise ValueError("something follows its end")
    if body.count(delimiter) != len(parts) + 1:
        raise ValueError("its boundary stands inside a part")
    return Form(boundary, tuple(parts), at)


def text_of(body: bytes, form: Form, name: str) -> str | None:
    """Return the text of the one part of this name; None where there is none.

    Raises:
        ValueError: There are several, or it is a file, or no UTF-8, or its name is only nearly this one.
    """
    found = [part for part in form.parts if part.name.strip().lower() == name.lower()]
    if not found:
        return None
    if len(found) > 1 or found[0].is_file or found[0].name != name:
        raise ValueError(f"'{name}' must be one part of just this name, and no file")
    try:
        return body[found[0].value : found[0].end].decode()
    except UnicodeDecodeError as exc:
        raise ValueError(f"'{name}' must be UTF-8") from exc


def rewritten(body: bytes, form: Form, name: str, value: bytes, unwanted: Collection[str] = ()) -> bytes:
    """Return the form with another value in the part of this name, which is added where there is none.

    Args:
        unwanted: Names of parts that are left out.
    """
    pieces = [] if any(part.name == name for part in form.parts) else [_field(form, name, value)]
    for part in form.parts:
        if part.name == name:
            pieces += (body[part.start : part.value], value, _BREAK)
        elif part.name not in unwanted:
            pieces.append(body[part.start : part.end + len(_BREAK)])
    return b"".join([*pieces, body[form.end :]])


def _field(form: Form, name: str, value: bytes) -> bytes:
    head = b'Content-Disposition: form-data; name="%b"' % name.encode()
    return b"--" + form.boundary + _BREAK + head + _END_OF_HEAD + value + _BREAK


def _read_part(body: bytes, start: int, delimiter: bytes) -> FormPart:
    head = start + len(delimiter)
    if not body.startswith(_BREAK, head):
        raise ValueError("its boundary is not alone on a line")
    head_end = body.find(_END_OF_HEAD, head, head + MAX_PART_HEAD_BYTES)
    if head_end < 0:
        raise ValueError("the head of a part does not end, or is too long")
    name, is_file = _read_head(body[head + len(_BREAK) : head_end])
    value = head_end + len(_END_OF_HEAD)
    end = body.find(_BREAK + delimiter, value)
    if end < 0:
        raise ValueError("it ends without its boundary")
    return FormPart(name, start, value, end, is_file)


def _read_head(head: bytes) -> tuple[str, bool]:
    """Return a part's name, and whether it is a file."""
    dispositions = []
    for line in head.split(_BREAK):
        field = _FIELD.fullmatch(line)
        if field is None:
            raise ValueError("the head of a part is malformed")
        name, value = field[1].lower(), field[2].strip()
        if name == b"content-disposition":
            dispositions.append(value)
        elif name == b"content-transfer-encoding" and value.lower() not in _PLAIN_CODINGS:
            raise ValueError("a part is encoded")
    disposition = _DISPOSITION.fullmatch(dispositions[0]) if len(dispositions) == 1 else None
    if disposition is None:
        raise ValueError("a part has no plain Content-Disposition")
    return _read_parameters(disposition[1])


def _read_parameters(parameters: bytes) -> tuple[str, bool]:
    found = [(name.lower(), value) for name, value in _PARAMETER.findall(parameters)]
    named = dict(found)
    if len(named) != len(found) or b"name" not in named:
        raise ValueError("a part has no name, or two")
    value = named[b"name"]
    if b"\\" in value:  # some readers take the letter behind it alone
        raise ValueError("the name of a part holds a backslash")
    try:
        name = (value[1:-1] if value.startswith(b'"') else value).decode()
    except UnicodeDecodeError as exc:
        raise ValueError("the name of a part is not UTF-8") from exc
    return name, len(named) > 1
