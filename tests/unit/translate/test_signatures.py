"""Signatures on their way: what a model signed goes to a client of any dialect, comes back in its next request, and
reaches nobody but the vendor and the account that it is from.

The client is played by hand: it says what it was told, word for word.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.core.conversation import Answer, Choice, Finish, Signature, Text, Thinking, ToolCall, Vendor
from proxy.core.translation import Target
from tests.fakes.dialects import DIALECTS, SPOKEN, Dialect
from tests.unit.translate.test_roundtrip import FEW, pairs

ACCOUNTS = ("acc0", "acc1")
RAW = ""  # of nobody knows which account: as a client sends it that had it from its vendor
CLAUDE = "claude-sonnet-4-5"
OWN = {
    "openai_chat": Vendor.OPENAI,
    "openai_responses": Vendor.OPENAI,
    "ollama": Vendor.OLLAMA,
    "anthropic": Vendor.ANTHROPIC,
    "gemini": Vendor.GOOGLE,
}
TARGETS = {
    "openai_chat": Target("gpt-5", "acc0"),
    "openai_responses": Target("gpt-5", "acc0"),
    "ollama": Target("gpt-oss", "acc0"),
    "anthropic": Target(CLAUDE, "acc0"),
    "gemini": Target("gemini-3.8-flash", "acc0"),
    "bedrock": Target(f"eu.anthropic.{CLAUDE}-20250929-v1:0", "acc0", "bedrock"),
    "cohere": Target("command-a-03-2025", "acc0"),
}
# Who reads whose. A compatible endpoint may serve any vendor's models, but to it goes only what it signed itself.
READS = {
    "openai_chat": frozenset(Vendor),
    "openai_responses": {Vendor.OPENAI},
    "ollama": frozenset[Vendor](),
    "anthropic": {Vendor.ANTHROPIC},
    "gemini": {Vendor.GOOGLE},
    "bedrock": {Vendor.ANTHROPIC},
    "cohere": frozenset[Vendor](),
}


def made(vendor: Vendor, account: str, place: int) -> Signature:
    """One like no other, in base64 as vendors write them."""
    return Signature(vendor, account, b64encode(f"<{vendor}|{account}|{place:02}>".encode()).decode())


@st.composite
def signed_answers(draw: st.DrawFn, raw: Vendor) -> Answer:
    """Thoughts, words and calls, each perhaps signed. Signatures of no known account are of the client's own vendor."""
    origins = st.tuples(st.sampled_from(list(Vendor)), st.sampled_from(ACCOUNTS)) | st.just((raw, RAW))

    def seal(place: int) -> Signature:
        return made(*draw(origins), place)

    thoughts = [Thinking("Hm." if shown else "", seal(n), not shown) for n, shown in enumerate(draw(_SHOWN))]
    words = [Text("Well.", signature=_google(seal(10)))] if draw(st.booleans()) else []
    calls = [ToolCall(f"call_{n}", "f", "{}", _google(seal(20 + n))) for n in range(draw(st.integers(1, 2)))]
    return Answer((Choice((*thoughts, *words, *calls), Finish.TOOL_CALLS),), "a", "m", 1_790_000_000)


_SHOWN = st.lists(st.booleans(), max_size=3)


def _google(signature: Signature) -> Signature | None:
    """Google alone signs words and calls."""
    return signature if signature.vendor is Vendor.GOOGLE else None


def signatures(answer: Answer) -> list[Signature]:
    parts = answer.choices[0].parts
    return [part.signature for part in parts if isinstance(part, Text | Thinking | ToolCall) and part.signature]


# What each client asks next: the answer as it came, and the results of the calls in it.


