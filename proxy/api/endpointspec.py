"""The table of client endpoints: path -> what it is. Adding an endpoint of a known dialect is one row."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.core.call import EndpointSpec, Operation

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
