from __future__ import annotations

from decimal import Decimal

import pytest

from proxy.core.price import Cost
from proxy.core.snapshot import Snapshot
from proxy.core.usage import Usage
from proxy.pricing.cost import cost
from proxy.settings.discover import discovered_document, ollama_url, serves
from proxy.settings.load import load_snapshot
from tests.unit.settings.documents import KEY


def load(environ: dict[str, str], *, ollama_answers: bool = False) -> Snapshot:
    return load_snapshot(
        None, environ, strict=False, simulator_url="http://127.0.0.1:9", version=1, ollama_answers=ollama_answers
    )


@pytest.mark.parametrize(
    ("variable", "kind"),
    [
        ("OPENAI_API_KEY", "openai"),
        ("OPENROUTER_API_KEY", "openrouter"),
        ("DASHSCOPE_API_KEY", "qwen"),
        ("FIREWORKS_API_KEY", "fireworks"),
        ("GROQ_API_KEY", "groq"),
        ("MISTRAL_API_KEY", "mistral"),
        ("DEEPSEEK_API_KEY", "deepseek"),
        ("XAI_API_KEY", "xai"),
        ("TOGETHER_API_KEY", "together"),
    ],
)
def test_a_key_in_the_environment_is_a_provider(variable: str, kind: str) -> None:
    made = load({variable: "k"})
    assert made.source == "environment"
    (provider,) = made.providers.values()
    assert (provider.name, provider.kind, provider.enabled) == (kind, kind, True)
    assert provider.credentials[0].secret.reveal() == "k"
    assert made.server.direct_models
    assert made.models == {}


