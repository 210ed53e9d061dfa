"""Models that a request names beside its own are found wherever vendors take them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from proxy.core.call import Operation
from proxy.core.errors import MalformedRequest
from proxy.core.form import Form, FormPart
from proxy.providers.named import MOST_NAMED, USUAL, named_models
from proxy.wire.jsonbody import split_object
from tests.unit.routing.build import call

RANKING = "retrieval.vertexRagStore.ragRetrievalConfig.ranking"


def named(body: bytes) -> list[tuple[str, str]]:
    return named_models(replace(call(), fields=split_object(body)))


def of(**members: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - JSON
    return named(json.dumps(members).encode())


def nested(path: str, value: object) -> object:
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param(
            {"tools": [{"name": "own"}, {"type": "advisor_20260301", "name": "advisor", "model": "big"}]},
            [("tools[1].model", "big")],
            id="anthropic-advisor",
        ),
        pytest.param(
            {"tools": [{"type": "image_generation", "model": "draws", "svg": {"model": "writes"}}]},
            [("tools[0].model", "draws"), ("tools[0].svg.model", "writes")],
            id="openai-image-generation",
        ),
        pytest.param(
            {"input": [{"role": "user"}, {"type": "additional_tools", "tools": [{"model": "draws"}]}]},
            [("input[1].tools[0].model", "draws")],
            id="openai-tools-of-the-input",
        ),
        pytest.param({"moderation": {"model": "judges"}}, [("moderation.model", "judges")], id="openai-moderation"),
        pytest.param({"svg": {"model": "writes"}}, [("svg.model", "writes")], id="openai-image-as-svg"),
        pytest.param(
            {"tools": [{"type": "openrouter:advisor", "parameters": {"model": "big"}}]},
            [("tools[0].parameters.model", "big")],
            id="openrouter-advisor",
        ),
        pytest.param(
            {"tools": [{"type": "openrouter:subagent", "parameters": {"tools": [{"parameters": {"model": "deep"}}]}}]},
            [("tools[0].parameters.tools[0].parameters.model", "deep")],
            id="openrouter-tool-of-a-tool",
        ),
        pytest.param(
            {"tools": [{"type": "openrouter:fusion", "parameters": {"analysis_models": ["a", "b"], "model": "c"}}]},
            [
                ("tools[0].parameters.analysis_models[0]", "a"),
                ("tools[0].parameters.analysis_models[1]", "b"),
                ("tools[0].parameters.model", "c"),
            ],
            id="openrouter-fusion",
        ),
        pytest.param(
            {"plugins": [{"id": "fusion", "analysis_models": ["a"], "tools": [{"parameters": {"model": "b"}}]}]},
            [("plugins[0].analysis_models[0]", "a"), ("plugins[0].tools[0].parameters.model", "b")],
            id="openrouter-plugin",
        ),
        pytest.param({"plugins": [{"judge_model": "j"}]}, [("plugins[0].judge_model", "j")], id="openrouter-judge"),
        pytest.param({"preset": "slug"}, [("preset", "slug")], id="openrouter-preset"),
        pytest.param(
            {"compound_custom": {"models": {"answering_model": "a", "reasoning_model": "b"}, "tools": {}}},
            [("compound_custom.models.answering_model", "a"), ("compound_custom.models.reasoning_model", "b")],
            id="groq-compound",
        ),
        pytest.param(
            {"generationConfig": nested("routingConfig.manualMode.modelName", "g")},
            [("generationConfig.routingConfig.manualMode.modelName", "g")],
            id="vertex-routing",
        ),
        pytest.param(
            {"generation_config": nested("routing_config.manual_mode.model_name", "g")},
            [("generation_config.routing_config.manual_mode.model_name", "g")],
            id="vertex-routing-spelt-otherwise",
        ),
        pytest.param(
            {"tools": [nested(f"{RANKING}.llmRanker.modelName", "g")]},
            [(f"tools[0].{RANKING}.llmRanker.modelName", "g")],
            id="vertex-ranker",
        ),
        pytest.param({"advisor": {"mode": "auto", "model": "big"}}, [("advisor.model", "big")], id="nanogpt-advisor"),
    ],
)
def test_model_that_works_for_the_answer_is_found(members: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert of(**members) == expected


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"model": "m", "messages": [{"role": "user", "content": "model", "model": "x"}]}, id="plain"),
        pytest.param(
            {
                "tools": [
                    {"type": "function", "function": {"name": "f", "parameters": {"model": "x"}}},
                    {"type": "function", "parameters": {"properties": {"model": {"type": "string"}, "tools": {}}}},
                    {"name": "f", "input_schema": {"properties": {"model": {"enum": ["x"]}}, "model": "x"}},
                ]
            },
            id="clients-own-tools",
        ),
        pytest.param({"tools": [{"type": "web_search", "model": None}, {"type": "advisor", "model": ""}]}, id="none"),
        pytest.param({"tools": [{"type": ["openrouter:fusion"], "model": 5}, 7, "model", None]}, id="no-text"),
        pytest.param({"tools": {}, "plugins": None, "moderation": "model", "input": "hello"}, id="other-shapes"),
        pytest.param({"input": [{"role": "user", "content": "model", "model": "x"}]}, id="input-without-tools"),
        pytest.param({"input": [{"content": "é model", "model": "x"}]}, id="input-in-escapes-without-tools"),
        pytest.param({"plugins": [{"id": "web", "engine": "exa"}, {"allowed_models": ["x"]}]}, id="plugins"),
        pytest.param({"tools": [{"type": "openrouter:subagent"}, {"type": "web_search"}]}, id="the-request's-own"),
    ],
)
def test_what_names_no_other_model_is_left_alone(members: dict[str, Any]) -> None:
    assert of(**members) == []


@pytest.mark.parametrize(
    ("tool", "found"),
    [
        pytest.param({"type": "openrouter:advisor"}, True, id="advisor"),
        pytest.param({"type": "openrouter:advisor", "parameters": {"name": "r"}}, True, id="advisor-with-others"),
        pytest.param({"type": "openrouter:advisor", "parameters": None}, True, id="advisor-null"),
        pytest.param({"type": "openrouter:fusion", "parameters": {"analysis_models": []}}, True, id="fusion-empty"),
        pytest.param({"type": "openrouter:fusion", "parameters": {"preset": "general-high"}}, True, id="fusion-preset"),
    ],
)
def test_tool_that_chooses_models_is_named_itself(tool: dict[str, Any], found: bool) -> None:
    assert (("tools[0].type", tool["type"]) in of(tools=[tool])) == found


def test_names_inside_a_fusion_are_not_its_own() -> None:
    inside = {"type": "x", "parameters": {"analysis_models": ["a"]}}
    tool = {"type": "openrouter:fusion", "parameters": {"tools": [inside]}}
    assert [place for place, _ in of(tools=[tool])] == [
        "tools[0].type",
        "tools[0].parameters.tools[0].parameters.analysis_models[0]",
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'{"tools":[{"model":"a","model":"b"}]}', ["a", "b"], id="twice"),
        pytest.param(b'{"tools":[{"model":"a"}],"Tools":[{"MODEL":"b"}]}', ["a", "b"], id="in-other-letters"),
        pytest.param(b'{"tools":[{"mod\\u0065l":"a"}]}', ["a"], id="in-escapes"),
        pytest.param(b'{"input":[{"tool\\u0073":[{"model":"a"}]}]}', ["a"], id="in-escapes-in-the-input"),
        pytest.param(b'{"input":[{"\\u0074ools":[{"model":"a"}]}]}', ["a"], id="in-escapes-from-the-first-letter"),
        pytest.param(b'{"input":[{"TOOLS":[{"model":"a"}]}]}', ["a"], id="in-capitals-in-the-input"),
        pytest.param('{"tool\u017f":[{"model":"a"}]}'.encode(), ["a"], id="with-a-long-s"),
    ],
)
def test_no_way_to_write_a_name_hides_it(body: bytes, expected: list[str]) -> None:
    assert [name for _, name in named(body)] == expected


@pytest.mark.parametrize(
    "tools", [b"[" * 5_000 + b"]" * 5_000, b'[{"model":"\xff"}]'], ids=["nested-too-deeply", "not-utf-8"]
)
def test_what_cannot_be_read_is_refused(tools: bytes) -> None:
    request = replace(call(), fields={"tools": Raw(tools)})
    with pytest.raises(MalformedRequest, match="'tools' cannot be read"):
        named_models(request)


def test_more_models_than_any_request_needs_are_refused() -> None:
    assert len(of(tools=[{"model": "a"}] * MOST_NAMED)) == MOST_NAMED
    with pytest.raises(MalformedRequest, match="at most 64"):
        of(tools=[{"model": "a"}] * (MOST_NAMED + 1))


def test_part_of_a_form_that_names_one_is_found() -> None:
    body = b"gpt-imagewrites"
    parts = (FormPart("model", 0, 0, 9), FormPart("svg[model]", 9, 9, 15))
    assert named_models(replace(call(Operation.IMAGE_EDITS), body=body, form=Form(b"b", parts, 15))) == [
        ("svg[model]", "writes")
    ]


@pytest.mark.parametrize("usual", sorted(USUAL))
def test_members_that_are_not_looked_at_would_name_nothing(usual: str) -> None:
    naming = [{"model": "big", "tools": [{"model": "big"}], "parameters": {"model": "big"}}]
    assert of(**{usual: naming, "unusual": 0}) == []  # so that all of them are looked at
