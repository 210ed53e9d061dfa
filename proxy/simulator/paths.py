"""A request path turned into what it asks for: `/{provider}/v1/chat/completions`, Azure's paths, the controls.

The first segment names the calling provider; without one it is "default". `/v1` and the infixes that vendors use may be
left out. Pure.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

DEFAULT_PROVIDER = "default"
CONTROL = "/_simulator/"

_ROUTE = re.compile(
    r"(?P<base>.*?)(?P<deployment>/deployments/(?P<name>[^/]+))?"
    r"/(?P<endpoint>chat/completions|completions|embeddings|moderations|models)(?P<model>/.+)?"
)
_VERSIONS = frozenset({"v1", "v1beta"})
_INFIXES = _VERSIONS | {"openai", "api", "inference", "compatible-mode"}


class Endpoint(StrEnum):
    CHAT = "chat/completions"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    MODERATIONS = "moderations"
    MODELS = "models"

    @property
    def method(self) -> str:
        return "GET" if self is Endpoint.MODELS else "POST"


class Route(NamedTuple):
    """`model` is the deployment in an Azure path, or the model asked about; None where the body names it."""

    provider: str
    endpoint: Endpoint
    model: str | None = None


def route_of(path: str) -> Route | None:
    """Return what a decoded path asks for, None where it asks for nothing known."""
    found = _ROUTE.fullmatch(path)
    if found is None:
        return None
    endpoint, model = Endpoint(found["endpoint"]), found["model"]
    if model is not None and endpoint is not Endpoint.MODELS:
        return None
    provider = _provider(found["base"], azure=found["deployment"] is not None)
    return None if provider is None else Route(provider, endpoint, found["name"] or (model[1:] if model else None))


def _provider(base: str, *, azure: bool) -> str | None:
    """Return the provider that the part before the endpoint names; None where there is more than a name and infixes."""
    first, *rest = base.strip("/").split("/")
    if not set(rest) <= _INFIXES:
        return None
    if not first or first in _VERSIONS or (azure and first == "openai"):
        return DEFAULT_PROVIDER
    return first
