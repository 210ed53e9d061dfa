"""From a request's bytes to a call."""

from __future__ import annotations

import json

import pytest

from proxy.api.endpointspec import CHAT, COMPLETIONS, EMBEDDINGS, GENERATE, GENERATE_STREAM, MODERATIONS, OLLAMA_CHAT
from proxy.core.call import EndpointSpec, Needs
from proxy.core.capabilities import Scale
from proxy.core.errors import MalformedRequest
from proxy.core.snapshot import Snapshot
from tests.unit.api.build import CI, parse, user


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


def test_what_a_request_needs_is_not_looked_for_where_nothing_asks_for_it() -> None:
    assert parse(user([IMAGE_PART]), snapshot=Snapshot(scale=None)).needs == Needs()


def test_what_is_looked_for_depends_on_the_name() -> None:
    snapshot = Snapshot(scales={"blind": Scale(("images",)), "able": None}, scale=Scale(("tools",)))
    asking = {**user([IMAGE_PART]), "tools": [{}]}
    found = {name: parse({**asking, "model": name}, snapshot=snapshot).needs for name in ("blind", "able", "other")}
    assert found == {"blind": Needs(images=True), "able": Needs(), "other": Needs(tools=True)}
