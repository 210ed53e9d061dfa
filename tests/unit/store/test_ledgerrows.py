from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from proxy.core.records import AttemptRecord, CloseRecord
from proxy.core.usage import Usage
from proxy.store.ledgerrows import (
    LARGEST,
    Row,
    day_sums,
    fitted,
    hour_sums,
    interrupted_row,
    request_row,
    sum_rows,
)
from proxy.store.tables import DAYS, HOURS, REQUESTS
from tests.fakes.records import STARTED_S, closed, opened, request_id

HOUR_H = int(STARTED_S // 3600)
NAME = (HOUR_H, "openrouter", "openai/gpt-4o", "gpt-4o", "ci", "[]")


def named(row: Row) -> dict[str, object]:
    return dict(zip(REQUESTS.columns.keys(), row, strict=True))


def summed(row: Row) -> dict[str, object]:
    return dict(zip(HOURS.columns.keys(), row, strict=True))


def test_a_request_becomes_a_row() -> None:
    row = named(
        request_row(closed(1, tags=("b", "a", "b"), usage=Usage(100, 20, 10, 5, False, 4, 3, 2, 1, None, "flex", 6)))
    )
    assert msgspec.json.decode(str(row.pop("attempts")), type=list[AttemptRecord]) == [
        AttemptRecord("openrouter", "openai/gpt-4o", "default", "ok", 200, 0.001, 1.0, False)
    ]
    assert row == {
        "request_id": request_id(1),
        "started_us": int(STARTED_S * 1e6),
        "ended_us": int(STARTED_S * 1e6) + 1_000_000,
        "endpoint": "chat",
        "model": "gpt-4o",
        "provider": "openrouter",
        "upstream_model": "openai/gpt-4o",
        "key": "ci",
        "tags": '["a","b"]',
        "stream": False,
        "end": "ok",
        "status": 200,
        "error": "",
        "first_token_us": 250_000,
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "cached_tokens": 10,
        "cache_write_tokens": 4,
        "reasoning_tokens": 5,
        "audio_input_tokens": 2,
        "audio_output_tokens": 1,
        "service_tier": "flex",
        "estimated": False,
        "cost_nusd": 1_000,
        "price": "configured",
        "cache_write_1h_tokens": 3,
        "searches": 6,
    }


@pytest.mark.parametrize("name", sorted({*Usage.__struct_fields__} - {"reported_cost_nusd", "others"}))  # in the cost
def test_every_member_of_usage_has_its_column(name: str) -> None:
    value = "flex" if name == "service_tier" else 7
    row = named(request_row(closed(1, usage=replace(Usage(), **{name: value}))))
    assert row[name] == (1 if name == "estimated" else value)


def test_a_request_without_usage_has_no_counts_and_no_cost() -> None:
    row = named(request_row(closed(1, usage=None, cost_nusd=None, first_token_s=None, end="failed", attempts=())))
    assert {row["prompt_tokens"], row["completion_tokens"], row["audio_output_tokens"], row["cost_nusd"]} == {None}
    assert row["searches"] is row["cache_write_1h_tokens"] is None
    assert (row["estimated"], row["service_tier"], row["first_token_us"], row["attempts"]) == (False, "", None, "[]")


def test_an_interrupted_request_counts_with_its_estimate() -> None:
    row = named(interrupted_row(opened(1, tags=("t",), stream=True), STARTED_S + 9))
    assert (row["end"], row["status"], row["estimated"], row["tags"]) == ("interrupted", 0, True, '["t"]')
    assert (row["prompt_tokens"], row["completion_tokens"], row["cost_nusd"]) == (100, 0, 300)
    assert (row["cache_write_1h_tokens"], row["searches"]) == (0, 0)
    assert row["ended_us"] == int((STARTED_S + 9) * 1e6)


def test_an_interrupted_request_does_not_end_before_it_began() -> None:
    row = named(interrupted_row(opened(1), 0.0))
    assert row["ended_us"] == row["started_us"] and row["tags"] == "[]"


def test_requests_of_one_kind_and_hour_are_one_sum() -> None:
    usage = Usage(10, 2, 3, 4, True, 5, 1, 2, 6, searches=7)
    rows = [request_row(closed(1)), request_row(closed(2, usage=usage, end="truncated"))]
    assert hour_sums(rows) == {NAME: [2, 1, 1, 0, 110, 22, 3, 5, 4, 2_000, 1, 2, 6, 7]}


@pytest.mark.parametrize("name", sorted(name for name, kind in Usage.__annotations__.items() if kind == "int"))
def test_every_count_of_usage_is_added_up_by_itself(name: str) -> None:
    rows = [request_row(closed(number, usage=replace(Usage(), **{name: number}))) for number in (2, 5)]
    (row,) = sum_rows(hour_sums(rows))
    counted = {column for column, value in list(summed(row).items())[6:] if value}
    assert summed(row)[name] == 7 and counted == {"requests", "cost_nusd", name}


@pytest.mark.parametrize(
    ("record", "unpriced"),
    [
        pytest.param(closed(1, cost_nusd=None), 1, id="no-price"),
        pytest.param(closed(1, cost_nusd=None, usage=None), 0, id="no-usage"),
        pytest.param(closed(1, cost_nusd=0), 0, id="free"),
    ],
)
def test_only_usage_without_a_price_is_unpriced(record: CloseRecord, unpriced: int) -> None:
    (numbers,) = hour_sums([request_row(record)]).values()
    assert (numbers[0], numbers[3], numbers[9]) == (1, unpriced, 0)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(closed(2, provider="x"), id="provider"),
        pytest.param(closed(2, upstream_model="x"), id="upstream-model"),
        pytest.param(closed(2, model="x"), id="model"),
        pytest.param(closed(2, key="x"), id="key"),
        pytest.param(closed(2, tags=("x",)), id="tags"),
        pytest.param(closed(2, started_s=STARTED_S + 3600), id="hour"),
    ],
)
def test_requests_of_different_kinds_are_different_sums(other: CloseRecord) -> None:
    assert len(hour_sums([request_row(closed(1)), request_row(other)])) == 2


