"""Conversations as odd as clients send them, in every client's dialect to every vendor: nothing lost, none refused.

Results of parallel calls come out of order, with a user's words, a picture and an instruction in between; a call has no
arguments, a result says nothing, ids hold what some vendors refuse, and the picture's type has a name that is none.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.vendors.asking import Json
from tests.fakes.deployment import TEAM_KEY
from tests.fakes.dialects import DIALECTS
from tests.fakes.strict import check_answer, check_stream
from tests.fakes.vendors import VENDORS, Vendors

PIXEL = "iVBORw0KGgo="
JPG = f"data:image/jpg;base64,{PIXEL}"
SCHEMA: Json = {
    "type": "object",
    "properties": {"city": {"$ref": "#/$defs/city"}, "when": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
    "required": ["city"],
    "$defs": {"city": {"type": "string"}},
}
IDS = ("call.a/1", "call b", "c" * 70)
ARGUMENTS: tuple[Json, ...] = ({"city": "ARG-A"}, {"city": "ARG-B"}, {})
SAID = ("SYSTEM-1", "ASKED-1", "ARG-A", "ARG-B", "RESULT-B", "RESULT-A", "BETWEEN", "SYSTEM-2", "ASKED-2")


def chat(model: str) -> tuple[str, Json]:
    calls = [
        {"id": id_, "type": "function", "function": {"name": "look", "arguments": json.dumps(said) if said else ""}}
        for id_, said in zip(IDS, ARGUMENTS, strict=True)
    ]
    picture = {"type": "image_url", "image_url": {"url": JPG}}
    messages = [
        {"role": "system", "content": "SYSTEM-1"},
        {"role": "user", "content": [{"type": "text", "text": "ASKED-1"}, picture]},
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "tool_call_id": IDS[1], "content": "RESULT-B"},
        {"role": "user", "content": "BETWEEN"},
        {"role": "developer", "content": "SYSTEM-2"},
        {"role": "tool", "tool_call_id": IDS[0], "content": '{"sky":"RESULT-A"}'},
        {"role": "tool", "tool_call_id": IDS[2], "content": ""},
        {"role": "user", "content": "ASKED-2"},
    ]
    tool = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}
    return "/v1/chat/completions", {"model": model, "messages": messages, "tools": [tool]}


def responses(model: str) -> tuple[str, Json]:
    calls: list[Json] = [
        {"type": "function_call", "call_id": id_[:64], "name": "look", "arguments": json.dumps(said)}
        for id_, said in zip(IDS, ARGUMENTS, strict=True)
    ]
    outputs = {IDS[1]: "RESULT-B", IDS[0]: '{"sky":"RESULT-A"}', IDS[2][:64]: ""}
    results = [{"type": "function_call_output", "call_id": id_, "output": said} for id_, said in outputs.items()]
    picture = {"type": "input_image", "image_url": JPG, "detail": "auto"}
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "ASKED-1"}, picture]},
        *calls,
        results[0],
        {"role": "user", "content": "BETWEEN"},
        {"role": "developer", "content": "SYSTEM-2"},
        *results[1:],
        {"role": "user", "content": "ASKED-2"},
    ]
    tool = {"type": "function", "name": "look", "parameters": SCHEMA, "strict": False}
    return "/v1/responses", {"model": model, "instructions": "SYSTEM-1", "input": items, "tools": [tool]}


def messages(model: str) -> tuple[str, Json]:
    ids = ("toolu_a", "toolu_b", "c" * 70)
    calls = [
        {"type": "tool_use", "id": id_, "name": "look", "input": said} for id_, said in zip(ids, ARGUMENTS, strict=True)
    ]
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    results = [
        {"type": "tool_result", "tool_use_id": ids[1], "content": [{"type": "text", "text": "RESULT-B"}]},
        {"type": "tool_result", "tool_use_id": ids[0], "content": '{"sky":"RESULT-A"}', "is_error": True},
        {"type": "tool_result", "tool_use_id": ids[2]},
    ]
    words = [{"type": "text", "text": text} for text in ("BETWEEN", "SYSTEM-2", "ASKED-2")]
    said = [
        {"role": "user", "content": [{"type": "text", "text": "ASKED-1"}, picture]},
        {"role": "assistant", "content": calls},
        {"role": "user", "content": results},
        {"role": "user", "content": words},
    ]
    tools = [{"name": "look", "input_schema": SCHEMA}]
    return "/v1/messages", {"model": model, "max_tokens": 500, "system": "SYSTEM-1", "messages": said, "tools": tools}


def gemini(model: str) -> tuple[str, Json]:
    calls = [{"functionCall": {"name": "look", "args": said}} for said in ARGUMENTS]
    outputs: list[Json] = [{"output": "RESULT-B"}, {"sky": "RESULT-A"}, {}]
    results = [{"functionResponse": {"name": "look", "response": said}} for said in outputs]
    words = [{"text": text} for text in ("BETWEEN", "SYSTEM-2", "ASKED-2")]
    body = {
        "systemInstruction": {"parts": [{"text": "SYSTEM-1"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "ASKED-1"}, {"inlineData": {"mimeType": "image/png", "data": PIXEL}}]},
            {"role": "model", "parts": calls},
            {"role": "user", "parts": [*results, *words]},
        ],
        "tools": [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": SCHEMA}]}],
    }
    return f"/v1beta/models/{model}:generateContent", body


def ollama(model: str) -> tuple[str, Json]:
    calls = [{"function": {"name": f"look_{place}", "arguments": said}} for place, said in enumerate(ARGUMENTS)]
    results = [
        {"role": "tool", "tool_name": name, "content": said}
        for name, said in (("look_1", "RESULT-B"), ("look_0", '{"sky":"RESULT-A"}'), ("look_2", ""))
    ]
    said = [
        {"role": "system", "content": "SYSTEM-1"},
        {"role": "user", "content": "ASKED-1", "images": [PIXEL]},
        {"role": "assistant", "content": "", "tool_calls": calls},
        results[0],
        {"role": "user", "content": "BETWEEN"},
        {"role": "system", "content": "SYSTEM-2"},
        *results[1:],
        {"role": "user", "content": "ASKED-2"},
    ]
    tools = [{"type": "function", "function": {"name": f"look_{n}", "parameters": SCHEMA}} for n in range(3)]
    return "/api/chat", {"model": model, "messages": said, "tools": tools}


CLIENTS = {
    "openai_chat": chat,
    "openai_responses": responses,
    "anthropic": messages,
    "gemini": gemini,
    "ollama": ollama,
}
# A client's own words pass as they came, also those that its own vendor refuses.
ROWS = [
    pytest.param(client, vendor, id=f"{client}-to-{vendor}")
    for client in CLIENTS
    for vendor, row in VENDORS.items()
    if row.speaks != client and vendor != client
]


def asked(deployed: Vendors, client: str, vendor: str, *, stream: bool) -> Any:  # noqa: ANN401 - an answer of httpx
    path, body = CLIENTS[client](vendor)
    if client == "gemini" and stream:
        path = path.replace(":generateContent", ":streamGenerateContent?alt=sse")
    elif client != "gemini":
        body["stream"] = stream
    headers = {"authorization": f"Bearer {TEAM_KEY}", "anthropic-version": "2023-06-01"}
    answer = deployed.http.post(deployed.url + path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize(("client", "vendor"), ROWS)
def test_nothing_of_an_odd_conversation_is_lost(deployed: Vendors, client: str, vendor: str) -> None:
    answer = asked(deployed, client, vendor, stream=False)
    last = deployed.last(vendor)
    if last["dialect"] != client:
        check_answer(client, answer.content)
    sent = last["body"]
    assert [word for word in SAID if sent.count(word) != 1] == []
    assert PIXEL in sent
    # The calls are answered before anyone speaks; in Responses, where results stand anywhere, they stay in their place.
    before = sent.index("BETWEEN") if last["dialect"] != "openai_responses" else sent.index("ASKED-2")
    assert sent.index("ASKED-1") < sent.index("ARG-A") < sent.index("RESULT-B") < sent.index("RESULT-A") < before


@pytest.mark.parametrize(("client", "vendor"), ROWS)
def test_an_odd_conversation_is_answered_in_a_stream(deployed: Vendors, client: str, vendor: str) -> None:
    answer = asked(deployed, client, vendor, stream=True)
    if deployed.last(vendor)["dialect"] != client:
        events = DIALECTS[client].events([answer.content])
        check_stream(client, [event.data for event in events if event.data is not None])
