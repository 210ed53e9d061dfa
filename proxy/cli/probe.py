"""From providers to whether each of their keys opens the vendor's model list: a request that costs nothing.

Sends GET only, follows no redirect, never prints a key or what a vendor answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import urlencode

import httpx

from proxy.core.call import Operation
from proxy.core.snapshot import Credential, Provider
from proxy.credentials.header import credential_headers
from proxy.providers.kinds import KINDS
from proxy.upstream.tls import TlsSettings, make_context

TIMEOUT_S = 10.0
AT_ONCE = 8
CHAT = "/chat/completions"

MEANINGS = {
    401: "the key is refused; replace it",
    402: "the account has no credit; top it up",
    403: "the key may not list models; check its rights, the region and the account",
    404: "there is no model list at this base URL; check it",
    407: "the proxy wants a password; check proxy_url",
    429: "the key works; the vendor limits it right now",
}
FINE = frozenset({httpx.codes.OK, httpx.codes.TOO_MANY_REQUESTS})


class Finding(NamedTuple):
    provider: str
    credential: str
    result: str
    well: bool


def probe_all(providers: Sequence[Provider]) -> list[Finding]:
    """Ask every enabled provider that can be asked, several at once; one finding a key."""
    jobs: list[tuple[Provider, Credential | None]] = [
        (provider, credential)
        for provider in providers
        if provider.enabled and models_url(provider) is not None
        for credential in (provider.credentials or (None,))
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda job: probe_one(*job), jobs))


def probe_one(provider: Provider, credential: Credential | None) -> Finding:
    name = credential.name if credential else "none"
    url = models_url(provider)
    assert url is not None
    proxy_url = provider.proxy_url.reveal() if provider.proxy_url else ""
    try:
        with httpx.Client(
            timeout=TIMEOUT_S,
            trust_env=proxy_url == "env",
            proxy=None if proxy_url in ("", "env") else proxy_url,
            verify=make_context(TlsSettings(provider.ca_file, provider.client_cert)),
        ) as client:
            answer = client.get(url, headers=_headers(provider, credential))
    except httpx.TimeoutException:
        return Finding(provider.name, name, f"no answer within {TIMEOUT_S:.0f} s; check base_url", False)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        why = f"not reached ({type(error).__name__}); check base_url, and that it is running"
        return Finding(provider.name, name, why, False)
    return Finding(provider.name, name, *judge(answer))


def judge(answer: httpx.Response) -> tuple[str, bool]:
    """Turn the vendor's answer into words, and whether the key works."""
    status = answer.status_code
    if status == httpx.codes.OK:
        return ("ok", True) if _is_json(answer) else ("200, but not JSON; check base_url", False)
    return f"{status}: {MEANINGS.get(status, 'not a model list; check base_url')}", status in FINE


def models_url(provider: Provider) -> str | None:
    """Where the provider lists its models; None where nobody can be asked: a simulator, or a kind not served yet."""
    kind = KINDS[provider.kind]
    path = kind.paths.get(Operation.CHAT)
    if path is None or kind.name == "simulator":
        return None
    base = provider.base_url
    for end in kind.trim:
        base = base.removesuffix(end)
    if provider.api_version and kind.versioned_paths:
        prefix = kind.versioned_paths[Operation.CHAT].partition("/deployments/")[0]
        return f"{base}{prefix}/models?{urlencode({'api-version': provider.api_version})}"
    return base + path.removesuffix(CHAT) + "/models"


def _headers(provider: Provider, credential: Credential | None) -> list[tuple[bytes, bytes]]:
    own = [(name.encode(), value.encode()) for name, value in provider.headers]
    return [*own, *(credential_headers(KINDS[provider.kind].auth, credential.secret) if credential else ())]


def _is_json(answer: httpx.Response) -> bool:
    try:
        answer.json()
    except ValueError:
        return False
    return True
