"""Secrets of every kind, planted wherever a gateway meets one, and upstreams that repeat them.

The words of each are unique and have no shape that gives a credential away, so that only knowing it can hide it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from tests.fakes.indiscreet import indiscreet
from tests.fakes.rawserver import Peer, RawServer, Received, answer, refused_url, response
from tests.fakes.serving import serve

# Credentials: nobody is ever shown one of these. Their words have no shape that gives them away.
PROVIDER_KEY = "PlantedProviderCredential0001"
SECOND_KEY = "PlantedSecondCredential0002"
NEXT_KEY = "PlantedNextCredential0003"
CLIENT_KEY = "PlantedClientCredential0004"
WRONG_KEY = "PlantedWrongCredential0005"
ADMIN_TOKEN = "PlantedAdminCredential0006"
PROXY_PASSWORD = "PlantedProxyCredential0007"
TEAM_HEADER = "PlantedHeaderCredential0008"
MISPLACED = "PlantedMisplacedCredential0009"
PEPPER = "PlantedPepperCredential0016"
OLD_PEPPER = "PlantedOldPepperCredential0017"
DATABASE_PASSWORD = "PlantedDatabaseCredential0018"
WEBHOOK = "PlantedWebhookCredential0019"
WEBHOOK_SECRET = "PlantedWebhookSecret0020"
# What a client wrote: told to nobody but this client, and to it only in the upstream's words about its own fault.
PROMPT = "PlantedPrompt0010"
ARGUMENTS = "PlantedArguments0011"
IMAGE = "PlantedImage0012"
QUERY = "PlantedQuery0013"
CLIENT_HEADER = "PlantedClientHeader0014"
END_USER = "PlantedEndUser0015"

CREDENTIALS = (
    PROVIDER_KEY,
    SECOND_KEY,
    NEXT_KEY,
    CLIENT_KEY,
    WRONG_KEY,
    ADMIN_TOKEN,
    PROXY_PASSWORD,
    TEAM_HEADER,
    MISPLACED,
    PEPPER,
    OLD_PEPPER,
    DATABASE_PASSWORD,
    WEBHOOK,
    WEBHOOK_SECRET,
)
WORDS = (PROMPT, ARGUMENTS, IMAGE, QUERY, CLIENT_HEADER, END_USER)
PLANTED = (*CREDENTIALS, *WORDS)

# What the upstream is asked for, what the client gets, and the failure that the log names.
WHOLE: Mapping[str, tuple[int, str]] = {
    "ok": (200, "ok"),
    "400": (400, "rejected"),
    "401": (502, "auth"),
    "402": (502, "billing"),
    "403": (502, "permission"),
    "404": (404, "model_missing"),
    "408": (502, "conflict"),
    "422": (422, "rejected"),
    "429": (429, "rate_limited"),
    "500": (502, "server_error"),
    "529": (502, "overloaded"),
    "html": (502, "protocol"),
    "half-json": (502, "protocol"),
    "redirect": (502, "protocol"),
    "unknown-coding": (502, "protocol"),
    "silent": (504, "timeout_response"),
}
STREAMED: Mapping[str, tuple[int, str]] = {
    "stream": (200, "ok"),
    "error-first": (502, "protocol"),
    "error-later": (200, "truncated"),
    "no-finish": (200, "truncated"),
    "broken-event": (200, "ok"),
    "silent": (504, "timeout_headers"),
}
UNREACHABLE: Mapping[str, tuple[int, str]] = {
    "refused": (502, "connect"),
    "no-tls": (502, "connect"),
    "proxy-down": (502, "connect"),
    "proxy-refuses": (502, "connect"),
}


def configuration(url: str, proxy_url: str, webhook_url: str) -> str:
    asked = {*WHOLE, *STREAMED}
    proxies = {
        "proxy-down": refused_url().replace("http://", f"http://user:{PROXY_PASSWORD}@"),
        "proxy-refuses": proxy_url.replace("http://", f"http://user:{PROXY_PASSWORD}@"),
    }
    reached = {"refused": refused_url(), "no-tls": url.replace("http://", "https://")}
    models = "".join(f'[models.a{name}]\nmodel = "{name}"\nproviders = ["telling"]\n' for name in sorted(asked))
    models = models.replace("[models.asilent]", "[models.asilent]\ntimeouts = { response_s = 0.3, headers_s = 0.3 }")
    models += "".join(f'[models.{name}]\nmodel = "ok"\nproviders = ["{name}"]\n' for name in UNREACHABLE)
    others = "".join(
        f"""
        [providers.{name}]
        kind = "openai_compatible"
        base_url = "{reached.get(name, url)}"
        api_key = "{SECOND_KEY}"
        {f'proxy_url = "{proxies[name]}"' if name in proxies else ""}
        """
        for name in UNREACHABLE
    )
    return f"""
    [server]
    drain_delay_s = 0
    [auth]
    admin_token = "{ADMIN_TOKEN}"
    [[auth.keys]]
    name = "tester"
    key = "{CLIENT_KEY}"
    [alerts]
    webhook_url = "{webhook_url}/{WEBHOOK}"
    secret = "{WEBHOOK_SECRET}"
    [providers.telling]
    kind = "openai_compatible"
    base_url = "{url}"
    api_keys = ["{PROVIDER_KEY}", "{SECOND_KEY}"]
    headers = {{ x-team-token = "{TEAM_HEADER}" }}
    forward_headers = ["x-client-note"]
    breaker = false
    {others}
    {models}
    [models.patient]
    model = "silent"
    providers = ["telling"]
    """


def question(model: str, *, stream: bool = False) -> dict[str, object]:
    """A request with everything in it that a client may hold dear."""
    function = {"name": "look_up", "arguments": json.dumps({"what": ARGUMENTS})}
    return {
        "model": model,
        "stream": stream,
        "user": END_USER,
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": PROMPT},
                    {"type": "image_url", "image_url": {"url": f"https://images.test/{IMAGE}.png"}},
                ],
            },
            {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": "call_1", "content": PROMPT},
        ],
    }


def check_absent(texts: Iterable[str], planted: Iterable[str]) -> None:
    words = [word.lower() for word in planted]
    for text in texts:
        lowered = text.lower()
        for word in words:
            at = lowered.find(word)
            assert at < 0, text[max(0, at - 500) : at + 200]


@asynccontextmanager
async def upstreams(alerts: list[Received] | None = None) -> AsyncIterator[str]:
    """The parts of a configuration that depend on what listens where, as one text.

    Args:
        alerts: What is sent to the webhook, which takes none of it and says why in words of its own, goes there.
    """

    async def refuse_alert(peer: Peer) -> None:
        received = await peer.request()
        if alerts is not None:
            alerts.append(received)
        await peer.send(response(received.head + received.body, status=b"400 Bad Request"))
        peer.close()

    refusing = answer(response(b"who?", b"Proxy-Authenticate: Basic", status=b"407 Proxy Authentication Required"))
    async with serve(indiscreet) as url, RawServer(refusing) as proxy, RawServer(refuse_alert) as webhook:
        yield configuration(url, proxy.url, webhook.url)
