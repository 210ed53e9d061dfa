"""The official Node SDK, pointed at a deployed gateway by `base_url` alone.

The cases are JavaScript, in `tests/e2e/node/cases`; one run of Node does them all, and each is a test here.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.e2e.nodecases import Outcome, run_cases
from tests.fakes.deployment import NARROW_KEY, TEAM_KEY, Deployment

# Whichever case is first pays for all of them.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

ANSWERS = (
    "chat",
    "base URL in several forms",
    "headers tell who answered",
    "failover",
    "several choices",
    "fields pass both ways, unknown ones too",
    "only headers of the allow-list reach the upstream",
    "long text that is no ASCII",
    "tool call and its result",
    "parallel tool calls",
    "tools run by the SDK",
    "structured output",
    "parts that are no text",
    "large answer",
    "embeddings",
    "moderations",
    "completions",
    "models",
)
STREAMS = (
    "stream",
    "stream with usage",
    "stream of several choices",
    "stream tells who answers",
    "stream comes as it is made",
    "odd streams become clean ones",
    "stream helper",
    "stream of parallel tool calls",
    "stream with tools run by the SDK",
    "stream of structured output",
    "large stream",
    "completions stream",
    "fifty streams at once",
    "breaking out of a stream closes the upstream",
    "aborting a stream closes the upstream",
    "aborting by a signal closes the upstream",
)
FAILURES = (
    "every class of error",
    "upstream's word for the client's fault",
    "wrong key",
    "unknown model",
    "endpoint that is not served",
    "body over the limit",
    "error before the first output",
    "stream that breaks off",
    "stream helper whose stream breaks off",
    "no repetition of what the gateway has tried",
    "repetition after a short wait",
    "rate limit says when to come back",
    "timeout",
    "timeouts are repeated by the SDK",
    "cancelled call",
    "no gateway",
    "stream after errors",
)
AZURE = (
    "azure chat",
    "azure fixed deployment",
    "azure stream",
    "azure tools",
    "azure everything that is no chat",
    "azure errors",
)
CASES = (*ANSWERS, *STREAMS, *FAILURES, *AZURE)


@pytest.fixture(scope="module")
def outcomes(deployed: Deployment) -> Mapping[str, Outcome]:
    return run_cases("run.mjs", "openai", deployed.url, deployed.simulator.url, TEAM_KEY, NARROW_KEY)


@pytest.mark.parametrize("case", CASES)
def test_case(outcomes: Mapping[str, Outcome], case: str) -> None:
    outcome = outcomes[case]
    assert outcome.ok, outcome.detail


def test_every_case_is_named_here(outcomes: Mapping[str, Outcome]) -> None:
    assert sorted(outcomes) == sorted(CASES)
