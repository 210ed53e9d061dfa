"""Bedrock: what Converse refuses, and what is answered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.asking import asked, refused

_PATH = "/aws/model/sim-ok/converse"
_HELLO: list[Any] = [{"role": "user", "content": [{"text": "hello"}]}]
_SPEC: dict[str, Any] = {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}
_TOOLS = {"tools": [_SPEC]}
_CALL: dict[str, Any] = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}]}
_RESULT: dict[str, Any] = {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "x"}]}}]}
Json = dict[str, Any]


def _body(*more: Json, **members: Any) -> Json:  # noqa: ANN401 - any member
    return {"messages": [*_HELLO, *more], **members}


def _said(*blocks: Json) -> Json:
    return {"messages": [{"role": "user", "content": [*blocks]}]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({}, "Value at 'messages' failed to satisfy constraint: Member must not be null", id="no-messages"),
        pytest.param({"messages": []}, "must start with a user message", id="empty"),
        pytest.param({"messages": [_CALL]}, "must start with a user message", id="begins-wrong"),
        pytest.param(_body(*_HELLO), "must alternate", id="two-of-a-role"),
        pytest.param(_body(model="m"), "extraneous key [model]", id="unknown-member"),
        pytest.param(_body(inferenceConfig={"maxTokens": "1"}), "expected type: integer", id="wrong-type"),
        pytest.param(_body(inferenceConfig={"temperature": 1.5}), "less than or equal to 1", id="too-hot"),
        pytest.param(_said({"text": " "}), "at messages.0.content.0 is blank", id="blank-text"),
        pytest.param({"messages": [{"role": "user", "content": []}]}, "is empty", id="no-content"),
        pytest.param(_said({"text": "a", "image": {}}), "format", id="unfit-image"),
        pytest.param(_said({}), "exactly one of", id="empty-block"),
        pytest.param(_body(_CALL, _RESULT), "toolConfig field must be defined", id="tools-without-configuration"),
        pytest.param(
            _body(_CALL, *_HELLO, toolConfig=_TOOLS), "Expected toolResult blocks at messages.2", id="no-result"
        ),
        pytest.param(_body(_CALL, toolConfig=_TOOLS), "Expected toolResult blocks after", id="call-at-the-end"),
        pytest.param(
            {"messages": [_RESULT], "toolConfig": _TOOLS}, "exceeds the number of toolUse", id="result-without-a-call"
        ),
        pytest.param(
            _body({"role": "assistant", "content": _CALL["content"] * 2}, _RESULT, toolConfig=_TOOLS),
            "duplicate Ids",
            id="two-calls-of-an-id",
        ),
        pytest.param(_said(*_CALL["content"]) | {"toolConfig": _TOOLS}, "not allowed", id="call-of-a-user"),
        pytest.param(_body(toolConfig={"tools": []}), "a list of at least 1", id="no-tools"),
        pytest.param(_body(toolConfig={"tools": [_SPEC, _SPEC]}), "duplicate tool names", id="two-tools-of-a-name"),
        pytest.param(
            _body(toolConfig={**_TOOLS, "toolChoice": {"tool": {"name": "g"}}}), "is not defined", id="unknown-choice"
        ),
        pytest.param(
            _body(toolConfig={**_TOOLS, "toolChoice": {"none": {}}}), "extraneous key", id="no-choice-of-none"
        ),
        pytest.param(
            _body(toolConfig={"tools": [{"toolSpec": {**_SPEC["toolSpec"], "description": ""}}]}),
            "a match of",
            id="empty-description",
        ),
        pytest.param(
            _said({"document": {"name": "a.pdf", "format": "pdf", "source": {"bytes": "AA=="}}}),
            "a match of",
            id="name",
        ),
        pytest.param(
            _body(
                {
                    "role": "assistant",
                    "content": [{"reasoningContent": {"reasoningText": {"text": "a", "signature": "AAAA"}}}],
                },
                *_HELLO,
            ),
            "Invalid `signature`",
            id="foreign-signature",
        ),
        pytest.param(
            _body({"role": "assistant", "content": [{"reasoningContent": {"redactedContent": "AAAA"}}]}, *_HELLO),
            "Invalid `data`",
            id="foreign-sealed-thought",
        ),
        pytest.param(
            _body(outputConfig={"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}}}}),
            "not valid JSON",
            id="schema-that-is-none",
        ),
    ],
)
async def test_vendor_refuses(body: Json, words: str) -> None:
    assert words in await refused(_PATH, body)


async def test_refusal_is_named_in_a_header() -> None:
    answer = await asked(_PATH, {})
    assert answer.headers["x-amzn-errortype"].startswith("ValidationException:")


async def test_nobody_is_let_in_without_authorization() -> None:
    for path, method in ((_PATH, "POST"), ("/aws/foundation-models", "GET")):
        answer = await asked(path, _body(), {}, method=method)
        assert answer.headers["x-amzn-errortype"].startswith("MissingAuthenticationToken")


async def test_reasoning_comes_back_in_either_form() -> None:
    for phrase in ("reasoning-2", "redacted-reasoning-2"):
        message = (await asked(f"/aws/model/sim-{phrase}/converse", _body())).json["output"]["message"]
        assert (await asked(_PATH, _body(message, *_HELLO))).status == 200
        foreign = await refused(_PATH, _body(message, *_HELLO), {"authorization": "Bearer another"})
        assert "Invalid" in foreign


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"additionalModelRequestFields": {"thinking": {"type": "adaptive"}}}, id="claude"),
        pytest.param({"additionalModelRequestFields": {"reasoningConfig": {"type": "enabled"}}}, id="nova"),
        pytest.param({"outputConfig": {"effort": "low"}}, id="effort"),
    ],
)
async def test_reasoning_is_asked_for_in_several_ways(extra: Json) -> None:
    content = (await asked(_PATH, _body(**extra))).json["output"]["message"]["content"]
    assert "signature" in content[0]["reasoningContent"]["reasoningText"]


@pytest.mark.parametrize(
    ("phrase", "members", "reason"),
    [
        pytest.param("ok", {}, "end_turn", id="end"),
        pytest.param("ok", {"inferenceConfig": {"maxTokens": 1}}, "max_tokens", id="limit"),
        pytest.param("ok", {"inferenceConfig": {"stopSequences": ["simulated"]}}, "stop_sequence", id="stop-word"),
        pytest.param("ok", {"toolConfig": {**_TOOLS, "toolChoice": {"any": {}}}}, "tool_use", id="any-tool"),
        pytest.param(
            "ok",
            {"toolConfig": _TOOLS, "additionalModelRequestFields": {"tool_choice": {"type": "any"}}},
            "tool_use",
            id="any-tool-by-claudes-word",
        ),
        pytest.param(
            "ok",
            {
                "toolConfig": _TOOLS,
                "additionalModelRequestFields": {
                    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True}
                },
            },
            "tool_use",
            id="one-tool-by-claudes-word",
        ),
        pytest.param(
            "ok",
            {"toolConfig": _TOOLS, "additionalModelRequestFields": {"tool_choice": {"type": "auto"}}},
            "end_turn",
            id="no-tool-by-claudes-word",
        ),
        pytest.param(
            "ok", {"toolConfig": {**_TOOLS, "toolChoice": {"tool": {"name": "f"}}}}, "tool_use", id="one-tool"
        ),
        pytest.param("policy", {}, "guardrail_intervened", id="policy"),
    ],
)
async def test_reason_of_the_end(phrase: str, members: Json, reason: str) -> None:
    answer = (await asked(f"/aws/model/sim-{phrase}/converse", _body(**members))).json
    assert answer["stopReason"] == reason


async def test_structured_output_fits_the_schema() -> None:
    schema = {"schema": '{"type": "integer"}', "name": "n"}
    config = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
    answer = (await asked(_PATH, _body(outputConfig=config))).json
    assert answer["output"]["message"]["content"] == [{"text": "1"}]


async def test_media_reach_the_answer() -> None:
    blocks = (
        {"text": "look"},
        {"image": {"format": "png", "source": {"bytes": "AA=="}}},
        {"audio": {"format": "wav", "source": {"bytes": "AA=="}}},
        {"document": {"name": "a", "format": "pdf", "source": {"bytes": "AA=="}}},
        {"cachePoint": {"type": "default"}},
    )
    answer = (await asked(_PATH, _said(*blocks))).json
    assert "image/png. It held audio. It held a file." in answer["output"]["message"]["content"][0]["text"]


async def test_stream_without_usage_has_no_metadata() -> None:
    answer = await asked("/aws/model/sim-no-usage-tokens-1/converse-stream", _body())
    assert answer.headers["content-type"] == "application/vnd.amazon.eventstream"
    assert (b"messageStop" in answer.body, b"metadata" in answer.body) == (True, False)


async def test_embeddings_of_two_families() -> None:
    titan = (await asked("/aws/model/amazon.titan-embed-text-v2:0/invoke", {"inputText": "a", "dimensions": 8})).json
    body = {"texts": ["a", "b"], "input_type": "search_query", "output_dimension": 8}
    cohere = (await asked("/aws/model/cohere.embed-v4:0/invoke", body)).json
    typed = (await asked("/aws/model/cohere.embed-v4:0/invoke", {**body, "embedding_types": ["float"]})).json
    assert titan["embedding"] == cohere["embeddings"][0] == typed["embeddings"]["float"][0]
    assert "extraneous key [input]" in await refused("/aws/model/m/invoke", {"inputText": "a", "input": "a"})


async def test_tokens_of_a_conversation_are_counted() -> None:
    path = "/aws/model/m/count-tokens"
    counted = (await asked(path, {"input": {"converse": _body()}})).json["inputTokens"]
    assert counted == (await asked(_PATH, _body())).json["usage"]["inputTokens"]
    assert "converse requests only" in await refused(path, {"input": {"invokeModel": {"body": "e30="}}})


async def test_models() -> None:
    listed = (await asked("/aws/foundation-models", method="GET")).json["modelSummaries"]
    shown = (await asked("/aws/foundation-models/sim-ok", method="GET")).json["modelDetails"]
    assert shown in listed


async def test_tools_go_there_and_back() -> None:
    tools = {"tools": [_SPEC, {"cachePoint": {"type": "default"}}], "toolChoice": {"auto": {}}}
    asking = {"role": "user", "content": [{"text": "use the tool"}]}
    message = (await asked(_PATH, {"messages": [asking], "toolConfig": tools})).json["output"]["message"]
    result = {"toolUseId": message["content"][0]["toolUse"]["toolUseId"], "content": [{"json": {}}]}
    history = [asking, message, {"role": "user", "content": [{"toolResult": result}, {"text": "so"}]}]
    answer = (await asked(_PATH, {"messages": history, "toolConfig": tools, "system": [{"text": "s"}]})).json
    assert "1 tool result" in answer["output"]["message"]["content"][0]["text"]


async def test_stream_of_a_call_and_of_sealed_reasoning() -> None:
    tools = {"tools": [_SPEC], "toolChoice": {"any": {}}}
    called = await asked("/aws/model/sim-ok/converse-stream", _body(toolConfig=tools))
    sealed = await asked("/aws/model/sim-redacted-reasoning-2/converse-stream", _body())
    blocked = await asked("/aws/model/sim-policy/converse-stream", _body())
    assert b'{"start":{"toolUse":{"toolUseId":"tooluse_simulated0000000100","name":"f"}}' in called.body
    assert b'"redactedContent":' in sealed.body
    assert b"guardrail_intervened" in blocked.body


async def test_no_usage_where_the_behaviour_says_so() -> None:
    assert "usage" not in (await asked("/aws/model/sim-no-usage/converse", _body())).json
