"""From the prices that genai-prices publishes to `prices.json` in the data directory.

What comes is compiled and read as a whole before it replaces anything. Follows no redirect, uses no proxy of the
environment, and leaves the old file alone when anything is wrong.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from proxy.cli.refusal import Refusal
from proxy.core.address import is_loopback
from proxy.pricing.catalog import Catalog
from proxy.pricing.published import compile_published, render
from proxy.providers.kinds import KINDS
from proxy.providers.redaction import without_user
from proxy.settings.prices import CATALOG_FILE

DEFAULT_URL = "https://raw.githubusercontent.com/pydantic/genai-prices/refs/heads/main/prices/new_data/v2/data.json"
TIMEOUT_S = 15.0  # for the connection and for each read
DEADLINE_S = 120.0  # for all of it
LARGEST_BYTES = 32 * 1024 * 1024


def fetch_catalog(url: str, data_dir: str) -> list[tuple[str, str]]:
    """Fetch, check and keep; returns what to tell.

    Raises:
        Refusal: Not fetched, not usable, or not written.
    """
    on = datetime.now(UTC).date()
    document, models = checked(_fetched(url), on, url)
    path = Path(data_dir, CATALOG_FILE)
    try:
        _replace(path, document)
    except OSError as exc:
        raise Refusal(f"{path}: cannot be written ({exc.strerror}); set FAIRLEAD_DATA_DIR or server.data_dir") from exc
    return [("file", str(path)), ("date", on.isoformat()), ("models", str(models)), ("from", without_user(url))]


def checked(published: bytes, on: date, url: str) -> tuple[bytes, int]:
    """Compile a catalogue and count its models.

    Raises:
        Refusal: It is in no form that is known, or lacks vendors that kinds of ours name.
    """
    try:
        document = render(compile_published(published, on, "genai-prices"))
        catalog = Catalog(document)
        models = catalog.check()
    except (ValueError, ArithmeticError, RecursionError) as exc:
        raise Refusal(f"{url}: not the prices of genai-prices in a form that is known; nothing was changed") from exc
    missing = {kind.catalog for kind in KINDS.values() if kind.catalog} - set(catalog.vendors)
    if missing:
        raise Refusal(f"{url}: no prices of {', '.join(sorted(missing))} in it; nothing was changed")
    return document, models


def _fetched(url: str) -> bytes:
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise Refusal(f"--url {url}: not a URL") from exc
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise Refusal(f"--url {url}: expected an https URL")
    body = bytearray()
    give_up_s = time.monotonic() + DEADLINE_S
    try:
        with (
            httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client,
            client.stream("GET", url, headers={"accept-encoding": "gzip"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise Refusal(f"{url}: {answer.status_code} instead of the prices; nothing was changed")
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > LARGEST_BYTES or time.monotonic() > give_up_s:
                    limits = f"{LARGEST_BYTES} bytes or {DEADLINE_S:.0f} s"
                    raise Refusal(f"{url}: more than {limits}; nothing was changed")
    except httpx.InvalidURL as exc:  # its words may show a part of a password
        raise Refusal(f"--url {url}: not a URL; nothing was changed") from exc
    except httpx.HTTPError as exc:
        raise Refusal(f"{url}: {str(exc) or type(exc).__name__}; nothing was changed") from exc
    return bytes(body)


def _replace(path: Path, document: bytes) -> None:
    """Put a file in the place of another at once, so that nobody reads half of it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(document)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
