"""What a request asks of a model, in each client's dialect."""

from __future__ import annotations

import json

import pytest

from proxy.api.demands import max_tokens, needs
from proxy.core.call import Dialect, Needs
from proxy.core.capabilities import EVERYTHING, NEEDS, Scale
from proxy.wire.jsonbody import split_object

CHAT, RESPONSES, ANTHROPIC = Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES, Dialect.ANTHROPIC
GEMINI, OLLAMA = Dialect.GEMINI, Dialect.OLLAMA
SCHEMA = {"type": "object"}


def asked(body: object, dialect: Dialect, scale: Scale = EVERYTHING) -> Needs:
    written = json.dumps(body).encode()
    return needs(split_object(written), written, dialect, scale)


def part(**members: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": [members]}]}


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        pytest.param(CHAT, part(type="image_url", image_url={"url": "https://a/b.png"}), id="chat"),
        pytest.param(RESPONSES, {"input": [{"content": [{"type": "input_image"}]}]}, id="responses"),
        pytest.param(ANTHROPIC, part(type="image", source={"type": "url"}), id="anthropic"),
        pytest.param(GEMINI, {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png"}}]}]}, id="gemini"),
        pytest.param(GEMINI, {"contents": [{"parts": [{"inline_data": {"mime_type": "image/png"}}]}]}, id="snake"),
        pytest.param(OLLAMA, {"messages": [{"images": ["aGk="]}]}, id="ollama"),
    ],
)
def test_images_are_seen(dialect: Dialect, body: object) -> None:
    assert asked(body, dialect).images


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES, ANTHROPIC, GEMINI, OLLAMA])
def test_words_in_a_text_are_no_parts(dialect: Dialect) -> None:
    text = '"type":"image" "type": "image_url" "mimeType":"image/png" "images": ["a"] "type":"input_audio"'
    found = asked({"messages": [{"role": "user", "content": text}]}, dialect)
    assert (found.images, found.audio, found.tools, found.json_schema) == (False, False, False, False)


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        pytest.param(CHAT, part(type="input_audio", input_audio={"data": "", "format": "wav"}), id="chat"),
        pytest.param(RESPONSES, {"input": [{"content": [{"type": "input_audio"}]}]}, id="responses"),
        pytest.param(GEMINI, {"contents": [{"parts": [{"inlineData": {"mimeType": "audio/wav"}}]}]}, id="gemini"),
        pytest.param(GEMINI, {"contents": [{"parts": [{"inline_data": {"mime_type": "audio/wav"}}]}]}, id="snake"),
    ],
)
def test_audio_is_seen(dialect: Dialect, body: object) -> None:
    assert asked(body, dialect).audio


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        pytest.param(CHAT, {"response_format": {"type": "json_schema", "json_schema": {}}}, id="chat"),
        pytest.param(RESPONSES, {"text": {"format": {"type": "json_schema"}}}, id="responses"),
        pytest.param(ANTHROPIC, {"output_config": {"format": {"type": "json_schema"}}}, id="anthropic"),
        pytest.param(GEMINI, {"generationConfig": {"responseJsonSchema": SCHEMA}}, id="gemini"),
        pytest.param(GEMINI, {"generation_config": {"response_schema": SCHEMA}}, id="gemini-snake"),
        pytest.param(GEMINI, {"generation_config": {"responseJsonSchema": SCHEMA}}, id="gemini-mixed"),
        pytest.param(OLLAMA, {"format": SCHEMA}, id="ollama"),
    ],
)
def test_structured_output_is_seen(dialect: Dialect, body: object) -> None:
    assert asked(body, dialect).json_schema


@pytest.mark.parametrize(
    ("dialect", "body", "is_linked"),
    [
        pytest.param(CHAT, part(type="image_url", image_url={"url": "https://a/b.png"}), True, id="chat"),
        pytest.param(
            CHAT, part(type="image_url", image_url={"detail": "low", "url": "http://a/b"}), True, id="detail-first"
        ),
        pytest.param(CHAT, part(type="image_url", image_url={"url": "data:image/png;base64,aa"}), False, id="data"),
        pytest.param(RESPONSES, {"input": [{"type": "input_image", "image_url": "https://a/b"}]}, True, id="responses"),
        pytest.param(ANTHROPIC, part(type="image", source={"type": "url", "url": "https://a/b"}), True, id="anthropic"),
        pytest.param(ANTHROPIC, part(type="image", source={"type": "base64"}), False, id="anthropic-data"),
        pytest.param(GEMINI, {"contents": [{"parts": [{"fileData": {"fileUri": "https://a/b"}}]}]}, True, id="gemini"),
        pytest.param(GEMINI, {"contents": [{"parts": [{"fileData": {"fileUri": "gs://a/b"}}]}]}, False, id="bucket"),
        pytest.param(OLLAMA, {"messages": [{"images": ["aGk="]}]}, False, id="ollama"),
    ],
)
def test_images_by_url_are_told_from_others(dialect: Dialect, body: object, is_linked: bool) -> None:
    assert asked(body, dialect).image_urls is is_linked


