"""Anthropic's SDK and the AI SDK for Node, to accounts of several vendors.

The cases are JavaScript, in `tests/e2e/node/vendors`; one run of Node does them all, and each is a test here.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.e2e.nodecases import Outcome, run_cases
from tests.fakes.deployment import TEAM_KEY
from tests.fakes.vendors import Vendors

# Whichever case is first pays for all of them.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

MESSAGES = (
    "messages whole and streamed say the same",
    "messages with tools and thoughts in two turns",
    "messages: tokens and models",
    "messages: errors are of their class",
)
AI_SDK = (
    "AI SDK: text whole and streamed",
    "AI SDK: tools run by it, whole and streamed",
    "AI SDK: a conversation with tools goes on for turns",
    "AI SDK: thoughts and tools go on in the next turn",
    "AI SDK: nothing kept, tools and reasoning go on in the next turn",
    "AI SDK: structured output",
    "AI SDK: errors",
)
_MESSAGES_VENDORS = ("anthropic", "vertex-claude", "bedrock", "openai", "gemini", "cohere")
_AI_SDK_VENDORS = ("openai", "anthropic", "gemini", "bedrock", "cohere", "perplexity")
CASES = (
    *(f"{case} ({vendor})" for case in MESSAGES for vendor in _MESSAGES_VENDORS),
    *(f"{case} ({vendor})" for case in AI_SDK for vendor in _AI_SDK_VENDORS),
)


@pytest.fixture(scope="module")
def outcomes(deployed: Vendors) -> Mapping[str, Outcome]:
    return run_cases("vendors.mjs", "ai", deployed.url, TEAM_KEY)


@pytest.mark.parametrize("case", CASES)
def test_case(outcomes: Mapping[str, Outcome], case: str) -> None:
    outcome = outcomes[case]
    assert outcome.ok, outcome.detail


def test_every_case_is_named_here(outcomes: Mapping[str, Outcome]) -> None:
    assert sorted(outcomes) == sorted(CASES)