def test_hours_add_up_to_days_of_utc() -> None:
    noon, night = NAME, (HOUR_H // 24 * 24 + 24, *NAME[1:])
    hours = {noon: [1] * 14, (HOUR_H + 1, *NAME[1:]): [2] * 14, night: [5] * 14}
    assert day_sums(hours) == {(HOUR_H // 24, *NAME[1:]): [3] * 14, (HOUR_H // 24 + 1, *NAME[1:]): [5] * 14}


def test_sums_become_rows_in_the_order_of_their_names() -> None:
    later = (HOUR_H + 1, *NAME[1:])
    rows = sum_rows({later: list(range(14)), NAME: [9] * 14})
    assert [row[:6] for row in rows] == [NAME, later]
    assert summed(rows[1])["requests"] == 0 and summed(rows[1])["cost_nusd"] == 9
    assert HOURS.columns.keys()[1:] == DAYS.columns.keys()[1:]


def test_what_no_column_holds_is_cut_to_fit() -> None:
    row: Row = ("a\0b", "lüng", "any length", 10**30, -(10**30), True, None, 2.5)
    fits = ("ab", "l", "any length", LARGEST, -LARGEST, True, None, 2.5)
    assert fitted(row, [None, 2, *[None] * 6]) == fits


def test_half_a_character_is_replaced() -> None:
    assert fitted(("x\ud800y", "\udc80" * 3), [None, 2]) == ("x?y", "??")


WIDEST = tuple(f"{n:064d}" for n in range(20))


@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        pytest.param(("b", "a"), ["a", "b"], id="few"),
        pytest.param(WIDEST, sorted(WIDEST), id="all-that-a-client-may-send"),
        pytest.param(tuple(f"{n:03d}" for n in range(300)), [f"{n:03d}" for n in range(67, 300)], id="too-many"),
        pytest.param(("x" * 1401,), [], id="too-long"),
        pytest.param(("a" * 1401, "team"), ["team"], id="the-keys-stand-last-and-stay"),
    ],
)
def test_tags_that_no_index_has_room_for_are_left_out(tags: tuple[str, ...], kept: list[str]) -> None:
    assert msgspec.json.decode(str(named(request_row(closed(1, tags=tags)))["tags"])) == kept
