"""What Ollama's clients ask of a server before they chat: its models, one model, its version.

Models here are names of this gateway's: they have no file, so sizes are 0 and digests are made from the names. A name
without a tag is told with Ollama's own, `latest`: clients add it before they look for a name in the list.

Source: ollama 0.6.3 _types.py (ListResponse, ShowResponse), github.com/ollama/ollama docs/api.md,
open-webui/open-webui backend/open_webui/routers/ollama.py, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from proxy.core.capabilities import Capabilities

API_VERSION = "0.12.6"  # of the server whose native API this is; clients refuse one that is too old

TAG = ":latest"
_ENCODER = msgspec.json.Encoder()
_FAMILY = "fairlead"
_DETAILS: dict[str, Any] = {
    "parent_model": "",
    "format": "",
    "family": _FAMILY,
    "families": [_FAMILY],
    "parameter_size": "",
    "quantization_level": "",
}


class Listed(Struct, frozen=True, eq=False):
    """One model. `created_s`: Unix time."""

    name: str
    created_s: int = 0
    capabilities: Capabilities = Capabilities()


def encode_tags(rows: Iterable[Listed]) -> bytes:
    """Answer `/api/tags`."""
    return _ENCODER.encode({"models": [_tag(row) for row in rows]})


def encode_show(row: Listed) -> bytes:
    """Answer `/api/show`."""
    info: dict[str, Any] = {"general.architecture": _FAMILY, "general.basename": row.name}
    if row.capabilities.context_window_tokens is not None:
        info[f"{_FAMILY}.context_length"] = row.capabilities.context_window_tokens
    shown = {
        "modelfile": "",
        "parameters": "",
        "template": "",
        "license": "",
        "details": _DETAILS,
        "model_info": info,
        "capabilities": _capabilities(row.capabilities),
        "modified_at": _time(row),
    }
    return _ENCODER.encode(shown)


def encode_version(version: str = API_VERSION) -> bytes:
    """Answer `/api/version`."""
    return _ENCODER.encode({"version": version})


def encode_running() -> bytes:
    """Answer `/api/ps`: nothing is loaded here."""
    return _ENCODER.encode({"models": []})


def _tag(row: Listed) -> dict[str, Any]:
    digest = sha256(row.name.encode()).hexdigest()
    name = row.name if ":" in row.name else row.name + TAG
    return {
        "name": name,
        "model": name,
        "modified_at": _time(row),
        "size": 0,
        "digest": digest,
        "details": _DETAILS,
    }


def _capabilities(known: Capabilities) -> list[str]:
    """What is not known to be missing is told to be there."""
    return [
        "completion",
        *(["tools"] if known.tools is not False else []),
        *(["vision"] if known.images is not False else []),
    ]


def _time(row: Listed) -> str:
    return datetime.fromtimestamp(row.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
