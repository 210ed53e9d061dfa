"""From what genai-prices publishes to our own document."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from proxy.pricing.catalog import Catalog
from proxy.pricing.published import compile_published, pusd, render

ON = date(2026, 11, 20)


def compiled(**model: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What becomes of one model."""
    published = [{"id": "v", "models": [{"id": "m", "match": {"equals": "m"}, "prices": {"input_mtok": 1}, **model}]}]
    made: dict[str, Any] = compile_published(json.dumps(published).encode(), ON, "s")["vendors"]["v"]["models"][0]
    return made


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        pytest.param({"equals": "GPT"}, ["=gpt"], id="whole"),
        pytest.param({"starts_with": "A"}, ["^a"], id="beginning"),
        pytest.param({"ends_with": "A"}, ["$a"], id="end"),
        pytest.param({"contains": "A"}, ["~a"], id="within"),
        pytest.param({"regex": "^A+$"}, ["/^A+$"], id="expression"),
        pytest.param({"or": [{"equals": "a"}, {"or": [{"equals": "b"}]}]}, ["=a", "=b"], id="either"),
        pytest.param({"and": [{"contains": "a"}, {"ends_with": "b"}]}, [["~a", "$b"]], id="both"),
        pytest.param(
            {"and": [{"or": [{"contains": "a"}, {"contains": "c"}]}, {"ends_with": "b"}]},
            [["~a", "$b"], ["~c", "$b"]],
            id="both-of-either",
        ),
    ],
)
def test_rules_for_names_become_alternatives_of_tests(clause: dict[str, Any], expected: list[Any]) -> None:
    assert compiled(match=clause)["match"] == expected


@pytest.mark.parametrize(
    ("prices", "rates"),
    [
        pytest.param({}, {}, id="free"),
        pytest.param({"input_mtok": 0.15, "output_mtok": None}, {"input": 150_000}, id="null-is-absent"),
        pytest.param(
            {"cache_read_mtok": 1, "cache_write_mtok": 2, "cache_write_1h_mtok": 3},
            {"cached_input": 10**6, "cache_write": 2 * 10**6, "cache_write_1h": 3 * 10**6},
            id="caches",
        ),
        pytest.param(
            {"input_audio_mtok": 1, "output_audio_mtok": 2},
            {"audio_input": 10**6, "audio_output": 2 * 10**6},
            id="sound",
        ),
        pytest.param({"input_mtok": 1, "requests_kcount": 12}, {"input": 10**6, "request": 12 * 10**6}, id="requests"),
        pytest.param({"requests_kcount": {"base": 1}}, {"request": 10**6}, id="requests-in-tiers-at-their-base"),
        pytest.param(
            {"input_mtok": {"base": 1, "tiers": [{"start": 9, "price": 3}, {"start": 5, "price": 2}]}},
            {"input": [10**6, [[5, 2 * 10**6], [9, 3 * 10**6]]]},
            id="tiers-in-order",
        ),
        pytest.param({"input_mtok": {"base": 1, "tiers": []}}, {"input": 10**6}, id="no-tier"),
        pytest.param({"input_mtok": 1, "web_searches_kcount": 10}, {"input": 10**6, "search": 10**7}, id="searches"),
        pytest.param({"input_mtok": 1, "code_executions_kcount": 10}, {"input": 10**6}, id="tools-are-not-counted"),
        pytest.param({"output_mtok": 1, "output_reasoning_mtok": 1}, {"output": 10**6}, id="thoughts-as-other-output"),
        pytest.param({"output_mtok": 1, "output_reasoning_mtok": 2}, None, id="thoughts-at-a-rate-of-their-own"),
        pytest.param({"cache_write_mtok": 1, "cache_write_5m_mtok": 1}, {"cache_write": 10**6}, id="five-minutes"),
        pytest.param({"input_mtok": 1, "input_image_mtok": 2}, None, id="images"),
        pytest.param({"audio_hours": 1}, None, id="hours"),
        pytest.param({"input_document_kpages": 1}, None, id="pages"),
    ],
)
def test_prices_become_rates_by_class(prices: dict[str, Any], rates: dict[str, Any] | None) -> None:
    assert compiled(prices=prices)["prices"] == [{"rates": rates}]


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        pytest.param(None, {}, id="none"),
        pytest.param({"start_date": "2026-10-12"}, {"from": "2026-10-12"}, id="day"),
        pytest.param({"start_time": "01:00:00Z", "end_time": "04:30:10Z"}, {"hours": [3600, 16_210]}, id="hours"),
        pytest.param(
            {"start_time": "01:00:00", "end_time": "23:00:00"}, {"hours": [3600, 82_800]}, id="no-zone-is-utc"
        ),
        pytest.param(
            {"start_time": "01:00:00+08:00", "end_time": "04:00:00+08:00"}, {"hours": [61_200, 72_000]}, id="zone"
        ),
    ],
)
def test_conditions_are_days_or_hours_of_utc(constraint: dict[str, str] | None, expected: dict[str, Any]) -> None:
    made = compiled(prices=[{"constraint": constraint, "prices": {"input_mtok": 1}}])["prices"]
    assert made == [{"rates": {"input": 10**6}, **expected}]


