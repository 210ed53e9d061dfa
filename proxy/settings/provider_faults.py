"""From a provider's row to what keeps it from serving: keys that do not fit together or its kind, and what it lacks.

Looks at the files that a row names; what is in one is read for a cloud's account alone, by `cloud_accounts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from proxy.providers.kinds import KINDS, Kind
from proxy.settings.cloud_accounts import AZURE, Cloud, account_faults
from proxy.settings.fields import RowFault
from proxy.settings.interpolate import KeyPath
from proxy.settings.local_process import process_faults
from proxy.settings.provider_schema import ProviderRow
from proxy.settings.wording import choose

SIMULATOR = "simulator"
# It is split from `provider/model` at the first slash, and stands in headers, metric labels and a path.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CREDENTIAL_HEADERS = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key"})
_SECRETS = ("api_key", "client_secret", "aws_access_key_id", "aws_secret_access_key", "aws_session_token")
_FILES = ("ca_file", "client_cert")  # a credentials file is read, which tells more
_ENDPOINTS = ("/chat/completions", "/completions", "/embeddings", "/responses", "/messages")


def unknown_kind(written: str) -> RowFault:
    """Say that there is no such kind."""
    expected = "one of " + ", ".join(f'"{known}"' for known in KINDS)
    return RowFault("kind", "an unknown kind", expected, choose(written, KINDS))


def row_faults(name: str, row: ProviderRow, kind: Kind | None) -> Iterator[RowFault]:
    """Find what is wrong with what is written.

    Args:
        kind: None = nobody knows which.
    """
    if not _NAME.fullmatch(name):
        expected = "letters, digits, '.', '_' and '-', at most 64, the first no sign"
        yield RowFault("", "a name that does not fit", expected, "rename it")
    if kind is not None:
        yield from _foreign_keys(row, kind)
        yield from _url_faults(row.base_url or "", kind)
    yield from _idle_keys(row)
    yield from _credential_faults(row)
    yield from account_faults(row)
    yield from process_faults(row)
    if row.transport == "native" and (row.proxy_url or row.client_cert):
        yield RowFault("transport", '"native"', '"httpx" with proxy_url or client_cert', "remove it or correct it")
    for key in _FILES:
        files = [part.strip() for part in (getattr(row, key) or "").split(",")]
        if files != [""] and not all(Path(file).is_file() for file in files):
            yield RowFault(key, "no such file", "a file that exists", "correct the path")


def missing_faults(row: ProviderRow, kind: Kind, cloud: Cloud) -> Iterator[RowFault]:
    """Find what a provider that is to serve lacks."""
    yield from cloud.faults
    is_given = row.base_url or cloud.base_url or kind.base_url or row.command
    if not (is_given or kind.name == SIMULATOR or cloud.faults):
        expected = f"a URL: kind {kind.name} has none of its own"
        fix = _how_to_set("base_url", kind.base_url_env, "a URL such as https://api.example.com/v1")
        yield RowFault("base_url", "nothing", expected, fix, ("command", "args", "region", "location"))
    has_key = row.api_key is not None or row.api_keys is not None or not _CREDENTIAL_HEADERS.isdisjoint(row.headers)
    has_key = has_key or cloud.account is not None or cloud.api_key is not None
    if kind.credentials_required and not has_key:
        expected, fix = f"a credential: kind {kind.name} needs one", _how_to_set("api_key", kind.env, "the key")
        yield RowFault("api_key", "nothing", expected, fix, ("api_keys", "headers", "auth"))


def _how_to_set(key: str, variables: tuple[str, ...], value: str) -> str:
    """Say how a key gets its value, in words that no redaction of logs takes for the value itself."""
    variable = variables[0] if variables else ""
    if not variable:
        return f"add {key} with {value}"
    return f'set {variable}, and in a file write {key}_env = "{variable}"'


def _foreign_keys(row: ProviderRow, kind: Kind) -> Iterator[RowFault]:
    for key, (kinds, _) in _CONDITIONS.items():
        if kinds and kind.name not in kinds and _is_written(row, key):
            fix = f"remove it, or correct the kind (found {kind.name})"
            yield RowFault(key, "a key of another kind", f"kind {kinds[0]} with it", fix)


def _idle_keys(row: ProviderRow) -> Iterator[RowFault]:
    for key, (_, needs) in _CONDITIONS.items():
        if needs and _is_written(row, key) and getattr(row, key) != "" and not getattr(row, needs):
            fix = f"add {needs} or remove it"
            yield RowFault(key, "a key without effect", f"{needs} beside it", fix, (needs,))


def _is_written(row: ProviderRow, key: str) -> bool:
    return bool(getattr(row, key) != ProviderRow.model_fields[key].default)


def _conditions() -> Iterator[tuple[str, tuple[list[str], str]]]:
    for key, described in ProviderRow.model_fields.items():
        extra = described.json_schema_extra
        kinds, needs = (extra.get("kinds"), extra.get("needs")) if isinstance(extra, dict) else (None, None)
        if kinds or needs:
            yield key, ([str(kind) for kind in kinds] if isinstance(kinds, list) else [], str(needs or ""))


# Of keys that not every provider may have: their kinds, and the key that must stand beside.
_CONDITIONS = dict(_conditions())


def _url_faults(url: str, kind: Kind) -> Iterator[RowFault]:
    """Find where a base URL surely leads nowhere."""
    end = next((path for path in _ENDPOINTS if url.endswith(path)), None)
    if end:
        yield RowFault("base_url", "the address of an endpoint", "what comes before it", f"remove {end} from its end")
    elif kind.name == AZURE and "/deployments" in url:
        fix = "remove /openai/deployments and all behind it; the deployment is the model's name, or `deployment`"
        yield RowFault("base_url", "the address of a deployment", "that of the resource", fix)
    elif "/v1/v1" in url:
        yield RowFault("base_url", "/v1 twice", "/v1 once", "remove one of the two")
    written, own = urlsplit(url), urlsplit(kind.base_url or "")
    if written.hostname and written.hostname == own.hostname and own.scheme == "https":
        if written.scheme != own.scheme:
            yield RowFault("base_url", "http, which sends the credential in the clear", "https", "write https://")
        if not written.path and own.path:
            yield RowFault("base_url", "a host without the API's path", str(kind.base_url), "write it, or leave it out")


def _credential_faults(row: ProviderRow) -> Iterator[RowFault]:
    keys = row.api_keys or ()
    if row.api_key is not None and row.api_keys is not None:
        found, expected = "a second place for credentials", "either api_key or api_keys"
        yield RowFault("api_keys", found, expected, "remove one of the two", ("api_key",))
    empty: list[str | KeyPath] = [key for key in _SECRETS if getattr(row, key) == ""]
    empty += [("api_keys", index) for index, secret in enumerate(keys) if not secret]
    for key in empty:
        yield RowFault(key, "an empty credential", "a credential", "set it, or leave it out")
    for index, secret in enumerate(keys):
        if secret and secret in keys[:index]:
            yield RowFault(("api_keys", index), "the same credential twice", "different ones", "remove it")
