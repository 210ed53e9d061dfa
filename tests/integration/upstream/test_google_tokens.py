"""Google's tokens over real sockets: what google-auth sends to a token endpoint, and what its failures become."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import trustme

from proxy.core.access import Token
from proxy.core.accounts import GoogleAccount, identity
from proxy.core.failure import Failure, FailureKind
from proxy.core.ports import Wait
from proxy.core.snapshot import Credential, Provider
from proxy.state.clock import SystemClock
from proxy.upstream import google_tokens, issuing
from proxy.upstream.google_tokens import google_token
from proxy.upstream.issuing import Ask, Network
from proxy.upstream.tokens import Tokens
from tests.fakes.tools import require_module
from tests.fakes.webhost import Answer, Heard, Route, WebHost, answer

PLANTED = "ya29.planted-token"
GRANTED = answer({"access_token": PLANTED, "expires_in": 3599, "token_type": "Bearer"})
NOW_S = 500.0
DIRECT = Network()


@pytest.fixture(autouse=True)
def _extra() -> None:
    require_module("google.auth")
    require_module("requests")


@pytest.fixture(scope="module")
def private_key() -> str:
    serialization = require_module("cryptography.hazmat.primitives.serialization")
    rsa = require_module("cryptography.hazmat.primitives.asymmetric.rsa")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode()


def ask(file: Path | None, network: Network = DIRECT) -> Ask:
    return Ask(GoogleAccount(str(file) if file else None), network, NOW_S, time.time())


def written(path: Path, document: Mapping[str, object]) -> Path:
    path.write_text(json.dumps(document))
    return path


def service_account(path: Path, url: str, key: str) -> Path:
    document = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k",
        "private_key": key,
        "client_email": "me@p.iam.gserviceaccount.com",
        "token_uri": f"{url}/token",
    }
    return written(path / "key.json", document)


def claims_of(heard: Heard) -> dict[str, object]:
    (assertion,) = parse_qs(heard.body.decode())["assertion"]
    head, claims, _ = (base64.urlsafe_b64decode(part + "==") for part in assertion.split("."))
    assert json.loads(head)["alg"] == "RS256"
    found: dict[str, object] = json.loads(claims)
    return found


def test_service_account_signs_for_its_token(tmp_path: Path, private_key: str) -> None:
    with WebHost({"/token": GRANTED}) as host:
        token = google_token(ask(service_account(tmp_path, host.url, private_key)))
    assert isinstance(token, Token)
    assert token.secret.reveal() == PLANTED
    assert 3500 < token.expires_at_s - NOW_S < 3610
    claims = claims_of(host.heard[0])
    assert claims["iss"] == "me@p.iam.gserviceaccount.com"
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    assert claims["exp"]


def test_token_is_never_kept_by_the_library(tmp_path: Path, private_key: str) -> None:
    with WebHost({"/token": GRANTED}) as host:
        file = service_account(tmp_path, host.url, private_key)
        google_token(ask(file))
        google_token(ask(file))
    assert len(host.heard) == 2


def test_token_endpoint_with_an_own_authority_is_trusted_by_ca_file(tmp_path: Path, private_key: str) -> None:
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with WebHost({"/token": GRANTED}, tls=tls) as host:
        file = service_account(tmp_path, host.url, private_key)
        assert isinstance(google_token(ask(file, Network(ca_file=str(ca_file)))), Token)
        distrusted = google_token(ask(file))
    assert isinstance(distrusted, Failure)
    assert "certificate" in distrusted.detail


@pytest.mark.parametrize(
    ("route", "kind", "detail"),
    [
        pytest.param(
            answer({"error": "invalid_grant", "error_description": "planted secret"}, 400),
            FailureKind.AUTH,
            "no token: invalid_grant",
            id="refused",
        ),
        pytest.param(answer({}, 403), FailureKind.AUTH, "no token: Google refuses the account", id="no-reason"),
        pytest.param(
            Answer(503, b"planted"), FailureKind.CONNECT, "no token: Google's token endpoint failed", id="5xx"
        ),
        pytest.param(answer({"token_type": "x"}), FailureKind.AUTH, "no token: Google refuses the account", id="none"),
    ],
)
def test_refusal_is_a_failure_without_the_words_of_google(
    route: Route, kind: FailureKind, detail: str, tmp_path: Path, private_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backoff = require_module("google.auth._exponential_backoff")
    monkeypatch.setattr(backoff, "_DEFAULT_INITIAL_INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(backoff.time, "sleep", lambda _: None)
    with WebHost({"/token": route}) as host:
        failure = google_token(ask(service_account(tmp_path, host.url, private_key)))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.detail, failure.request_sent) == (kind, detail, False)


def test_endpoint_that_nobody_serves_is_away(tmp_path: Path, private_key: str) -> None:
    with WebHost({}) as host:
        url = host.url
    failure = google_token(ask(service_account(tmp_path, url, private_key)))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.detail) == (FailureKind.CONNECT, "no token: the token endpoint is not reached")


def test_endpoint_that_is_silent_is_late(tmp_path: Path, private_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_tokens, "ANSWER_S", 0.05)
    with WebHost({"/token": GRANTED}) as host:
        host.hold.clear()
        failure = google_token(ask(service_account(tmp_path, host.url, private_key)))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.TIMEOUT_CONNECT


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("{", id="not-json"),
        pytest.param('{"type": "service_account"}', id="incomplete"),
        pytest.param(
            '{"type": "service_account", "client_email": "e", "private_key": "planted", "token_uri": "https://x.test"}',
            id="no-key",
        ),
    ],
)
def test_file_that_cannot_be_used_is_refused_without_quoting_it(content: str, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(content)
    failure = google_token(ask(path))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.AUTH
    assert "planted" not in failure.detail


def test_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    failure = google_token(ask(tmp_path / "nope.json"))
    assert isinstance(failure, Failure)
    assert failure.detail == "no token: the credentials file cannot be read (No such file or directory)"


def test_login_of_a_user_is_refreshed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with WebHost({"/token": GRANTED}) as host:
        document = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
        file = written(tmp_path / "user.json", {**document, "token_uri": f"{host.url}/token"})
        monkeypatch.setattr(
            require_module("google.oauth2.credentials"), "_GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{host.url}/token"
        )
        token = google_token(ask(file))
    assert isinstance(token, Token)
    assert parse_qs(host.heard[0].body.decode())["refresh_token"] == ["r"]


def test_workload_identity_exchanges_the_token_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "subject").write_text("subject-token")
    with WebHost({"/sts": answer({**json.loads(GRANTED.body), "issued_token_type": "x"})}) as host:
        document = {
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{host.url}/sts",
            "credential_source": {"file": str(tmp_path / "subject")},
        }
        token = google_token(ask(written(tmp_path / "wif.json", document)))
    assert isinstance(token, Token)
    assert parse_qs(host.heard[0].body.decode())["subject_token"] == ["subject-token"]


def metadata(heard: Heard) -> Answer:
    flavour = (("Metadata-Flavor", "Google"), ("Content-Type", "application/json"))
    if heard.target.endswith("project-id"):
        return Answer(200, b"p", (("Metadata-Flavor", "Google"), ("Content-Type", "text/plain")))
    if "/token" in heard.target:
        return Answer(200, GRANTED.body, flavour)
    return Answer(200, json.dumps({"email": "vm@p.test", "scopes": [], "aliases": []}).encode(), flavour)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine on which nobody has logged in."""
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setattr(require_module("google.auth.compute_engine._metadata"), "_NO_GCE_CHECK", False)
    return monkeypatch


