"""The envelope of an answer and the items of its output, written for the client.

What an answer repeats of its request is in the envelope (`echo`); the rest stands at its default. Ids are made from the
request's own, so a stream names its items twice alike.

Source: OpenAI Python SDK 3.51.0, types/responses/response.py, response_output_item.py, read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from proxy.core.conversation import Finish, Inline
from proxy.core.translation import Envelope
from proxy.core.usage import Usage
from proxy.translate.openai_responses.usage import TIERS, usage_object
from proxy.translate.openai_responses.vocab import ENDS

Output = list[dict[str, Any] | Raw]

_IMAGE_FORMATS = frozenset({"png", "webp", "jpeg", "gif", "svg"})
_FAILED = {"code": "server_error", "message": "The model did not produce a valid answer. Send the request again."}


def item_id(prefix: str, envelope: Envelope, index: int) -> str:
    """Make the id of the item at this place of the output."""
    return f"{prefix}_{envelope.request_id.removeprefix('req_')}_{index}"


def response_object(envelope: Envelope) -> dict[str, Any]:
    """Write an answer that has begun."""
    return {
        "id": f"resp_{envelope.request_id.removeprefix('req_')}",
        "object": "response",
        "created_at": envelope.created_s,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": envelope.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": None,
        "metadata": {},
        **envelope.echo,
    }


def ended_object(envelope: Envelope, output: Output, finish: Finish, usage: Usage | None) -> dict[str, Any]:
    """Write an answer that has ended."""
    status, reason = ENDS[finish]
    ended = {**response_object(envelope), "status": status, "output": output}
    if reason is not None:
        ended["incomplete_details"] = {"reason": reason}
    if status == "failed":
        ended["error"] = _FAILED
    if usage is not None:
        ended["usage"] = usage_object(usage)
        if usage.service_tier in TIERS:
            ended["service_tier"] = usage.service_tier
    return ended


def item_status(finish: Finish) -> str:
    """Say of what stands in an answer that ended so whether it is whole."""
    return "completed" if ENDS[finish][0] == "completed" else "incomplete"


def message_item(id_: str, content: list[dict[str, Any]], status: str) -> dict[str, Any]:
    """Write what the model said."""
    return {"type": "message", "id": id_, "status": status, "role": "assistant", "content": content}


def text_part(text: str, annotations: list[dict[str, Any]] | None = None, logprobs: object = ()) -> dict[str, Any]:
    """Write one text of a message."""
    return {"type": "output_text", "text": text, "annotations": annotations or [], "logprobs": logprobs}


def named_call(envelope: Envelope, call_id: str, name: str) -> dict[str, Any]:
    """Write what a call has from its beginning: its id, and the tool's name as the client knows it."""
    if not envelope.namespaces or name not in envelope.namespaces:
        return {"call_id": call_id, "name": name}
    namespace, name = envelope.namespaces[name]
    return {"call_id": call_id, "name": name, "namespace": namespace}


def call_item(id_: str, call: dict[str, Any], arguments: str, status: str) -> dict[str, Any]:
    """Write a call of a function, as `named_call` began it."""
    return {"type": "function_call", "id": id_, "status": status, **call, "arguments": arguments}


def custom_item(id_: str, call: dict[str, Any], text: str) -> dict[str, Any]:
    """Write a call of a custom tool, as `named_call` began it."""
    return {"type": "custom_tool_call", "id": id_, **call, "input": text}


def image_item(id_: str, source: Inline) -> dict[str, Any]:
    """Write an image that the model made."""
    item = {"type": "image_generation_call", "id": id_, "status": "completed", "result": source.data}
    form = source.media_type.removeprefix("image/")
    return {**item, "output_format": form} if form in _IMAGE_FORMATS else item
