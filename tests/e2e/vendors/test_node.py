"""Anthropic's SDK and the AI SDK for Node, to accounts of several vendors.

The cases are JavaScript, in `tests/e2e/node/vendors`; one run of Node does them all, and each is a test here.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fakes.deployment import TEAM_KEY
from tests.fakes.tools import require_tool
from tests.fakes.vendors import Vendors

FOLDER = Path(__file__).parent.parent / "node"
RUN_S = 50
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


class Outcome(NamedTuple):
    ok: bool
    detail: str


@pytest.fixture(scope="module")
def outcomes(deployed: Vendors) -> Mapping[str, Outcome]:
    node = require_tool("node")
    assert (FOLDER / "node_modules" / "ai").is_dir(), "the SDKs are not installed: `make test` installs them"
    done = subprocess.run(
        [node, str(FOLDER / "vendors.mjs"), deployed.url, TEAM_KEY],
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_S,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["case"]: Outcome(line["ok"], line["detail"]) for line in lines}


@pytest.mark.parametrize("case", CASES)
def test_case(outcomes: Mapping[str, Outcome], case: str) -> None:
    outcome = outcomes[case]
    assert outcome.ok, outcome.detail


def test_every_case_is_named_here(outcomes: Mapping[str, Outcome]) -> None:
    assert sorted(outcomes) == sorted(CASES)
