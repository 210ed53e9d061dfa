"""From a path, or from none, to the document that a configuration is made of: the file, the environment or the demo.

Reads the file; never validates what it holds, never quotes it.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from proxy.core.errors import ConfigError
from proxy.core.snapshot import Problem
from proxy.settings.demo import demo_document
from proxy.settings.discover import discovered_document, serves

DEFAULT_NAME = "fairlead.toml"
ENVIRONMENT = "environment"
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACE = re.compile(r"\(at ([^()]*)\)\s*$")
# By how the parser's message begins: what was found, and what mends it.
_SYNTAX: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("Cannot overwrite", "Cannot declare", "Cannot redefine", "Cannot mutate", "Duplicate"),
        ": a key or table that stands above already",
        "keep one of the two",
    ),
    (("Expected '='",), ": a key without =", "write key = value; a table is [name]"),
    (
        ("Invalid value", "Invalid date"),
        ": a value that is none",
        'put strings in straight quotes: "..."; true and false are small',
    ),
    (("Unclosed",), ": brackets that are not closed", "close them; a table in braces stands on one line"),
    (("Expected ']",), ": a table's name that is not closed", "write [name], or [[name]] for an entry of a list"),
    (
        ("Unescaped", "Invalid hex", "Escaped"),
        ": a backslash in a string",
        "write two of them, or put the string in single quotes",
    ),
    (("Unterminated", 'Expected "'), ": a string that is not closed", "close it with the quote that it begins with"),
    (
        ("Illegal character", "Found invalid"),
        ": a control character or a line's end where none may be",
        "close the string on its line; remove the character",
    ),
    (("Expected newline",), ": more than one value on a line", "write one key = value a line"),
    (("Invalid statement",), ": a line that is neither a key nor a table", "write key = value or [name]"),
    (
        ("Invalid initial",),
        ": a key that cannot be read",
        "use letters, digits, _ and -, or quotes; a table in braces stands on one line",
    ),
    (("",), "", "correct that line"),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a configuration is made of.

    Attributes:
        name: How problems call it.
        source: "file", "environment" or "demo".
        digest: Of the text and of the variables whose names occur in it.
    """

    name: str
    source: str
    document: Mapping[str, object] = field(repr=False)
    digest: str = ""


def choose_path(flag: Path | None, environ: Mapping[str, str], folder: Path) -> Path | None:
    """Choose the file: `--config`, else `FAIRLEAD_CONFIG`, else `fairlead.toml` in the folder if it is there.

    The first two are returned whether or not they exist: a file that was named must not be passed over in silence.
    """
    named = environ.get("FAIRLEAD_CONFIG", "")
    if flag is not None or named:
        return flag or Path(named)
    usual = folder / DEFAULT_NAME
    return usual if usual.exists() else None


def read_origin(path: Path | None, environ: Mapping[str, str], *, ollama_answers: bool) -> Origin:
    """Read the file; without one, discover providers; without any, take the demo.

    Raises:
        ConfigError: The file cannot be read or is not TOML.
    """
    if path is not None:
        text = read_text(path)
        return Origin(str(path), "file", _parse(text, path), digest(text, environ))
    found = discovered_document(environ, ollama_answers=ollama_answers)
    if serves(found):
        return Origin(ENVIRONMENT, "environment", found)
    return Origin(ENVIRONMENT, "demo", demo_document(found))


def read_text(path: Path) -> str:
    """Read a configuration file.

    Raises:
        ConfigError: It is missing, may not be read or is not UTF-8.
    """
    try:
        # Bytes, since TOML's line ends are its own affair; some editors begin a file with a byte order mark.
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        found, fix = "no such file", "correct the path (--config or FAIRLEAD_CONFIG), or make the file"
    except IsADirectoryError:
        found, fix = "a folder", "name the file in it"
    except OSError as error:
        found, fix = f"a file that cannot be read ({error.strerror})", "let the user that Fairlead runs as read it"
    except UnicodeDecodeError:
        found, fix = "bytes that are not UTF-8", "save it as UTF-8"
    raise ConfigError([Problem(str(path), found, "a readable TOML file", fix)])


def digest(text: str, environ: Mapping[str, str]) -> str:
    """Tell one content from another: the text and the values of the variables that it names."""
    state = hashlib.sha256(text.encode())
    for name in sorted(set(_WORD.findall(text))):
        if name in environ:
            state.update(f"\0{name}={environ[name]}".encode(errors="surrogateescape"))
    return state.hexdigest()


def _parse(text: str, path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except ValueError as exc:  # also of a number too long to be one
        # The message itself may quote a key or a character, so only its place and its beginning are kept.
        message = str(exc)
    except RecursionError:
        message = ""
    place = _PLACE.search(message)
    where = f"{path}: {place[1]}" if place else str(path)
    found, fix = next(words for beginnings, *words in _SYNTAX if message.startswith(beginnings))
    raise ConfigError([Problem(where, f"text that is not TOML{found}", "valid TOML", fix)])
