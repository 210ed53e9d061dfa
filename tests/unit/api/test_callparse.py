"""From a request's bytes and headers to a call."""

from __future__ import annotations

import json

import pytest

from proxy.api.callparse import parse_call
from proxy.api.endpointspec import CHAT, COMPLETIONS, EMBEDDINGS, GENERATE, GENERATE_STREAM, MODERATIONS, OLLAMA_CHAT
from proxy.core.call import Call, EndpointSpec, Needs, Operation
from proxy.core.capabilities import Scale
from proxy.core.errors import MalformedRequest
from proxy.core.snapshot import ClientKey, Provider, Snapshot
from proxy.edge.exchange import Asked
from proxy.providers.kinds import KINDS
from proxy.wire.headers import ALWAYS_FORWARDED
from tests.fakes.wire import make_exchange

SNAPSHOT = Snapshot(deadline_s=600.0)
CI = ClientKey("ci")


def parse(
    body: bytes | dict[str, object],
    headers: dict[bytes, bytes] | None = None,
    endpoint: EndpointSpec = CHAT,
    *,
    query: bytes = b"",
    path_model: str = "",
    snapshot: Snapshot = SNAPSHOT,
) -> Call:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    exchange = make_exchange(headers, asked=Asked(endpoint, path_model, query))
    exchange.request_id, exchange.arrived_s, exchange.key = "req_1", 5.0, CI
    return parse_call(exchange, content, snapshot)


def user(content: object) -> dict[str, object]:
    return {"model": "demo", "messages": [{"role": "user", "content": content}]}


def test_call_holds_the_body_as_it_came_and_what_came_around_it() -> None:
    body = b'{"model": "demo",  "temperature": 1.0e-1}'
    call = parse(body)
    assert call.body is body
    assert {name: bytes(value) for name, value in call.fields.items()} == {"model": b'"demo"', "temperature": b"1.0e-1"}
    assert (call.request_id, call.endpoint, call.key, call.arrived_s) == ("req_1", CHAT, CI, 5.0)


def test_call_that_asks_for_nothing_special() -> None:
    call = parse({})
    assert (call.model, call.stream, call.include_usage, call.max_tokens) == (None, False, False, None)
    assert (call.headers, call.query, call.tags) == ((), (), ())
    assert (call.deadline_s, call.pinned_provider, call.failover) == (600.0, None, True)
    assert call.needs == Needs()


@pytest.mark.parametrize(
    ("endpoint", "body", "stream"),
    [
        pytest.param(OLLAMA_CHAT, {}, True, id="ollama-unless-told-not-to"),
        pytest.param(OLLAMA_CHAT, {"stream": False}, False, id="ollama-told-not-to"),
        pytest.param(GENERATE_STREAM, {"stream": False}, True, id="google-by-the-path"),
        pytest.param(GENERATE, {"stream": "x"}, False, id="google-never-by-the-body"),
    ],
)
def test_whether_it_streams_is_said_in_the_client_s_way(
    endpoint: EndpointSpec, body: dict[str, object], stream: bool
) -> None:
    assert parse(body, endpoint=endpoint).stream is stream


# --- what is refused ---


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        pytest.param(b"", None, "The request body is not a JSON object: Input data was truncated.", id="empty"),
        pytest.param(b"[]", None, "The request body is not a JSON object: expected a JSON object.", id="array"),
        pytest.param(
            b'{"a": ' + b"[" * 100_000, None, "The request body is not a JSON object: nested too deeply.", id="deep"
        ),
        pytest.param(
            b'{"\xff": 1}',
            None,
            "The request body is not a JSON object: a member's name is not UTF-8.",
            id="name-that-is-no-utf-8",
        ),
        pytest.param({"model": 7}, "model", "'model' must be a string.", id="model-number"),
        pytest.param({"model": ["PLANTED"]}, "model", "'model' must be a string.", id="model-array"),
        pytest.param(b'{"model": "PLANTED\xff"}', "model", "'model' must be a string.", id="model-that-is-no-utf-8"),
        pytest.param({"stream": "PLANTED"}, "stream", "'stream' must be true or false.", id="stream-text"),
        pytest.param({"stream": 1}, "stream", "'stream' must be true or false.", id="stream-number"),
        pytest.param(
            {"stream": True, "stream_options": True}, "stream_options", "'stream_options' must be an object.", id="flag"
        ),
        pytest.param(
            {"stream": True, "stream_options": {"include_usage": "PLANTED"}},
            "stream_options",
            "'stream_options' must be an object.",
            id="include-usage-text",
        ),
    ],
)
def test_field_of_a_wrong_type_is_named(body: bytes | dict[str, object], param: str | None, message: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        parse(body)
    assert (caught.value.status, caught.value.param, caught.value.message) == (400, param, message)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"stream": False, "stream_options": 7}, id="stream-options-without-a-stream"),
        pytest.param({"max_tokens": "many"}, id="max-tokens-text"),
        pytest.param({"messages": 7, "tools": 7, "response_format": 7}, id="what-routing-does-not-read"),
    ],
)
def test_wrong_type_of_what_routing_can_do_without_is_the_upstreams_to_refuse(body: dict[str, object]) -> None:
    assert parse(body).max_tokens is None