def test_a_base_url_in_the_environment_is_taken() -> None:
    made = load({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://eu.api.openai.com/v1"})
    assert made.providers["openai"].base_url == "https://eu.api.openai.com/v1"


def test_azure_is_its_endpoint_key_and_version() -> None:
    environ = {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://res.openai.azure.com"}
    assert load(environ).providers["azure"].api_version is None
    made = load({**environ, "OPENAI_API_VERSION": "2024-10-21"}).providers["azure"]
    assert (made.base_url, made.api_version) == ("https://res.openai.azure.com", "2024-10-21")


def test_azure_without_its_endpoint_is_told_and_the_rest_serves() -> None:
    made = load({"AZURE_OPENAI_API_KEY": "k", "OPENAI_API_KEY": "k"})
    assert list(made.providers) == ["openai"]
    assert [problem.where for problem in made.problems] == ["environment: providers.azure.base_url"]
    assert made.problems[0].fix == (
        'set AZURE_OPENAI_ENDPOINT, and in a file write base_url_env = "AZURE_OPENAI_ENDPOINT"'
    )


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_variable_is_none(value: str) -> None:
    assert load({"OPENAI_API_KEY": value}).source == "demo"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0:8000", "http://127.0.0.1:8000/v1"),
        (":8000", "http://127.0.0.1:8000/v1"),
        ("gpu.lan:11434", "http://gpu.lan:11434/v1"),
        ("http://gpu.lan", "http://gpu.lan:80/v1"),
        ("https://gpu.lan/", "https://gpu.lan:443/v1"),
        ("https://gpu.lan/ollama/v1", "https://gpu.lan:443/ollama/v1"),
        ("[::]:8000", "http://127.0.0.1:8000/v1"),
        ("[fd00::1]", "http://[fd00::1]:11434/v1"),
        ("host:port", "host:port"),
    ],
)
def test_ollama_host_is_read_as_ollama_does(host: str, expected: str) -> None:
    assert ollama_url(host) == expected


def test_an_ollama_host_that_cannot_be_read_is_told() -> None:
    made = load({"OLLAMA_HOST": "host:port", "OPENAI_API_KEY": "k"})
    assert [problem.where for problem in made.problems] == ["environment: providers.ollama.base_url"]


@pytest.mark.parametrize(
    ("environ", "answers", "expected"),
    [
        pytest.param({}, True, {"kind": "ollama"}, id="its-port-answers"),
        pytest.param(
            {"OLLAMA_HOST": "x", "OLLAMA_API_KEY": "k"},
            True,
            {"kind": "ollama", "base_url": "http://x:11434/v1", "api_key": "${OLLAMA_API_KEY}"},
            id="an-own-host",
        ),
        pytest.param({"OLLAMA_API_KEY": "k"}, True, {"kind": "ollama"}, id="this-machine-gets-no-cloud-key"),
        pytest.param(
            {"OLLAMA_API_KEY": "k"},
            False,
            {"kind": "ollama", "base_url": "https://ollama.com/v1", "api_key": "${OLLAMA_API_KEY}"},
            id="the-cloud",
        ),
    ],
)
def test_ollama_is_its_host_else_this_machine_else_the_cloud(
    environ: dict[str, str], answers: bool, expected: dict[str, str]
) -> None:
    document = discovered_document(environ, ollama_answers=answers)
    assert document["providers"] == {"ollama": expected}


def test_nothing_copies_a_secret_into_the_document() -> None:
    environ = {"OPENAI_API_KEY": "sk-planted", "FAIRLEAD_CLIENT_KEY": "sk-planted", "OLLAMA_API_KEY": "sk-planted"}
    assert "sk-planted" not in repr(discovered_document(environ, ollama_answers=False))


def test_client_key_and_admin_token_come_from_the_environment() -> None:
    made = load({"FAIRLEAD_CLIENT_KEY": KEY, "FAIRLEAD_ADMIN_TOKEN": KEY + "x", "FAIRLEAD_HOST": "0.0.0.0"})
    assert made.auth.mode == "keys"
    assert [key.name for key in made.auth.keys.values()] == ["environment"]
    assert made.auth.admin_token


def test_with_nothing_set_the_demo_serves() -> None:
    made = load({})
    assert made.source == "demo"
    assert made.problems == ()
    assert made.default_model == "demo"
    first, second = made.models["demo"].candidates
    assert (first.priority, second.priority) == (1, 2)
    assert first.provider.base_url == "http://127.0.0.1:9/sim-primary/v1"
    assert made.server.direct_models


def test_the_demo_costs_nothing() -> None:
    paid = [cost(Usage(1_000, 1_000), item.price, Decimal(1)) for item in load({}).models["demo"].candidates]
    assert paid == [Cost(0, "configured")] * 2


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({"kind": "openai"}, True, id="base-url-of-the-kind"),
        pytest.param({"kind": "azure"}, False, id="no-base-url"),
        pytest.param({"kind": "azure", "base_url": "https://x"}, True, id="own-base-url"),
    ],
)
def test_what_can_serve_is_known(row: dict[str, str], expected: bool) -> None:
    assert serves({"providers": {"a": row}}) is expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param(
            {"AZURE_OPENAI_ENDPOINT": "x", "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "OPENAI_API_VERSION": "v"},
            {
                "azure": {
                    "kind": "azure",
                    "auth": "entra",
                    "base_url": "${AZURE_OPENAI_ENDPOINT}",
                    "api_version": "${OPENAI_API_VERSION}",
                }
            },
            id="azure-identity",
        ),
        pytest.param(
            {"AZURE_OPENAI_ENDPOINT": "x", "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_OPENAI_API_KEY": "k"},
            {"azure": {"kind": "azure", "api_key": "${AZURE_OPENAI_API_KEY}", "base_url": "${AZURE_OPENAI_ENDPOINT}"}},
            id="azure-key-first",
        ),
        pytest.param({"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}, {}, id="azure-without-an-endpoint"),
        pytest.param(
            {"GOOGLE_APPLICATION_CREDENTIALS": "/k", "GOOGLE_CLOUD_PROJECT": "p"},
            {"vertex": {"kind": "vertex"}},
            id="google-file-and-project",
        ),
        pytest.param({"GOOGLE_GENAI_USE_VERTEXAI": "True"}, {"vertex": {"kind": "vertex"}}, id="google-says-so"),
        pytest.param(
            {"GOOGLE_GENAI_USE_VERTEXAI": "false", "GOOGLE_CLOUD_PROJECT": "p"}, {}, id="google-project-alone"
        ),
        pytest.param(
            {"AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "r"},
            {"bedrock": {"kind": "bedrock"}},
            id="aws-keys",
        ),
        pytest.param({"AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s"}, {}, id="aws-keys-without-a-region"),
        pytest.param({"AWS_PROFILE": "p", "AWS_REGION": "r"}, {}, id="aws-profile-of-other-programs"),
        pytest.param(
            {"AWS_BEARER_TOKEN_BEDROCK": "b", "AWS_REGION": "r"},
            {"bedrock": {"kind": "bedrock", "api_key": "${AWS_BEARER_TOKEN_BEDROCK}"}},
            id="aws-key",
        ),
    ],
)
def test_accounts_of_clouds_are_found(environ: dict[str, str], expected: dict[str, object]) -> None:
    assert discovered_document(environ, ollama_answers=False)["providers"] == expected
