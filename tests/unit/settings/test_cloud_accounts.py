"""Accounts of clouds from a row and the environment: what is taken from where, and what is lacking."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from proxy.core.access import SigningKeys
from proxy.core.accounts import AwsAccount, EntraAccount, GoogleAccount
from proxy.core.secret import Secret
from proxy.settings.cloud_accounts import Cloud, account_faults, is_installed, missing_extra, read_cloud
from proxy.settings.provider_schema import ProviderRow

PUBLIC = "login.microsoftonline.com"
SCOPE = "https://cognitiveservices.azure.com/.default"
AWS = {"AWS_ACCESS_KEY_ID": "ID", "AWS_SECRET_ACCESS_KEY": "s"}
SERVICE = {
    "type": "service_account",
    "client_email": "e",
    "private_key": "planted",
    "token_uri": "u",
    "project_id": "of-file",
}


def cloud(row: Mapping[str, object], environ: Mapping[str, str] | None = None) -> Cloud:
    return read_cloud(ProviderRow.model_validate(row), environ or {})


def azure(**row: object) -> dict[str, object]:
    return {"kind": "azure", "base_url": "https://r.openai.azure.com", "auth": "entra", **row}


@pytest.mark.parametrize("row", [{"kind": "openai"}, azure(auth="key", api_key="k")])
def test_kind_that_takes_a_key_has_no_account(row: dict[str, object]) -> None:
    assert cloud(row, {**AWS, "AZURE_TENANT_ID": "t"}) == Cloud()


@pytest.mark.parametrize(
    ("row", "environ", "account"),
    [
        pytest.param(
            azure(tenant_id="t", client_id="c", client_secret="s"),
            {"AZURE_TENANT_ID": "other", "AZURE_FEDERATED_TOKEN_FILE": "/token"},
            EntraAccount(SCOPE, PUBLIC, "t", "c", Secret("s")),
            id="secret-of-the-row",
        ),
        pytest.param(
            azure(),
            {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s"},
            EntraAccount(SCOPE, PUBLIC, "t", "c", Secret("s")),
            id="secret-of-the-environment",
        ),
        pytest.param(
            azure(),
            {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_FEDERATED_TOKEN_FILE": "/token"},
            EntraAccount(SCOPE, PUBLIC, "t", "c", token_file="/token"),
            id="workload-identity",
        ),
        pytest.param(
            azure(client_id="mine"),
            {
                "AZURE_TENANT_ID": "t",
                "AZURE_CLIENT_ID": "other",
                "AZURE_CLIENT_SECRET": "s",
                "AZURE_FEDERATED_TOKEN_FILE": "/f",
            },
            EntraAccount(SCOPE, PUBLIC, "t", "mine"),
            id="secret-of-another-application",
        ),
        pytest.param(azure(), {"AZURE_CLIENT_SECRET": " "}, EntraAccount(SCOPE, PUBLIC), id="managed-identity"),
        pytest.param(
            azure(),
            {"AZURE_AUTHORITY_HOST": "https://login.test/"},
            EntraAccount(SCOPE, "https://login.test/"),
            id="authority",
        ),
    ],
)
def test_entra_identity_comes_from_row_and_environment(
    row: dict[str, object], environ: dict[str, str], account: EntraAccount
) -> None:
    assert cloud(row, environ) == Cloud(account)


def test_secret_without_its_application_is_told() -> None:
    faults = cloud(azure(client_secret="planted")).faults
    assert [fault.key for fault in faults] == ["tenant_id", "client_id"]
    assert "planted" not in str(faults)


@pytest.mark.parametrize(
    ("row", "variable"),
    [
        pytest.param({"kind": "bedrock"}, "AWS_REGION", id="bedrock"),
        pytest.param({"kind": "vertex"}, "GOOGLE_CLOUD_PROJECT", id="vertex"),
        pytest.param(azure(client_secret="s", client_id="c"), "AZURE_TENANT_ID", id="azure"),
    ],
)
def test_what_an_account_lacks_can_be_set_without_a_file(row: dict[str, object], variable: str) -> None:
    (fault,) = cloud(row).faults
    assert fault.fix == f"set {variable}, or in a file write {fault.key}"
    assert cloud(row, {variable: "eu-west-1"}).faults == ()


def test_vertex_is_its_file_project_and_location(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(json.dumps(SERVICE))
    row = {"kind": "vertex", "credentials_file": str(file), "location": "europe-west4"}
    url = "https://europe-west4-aiplatform.googleapis.com"
    assert cloud(row) == Cloud(GoogleAccount(str(file)), None, url, None, "of-file", "europe-west4")
    assert cloud({**row, "project": "p"}).project == "p"
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(file), "GOOGLE_CLOUD_LOCATION": "eu", "GOOGLE_CLOUD_PROJECT": "q"}
    made = cloud({"kind": "vertex"}, environ)
    assert (made.account, made.project, made.location) == (GoogleAccount(str(file)), "q", "eu")


def test_vertex_without_a_file_is_what_the_machine_offers() -> None:
    made = cloud({"kind": "vertex", "project": "p"})
    assert made == Cloud(GoogleAccount(), None, "https://aiplatform.googleapis.com", None, "p", "global")


def test_vertex_with_a_key_has_no_account() -> None:
    made = cloud({"kind": "vertex", "api_key": "k"})
    assert made == Cloud(base_url="https://aiplatform.googleapis.com", location="global")


@pytest.mark.parametrize(
    ("content", "key", "found"),
    [
        pytest.param(None, "credentials_file", "a file that cannot be read (No such file or directory)", id="gone"),
        pytest.param("planted", "credentials_file", "a file that is not a JSON object", id="not-json"),
        pytest.param('{"type": "external_account"}', "project", "nothing", id="no-project"),
    ],
)
def test_what_vertex_lacks_is_told(content: str | None, key: str, found: str, tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    if content is not None:
        file.write_text(content)
    (fault,) = cloud({"kind": "vertex", "credentials_file": str(file)}).faults
    assert (fault.key, fault.found) == (key, found)


REGION = {"kind": "bedrock", "region": "eu-central-1"}
URL = "https://bedrock-runtime.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    ("row", "environ", "account", "api_key"),
    [
        pytest.param({"api_key": "k"}, {"AWS_BEARER_TOKEN_BEDROCK": "b", **AWS}, None, None, id="key-of-the-row"),
        pytest.param({}, {"AWS_BEARER_TOKEN_BEDROCK": "b", **AWS}, None, "b", id="key-of-the-environment"),
        pytest.param(
            {"aws_access_key_id": "I", "aws_secret_access_key": "t"},
            {"AWS_BEARER_TOKEN_BEDROCK": "b", "AWS_SESSION_TOKEN": "x"},
            AwsAccount("eu-central-1", SigningKeys("I", Secret("t"))),
            None,
            id="keys-of-the-row",
        ),
        pytest.param(
            {},
            {**AWS, "AWS_SESSION_TOKEN": "x"},
            AwsAccount("eu-central-1", SigningKeys("ID", Secret("s"), Secret("x"))),
            None,
            id="keys-of-the-environment",
        ),
        pytest.param({"aws_profile": "p"}, AWS, AwsAccount("eu-central-1", None, "p"), None, id="profile"),
        pytest.param({}, {}, AwsAccount("eu-central-1"), None, id="chain"),
    ],
)
def test_bedrock_is_its_region_and_one_place_for_keys(
    row: dict[str, object], environ: dict[str, str], account: AwsAccount | None, api_key: str | None
) -> None:
    assert cloud({**REGION, **row}, environ) == Cloud(account, api_key, URL, "eu-central-1")


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_region_may_come_from_the_environment(name: str) -> None:
    assert cloud({"kind": "bedrock"}, {name: "us-west-2"}).region == "us-west-2"


@pytest.mark.parametrize(
    ("row", "is_wrong"),
    [
        pytest.param({}, True, id="nothing"),
        pytest.param({"api_key": "k"}, True, id="key"),
        pytest.param({"api_key": "k", "base_url": "https://b.test"}, False, id="key-and-address"),
        pytest.param({"base_url": "https://b.test"}, True, id="address-alone"),
    ],
)
def test_bedrock_without_a_region_is_told(row: dict[str, object], is_wrong: bool) -> None:
    made = cloud({"kind": "bedrock", **row})
    assert [fault.key for fault in made.faults] == (["region"] if is_wrong else [])
    assert made.account is None


@pytest.mark.parametrize(
    ("row", "keys"),
    [
        pytest.param(azure(), [], id="entra"),
        pytest.param(
            {"kind": "azure", "api_key": "k", "tenant_id": "t", "client_secret": "s"},
            ["tenant_id", "client_secret"],
            id="no-entra",
        ),
        pytest.param(azure(api_key="k"), ["auth"], id="key-and-entra"),
        pytest.param({**REGION, "api_key": "k", "aws_profile": "p"}, ["aws_profile"], id="key-and-profile"),
        pytest.param({**REGION, "aws_access_key_id": "i", "aws_profile": "p"}, ["aws_profile"], id="keys-and-profile"),
        pytest.param({**REGION, "aws_profile": "p"}, [], id="profile"),
        pytest.param({"kind": "bedrock", "region": "evil.test/#"}, ["region"], id="region"),
        pytest.param({"kind": "vertex", "location": "EU"}, ["location"], id="location"),
    ],
)
def test_keys_that_do_not_fit_together_are_told(row: dict[str, object], keys: list[str]) -> None:
    assert [fault.key for fault in account_faults(ProviderRow.model_validate(row))] == keys


def test_region_that_is_none_gives_no_address() -> None:
    assert cloud({"kind": "bedrock", "region": "evil.test/#"}).base_url is None
    assert cloud({"kind": "vertex", "location": "evil.test/#", "project": "p"}).base_url is None


def test_extra_that_is_not_installed_is_told_with_its_command() -> None:
    fault = missing_extra(GoogleAccount(), lambda module: module != "requests")
    assert fault is not None
    assert fault.fix == 'pip install "fairlead[vertex]"'
    assert missing_extra(GoogleAccount(), lambda module: True) is None
    assert missing_extra(AwsAccount("r", SigningKeys("i", Secret("s"))), lambda module: False) is None


@pytest.mark.parametrize(("module", "expected"), [("json", True), ("nowhere", False), ("nowhere.inner", False)])
def test_module_is_looked_for_without_an_error(module: str, expected: bool) -> None:
    assert is_installed(module) is expected