# --- the fields that routing needs ---


@pytest.mark.parametrize(
    ("body", "path_model", "expected"),
    [
        pytest.param({"model": "gpt-4o"}, "", "gpt-4o", id="named"),
        pytest.param({"model": None}, "", None, id="null"),
        pytest.param({"model": ""}, "", "", id="empty"),
        pytest.param({"model": "größe/\u2028"}, "", "größe/\u2028", id="any-characters"),
        pytest.param({}, "deployed", "deployed", id="in-the-path"),
        pytest.param({"model": "gpt-4o"}, "deployed", "deployed", id="the-path-wins"),
        pytest.param({}, "", None, id="nowhere"),
    ],
)
def test_model_is_named_by_path_or_body(body: dict[str, object], path_model: str, expected: str | None) -> None:
    assert parse(body, path_model=path_model).model == expected


@pytest.mark.parametrize(
    ("body", "endpoint", "stream", "include_usage"),
    [
        pytest.param({"stream": True}, CHAT, True, False, id="chat"),
        pytest.param({"stream": True}, COMPLETIONS, True, False, id="completions"),
        pytest.param({"stream": True}, EMBEDDINGS, False, False, id="embeddings-never-stream"),
        pytest.param({"stream": "x"}, MODERATIONS, False, False, id="moderations-never-stream"),
        pytest.param({"stream": False}, CHAT, False, False, id="false"),
        pytest.param({"stream": None}, CHAT, False, False, id="null"),
        pytest.param({"stream": True, "stream_options": {"include_usage": True}}, CHAT, True, True, id="usage"),
        pytest.param({"stream": True, "stream_options": {"include_usage": False}}, CHAT, True, False, id="no-usage"),
        pytest.param({"stream": True, "stream_options": {"include_usage": None}}, CHAT, True, False, id="usage-null"),
        pytest.param({"stream": True, "stream_options": {"other": 1}}, CHAT, True, False, id="other-options"),
        pytest.param({"stream": True, "stream_options": None}, CHAT, True, False, id="options-null"),
        pytest.param({"stream_options": {"include_usage": True}}, CHAT, False, False, id="usage-without-a-stream"),
    ],
)
def test_stream_and_its_usage_are_the_clients_choice(
    body: dict[str, object], endpoint: EndpointSpec, stream: bool, include_usage: bool
) -> None:
    call = parse(body, endpoint=endpoint)
    assert (call.stream, call.include_usage) == (stream, include_usage)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({"max_tokens": 9}, 9, id="max-tokens"),
        pytest.param({"max_completion_tokens": 8}, 8, id="max-completion-tokens"),
        pytest.param({"max_tokens": 9, "max_completion_tokens": 8}, 9, id="the-larger-of-two"),
        pytest.param({"max_tokens": 8, "max_completion_tokens": 9}, 9, id="the-larger-by-the-newer-name"),
        pytest.param({"max_tokens": 20000.0, "max_completion_tokens": 1}, 20_000, id="whole-with-a-point"),
        pytest.param({"max_tokens": "20000"}, None, id="as-text"),
        pytest.param({"max_tokens": 10**400}, 10**9, id="beyond-any-number"),
        pytest.param({"max_tokens": 9, "max_completion_tokens": None}, 9, id="the-newer-name-null"),
        pytest.param({"max_tokens": 9, "max_completion_tokens": "x"}, 9, id="the-newer-name-of-a-wrong-type"),
        pytest.param({"max_tokens": None}, None, id="null"),
        pytest.param({"max_tokens": -1_000_000}, None, id="negative"),
        pytest.param({"max_tokens": 0}, None, id="zero"),
        pytest.param({"max_tokens": 9.5}, None, id="fraction"),
        pytest.param({"max_tokens": True}, None, id="true"),
    ],
)
def test_output_limit_is_a_whole_number_above_zero_or_unknown(body: dict[str, object], expected: int | None) -> None:
    assert parse(body).max_tokens == expected


@pytest.mark.parametrize("config", ["generationConfig", "generation_config"])
@pytest.mark.parametrize("limit", ["maxOutputTokens", "max_output_tokens"])
def test_output_limit_of_googles_client_is_read_in_either_spelling(config: str, limit: str) -> None:
    assert parse({config: {limit: 9}}, endpoint=GENERATE).max_tokens == 9


