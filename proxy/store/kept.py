"""`state.json` in the data directory: what the shared state wants to find again after a restart.

Knows nothing of what is in it but that it is one JSON object. A broken file never keeps the gateway from starting: it
is logged, put aside under another name, and forgotten. Blocking: call it from a thread while serving.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

_LOG = logging.getLogger("fairlead.kept")
NAME = "state.json"
BROKEN_NAME = "state.json.broken"
LARGEST_BYTES = 64 * 1024 * 1024
OLD_S = 60.0  # of a draft: longer than any write takes


class KeptState:
    """The file. `save` writes only what differs from what was last written."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / NAME
        # Two containers that share a volume may both be process number 1.
        self._draft = data_dir / f"{NAME}.{os.getpid()}.{secrets.token_hex(4)}.new"
        self._written = b""

    def load(self) -> dict[str, object]:
        """Return what was kept; empty when there is nothing or it cannot be used."""
        self._delete_drafts()
        try:
            if self._path.stat().st_size > LARGEST_BYTES:
                return self._put_aside("it is too large")
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, object])
        except FileNotFoundError:
            return {}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            return self._put_aside(str(exc))
        except OSError as exc:
            _LOG.error("%s cannot be read and is ignored: %s", self._path, exc.strerror)
            return {}

    def save(self, kept: Mapping[str, object]) -> None:
        """Replace the file as a whole: a crash at any moment leaves the old one or the new one.

        Raises:
            OSError: It cannot be written.
        """
        encoded = msgspec.json.encode(kept)
        if encoded == self._written:
            return
        draft = self._draft
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(encoded)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        finally:
            draft.unlink(missing_ok=True)
        self._written = encoded

    def _delete_drafts(self) -> None:
        """Delete what processes have left that were killed while they wrote; what one writes now is younger."""
        for draft in self._path.parent.glob(f"{NAME}.*.new"):
            with suppress(OSError):
                if time.time() - draft.stat().st_mtime > OLD_S:
                    draft.unlink()

    def _put_aside(self, why: str) -> dict[str, object]:
        try:
            self._path.replace(self._path.with_name(BROKEN_NAME))
        except OSError as exc:
            _LOG.error("%s is broken (%s) and cannot be renamed: %s", self._path, why, exc.strerror)
        else:
            _LOG.error("%s is broken (%s); it is now %s and the state starts empty", self._path, why, BROKEN_NAME)
        return {}
