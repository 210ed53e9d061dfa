from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from proxy.core.accounts import EntraAccount
from proxy.core.localprocess import LocalProcess
from proxy.core.secret import Secret
from proxy.core.snapshot import BreakerPolicy, CredentialOrder, Limits, Problem, Provider, QuotaMarker, Timeouts
from proxy.settings.problems import Report
from proxy.settings.provider_rows import Inherited, ProviderRows
from proxy.settings.provider_schema import ProviderRow
from tests.unit.settings.documents import build, only_problem, problems, warnings

OPENAI = '[providers.a]\nkind = "openai"\napi_key = "k"\n'


def provider(text: str, environ: dict[str, str] | None = None) -> Provider:
    snapshot = build(text, environ)
    assert [problem for problem in snapshot.problems if not problem.warning] == []
    return snapshot.providers["a"]


def test_a_provider_takes_what_it_does_not_say_from_its_kind() -> None:
    made = provider('[providers.a]\nkind = "groq"\napi_key = "k"')
    assert made.base_url == "https://api.groq.com/openai/v1"
    assert made.operations == {"chat", "speech", "transcriptions", "translations", "files", "batches"}
    assert made.limits_by_account
    assert made.enabled
    assert made.transport == "native"


def test_every_key_of_a_provider_reaches_the_snapshot() -> None:
    made = provider(
        """
        [providers.a]
        kind = "azure"
        base_url = "https://res.openai.azure.com/"
        api_keys = ["k1", "k2\\n"]
        credentials = "round_robin"
        priority = 3
        cost_multiplier = 1.1
        enabled = false
        api_version = "2024-10-21"
        deployment = "d"
        headers = { X-Team = "blue" }
        forward_headers = ["X-Trace"]
        drop_params = ["seed"]
        quota_markers = ["used up", { error = { code = "quota" } }]
        limits = { rpm = 60, tpm = 1000, parallel = 5 }
        transport = "httpx"
        proxy_url = "socks5://proxy:1080"
        tags = ["eu"]
        """
    )
    assert [(c.name, c.secret.reveal()) for c in made.credentials] == [("key-1", "k1"), ("key-2", "k2")]
    assert made.quota_markers == (QuotaMarker("used up"), QuotaMarker(subset={"error": {"code": "quota"}}))
    assert made.proxy_url == Secret("socks5://proxy:1080")
    assert {name: getattr(made, name) for name in SAID} == SAID


SAID: dict[str, object] = {
    "base_url": "https://res.openai.azure.com",
    "credential_order": CredentialOrder.ROUND_ROBIN,
    "priority": 3,
    "cost_multiplier": Decimal("1.1"),
    "enabled": False,
    "api_version": "2024-10-21",
    "deployment": "d",
    "headers": (("x-team", "blue"),),
    "forward_headers": frozenset({"x-trace"}),
    "drop_params": frozenset({"seed"}),
    "limits": Limits(60, 1000, 5),
    "transport": "httpx",
    "tags": ("eu",),
}


def test_requests_at_once_default_to_three_quarters_of_the_gateway() -> None:
    assert provider("[server]\nmax_in_flight = 100\n" + OPENAI).limits.parallel == 75
    assert provider("[server]\nmax_in_flight = 1\n" + OPENAI).limits.parallel == 1


def test_timeouts_are_laid_over_each_other_key_by_key() -> None:
    text = """
    [defaults]
    timeouts = { connect_s = 1, idle_s = 2, first_output_s = 3 }
    [providers.a]
    kind = "ollama"
    timeouts = { connect_s = 9 }
    """
    # Ollama's own first output wins over the default, its untouched values do not.
    assert provider(text).timeouts == Timeouts(9, 300, 300, 2, 600, 3600)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(OPENAI, BreakerPolicy(), id="built-in"),
        pytest.param("[defaults]\nbreaker = false\n" + OPENAI, None, id="off-for-all"),
        pytest.param("[defaults]\nbreaker = { open_s = 1 }\n" + OPENAI, BreakerPolicy(open_s=1), id="default"),
        pytest.param(OPENAI + "breaker = false", None, id="off"),
        pytest.param(OPENAI + "breaker = true", BreakerPolicy(), id="on"),
        pytest.param(
            "[defaults]\nbreaker = { open_s = 1 }\n" + OPENAI + "breaker = { consecutive = 9 }",
            BreakerPolicy(open_s=1, consecutive=9),
            id="laid-over-the-default",
        ),
        pytest.param(
            "[defaults]\nbreaker = false\n" + OPENAI + "breaker = { consecutive = 9 }",
            BreakerPolicy(consecutive=9),
            id="on-where-the-default-is-off",
        ),
    ],
)
def test_the_breaker_comes_from_the_provider_else_the_default(text: str, expected: BreakerPolicy | None) -> None:
    assert provider(text).breaker == expected


