"""Requests to Gemini's methods, checked and turned into the neutral question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

from proxy.core.errors import MalformedRequest
from proxy.simulator.dialects.gemini import fields
from proxy.simulator.dialects.gemini.fields import in_camel_case, members
from proxy.simulator.dialects.gemini.rules import check_body
from proxy.simulator.dialects.service import Heard, Keys
from proxy.simulator.question import Question
from proxy.simulator.request import ChatRequest
from proxy.simulator.shapes import Json, Kind, Misfit, Wrong, bracketed, decoded, held
from proxy.simulator.vendorrows import Row
from proxy.simulator.vendors import Refused

_CHOICES = {"ANY": "required", "NONE": "none"}


def admit(question: Question, _: Keys) -> None:
    """Ask for a key; on Vertex for a token, or on its express paths for either.

    Raises:
        Refused: There is none.
    """
    sent = question.sent
    has_key = "x-goog-api-key" in sent.headers or "key" in parse_qs(sent.query)
    if sent.headers.get("authorization") or (has_key and not question.route.project):
        return
    if question.route.project:
        message = "Request is missing required authentication credential. Expected OAuth 2 access token."
        raise Refused(Row(401, message, "UNAUTHENTICATED"))
    message = "Method doesn't allow unregistered callers. Please use API Key or other form of API consumer identity."
    raise Refused(Row(403, message, "PERMISSION_DENIED"))


def checked(question: Question, kind: Kind) -> Json:
    """Decode a body and hold it to a table; names come back in camel case.

    Raises:
        MalformedRequest: The vendor would refuse it.
    """
    return held(in_camel_case(decoded(question.body)), kind, _refusal)


def read(question: Question) -> Heard:
    """Check a request for content and read it.

    Raises:
        MalformedRequest: The vendor would refuse it.
    """
    vertex = question.route.project is not None
    body = checked(question, fields.VERTEX_GENERATE if vertex else fields.GENERATE)
    check_body(body, question.model, question.account, vertex=vertex)
    return heard(body)


def read_count(question: Question) -> Heard:
    """Check a request for a count of tokens and read it.

    Raises:
        MalformedRequest: The vendor would refuse it.
    """
    vertex = question.route.project is not None
    body = checked(question, fields.VERTEX_COUNT if vertex else fields.COUNT)
    body = members(body, "generateContentRequest") or body
    if not body.get("contents"):
        raise MalformedRequest("* CountTokensRequest.contents: contents is not specified\n")
    return heard(body)


def heard(body: Json) -> Heard:
    config = members(body, "generationConfig")
    thinking = members(config, "thinkingConfig")
    thinks = bool(thinking) and thinking.get("thinkingBudget") != 0
    return Heard(_request(body, config), thinks, shows=bool(thinking.get("includeThoughts")))


def _refusal(misfit: Misfit) -> MalformedRequest:
    return MalformedRequest(_worded(misfit))


def _worded(misfit: Misfit) -> str:
    """Say what is wrong as the vendor does."""
    *before, last = misfit.path or ("",)
    place = bracketed(tuple(before))
    match misfit.wrong:
        case Wrong.UNKNOWN:
            at = f" at '{place}'" if place else ""
            return f'Invalid JSON payload received. Unknown name "{last}"{at}: Cannot find field.'
        case Wrong.MISSING:
            return f"* GenerateContentRequest.{bracketed(misfit.path)}: is required\n"
        case Wrong.TYPE:
            return f"Invalid value at '{bracketed(misfit.path)}' (TYPE_{misfit.wanted.upper()})"
        case _:
            return f"Invalid value at '{bracketed(misfit.path)}': it must be {misfit.wanted}"


def _request(body: Json, config: Json) -> ChatRequest:
    calling = members(members(body, "toolConfig"), "functionCallingConfig")
    allowed = calling.get("allowedFunctionNames")
    declared = [
        function for tool in body.get("tools") or () for function in (tool or {}).get("functionDeclarations") or ()
    ]
    system = [{"role": "system", "content": [*_parts(members(body, "systemInstruction").get("parts") or ())]}]
    return ChatRequest(
        messages=[
            *(message for message in system if message["content"]),
            *(message for content in body["contents"] for message in _messages(content)),
        ],
        n=config.get("candidateCount"),
        max_tokens=config.get("maxOutputTokens"),
        stop=config.get("stopSequences"),
        tools=[_tool(function) for function in declared if not allowed or function["name"] in allowed] or None,
        tool_choice=_CHOICES.get(calling.get("mode") or ""),
        response_format=_format(config),
    )


def _tool(function: Json) -> Json:
    parameters = function.get("parametersJsonSchema") or function.get("parameters") or {}
    return {"type": "function", "function": {"name": function["name"], "parameters": lowered(parameters)}}


def lowered(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a schema with its types as JSON Schema writes them."""
    if isinstance(schema, list):
        return [lowered(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: value.lower() if name == "type" and isinstance(value, str) else lowered(value)
        for name, value in schema.items()
    }


def _format(config: Json) -> Json | None:
    if config.get("responseMimeType") != "application/json":
        return None
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    if schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"schema": lowered(schema)}}


def _messages(content: Json) -> Iterator[Json]:
    for part in content["parts"]:
        if result := part.get("functionResponse"):
            yield {"role": "tool", "content": str(result["response"])}
    parts = [*_parts(content["parts"])]
    if parts:
        yield {"role": "assistant" if content.get("role") == "model" else "user", "content": parts}


def _parts(parts: Any) -> Iterator[Json]:  # noqa: ANN401 - JSON
    for part in parts:
        if part.get("thought"):
            continue
        if part.get("text") is not None:
            yield {"type": "text", "text": part["text"]}
        elif call := part.get("functionCall"):
            yield {"type": "text", "text": f"{call['name']} {call.get('args')}"}
        elif data := part.get("inlineData") or part.get("fileData"):
            yield _medium(data)


def _medium(data: Json) -> Json:
    kind = data.get("mimeType") or ""
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": f"data:{kind};base64," if "data" in data else ""}}
    return {"type": "input_audio" if kind.startswith("audio/") else "file"}
