"""The table of client endpoints: path -> what it is. Adding an endpoint of a known dialect is one row."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from httptools import parse_url

from proxy.core.call import EndpointSpec, Operation
from proxy.edge.exchange import Asked

CHAT = EndpointSpec("chat", Operation.CHAT)
COMPLETIONS = EndpointSpec("completions", Operation.COMPLETIONS)
EMBEDDINGS = EndpointSpec("embeddings", Operation.EMBEDDINGS)
MODERATIONS = EndpointSpec("moderations", Operation.MODERATIONS)

# Below each of the prefixes, and below `/openai/deployments/{model}` as Azure's clients have it.
ENDPOINTS: Mapping[str, EndpointSpec] = {
    "/chat/completions": CHAT,
    "/completions": COMPLETIONS,
    "/embeddings": EMBEDDINGS,
    "/moderations": MODERATIONS,
}
# Azure's clients ask below `/openai` for what belongs to no deployment: models and moderations.
PREFIXES = ("/v1", "", "/openai/v1", "/openai")
DEPLOYMENTS = "/openai/deployments/"
STREAMING = frozenset({Operation.CHAT, Operation.COMPLETIONS})

BY_PATH: Mapping[str, EndpointSpec] = {
    prefix + path: endpoint for prefix in PREFIXES for path, endpoint in ENDPOINTS.items()
}
_BY_TARGET: Mapping[bytes, Asked] = {path.encode(): Asked(endpoint) for path, endpoint in BY_PATH.items()}


def find_endpoint(target: bytes) -> Asked | None:
    """What the target of a request line names; None = no endpoint that is proxied.

    Raises:
        httptools.HttpParserInvalidURLError: The target is no URL.
        UnicodeDecodeError: Its path is not ASCII.
    """
    asked = _BY_TARGET.get(target)
    return asked if asked is not None else _find_by_path(target)


def _find_by_path(target: bytes) -> Asked | None:
    url = parse_url(target)
    path = unquote(url.path.decode("ascii"))
    query = url.query or b""
    endpoint = BY_PATH.get(path)
    if endpoint is not None:
        return Asked(endpoint, query=query)
    if not path.startswith(DEPLOYMENTS):
        return None
    # The model may hold slashes, which clients escape.
    rest = path[len(DEPLOYMENTS) :]
    for suffix, endpoint in ENDPOINTS.items():
        if rest.endswith(suffix):
            return Asked(endpoint, rest.removesuffix(suffix), query)
    return None
