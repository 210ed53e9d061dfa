"""What the gateway says when it is ready: where it listens, what it serves, and a `curl` line that works."""

from __future__ import annotations

import json
import shlex

from proxy import __version__
from proxy.core.snapshot import Snapshot
from proxy.providers.examples import example_of

_SOURCES = {
    "file": "providers from the configuration file",
    "environment": "providers found in the environment: {providers}",
    "demo": "demo: two simulated providers, since no configuration and no provider key was found",
}
NO_MODEL = "No model is configured, so clients can name none: add [models.NAME], or direct_models = true to [server]."


def banner(snapshot: Snapshot, host: str, port: int) -> str:
    """Write the start banner. Names providers and models, never a key."""
    name = f"[{host}]" if ":" in host else host
    url = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else name}:{port}"  # noqa: S104 - a comparison
    serving = [provider.name for provider in snapshot.providers.values() if provider.enabled]
    source = _SOURCES[snapshot.source].format(providers=", ".join(serving) or "none that can serve")
    lines = [f"Fairlead {__version__} is ready on {url} ({source})"]
    if snapshot.problems:
        count = "1 note" if len(snapshot.problems) == 1 else f"{len(snapshot.problems)} notes"
        lines.append(f"{count} on the configuration: see the log or `fairlead check`.")
    auth = snapshot.auth
    if auth.mode == "keys" and not auth.keys and all(row.revoked for row in auth.stored.values()):
        lines.append("No client key is known, so nobody may call: make one with `fairlead keys create NAME`.")
    lines += ["Try:", f"  {_curl(snapshot, url)}"]
    if lacks_models(snapshot):
        lines.append(NO_MODEL)
    elif not snapshot.models and _named(snapshot) is not None:
        lines.append(f'Send "provider/model" as the model; {url}/v1/models lists them.')
    elif not snapshot.models and serving:
        lines.append(f'Send "provider/model" as the model, for example "{serving[0]}/<model>".')
    return "\n".join(lines)


def lacks_models(snapshot: Snapshot) -> bool:
    """Say whether there is nothing that a client could name."""
    return not (snapshot.models or snapshot.prefixes or snapshot.server.direct_models)


def _named(snapshot: Snapshot) -> str | None:
    """A model that can be asked for: of the configuration, else one that a vendor is known to have."""
    direct = snapshot.providers.values() if snapshot.server.direct_models else ()
    known = ((provider.name, example_of(provider)) for provider in direct if provider.enabled)
    own = next((f"{provider}/{example}" for provider, example in known if example), None)
    return snapshot.default_model or next(iter(snapshot.models), own)


def _curl(snapshot: Snapshot, url: str) -> str:
    key = "" if snapshot.auth.mode == "none" else ' -H "Authorization: Bearer $FAIRLEAD_KEY"'
    model = _named(snapshot)
    if model is None:
        return f"curl {url}/v1/models{key}"
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
    return f"curl {url}/v1/chat/completions{key} -H 'Content-Type: application/json' -d {shlex.quote(body)}"
