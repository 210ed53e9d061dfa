"""Secrets are masked by value where the configuration holds them, by shape where they only look like one."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote

import pytest

from proxy.core.access import SigningKeys
from proxy.core.accounts import AwsAccount, identity
from proxy.core.localprocess import LocalProcess
from proxy.core.secret import Secret
from proxy.core.snapshot import Alerts, Auth, Candidate, Credential, Model, Provider, Snapshot
from proxy.telemetry.redact import Redactor


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Authorization: Bearer abc.def-123456", "Authorization: Bearer [redacted]", id="bearer"),
        pytest.param(
            "proxy http://me:pass@proxy.test:3128 refused", "proxy http://[redacted]@proxy.test:3128 refused", id="url"
        ),
        pytest.param("GET /v1?key=abcdef1234&alt=sse", "GET /v1?key=[redacted]&alt=sse", id="query"),
        pytest.param("api_key=abcdef1234 rest", "api_key=[redacted] rest", id="assignment"),
        pytest.param('{"token": "abcdef1234"}', '{"token": "[redacted]"}', id="json"),
        pytest.param("x-api-key: abcdef12344", "x-api-key: [redacted]", id="header"),
        pytest.param(
            "Incorrect API key provided: sk-proj-abcdefgh, see",
            "Incorrect API key provided: [redacted], see",
            id="openai",
        ),
        pytest.param("fl_0123456789abcdef", "[redacted]", id="client-key"),
        pytest.param("token eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2lnbmF0 end", "token [redacted] end", id="web-token"),
        pytest.param("AKIAABCDEFGHIJKLMNOP", "[redacted]", id="aws"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, expected: str) -> None:
    assert Redactor()(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("max_tokens=100000 total_tokens: 1234567", id="token-counts"),
        pytest.param("providers.a: unknown key 'prioritty'; expected priority", id="key-names"),
        pytest.param("openrouter/anthropic/claude-sonnet-5", id="model-names"),
        pytest.param("v: no token: invalid_grant, w: no token: AADSTS7000215", id="why-there-is-no-token"),
        pytest.param("ask the task-force", id="prefix-inside-a-word"),
        pytest.param("http://127.0.0.1:8080/v1/chat/completions", id="plain-url"),
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert Redactor()(text) == text


def test_configured_secrets_are_masked_by_value() -> None:
    provider = Provider(
        "a",
        "openai",
        "https://x.test",
        credentials=(Credential("k", Secret("plain words here")),),
        proxy_url=Secret("http://proxy.test"),
        headers=(("x-team-token", "hunter2222"), ("x-credential", "hunter3333"), ("x-title", "my application")),
    )
    snapshot = Snapshot(providers={"a": provider}, auth=Auth(admin_token=Secret("admin-words")))
    redact = Redactor()
    redact.learn(snapshot)
    said = redact("plain words here / http://proxy.test / hunter2222 / hunter3333 / admin-words / my application")
    assert said == "[redacted] / [redacted] / [redacted] / [redacted] / [redacted] / my application"


def test_name_of_the_configuration_is_told_though_it_looks_like_a_secret() -> None:
    provider = Provider("xai-production", "xai", "https://x.test")
    model = Model("hf-meta-llama-3.1", (Candidate(provider, "fw_llama_3_1_8b"),), aliases=("pk-model-of-ours",))
    redact = Redactor()
    redact.learn(Snapshot(providers={"xai-production": provider}, models={model.name: model}))
    said = "xai-production: hf-meta-llama-3.1 is pk-model-of-ours, served by fw_llama_3_1_8b at xai-production."
    assert redact(said) == said
    assert redact("xai-production2 and hf-meta-llama-3") == "[redacted] and [redacted]"


def test_name_behind_a_prefix_is_one_of_the_configuration_too() -> None:
    provider = Provider("groq", "groq", "https://x.test")
    prefix = Model("cheap-*", (Candidate(provider, "gsk-llama-3.1-8b"),))
    redact = Redactor()
    redact.learn(Snapshot(providers={"groq": provider}, prefixes=(prefix,)))
    assert redact("cheap-one is gsk-llama-3.1-8b") == "cheap-one is gsk-llama-3.1-8b"


def test_placeholder_for_a_key_masks_no_name_of_the_configuration() -> None:
    """Servers that need no key are given their own name for one, as their pages show it."""
    keys = (
        Credential("k", Secret("lm-studio")),
        Credential("l", Secret("ollama")),
        Credential("m", Secret("qwen3-8b")),
    )
    provider = Provider("lm-studio-2", "ollama", "http://127.0.0.1/v1", credentials=keys)
    candidate = Candidate(provider, "qwen3-8b-q4")
    redact = Redactor()
    redact.learn(Snapshot(providers={"lm-studio-2": provider}, models={"small": Model("small", (candidate,))}))
    said = "provider lm-studio-2 of kind ollama: qwen3-8b-q4 is missing"
    assert redact(said) == said


@pytest.mark.parametrize(
    "echo",
    [
        pytest.param(lambda value: quote(value, safe=""), id="percent"),
        pytest.param(lambda value: b64encode(f"user:{value}".encode()).decode(), id="base64"),
        pytest.param(str.upper, id="in-capitals"),
        pytest.param(lambda value: value[:20], id="cut-off"),
        pytest.param(lambda value: f"{value[:9]}\n{value[9:]}", id="broken"),
    ],
)
def test_configured_secret_is_masked_in_other_forms_too(echo: Callable[[str], str]) -> None:
    value = "planted/words+of=no-vendors-shape"
    redact = Redactor()
    redact.learn(Snapshot(auth=Auth(admin_token=Secret(value))))
    said = redact(f"refused: {echo(value)}")
    assert said.endswith("[redacted]")
    assert "words" not in said.lower()


def test_of_a_process_s_environment_only_what_is_called_a_secret_is_masked_everywhere() -> None:
    """Its other values may be words of every log line; in what it prints itself they are masked all the same."""
    env = {
        "QWEN_API_KEY": "planted-one",
        "HF_TOKEN": "planted-two",
        "DB_PASS": "planted-three",
        "DATABASE_URL": "planted-four",
        "MODE": "production",
        "MODEL": "qwen3-coder-plus",
        "HF_HOME": "/data/models",
    }
    process = LocalProcess("run", env=tuple((name, Secret(value)) for name, value in env.items()))
    provider = Provider("a", "openai_compatible", "http://127.0.0.1/v1", process=process)
    redact = Redactor()
    redact.learn(Snapshot(providers={"a": provider}))
    assert redact(" ".join(env.values())) == " ".join(["[redacted]"] * 4 + ["production qwen3-coder-plus /data/models"])


def test_secrets_among_the_arguments_of_a_process_are_masked_everywhere() -> None:
    process = LocalProcess("serve", ("--api-key", "planted-one", "--port", "{port}"))
    redact = Redactor()
    redact.learn(Snapshot(providers={"a": Provider("a", "vllm", "http://127.0.0.1/v1", process=process)}))
    assert redact("planted-one at {port}") == "[redacted] at {port}"


def test_address_and_secret_of_the_alert_webhook_are_masked() -> None:
    redact = Redactor()
    redact.learn(Snapshot(alerts=Alerts(Secret("https://hooks.test/planted-path"), Secret("planted-signing-words"))))
    assert redact("POST https://hooks.test/planted-path by planted-signing-words") == "POST [redacted] by [redacted]"


def test_longer_secret_is_masked_whole_though_a_shorter_one_begins_it() -> None:
    keys = (Credential("short", Secret("planted")), Credential("long", Secret("planted-longer")))
    redact = Redactor()
    redact.learn(Snapshot(providers={"a": Provider("a", "openai", "https://x.test", credentials=keys)}))
    assert redact("planted-longer planted") == "[redacted] [redacted]"


def test_learning_replaces_what_was_known_and_remembered() -> None:
    key = Credential("k", Secret("plain-words"))
    redact = Redactor()
    redact.learn(Snapshot(providers={"a": Provider("a", "openai", "https://x.test", credentials=(key,))}))
    assert redact.name("plain-words") == "[redacted]"
    redact.learn(Snapshot())
    assert redact.name("plain-words") == "plain-words"


def test_very_short_configured_values_do_not_mask_ordinary_words() -> None:
    redact = Redactor()
    key = Credential("k", Secret("ok"))
    redact.learn(Snapshot(providers={"a": Provider("a", "openai", "https://x.test", credentials=(key,))}))
    assert redact("trail ok") == "trail ok"


def test_members_of_the_ring_that_keys_are_hashed_under_are_masked_each() -> None:
    redactor = Redactor()
    redactor.learn(Snapshot(auth=Auth(pepper=Secret("the-newest-words,the-older-words"))))
    assert redactor("the-newest-words and the-older-words") == "[redacted] and [redacted]"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql://me:hush%40hush@db.test/books", id="in-its-place"),
        pytest.param("postgresql://db.test/books?user=me&password=hush%40hush", id="as-a-parameter"),
    ],
)
def test_password_of_a_database_is_masked_as_it_is_written_and_as_it_is_meant(url: str) -> None:
    redactor = Redactor()
    redactor.learn(Snapshot(database_url=Secret(url)))
    assert "hush" not in redactor(f"{url} hush@hush")
    assert "db.test" in redactor(f"{url} hush@hush")


def test_database_without_a_password_masks_nothing() -> None:
    redactor = Redactor()
    redactor.learn(Snapshot(database_url=Secret("sqlite:///fairlead.db")))
    assert redactor("sqlite:///fairlead.db is locked") == "sqlite:///fairlead.db is locked"


def test_secrets_of_an_account_are_known() -> None:
    account = AwsAccount("us-east-1", SigningKeys("PLANTEDID", Secret("planted secret"), Secret("planted session")))
    key = Credential("aws", identity(account), account)
    redact = Redactor()
    redact.learn(Snapshot(providers={"a": Provider("a", "bedrock", "https://x.test", credentials=(key,))}))
    assert "planted" not in redact("PLANTEDID and planted secret and planted session").lower()
