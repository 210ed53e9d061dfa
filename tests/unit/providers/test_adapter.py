"""A client request turned into what one candidate wants: its body."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import __version__
from proxy.core.call import Call, Dialect, EndpointSpec, Operation
from proxy.core.failure import SIGNATURES
from proxy.core.translation import Untranslatable
from proxy.providers.adapter import build
from proxy.providers.kinds import KINDS
from proxy.translate.callids import nine_letters
from tests.unit.providers.preparing import (
    CHAT,
    EMBEDDINGS,
    KEY,
    MESSAGES,
    call_of,
    candidate_of,
    sent_body,
)


def test_request_is_addressed_and_signed() -> None:
    prepared = build(call_of({"model": "public", "messages": []}), candidate_of(), KEY)
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
    assert sent_body(prepared) == {"model": "up", "messages": []}


def test_members_keep_their_order_and_bytes() -> None:
    body = b'{"messages": [{"role":"user", "content":"\\u00e9"}], "model":"public", "temperature":0.10}'
    assert build(call_of(body), candidate_of(), None).request.body == (
        b'{"messages":[{"role":"user", "content":"\\u00e9"}],"model":"up","temperature":0.10}'
    )


def test_compact_body_with_nothing_to_change_stays_as_it_came() -> None:
    body = b'{"model":"up","messages":[]}'
    assert build(call_of(body), candidate_of(), None).request.body == body


def test_member_written_twice_is_sent_once_as_it_was_judged() -> None:
    body = b'{"model":"forbidden","mod\\u0065l":"other","model":"up","messages":[]}'
    assert build(call_of(body), candidate_of(), None).request.body.count(b"forbidden") == 0


def test_model_is_added_where_the_client_named_none() -> None:
    assert sent_body(build(call_of({"messages": []}), candidate_of(), None))["model"] == "up"


def test_the_call_is_never_changed() -> None:
    call = call_of({"model": "public", "seed": 1, "user": "u", "stream": True})
    before = (call.body, {name: bytes(value) for name, value in call.fields.items()})
    build(call, candidate_of("mistral"), KEY, ("seed",))
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
    assert sent_body(build(call_of(body), candidate_of(), None))["stream_options"] == sent


def test_null_stream_options_are_none() -> None:
    body = {"model": "m", "stream": True, "stream_options": None}
    assert sent_body(build(call_of(body), candidate_of(), None))["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("call", "kind", "edit"),
    [
        pytest.param(call_of({"model": "m"}), "openai", (), id="no-stream"),
        pytest.param(call_of({"model": "m", "stream": True}, EMBEDDINGS), "openai", (), id="embeddings"),
        pytest.param(call_of({"model": "m", "stream": True}), "mistral", (), id="kind-without"),
        pytest.param(call_of({"model": "m", "stream": True}), "openai", ("stream_options",), id="refused-before"),
    ],
)
def test_usage_is_not_asked_for(call: Call, kind: str, edit: tuple[str, ...]) -> None:
    assert "stream_options" not in sent_body(build(call, candidate_of(kind), None, edit))


def test_completions_stream_asks_for_usage() -> None:
    call = call_of({"model": "m", "stream": True}, EndpointSpec("completions", Operation.COMPLETIONS))
    assert sent_body(build(call, candidate_of(), None))["stream_options"] == {"include_usage": True}


def test_unwanted_members_are_left_out_and_told() -> None:
    call = call_of({"model": "m", "logprobs": True, "user": "u", "seed": 1, "top_p": 1})
    prepared = build(call, candidate_of("groq", drop_params=frozenset({"user", "model"})), None, ("seed", "absent"))
    assert prepared.dropped == ("logprobs", "user", "seed")
    assert sent_body(prepared) == {"model": "up", "top_p": 1}


RESPONSES = EndpointSpec("responses", Operation.CHAT, Dialect.OPENAI_RESPONSES)


@pytest.mark.parametrize("endpoint", [pytest.param(CHAT, id="chat"), pytest.param(RESPONSES, id="responses")])
def test_client_never_chooses_other_models_than_the_one_that_its_key_was_let_to(endpoint: EndpointSpec) -> None:
    call = call_of({"model": "m", "models": ["dear/one"], "route": "fallback", "top_p": 1}, endpoint)
    prepared = build(call, candidate_of("openrouter"), None)
    assert prepared.dropped == ("models", "route")
    assert sent_body(prepared) == {"model": "up", "top_p": 1}


@pytest.mark.parametrize(
    ("kind", "model", "endpoint"),
    [
        pytest.param("anthropic", "claude-sonnet-5", MESSAGES, id="anthropic"),
        pytest.param("vertex", "claude-sonnet-5", MESSAGES, id="vertex"),
        pytest.param("openai_compatible", "up", CHAT, id="a-proxy-behind-this-one"),
    ],
)
def test_client_never_chooses_fallbacks_at_the_vendor(kind: str, model: str, endpoint: EndpointSpec) -> None:
    call = call_of({"model": "m", "max_tokens": 5, "fallbacks": [{"model": "dear"}], "messages": []}, endpoint)
    prepared = build(call, candidate_of(kind, model, project="p", location="eu"), None)
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
    call = call_of({"model": "m", "messages": [], "seed": 1, "isFine": 1, twin: "dear"})
    prepared = build(call, candidate_of(kind, drop_params=frozenset({"top_p"})), None)
    assert prepared.dropped == (twin,)
    assert sent_body(prepared) == {"model": "up", "messages": [], "seed": 1, "isFine": 1}


@pytest.mark.parametrize(
    "twin", ["Background", "Store", "Previous_Response_Id", "Conversation", "Service_Tier", "Max_Output_Tokens"]
)
def test_member_in_other_letters_that_says_how_a_response_is_kept_or_charged_is_left_out(twin: str) -> None:
    call = call_of({"model": "m", "input": "hello", twin: "x"}, RESPONSES)
    prepared = build(call, candidate_of("openai_compatible"), None)
    assert prepared.dropped == (twin,)
    assert sent_body(prepared) == {"model": "up", "input": "hello"}


def test_member_in_other_letters_is_left_out_in_ollamas_own_dialect_too() -> None:
    endpoint = EndpointSpec("ollama_chat", Operation.CHAT, Dialect.OLLAMA)
    call = call_of({"model": "m", "messages": [], "MODEL": "dear"}, endpoint)
    assert sent_body(build(call, candidate_of("ollama"), None)) == {"model": "up", "messages": []}


def test_member_in_other_letters_is_the_vendors_own_where_names_are_exact() -> None:
    call = call_of({"model": "m", "messages": [], "MODEL": "x"})
    assert sent_body(build(call, candidate_of("openai"), None))["MODEL"] == "x"


def test_chain_of_models_that_wins_over_the_model_is_left_out() -> None:
    call = call_of({"model": "m", "models": ["openai/dear"], "input": "hello"}, RESPONSES)
    prepared = build(call, candidate_of("perplexity", "openai/cheap"), None)
    assert prepared.dropped == ("models",)
    assert sent_body(prepared) == {"model": "openai/cheap", "input": "hello"}


def test_member_that_the_vendor_has_inside_another_is_left_out_too() -> None:
    messages = [{"role": "user", "content": "hello"}]
    call = call_of({"model": "m", "messages": messages, "temperature": 0.5, "top_p": 0.5})
    prepared = build(call, candidate_of("bedrock", region="eu-central-1", drop_params=frozenset({"temperature"})), None)
    assert prepared.dropped == ("temperature",)
    assert sent_body(prepared)["inferenceConfig"] == {"topP": 0.5}


def test_members_get_the_names_of_the_vendor() -> None:
    prepared = build(call_of({"model": "m", "seed": 7, "max_completion_tokens": 9}), candidate_of("mistral"), None)
    assert sent_body(prepared) == {"model": "up", "random_seed": 7, "max_tokens": 9}
    assert prepared.dropped == ()


def test_new_name_that_is_null_leaves_the_limit() -> None:
    prepared = build(
        call_of({"model": "m", "max_tokens": None, "max_completion_tokens": 9}), candidate_of("ollama"), None
    )
    assert (sent_body(prepared), prepared.dropped) == ({"model": "up", "max_tokens": 9}, ())


@pytest.mark.parametrize("kind", ["deepseek", "mistral", "ollama", "together"])
def test_limit_has_the_name_that_the_vendor_obeys(kind: str) -> None:
    messages = [{"role": "user", "content": "hello"}]
    call = call_of({"model": "m", "max_tokens": 9, "messages": messages}, MESSAGES)
    assert sent_body(build(call, candidate_of(kind), None)) == {"model": "up", "max_tokens": 9, "messages": messages}


def test_thoughts_that_are_missing_are_blank_when_a_request_is_sent_again() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    asked, target = call_of({"model": "m", "messages": messages}), candidate_of("deepseek")
    first, again = build(asked, target, None), build(asked, target, None, (SIGNATURES,))
    assert sent_body(first)["messages"] == messages
    assert sent_body(again)["messages"] == [{**messages[0], "content": "", "reasoning_content": " "}]
    assert (again.is_translated, again.dropped) == (False, ())


@pytest.mark.parametrize("kind", ["groq", "mistral"])
def test_thoughts_that_are_not_taken_are_left_out_when_a_request_is_sent_again(kind: str) -> None:
    said = {"role": "assistant", "content": "b", "reasoning_content": "hm"}
    messages = [{"role": "user", "content": "a"}, said, {"role": "user", "content": "c"}]
    again = build(call_of({"model": "m", "messages": messages}), candidate_of(kind), None, (SIGNATURES,))
    assert sent_body(again)["messages"][1] == {"role": "assistant", "content": "b"}


def test_member_sent_under_both_names_is_left_out_once() -> None:
    prepared = build(call_of({"model": "m", "seed": 7, "random_seed": 8}), candidate_of("mistral"), None)
    assert sent_body(prepared) == {"model": "up", "random_seed": 8}
    assert prepared.dropped == ("seed",)


CHAT_KINDS = sorted(kind.name for kind in KINDS.values() if kind.dialect is Dialect.OPENAI_CHAT)


@pytest.mark.parametrize("kind", CHAT_KINDS)
def test_every_served_kind_and_operation_can_be_built(kind: str) -> None:
    for operation in KINDS[kind].paths:
        prepared = build(call_of({"model": "m"}, EndpointSpec("e", operation)), candidate_of(kind), KEY)
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
    prepared = build(call_of(body), candidate_of(kind), KEY, edit)
    touched = {"model", "stream_options", *prepared.dropped, *KINDS[kind].renames}
    untouched = {name: value for name, value in body.items() if name not in touched}
    sent = sent_body(prepared)
    assert {name: sent.get(name) for name in untouched} == untouched
    assert set(sent) <= {*untouched, *touched, *KINDS[kind].renames.values()}


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
    prepared = build(call_of(with_call(call_id)), candidate_of(kind), KEY)
    body = sent_body(prepared)
    assert [body["messages"][1]["tool_calls"][0]["id"], body["messages"][2]["tool_call_id"]] == [sent, sent]
    assert (body["made_up"], prepared.is_translated) == (1, False)
    assert [message["content"] for message in body["messages"]] == [
        'go: "id": "y"',
        body["messages"][1]["content"],
        "ok",
    ]


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
    target = candidate_of(kind, NATIVE.get(kind, "up"), region="eu-west-1")
    prepared = build(call_of({**said, **hints}, EndpointSpec("x", Operation.CHAT, dialect)), target, KEY)
    sent = hints.keys() & json.loads(prepared.request.body).keys()
    assert sorted([*prepared.dropped, *sent]) == sorted(hints)
    assert not sent or dialect in (Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES)


@pytest.mark.parametrize("endpoint", [CHAT, EMBEDDINGS], ids=["chat", "embeddings"])
def test_text_that_only_looks_like_a_seal_passes_as_it_came(endpoint: EndpointSpec) -> None:
    body = b'{"model": "up", "odd":"^f.oz", "input" : "^f.x.y"}'
    assert (
        build(call_of(body, endpoint), candidate_of(), None).request.body
        == b'{"model":"up","odd":"^f.oz","input":"^f.x.y"}'
    )


def test_only_conversations_hold_seals() -> None:
    body = b'{"model":"up","input":"^f.google.abcd.x"}'
    assert build(call_of(body, EMBEDDINGS), candidate_of(), None).request.body == body


def test_operation_that_no_dialect_of_the_vendor_shares_with_the_client_is_unsupported() -> None:
    endpoint = EndpointSpec("count", Operation.COUNT_TOKENS, Dialect.GEMINI)
    with pytest.raises(Untranslatable):
        build(call_of({"model": "m"}, endpoint), candidate_of("anthropic"), KEY)