def _chat(answer: Any) -> object:  # noqa: ANN401 - JSON
    message = answer["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "1"} for call in message["tool_calls"]]
    return {"messages": [{"role": "user", "content": "Hi"}, message, *results]}


def _responses(answer: Any) -> object:  # noqa: ANN401 - JSON
    calls = [item["call_id"] for item in answer["output"] if item["type"] == "function_call"]
    results = [{"type": "function_call_output", "call_id": id_, "output": "1"} for id_ in calls]
    return {"input": [{"role": "user", "content": "Hi"}, *answer["output"], *results]}


def _anthropic(answer: Any) -> object:  # noqa: ANN401 - JSON
    calls = [block["id"] for block in answer["content"] if block["type"] == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": id_, "content": "1"} for id_ in calls]
    said = [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": results}]
    return {"messages": [{"role": "user", "content": "Hi"}, *said], "max_tokens": 9000}


def _gemini(answer: Any) -> object:  # noqa: ANN401 - JSON
    content = answer["candidates"][0]["content"]
    calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
    results = [{"functionResponse": {"id": c["id"], "name": c["name"], "response": {"output": "1"}}} for c in calls]
    user = {"role": "user", "parts": [{"text": "Hi"}]}
    return {"contents": [user, content, {"role": "user", "parts": results}]}


def _ollama(answer: Any) -> object:  # noqa: ANN401 - JSON
    message = answer["message"]
    results = [{"role": "tool", "tool_name": "f", "content": "1"} for _ in message["tool_calls"]]
    return {"messages": [{"role": "user", "content": "Hi"}, message, *results]}


RETURNED: dict[str, Callable[[Any], object]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "ollama": _ollama,
}


def sent(client: Dialect, upstream: Dialect, answer: Answer) -> str:
    """The body that an upstream gets of a client that was told this answer."""
    told = json.loads(client.encode_answer(answer))
    asked = json.dumps({"model": "m", **_object(RETURNED[client.name](told))}).encode()
    return upstream.encode_request(client.decode_request(asked), TARGETS[upstream.name]).body.decode()


def _object(value: object) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value


@pairs(DIALECTS)
@FEW
@given(data=st.data())
def test_a_signature_reaches_nobody_but_whom_it_is_from(
    client: Dialect, upstream: Dialect, data: st.DataObject
) -> None:
    answer = data.draw(signed_answers(OWN[client.name]))
    body = sent(client, upstream, answer)
    for signature in signatures(answer):
        is_allowed = signature.vendor in READS[upstream.name] and signature.account in (RAW, "acc0")
        if not is_allowed:
            assert signature.value not in body
    assert "^f." not in body
    assert b64encode(b"^f.").decode() not in body


@pytest.mark.parametrize(
    "client", [dialect for name, dialect in SPOKEN.items() if name != "ollama"], ids=lambda d: d.name
)
@pytest.mark.parametrize("shown", [True, False], ids=["shown", "hidden"])
@pytest.mark.parametrize("name", ["anthropic", "bedrock", "openai_responses"])
def test_a_thought_comes_back_to_its_own_account(client: Dialect, name: str, shown: bool) -> None:
    (vendor,) = READS[name]
    for account in ACCOUNTS:
        signature = made(vendor, account, 0)
        parts = (Thinking("Hm." if shown else "", signature, not shown), ToolCall("call_0", "f", "{}"))
        answer = Answer((Choice(parts, Finish.TOOL_CALLS),), "a", "m", 1_790_000_000)
        assert (signature.value in sent(client, DIALECTS[name], answer)) is (account == "acc0")


@pytest.mark.parametrize(
    "client", [dialect for name, dialect in SPOKEN.items() if name != "ollama"], ids=lambda d: d.name
)
def test_the_signature_of_a_call_comes_back_to_its_own_account(client: Dialect) -> None:
    call = ToolCall("call_0", "f", "{}", made(Vendor.GOOGLE, "acc0", 0))
    for account in ACCOUNTS:
        signature = made(Vendor.GOOGLE, account, 0)
        choice = Choice((Text("Well."), replace(call, signature=signature)), Finish.TOOL_CALLS)
        answer = Answer((choice,), "a", "m", 1_790_000_000)
        assert (signature.value in sent(client, DIALECTS["gemini"], answer)) is (account == "acc0")
