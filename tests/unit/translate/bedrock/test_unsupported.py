"""Every row of the table: hints are left out and named, what means something is refused."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.conversation import Params
from proxy.core.translation import Untranslatable
from proxy.translate.bedrock.unsupported import OWN_MEMBERS, UNSUPPORTED, refused
from proxy.translate.lacks import Hint, Refused
from tests.unit.translate.bedrock.made import sent
from tests.unit.translate.talking import talk

HINTS: dict[str, Any] = {
    "seed": 0,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "logprobs": True,
    "top_logprobs": 2,
    "verbosity": "low",
    "prompt_cache_key": "k",
}
MEANING: dict[str, Any] = {"n": 2, "modalities": ("text", "audio")}


def test_the_table_is_tested_whole() -> None:
    assert {name for name, row in UNSUPPORTED.items() if isinstance(row, Hint)} == HINTS.keys()
    assert {name for name in UNSUPPORTED if name in Params.__struct_fields__} == HINTS.keys() | MEANING.keys()


@pytest.mark.parametrize("name", HINTS)
def test_a_hint_is_left_out_and_named(name: str) -> None:
    assert sent(talk(**{name: HINTS[name]}))[1] == (name,)


@pytest.mark.parametrize("name", MEANING)
def test_what_means_something_is_refused(name: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        sent(talk(**{name: MEANING[name]}))
    assert (caught.value.param, caught.value.message) == (name, UNSUPPORTED[name][0])


def test_other_members_are_left_out_and_named() -> None:
    assert sent(talk(rest={"store": b"true", "logit_bias": b"{}"}))[1] == ("store", "logit_bias")


@pytest.mark.parametrize(
    "params",
    [
        {"n": 1},
        {"modalities": ("text",)},
        {"logprobs": False},
        {"presence_penalty": 0.0},
        {"parallel_tool_calls": True},
    ],
)
def test_what_asks_for_the_usual_is_not_named(params: dict[str, Any]) -> None:
    assert sent(talk(**params))[1] == ()


@pytest.mark.parametrize("name", [name for name, row in UNSUPPORTED.items() if isinstance(row, Refused)])
def test_a_refusal_says_what_to_do_in_plain_words(name: str) -> None:
    refusal = refused(name, "x")
    assert refusal.param == "x"
    assert refusal.message.endswith(".")
    assert refusal.capability in ("", "tools", "images", "audio", "json_schema")


def test_bedrocks_own_members_are_no_lack() -> None:
    assert not OWN_MEMBERS & UNSUPPORTED.keys()