IMAGE_PART = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}
AUDIO_PART = {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}
SPOKEN = 'Send {"type": "image_url", "image_url": {}} and {"type":"input_audio"} with "tools" and "json_schema".'
TOOL_WITH_AN_IMAGE = {"type": "function", "function": {"parameters": {"properties": {"image_url": {"type": "string"}}}}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(user("Hi"), set(), id="text"),
        pytest.param(user([{"type": "text", "text": "Hi"}, IMAGE_PART]), {"images"}, id="image"),
        pytest.param(user([AUDIO_PART]), {"audio"}, id="audio"),
        pytest.param(user([AUDIO_PART, IMAGE_PART]), {"audio", "images"}, id="audio-and-image"),
        pytest.param({"tools": [{"type": "function"}]}, {"tools"}, id="tools"),
        pytest.param({"tools": []}, set(), id="no-tool"),
        pytest.param({"tools": None}, set(), id="tools-null"),
        pytest.param(
            {"response_format": {"type": "json_schema", "json_schema": {}}}, {"json_schema"}, id="json-schema"
        ),
        pytest.param({"response_format": {"type": "json_object"}}, set(), id="json-object"),
        pytest.param({"response_format": None}, set(), id="response-format-null"),
        pytest.param(user(SPOKEN), set(), id="text-that-speaks-of-them"),
        pytest.param(user("image_url"), set(), id="text-that-is-the-word"),
        pytest.param({"tools": [TOOL_WITH_AN_IMAGE]}, {"tools"}, id="tool-with-a-parameter-of-that-name"),
        pytest.param({"image_url": "x", "input_audio": "y"}, set(), id="unknown-members-of-that-name"),
    ],
)
@pytest.mark.parametrize("compact", [pytest.param(True, id="compact"), pytest.param(False, id="spaced")])
def test_needs_are_read_from_members_and_not_from_text(
    body: dict[str, object], expected: set[str], compact: bool
) -> None:
    content = json.dumps(body, separators=(",", ":") if compact else (" , ", " : ")).encode()
    needs = parse(content).needs
    assert {name for name in ("tools", "images", "audio", "json_schema") if getattr(needs, name)} == expected


def test_input_is_estimated_from_the_size_of_the_body() -> None:
    assert parse(user("x" * 4000)).needs.input_tokens == len(json.dumps(user("x" * 4000))) // 4


@pytest.mark.parametrize(
    "part",
    [
        pytest.param({"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 40_000}}, id="image"),
        pytest.param({"type": "input_audio", "input_audio": {"data": "A" * 40_000, "format": "wav"}}, id="audio"),
    ],
)
def test_images_and_sounds_in_the_body_count_by_their_number_and_not_as_text(part: dict[str, object]) -> None:
    tokens = parse(user([part, {"type": "text", "text": "x" * 4000}, part])).needs.input_tokens
    assert 2 * 750 + 1000 < tokens < 2 * 750 + 1200


def test_text_that_speaks_of_inline_images_is_text() -> None:
    assert parse(user('";base64," "data": "' + "x" * 4000)).needs.input_tokens > 1000


# --- headers ---


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, 600.0, id="none"),
        pytest.param(b"1500", 1.5, id="shorter"),
        pytest.param(b"1", 0.001, id="the-shortest"),
        pytest.param(b"00900", 0.9, id="leading-zeros"),
        pytest.param(b"600000", 600.0, id="the-same"),
        pytest.param(b"600001", 600.0, id="never-longer-than-configured"),
        pytest.param(b"9" * 18, 600.0, id="much-longer"),
    ],
)
def test_client_may_shorten_its_deadline(value: bytes | None, expected: float) -> None:
    headers = {} if value is None else {b"x-fairlead-deadline-ms": value}
    assert parse({}, headers).deadline_s == expected


@pytest.mark.parametrize("value", [b"", b"0", b"-5", b"1.5", b"1e3", b"1500ms", b" 5", "٥".encode(), b"9" * 5000])
def test_deadline_that_is_no_whole_number_is_refused(value: bytes) -> None:
    with pytest.raises(MalformedRequest, match="'x-fairlead-deadline-ms' must be a whole number of milliseconds"):
        parse({}, {b"x-fairlead-deadline-ms": value})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"a", ("a",), id="one"),
        pytest.param(b" a, b ,,c ", ("a", "b", "c"), id="several"),
        pytest.param(b"team=x", ("team=x",), id="any-text"),
        pytest.param(b"", (), id="empty"),
        pytest.param(b" , ", (), id="commas-alone"),
    ],
)
def test_tags_are_the_parts_between_commas(value: bytes, expected: tuple[str, ...]) -> None:
    assert parse({}, {b"x-fairlead-tags": value}).tags == expected


