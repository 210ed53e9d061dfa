"""A client request turned into what one candidate wants: where it goes, and with which query."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from proxy.api.endpointspec import GENERATE
from proxy.core.call import EndpointSpec, Headers, Operation
from proxy.core.snapshot import Candidate
from proxy.core.translation import Untranslatable
from proxy.providers.adapter import build
from tests.unit.providers.preparing import (
    COUNT_TOKENS,
    KEY,
    MESSAGES,
    call_of,
    candidate_of,
    sent_body,
)

ANTHROPIC_HEADERS: Headers = ((b"anthropic-version", b"from-the-client"), (b"anthropic-beta", b"from-the-client"))
ASKING = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


@pytest.mark.parametrize(
    ("candidate", "target", "model"),
    [
        pytest.param(
            candidate_of("azure", "gpt4o", "https://r.example", api_version="2024-10-21"),
            "/openai/deployments/gpt4o/chat/completions?api-version=2024-10-21",
            "gpt4o",
            id="azure-deployments",
        ),
        pytest.param(
            candidate_of("azure", "gpt-4o", "https://r.example/openai", api_version="v x", deployment="a/b"),
            "/openai/deployments/a%2Fb/chat/completions?api-version=v+x",
            "a/b",
            id="azure-deployment-escaped",
        ),
        pytest.param(
            candidate_of("azure", "gpt4o", "https://r.example/openai/v1"),
            "/openai/v1/chat/completions",
            "gpt4o",
            id="azure-v1",
        ),
        pytest.param(
            candidate_of("openai", api_version="2024-10-21"),
            "/v1/chat/completions",
            "up",
            id="version-elsewhere-unused",
        ),
        pytest.param(
            candidate_of("qwen", base_url="https://dashscope-us.aliyuncs.com/compatible-mode/v1"),
            "/compatible-mode/v1/chat/completions",
            "up",
            id="dashscope-host",
        ),
    ],
)
def test_target_is_the_kinds(candidate: Candidate, target: str, model: str) -> None:
    prepared = build(call_of({"model": "m"}), candidate, KEY)
    assert prepared.request.route.target == target
    assert prepared.request.url.endswith(target)
    assert sent_body(prepared)["model"] == model


@pytest.mark.parametrize(
    ("base_url", "host", "origin"),
    [
        pytest.param("https://x:443", "x", "https://x", id="default-https-port"),
        pytest.param("http://x:80", "x", "http://x", id="default-http-port"),
        pytest.param("http://127.0.0.1:8000", "127.0.0.1:8000", "http://127.0.0.1:8000", id="port"),
        pytest.param("http://[::1]:8000", "[::1]:8000", "http://[::1]:8000", id="ipv6"),
        pytest.param("https://bücher.de", "xn--bcher-kva.de", "https://xn--bcher-kva.de", id="idna"),
        pytest.param("https://u:p@x", "x", "https://x", id="user-is-not-sent"),
    ],
)
def test_host_is_the_base_urls(base_url: str, host: str, origin: str) -> None:
    request = build(call_of({"model": "m"}), candidate_of(base_url=base_url + "/v1"), None).request
    assert request.headers[0] == (b"host", host.encode())
    assert request.url == origin + "/v1/chat/completions"


@pytest.mark.parametrize("base_url", ["", "ftp://x/v1", "https:///v1", "x/v1"])
def test_base_url_that_cannot_be_sent_to_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        build(call_of({"model": "m"}), candidate_of(base_url=base_url), None)


@pytest.mark.parametrize(
    ("query", "target"),
    [
        pytest.param({"timeout": "5", "other": "x"}, "/v1/chat/completions?timeout=5", id="listed-only"),
        pytest.param({"timeout": "a b&c"}, "/v1/chat/completions?timeout=a+b%26c", id="escaped"),
        pytest.param({"other": "x"}, "/v1/chat/completions", id="none-listed"),
    ],
)
def test_query_holds_the_endpoints_names_alone(query: dict[str, str], target: str) -> None:
    endpoint = EndpointSpec("chat", Operation.CHAT, query=frozenset({"timeout"}))
    request = build(call_of({"model": "m"}, endpoint, query=tuple(query.items())), candidate_of(), None).request
    assert (request.route.target, request.url) == (target, "https://api.example" + target)


@pytest.mark.parametrize(
    ("kind", "model", "query"),
    [
        pytest.param("anthropic", "m", "beta=true", id="its-own"),
        pytest.param("vertex", "claude-x", "", id="another-host"),
        pytest.param("openai", "m", "", id="another-dialect"),
    ],
)
def test_query_is_for_the_dialects_own_api(kind: str, model: str, query: str) -> None:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    route = build(
        call_of(body, MESSAGES, query=(("beta", "true"),)), candidate_of(kind, model=model), None
    ).request.route
    assert route.target.partition("?")[2] == query


@pytest.mark.parametrize(
    ("endpoint", "named"), [pytest.param(COUNT_TOKENS, True, id="count"), pytest.param(MESSAGES, False, id="chat")]
)
def test_model_is_in_the_body_where_the_path_does_not_name_it(endpoint: EndpointSpec, named: bool) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    sent = sent_body(build(call_of(body, endpoint), candidate_of("vertex", model="claude-x"), None))
    assert (sent.get("model") == "claude-x") is named
    assert sent["anthropic_version"] == "vertex-2023-10-16"


def test_client_never_chooses_the_api_version() -> None:
    endpoint = EndpointSpec("chat", Operation.CHAT, query=frozenset({"api-version", "timeout"}))
    call = call_of({"model": "m"}, endpoint, query=(("api-version", "evil"), ("timeout", "5")))
    target = build(call, candidate_of("azure", "d", api_version="good"), None).request.route.target
    assert target.endswith("/deployments/d/chat/completions?api-version=good&timeout=5")


@pytest.mark.parametrize(
    ("kind", "model", "target"),
    [
        pytest.param("anthropic", "claude-x", "/v1/messages?beta=true", id="its-vendor"),
        pytest.param("openai", "gpt-x", "/v1/chat/completions", id="another-dialect"),
        pytest.param("gemini", "gemini-x", "/v1beta/models/gemini-x:generateContent", id="another-vendor"),
        pytest.param("cohere", "c", "/v2/chat", id="cohere"),
    ],
)
def test_query_of_a_dialect_goes_to_its_vendor_alone(kind: str, model: str, target: str) -> None:
    call = call_of(ASKING, MESSAGES, ANTHROPIC_HEADERS, (("beta", "true"),))
    request = build(call, candidate_of(kind, model), None).request
    assert request.route.target == target
    assert (b"from-the-client" in dict(request.headers).values()) is (kind == "anthropic")


def test_other_hosts_of_a_dialect_do_not_get_its_query() -> None:
    candidate = candidate_of("vertex", "claude-x", project="p", location="l")
    call = call_of(ASKING, MESSAGES, query=(("beta", "true"),))
    assert build(call, candidate, None).request.route.target.endswith("/models/claude-x:rawPredict")


def test_vertex_is_told_in_the_body_whose_tokens_to_count() -> None:
    candidate = candidate_of("vertex", "claude-x", project="p", location="l")
    assert sent_body(build(call_of(ASKING, COUNT_TOKENS), candidate, None))["model"] == "claude-x"


@pytest.mark.parametrize("model", [".", ".."])
def test_model_that_would_move_in_the_path_does_not_exist(model: str) -> None:
    with pytest.raises(Untranslatable):
        build(call_of(HELLO, GENERATE), candidate_of("gemini", model), None)


@pytest.mark.parametrize("model", ["a/../b", "a?key=x", "a#b", "ä", "a%2fb", "a{model}", "a:b"])
@pytest.mark.parametrize("kind", ["gemini", "vertex", "bedrock"])
def test_model_stays_one_piece_of_the_path(kind: str, model: str) -> None:
    candidate = candidate_of(kind, model, base_url="https://api.example", project="p", location="l")
    target = build(call_of(HELLO, GENERATE), candidate, None).request.route.target
    assert f"/{quote(model, safe='')}" in target
    assert not {"?", "#", "{"} & set(target)