@pytest.mark.parametrize("lacking", NEEDS)
def test_only_what_some_candidate_lacks_is_looked_for(lacking: str) -> None:
    everything = {
        "tools": [{}],
        "response_format": {"type": "json_schema"},
        **part(type="image_url", image_url={"url": "https://a/b"}, more={"type": "input_audio"}),
    }
    found = asked(everything, CHAT, Scale((lacking,)))
    assert [need for need in NEEDS if getattr(found, need)] == [lacking]


@pytest.mark.parametrize(
    ("scale", "counts_tokens", "is_counted"),
    [
        pytest.param(Scale(("tools",)), False, False, id="no-window-is-known"),
        pytest.param(Scale(window_tokens=100), False, False, id="it-fits-in-any-case"),
        pytest.param(Scale(window_tokens=5), False, True, id="it-may-be-too-long"),
        pytest.param(Scale(counts_tokens=True), False, True, id="a-limit-of-the-provider"),
        pytest.param(Scale(("tools",)), True, True, id="a-limit-of-the-key"),
    ],
)
def test_tokens_are_estimated_where_something_depends_on_them(
    scale: Scale, counts_tokens: bool, is_counted: bool
) -> None:
    body = b'{"messages": [{"content": "some words"}]}'
    found = needs(split_object(body), body, CHAT, scale, counts_tokens=counts_tokens)
    assert found.input_tokens == (len(body) // 4 if is_counted else 0)


@pytest.mark.parametrize(
    ("members", "is_cut"),
    [
        pytest.param({"truncation": "auto"}, True, id="responses"),
        pytest.param({"truncation": "disabled"}, False, id="explicitly-not"),
        pytest.param({"truncation": None}, False, id="null"),
        pytest.param({"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}, True, id="anthropic"),
        pytest.param({"transforms": ["middle-out"]}, True, id="openrouter"),
        pytest.param({"transforms": []}, False, id="none"),
    ],
)
def test_a_request_may_ask_to_be_cut(members: dict[str, object], is_cut: bool) -> None:
    assert asked({"input": "long", **members}, RESPONSES, Scale(window_tokens=1)).is_cut is is_cut


def test_json_without_a_schema_is_none() -> None:
    assert not asked({"format": "json"}, OLLAMA).json_schema
    assert not asked({"response_format": {"type": "json_object"}}, CHAT).json_schema


@pytest.mark.parametrize(("tools", "wants"), [([{}], True), ([], False), (None, False)])
def test_tools_are_wanted_where_there_are_some(tools: object, wants: bool) -> None:
    assert asked({"tools": tools}, GEMINI).tools is wants


@pytest.mark.parametrize(
    ("dialect", "body", "limit"),
    [
        pytest.param(CHAT, {"max_tokens": 5, "max_completion_tokens": 7}, 7, id="chat-takes-the-larger"),
        pytest.param(ANTHROPIC, {"max_tokens": 5}, 5, id="anthropic"),
        pytest.param(RESPONSES, {"max_output_tokens": 5}, 5, id="responses"),
        pytest.param(GEMINI, {"generationConfig": {"maxOutputTokens": 5}}, 5, id="gemini"),
        pytest.param(GEMINI, {"generation_config": {"max_output_tokens": 5}}, 5, id="gemini-snake"),
        pytest.param(GEMINI, {"generation_config": {"maxOutputTokens": 5}}, 5, id="gemini-mixed"),
        pytest.param(
            GEMINI,
            {"generationConfig": {"maxOutputTokens": 5}, "generation_config": {"max_output_tokens": 7}},
            7,
            id="gemini-both",
        ),
        pytest.param(OLLAMA, {"options": {"num_predict": 5}}, 5, id="ollama"),
        pytest.param(OLLAMA, {"options": {"num_predict": -1}}, None, id="no-limit"),
        pytest.param(GEMINI, {"generationConfig": "odd"}, None, id="odd"),
        pytest.param(GEMINI, {}, None, id="absent"),
        pytest.param(CHAT, {"max_tokens": "many"}, None, id="no-number"),
    ],
)
def test_output_limit_is_read(dialect: Dialect, body: object, limit: int | None) -> None:
    assert max_tokens(split_object(json.dumps(body).encode()), dialect) == limit
