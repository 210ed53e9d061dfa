"""A client request turned into what one candidate wants."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import __version__
from proxy.api.endpointspec import GENERATE
from proxy.core.accounts import GoogleAccount, identity
from proxy.core.call import Call, Dialect, EndpointSpec, Headers, Operation
from proxy.core.secret import Secret
from proxy.core.snapshot import Candidate, Credential, Provider
from proxy.core.translation import Untranslatable
from proxy.providers.adapter import Prepared, build
from proxy.providers.kinds import KINDS
from proxy.translate.callids import nine_letters
from proxy.wire.headers import NEVER_FORWARDED
from proxy.wire.jsonbody import split_object

KEY = Credential("first", Secret("planted-0123456789"))
CHAT = EndpointSpec("chat", Operation.CHAT)
EMBEDDINGS = EndpointSpec("embeddings", Operation.EMBEDDINGS)
_BETA = frozenset({"beta"})
MESSAGES = EndpointSpec("messages", Operation.CHAT, Dialect.ANTHROPIC, query=_BETA)
COUNT_TOKENS = EndpointSpec("count_tokens", Operation.COUNT_TOKENS, Dialect.ANTHROPIC, query=_BETA)


def _call(
    body: dict[str, Any] | bytes,
    endpoint: EndpointSpec = CHAT,
    headers: Headers = (),
    query: tuple[tuple[str, str], ...] = (),
) -> Call:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = split_object(sent)
    decoded = json.loads(sent)
    options = decoded.get("stream_options")
    return Call(
        request_id="r",
        endpoint=endpoint,
        body=sent,
        fields=fields,
        model=decoded.get("model"),
        stream=bool(decoded.get("stream")),
        include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
        headers=headers,
        query=query,
        key=None,
        arrived_s=0.0,
        deadline_s=600.0,
    )


def _candidate(
    kind: str = "openai",
    model: str = "up",
    base_url: str = "https://api.example/v1",
    **more: Any,  # noqa: ANN401  # whatever a provider takes
) -> Candidate:
    return Candidate(Provider("p", kind, base_url, **more), model)


def _sent(prepared: Prepared) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(prepared.request.body)
    return body


def _header(prepared: Prepared, name: str) -> list[str]:
    return [value.decode() for key, value in prepared.request.headers if key == name.encode()]


def test_request_is_addressed_and_signed() -> None:
    prepared = build(_call({"model": "public", "messages": []}), _candidate(), KEY)
    request = prepared.request
    assert (request.route.method, request.url, request.route.target) == (
        "POST",
        "https://api.example/v1/chat/completions",
        "/v1/chat/completions",
    )
    assert request.headers == (
        (b"host", b"api.example"),
        (b"content-type", b"application/json"),
        (b"accept", b"application/json, text/event-stream"),
        (b"accept-encoding", b"identity"),
        (b"user-agent", b"fairlead/" + __version__.encode()),
        (b"authorization", b"Bearer planted-0123456789"),
        (b"content-length", b"%d" % len(request.body)),
    )
    assert _sent(prepared) == {"model": "up", "messages": []}


def test_members_keep_their_order_and_bytes() -> None:
    body = b'{"messages": [{"role":"user", "content":"\\u00e9"}], "model":"public", "temperature":0.10}'
    assert build(_call(body), _candidate(), None).request.body == (
        b'{"messages":[{"role":"user", "content":"\\u00e9"}],"model":"up","temperature":0.10}'
    )


def test_compact_body_with_nothing_to_change_stays_as_it_came() -> None:
    body = b'{"model":"up","messages":[]}'
    assert build(_call(body), _candidate(), None).request.body == body


def test_member_written_twice_is_sent_once_as_it_was_judged() -> None:
    body = b'{"model":"forbidden","mod\\u0065l":"other","model":"up","messages":[]}'
    assert build(_call(body), _candidate(), None).request.body.count(b"forbidden") == 0


def test_model_is_added_where_the_client_named_none() -> None:
    assert _sent(build(_call({"messages": []}), _candidate(), None))["model"] == "up"


def test_the_call_is_never_changed() -> None:
    call = _call({"model": "public", "seed": 1, "user": "u", "stream": True})
    before = (call.body, {name: bytes(value) for name, value in call.fields.items()})
    build(call, _candidate("mistral"), KEY, ("seed",))
    assert (call.body, {name: bytes(value) for name, value in call.fields.items()}) == before


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        pytest.param(None, {"include_usage": True}, id="absent"),
        pytest.param({"include_usage": False}, {"include_usage": True}, id="refused"),
        pytest.param({"include_usage": True, "x": 1}, {"include_usage": True, "x": 1}, id="asked-for"),
        pytest.param({"include_obfuscation": False}, {"include_obfuscation": False, "include_usage": True}, id="other"),
        pytest.param("odd", "odd", id="the-upstream-shall-tell"),
    ],
)
def test_stream_asks_for_usage(asked: object, sent: object) -> None:
    body = {"model": "m", "stream": True} | ({} if asked is None else {"stream_options": asked})
    assert _sent(build(_call(body), _candidate(), None))["stream_options"] == sent


def test_null_stream_options_are_none() -> None:
    body = {"model": "m", "stream": True, "stream_options": None}
    assert _sent(build(_call(body), _candidate(), None))["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("call", "kind", "edit"),
    [
        pytest.param(_call({"model": "m"}), "openai", (), id="no-stream"),
        pytest.param(_call({"model": "m", "stream": True}, EMBEDDINGS), "openai", (), id="embeddings"),
        pytest.param(_call({"model": "m", "stream": True}), "mistral", (), id="kind-without"),
        pytest.param(_call({"model": "m", "stream": True}), "openai", ("stream_options",), id="refused-before"),
    ],
)
def test_usage_is_not_asked_for(call: Call, kind: str, edit: tuple[str, ...]) -> None:
    assert "stream_options" not in _sent(build(call, _candidate(kind), None, edit))


def test_completions_stream_asks_for_usage() -> None:
    call = _call({"model": "m", "stream": True}, EndpointSpec("completions", Operation.COMPLETIONS))
    assert _sent(build(call, _candidate(), None))["stream_options"] == {"include_usage": True}


def test_unwanted_members_are_left_out_and_told() -> None:
    call = _call({"model": "m", "logprobs": True, "user": "u", "seed": 1, "top_p": 1})
    prepared = build(call, _candidate("groq", drop_params=frozenset({"user", "model"})), None, ("seed", "absent"))
    assert prepared.dropped == ("logprobs", "user", "seed")
    assert _sent(prepared) == {"model": "up", "top_p": 1}


RESPONSES = EndpointSpec("responses", Operation.CHAT, Dialect.OPENAI_RESPONSES)


@pytest.mark.parametrize("endpoint", [pytest.param(CHAT, id="chat"), pytest.param(RESPONSES, id="responses")])
def test_client_never_chooses_other_models_than_the_one_that_its_key_was_let_to(endpoint: EndpointSpec) -> None:
    call = _call({"model": "m", "models": ["dear/one"], "route": "fallback", "top_p": 1}, endpoint)
    prepared = build(call, _candidate("openrouter"), None)
    assert prepared.dropped == ("models", "route")
    assert _sent(prepared) == {"model": "up", "top_p": 1}


@pytest.mark.parametrize(
    ("kind", "model", "endpoint"),
    [
        pytest.param("anthropic", "claude-sonnet-5", MESSAGES, id="anthropic"),
        pytest.param("vertex", "claude-sonnet-5", MESSAGES, id="vertex"),
        pytest.param("openai_compatible", "up", CHAT, id="a-proxy-behind-this-one"),
    ],
)
def test_client_never_chooses_fallbacks_at_the_vendor(kind: str, model: str, endpoint: EndpointSpec) -> None:
    call = _call({"model": "m", "max_tokens": 5, "fallbacks": [{"model": "dear"}], "messages": []}, endpoint)
    prepared = build(call, _candidate(kind, model, project="p", location="eu"), None)
    assert prepared.dropped == ("fallbacks",)
    assert b"dear" not in prepared.request.body


# Servers in Go take a member by its name in any case, and of several the last.
@pytest.mark.parametrize("kind", ["ollama", "openai_compatible"])
@pytest.mark.parametrize(
    "twin",
    ["Model", "MODEL", "Stream", "\u017ftream", "max_to\u212aens", "MAX_COMPLETION_TOKENS", "Seed", "TOP_P", "N"],
)
def test_member_in_other_letters_is_left_out_where_it_would_be_taken_for_one_that_was_judged(
    kind: str, twin: str
) -> None:
    call = _call({"model": "m", "messages": [], "seed": 1, "isFine": 1, twin: "dear"})
    prepared = build(call, _candidate(kind, drop_params=frozenset({"top_p"})), None)
    assert prepared.dropped == (twin,)
    assert _sent(prepared) == {"model": "up", "messages": [], "seed": 1, "isFine": 1}


def test_member_in_other_letters_is_left_out_in_ollamas_own_dialect_too() -> None:
    endpoint = EndpointSpec("ollama_chat", Operation.CHAT, Dialect.OLLAMA)
    call = _call({"model": "m", "messages": [], "MODEL": "dear"}, endpoint)
    assert _sent(build(call, _candidate("ollama"), None)) == {"model": "up", "messages": []}


def test_member_in_other_letters_is_the_vendors_own_where_names_are_exact() -> None:
    call = _call({"model": "m", "messages": [], "MODEL": "x"})
    assert _sent(build(call, _candidate("openai"), None))["MODEL"] == "x"


def test_chain_of_models_that_wins_over_the_model_is_left_out() -> None:
    call = _call({"model": "m", "models": ["openai/dear"], "input": "hello"}, RESPONSES)
    prepared = build(call, _candidate("perplexity", "openai/cheap"), None)
    assert prepared.dropped == ("models",)
    assert _sent(prepared) == {"model": "openai/cheap", "input": "hello"}


def test_member_that_the_vendor_has_inside_another_is_left_out_too() -> None:
    messages = [{"role": "user", "content": "hello"}]
    call = _call({"model": "m", "messages": messages, "temperature": 0.5, "top_p": 0.5})
    prepared = build(call, _candidate("bedrock", region="eu-central-1", drop_params=frozenset({"temperature"})), None)
    assert prepared.dropped == ("temperature",)
    assert _sent(prepared)["inferenceConfig"] == {"topP": 0.5}


def test_members_get_the_names_of_the_vendor() -> None:
    prepared = build(_call({"model": "m", "seed": 7, "max_completion_tokens": 9}), _candidate("mistral"), None)
    assert _sent(prepared) == {"model": "up", "random_seed": 7, "max_tokens": 9}
    assert prepared.dropped == ()


def test_member_sent_under_both_names_is_left_out_once() -> None:
    prepared = build(_call({"model": "m", "seed": 7, "random_seed": 8}), _candidate("mistral"), None)
    assert _sent(prepared) == {"model": "up", "random_seed": 8}
    assert prepared.dropped == ("seed",)


@pytest.mark.parametrize(
    ("candidate", "target", "model"),
    [
        pytest.param(
            _candidate("azure", "gpt4o", "https://r.example", api_version="2024-10-21"),
            "/openai/deployments/gpt4o/chat/completions?api-version=2024-10-21",
            "gpt4o",
            id="azure-deployments",
        ),
        pytest.param(
            _candidate("azure", "gpt-4o", "https://r.example/openai", api_version="v x", deployment="a/b"),
            "/openai/deployments/a%2Fb/chat/completions?api-version=v+x",
            "a/b",
            id="azure-deployment-escaped",
        ),
        pytest.param(
            _candidate("azure", "gpt4o", "https://r.example/openai/v1"),
            "/openai/v1/chat/completions",
            "gpt4o",
            id="azure-v1",
        ),
        pytest.param(
            _candidate("openai", api_version="2024-10-21"), "/v1/chat/completions", "up", id="version-elsewhere-unused"
        ),
        pytest.param(
            _candidate("qwen", base_url="https://dashscope-us.aliyuncs.com/compatible-mode/v1"),
            "/compatible-mode/v1/chat/completions",
            "up",
            id="dashscope-host",
        ),
    ],
)
def test_target_is_the_kinds(candidate: Candidate, target: str, model: str) -> None:
    prepared = build(_call({"model": "m"}), candidate, KEY)
    assert prepared.request.route.target == target
    assert prepared.request.url.endswith(target)
    assert _sent(prepared)["model"] == model


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
    request = build(_call({"model": "m"}), _candidate(base_url=base_url + "/v1"), None).request
    assert request.headers[0] == (b"host", host.encode())
    assert request.url == origin + "/v1/chat/completions"


@pytest.mark.parametrize("base_url", ["", "ftp://x/v1", "https:///v1", "x/v1"])
def test_base_url_that_cannot_be_sent_to_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        build(_call({"model": "m"}), _candidate(base_url=base_url), None)


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
    prepared = build(_call({"model": "m"}, headers=client), _candidate(kind), KEY)
    passed = [name.decode() for name, value in prepared.request.headers if value == b"from-the-client"]
    assert passed == (headers if forwarded is None else forwarded)


def test_provider_forwards_more_but_never_a_credential() -> None:
    more = frozenset({"x-mine", "authorization", "x-api-key", "host"})
    client: Headers = tuple((name.encode(), b"from-the-client") for name in sorted(more))
    prepared = build(_call({"model": "m"}, headers=client), _candidate(forward_headers=more), None)
    assert [name for name, value in prepared.request.headers if value == b"from-the-client"] == [b"x-mine"]


def test_providers_own_headers_win_over_ours_and_the_clients() -> None:
    own = (("user-agent", "mine"), ("accept", "x/y"), ("traceparent", "own"), ("x-title", "t"), ("content-length", "1"))
    client: Headers = ((b"traceparent", b"client"),)
    prepared = build(_call({"model": "m"}, headers=client), _candidate(headers=own), None)
    assert _header(prepared, "user-agent") == ["mine"]
    assert _header(prepared, "accept") == ["x/y"]
    assert _header(prepared, "traceparent") == ["own"]
    assert _header(prepared, "x-title") == ["t"]
    assert _header(prepared, "content-length") == [str(len(prepared.request.body))]


def test_credential_wins_over_a_configured_header() -> None:
    own = (("authorization", "Bearer configured"),)
    assert _header(build(_call({"model": "m"}), _candidate(headers=own), KEY), "authorization") == [
        "Bearer planted-0123456789"
    ]
    assert _header(build(_call({"model": "m"}), _candidate(headers=own), None), "authorization") == [
        "Bearer configured"
    ]


def test_account_sends_nothing_of_its_own() -> None:
    account = GoogleAccount()
    prepared = build(_call(b"{}"), _candidate(), Credential("google", identity(account), account))
    names = {name for name, _ in prepared.request.headers}
    assert names.isdisjoint({b"authorization", b"api-key", b"x-api-key", b"x-goog-api-key"})
    assert identity(account).reveal() not in repr(prepared.request.headers)


def test_azure_takes_its_own_key_header() -> None:
    prepared = build(_call({"model": "m"}), _candidate("azure"), KEY)
    assert _header(prepared, "api-key") == ["planted-0123456789"]
    assert _header(prepared, "authorization") == []


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
    request = build(_call({"model": "m"}, endpoint, query=tuple(query.items())), _candidate(), None).request
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
    route = build(_call(body, MESSAGES, query=(("beta", "true"),)), _candidate(kind, model=model), None).request.route
    assert route.target.partition("?")[2] == query


@pytest.mark.parametrize(
    ("endpoint", "named"), [pytest.param(COUNT_TOKENS, True, id="count"), pytest.param(MESSAGES, False, id="chat")]
)
def test_model_is_in_the_body_where_the_path_does_not_name_it(endpoint: EndpointSpec, named: bool) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    sent = _sent(build(_call(body, endpoint), _candidate("vertex", model="claude-x"), None))
    assert (sent.get("model") == "claude-x") is named
    assert sent["anthropic_version"] == "vertex-2023-10-16"


def test_client_never_chooses_the_api_version() -> None:
    endpoint = EndpointSpec("chat", Operation.CHAT, query=frozenset({"api-version", "timeout"}))
    call = _call({"model": "m"}, endpoint, query=(("api-version", "evil"), ("timeout", "5")))
    target = build(call, _candidate("azure", "d", api_version="good"), None).request.route.target
    assert target.endswith("/deployments/d/chat/completions?api-version=good&timeout=5")


def test_prepared_request_shows_no_secret() -> None:
    prepared = build(_call({"model": "m"}), _candidate(), KEY)
    assert any(b"planted" in value for _, value in prepared.request.headers)
    for shown in (prepared, prepared.request, prepared.request.route):
        assert "planted" not in repr(shown)


CHAT_KINDS = sorted(kind.name for kind in KINDS.values() if kind.dialect is Dialect.OPENAI_CHAT)


@pytest.mark.parametrize("kind", CHAT_KINDS)
def test_every_served_kind_and_operation_can_be_built(kind: str) -> None:
    for operation in KINDS[kind].paths:
        prepared = build(_call({"model": "m"}, EndpointSpec("e", operation)), _candidate(kind), KEY)
        assert prepared.request.route.target.endswith(KINDS[kind].paths[operation])
        assert any(b"planted-0123456789" in value for _, value in prepared.request.headers)


MEMBER = st.sampled_from(["model", "messages", "stream", "stream_options", "seed", "user", "logprobs", "x", "é"])
VALUE = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.dictionaries(MEMBER, st.integers(), max_size=2)
)


@given(
    body=st.dictionaries(MEMBER, VALUE, max_size=8),
    kind=st.sampled_from(CHAT_KINDS),
    edit=st.lists(MEMBER, max_size=2).map(tuple),
)
def test_nothing_else_is_changed(body: dict[str, Any], kind: str, edit: tuple[str, ...]) -> None:
    prepared = build(_call(body), _candidate(kind), KEY, edit)
    touched = {"model", "stream_options", *prepared.dropped, *KINDS[kind].renames}
    untouched = {name: value for name, value in body.items() if name not in touched}
    sent = _sent(prepared)
    assert {name: sent.get(name) for name in untouched} == untouched
    assert set(sent) <= {*untouched, *touched, *KINDS[kind].renames.values()}


def test_a_request_and_its_route_show_no_credential() -> None:
    request = build(_call({"messages": []}), _candidate(), KEY).request
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
    prepared = build(_call(body, EndpointSpec("x", Operation.CHAT, dialect), BETAS), _candidate(kind), KEY)
    assert prepared.dropped == expected
    assert not {name.encode() for name in expected} & dict(prepared.request.extra).keys()


def with_call(call_id: str) -> dict[str, Any]:
    called = {"id": call_id, "type": "function", "function": {"name": "f", "arguments": '{"id": "x"}'}}
    return {
        "model": "m",
        "made_up": 1,
        "messages": [
            {"role": "user", "content": 'go: "id": "y"'},
            {"role": "assistant", "content": "", "tool_calls": [called]},
            {"role": "tool", "tool_call_id": call_id, "content": "ok"},
        ],
    }


@pytest.mark.parametrize(
    ("kind", "call_id", "sent"),
    [
        pytest.param(
            "mistral", "call_PTLP8xhu3uwZk4l3nlnrrJha", nine_letters("call_PTLP8xhu3uwZk4l3nlnrrJha"), id="long"
        ),
        pytest.param("mistral", "abc-DEF12", nine_letters("abc-DEF12"), id="other-letters"),
        pytest.param("mistral", "abcDEF123", "abcDEF123", id="its-own"),
        pytest.param("openai", "call_PTLP8xhu3uwZk4l3nlnrrJha", "call_PTLP8xhu3uwZk4l3nlnrrJha", id="elsewhere"),
    ],
)
def test_ids_of_other_vendors_calls_fit_where_they_must(kind: str, call_id: str, sent: str) -> None:
    prepared = build(_call(with_call(call_id)), _candidate(kind), KEY)
    body = _sent(prepared)
    assert [body["messages"][1]["tool_calls"][0]["id"], body["messages"][2]["tool_call_id"]] == [sent, sent]
    assert (body["made_up"], prepared.is_translated) == (1, False)
    assert [message["content"] for message in body["messages"]] == [
        'go: "id": "y"',
        body["messages"][1]["content"],
        "ok",
    ]


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
    request = build(_call(body, MESSAGES, client), _candidate("anthropic", "claude-sonnet-4-5"), KEY).request
    assert [value for name, value in request.extra if name == b"anthropic-beta"] == [sent]


Members = dict[str, Any]
SAID: dict[Dialect, tuple[Members, Members]] = {  # what each dialect needs, and members that only some know
    Dialect.OPENAI_CHAT: (
        {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
        {"logit_bias": {"1": 2}, "made_up": 1},
    ),
    Dialect.OPENAI_RESPONSES: ({"model": "m", "input": "hi"}, {"truncation": "auto", "made_up": 1}),
    Dialect.ANTHROPIC: (
        {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5},
        {"made_up": 1, "context_management": {"edits": []}},
    ),
    Dialect.GEMINI: ({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}, {"made_up": 1}),
    Dialect.OLLAMA: (
        {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
        {"keep_alive": "5m", "made_up": 1},
    ),
}
NATIVE = {"anthropic": "claude-sonnet-4-5", "gemini": "gemini-3.8-flash", "bedrock": "amazon.nova-pro-v1:0"}
TRANSLATED = [
    (kind, dialect)
    for kind in ("anthropic", "gemini", "bedrock", "cohere", "perplexity", "mistral")
    for dialect in SAID
    if all(api.dialect is not dialect for api in KINDS[kind].apis)
]


@pytest.mark.parametrize(("kind", "dialect"), TRANSLATED)
def test_every_member_is_sent_in_another_dialect_or_named_once(kind: str, dialect: Dialect) -> None:
    said, hints = SAID[dialect]
    target = _candidate(kind, NATIVE.get(kind, "up"), region="eu-west-1")
    prepared = build(_call({**said, **hints}, EndpointSpec("x", Operation.CHAT, dialect)), target, KEY)
    sent = hints.keys() & json.loads(prepared.request.body).keys()
    assert sorted([*prepared.dropped, *sent]) == sorted(hints)
    assert not sent or dialect in (Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES)


ANTHROPIC_HEADERS: Headers = ((b"anthropic-version", b"from-the-client"), (b"anthropic-beta", b"from-the-client"))
ASKING = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


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
    call = _call(ASKING, MESSAGES, ANTHROPIC_HEADERS, (("beta", "true"),))
    request = build(call, _candidate(kind, model), None).request
    assert request.route.target == target
    assert (b"from-the-client" in dict(request.headers).values()) is (kind == "anthropic")


def test_other_hosts_of_a_dialect_do_not_get_its_query() -> None:
    candidate = _candidate("vertex", "claude-x", project="p", location="l")
    call = _call(ASKING, MESSAGES, query=(("beta", "true"),))
    assert build(call, candidate, None).request.route.target.endswith("/models/claude-x:rawPredict")


@pytest.mark.parametrize("kind", ["gemini", "vertex"])
def test_google_s_own_dialect_gets_no_header_of_anthropic_s(kind: str) -> None:
    candidate = _candidate(kind, "gemini-3", project="p", location="l")
    request = build(_call(HELLO, GENERATE, ANTHROPIC_HEADERS), candidate, None).request
    assert b"from-the-client" not in dict(request.headers).values()


def test_vertex_is_told_in_the_body_whose_tokens_to_count() -> None:
    candidate = _candidate("vertex", "claude-x", project="p", location="l")
    assert _sent(build(_call(ASKING, COUNT_TOKENS), candidate, None))["model"] == "claude-x"


@pytest.mark.parametrize("model", [".", ".."])
def test_model_that_would_move_in_the_path_does_not_exist(model: str) -> None:
    with pytest.raises(Untranslatable):
        build(_call(HELLO, GENERATE), _candidate("gemini", model), None)


@pytest.mark.parametrize("model", ["a/../b", "a?key=x", "a#b", "ä", "a%2fb", "a{model}", "a:b"])
@pytest.mark.parametrize("kind", ["gemini", "vertex", "bedrock"])
def test_model_stays_one_piece_of_the_path(kind: str, model: str) -> None:
    candidate = _candidate(kind, model, base_url="https://api.example", project="p", location="l")
    target = build(_call(HELLO, GENERATE), candidate, None).request.route.target
    assert f"/{quote(model, safe='')}" in target
    assert not {"?", "#", "{"} & set(target)


@pytest.mark.parametrize("endpoint", [CHAT, EMBEDDINGS], ids=["chat", "embeddings"])
def test_text_that_only_looks_like_a_seal_passes_as_it_came(endpoint: EndpointSpec) -> None:
    body = b'{"model": "up", "odd":"^f.oz", "input" : "^f.x.y"}'
    assert (
        build(_call(body, endpoint), _candidate(), None).request.body
        == b'{"model":"up","odd":"^f.oz","input":"^f.x.y"}'
    )


def test_only_conversations_hold_seals() -> None:
    body = b'{"model":"up","input":"^f.google.abcd.x"}'
    assert build(_call(body, EMBEDDINGS), _candidate(), None).request.body == body


def test_operation_that_no_dialect_of_the_vendor_shares_with_the_client_is_unsupported() -> None:
    endpoint = EndpointSpec("count", Operation.COUNT_TOKENS, Dialect.GEMINI)
    with pytest.raises(Untranslatable):
        build(_call({"model": "m"}, endpoint), _candidate("anthropic"), KEY)
