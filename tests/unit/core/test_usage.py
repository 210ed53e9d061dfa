"""Token counts are plain values."""

from __future__ import annotations

import pytest

from proxy.core.usage import Usage


def test_nothing_is_counted_until_it_is_known() -> None:
    assert Usage() == Usage(prompt_tokens=0, completion_tokens=0, cached_tokens=0, reasoning_tokens=0, estimated=False)


def test_estimated_counts_differ_from_reported_ones() -> None:
    assert Usage(7, 3, estimated=True) != Usage(7, 3)


def test_counts_never_change() -> None:
    with pytest.raises(AttributeError):
        Usage().prompt_tokens = 1  # type: ignore[misc] # the error under test
