"""Looking prices up: names, vendors, days and hours."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from proxy.core.price import Price, Rate, TokenRates
from proxy.pricing import catalog
from proxy.pricing.catalog import FREE, Catalog
from proxy.pricing.cost import price_at
from proxy.providers.kinds import KINDS

TODAY = date(2026, 11, 20)
LABEL = "catalog 2026-11-10"


def document(*models: dict[str, Any], **vendors: dict[str, Any]) -> bytes:
    """A catalogue of one vendor "v" with these models, and of others."""
    own = {"v": {"fallbacks": list(vendors), "models": list(models)}}
    return json.dumps({"format": 1, "date": "2026-11-10", "source": "s", "vendors": {**own, **vendors}}).encode()


def row(input_pusd: int, *rules: str | list[str], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"match": list(rules), "prices": [{"rates": {"input": input_pusd}}], **more}


def found(made: bytes, name: str, on: date = TODAY) -> Price | None:
    return Catalog(made).price("v", name, on)


def input_pusd(price: Price | None) -> int | None:
    return price.standard.input.pusd if price and price.standard.input else None


RULES = document(
    row(1, "=exact"),
    row(2, "^begin", "=Two"),
    row(3, "~mid", "$end"),
    row(4, "/^re[0-9]+$"),
    row(5, ["^both", "$ways"], ["=all of it", "~of"]),
    row(6, "=begin-later"),
    row(7, "=dated-2025-12-11"),
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("exact", 1, id="whole"),
        pytest.param("EXACT", 1, id="in-any-case"),
        pytest.param("exactly", None, id="not-whole"),
        pytest.param("beginning", 2, id="beginning"),
        pytest.param("begin-later", 2, id="the-first-row-wins-over-a-whole-name-below"),
        pytest.param("xmidx", 3, id="within"),
        pytest.param("the end", 3, id="end"),
        pytest.param("re42", 4, id="expression"),
        pytest.param("re42x", None, id="expression-that-does-not-fit"),
        pytest.param("both ways", 5, id="all-of-several"),
        pytest.param("both", None, id="one-of-several"),
        pytest.param("all of it", 5, id="all-of-several-others"),
        pytest.param("dated-2025-12-11", 7, id="a-date"),
        pytest.param("dated-20251211", 7, id="a-date-without-dashes"),
        pytest.param("dated-20250230", None, id="no-date"),
    ],
)
def test_a_name_is_told_by_the_first_rule_that_fits(name: str, expected: int | None) -> None:
    assert input_pusd(found(RULES, name)) == expected


def test_a_whole_name_with_capitals_in_the_document_is_lower_case() -> None:
    assert input_pusd(found(document(row(1, "=two")), "Two")) == 1


def test_models_of_others_come_after_the_vendors_own_and_without_their_tiers() -> None:
    tier = [{"tier": "flex", "rates": {"input": 5}}]
    other = {"fallbacks": [], "models": [row(9, "=sold", tiers=tier), row(9, "=own")]}
    made = document(row(1, "=own", tiers=tier), other=other)
    own, resold = found(made, "own"), found(made, "sold")
    assert own is not None and resold is not None
    assert (input_pusd(own), own.tiers) == (1, {"flex": TokenRates(input=Rate(5))})
    assert (input_pusd(resold), resold.tiers) == (9, {})


def test_a_vendor_that_resells_nobody_known_has_its_own_models() -> None:
    made = document(row(1, "=own")).replace(b'"fallbacks": []', b'"fallbacks": ["gone"]')
    assert (input_pusd(found(made, "own")), found(made, "other")) == (1, None)


@pytest.mark.parametrize("vendor", [None, "nobody"])
def test_a_vendor_that_is_not_there_has_no_price(vendor: str | None) -> None:
    assert Catalog(RULES).price(vendor, "exact", TODAY) is None


def test_a_price_holds_rates_steps_tiers_and_the_request() -> None:
    rates = {"input": [10, [[100, 20]]], "output": 30, "cached_input": 1, "request": 7, "search": 9}
    tiers = [
        {"tier": "flex", "rates": {"input": 5}},
        {"tier": "flex", "rates": {"input": 99, "output": 15}},
        {"tier": "later", "rates": {"input": 1}, "from": "2027-01-01"},
        {"tier": "odd", "rates": None},
    ]
    made = document({"match": ["=m"], "prices": [{"rates": rates}], "tiers": tiers[:2] + tiers[3:]})
    price = found(made, "m")
    assert price is not None
    assert (price.source, price.request_nusd, price.search_nusd, price.changes) == (LABEL, 7, 9, ())
    assert price.standard == TokenRates(Rate(10, ((100, 20),)), Rate(30), Rate(1))
    assert price.tiers == {"flex": TokenRates(Rate(5), Rate(15), Rate(1)), "odd": TokenRates()}


def test_a_model_without_any_rate_is_free_and_one_whose_rates_are_unknown_has_no_price() -> None:
    made = document(
        {"match": ["=free"], "prices": [{"rates": {}}]}, {"match": ["=odd"], "prices": [{"rates": None}]}, row(1, "~o")
    )
    free = found(made, "free")
    assert free is not None and free.standard is FREE
    assert found(made, "odd") is None  # and no broader rule below takes its name


DATED = document(
    {
        "match": ["=m"],
        "prices": [
            {"rates": {"input": 1}},
            {"rates": {"input": 2}, "from": "2026-12-01"},
            {"rates": None, "from": "2027-01-01"},
            {"rates": {"input": 4}, "from": "2027-02-01"},
        ],
    }
)


def unix_s(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize("loaded", [date(2026, 11, 20), date(2026, 12, 24), date(2027, 1, 15), date(2027, 3, 1)])
@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param("2026-11-30T23:59:59", 1, id="before"),
        pytest.param("2026-12-01T00:00:00", 2, id="from-its-first-second"),
        pytest.param("2027-01-10T00:00:00", None, id="unknown-meanwhile"),
        pytest.param("2027-02-01T00:00:00", 4, id="known-again"),
    ],
)
def test_a_price_changes_on_its_day_whenever_it_was_loaded(loaded: date, at: str, expected: int | None) -> None:
    at_s = unix_s(at)
    if at_s < unix_s(loaded.isoformat()):
        return  # nobody asks for the past
    price = found(DATED, "m", loaded)
    assert price is not None
    assert input_pusd(price_at(price, at_s)) == expected


HOURS = document(
    {
        "match": ["=m"],
        "prices": [
            {"rates": {"input": 1}},
            {"rates": {"input": 3}, "from": "2026-12-01"},
            {"rates": {"input": 2}, "hours": [3600, 7200]},
            {"rates": {"input": 5}, "hours": [82_800, 1800]},
        ],
    }
)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param("2026-11-20T00:30:00", 1, id="usual"),
        pytest.param("2026-11-20T01:00:00", 2, id="within"),
        pytest.param("2026-11-20T01:59:59", 2, id="to-the-last-second"),
        pytest.param("2026-11-20T02:00:00", 1, id="after"),
        pytest.param("2026-11-20T23:00:00", 5, id="before-midnight"),
        pytest.param("2026-11-21T00:29:59", 5, id="past-midnight"),
        pytest.param("2026-12-02T12:00:00", 3, id="another-day"),
        pytest.param("2026-12-02T01:00:00", 2, id="another-day-within"),
    ],
)
def test_a_price_changes_with_the_hours_of_the_day(at: str, expected: int) -> None:
    price = found(HOURS, "m")
    assert price is not None
    assert input_pusd(price_at(price, unix_s(at))) == expected


def test_where_no_condition_holds_the_first_price_counts() -> None:
    made = document({"match": ["=m"], "prices": [{"rates": {"input": 1}, "from": "2027-01-01"}]})
    assert input_pusd(found(made, "m")) == 1


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="no-object"),
        pytest.param(document().replace(b'"format": 1', b'"format": 2'), id="another-format"),
    ],
)
def test_what_is_no_catalogue_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError):
        Catalog(broken)


def test_a_check_reads_all_of_it() -> None:
    assert Catalog(RULES).check() == 7
    with pytest.raises(ValueError, match="Expected"):
        Catalog(document({"match": ["=m"], "prices": "none"})).check()
    with pytest.raises(ValueError, match="regular expression"):
        Catalog(document(row(1, "=a", ["~b", "/("]))).check()


def test_every_kind_names_a_vendor_of_the_shipped_catalogue() -> None:
    shipped = catalog.load()
    assert {kind.catalog for kind in KINDS.values()} - {None} <= set(shipped.vendors)
    assert shipped.check() > 2000
    assert catalog.load() is shipped


@pytest.mark.parametrize(
    ("kind", "model"),
    [("openai", "gpt-4o"), ("openrouter", "openai/gpt-4o"), ("azure", "gpt-4o"), ("xai", "grok-4"), ("groq", "x")],
)
def test_shipped_prices_are_found_by_kind(kind: str, model: str) -> None:
    price = catalog.load().price(KINDS[kind].catalog, model, TODAY)
    assert (price is not None) == (model != "x")
    assert price is None or price.source == LABEL


@pytest.mark.parametrize(
    ("vendor", "name", "window"),
    [
        pytest.param("v", "A", 8_192, id="known"),
        pytest.param("v", "b", None, id="not-known"),
        pytest.param("v", "other", 16_384, id="of-a-vendor-that-it-resells"),
        pytest.param("v", "c", None, id="no-such-model"),
        pytest.param("x", "a", None, id="no-such-vendor"),
        pytest.param(None, "a", None, id="no-vendor"),
    ],
)
def test_a_context_window_is_found_as_a_price_is(vendor: str | None, name: str, window: int | None) -> None:
    other = {"fallbacks": [], "models": [row(3, "=other", window=16_384)]}
    made = Catalog(document(row(1, "=a", window=8_192), row(2, "=b"), other=other))
    assert made.window(vendor, name) == window
    assert made.has_windows


def test_a_catalogue_of_an_earlier_version_has_no_windows() -> None:
    assert not Catalog(document(row(1, "=a"))).has_windows


def test_the_shipped_catalogue_has_windows() -> None:
    assert catalog.load().has_windows
