"""Requests to Bedrock, checked and turned into the neutral question."""

from __future__ import annotations

import json
from collections.abc import Iterator

from proxy.core.errors import MalformedRequest
from proxy.simulator.dialects.bedrock import fields
from proxy.simulator.dialects.bedrock.rules import asked_schema, check_body
from proxy.simulator.dialects.service import Heard, Keys
from proxy.simulator.question import Question
from proxy.simulator.request import ChatRequest
from proxy.simulator.shapes import Json, Kind, Misfit, Wrong, decoded, dotted, held
from proxy.simulator.sigv4 import check_authorization


def admit(question: Question, keys: Keys) -> None:
    """Ask for a bearer key or a signature.

    Raises:
        Refused: There is none, or it is not a good one.
    """
    check_authorization(question.sent, question.body, keys.aws, keys.wall_s)


def checked(question: Question, kind: Kind) -> Json:
    """Decode a body and hold it to a table.

    Raises:
        MalformedRequest: The vendor would refuse it.
    """
    return held(decoded(question.body), kind, _refusal)


def read(question: Question) -> Heard:
    """Check a Converse request and read it.

    Raises:
        MalformedRequest: The vendor would refuse it.
    """
    body = checked(question, fields.CONVERSE)
    check_body(body, question.account)
    return heard(body)


def heard(body: Json) -> Heard:
    extra = body.get("additionalModelRequestFields") or {}
    thinking = extra.get("thinking") or extra.get("reasoning_config") or {}
    asks = isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive")
    effort = (body.get("outputConfig") or {}).get("effort")
    return Heard(_request(body), asks or bool(effort) or "reasoningConfig" in extra)


def _refusal(misfit: Misfit) -> MalformedRequest:
    return MalformedRequest(_worded(misfit))


def _worded(misfit: Misfit) -> str:
    place = dotted(misfit.path)
    match misfit.wrong:
        case Wrong.UNKNOWN:
            return f"Malformed input request: #: extraneous key [{place}] is not permitted, please reformat your input."
        case Wrong.MISSING:
            return (
                f"1 validation error detected: Value at '{place}' failed to satisfy constraint: Member must not be null"
            )
        case Wrong.TYPE:
            return f"Malformed input request: #/{place}: expected type: {misfit.wanted}, please reformat your input."
        case _:
            return (
                f"1 validation error detected: Value at '{place}' failed to satisfy constraint: Member must be "
                f"{misfit.wanted}"
            )


def _request(body: Json) -> ChatRequest:
    config = body.get("inferenceConfig") or {}
    tools = body.get("toolConfig") or {}
    own = (body.get("additionalModelRequestFields") or {}).get("tool_choice")
    schema = asked_schema(body)
    system = [{"role": "system", "content": item["text"]} for item in body.get("system") or () if item.get("text")]
    return ChatRequest(
        messages=[*system, *(message for item in body.get("messages") or () for message in _messages(item))],
        max_tokens=config.get("maxTokens"),
        stop=config.get("stopSequences"),
        tools=[_tool(tool["toolSpec"]) for tool in tools.get("tools") or () if tool.get("toolSpec")] or None,
        tool_choice=_choice(tools.get("toolChoice") or {}) if own is None else _claudes_choice(own),
        parallel_tool_calls=None if own is None else not own.get("disable_parallel_tool_use"),
        response_format={"type": "json_schema", "json_schema": {"schema": json.loads(schema)}} if schema else None,
    )


def _tool(spec: Json) -> Json:
    return {"type": "function", "function": {"name": spec["name"], "parameters": spec["inputSchema"]["json"]}}


def _choice(choice: Json) -> str | Json | None:
    if named := choice.get("tool"):
        return {"type": "function", "function": {"name": named["name"]}}
    return "required" if choice.get("any") is not None else None


def _claudes_choice(choice: Json) -> str | Json | None:
    """Read the choice as Claude has it, which goes to the model beside Bedrock's own members."""
    return _choice({choice["type"]: choice})


def _messages(message: Json) -> Iterator[Json]:
    for block in message["content"]:
        if result := block.get("toolResult"):
            yield {"role": "tool", "content": str([*result["content"]])}
    parts = [*_parts(message["content"])]
    if parts or message["role"] == "assistant":
        yield {"role": message["role"], "content": parts}


def _parts(blocks: list[Json]) -> Iterator[Json]:
    for block in blocks:
        match fields.case_of(block):
            case "text":
                yield {"type": "text", "text": block["text"]}
            case "image":
                url = f"data:image/{block['image']['format']};base64," if "bytes" in block["image"]["source"] else ""
                yield {"type": "image_url", "image_url": {"url": url}}
            case "audio":
                yield {"type": "input_audio"}
            case "document" | "video" | "searchResult":
                yield {"type": "file"}
            case "toolUse":
                yield {"type": "text", "text": f"{block['toolUse']['name']} {block['toolUse']['input']}"}
            case _:
                pass
