"""Small conversations, and what is sent for them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from proxy.core.capabilities import Capabilities
from proxy.core.conversation import Conversation, Message, Params, Reasoning, Signature, Tool, Vendor
from proxy.core.translation import Encoded, Envelope, Target, Untranslatable
from proxy.translate.anthropic.request import decode_request, encode_request
from tests.unit.translate.talking import user

OPUS = "claude-opus-5-5"
ACCOUNT = "acct"
ENVELOPE = Envelope("req_0123abcd", "the-model", 1_790_000_000, account=ACCOUNT)


def own(value: str = "sig") -> Signature:
    """A signature of Anthropic's, from the account that is asked."""
    return Signature(Vendor.ANTHROPIC, ACCOUNT, value)


def talk(*messages: Message, vendor: Vendor = Vendor.OPENAI, **members: Any) -> Conversation:  # noqa: ANN401 - members
    """A conversation; a user says "hi" where nobody says anything."""
    return Conversation(vendor, messages or (user("hi"),), **members)


def asked(**params: Any) -> Conversation:  # noqa: ANN401 - members of `Params`
    return talk(params=Params(**params))


def thinking(**reasoning: Any) -> Conversation:  # noqa: ANN401 - members of `Reasoning`
    return talk(reasoning=Reasoning(**reasoning))


def offering(*tools: Tool, **members: Any) -> Conversation:  # noqa: ANN401 - members
    return talk(tools=tools, **members)


def sent(conversation: Conversation, model: str = OPUS, host: str = "", **capabilities: Any) -> Encoded:  # noqa: ANN401
    return encode_request(conversation, Target(model, ACCOUNT, host, Capabilities(**capabilities)))


def body(conversation: Conversation, model: str = OPUS, host: str = "", **capabilities: Any) -> Any:  # noqa: ANN401
    """The JSON that is sent."""
    return json.loads(sent(conversation, model, host, **capabilities).body)


def refusal(conversation: Conversation, model: str = OPUS, host: str = "", **capabilities: Any) -> Untranslatable:  # noqa: ANN401
    """Why it cannot be sent."""
    with pytest.raises(Untranslatable) as caught:
        sent(conversation, model, host, **capabilities)
    return caught.value


def received(stream: bool = False, **members: Any) -> Conversation:  # noqa: ANN401 - JSON
    """What a client's request says; it has one message unless told otherwise."""
    members = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]} | members
    return decode_request(msgspec.json.encode(members), stream)
