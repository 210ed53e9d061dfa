"""A request to Anthropic's Messages API, checked and turned into the neutral question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy.core.errors import MalformedRequest
from proxy.simulator.dialects.anthropic import fields
from proxy.simulator.dialects.anthropic.rules import blocks_of, check_body
from proxy.simulator.dialects.service import Heard, Keys
from proxy.simulator.paths import Endpoint
from proxy.simulator.question import Question
from proxy.simulator.request import ChatRequest
from proxy.simulator.shapes import Json, Kind, Misfit, Wrong, decoded, dotted, held
from proxy.simulator.vendorrows import Row
from proxy.simulator.vendors import Refused

_TYPES = {"string": "string", "boolean": "boolean", "object": "dictionary", "list": "list"}
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def admit(question: Question, _: Keys) -> None:
    """Ask for a key, in either header; on Vertex for a token.

    Raises:
        Refused: There is none.
    """
    headers = question.sent.headers
    if question.route.project is not None:
        if not headers.get("authorization"):
            raise Refused(Row(401, "Request is missing required authentication credential.", "authentication_error"))
    elif not headers.get("x-api-key") and not headers.get("authorization"):
        raise Refused(Row(401, "x-api-key header is required", "authentication_error"))


def read(question: Question) -> Heard:
    """Check a request for a message, or for the count of its tokens, and read it.

    Raises:
        MalformedRequest: The vendor would refuse it.
    """
    unchecked = decoded(question.body)
    version = _version(question, unchecked)
    _check_flags(question)
    body = held(unchecked, _kind(question), lambda misfit: MalformedRequest(_worded(misfit)))
    check_body(body, question.model, version, question.account)
    thinking = body.get("thinking") or {}
    thinks = thinking.get("type") in ("enabled", "adaptive")
    return Heard(_request(body), thinks, shows=thinking.get("display") != "omitted")


def _version(question: Question, body: Any) -> str:  # noqa: ANN401 - JSON
    if question.route.project is not None:
        return str(body.get("anthropic_version", "")) if isinstance(body, dict) else ""
    version = question.sent.headers.get("anthropic-version")
    if not version:
        raise MalformedRequest("anthropic-version: header is required")
    return version


def _flags(question: Question) -> list[str]:
    return [flag.strip() for flag in question.sent.headers.get("anthropic-beta", "").split(",") if flag.strip()]


def _check_flags(question: Question) -> None:
    """Refuse flags that Vertex is known not to take; Anthropic's own API takes any here."""
    refused = [f"`{flag}`" for flag in _flags(question) if flag in fields.VERTEX_REFUSES]
    if refused and question.route.project is not None:
        raise MalformedRequest(
            f"Unexpected value(s) {', '.join(refused)} for the `anthropic-beta` header. Please consult our "
            "documentation at docs.anthropic.com or try again without the header."
        )


def _kind(question: Question) -> Kind:
    """Return what this endpoint takes; betas open more of it."""
    flags = _flags(question)
    beta = bool(flags) or "beta=true" in question.sent.query
    counts = question.route.endpoint in (Endpoint.MESSAGE_TOKENS, Endpoint.RAW_COUNT_TOKENS)
    if question.route.project is None:
        if counts:
            return fields.BETA_COUNT_TOKENS if beta else fields.COUNT_TOKENS
        return fields.BETA_MESSAGES if beta else fields.MESSAGES
    if counts:
        return fields.VERTEX_COUNT_TOKENS
    return fields.VERTEX_MANAGED_MESSAGES if fields.CONTEXT_MANAGEMENT in flags else fields.VERTEX_MESSAGES


def _worded(misfit: Misfit) -> str:
    """Say what is wrong as the vendor does."""
    place = dotted(misfit.path)
    match misfit.wrong:
        case Wrong.UNKNOWN:
            return f"{place}: Extra inputs are not permitted"
        case Wrong.MISSING:
            return f"{place}: Field required"
        case Wrong.TYPE:
            return f"{place}: Input should be a valid {_TYPES.get(misfit.wanted, misfit.wanted)}"
        case _:
            return f"{place}: Input should be {misfit.wanted}"


def _request(body: Json) -> ChatRequest:
    choice = body.get("tool_choice") or {}
    tools = [tool for tool in body.get("tools") or () if "input_schema" in tool]
    output = (body.get("output_config") or {}).get("format")
    system = [{"role": "system", "content": block["text"]} for block in blocks_of(body.get("system") or [])]
    return ChatRequest(
        messages=[*system, *(message for item in body["messages"] for message in _messages(item))],
        max_tokens=body.get("max_tokens"),
        stop=body.get("stop_sequences"),
        tools=[_tool(tool) for tool in tools] or None,
        tool_choice=_choice(choice),
        parallel_tool_calls=not choice.get("disable_parallel_tool_use", False),
        response_format=output and {"type": "json_schema", "json_schema": {"schema": output["schema"]}},
    )


def _tool(tool: Json) -> Json:
    return {"type": "function", "function": {"name": tool["name"], "parameters": tool["input_schema"]}}


def _choice(choice: Json) -> str | Json | None:
    if choice.get("type") == "tool":
        return {"type": "function", "function": {"name": choice["name"]}}
    return _CHOICES.get(choice.get("type", ""))


def _messages(message: Json) -> Iterator[Json]:
    """Turn one message into neutral ones: results of tools first, each by itself."""
    blocks = blocks_of(message["content"])
    for block in blocks:
        if block["type"] == "tool_result":
            yield {"role": "tool", "content": [*_parts(blocks_of(block.get("content", [])))]}
    parts = [*_parts(blocks)]
    if parts or message["role"] == "assistant":
        yield {"role": message["role"], "content": parts}


def _parts(blocks: list[Json]) -> Iterator[Json]:
    for block in blocks:
        match block["type"]:
            case "text":
                yield {"type": "text", "text": block["text"]}
            case "image":
                yield {"type": "image_url", "image_url": {"url": _url(block["source"])}}
            case "document" | "search_result" | "container_upload":
                yield {"type": "file"}
            case "tool_use":
                yield {"type": "text", "text": f"{block['name']} {block['input']}"}
            case _:
                pass


def _url(source: Json) -> str:
    return f"data:{source['media_type']};base64," if source["type"] == "base64" else str(source.get("url", ""))
