"""A client request turned into what one candidate wants: its headers and its credential."""

from __future__ import annotations

import pytest

from proxy.api.endpointspec import GENERATE
from proxy.core.accounts import GoogleAccount, identity
from proxy.core.call import Dialect, EndpointSpec, Headers, Operation
from proxy.core.snapshot import Credential
from proxy.providers.adapter import build
from proxy.wire.headers import NEVER_FORWARDED
from tests.unit.providers.preparing import (
    KEY,
    MESSAGES,
    call_of,
    candidate_of,
    header_of,
)

ANTHROPIC_HEADERS: Headers = ((b"anthropic-version", b"from-the-client"), (b"anthropic-beta", b"from-the-client"))
HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


@pytest.mark.parametrize(
    ("kind", "headers", "forwarded"),
    [
        pytest.param("openai", ["traceparent", "tracestate", "idempotency-key", "openai-beta"], None, id="openai"),
        pytest.param("groq", ["openai-beta"], [], id="beta-is-openais"),
        pytest.param("openai", ["anthropic-beta", "x-mine", "user-agent", "accept"], [], id="not-listed"),
        pytest.param("openai", sorted(name.decode() for name in NEVER_FORWARDED), [], id="never"),
    ],
)
def test_listed_client_headers_pass(kind: str, headers: list[str], forwarded: list[str] | None) -> None:
    client: Headers = tuple((name.encode(), b"from-the-client") for name in headers)
    prepared = build(call_of({"model": "m"}, headers=client), candidate_of(kind), KEY)
    passed = [name.decode() for name, value in prepared.request.headers if value == b"from-the-client"]
    assert passed == (headers if forwarded is None else forwarded)


def test_provider_forwards_more_but_never_a_credential() -> None:
    more = frozenset({"x-mine", "authorization", "x-api-key", "host"})
    client: Headers = tuple((name.encode(), b"from-the-client") for name in sorted(more))
    prepared = build(call_of({"model": "m"}, headers=client), candidate_of(forward_headers=more), None)
    assert [name for name, value in prepared.request.headers if value == b"from-the-client"] == [b"x-mine"]


def test_providers_own_headers_win_over_ours_and_the_clients() -> None:
    own = (("user-agent", "mine"), ("accept", "x/y"), ("traceparent", "own"), ("x-title", "t"), ("content-length", "1"))
    client: Headers = ((b"traceparent", b"client"),)
    prepared = build(call_of({"model": "m"}, headers=client), candidate_of(headers=own), None)
    assert header_of(prepared, "user-agent") == ["mine"]
    assert header_of(prepared, "accept") == ["x/y"]
    assert header_of(prepared, "traceparent") == ["own"]
    assert header_of(prepared, "x-title") == ["t"]
    assert header_of(prepared, "content-length") == [str(len(prepared.request.body))]


def test_credential_wins_over_a_configured_header() -> None:
    own = (("authorization", "Bearer configured"),)
    assert header_of(build(call_of({"model": "m"}), candidate_of(headers=own), KEY), "authorization") == [
        "Bearer planted-0123456789"
    ]
    assert header_of(build(call_of({"model": "m"}), candidate_of(headers=own), None), "authorization") == [
        "Bearer configured"
    ]


def test_account_sends_nothing_of_its_own() -> None:
    account = GoogleAccount()
    prepared = build(call_of(b"{}"), candidate_of(), Credential("google", identity(account), account))
    names = {name for name, _ in prepared.request.headers}
    assert names.isdisjoint({b"authorization", b"api-key", b"x-api-key", b"x-goog-api-key"})
    assert identity(account).reveal() not in repr(prepared.request.headers)


def test_azure_takes_its_own_key_header() -> None:
    prepared = build(call_of({"model": "m"}), candidate_of("azure"), KEY)
    assert header_of(prepared, "api-key") == ["planted-0123456789"]
    assert header_of(prepared, "authorization") == []


def test_prepared_request_shows_no_secret() -> None:
    prepared = build(call_of({"model": "m"}), candidate_of(), KEY)
    assert any(b"planted" in value for _, value in prepared.request.headers)
    for shown in (prepared, prepared.request, prepared.request.route):
        assert "planted" not in repr(shown)


def test_a_request_and_its_route_show_no_credential() -> None:
    request = build(call_of({"messages": []}), candidate_of(), KEY).request
    assert "planted" not in repr(request) + repr(request.route)
    assert "POST" in repr(request.route)


BETAS = ((b"anthropic-beta", b"context-1m-2025-08-07"), (b"openai-beta", b"x=1"), (b"traceparent", b"00-1"))


@pytest.mark.parametrize(
    ("kind", "dialect", "expected"),
    [
        pytest.param("openai", Dialect.OPENAI_CHAT, ("anthropic-beta",), id="the-same-dialect"),
        pytest.param("mistral", Dialect.OPENAI_CHAT, ("anthropic-beta", "openai-beta"), id="a-kind-without-betas"),
        pytest.param("openai", Dialect.ANTHROPIC, ("anthropic-beta", "openai-beta"), id="translated"),
        pytest.param("anthropic", Dialect.ANTHROPIC, ("openai-beta",), id="its-own-dialect"),
    ],
)
def test_headers_that_ask_another_vendor_for_something_are_named(
    kind: str, dialect: Dialect, expected: tuple[str, ...]
) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
    prepared = build(call_of(body, EndpointSpec("x", Operation.CHAT, dialect), BETAS), candidate_of(kind), KEY)
    assert prepared.dropped == expected
    assert not {name.encode() for name in expected} & dict(prepared.request.extra).keys()


FILES = b"files-api-2025-04-14"


@pytest.mark.parametrize(
    ("client", "sent"),
    [
        pytest.param((), FILES, id="ours-alone"),
        pytest.param(((b"anthropic-beta", b"a, b"),), b"a, b," + FILES, id="after-the-client-s"),
        pytest.param(((b"anthropic-beta", b"a"), (b"anthropic-beta", b"b")), b"a,b," + FILES, id="of-two-lines"),
        pytest.param(((b"anthropic-beta", b"a," + FILES),), b"a," + FILES, id="named-already"),
    ],
)
def test_betas_of_the_client_and_ours_are_one_header(client: Headers, sent: bytes) -> None:
    image = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
    sealed = {"type": "thinking", "thinking": "hm", "signature": "^f.anthropic.acc.c2ln"}  # takes it through the hub
    messages = [
        {"role": "user", "content": [image]},
        {"role": "assistant", "content": [sealed, {"type": "text", "text": "A cat."}]},
        {"role": "user", "content": "Sure?"},
    ]
    body = {"model": "m", "max_tokens": 9, "messages": messages}
    request = build(call_of(body, MESSAGES, client), candidate_of("anthropic", "claude-sonnet-4-5"), KEY).request
    assert [value for name, value in request.extra if name == b"anthropic-beta"] == [sent]


@pytest.mark.parametrize("kind", ["gemini", "vertex"])
def test_google_s_own_dialect_gets_no_header_of_anthropic_s(kind: str) -> None:
    candidate = candidate_of(kind, "gemini-3", project="p", location="l")
    request = build(call_of(HELLO, GENERATE, ANTHROPIC_HEADERS), candidate, None).request
    assert b"from-the-client" not in dict(request.headers).values()
