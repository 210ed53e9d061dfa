"""What the Messages API has no word for."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import Image, Inline, Vendor
from proxy.translate.anthropic.unsupported import UNSUPPORTED, refused
from proxy.translate.lacks import Hint, Refused
from tests.unit.translate.anthropic.said import asked, refusal, sent, talk
from tests.unit.translate.talking import user

HINTS = [name for name, row in UNSUPPORTED.items() if isinstance(row, Hint)]
REFUSALS = {name: row.message for name, row in UNSUPPORTED.items() if isinstance(row, Refused)}
SAID: dict[str, Any] = {
    "seed": 7,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "logprobs": True,
    "top_logprobs": 3,
    "verbosity": "low",
    "metadata": {"a": "b"},
    "prompt_cache_key": "k",
}


@pytest.mark.parametrize("name", HINTS)
def test_each_hint_is_left_out_and_named(name: str) -> None:
    detailed = talk(user(Image(Inline("image/png", ""), "low")))
    encoded = sent(detailed if name == "detail" else asked(**{name: SAID[name]}))
    assert encoded.dropped == (name,)
    assert f'"{name}":'.encode() not in encoded.body


@pytest.mark.parametrize("params", [{"logprobs": False}, {"metadata": {}}, {"presence_penalty": 0.0}, {"n": 1}])
def test_what_says_nothing_is_not_missed(params: dict[str, Any]) -> None:
    assert sent(asked(**params)).dropped == ()


@pytest.mark.parametrize(
    ("params", "param", "capability", "row"),
    [({"n": 2}, "n", "", "choices"), ({"modalities": ("text", "audio")}, "modalities", "audio", "modalities")],
)
def test_what_would_change_the_meaning_is_refused(
    params: dict[str, Any], param: str, capability: str, row: str
) -> None:
    error = refusal(asked(**params))
    assert (error.param, error.capability, error.message) == (param, capability, REFUSALS[row])


def test_text_alone_is_a_modality_it_has() -> None:
    assert sent(asked(modalities=("text",))).dropped == ()


@pytest.mark.parametrize("reason", REFUSALS)
def test_each_refusal_has_plain_words(reason: str) -> None:
    assert str(refused(reason, "p")) == REFUSALS[reason]
    assert REFUSALS[reason].endswith(".")


def test_the_vendors_own_members_are_not_missed() -> None:
    assert sent(talk(vendor=Vendor.ANTHROPIC, rest={"speed": Raw(b'"fast"')})).dropped == ()
