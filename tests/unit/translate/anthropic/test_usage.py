"""Token counts, which Anthropic splits otherwise than the hub."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from proxy.apischema.anthropic import Usage as Counts
from proxy.core.usage import Usage
from proxy.translate.anthropic.usage import merged, read_usage, write_usage


def counts(**members: Any) -> Counts:  # noqa: ANN401 - JSON
    return msgspec.convert(members, Counts)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param({"input_tokens": 7, "output_tokens": 3}, Usage(7, 3), id="plain"),
        pytest.param({}, None, id="empty"),
        pytest.param(
            {"input_tokens": 7, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 3},
            Usage(127, 3, cached_tokens=100, cache_write_tokens=20),
            id="cached",
        ),
        pytest.param(
            {
                "input_tokens": 7,
                "cache_creation_input_tokens": 20,
                "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 15},
            },
            Usage(27, 0, cache_write_tokens=20, cache_write_1h_tokens=15),
            id="kept-for-an-hour",
        ),
        pytest.param(
            {"input_tokens": 7, "cache_creation": {"ephemeral_1h_input_tokens": 15}},
            Usage(22, 0, cache_write_tokens=15, cache_write_1h_tokens=15),
            id="only-the-split",
        ),
        pytest.param(
            {"output_tokens": 30, "output_tokens_details": {"thinking_tokens": 20}},
            Usage(0, 30, reasoning_tokens=20),
            id="thinking",
        ),
        pytest.param(
            {"output_tokens": 3, "output_tokens_details": {"thinking_tokens": 20}},
            Usage(0, 3, reasoning_tokens=3),
            id="more-thinking-than-output",
        ),
        pytest.param({"input_tokens": 0, "output_tokens": None}, None, id="nought-and-null"),
        pytest.param(
            {
                "input_tokens": 7,
                "output_tokens": 3,
                "iterations": [
                    {
                        "type": "compaction",
                        "input_tokens": 1000,
                        "output_tokens": 200,
                        "cache_creation_input_tokens": 30,
                        "cache_read_input_tokens": 40,
                        "cache_creation": {"ephemeral_1h_input_tokens": 30},
                    },
                    {"type": "message", "input_tokens": 7, "output_tokens": 3},
                ],
            },
            Usage(1077, 203, cached_tokens=40, cache_write_tokens=30, cache_write_1h_tokens=30),
            id="compacted-on-the-way",
        ),
        pytest.param({"input_tokens": 7, "iterations": None}, Usage(7), id="no-iterations"),
        pytest.param(
            {
                "input_tokens": 412,
                "output_tokens": 531,
                "iterations": [
                    {"type": "message", "input_tokens": 412, "output_tokens": 89},
                    {
                        "type": "advisor_message",
                        "model": "claude-big",
                        "input_tokens": 823,
                        "cache_creation_input_tokens": 50,
                        "cache_read_input_tokens": 20,
                        "cache_creation": {"ephemeral_1h_input_tokens": 40, "ephemeral_5m_input_tokens": 10},
                        "output_tokens": 1612,
                    },
                    {"type": "message", "input_tokens": 1348, "cache_read_input_tokens": 412, "output_tokens": 442},
                ],
            },
            Usage(
                412 + 1348 + 412 + 893,
                531 + 1612,
                cached_tokens=412 + 20,
                cache_write_tokens=50,
                cache_write_1h_tokens=40,
                others=(("claude-big", Usage(893, 1612, 20, cache_write_tokens=50, cache_write_1h_tokens=40)),),
            ),
            id="advised-and-the-first-message-alone-in-the-totals",
        ),
        pytest.param(
            {
                "input_tokens": 4,
                "output_tokens": 9,
                "iterations": [
                    {"type": "message", "input_tokens": 2, "output_tokens": 4},
                    {"type": "advisor_message", "model": "claude-big", "input_tokens": 30, "output_tokens": 5},
                    {"type": "advisor_message", "model": "x" * 257, "input_tokens": 10},
                    {"type": "advisor_message", "model": "claude-idle"},
                    {"type": "message", "input_tokens": 2, "output_tokens": 5},
                ],
            },
            Usage(44, 14, others=(("claude-big", Usage(30, 5)), ("", Usage(10)))),
            id="advised-and-all-messages-in-the-totals",
        ),
        pytest.param(
            {"iterations": [{"type": "advisor_message", "output_tokens": 5}]},
            Usage(0, 5, others=(("", Usage(0, 5)),)),
            id="advised-by-nobody-knows-whom",
        ),
        pytest.param(
            {"input_tokens": 7, "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1}},
            Usage(7, searches=2),
            id="searches",
        ),
        pytest.param({"input_tokens": 7, "server_tool_use": {}}, Usage(7), id="no-search"),
        pytest.param({"input_tokens": 7, "service_tier": "priority"}, Usage(7, service_tier="priority"), id="tier"),
        pytest.param(
            {"input_tokens": 7, "service_tier": "standard", "speed": "fast"}, Usage(7, service_tier="fast"), id="fast"
        ),
        pytest.param(
            {"input_tokens": 7, "service_tier": "standard", "speed": "standard"},
            Usage(7, service_tier="standard"),
            id="not-fast",
        ),
        pytest.param({"input_tokens": 7, "service_tier": "x" * 65}, Usage(7), id="a-tier-that-is-none"),
    ],
)
def test_counts_are_read(members: dict[str, Any], expected: Usage | None) -> None:
    assert read_usage(counts(**members)) == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(None, {"input_tokens": 0, "output_tokens": 0}, id="none"),
        pytest.param(
            Usage(7, 3),
            {"input_tokens": 7, "output_tokens": 3, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
            id="plain",
        ),
        pytest.param(
            Usage(127, 3, 100, 2, cache_write_tokens=20, cache_write_1h_tokens=15, service_tier="standard"),
            {
                "input_tokens": 7,
                "output_tokens": 3,
                "cache_creation_input_tokens": 20,
                "cache_read_input_tokens": 100,
                "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 15},
                "output_tokens_details": {"thinking_tokens": 2},
                "service_tier": "standard",
            },
            id="all",
        ),
    ],
)
def test_counts_are_written(usage: Usage | None, expected: object) -> None:
    assert write_usage(usage) == expected


@pytest.mark.parametrize(
    ("tier", "members"), [("fast", {"speed": "fast"}), ("flex", {}), ("batch", {"service_tier": "batch"})]
)
def test_tiers_are_written_in_anthropics_words(tier: str, members: dict[str, str]) -> None:
    written = write_usage(Usage(service_tier=tier))
    assert {name: written[name] for name in ("service_tier", "speed") if name in written} == members


@pytest.mark.parametrize(
    "usage",
    [Usage(7, 3), Usage(127, 30, 100, 20, cache_write_tokens=20, cache_write_1h_tokens=15, service_tier="priority")],
)
def test_what_is_written_can_be_read_back(usage: Usage) -> None:
    assert read_usage(counts(**write_usage(usage))) == usage


def test_later_counts_replace_only_what_they_name() -> None:
    total = merged(counts(input_tokens=7, output_tokens=1, service_tier="standard"), counts(output_tokens=9))
    assert total == counts(input_tokens=7, output_tokens=9, service_tier="standard")
    assert merged(None, total) is total
