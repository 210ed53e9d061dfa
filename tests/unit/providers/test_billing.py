"""Whose word on a cost is taken."""

from __future__ import annotations

import pytest

from proxy.core.usage import Usage
from proxy.providers.billing import believed

REPORTED = Usage(7, 3, reported_cost_nusd=5)


@pytest.mark.parametrize("kind", ["openrouter", "perplexity", "xai"])
def test_a_kind_that_is_believed_keeps_its_cost(kind: str) -> None:
    assert believed(REPORTED, kind) is REPORTED


@pytest.mark.parametrize("kind", ["openai", "openai_compatible", "simulator"])
def test_any_other_loses_it_and_nothing_else(kind: str) -> None:
    assert believed(REPORTED, kind) == Usage(7, 3)


def test_usage_without_a_cost_is_left_alone() -> None:
    usage = Usage(7, 3)
    assert believed(usage, "openai") is usage