@pytest.mark.parametrize(
    ("when", "tier"),
    [
        pytest.param({"service_tier": "flex"}, "flex", id="service-tier"),
        pytest.param({"processing": "batch"}, "batch", id="processing"),
        pytest.param({"speed": "fast"}, "fast", id="speed"),
        pytest.param({"route": "eu"}, None, id="what-no-answer-names"),
        pytest.param({"service_tier": "flex", "route": "eu"}, None, id="both"),
    ],
)
def test_variants_are_tiers_where_an_answer_names_them(when: dict[str, str], tier: str | None) -> None:
    made = compiled(price_variants=[{"when": when, "prices": {"input_mtok": 2}}])
    assert made.get("tiers") == (None if tier is None else [{"tier": tier, "rates": {"input": 2 * 10**6}}])


def test_a_variant_without_prices_is_no_tier() -> None:
    assert "tiers" not in compiled(price_variants=[{"when": {"service_tier": "default"}, "prices": {}}])


@pytest.mark.parametrize(
    "model",
    [
        pytest.param({"match": {"sounds_like": "m"}}, id="rule"),
        pytest.param({"match": {"regex": "("}}, id="expression"),
        pytest.param({"prices": [{"constraint": {"start_time": "01:00:00"}, "prices": {}}]}, id="condition"),
        pytest.param({"prices": {"input_mtok": "dear"}}, id="price"),
        pytest.param({"prices": {"input_mtok": -1}}, id="below-0"),
        pytest.param({"id": 7}, id="type"),
    ],
)
def test_what_is_not_understood_is_refused(model: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        compiled(**model)


def test_a_list_without_models_is_refused() -> None:
    with pytest.raises(ValueError, match="no model"):
        compile_published(b"[]", ON, "s")


def test_what_is_written_can_be_read_and_has_a_model_a_line() -> None:
    published = [
        {
            "id": "v",
            "fallback_model_providers": ["w"],
            "models": [{"id": n, "match": {"equals": n}, "context_window": w} for n, w in (("a", 8_192), ("b", None))],
        },
        {"id": "w"},
    ]
    document = render(compile_published(json.dumps(published).encode(), ON, 'of "mine"'))
    made = Catalog(document)
    assert (made.date, made.source, made.vendors, made.check()) == (ON, 'of "mine"', ("v", "w"), 2)
    assert (made.window("v", "a"), made.window("v", "b")) == (8_192, None)
    assert sum(b'"match"' in line for line in document.splitlines()) == 2
    assert json.loads(document)["vendors"]["v"]["fallbacks"] == ["w"]


@pytest.mark.parametrize(
    ("usd", "expected"),
    [("0.15", 150_000), ("0.0000005", 0), ("0.0000015", 2), ("0.0833333333333333", 83_333), ("0", 0)],
)
def test_usd_become_pico_dollars_a_token_half_even(usd: str, expected: int) -> None:
    assert pusd(Decimal(usd)) == expected