def test_the_proxy_needs_the_httpx_transport() -> None:
    assert provider(OPENAI + 'proxy_url = "env"').transport == "httpx"
    assert provider(OPENAI + 'proxy_url = "${P:-}"').transport == "native"
    assert only_problem(OPENAI + 'proxy_url = "env"\ntransport = "native"').where == "f.toml: providers.a.transport"


def test_a_header_value_is_not_shown_by_repr() -> None:
    made = provider(OPENAI + 'headers = { Authorization = "Bearer sk-planted" }')
    assert "sk-planted" not in repr(made)


def test_a_simulated_provider_lies_under_its_name() -> None:
    assert provider('[providers.a]\nkind = "simulator"').base_url == "http://127.0.0.1:9/a/v1"
    assert provider('[providers.a]\nkind = "simulator"\nbase_url = "http://x:1/v1"').base_url == "http://x:1/v1"


def test_a_credential_may_be_a_header() -> None:
    assert provider('[providers.a]\nkind = "openai"\nheaders = { Authorization = "Bearer k" }').credentials == ()


@pytest.mark.parametrize(
    ("row", "key"),
    [
        pytest.param('kind = "opnai"\napi_key = "k"', ".kind", id="unknown-kind"),
        pytest.param("", ".kind", id="no-kind"),
        pytest.param('kind = "openai"', ".api_key", id="credential-missing"),
        pytest.param('kind = "openai"\napi_key = ""', ".api_key", id="credential-empty"),
        pytest.param('kind = "openai"\napi_key = "  "', ".api_key", id="credential-blank"),
        pytest.param('kind = "openai"\napi_keys = ["k", ""]', ".api_keys[1]", id="one-credential-empty"),
        pytest.param('kind = "openai"\napi_keys = []', ".api_keys", id="no-credential-in-list"),
        pytest.param('kind = "openai"\napi_keys = ["k", "k"]', ".api_keys[1]", id="credential-twice"),
        pytest.param('kind = "openai"\napi_key = "k"\napi_keys = ["l"]', ".api_keys", id="both-credential-keys"),
        pytest.param('kind = "openai"\napi_key = "k\\nl"', ".api_key", id="credential-on-two-lines"),
        pytest.param('kind = "bedrock"\nregion = "eu-central-1"\napi_key = ""', ".api_key", id="bedrock-key-empty"),
        pytest.param(
            'kind = "bedrock"\nregion = "r"\naws_secret_access_key = "s"', ".aws_secret_access_key", id="aws-id-missing"
        ),
        pytest.param(
            'kind = "azure"\nbase_url = "https://r.test"\nclient_secret = ""\napi_key = "k"\nauth = "key"',
            ".client_secret",
            id="client-secret-empty",
        ),
        pytest.param('kind = "openai"\napi_key = "${NOPE}"', ".api_key", id="variable-unset"),
        pytest.param('kind = "openai_compatible"', ".base_url", id="base-url-missing"),
        pytest.param('kind = "ollama"\nbase_url = "ftp://x"', ".base_url", id="base-url-scheme"),
        pytest.param('kind = "ollama"\nbase_url = "http://"', ".base_url", id="base-url-without-host"),
        pytest.param('kind = "ollama"\nbase_url = "http://u:p@x"', ".base_url", id="base-url-with-credentials"),
        pytest.param('kind = "ollama"\nbase_url = "http://x/?key=1"', ".base_url", id="base-url-with-query"),
        pytest.param('kind = "ollama"\nbase_url = "http://x:99999"', ".base_url", id="base-url-port"),
        pytest.param('kind = "ollama"\nbase_url = "http://x y"', ".base_url", id="base-url-with-space"),
        pytest.param('kind = "ollama"\nproxy_url = "ftp://x"', ".proxy_url", id="proxy-scheme"),
        pytest.param('kind = "ollama"\nproxy_url = "http://x:0"', ".proxy_url", id="proxy-port"),
        pytest.param('kind = "ollama"\nproxy_url = "http://x:99999"', ".proxy_url", id="proxy-port-too-large"),
        pytest.param('kind = "ollama"\napi_version = "v1"', ".api_version", id="key-of-another-kind"),
        pytest.param('kind = "ollama"\nargs = ["x"]', ".args", id="args-without-command"),
        pytest.param('kind = "ollama"\nca_file = "/no/such/file"', ".ca_file", id="file-missing"),
        pytest.param('kind = "ollama"\nheaders = { "a b" = "x" }', '.headers."a b"', id="header-name"),
        pytest.param('kind = "ollama"\nheaders = { Host = "x" }', ".headers.Host", id="framing-header"),
        pytest.param('kind = "ollama"\nheaders = { a = "x\\r\\ny" }', ".headers.a", id="header-value"),
        pytest.param('kind = "ollama"\nforward_headers = ["Cookie"]', ".forward_headers[0]", id="client-credential"),
        pytest.param('kind = "ollama"\nquota_markers = [""]', ".quota_markers[0]", id="empty-marker"),
        pytest.param('kind = "ollama"\ncost_multiplier = -1', ".cost_multiplier", id="negative-multiplier"),
        pytest.param('kind = "ollama"\napi_kye = "k"', ".api_kye", id="unknown-key"),
    ],
)
def test_a_bad_row_is_told_and_left_out(row: str, key: str) -> None:
    problem = only_problem(f"[providers.a]\n{row}")
    assert problem.where == f"f.toml: providers.a{key}"
    assert not problem.fatal
    assert build(f"[providers.a]\n{row}").providers == {}


