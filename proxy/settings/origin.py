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
        # Bytes, since TOML's line ends are its own affair.
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        found = "no such file"
    except IsADirectoryError:
        found = "a folder"
    except OSError:
        found = "a file that cannot be read"
    except UnicodeDecodeError:
        found = "bytes that are not UTF-8"
    raise ConfigError([Problem(str(path), found, "a readable TOML file", "correct the path or the file")])


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
    except tomllib.TOMLDecodeError as exc:
        # The message itself may quote a key or a character, so only its place is kept.
        place = _PLACE.search(str(exc))
    except RecursionError:
        place = None
    where = f"{path}: {place[1]}" if place else str(path)
    fix = "correct that line: strings need quotes, and a key or table may stand only once"
    raise ConfigError([Problem(where, "text that is not TOML", "valid TOML", fix)])
