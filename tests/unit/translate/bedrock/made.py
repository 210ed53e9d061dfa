"""What is written of a conversation, each request held against AWS's service model."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

from msgspec import UNSET, UnsetType

from proxy.core.capabilities import Capabilities
from proxy.core.conversation import (
    Conversation,
)
from proxy.core.translation import Target
from proxy.translate.bedrock.request import encode_request
from tests.fakes.servicemodel import faults

SONNET = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
OPUS_4_6 = "us.anthropic.claude-opus-4-6-v1"
OPUS_5 = "global.anthropic.claude-opus-5"
FABLE = "anthropic.claude-fable-5-1"
HAIKU_3 = "anthropic.claude-3-haiku-20240307-v1:0"
NOVA = "amazon.nova-pro-v1:0"
NOVA_2 = "us.amazon.nova-2-lite-v1:0"
GPT = "openai.gpt-5.6-luna"
GPT_OSS = "openai.gpt-oss-120b-1:0"
MISTRAL = "mistral.mistral-large-2407-v1:0"
LLAMA = "us.meta.llama3-3-70b-instruct-v1:0"

HAS_BOTOCORE = importlib.util.find_spec("botocore") is not None


def sent(
    conversation: Conversation, model: str = SONNET, *, capabilities: Capabilities | UnsetType = UNSET
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give the body that is sent, and what was left out of it."""
    known = Capabilities() if capabilities is UNSET else capabilities
    encoded = encode_request(conversation, Target(model, "acct", "bedrock", known))
    body = json.loads(encoded.body)
    if HAS_BOTOCORE:
        assert faults("ConverseStream" if conversation.stream else "Converse", body) == ""
    return body, encoded.dropped
