"""What is written of a conversation, each request held against Cohere's own types."""

from __future__ import annotations

import importlib.util
import inspect
import json
from typing import Any

from proxy.core.conversation import (
    Conversation,
)
from proxy.core.translation import Target
from proxy.translate.cohere.request import encode_request
from tests.fakes.tools import require_module

MODEL = "command-a-03-2025"
THINKER = "command-a-reasoning-08-2025"
HAS_SDK = importlib.util.find_spec("cohere") is not None


def sent(conversation: Conversation, model: str = MODEL) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give the body that is sent, and what was left out of it."""
    encoded = encode_request(conversation, Target(model, "acct"))
    body: dict[str, Any] = json.loads(encoded.body)
    if HAS_SDK:
        check_request(body)
    return body, encoded.dropped


def check_request(body: dict[str, Any]) -> None:
    """Hold a request against the SDK: its parameters by their names, what they hold by their types."""
    cohere, adapter = require_module("cohere"), require_module("pydantic").TypeAdapter
    taken = inspect.signature(cohere.ClientV2.chat).parameters
    assert body.keys() - {"stream"} <= taken.keys()
    for name, type_ in (("messages", "ChatMessageV2"), ("tools", "ToolV2")):
        if name in body:
            read = [adapter(getattr(cohere, type_)).validate_python(item) for item in body[name]]
            assert [item.model_dump(exclude_unset=True) for item in read] == body[name]
    if "response_format" in body:
        adapter(cohere.ResponseFormatV2).validate_python(body["response_format"])
    if "thinking" in body:
        assert cohere.Thinking(**body["thinking"]).model_dump(exclude_unset=True) == body["thinking"]