def test_a_bad_row_leaves_the_others() -> None:
    snapshot = build(OPENAI + '[providers.b]\nkind = "nope"')
    assert list(snapshot.providers) == ["a"]


def test_a_row_that_is_no_table_is_told() -> None:
    assert only_problem("[providers]\na = 3").where == "f.toml: providers.a"


@pytest.mark.parametrize("name", ["a/b", "a b", "ü", "-a", "x" * 65])
def test_a_provider_name_must_fit_into_headers_paths_and_labels(name: str) -> None:
    assert only_problem(f'[providers."{name}"]\nkind = "ollama"').found == "a name that does not fit"


def test_certificate_files_are_looked_for(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    certificate.touch()
    text = f"[providers.a]\nkind = 'ollama'\nclient_cert = '{certificate}, {key}'"
    assert only_problem(text).where == "f.toml: providers.a.client_cert"
    key.touch()
    assert provider(text).transport == "httpx"


@pytest.mark.parametrize(
    "row",
    [
        pytest.param('kind = "anthropic"\napi_key = "k"', id="anthropic"),
        pytest.param('kind = "gemini"\napi_key = "k"', id="gemini"),
        pytest.param('kind = "cohere"\napi_key = "k"', id="cohere"),
        pytest.param('kind = "perplexity"\napi_key = "k"', id="perplexity"),
        pytest.param('kind = "bedrock"\nregion = "eu-central-1"\napi_key = "k"', id="bedrock"),
        pytest.param(
            'kind = "bedrock"\nregion = "eu-central-1"\naws_access_key_id = "i"\naws_secret_access_key = "s"', id="keys"
        ),
    ],
)
def test_every_vendor_of_its_own_dialect_serves(row: str) -> None:
    text = f"[providers.a]\n{row}"
    assert problems(text) == []
    assert provider(text).enabled


COMMAND = """[providers.a]
kind = "openai_compatible"
command = "uvx"
args = ["x", "--port", "{port}"]
env = { A = "own", B = "own too" }
pass_env = ["B", "C", "D"]
start = "eager"
idle_stop_s = 60
start_s = 5
"""


def test_a_command_is_a_process_with_an_environment_of_its_own() -> None:
    environ = {"PATH": "/bin", "LC_ALL": "C", "B": "b", "C": "c", "OPENAI_API_KEY": "another's"}
    made = provider(COMMAND, environ)
    assert made.enabled and made.base_url == "http://127.0.0.1/v1"
    assert made.process == LocalProcess(
        "uvx",
        ("x", "--port", "{port}"),
        (("PATH", "/bin"), ("LC_ALL", "C")),
        (("B", Secret("own too")), ("C", Secret("c")), ("A", Secret("own"))),
        eager=True,
        idle_stop_s=60.0,
        start_s=5.0,
    )


def test_a_command_starts_on_first_use_and_never_stops_unless_told_otherwise() -> None:
    process = provider('[providers.a]\nkind = "vllm"\ncommand = "vllm"\nargs = ["--port={port}"]').process
    assert process is not None
    assert (process.eager, process.idle_stop_s, process.start_s) == (False, None, 120.0)


@pytest.mark.parametrize(
    ("more", "key"),
    [
        pytest.param('args = ["--port", "80"]', ".args", id="no-port"),
        pytest.param('args = ["{port}"]\ntransport = "httpx"', ".command", id="another-transport"),
        pytest.param('args = ["{port}", "a\\u0000b"]', ".command", id="a-nul"),
        pytest.param('args = ["{port}"]\nenv = { "A=B" = "c" }', ".env", id="a-name-with-an-equals-sign"),
    ],
)
def test_a_command_that_cannot_work_is_told(more: str, key: str) -> None:
    text = f'[providers.a]\nkind = "openai_compatible"\ncommand = "x"\n{more}'
    assert only_problem(text).where == f"f.toml: providers.a{key}"


@pytest.mark.parametrize(
    "row",
    [
        pytest.param('kind = "openai"\napi_key = "${NOPE}"', id="credential"),
        pytest.param('kind = "openai"\napi_key_env = "NOPE"', id="by-suffix"),
        pytest.param('kind = "openai"\napi_keys = ["${NOPE}", "k"]', id="one-of-several"),
        pytest.param('kind = "azure"\napi_key = "k"\nbase_url = "${NOPE}"', id="base-url"),
    ],
)
def test_an_optional_provider_that_misses_a_variable_is_disabled_with_a_warning(row: str) -> None:
    text = f"[providers.a]\noptional = true\n{row}"
    assert not provider(text).enabled
    (warning,) = warnings(text)
    assert warning.found == "the environment variable NOPE is not set"


def test_an_optional_provider_with_its_variables_serves() -> None:
    assert provider('[providers.a]\noptional = true\nkind = "openai"\napi_key = "${K}"', {"K": "k"}).enabled


def test_an_optional_provider_may_not_be_wrong_otherwise() -> None:
    text = '[providers.a]\noptional = true\nkind = "openai"\napi_key = "${NOPE}"\npriority = -1'
    assert only_problem(text).where == "f.toml: providers.a.priority"
    assert build(text).providers == {}


ENTRA = {"kind": "azure", "base_url": "https://r.openai.azure.com", "auth": "entra"}


def rows_of(
    row: Mapping[str, object], *, installed: bool, is_discovered: bool = False
) -> tuple[dict[str, Provider], list[Problem]]:
    """Build one provider where the extras are installed or not."""
    report = Report("f.toml")
    inherited = Inherited(
        Timeouts(), None, 100, None, {}, is_discovered=is_discovered, has_module=lambda module: installed
    )
    rows = ProviderRows({"a": ProviderRow.model_validate(row)}, frozenset(), inherited, report)
    return rows.build(), report.problems


def test_an_account_is_one_credential_that_its_health_is_remembered_by() -> None:
    made, problems = rows_of({**ENTRA, "tenant_id": "t", "client_id": "c", "client_secret": "planted"}, installed=True)
    assert problems == []
    (credential,) = made["a"].credentials
    assert credential.name == "entra"
    assert isinstance(credential.account, EntraAccount)
    assert credential.account.client_secret == Secret("planted")
    assert "planted" not in repr(made) + credential.id


def test_a_changed_secret_is_another_credential() -> None:
    ids = {
        rows_of({**ENTRA, "tenant_id": "t", "client_id": "c", "client_secret": secret}, installed=True)[0]["a"]
        .credentials[0]
        .id
        for secret in ("one", "two", "two")
    }
    assert len(ids) == 2


def test_an_account_whose_extra_is_missing_is_told_and_left_out() -> None:
    made, (problem,) = rows_of(ENTRA, installed=False)
    assert made == {}
    assert not problem.warning
    assert not problem.fatal
    assert problem.fix == 'pip install "fairlead[azure]"'


def test_a_discovered_account_whose_extra_is_missing_is_only_warned_of() -> None:
    made, (problem,) = rows_of(ENTRA, installed=False, is_discovered=True)
    assert not made["a"].enabled
    assert problem.warning


def test_what_an_account_lacks_is_told() -> None:
    made, (problem,) = rows_of({**ENTRA, "client_secret": "s", "client_id": "c"}, installed=True)
    assert made == {}
    assert problem.where == "f.toml: providers.a.tenant_id"


def test_regions_and_projects_reach_the_provider() -> None:
    made, _ = rows_of({"kind": "bedrock", "region": "eu-central-1", "aws_profile": "p"}, installed=True)
    assert made["a"].region == "eu-central-1"
    assert made["a"].base_url == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    assert [credential.name for credential in made["a"].credentials] == ["aws"]
    made, _ = rows_of({"kind": "vertex", "project": "p", "location": "eu"}, installed=True)
    assert (made["a"].project, made["a"].location) == ("p", "eu")
    assert [credential.name for credential in made["a"].credentials] == ["google"]


def test_a_key_of_the_environment_is_a_key() -> None:
    text = '[providers.a]\nkind = "bedrock"\nregion = "eu-central-1"'
    (credential,) = build(text, {"AWS_BEARER_TOKEN_BEDROCK": "b"}).providers["a"].credentials
    assert (credential.name, credential.secret, credential.account) == ("key-1", Secret("b"), None)
