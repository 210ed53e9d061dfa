"""What programs send that people code with, shortened but in their own form: Claude Code 2.1.197, codex-cli 0.169.0.

Captured on 2026-11-20 between them and the gateway; the programs themselves are not installed here.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.fakes.deployment import TEAM_KEY
from tests.fakes.vendors import VENDORS, Vendors

Json = dict[str, Any]
everywhere = pytest.mark.parametrize("vendor", VENDORS)
NATIVE = ("openai", "azure", "azure-dated", "ollama", "perplexity")  # they speak Responses themselves

CLAUDE_CODE = {
    "accept": "application/json",
    "content-type": "application/json",
    "user-agent": "claude-cli/2.1.197 (external, sdk-cli)",
    "x-claude-code-session-id": "1ae10180-29e8-47e6-856c-2683c6146c29",
    "x-stainless-retry-count": "0",
    "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,thinking-token-count-2026-05-13,"
    "context-management-2025-06-27,prompt-caching-scope-2026-01-05,mid-conversation-system-2026-04-07,"
    "effort-2025-11-24",
    "anthropic-dangerous-direct-browser-access": "true",
    "anthropic-version": "2023-06-01",
    "x-app": "cli",
}
CACHED = {"cache_control": {"type": "ephemeral"}}
USER_ID = json.dumps({"device_id": "4f" * 32, "account_uuid": "", "session_id": "1ae10180-29e8-47e6-856c-2683c6146c29"})
BASH = {"name": "Bash", "description": "Runs.", "input_schema": {"type": "object", "properties": {}}}
FIRST: list[Json] = [
    {
        "role": "user",
        "content": [{"type": "text", "text": "<system-reminder>\n"}, {"type": "text", "text": "Go", **CACHED}],
    },
    {"role": "system", "content": "Available agent types for the Agent tool: none"},
]
CODEX = {
    "accept": "text/event-stream",
    "content-type": "application/json",
    "user-agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64) xterm (codex_exec; 0.169.0)",
    "originator": "codex_exec",
    "session-id": "01a1fa5a-59dd-7972-8afd-1d84d6fc1ed1",
    "x-codex-beta-features": "remote_compaction_v2",
}
WEATHER: Json = {
    "type": "namespace",
    "name": "mcp__weather",
    "description": "Tools in the mcp__weather namespace.",
    "tools": [
        {
            "type": "function",
            "name": "lookup_weather",
            "description": "Weather",
            "strict": False,
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        }
    ],
}
EXEC = {"type": "function", "name": "exec_command", "strict": False, "parameters": {"type": "object", "properties": {}}}


def posted(deployed: Vendors, path: str, body: Json, headers: dict[str, str]) -> httpx.Response:
    return deployed.http.post(
        deployed.url + path, content=json.dumps(body), headers={"authorization": f"Bearer {TEAM_KEY}", **headers}
    )


def claude_code(deployed: Vendors, model: str, messages: list[Json]) -> httpx.Response:
    body = {
        "model": model,
        "messages": messages,
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.1c0; cc_entrypoint=sdk-cli;"},
            {"type": "text", "text": "You are a Claude agent, built on Anthropic's Claude Agent SDK.", **CACHED},
        ],
        "tools": [BASH],
        "metadata": {"user_id": USER_ID},
        "max_tokens": 32000,
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high"},
        "stream": True,
    }
    return posted(deployed, "/v1/messages?beta=true", body, CLAUDE_CODE)


def codex(deployed: Vendors, model: str, items: list[Json]) -> httpx.Response:
    body = {
        "model": model,
        "stream": True,
        "input": items,
        "tools": [EXEC, WEATHER],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"summary": "auto"},
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "01a1fa5a-59dd-7972-8afd-1d84d6fc1ed1",
        "client_metadata": {"session_id": "01a1fa5a-59dd-7972-8afd-1d84d6fc1ed1"},
    }
    return posted(deployed, "/v1/responses", body, CODEX)


def told(role: str, text: str) -> Json:
    return {"type": "message", "id": "msg_1", "role": role, "content": [{"type": "input_text", "text": text}]}


def answered(answer: httpx.Response) -> Json:
    assert answer.status_code == 200, answer.text
    last = json.loads(answer.text.strip().rpartition("data: ")[2])
    assert last["type"] == "response.completed", answer.text
    response: Json = last["response"]
    return response


@everywhere
def test_claude_code_goes_on_with_every_vendor(deployed: Vendors, vendor: str) -> None:
    answer = claude_code(deployed, vendor, FIRST)
    assert answer.status_code == 200, answer.text
    assert "event: message_stop" in answer.text
    call = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "notes.txt", "is_error": False}
    history = [*FIRST, {"role": "assistant", "content": [call]}, {"role": "user", "content": [{**result, **CACHED}]}]
    answer = claude_code(deployed, vendor, history)
    assert answer.status_code == 200, answer.text
    assert "event: message_stop" in answer.text


@pytest.mark.parametrize(
    ("vendor", "roles"),
    [
        pytest.param("openai", ["system", "user", "system"], id="between-turns"),
        pytest.param("ollama", ["system", "user"], id="a-template"),
        pytest.param("cohere", ["system", "user", "user"], id="last"),
    ],
)
def test_instructions_of_claude_code_stand_where_the_vendor_takes_them(
    deployed: Vendors, vendor: str, roles: list[str]
) -> None:
    claude_code(deployed, vendor, FIRST)
    sent = deployed.sent(vendor)["messages"]
    assert [message["role"] for message in sent] == roles
    assert "Available agent types" in json.dumps(sent[-1])


def test_vertex_gets_the_betas_that_it_knows(deployed: Vendors) -> None:
    answer = claude_code(deployed, "vertex-claude", FIRST)
    refused, taken = deployed.arrivals("vertex-claude", VENDORS["vertex-claude"].model)
    assert (answer.headers["x-fairlead-attempts"], refused["status"], taken["status"]) == ("2", 400, 200)
    assert json.loads(taken["body"])["context_management"]


@pytest.mark.parametrize("vendor", ["openai", "ollama", "perplexity"])
def test_user_of_claude_code_fits(deployed: Vendors, vendor: str) -> None:
    claude_code(deployed, vendor, FIRST)
    assert len(deployed.sent(vendor)["user"]) == 64


@everywhere
def test_codex_calls_what_its_servers_offer(deployed: Vendors, vendor: str) -> None:
    items = [
        told("developer", "You are a coding agent."),
        told("developer", "<permissions>"),
        told("user", "Use mcp__weather__lookup_weather"),
    ]
    answer = answered(codex(deployed, vendor, items))
    if vendor in NATIVE:
        assert deployed.sent(vendor)["tools"] == [EXEC, WEATHER]
        return
    calls = [item for item in answer["output"] if item["type"] == "function_call"]
    assert [(call["namespace"], call["name"]) for call in calls] == [("mcp__weather", "lookup_weather")]
    result = {"type": "function_call_output", "call_id": calls[0]["call_id"], "output": "sunny"}
    again = answered(codex(deployed, vendor, [*items, *answer["output"], result]))
    assert "It came with 1 tool result" in again["output"][-1]["content"][0]["text"]


@pytest.mark.parametrize("vendor", ["openai", "gemini", "bedrock"])
def test_claude_code_learns_that_a_conversation_is_too_long(deployed: Vendors, vendor: str) -> None:
    answer = claude_code(deployed, f"{vendor}--context", FIRST)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].lower().startswith("prompt is too long")


def test_claude_code_gives_up_with_a_wrong_key(deployed: Vendors) -> None:
    answer = posted(
        deployed, "/v1/messages?beta=true", {}, {**CLAUDE_CODE, "authorization": "Bearer wrong-key-01234567"}
    )
    assert (answer.status_code, answer.headers["x-should-retry"]) == (401, "false")


def test_claude_code_finds_the_gateway(deployed: Vendors) -> None:
    answer = deployed.http.head(deployed.url, headers={"user-agent": "Bun/1.4.0"})
    assert answer.status_code == 200