def test_machine_at_google_has_a_token_of_its_own(machine: pytest.MonkeyPatch) -> None:
    with WebHost({"/": metadata}) as host:
        place = host.url.removeprefix("http://")
        machine.setattr(require_module("google.auth.compute_engine._metadata"), "_GCE_METADATA_HOST", place)
        machine.setenv("GCE_METADATA_IP", place)
        token = google_token(ask(None))
    assert isinstance(token, Token), token
    assert token.secret.reveal() == PLANTED


def test_machine_with_nothing_is_refused(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(require_module("google.auth.compute_engine._metadata"), "_NO_GCE_CHECK", True)
    failure = google_token(ask(None))
    assert isinstance(failure, Failure)
    assert failure.detail == "no token: no Google credentials that can be used were found: set credentials_file"


@pytest.mark.parametrize(
    ("document", "module"),
    [
        pytest.param({"subject_token_type": google_tokens.AWS_SUBJECT}, "google.auth.aws", id="aws"),
        pytest.param({"credential_source": {"executable": {}}}, "google.auth.pluggable", id="program"),
        pytest.param({"credential_source": {"url": "x"}}, "google.auth.identity_pool", id="url"),
    ],
)
def test_workload_identity_is_read_by_its_own_class(document: dict[str, object], module: str) -> None:
    loader = google_tokens._loader("external_account", document)
    assert loader is not None
    assert loader.__self__.__module__ == module  # type: ignore[attr-defined] # it is a bound method


def test_impersonation_is_read_by_the_library(tmp_path: Path) -> None:
    user = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    document = {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": "https://x.test/v1/projects/-/serviceAccounts/a@p.test:generateAccessToken",
        "source_credentials": user,
    }
    file = written(tmp_path / "as.json", document)
    found = google_tokens._credentials(GoogleAccount(str(file)), lambda *_, **__: None)
    assert type(found).__module__ == "google.auth.impersonated_credentials"


def test_proxy_of_the_provider_is_used_for_https_alone() -> None:
    assert Network(proxy_url="http://proxy.test").proxies == {"https": "http://proxy.test"}
    assert Network(proxy_url="env").proxies == {}
    assert Network(proxy_url="env").uses_environment
    assert issuing.network_failure(TimeoutError()).kind is FailureKind.TIMEOUT_CONNECT


async def test_gateway_keeps_the_token_that_a_worker_thread_got(tmp_path: Path, private_key: str) -> None:
    clock = SystemClock()
    tokens = Tokens(clock)
    with WebHost({"/token": GRANTED}) as host:
        account = GoogleAccount(str(service_account(tmp_path, host.url, private_key)))
        credential = Credential("google", identity(account), account)
        provider = Provider("v", "vertex", "https://v.test", credentials=(credential,))
        wait = Wait(clock.now() + 10.0, FailureKind.TIMEOUT_CONNECT)
        outcomes = await asyncio.gather(*(tokens.ready(provider, credential, wait) for _ in range(10)))
    await tokens.aclose()
    assert {outcome.secret.reveal() for outcome in outcomes if isinstance(outcome, Token)} == {PLANTED}
    assert len(host.heard) == 1
