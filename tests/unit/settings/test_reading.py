from __future__ import annotations

import pytest

from proxy.settings.interpolate import STAND_IN, KeyPath
from proxy.settings.model_schema import ModelRow
from proxy.settings.provider_schema import ProviderRow
from proxy.settings.reading import read_table


def test_what_is_right_is_read_as_it_is() -> None:
    read = read_table(ModelRow, {"providers": ["p"]})
    assert read.row is not None and read.row.providers == ("p",)
    assert read.wrong == {}


def test_a_wrong_key_is_taken_as_absent() -> None:
    read = read_table(ProviderRow, {"kind": "openai", "priority": "high", "limits": {"rpm": 0, "tpm": 5}})
    assert read.row is not None
    assert (read.row.priority, read.row.limits.rpm, read.row.limits.tpm) == (1, None, 5)
    assert set(read.wrong) == {("priority",), ("limits", "rpm")}


@pytest.mark.parametrize("kind", [{}, {"kind": 5}], ids=["missing", "wrong"])
def test_a_required_key_gets_a_stand_in_and_is_told_once(kind: dict[str, object]) -> None:
    read = read_table(ProviderRow, {**kind, "api_key": "k"})
    assert read.row is not None and read.row.kind == STAND_IN
    assert set(read.wrong) == {("kind",)}


def test_entries_of_a_list_keep_their_places() -> None:
    read = read_table(ModelRow, {"providers": ["p"], "aliases": ["a", 5, "c"]})
    assert read.row is not None and read.row.aliases == ("a", STAND_IN, "c")


def test_a_list_whose_entries_are_wrong_is_not_told_to_be_too_short() -> None:
    read = read_table(ModelRow, {"candidates": [{"provider": "p", "model": "x", "weight": 0}]})
    assert read.row is not None and read.row.candidates is not None
    assert [candidate.weight for candidate in read.row.candidates] == [1]
    assert set(read.wrong) == {("candidates", 0, "weight")}


def test_a_list_goes_where_nothing_can_stand_for_its_entry() -> None:
    read = read_table(ModelRow, {"candidates": ["p"], "rotation": "sticky"})
    assert read.row is not None and read.row.candidates is None
    assert set(read.wrong) == {("candidates", 0)}


def test_what_follows_from_what_is_known_is_not_told() -> None:
    read = read_table(ProviderRow, {"kind": "openai", "quota_markers": [{}]}, [("quota_markers", 0, "code")])
    assert read.row is not None and read.wrong == {}


@pytest.mark.parametrize("value", [3, "x", [], None])
def test_what_is_no_table_has_no_row(value: object) -> None:
    read = read_table(ModelRow, value)
    assert read.row is None and set(read.wrong) == {()}


@pytest.mark.parametrize(
    ("where", "lacks"),
    [
        pytest.param(("providers",), False, id="right"),
        pytest.param(("rotation",), False, id="wrong"),
        pytest.param(("candidates", 0, "model"), True, id="missing"),
        pytest.param(("aliases",), True, id="not-written"),
    ],
)
def test_what_was_written_is_known(where: KeyPath, lacks: bool) -> None:
    table = {"providers": ["p"], "rotation": 5, "candidates": [{"provider": "p"}]}
    assert read_table(ModelRow, table).lacks(where) is lacks
