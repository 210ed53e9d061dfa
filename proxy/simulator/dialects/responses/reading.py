"""A request for a response, checked and turned into the neutral question.

Nothing is stored: ids of earlier responses and reasoning are believed where they look like this simulator's own.

Source: openai 3.51.0, `types/responses`; platform.openai.com, "Error codes" and "Reasoning", read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from proxy.simulator.dialects.responses.fields import CREATE
from proxy.simulator.dialects.service import Heard
from proxy.simulator.question import Question
from proxy.simulator.request import ChatRequest
from proxy.simulator.shapes import Json, Misfit, Wrong, bracketed, decoded, held
from proxy.simulator.signatures import Verdict, verify
from proxy.simulator.vendorrows import INVALID, Row
from proxy.simulator.vendors import Refused

ENCRYPTED = "reasoning.encrypted_content"
_OWN = "simulated"


class Asked(NamedTuple):
    """What was asked, and the body that the response repeats."""

    heard: Heard
    body: Json

    @property
    def seals(self) -> bool:
        """Say whether reasoning comes with its encrypted content."""
        return ENCRYPTED in (self.body.get("include") or ())


def read(question: Question) -> Asked:
    """Check a request and read it.

    Raises:
        Refused: The vendor would refuse it.
    """
    body = held(decoded(question.body), CREATE, lambda misfit: Refused(_row(misfit)))
    items = [{"role": "user", "content": body["input"]}] if isinstance(body["input"], str) else body["input"]
    _check_memory(body)
    _check_calls(items, remembered=bool(body.get("previous_response_id") or body.get("conversation")))
    _check_reasoning(items, question.account)
    reasoning = body.get("reasoning") or {}
    thinks = reasoning.get("effort") not in (None, "none")
    shows = (reasoning.get("summary") or reasoning.get("generate_summary")) is not None
    return Asked(Heard(_request(body, items), thinks, shows), body)


def _row(misfit: Misfit) -> Row:
    """Say what is wrong as the vendor does."""
    place = bracketed(misfit.path)
    match misfit.wrong:
        case Wrong.UNKNOWN:
            return _refusal(f"Unknown parameter: '{place}'.", "unknown_parameter", place)
        case Wrong.MISSING:
            return _refusal(f"Missing required parameter: '{place}'.", "missing_required_parameter", place)
        case Wrong.TYPE:
            return _refusal(f"Invalid type for '{place}': expected {misfit.wanted}.", "invalid_type", place)
        case _:
            return _refusal(f"Invalid value for '{place}': expected {misfit.wanted}.", "invalid_value", place)


def _refusal(message: str, code: str | None, param: str | None) -> Row:
    return Row(400, message, INVALID, code, param)


def _check_memory(body: Json) -> None:
    previous = body.get("previous_response_id")
    if previous is not None and _OWN not in previous:
        message = f"Previous response with id '{previous}' not found."
        raise Refused(_refusal(message, "previous_response_not_found", "previous_response_id"))
    if previous is not None and body.get("conversation") is not None:
        message = "Mutually exclusive parameters: 'previous_response_id' and 'conversation'."
        raise Refused(_refusal(message, "mutually_exclusive_parameters", "previous_response_id"))


def _check_calls(items: list[Json], *, remembered: bool) -> None:
    """Every output answers a call before it; every call has its output."""
    called: dict[str, str] = {}
    for item in items:
        kind = item.get("type") or "message"
        if kind in ("function_call", "custom_tool_call"):
            called[item["call_id"]] = "custom tool" if kind.startswith("custom") else "function"
        elif kind in ("function_call_output", "custom_tool_call_output"):
            if item["call_id"] not in called and not remembered:
                message = f"No tool call found for function call output with call_id {item['call_id']}."
                raise Refused(_refusal(message, None, "input"))
            called.pop(item["call_id"], None)
    if called:
        raise Refused(_refusal(f"No tool output found for function call {next(iter(called))}.", None, "input"))


def _check_reasoning(items: list[Json], account: str) -> None:
    for item in items:
        if item.get("type") != "reasoning":
            continue
        sealed = item.get("encrypted_content")
        if sealed and verify(account, None, sealed) is not Verdict.GENUINE:
            message = f"The encrypted content for item {item.get('id')} could not be verified."
            raise Refused(_refusal(message, "invalid_encrypted_content", None))
        if not sealed and _OWN not in (item.get("id") or ""):
            message = f"Item with id '{item.get('id')}' not found."
            raise Refused(Row(404, message, INVALID, None, "input"))


def _request(body: Json, items: list[Json]) -> ChatRequest:
    instructions = body.get("instructions")
    system = [{"role": "system", "content": instructions}] if instructions else []
    choice = body.get("tool_choice")
    tools = [tool for tool in body.get("tools") or () if tool["type"] == "function"]
    if isinstance(choice, dict) and choice["type"] == "allowed_tools":
        allowed = [tool.get("name") for tool in choice["tools"]]
        tools, choice = [tool for tool in tools if tool["name"] in allowed], choice["mode"]
    return ChatRequest(
        messages=[*system, *_messages(items)],
        max_tokens=body.get("max_output_tokens"),
        tools=[{"type": "function", "function": tool} for tool in tools] or None,
        tool_choice={"type": "function", "function": choice} if isinstance(choice, dict) else choice,
        parallel_tool_calls=body.get("parallel_tool_calls"),
        response_format=_format((body.get("text") or {}).get("format") or {}),
    )


def _format(wanted: Json) -> Json | None:
    if wanted.get("type") == "json_schema":
        return {"type": "json_schema", "json_schema": {"schema": wanted["schema"]}}
    return wanted or None


def _messages(items: list[Json]) -> Iterator[Json]:
    for item in items:
        match item.get("type") or "message":
            case "message":
                yield {"role": item["role"], "content": [*_parts(item["content"])]}
            case "function_call" | "custom_tool_call":
                words = f"{item['name']} {item.get('arguments', item.get('input'))}"
                yield {"role": "assistant", "content": words}
            case "function_call_output" | "custom_tool_call_output":
                yield {"role": "tool", "content": [*_parts(item["output"])]}
            case _:
                pass


def _parts(content: Any) -> Iterator[Json]:  # noqa: ANN401 - JSON
    for part in [{"type": "input_text", "text": content}] if isinstance(content, str) else content:
        match part["type"]:
            case "input_image":
                yield {"type": "image_url", "image_url": {"url": part.get("image_url") or ""}}
            case "input_file":
                yield {"type": "file"}
            case _:
                yield {"type": "text", "text": part.get("text") or part.get("refusal") or ""}