@pytest.mark.parametrize(
    ("value", "expected"), [pytest.param(b"azure-eu", "azure-eu", id="named"), pytest.param(b"", None, id="empty")]
)
def test_client_may_pin_a_provider(value: bytes, expected: str | None) -> None:
    assert parse({}, {b"x-fairlead-provider": value}).pinned_provider == expected


@pytest.mark.parametrize(
    ("value", "failover"),
    [(b"true", False), (b"TRUE", False), (b"1", False), (b"1 \t", False), (b"false", True), (b"0", True), (b"", True)],
)
def test_client_may_forbid_failover(value: bytes, failover: bool) -> None:
    assert parse({}, {b"x-fairlead-no-failover": value}).failover is failover


def test_a_wish_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="'x-fairlead-no-failover' must be true or false"):
        parse({}, {b"x-fairlead-no-failover": b"yes"})


def test_white_space_after_a_header_is_no_part_of_it() -> None:
    """RFC 9110 section 5.5; the parser leaves it there."""
    call = parse({}, {b"x-fairlead-provider": b"azure-eu ", b"x-fairlead-deadline-ms": b"1500 \t"})
    assert (call.pinned_provider, call.deadline_s) == ("azure-eu", 1.5)


@pytest.mark.parametrize(
    "name",
    [
        b"authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"proxy-authorization",
        b"cookie",
        b"host",
        b"accept",
        b"accept-encoding",
        b"connection",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"keep-alive",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"user-agent",
    ],
)
def test_header_of_this_connection_or_of_the_client_itself_ends_here(name: bytes) -> None:
    greedy = Provider("p", "openai", "http://h", forward_headers=frozenset({name.decode(), "x-kept"}))
    snapshot = Snapshot(providers={"p": greedy})
    assert parse({}, {name: b"PLANTED", b"x-kept": b"1"}, snapshot=snapshot).headers == ((b"x-kept", b"1"),)


def test_header_that_no_provider_may_get_ends_here() -> None:
    assert parse({}, {b"x-stainless-lang": b"python", b"x-kept": b"1"}).headers == ()


def test_every_header_that_some_kind_of_provider_gets_is_kept() -> None:
    names = ALWAYS_FORWARDED.union(*(kind.forwards for kind in KINDS.values()))
    assert {name for name, _ in parse({}, dict.fromkeys(names, b"1")).headers} == names


def test_headers_are_kept_for_the_providers_of_the_configuration_in_force() -> None:
    for name in ("x-one", "x-two", "x-one"):
        provider = Provider("p", "openai", "http://h", forward_headers=frozenset({name}))
        headers = {b"x-one": b"1", b"x-two": b"2"}
        call = parse({}, headers, snapshot=Snapshot(providers={"p": provider}))
        assert call.headers == ((name.encode(), headers[name.encode()]),)


def test_what_a_request_needs_is_not_looked_for_where_nothing_asks_for_it() -> None:
    assert parse(user([IMAGE_PART]), snapshot=Snapshot(scale=None)).needs == Needs()


def test_what_is_looked_for_depends_on_the_name() -> None:
    snapshot = Snapshot(scales={"blind": Scale(("images",)), "able": None}, scale=Scale(("tools",)))
    asking = {**user([IMAGE_PART]), "tools": [{}]}
    found = {name: parse({**asking, "model": name}, snapshot=snapshot).needs for name in ("blind", "able", "other")}
    assert found == {"blind": Needs(images=True), "able": Needs(), "other": Needs(tools=True)}


def test_other_headers_go_on_to_be_chosen_from() -> None:
    headers = {b"idempotency-key": b"k", b"openai-beta": b"x=1", b"traceparent": b"00-1"}
    assert parse({}, headers).headers == tuple(headers.items())


# --- query ---

WITH_QUERY = EndpointSpec("files", Operation.CHAT, query=frozenset({"limit", "after"}))


@pytest.mark.parametrize(
    ("endpoint", "query", "expected"),
    [
        pytest.param(CHAT, b"limit=1&api-version=x", (), id="an-endpoint-without-a-query"),
        pytest.param(WITH_QUERY, b"", (), id="no-query"),
        pytest.param(WITH_QUERY, b"limit=1&key=PLANTED&after=", (("limit", "1"), ("after", "")), id="known-names-only"),
        pytest.param(WITH_QUERY, b"limit=%C3%A9+x%26y", (("limit", "é x&y"),), id="decoded"),
        pytest.param(WITH_QUERY, b"limit=1&limit=2", (("limit", "1"), ("limit", "2")), id="repeated"),
    ],
)
def test_query_keeps_the_names_that_the_endpoint_knows(
    endpoint: EndpointSpec, query: bytes, expected: tuple[tuple[str, str], ...]
) -> None:
    assert parse({}, endpoint=endpoint, query=query).query == expected
