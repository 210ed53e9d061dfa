"""Prices of the file and of the catalogue."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from proxy.core.health import CandidateId
from proxy.core.price import Price, Rate, TokenRates
from proxy.core.usage import Usage
from proxy.pricing import catalog
from proxy.pricing.cost import cost
from proxy.settings.prices import CATALOG_FILE, newest_catalog
from proxy.settings.problems import Report
from tests.fakes.prices import rates
from tests.unit.settings.documents import build, only_problem

PROVIDERS = """
[providers.own]
kind = "openai"
api_key = "k"
[providers.local]
kind = "vllm"
"""
OWN = CandidateId("own", "gpt-4o")


def priced(text: str, candidate_id: CandidateId = OWN) -> Price | None:
    return build(PROVIDERS + text).prices.get(candidate_id)


def configured(row: str) -> Price:
    price = priced(f'[prices."own/gpt-4o"]\n{row}')
    assert price is not None
    return price


def test_a_row_takes_the_place_of_the_whole_catalogue_price() -> None:
    price = configured("input_usd_per_mtok = 1.5")
    assert (price.source, price.standard, price.tiers) == ("configured", rates(input="1.5"), {})


def test_every_class_can_be_priced_exactly() -> None:
    row = "\n".join(f"{name}_usd_per_mtok = 0.00000{n}" for n, name in enumerate(TokenRates.__struct_fields__, 1))
    price = configured(f"{row}\nrequest_usd = 0.000000001\nsearch_usd = 0.000000002")
    assert [getattr(price.standard, name).pusd for name in TokenRates.__struct_fields__] == [1, 2, 3, 4, 5, 6, 7]
    assert (price.request_nusd, price.search_nusd) == (1, 2)


def test_searches_alone_can_be_priced() -> None:
    assert configured("search_usd = 0.002").search_nusd == 2_000_000
    assert configured("request_usd = 1").search_nusd is None


def test_a_row_that_says_nothing_leaves_the_catalogue_its_word() -> None:
    assert configured("").source.startswith("catalog ")


def variant(row: str) -> str:
    return f'[[prices."own/gpt-4o".variants]]\n{row}\n'


def test_variants_are_tiers_and_steps() -> None:
    price = configured(
        "input_usd_per_mtok = 1\noutput_usd_per_mtok = 10\n"
        + variant("above_tokens = 200\ninput_usd_per_mtok = 3")
        + variant("above_tokens = 100\ninput_usd_per_mtok = 2\noutput_usd_per_mtok = 20")
        + variant('service_tier = "flex"\ninput_usd_per_mtok = 0.5')
        + variant('service_tier = "flex"\nabove_tokens = 100\ninput_usd_per_mtok = 0.7\noutput_usd_per_mtok = 9')
    )
    assert price.standard.input == Rate(1_000_000, ((100, 2_000_000), (200, 3_000_000)))
    assert price.standard.output == Rate(10_000_000, ((100, 20_000_000),))
    assert price.tiers["flex"].input == Rate(500_000, ((100, 700_000),))
    assert price.tiers["flex"].output == Rate(10_000_000, ((100, 9_000_000),))
    made = cost(Usage(150, 10, service_tier="flex"), price, Decimal(1))
    assert made is not None and made.nusd == 150 * 700 + 10 * 9_000


def test_a_tier_costs_what_is_usual_where_it_says_nothing() -> None:
    price = configured(
        "input_usd_per_mtok = 1\noutput_usd_per_mtok = 10\n"
        + variant("above_tokens = 100\noutput_usd_per_mtok = 20")
        + variant('service_tier = "flex"\ninput_usd_per_mtok = 0.5')
    )
    assert price.tiers["flex"].output == price.standard.output == Rate(10_000_000, ((100, 20_000_000),))


@pytest.mark.parametrize(
    ("row", "where", "expected"),
    [
        pytest.param("input_usd_per_mtok = 0.1234567", "input_usd_per_mtok", "6 digits after the point", id="digits"),
        pytest.param("request_usd = 0.0000000001", "request_usd", "9 digits after the point", id="request-digits"),
        pytest.param("output_usd_per_mtok = -1", "output_usd_per_mtok", "at least 0", id="below-0"),
        pytest.param(
            variant("input_usd_per_mtok = 1"), "variants[0]", "neither the price nor another", id="a-variant-of-nothing"
        ),
        pytest.param(
            variant('service_tier = "x"') * 2,
            "variants[1]",
            "neither the price nor another",
            id="the-same-variant-twice",
        ),
        pytest.param(variant("above_tokens = 9\ninput_usd_per_mtok = 1"), "", "short prompts", id="a-step-of-nothing"),
    ],
)
def test_a_price_that_cannot_be_is_a_problem(row: str, where: str, expected: str) -> None:
    problem = only_problem(f'{PROVIDERS}[prices."own/gpt-4o"]\n{row}')
    assert problem.fatal and expected in problem.expected and where in problem.where


def test_what_is_not_configured_is_looked_up_by_the_providers_kind_and_remembered() -> None:
    prices = build(PROVIDERS).prices
    price = prices.get(OWN)
    assert price is not None and price.source.startswith("catalog ")
    assert prices.get(OWN) is price
    assert prices.get(CandidateId("own", "no-such-model")) is None


@pytest.mark.parametrize(
    "candidate_id",
    [
        pytest.param(CandidateId("local", "gpt-4o"), id="a-kind-that-the-catalogue-does-not-know"),
        pytest.param(CandidateId("nobody", "gpt-4o"), id="no-such-provider"),
        pytest.param(CandidateId("own", "gpt-4o{*}"), id="a-pattern"),
    ],
)
def test_others_have_no_price(candidate_id: CandidateId) -> None:
    assert priced("", candidate_id) is None


def test_candidates_have_their_price() -> None:
    made = build(f'{PROVIDERS}[models."gpt-4o"]\nproviders = ["own", "local"]')
    own, local = made.models["gpt-4o"].candidates
    assert own.price is made.prices.get(OWN) is not None
    assert local.price is None


def catalog_of(day: str) -> bytes:
    document = json.loads(catalog.shipped())
    return json.dumps({**document, "date": day}).encode()


@pytest.mark.parametrize(
    ("content", "expected", "warned"),
    [
        pytest.param(None, "shipped", False, id="none-there"),
        pytest.param(catalog_of("2999-01-01"), "2999-01-01", False, id="newer"),
        pytest.param(catalog_of("2020-01-01"), "shipped", False, id="older"),
        pytest.param(b"{", "shipped", True, id="broken"),
        pytest.param(catalog_of("2999-01-01").replace(b'"match"', b'"patch"'), "shipped", True, id="broken-within"),
    ],
)
def test_the_newer_catalogue_counts(tmp_path: Path, content: bytes | None, expected: str, warned: bool) -> None:
    if content is not None:
        (tmp_path / CATALOG_FILE).write_bytes(content)
    report = Report("file")
    chosen = newest_catalog(str(tmp_path), report)
    shipped = catalog.load()
    assert chosen is shipped if expected == "shipped" else chosen.date.isoformat() == expected
    assert [problem.warning for problem in report.problems] == [True] * warned


def test_no_catalogue_is_looked_for_where_there_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    report = Report("file")
    assert newest_catalog(str(tmp_path / "file" / "below"), report) is catalog.load()
    assert not report.problems, "that the folder cannot be is told by itself"


def test_a_catalogue_is_read_again_only_when_its_file_changed(tmp_path: Path) -> None:
    path = tmp_path / CATALOG_FILE
    path.write_bytes(catalog_of("2999-01-01"))
    first = newest_catalog(str(tmp_path), Report("file"))
    assert newest_catalog(str(tmp_path), Report("file")) is first
    path.write_bytes(catalog_of("2999-01-02"))
    os.utime(path, (1, 1))
    assert newest_catalog(str(tmp_path), Report("file")).date.isoformat() == "2999-01-02"
