"""Probes over real sockets: what is asked of each vendor, with which credential, and what its answer is worth."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from proxy.cli.probe import probe_providers
from proxy.core.access import Access, SigningKeys, Token
from proxy.core.accounts import Account, AwsAccount, EntraAccount, GoogleAccount, identity
from proxy.core.failure import Failure
from proxy.core.localprocess import LocalProcess
from proxy.core.ports import Wait
from proxy.core.secret import Secret
from proxy.core.snapshot import Candidate, Credential, Model, Provider, Snapshot
from proxy.state.clock import SystemClock
from proxy.upstream import probes
from proxy.upstream.issuing import away, refused
from proxy.upstream.probes import USUAL, Bounds, Probe, Prober
from tests.fakes.rawserver import Peer, RawServer
from tests.fakes.webhost import Answer, Heard, Route, WebHost, answer

PLANTED = "planted-key-1234"
MODELS = answer({"data": [{"id": "m"}, {"id": "n"}]})
KEY = Credential("key-1", Secret(PLANTED))


class Held:
    """Implements `core.ports.Credentials` with what it is given."""

    def __init__(self, access: Access | Failure) -> None:
        self._access = access

    async def ready(self, provider: Provider, credential: Credential, wait: Wait) -> Access | Failure:
        return self._access

    async def refresh(
        self, provider: Provider, credential: Credential, refused_access: Access, wait: Wait
    ) -> Access | Failure:
        raise AssertionError("a probe renews nothing")


NOTHING = Held(away("nothing"))


async def ask(
    provider: Provider,
    credential: Credential | None = KEY,
    held: Held = NOTHING,
    names: Mapping[str, Collection[str]] | None = None,
    bounds: Bounds = USUAL,
) -> Probe:
    return await Prober(held, SystemClock(), names or {}, bounds).probe(provider, credential)


def of_account(account: Account) -> Credential:
    return Credential("account", identity(account), account)


def targets(host: WebHost) -> list[str]:
    return [heard.target for heard in host.heard]


async def test_list_says_that_the_key_is_taken_and_which_models_lack() -> None:
    with WebHost({"/v1/models": MODELS}) as host:
        provider = Provider("p", "openai", f"{host.url}/v1", headers=(("x-team", "blue"),))
        probe = await ask(provider, names={"p": ["m", "gone"]})
    assert (probe.result, probe.well, probe.reached, probe.accepted) == (
        "ok, 2 models; not listed: gone",
        True,
        True,
        True,
    )
    assert probe.missing == ("gone",)
    assert [model.id for model in probe.models or ()] == ["m", "n"]
    headers = host.heard[0].headers
    assert (headers["authorization"], headers["x-team"]) == (f"Bearer {PLANTED}", "blue")


async def test_provider_without_keys_is_asked_without_one() -> None:
    with WebHost({"/v1/models": answer({"data": [{"id": "m"}]})}) as host:
        probe = await ask(Provider("p", "vllm", f"{host.url}/v1"), None)
    assert (probe.credential, probe.result) == ("none", "ok, 1 model")
    assert "authorization" not in host.heard[0].headers


async def test_pages_are_followed_to_the_last() -> None:
    def pages(heard: Heard) -> Answer:
        if "after_id" in heard.target:
            return answer({"data": [{"id": "b"}], "has_more": False, "last_id": "b"})
        return answer({"data": [{"id": "a"}], "has_more": True, "last_id": "a"})

    with WebHost({"/v1/models": pages}) as host:
        probe = await ask(Provider("p", "anthropic", host.url))
    assert [model.id for model in probe.models or ()] == ["a", "b"]
    assert targets(host) == ["/v1/models?limit=1000", "/v1/models?limit=1000&after_id=a"]
    assert host.heard[0].headers["x-api-key"] == PLANTED
    assert host.heard[0].headers["anthropic-version"] == "2023-06-01"


async def test_pages_without_an_end_do_end() -> None:
    with WebHost({"/": answer({"data": [{"id": "a"}], "has_more": True, "last_id": "a"})}) as host:
        probe = await ask(Provider("p", "anthropic", host.url))
    assert probe.result == "ok, 1 model"
    assert len(host.heard) == probes.MAX_PAGES


async def test_no_further_page_is_asked_for_once_there_are_models_enough() -> None:
    with WebHost({"/": answer({"data": [{"id": "a"}, {"id": "b"}], "has_more": True, "last_id": "b"})}) as host:
        probe = await ask(Provider("p", "anthropic", host.url), bounds=Bounds(models=2))
    assert probe.result == "ok, 2 models"
    assert len(host.heard) == 1


async def test_list_nested_deeper_than_anybody_reads_is_no_list() -> None:
    with WebHost({"/": Answer(200, b'{"data":' + b"[" * 200_000)}) as host:
        probe = await ask(Provider("p", "openai", host.url))
    assert probe.result == "200, but no list of models; check base_url"


async def test_openrouters_key_is_asked_about_because_its_list_is_public() -> None:
    routes: dict[str, Route] = {"/api/v1/models": MODELS, "/api/v1/key": answer({"error": {"message": "no"}}, 401)}
    with WebHost(routes) as host:
        probe = await ask(Provider("p", "openrouter", f"{host.url}/api/v1"))
        assert (probe.accepted, probe.models) == (False, None)
        routes["/api/v1/key"] = answer({"data": {}})
        assert (await ask(Provider("p", "openrouter", f"{host.url}/api/v1"))).accepted


async def test_token_is_sent_to_both_lists_of_vertex() -> None:
    token = Held(Token(Secret(PLANTED), time.monotonic() + 60))
    with WebHost({"/v1beta1/": answer({"publisherModels": [{"name": "publishers/x/models/m"}]})}) as host:
        probe = await ask(Provider("p", "vertex", host.url, project="p"), of_account(GoogleAccount()), token)
    assert probe.well
    assert len(host.heard) == 2
    assert {heard.headers["authorization"] for heard in host.heard} == {f"Bearer {PLANTED}"}


async def test_identity_of_azure_sends_its_token_instead_of_a_key() -> None:
    token = Held(Token(Secret(PLANTED), time.monotonic() + 60))
    with WebHost({"/openai/models": MODELS}) as host:
        provider = Provider("p", "azure", host.url, api_version="2024-10-21")
        probe = await ask(provider, of_account(EntraAccount("s", "a")), token, {"p": ["my-deployment"]})
    assert (probe.well, probe.missing) == (True, ())
    assert host.heard[0].headers["authorization"] == f"Bearer {PLANTED}"
    assert "api-key" not in host.heard[0].headers


async def test_keys_of_aws_sign_both_lists_of_bedrock() -> None:
    keys = SigningKeys("AKIA1", Secret(PLANTED), Secret("session"))
    routes: dict[str, Route] = {
        "/foundation-models": answer({"modelSummaries": [{"modelId": "amazon.nova"}]}),
        "/inference-profiles": answer({"inferenceProfileSummaries": [{"inferenceProfileId": "us.amazon.nova"}]}),
    }
    with WebHost(routes) as host:
        provider = Provider("p", "bedrock", host.url, region="us-east-1")
        probe = await ask(provider, of_account(AwsAccount("us-east-1", keys)), Held(keys), {"p": ["us.amazon.nova"]})
    assert (probe.result, probe.missing) == ("ok, 2 models", ())
    for heard in host.heard:
        assert "/us-east-1/bedrock/aws4_request" in heard.headers["authorization"]
        assert heard.headers["x-amz-security-token"] == "session"


@pytest.mark.parametrize(
    ("failure", "result", "accepted"),
    [
        pytest.param(refused("invalid_grant"), "no token: invalid_grant; check the account", False, id="refused"),
        pytest.param(
            away("the token endpoint is not reached"),
            "no token: the token endpoint is not reached; check the network, ca_file and proxy_url",
            None,
            id="away",
        ),
    ],
)
async def test_account_without_a_token_says_why_and_what_to_do(
    failure: Failure, result: str, accepted: bool | None
) -> None:
    probe = await ask(Provider("p", "vertex", "http://127.0.0.1:9"), of_account(GoogleAccount()), Held(failure))
    assert (probe.result, probe.well, probe.accepted) == (result, False, accepted)


@pytest.mark.parametrize(
    ("route", "result", "well", "accepted"),
    [
        pytest.param(Answer(200, b"<html>"), "200, but no list of models; check base_url", False, None, id="web-page"),
        pytest.param(answer({}, 401), "401: the key is refused; replace it", False, False, id="refused"),
        pytest.param(answer({}, 402), "402: the account has no credit; top it up", False, None, id="no-credit"),
        pytest.param(
            answer({}, 403),
            "403: the key may not list models; check its rights, the region and the account",
            False,
            None,
            id="no-right",
        ),
        pytest.param(
            answer({}, 404), "404: there is no model list at this base URL; check it", False, None, id="no-list"
        ),
        pytest.param(answer({}, 407), "407: the proxy wants a password; check proxy_url", False, None, id="proxy"),
        pytest.param(answer({}, 429), "429: the key works; the vendor limits it right now", True, True, id="limited"),
        pytest.param(
            Answer(302, b"", (("Location", "https://planted.test"),)),
            "302: not a model list; check base_url",
            False,
            None,
            id="redirect",
        ),
        pytest.param(Answer(500, b"planted"), "500: the vendor fails right now", False, None, id="vendor-fault"),
        pytest.param(answer({}, 418), "418: not a model list; check base_url", False, None, id="odd"),
    ],
)
async def test_answer_is_judged_and_never_quoted(route: Route, result: str, well: bool, accepted: bool | None) -> None:
    with WebHost({"/v1/models": route}) as host:
        probe = await ask(Provider("p", "openai", f"{host.url}/v1"))
    assert (probe.result, probe.well, probe.accepted, probe.reached) == (result, well, accepted, True)
    assert "planted" not in repr(probe)


async def test_account_that_may_not_list_may_still_answer() -> None:
    denied = answer({"message": "User is not authorized to perform: bedrock:ListFoundationModels"}, 403)
    keys = SigningKeys("AKIA1", Secret("s"))
    headers = (("x-amzn-errortype", "AccessDeniedException"), ("Content-Type", "application/json"))
    with WebHost({"/": Answer(403, denied.body, headers)}) as host:
        provider = Provider("p", "bedrock", host.url, region="us-east-1")
        probe = await ask(provider, of_account(AwsAccount("us-east-1", keys)), Held(keys))
    assert (probe.result, probe.well, probe.accepted) == (
        "403: the account is accepted, but may not list models",
        True,
        True,
    )


async def test_address_where_nobody_listens_is_not_reached() -> None:
    with WebHost({}) as host:
        url = host.url
    probe = await ask(Provider("p", "openai", url))
    assert (probe.reached, probe.well) == (False, False)
    assert probe.result == "not reached (connection refused); check base_url, and that it is running"


async def test_vendor_that_is_silent_is_not_waited_for() -> None:
    with WebHost({"/": MODELS}) as host:
        host.hold.clear()
        probe = await ask(Provider("p", "openai", host.url), bounds=Bounds(wait_s=0.05))
        host.hold.set()
    assert (probe.reached, probe.result) == (False, "no answer within 0.05 s; check base_url")


async def test_list_that_takes_too_long_as_a_whole_is_given_up() -> None:
    with WebHost({"/": MODELS}) as host:
        host.hold.clear()
        probe = await ask(Provider("p", "openai", host.url), bounds=Bounds(whole_s=0.05))
        host.hold.set()
    assert (probe.reached, probe.well) == (False, False)


async def test_body_without_an_end_is_cut() -> None:
    with WebHost({"/": answer({"data": [{"id": f"m{number}"} for number in range(100_000)]})}) as host:
        probe = await ask(Provider("p", "openai", host.url), bounds=Bounds(page_bytes=1_000))
    assert probe.result == "200, but no list of models; check base_url"


async def test_certificate_of_its_own_that_is_not_there_is_told(tmp_path: Path) -> None:
    probe = await ask(Provider("p", "openai", "https://127.0.0.1:9", ca_file=str(tmp_path / "nope.pem")))
    assert probe.result == "ca_file, client_cert or proxy_url cannot be used; correct it"


@pytest.mark.parametrize(
    ("change", "result"),
    [
        pytest.param(
            {"base_url": "http://no-such-host.invalid/v1"},
            "not reached (DNS: the host name cannot be resolved); check the host in base_url",
            id="no-host",
        ),
        pytest.param(
            {"base_url": "https{url}"},
            "not reached (TLS: the handshake failed (*)); check that base_url is https where it must be, and ca_file",
            id="no-tls",
        ),
        pytest.param(
            {"proxy_url": Secret("ftp://proxy")},
            "ca_file, client_cert or proxy_url cannot be used; correct it",
            id="proxy",
        ),
        pytest.param(
            {"proxy_url": Secret("http://no-such-proxy.invalid:3128")},
            "not reached (DNS: the host name cannot be resolved); check proxy_url, then base_url",
            id="no-proxy-of-that-name",
        ),
        pytest.param(
            {"proxy_url": Secret("http://127.0.0.1:9")},
            "not reached (connection refused); check proxy_url, then base_url",
            id="proxy-that-does-not-run",
        ),
        pytest.param({"base_url": "http://127.0.0.1:port/v1"}, "not reached; base_url is no URL", id="no-url"),
    ],
)
async def test_reason_why_it_is_not_reached_is_told_with_what_to_do(change: dict[str, Any], result: str) -> None:
    with WebHost({"/": MODELS}) as host:
        provider = Provider("p", "openai", host.url)
        base_url = change.get("base_url", host.url).replace("{url}", host.url.removeprefix("http"))
        probe = await ask(replace(provider, **{**change, "base_url": base_url}))
    assert fnmatchcase(probe.result, result)
    assert (probe.reached, probe.well) == (False, False)


async def test_vendor_that_hangs_up_is_told() -> None:
    async def silent(peer: Peer) -> None:
        await peer.request()

    async with RawServer(silent) as host:
        probe = await ask(Provider("p", "openai", host.url))
    assert probe.result.startswith("not reached (the connection was closed before an answer came); check base_url")


@pytest.mark.parametrize(
    ("command", "result", "well"),
    [
        pytest.param("sh", "not asked: it runs only with the gateway; see `fairlead state show`", True, id="there"),
        pytest.param(
            "/no/such/program",
            "there is no program /no/such/program; give its whole path, or a PATH in env",
            False,
            id="not-there",
        ),
    ],
)
async def test_command_is_not_started_to_be_asked(command: str, result: str, well: bool) -> None:
    process = LocalProcess(command, ("{port}",), (("PATH", os.environ["PATH"]),))
    probe = await ask(Provider("p", "openai_compatible", "http://127.0.0.1/v1", process=process), None)
    assert (probe.result, probe.well, probe.accepted, probe.models) == (result, well, None, None)


async def test_command_is_looked_for_in_its_own_path(tmp_path: Path) -> None:
    process = LocalProcess("sh", (), (("PATH", os.environ["PATH"]),), (("PATH", Secret(str(tmp_path))),))
    probe = await ask(Provider("p", "openai_compatible", "http://127.0.0.1/v1", process=process), None)
    assert probe.result.startswith("there is no program sh")


def test_every_key_of_every_enabled_provider_is_asked_about_in_order() -> None:
    def by_key(heard: Heard) -> Answer:
        return MODELS if heard.headers.get("authorization") == f"Bearer {PLANTED}" else answer({}, 401)

    with WebHost({"/v1/models": by_key}) as host:
        url = f"{host.url}/v1"
        good = Provider("good", "openai", url, credentials=(KEY, Credential("key-2", Secret("another-key"))))
        bare = Provider("bare", "openai", url)
        off = Provider("off", "openai", url, enabled=False)
        simulated = Provider("simulated", "simulator", url)
        model = Model("m", (Candidate(good, "gone"),))
        found = probe_providers(Snapshot(models={"m": model}), [good, bare, off, simulated])
    assert [(probe.provider, probe.credential, probe.well) for probe in found] == [
        ("good", "key-1", True),
        ("good", "key-2", False),
        ("bare", "none", False),
    ]
    assert found[0].missing == ("gone",)
    assert PLANTED not in json.dumps([repr(probe) for probe in found])
