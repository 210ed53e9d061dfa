"""Fairlead in front of one simulated account of every vendor, each as a process of its own.

`VENDOR` is a public model for each row of `VENDORS`; `VENDOR--PHRASE` is the same model, answering as a phrase of the
simulator's says, at another account, and `VENDOR-backed--PHRASE` has OpenAI behind it; `A-to-B--NAME` is served by A,
whose first answer thinks and which has no capacity from then on, and then by B. Nothing is ever set aside: every test
finds every account as it was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.fakes.deployment import TEAM_KEY, Running, run
from tests.fakes.tools import require_module
from tests.fakes.webhost import WebHost, answer

OTHER_KEY = "other-key-0123456789"
AWS_KEY, AWS_SECRET = "AKIASIMULATED0000001", "a-secret-for-tests"
GOOGLE_TOKEN = "ya29.simulated-token"
BEGINNING = "reasoning-3"  # how A answers the first request of each pair
# What goes wrong where `VENDOR--PHRASE` is asked.
PHRASES = (
    "auth",
    "billing",
    "context",
    "cut-after-3-rate-10",
    "daily-quota",
    "error-after-3-rate-10",
    "error-first",
    "error-json",
    "filtered",
    "invalid",
    "missing",
    "no-end-tokens-3-rate-10",
    "overload",
    "permission",
    "policy",
    "rate-limit-retry-9",
    "rate-40-tokens-400",
    "reasoning-3",
    "redacted-reasoning-3",
    "role-error",
    "server-error",
    "tokens-5-cached-2",
    "truncated-json",
)


class Vendor(NamedTuple):
    """`settings`: of its provider, as TOML; `speaks`: the dialect it is asked in by clients of other dialects."""

    kind: str
    model: str
    settings: str
    speaks: str


_CLAUDE, _GEMINI = "claude-sonnet-4-5", "gemini-3-pro-preview"
_VERTEX = 'project = "p-NAME"\nlocation = "global"\ncredentials_file = "${GOOGLE_FILE}"'
VENDORS: Mapping[str, Vendor] = {
    "openai": Vendor("openai", "gpt-4.1", "base_url = '@/v1'\napi_key = 'sk-NAME'", "openai_chat"),
    "azure": Vendor("azure", "gpt-4.1", "base_url = '@'\napi_key = 'azure-NAME'", "openai_chat"),
    "azure-dated": Vendor(
        "azure", "gpt-4.1", "base_url = '@'\napi_key = 'azure-NAME'\napi_version = '2024-10-21'", "openai_chat"
    ),
    "anthropic": Vendor("anthropic", _CLAUDE, "base_url = '@'\napi_key = 'sk-ant-NAME'", "anthropic"),
    "gemini": Vendor("gemini", _GEMINI, "base_url = '@'\napi_key = 'AIza-NAME'", "gemini"),
    "vertex-gemini": Vendor("vertex", _GEMINI, f"base_url = '@'\n{_VERTEX}", "gemini"),
    "vertex-claude": Vendor("vertex", _CLAUDE + "@20250929", f"base_url = '@'\n{_VERTEX}", "anthropic"),
    "bedrock": Vendor(
        "bedrock",
        f"us.anthropic.{_CLAUDE}-20250929-v1:0",
        f"base_url = '@'\nregion = 'us-east-1'\naws_access_key_id = '{AWS_KEY}'\n"
        f"aws_secret_access_key = '{AWS_SECRET}'",
        "bedrock",
    ),
    "bedrock-key": Vendor(
        "bedrock",
        "us.amazon.nova-2-lite-v1:0",
        "base_url = '@'\nregion = 'us-east-1'\napi_key = 'bedrock-api-key-NAME'",
        "bedrock",
    ),
    "ollama": Vendor("ollama", "qwen3", "base_url = '@'", "openai_chat"),
    "cohere": Vendor("cohere", "command-a-reasoning-08-2025", "base_url = '@'\napi_key = 'co-NAME'", "cohere"),
    "perplexity": Vendor("perplexity", "sonar-pro", "base_url = '@/v1'\napi_key = 'pplx-NAME'", "openai_responses"),
}
# Those whose histories differ: the others are spoken to as one of these.
DISTINCT = ("openai", "anthropic", "gemini", "vertex-claude", "bedrock", "bedrock-key", "cohere", "perplexity")
PAIRS = tuple(permutations(DISTINCT, 2))
# Who asks a pair: the client's dialect, and whether it wants a stream.
ASKERS = ("chat", "chat-stream", "messages", "messages-stream", "responses", "gemini")


def _provider(name: str, kind: str, settings: str) -> str:
    text = f'[providers.{name}]\nkind = "{kind}"\n{settings}\n\n'
    return text.replace("@", "${SIMULATOR_URL}/" + name).replace("NAME", name)


def _model(name: str, *candidates: tuple[str, str]) -> str:
    rows = [
        f'{{ provider = "{provider}", model = "{model}", priority = {place} }}'
        for place, (provider, model) in enumerate(candidates, 1)
    ]
    return f'[models."{name}"]\ncandidates = [{", ".join(rows)}]\n\n'


def _configuration() -> str:
    text = "[server]\ndrain_delay_s = 0\ndrain_s = 1\n\n[defaults]\ncooldowns = false\n\n"
    for name, key in (("team", TEAM_KEY), ("other", OTHER_KEY)):
        text += f'[[auth.keys]]\nname = "{name}"\nkey = "{key}"\n\n'
    for name, vendor in VENDORS.items():
        for provider in (name, f"{name}-faulty"):
            text += _provider(provider, vendor.kind, vendor.settings)
        text += _model(name, (name, vendor.model)) + _model(f"{name}--*", (f"{name}-faulty", f"{vendor.model}--{{*}}"))
        text += _model(f"{name}-backed--*", (f"{name}-faulty", f"{vendor.model}--{{*}}"), ("openai", "gpt-4.1"))
    for first, second in PAIRS:
        own, other = VENDORS[first].model, VENDORS[second].model
        text += _model(f"{first}-to-{second}--*", (first, f"{own}--{second}--{{*}}"), (second, other))
    return text


def _scenario() -> str:
    rules = [
        f'provider = "{first}"\nmodel = "*--{second}--{asker}"\nfirst = 1\nthen = "{BEGINNING}"'
        for first, second in PAIRS
        for asker in ASKERS
    ]
    rules += [f'provider = "{first}"\nmodel = "*--{second}--*"\nthen = "overload"' for first, second in PAIRS]
    rules += [f'model = "*--{phrase}"\nthen = "{phrase}"' for phrase in PHRASES]
    head = f'record_bodies = true\naws_secrets = {{ {AWS_KEY} = "{AWS_SECRET}" }}\n'
    return head + "".join(f"\n[[rules]]\n{rule}\n" for rule in rules)


@dataclass(frozen=True, slots=True)
class Vendors:
    """What is running. `url`: the gateway's, without `/v1`. `http`: for whoever asks without an SDK."""

    gateway: Running
    simulator: Running
    http: httpx.Client

    @property
    def url(self) -> str:
        return self.gateway.url

    def arrivals(self, name: str, model: str, limit: int = 2) -> list[dict[str, Any]]:
        """What last arrived at the simulator for a provider's model, oldest first."""
        query = {"provider": name, "model": model, "limit": str(limit)}
        answer = self.http.get(f"{self.simulator.url}/_simulator/requests", params=query)
        found: list[dict[str, Any]] = answer.raise_for_status().json()["requests"]
        return found

    def last(self, public: str) -> dict[str, Any]:
        """The last request that arrived for a public model, `VENDOR` or `VENDOR--PHRASE`."""
        name, _, phrase = public.partition("--")
        model = VENDORS[name].model
        found = self.arrivals(f"{name}-faulty", f"{model}--{phrase}") if phrase else self.arrivals(name, model)
        return found[-1]

    def sent(self, public: str) -> dict[str, Any]:
        """The body of that request."""
        body: dict[str, Any] = json.loads(self.last(public)["body"])
        return body

    def check_let_go(self, public: str) -> None:
        """Hold that the upstream of a stream that was just given up is closed within 1 s."""
        left_s = time.time()
        while self.last(public)["end"] is None and time.time() < left_s + 5:
            time.sleep(0.02)
        request = self.last(public)
        assert request["end"] == "client_gone"
        assert request["ended_at_s"] - left_s < 1.0


