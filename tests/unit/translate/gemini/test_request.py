"""Whole requests: what only Google understands, the tier, and what is no request."""

from __future__ import annotations

import json

import pytest

from proxy.core.conversation import Params, Vendor
from proxy.core.translation import Target, Undecodable
from proxy.translate.gemini.request import decode_request, encode_request
from tests.unit.translate.gemini.making import HELLO, NEW, asked, raw, read, sent


def test_a_request_needs_contents() -> None:
    with pytest.raises(Undecodable) as failure:
        decode_request(b'{"contents": null}', stream=False)
    assert failure.value.param == "contents"


@pytest.mark.parametrize("stream", [False, True])
def test_the_path_says_whether_it_is_a_stream(stream: bool) -> None:
    conversation = decode_request(b'{"contents": [{"parts": [{"text": "Hello"}]}]}', stream)
    assert (conversation.stream, conversation.messages) == (stream, (HELLO,))
    assert conversation.dialect_vendor is Vendor.GOOGLE


def test_unknown_members_go_back_to_google() -> None:
    rest = {"safetySettings": [{"category": "C"}], "cachedContent": "cachedContents/1", "labels": {"a_b": "c"}}
    conversation = read(rest)
    assert {name: json.loads(bytes(value)) for name, value in conversation.rest.items()} == rest
    body = sent(conversation)
    assert {name: body[name] for name in rest} == rest


def test_a_null_is_as_good_as_nothing() -> None:
    assert dict(read({"safetySettings": None, "tools": None}).rest) == {}
    nulls = {"generationConfig": {"speechConfig": None}, "toolConfig": {"retrievalConfig": None}}
    assert dict(read(nulls).rest) == {}


@pytest.mark.parametrize(
    ("googles", "openais"), [("standard", "default"), ("flex", "flex"), ("PRIORITY", "priority"), ("unspecified", "")]
)
def test_a_tier_is_read(googles: str, openais: str) -> None:
    assert read({"serviceTier": googles}).params.service_tier == openais


@pytest.mark.parametrize(("openais", "googles"), [("default", "standard"), ("flex", "flex"), ("auto", None)])
def test_a_tier_is_written(openais: str, googles: str | None) -> None:
    assert sent(asked(params=Params(service_tier=openais))).get("serviceTier") == googles


def test_a_tier_stands_beside_other_params() -> None:
    conversation = read({"serviceTier": "flex", "generationConfig": {"seed": 1}})
    assert conversation.params == Params(seed=1, service_tier="flex")


def test_the_body_is_the_same_on_vertex() -> None:
    conversation = asked(params=Params(seed=1))
    assert encode_request(conversation, Target("gemini-3.8-flash", "acct", "vertex")).body == (
        encode_request(conversation, NEW).body
    )


def test_encoding_twice_gives_the_same() -> None:
    """A conversation is used again on failover."""
    conversation = read(
        {
            "toolConfig": {"retrievalConfig": {}},
            "generationConfig": {"speechConfig": {}, "seed": 1},
            "systemInstruction": "Be brief",
        }
    )
    assert encode_request(conversation, NEW).body == encode_request(conversation, NEW).body


def test_another_vendors_rest_is_not_sent() -> None:
    assert sent(asked(rest={"safetySettings": raw([])})) == sent(asked())
