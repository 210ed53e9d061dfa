"""What Google's dialect cannot say: hints are named, the rest is refused."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.conversation import Effort, FunctionTool, JsonFormat, Params, Reasoning, Vendor
from proxy.core.translation import Target, Untranslatable
from proxy.translate.gemini.unsupported import UNSUPPORTED
from proxy.translate.lacks import Hint, Refused
from tests.unit.translate.gemini.making import NEW, OLD, asked, encoded, raw

THOUGHTLESS = Target("gemini-2.0-flash", "acct")

HINTED: dict[str, tuple[dict[str, Any], Target]] = {
    "user": ({"params": Params(user="u")}, NEW),
    "verbosity": ({"params": Params(verbosity="low")}, NEW),
    "metadata": ({"params": Params(metadata={"a": "b"})}, NEW),
    "prompt_cache_key": ({"params": Params(prompt_cache_key="k")}, NEW),
    "parallel_tool_calls": ({"params": Params(parallel_tool_calls=False)}, NEW),
    "service_tier": ({"params": Params(service_tier="scale")}, NEW),
    "presence_penalty": ({"params": Params(presence_penalty=1.0)}, NEW),
    "frequency_penalty": ({"params": Params(frequency_penalty=1.0)}, NEW),
    "reasoning_effort": ({"reasoning": Reasoning(Effort.LOW)}, THOUGHTLESS),
}
REFUSALS: dict[str, tuple[dict[str, Any], Target, str]] = {
    "stop": ({"params": Params(stop=("a", "b", "c", "d", "e", "f"))}, NEW, ""),
    "modalities": ({"params": Params(modalities=("text", "audio"))}, NEW, "audio"),
    "audio": ({"rest": {"audio": raw({"voice": "alloy"})}}, NEW, "audio"),
    "response_format": ({"format": JsonFormat(), "tools": (FunctionTool("f"),)}, OLD, "json_schema"),
    "functions": ({"rest": {"functions": raw([])}}, NEW, "tools"),
    "function_call": ({"rest": {"function_call": raw("auto")}}, NEW, ""),
}


def test_each_row_of_the_table_is_tested() -> None:
    assert set(HINTED) == {name for name, row in UNSUPPORTED.items() if isinstance(row, Hint)}
    assert set(REFUSALS) == {name for name, row in UNSUPPORTED.items() if isinstance(row, Refused)}


@pytest.mark.parametrize("name", HINTED)
def test_a_hint_is_left_out_and_named(name: str) -> None:
    more, target = HINTED[name]
    assert encoded(asked(**more), target).dropped == (name,)


@pytest.mark.parametrize("name", REFUSALS)
def test_what_would_change_the_meaning_is_refused(name: str) -> None:
    more, target, capability = REFUSALS[name]
    with pytest.raises(Untranslatable) as failure:
        encoded(asked(**more), target)
    assert (failure.value.param, failure.value.capability) == (name, capability)


@pytest.mark.parametrize(
    ("more", "target"),
    [
        pytest.param({"params": Params(parallel_tool_calls=True)}, NEW, id="parallel-calls"),
        pytest.param({"params": Params(service_tier="auto")}, NEW, id="any-tier"),
        pytest.param({"params": Params(service_tier="flex")}, NEW, id="a-tier-of-googles"),
        pytest.param({"params": Params(presence_penalty=1.0, frequency_penalty=1.0)}, OLD, id="penalties"),
        pytest.param({"reasoning": Reasoning(budget_tokens=5)}, OLD, id="reasoning"),
        pytest.param({"reasoning": Reasoning(visible=True)}, THOUGHTLESS, id="thoughts-to-see-of-who-has-none"),
        pytest.param({"format": JsonFormat(), "tools": (FunctionTool("f"),)}, NEW, id="json-and-tools"),
        pytest.param({"vendor": Vendor.GOOGLE, "rest": {"safetySettings": raw([])}}, NEW, id="googles-own-rest"),
        pytest.param({"vendor": Vendor.GOOGLE, "params": Params(modalities=("audio",))}, NEW, id="sound-for-google"),
    ],
)
def test_what_can_be_said_is_not_named(more: dict[str, Any], target: Target) -> None:
    assert encoded(asked(**more), target).dropped == ()


def test_unknown_members_of_another_dialect_are_named() -> None:
    rest = {"logit_bias": raw({}), "store": raw(True)}
    assert encoded(asked(rest=rest)).dropped == ("logit_bias", "store")
