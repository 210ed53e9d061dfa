from __future__ import annotations

import json

import pytest
from msgspec import Raw

from proxy.core.conversation import Conversation, Params, Vendor
from proxy.translate.ollama.request import encode_request
from proxy.translate.ollama.unsupported import UNSUPPORTED, refused
from tests.fakes.dialects import TARGET

HINTS = ("metadata", "parallel_tool_calls", "prompt_cache_key", "service_tier", "user", "verbosity")


def test_hints_are_dropped_and_named() -> None:
    params = Params(
        metadata={"a": "b"},
        parallel_tool_calls=False,
        prompt_cache_key="k",
        service_tier="flex",
        user="u",
        verbosity="low",
    )
    conversation = Conversation(Vendor.OPENAI, (), params=params, rest={"logit_bias": Raw(b"{}")})
    encoded = encode_request(conversation, TARGET)
    assert encoded.dropped == (*HINTS, "logit_bias")
    assert json.loads(encoded.body) == {"model": "upstream-model", "messages": [], "stream": False}


def test_what_asks_for_the_usual_is_not_named() -> None:
    usual = Conversation(Vendor.OPENAI, (), params=Params(parallel_tool_calls=True, service_tier="auto"))
    assert encode_request(usual, TARGET).dropped == ()


@pytest.mark.parametrize("name", sorted(UNSUPPORTED.keys() - set(HINTS)))
def test_what_matters_is_refused_in_a_sentence(name: str) -> None:
    assert refused(name, "x").message.endswith(".")
