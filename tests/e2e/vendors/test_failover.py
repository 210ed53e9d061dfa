"""A conversation that another vendor takes over after its first turn, with the thoughts and calls of the first in it.

For each ordered pair: A thinks and calls a tool, then has no capacity; B, which is strict about signatures, answers the
result. Nothing that A signed may reach B, and B's own signatures stay good for a third turn.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.e2e.vendors.asking import ASKERS, USE, Json
from tests.fakes.vendors import DISTINCT, PAIRS, VENDORS, Vendors

_SIGNED = ("signature", "data", "thought_signature", "thoughtSignature", "encrypted_content")


def signatures_in(document: Any) -> set[str]:  # noqa: ANN401 - any JSON
    """Everything in a history that a vendor signed, in the vendor's own words: without what Fairlead put before it."""
    if isinstance(document, list):
        return set().union(*map(signatures_in, document)) if document else set()
    if not isinstance(document, dict):
        return set()
    own = {_bare(value) for name, value in document.items() if name in _SIGNED and isinstance(value, str) and value}
    return own.union(*(signatures_in(value) for value in document.values()))


def _bare(signature: str) -> str:
    return signature.split(".", 3)[3] if signature.startswith("^f.") else signature


@pytest.mark.parametrize("asker", ASKERS)
@pytest.mark.parametrize(("first", "second"), [pytest.param(*pair, id="-to-".join(pair)) for pair in PAIRS])
def test_other_vendor_takes_over_with_thoughts_and_tools(
    deployed: Vendors, first: str, second: str, asker: str
) -> None:
    client, model = ASKERS[asker], f"{first}-to-{second}--{asker}"
    called = client.asked(deployed, model, client.first)
    assert called.headers["x-fairlead-provider"] == first
    assert len(called.calls) == 1
    signed = signatures_in(called.history)

    answered = client.asked(deployed, model, client.result(called))
    assert answered.headers["x-fairlead-trail"].endswith(f";{second}=ok"), answered.headers["x-fairlead-trail"]
    assert "1 tool result" in answered.text
    sent = deployed.last(second)["body"]
    assert json.loads(sent)
    assert not [value for value in signed if value in sent]
    assert not re.search(r'"fl\.[a-z]+\.', sent)

    again = client.asked(deployed, model, [*answered.history, *_asked_again(client.first)])
    assert again.headers["x-fairlead-provider"] == second
    assert len(again.calls) == 1


def _asked_again(first: list[Json]) -> list[Json]:
    assert USE in json.dumps(first)
    return first


_SIGNS = ("anthropic", "gemini", "vertex-claude", "bedrock", "bedrock-key")


@pytest.mark.parametrize("asker", ["chat", "chat-stream", "messages", "messages-stream", "responses"])
@pytest.mark.parametrize("vendor", _SIGNS)
def test_own_signatures_come_back_to_who_made_them(deployed: Vendors, vendor: str, asker: str) -> None:
    client = ASKERS[asker]
    called = client.asked(deployed, f"{vendor}--reasoning-3", client.first)
    signed = signatures_in(called.history)
    assert signed
    client.asked(deployed, f"{vendor}--reasoning-3", client.result(called))
    sent = deployed.last(f"{vendor}--reasoning-3")["body"]
    assert [value for value in signed if value in sent]


@pytest.mark.parametrize("asker", ["messages", "messages-stream"])
@pytest.mark.parametrize("vendor", DISTINCT)
def test_signature_whose_account_nobody_knows_costs_one_more_attempt_at_most(
    deployed: Vendors, vendor: str, asker: str
) -> None:
    """A client that spoke to Anthropic itself, without Fairlead, brings signatures of an account of its own."""
    client = ASKERS[asker]
    called = client.asked(deployed, "anthropic--reasoning-3", client.first)  # another key's: not sealed
    (signature,) = signatures_in(called.history)
    assert '"^f.' not in json.dumps(called.history)
    answered = client.asked(deployed, vendor, client.result(called))
    assert "1 tool result" in answered.text
    is_claude = vendor in ("anthropic", "vertex-claude", "bedrock")
    assert answered.headers["x-fairlead-attempts"] == ("2" if is_claude else "1")
    sent = [arrival["body"] for arrival in deployed.arrivals(vendor, VENDORS[vendor].model)]
    assert signature not in sent[-1]
    assert any(signature in body for body in sent[:-1]) == is_claude