@contextmanager
def vendors(folder: Path) -> Iterator[Vendors]:
    """Run both for the length of one `with`."""
    scenario, configuration = folder / "scenario.toml", folder / "fairlead.toml"
    scenario.write_text(_scenario())
    configuration.write_text(_configuration())
    with ExitStack() as stack:
        tokens = stack.enter_context(WebHost({"/token": answer({"access_token": GOOGLE_TOKEN, "expires_in": 3599})}))
        google = folder / "service-account.json"
        google.write_text(json.dumps(_service_account(tokens.url)))
        simulator = stack.enter_context(run("simulate", "--scenario", str(scenario), folder=folder))
        environ = {"SIMULATOR_URL": simulator.url, "GOOGLE_FILE": str(google)}
        gateway = stack.enter_context(run("serve", "--config", str(configuration), folder=folder, environ=environ))
        http = stack.enter_context(httpx.Client(trust_env=False, timeout=10))
        yield Vendors(gateway, simulator, http)


def _service_account(url: str) -> dict[str, str]:
    serialization = require_module("cryptography.hazmat.primitives.serialization")
    key = require_module("cryptography.hazmat.primitives.asymmetric.rsa").generate_private_key(65537, 2048)
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k",
        "private_key": pem.decode(),
        "client_email": "me@p.iam.gserviceaccount.com",
        "token_uri": f"{url}/token",
    }
