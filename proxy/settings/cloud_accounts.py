"""From a provider's row and the environment to its account at a cloud, where its vendor takes no mere key.

Reads the Google credentials file that is named, and looks which extras are installed; imports none of them. What the
row does not say comes from the variables that the cloud's own tools read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from proxy.core.access import SigningKeys
from proxy.core.accounts import Account, AwsAccount, EntraAccount, GoogleAccount
from proxy.core.secret import Secret
from proxy.credentials.oauth import entra_target, parse_google_file
from proxy.providers.extras import extra_of, install_hint
from proxy.providers.regions import bedrock_url, is_region, vertex_url
from proxy.settings.fields import RowFault
from proxy.settings.provider_schema import ProviderRow

AZURE, BEDROCK, VERTEX = "azure", "bedrock", "vertex"
NAMES: Mapping[type[Account], str] = {GoogleAccount: "google", EntraAccount: "entra", AwsAccount: "aws"}
_OF_ENTRA = ("tenant_id", "client_id", "client_secret")
_OF_AWS = ("aws_access_key_id", "aws_profile")
LARGEST_FILE_BYTES = 65_536


class Cloud(NamedTuple):
    """What a row and the environment say together.

    Attributes:
        api_key: A key that only the environment has.
        base_url: Of the region or location; None where the row or the kind has to say it.
        faults: What the provider lacks before it can serve.
    """

    account: Account | None = None
    api_key: str | None = None
    base_url: str | None = None
    region: str | None = None
    project: str | None = None
    location: str | None = None
    faults: tuple[RowFault, ...] = ()


def is_installed(module: str) -> bool:
    """Whether a module could be imported. Packages that merely hold it are imported for that, and are empty."""
    try:
        return find_spec(module) is not None
    except ImportError:
        return False


def read_cloud(row: ProviderRow, environ: Mapping[str, str]) -> Cloud:
    """Read what a provider of a cloud is; an empty `Cloud` for every other kind."""
    match row.kind:
        case "azure":
            return _azure(row, environ) if row.auth == "entra" else Cloud()
        case "vertex":
            return _vertex(row, environ)
        case "bedrock":
            return _bedrock(row, environ)
        case _:
            return Cloud()


def missing_extra(account: Account, has_module: Callable[[str], bool] = is_installed) -> RowFault | None:
    """Say which extra an account needs that is not installed."""
    extra = extra_of(account)
    if extra is None or all(has_module(module) for module in extra.modules):
        return None
    found = f"an account that needs the extra {extra.name}, which is not installed"
    return RowFault("kind", found, "its packages", install_hint(extra))


def account_faults(row: ProviderRow) -> Iterator[RowFault]:
    """Find keys of accounts that do not fit together."""
    has_key = row.api_key is not None or row.api_keys is not None
    for key in _OF_ENTRA:
        if row.kind == AZURE and row.auth != "entra" and getattr(row, key):
            yield RowFault(key, "a key without effect", 'auth = "entra" beside it', 'add auth = "entra" or remove it')
    second = [key for key in _OF_AWS if getattr(row, key) is not None]
    if has_key and row.auth == "entra":
        second.append("auth")
    for key in second if has_key else second[1:]:
        fix = "remove one of the two"
        yield RowFault(key, "a second place for credentials", "one place for credentials", fix)
    for key, example in (("region", "us-east-1"), ("location", "us-east1")):
        name = getattr(row, key)
        if name is not None and not is_region(name):
            yield RowFault(key, "a name that does not fit", f'a name such as "{example}"', "correct it")


def _azure(row: ProviderRow, environ: Mapping[str, str]) -> Cloud:
    said = _Said(environ)
    tenant_id = row.tenant_id or said.first("AZURE_TENANT_ID")
    client_id = row.client_id or said.first("AZURE_CLIENT_ID")
    # The environment's secret and token belong to the application that it names, and to no other.
    is_that = client_id == (said.first("AZURE_CLIENT_ID") or client_id)
    secret = row.client_secret or (said.first("AZURE_CLIENT_SECRET") if is_that else None)
    token_file = said.first("AZURE_FEDERATED_TOKEN_FILE") if is_that and not secret else None
    target = entra_target(row.base_url or "")
    account = EntraAccount(
        scope=target.scope,
        authority=said.first("AZURE_AUTHORITY_HOST") or target.authority,
        tenant_id=tenant_id,
        client_id=client_id,
        client_secret=Secret(secret) if secret else None,
        token_file=token_file,
    )
    needed = {"tenant_id": tenant_id, "client_id": client_id} if secret or token_file else {}
    faults = [
        RowFault(key, "nothing", "what the secret or token belongs to", _how_to_set(f"AZURE_{key.upper()}", key))
        for key, value in needed.items()
        if not value
    ]
    return Cloud(account, faults=tuple(faults))


def _vertex(row: ProviderRow, environ: Mapping[str, str]) -> Cloud:
    said = _Said(environ)
    location = row.location or said.first("GOOGLE_CLOUD_LOCATION") or "global"
    base_url = vertex_url(location) if is_region(location) else None
    project = row.project or said.first("GOOGLE_CLOUD_PROJECT")
    if row.api_key is not None or row.api_keys is not None:
        return Cloud(base_url=base_url, project=project, location=location)
    file = row.credentials_file or said.first("GOOGLE_APPLICATION_CREDENTIALS")
    of_file, fault = _read_google_file(file) if file else (None, None)
    project = project or of_file
    if not project and not fault:
        fix = _how_to_set("GOOGLE_CLOUD_PROJECT", "project")
        fault = RowFault("project", "nothing", "the project that is billed", fix)
    return Cloud(GoogleAccount(file), None, base_url, None, project, location, (fault,) if fault else ())


def _how_to_set(variable: str, key: str) -> str:
    return f"set {variable}, or in a file write {key}"


def _read_google_file(file: str) -> tuple[str | None, RowFault | None]:
    """Find the project in a credentials file, and what is wrong with the file."""
    fix = "correct the path or download the file again"
    try:
        with Path(file).open("rb") as opened:
            return parse_google_file(opened.read(LARGEST_FILE_BYTES)).project, None
    except OSError as error:
        found = f"a file that cannot be read ({error.strerror})"
    except ValueError as error:
        found = str(error)
    return None, RowFault("credentials_file", found, "a Google credentials file", fix)


def _bedrock(row: ProviderRow, environ: Mapping[str, str]) -> Cloud:
    said = _Said(environ)
    region = row.region or said.first("AWS_REGION", "AWS_DEFAULT_REGION")
    has_key = row.api_key is not None or row.api_keys is not None
    has_own = has_key or any(getattr(row, key) is not None for key in _OF_AWS)
    api_key = None if has_own else said.first("AWS_BEARER_TOKEN_BEDROCK")
    if region is None and (row.base_url is None or not (has_key or api_key)):  # it is signed for, too
        fault = RowFault("region", "nothing", "the AWS region", _how_to_set("AWS_REGION", "region"))
        return Cloud(faults=(fault,))
    account = None
    if region is not None and not has_key and not api_key:
        keys = _keys(row.aws_access_key_id, row.aws_secret_access_key, row.aws_session_token)
        if not has_own:
            of_environment = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
            keys = _keys(*map(said.first, of_environment))
        account = AwsAccount(region, keys, row.aws_profile)
    base_url = bedrock_url(region) if region and is_region(region) else None
    return Cloud(account, api_key, base_url, region)


def _keys(key_id: str | None, secret: str | None, token: str | None) -> SigningKeys | None:
    if not key_id or not secret:
        return None
    return SigningKeys(key_id, Secret(secret), Secret(token) if token else None)


class _Said(NamedTuple):
    """The environment, where a blank variable is none."""

    environ: Mapping[str, str]

    def first(self, *names: str) -> str | None:
        return next((value for name in names if (value := self.environ.get(name, "").strip())), None)
