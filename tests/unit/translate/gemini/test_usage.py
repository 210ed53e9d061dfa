"""Google's counts in OpenAI's terms, and back."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from proxy.core.usage import Usage
from proxy.translate.gemini.usage import read_usage, write_usage
from tests.unit.translate.gemini.making import raw


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        pytest.param({"promptTokenCount": 7, "candidatesTokenCount": 3}, Usage(7, 3), id="both"),
        pytest.param({"promptTokenCount": 7}, Usage(7), id="prompt-alone"),
        pytest.param(
            {"promptTokenCount": 7, "candidatesTokenCount": 3, "thoughtsTokenCount": 10, "totalTokenCount": 20},
            Usage(7, 13, reasoning_tokens=10),
            id="thoughts-beside-the-candidates",
        ),
        pytest.param(
            {"promptTokenCount": 7, "candidatesTokenCount": 13, "thoughtsTokenCount": 10, "totalTokenCount": 20},
            Usage(7, 13, reasoning_tokens=10),
            id="thoughts-among-the-candidates",
        ),
        pytest.param(
            {"promptTokenCount": 7, "thoughtsTokenCount": 10}, Usage(7, 10, reasoning_tokens=10), id="only-thoughts"
        ),
        pytest.param(
            {"promptTokenCount": 7, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 1},
            Usage(12, 1),
            id="prompt-of-tools",
        ),
        pytest.param(
            {"promptTokenCount": 7, "cachedContentTokenCount": 6},
            Usage(7, cached_tokens=6),
            id="cached-is-in-the-prompt",
        ),
        pytest.param({"promptTokenCount": 7, "cachedContentTokenCount": 9}, Usage(7, cached_tokens=7), id="cached-all"),
        pytest.param(
            {
                "promptTokenCount": 7,
                "candidatesTokenCount": 4,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 2},
                    {"modality": "AUDIO", "tokenCount": 5},
                    {"modality": "AUDIO"},
                ],
                "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 4}],
            },
            Usage(7, 4, audio_input_tokens=5, audio_output_tokens=4),
            id="sound",
        ),
        pytest.param(
            {
                "promptTokenCount": 10,
                "cachedContentTokenCount": 6,
                "toolUsePromptTokenCount": 5,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3}, {"modality": "AUDIO", "tokenCount": 7}],
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 6}],
                "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 2}],
            },
            Usage(15, 0, 6, audio_input_tokens=3),
            id="cached-sound-is-cached-and-that-of-tools-counts",
        ),
        pytest.param({"promptTokenCount": 7, "serviceTier": "PRIORITY"}, Usage(7, service_tier="priority"), id="tier"),
        pytest.param(
            {"promptTokenCount": 7, "serviceTier": "standard"}, Usage(7, service_tier="default"), id="usual-tier"
        ),
        pytest.param({"promptTokenCount": 7, "serviceTier": "new"}, Usage(7, service_tier="new"), id="new-tier"),
        pytest.param(
            {"promptTokenCount": 7, "trafficType": "ON_DEMAND_FLEX"}, Usage(7, service_tier="flex"), id="vertex-tier"
        ),
        pytest.param({"promptTokenCount": 7, "trafficType": "ON_DEMAND"}, Usage(7), id="vertex-usual"),
    ],
)
def test_usage_is_read(counts: dict[str, Any], usage: Usage) -> None:
    assert read_usage(raw(counts)) == usage


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param({}, id="empty"),
        pytest.param({"promptTokenCount": 0, "candidatesTokenCount": 0}, id="noughts"),
        pytest.param({"promptTokenCount": -7, "candidatesTokenCount": 3}, id="negative"),
        pytest.param({"promptTokenCount": 10**9}, id="impossible"),
        pytest.param({"promptTokenCount": "seven"}, id="text"),
        pytest.param([], id="a-list"),
    ],
)
def test_what_cannot_be_true_is_no_usage(counts: object) -> None:
    assert read_usage(raw(counts)) is None


def test_no_member_is_no_usage() -> None:
    assert read_usage(UNSET) is None


@pytest.mark.parametrize(
    "usage",
    [
        Usage(7, 3),
        Usage(7, 13, cached_tokens=2, reasoning_tokens=10),
        Usage(7, 3, service_tier="flex"),
    ],
)
def test_usage_that_is_written_is_read_again(usage: Usage) -> None:
    assert read_usage(raw(write_usage(usage))) == usage
