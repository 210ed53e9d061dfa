"""Requests to Cohere, checked and turned into the neutral question.

Source: cohere 7.3.1, `v2/raw_client.py` and `types/`; https://docs.cohere.com/reference/chat, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from proxy.core.errors import MalformedRequest
from proxy.simulator.dialects.service import Heard, Keys
from proxy.simulator.question import Question
from proxy.simulator.request import ChatRequest
from proxy.simulator.shapes import (
    Json,
    Kind,
    Misfit,
    Wrong,
    anything,
    decoded,
    dotted,
    either,
    flag,
    held,
    many,
    mapping,
    number,
    one_of,
    tagged,
    text,
    whole,
)
from proxy.simulator.shapes import shape as exact_shape
from proxy.simulator.vendorrows import Row
from proxy.simulator.vendors import Refused

shape = partial(exact_shape, nulls=True)
_TEXT = shape({"type": text, "text": text}, ("text",))
_IMAGE = shape({"type": text, "image_url": shape({"url": text, "detail": text}, ("url",))}, ("image_url",))
_THINKING = shape({"type": text, "thinking": text}, ("thinking",))
_DOCUMENT = shape({"type": text, "document": shape({"id": text, "data": anything}, ("data",))}, ("document",))
_CALL = shape(
    {"id": text, "type": one_of("function"), "function": shape({"name": text, "arguments": text}, ("name",))},
    ("id", "type", "function"),
)


def _message(content: Kind, **members: Kind) -> Kind:
    return shape({"role": text, "content": content, **members})


_MESSAGES = many(
    tagged(
        "role",
        {
            "user": _message(either(text, many(tagged("type", {"text": _TEXT, "image_url": _IMAGE})))),
            "system": _message(either(text, many(tagged("type", {"text": _TEXT})))),
            "assistant": _message(
                either(text, many(tagged("type", {"text": _TEXT, "thinking": _THINKING}))),
                tool_calls=many(_CALL),
                tool_plan=text,
                citations=many(mapping),
            ),
            "tool": _message(
                either(text, many(tagged("type", {"text": _TEXT, "document": _DOCUMENT}))), tool_call_id=text
            ),
        },
    ),
    least=1,
)
CHAT = shape(
    {
        "model": text,
        "messages": _MESSAGES,
        "stream": flag,
        "tools": many(
            shape(
                {
                    "type": one_of("function"),
                    "function": shape(
                        {"name": text, "description": text, "parameters": mapping}, ("name", "parameters")
                    ),
                },
                ("type", "function"),
            )
        ),
        "strict_tools": flag,
        "tool_choice": one_of("REQUIRED", "NONE"),
        "documents": many(anything),
        "citation_options": mapping,
        "response_format": tagged(
            "type",
            {
                "text": shape({"type": text}),
                "json_object": shape({"type": text, "json_schema": mapping, "schema": mapping}),
            },
        ),
        "safety_mode": one_of("CONTEXTUAL", "STRICT", "OFF", "NONE"),
        "max_tokens": whole(1),
        "stop_sequences": many(text, most=5),
        "temperature": number(0, 2),
        "seed": whole(),
        "frequency_penalty": number(0, 1),
        "presence_penalty": number(0, 1),
        "k": whole(0, 500),
        "p": number(0.01, 0.99),
        "logprobs": flag,
        "thinking": shape({"type": one_of("enabled", "disabled"), "token_budget": whole(1)}, ("type",)),
        "raw_prompting": flag,
        "priority": whole(0, 999),
    },
    ("model", "messages"),
)
EMBED = shape(
    {
        "model": text,
        "input_type": one_of("search_document", "search_query", "classification", "clustering", "image"),
        "texts": many(text, most=96),
        "images": many(text, most=1),
        "inputs": many(
            shape({"content": many(tagged("type", {"text": _TEXT, "image_url": _IMAGE}))}, ("content",)), most=96
        ),
        "max_tokens": whole(1),
        "output_dimension": whole(1, 4096),
        "embedding_types": many(one_of("float", "int8", "uint8", "binary", "ubinary", "base64")),
        "truncate": one_of("NONE", "START", "END"),
        "priority": whole(0, 999),
    },
    ("model", "input_type"),
)
RERANK = shape(
    {
        "model": text,
        "query": text,
        "documents": many(text, least=1),
        "top_n": whole(1),
        "max_tokens_per_doc": whole(1),
        "priority": whole(0, 999),
    },
    ("model", "query", "documents"),
)


def admit(question: Question, _: Keys) -> None:
    """Ask for a bearer key.

    Raises:
        Refused: There is none.
    """
    if not question.sent.headers.get("authorization", "").lower().startswith("bearer "):
        raise Refused(Row(401, "no api key supplied"))


def checked(question: Question, kind: Kind) -> Json:
    """Decode a body and hold it to a table.

    Raises:
        Refused: It holds a member that the vendor does not know.
        MalformedRequest: The vendor would refuse it for another reason.
    """
    return held(decoded(question.body), kind, _refusal)


def _refusal(misfit: Misfit) -> Refused | MalformedRequest:
    place = dotted(misfit.path)
    if misfit.wrong is Wrong.UNKNOWN:
        return Refused(Row(422, f"unknown field: parameter '{place}' is not a valid field"))
    wanted = "is required" if misfit.wrong is Wrong.MISSING else f"must be {misfit.wanted}"
    return MalformedRequest(f"invalid request: {place} {wanted}")


def read(question: Question) -> Heard:
    """Check a chat request and read it.

    Raises:
        Refused, MalformedRequest: The vendor would refuse it.
    """
    body = checked(question, CHAT)
    _check_turns(body["messages"])
    choice = body.get("tool_choice")
    if choice == "REQUIRED" and not body.get("tools"):
        raise MalformedRequest("invalid request: tool_choice may only be specified with tools")
    thinking = body.get("thinking") or {}
    request = ChatRequest(
        messages=[*_messages(body["messages"])],
        max_tokens=body.get("max_tokens"),
        stop=body.get("stop_sequences"),
        tools=body.get("tools"),
        tool_choice={"REQUIRED": "required", "NONE": "none"}.get(choice or ""),
        response_format=_format(body.get("response_format") or {}),
    )
    return Heard(request, thinks=thinking.get("type") == "enabled")


def _check_turns(messages: list[Json]) -> None:
    """Every result names a call that was made before it; the last word is a user's or a tool's."""
    called: set[str] = set()
    for place, message in enumerate(messages):
        calls = message.get("tool_calls") or ()
        called.update(call["id"] for call in calls)
        if message["role"] == "tool" and message.get("tool_call_id") not in called:
            raise MalformedRequest(
                f"invalid request: message at index {place} has a tool_call_id that no earlier tool call has"
            )
        if message["role"] != "assistant" and not message.get("content"):
            raise MalformedRequest(f"invalid request: message at index {place} must have content")
        if message["role"] == "assistant" and not (message.get("content") or calls):
            raise MalformedRequest(
                f"invalid request: all elements in messages must have content or tool calls: index {place} has neither"
            )
    if messages[-1]["role"] == "system":
        raise MalformedRequest("invalid request: the last message must be a user's, an assistant's or a tool's")


def _format(wanted: Json) -> Json | None:
    if wanted.get("type") != "json_object":
        return None
    schema = wanted.get("json_schema") or wanted.get("schema")
    return {"type": "json_schema", "json_schema": {"schema": schema}} if schema else {"type": "json_object"}


def _messages(messages: list[Json]) -> Iterator[Json]:
    for message in messages:
        content = message.get("content") or ""
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        parts = [block for block in blocks if block["type"] in ("text", "image_url")]
        documents = [{"type": "text", "text": str(block)} for block in blocks if block["type"] == "document"]
        calls = [{"type": "text", "text": str(call["function"])} for call in message.get("tool_calls") or ()]
        yield {"role": message["role"], "content": [*parts, *documents, *calls]}
