"""Entra's tokens over real sockets: what azure-identity sends, and what its failures become."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from proxy.core.access import Token
from proxy.core.accounts import EntraAccount, identity
from proxy.core.failure import Failure, FailureKind
from proxy.core.ports import Wait
from proxy.core.secret import Secret
from proxy.core.snapshot import Credential, Provider
from proxy.state.clock import SystemClock
from proxy.upstream import azure_tokens
from proxy.upstream.azure_tokens import entra_token
from proxy.upstream.issuing import Ask, Network
from proxy.upstream.tokens import Tokens
from tests.fakes.tools import require_module
from tests.fakes.webhost import Answer, Heard, Route, WebHost, answer

PLANTED = "planted-token"
SCOPE = "https://cognitiveservices.azure.com/.default"
NOW_S = 500.0
TENANT = "11111111-1111-1111-1111-111111111111"
GRANTED = answer({"access_token": PLANTED, "expires_in": 3599, "ext_expires_in": 3599, "token_type": "Bearer"})


@pytest.fixture(autouse=True)
def _extra(monkeypatch: pytest.MonkeyPatch) -> None:
    require_module("azure.identity")
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "AZURE_TOKEN_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)


class Tls(NamedTuple):
    context: ssl.SSLContext
    ca_file: str


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    authority = trustme.CA()
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return Tls(context, str(ca_file))


@pytest.fixture
def login(tls: Tls) -> Iterator[Login]:
    with Login(tls) as made:
        yield made


class Login(WebHost):
    """A login host: it describes the tenant and gives what `says` at its token endpoint."""

    def __init__(self, tls: Tls) -> None:
        super().__init__({"/": self._route}, tls=tls.context)
        self.says: Route = GRANTED
        self._ca_file = tls.ca_file

    def ask(self, **account: object) -> Ask:
        fields = {"tenant_id": TENANT, "client_id": "app", **account}
        made = EntraAccount(SCOPE, self.url, **fields)  # type: ignore[arg-type] # as the test says
        return Ask(made, Network(ca_file=self._ca_file), NOW_S, time.time())

    @property
    def form(self) -> dict[str, list[str]]:
        (sent,) = [heard for heard in self.heard if heard.method == "POST"]
        return parse_qs(sent.body.decode())

    def _route(self, heard: Heard) -> Answer:
        if "openid-configuration" in heard.target:
            base = f"{self.url}/{TENANT}"
            return answer(
                {
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                    "issuer": f"{base}/v2.0",
                }
            )
        return self.says if isinstance(self.says, Answer) else self.says(heard)


def test_application_has_a_token_for_its_secret(login: Login) -> None:
    token = entra_token(login.ask(client_secret=Secret("planted-secret")))
    assert isinstance(token, Token), token
    assert token.secret.reveal() == PLANTED
    assert 3500 < token.expires_at_s - NOW_S < 3610
    form = login.form
    assert (form["grant_type"], form["client_id"], form["scope"]) == (["client_credentials"], ["app"], [SCOPE])
    assert form["client_secret"] == ["planted-secret"]


def test_token_is_never_kept_by_the_library(login: Login) -> None:
    for _ in range(2):
        entra_token(login.ask(client_secret=Secret("s")))
    assert len([heard for heard in login.heard if heard.method == "POST"]) == 2


def test_workload_has_a_token_for_the_one_in_its_file(login: Login, tmp_path: Path) -> None:
    (tmp_path / "federated").write_text("federated-token")
    token = entra_token(login.ask(token_file=str(tmp_path / "federated")))
    assert isinstance(token, Token), token
    assert login.form["client_assertion"] == ["federated-token"]


def test_file_of_a_workload_that_is_gone_is_refused(login: Login, tmp_path: Path) -> None:
    failure = entra_token(login.ask(token_file=str(tmp_path / "nope")))
    assert isinstance(failure, Failure)
    assert failure.detail == "no token: a file of the identity cannot be read (No such file or directory)"


@pytest.mark.parametrize(
    ("says", "kind", "detail"),
    [
        pytest.param(
            answer({"error": "invalid_client", "error_description": "AADSTS7000215: planted"}, 401),
            FailureKind.AUTH,
            "no token: AADSTS7000215",
            id="wrong-secret",
        ),
        pytest.param(
            answer({"error": "odd", "error_description": "planted"}, 400),
            FailureKind.AUTH,
            "no token: Entra refuses the account",
            id="no-code",
        ),
        pytest.param(Answer(503, b"planted"), FailureKind.CONNECT, "no token: Entra's token endpoint failed", id="5xx"),
    ],
)
def test_refusal_is_a_failure_with_codes_alone(
    says: Route, kind: FailureKind, detail: str, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_tokens, "RETRIES", 0)
    login.says = says
    failure = entra_token(login.ask(client_secret=Secret("s")))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.detail, failure.request_sent) == (kind, detail, False)


def test_login_host_that_is_not_trusted_is_away(login: Login) -> None:
    failure = entra_token(login.ask(client_secret=Secret("s"))._replace(network=Network()))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.detail) == (
        FailureKind.CONNECT,
        "no token: the token endpoint's certificate is not trusted",
    )


def test_login_host_that_is_silent_is_late(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_tokens, "RETRIES", 0)
    monkeypatch.setattr(azure_tokens, "ANSWER_S", 0.1)
    login.hold.clear()
    failure = entra_token(login.ask(client_secret=Secret("s")))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.TIMEOUT_CONNECT


def test_identity_without_a_tenant_is_refused(login: Login) -> None:
    failure = entra_token(login.ask(client_secret=Secret("s"), tenant_id=None))
    assert isinstance(failure, Failure)
    assert failure.detail == "no token: the identity is incomplete; set tenant_id and client_id"


def test_machine_has_the_token_of_its_managed_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    granted = answer({"access_token": PLANTED, "expires_on": str(int(time.time()) + 3600), "token_type": "Bearer"})
    with WebHost({"/msi": granted}) as host:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{host.url}/msi")
        monkeypatch.setenv("IDENTITY_HEADER", "header")
        account = EntraAccount(SCOPE, "login.microsoftonline.com", client_id="mine")
        token = entra_token(Ask(account, Network(), NOW_S, time.time()))
    assert isinstance(token, Token), token
    query = parse_qs(urlsplit(host.heard[0].target).query)
    assert (query["client_id"], query["resource"]) == (["mine"], ["https://cognitiveservices.azure.com"])


def test_machine_without_an_identity_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no `az`
    monkeypatch.setattr(require_module("azure.identity._credentials.imds"), "IMDS_AUTHORITY", "http://127.0.0.1:9")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
    failure = entra_token(Ask(EntraAccount(SCOPE, "login.microsoftonline.com"), Network(), NOW_S, time.time()))
    assert isinstance(failure, Failure)
    nothing = "neither a managed identity nor a login of `az` was found"
    assert failure.detail == f"no token: {nothing}: set tenant_id, client_id and client_secret"


async def test_gateway_keeps_the_token_that_a_worker_thread_got(login: Login, tls: Tls) -> None:
    clock = SystemClock()
    tokens = Tokens(clock)
    account = login.ask(client_secret=Secret("planted-secret")).account
    credential = Credential("entra", identity(account), account)
    provider = Provider("a", "azure", "https://a.test", credentials=(credential,), ca_file=tls.ca_file)
    wait = Wait(clock.now() + 10.0, FailureKind.TIMEOUT_CONNECT)
    for _ in range(2):
        token = await tokens.ready(provider, credential, wait)
        assert isinstance(token, Token)
        assert token.secret.reveal() == PLANTED
    assert tokens.made == 1
    await tokens.aclose()


async def test_failure_of_the_library_logs_no_word_of_it(
    login: Login, tls: Tls, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clock = SystemClock()
    tokens = Tokens(clock)
    login.says = answer({"error": "invalid_client", "error_description": f"AADSTS7000215: {PLANTED}"}, 401)
    account = login.ask(client_secret=Secret("planted-secret")).account
    credential = Credential("entra", identity(account), account)
    provider = Provider("a", "azure", "https://a.test", credentials=(credential,), ca_file=tls.ca_file)
    failure = await tokens.ready(provider, credential, Wait(clock.now() + 10.0, FailureKind.TIMEOUT_CONNECT))
    await tokens.aclose()
    assert isinstance(failure, Failure)
    assert failure.detail == "no token: AADSTS7000215"
    assert "AADSTS7000215" in caplog.text
    assert "planted" not in caplog.text + repr(failure)
