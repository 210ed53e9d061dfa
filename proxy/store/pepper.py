"""Where the secrets come from that client keys are hashed under: the environment, else a file made once.

`FAIRLEAD_SECRET_KEYS` is a ring: secrets with commas between. New keys are hashed under the first, all of them know
keys again, so a secret is changed by putting a new one in front. Never replaces a file that is there: with it, every
stored key would be lost.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from proxy.core.errors import ConfigError
from proxy.core.secret import SHORTEST, Secret
from proxy.core.snapshot import Problem

VARIABLE = "FAIRLEAD_SECRET_KEYS"
NAME = "secret.key"

_LOG = logging.getLogger("fairlead.keys")
_MAKE = "make one with `openssl rand -hex 32`"


def load_ring(environ: Mapping[str, str], data_dir: Path, *, is_sqlite: bool) -> Secret:
    """Return the ring: of the environment, else for SQLite the one secret of `data_dir/secret.key`.

    Args:
        is_sqlite: The database is a file of this machine, so a secret beside it serves all who open it.

    Raises:
        ConfigError: A secret is too short, the file cannot be used, or replicas would each make a secret of their own.
    """
    return written_ring(environ, is_sqlite=is_sqlite) or _kept(data_dir / NAME)


def written_ring(environ: Mapping[str, str], *, is_sqlite: bool) -> Secret | None:
    """Return the ring of the environment; None = it has none, and the file counts.

    Raises:
        ConfigError: A secret is too short, or replicas would each make a secret of their own.
    """
    written = environ.get(VARIABLE, "")
    if written.strip():
        return _ring(written)
    if is_sqlite:
        return None
    fix = f"{_MAKE} and set {VARIABLE} to it, for every replica the same and before the first key is made"
    raise ConfigError([Problem(VARIABLE, "nothing", "a secret, which client keys in PostgreSQL are hashed under", fix)])


def _ring(written: str) -> Secret:
    members = [member.strip() for member in written.split(",")]
    for place, member in enumerate(members, 1):
        if len(member) < SHORTEST:
            found = f"a secret that is too short (number {place} of {len(members)})"
            raise ConfigError([Problem(VARIABLE, found, f"at least {SHORTEST} characters each", _MAKE)])
    return Secret(",".join(dict.fromkeys(members)))


def _kept(path: Path) -> Secret:
    try:
        if not path.exists():
            _make(path)
        kept = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "no text"
        fix = f"let this user read and write it, or set {VARIABLE}"
        found = f"a file that cannot be used ({reason})"
        raise ConfigError([Problem(str(path), found, "the secret that client keys are hashed under", fix)]) from exc
    if len(kept) < SHORTEST or "," in kept:
        fix = "put it back from a backup; without it remove the file and make every client key anew"
        raise ConfigError([Problem(str(path), "no secret of ours", f"{SHORTEST} characters or more", fix)])
    return Secret(kept)


def _make(path: Path) -> None:
    """Make the file, whole or not at all; where another process was faster, its file stays."""
    draft = path.with_name(f"{NAME}.{os.getpid()}.{secrets.token_hex(4)}.new")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
        _LOG.info("made %s, which client keys are hashed under; back it up with the database", path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
