"""Pages of the ledger, on both databases: every request once, in order, by an index, and one by its id."""

from __future__ import annotations

import pytest
from sqlalchemy import Select, text

from proxy.core.records import AttemptRecord
from proxy.core.usage import Usage
from proxy.store.database import Database
from proxy.store.requests import (
    Page,
    Request,
    Search,
    Tokens,
    last_statement,
    page_statement,
    read_page,
)
from tests.fakes.ledger import load
from tests.fakes.records import STARTED_S, closed, request_id

NEWEST = Search()
OLDEST = Search(newest_first=False)


async def pages(database: Database, search: Search, limit: int) -> list[Page]:
    """Page through everything."""
    found = [await read_page(database, search, limit=limit)]
    while (after := found[-1].after) is not None:
        found.append(await read_page(database, search, after, limit))
    return found


def ids(found: list[Page]) -> list[str]:
    return [request.request_id for page in found for request in page.requests]


@pytest.mark.parametrize("search", [NEWEST, OLDEST], ids=["newest-first", "oldest-first"])
@pytest.mark.parametrize("limit", [1, 3, 10, 11])
async def test_pages_hold_every_request_once_in_order(limit: int, search: Search, database: Database) -> None:
    await load(database, [closed(number) for number in (4, 2, 9, 0, 7, 1, 3, 8, 5, 6)])
    found = await pages(database, search, limit)
    assert ids(found) == sorted(map(request_id, range(10)), reverse=search.newest_first)
    assert all(len(page.requests) <= limit for page in found)


async def test_empty_ledger_has_an_empty_page_and_no_next(database: Database) -> None:
    assert await read_page(database, NEWEST) == Page((), None)


async def test_request_that_comes_while_paging_moves_no_page(database: Database) -> None:
    await load(database, [closed(number) for number in range(4)])
    first = await read_page(database, NEWEST, limit=2)
    await load(database, [closed(number) for number in (100, 101)])
    second = await read_page(database, NEWEST, first.after, limit=2)
    assert ids([first, second]) == [request_id(number) for number in (3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("search", "numbers"),
    [
        pytest.param(Search(key="ci"), [5, 3, 1], id="key"),
        pytest.param(Search(key=""), [4, 2, 0], id="no-key"),
        pytest.param(Search(model="m1"), [4, 1], id="model"),
        pytest.param(Search(provider="p0"), [3, 2, 1, 0], id="provider"),
        pytest.param(Search(end="failed"), [5], id="end"),
        pytest.param(Search(tag="t3"), [3], id="tag"),
        pytest.param(Search(tag=""), [0], id="no-tag"),
        pytest.param(Search(tag='o"d_%'), [5, 4, 3, 2, 1], id="odd-tag"),
        pytest.param(Search(tag="d_%"), [], id="part-of-a-tag"),
        pytest.param(Search(key="ci", provider="p0", newest_first=False), [1, 3], id="two-oldest-first"),
        pytest.param(Search(since_ms=2), [5, 4, 3, 2], id="since"),
        pytest.param(Search(until_ms=2), [1, 0], id="until"),
        pytest.param(Search(since_ms=1, until_ms=4, key="ci"), [3, 1], id="between-with-key"),
        pytest.param(Search(model="nobody"), [], id="nothing"),
    ],
)
@pytest.mark.parametrize("looked_at", [1, 100], ids="a-page-looks-at-{}".format)
async def test_filters_keep_what_they_name(
    search: Search, numbers: list[int], looked_at: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.store.requests.LOOKED_AT", looked_at)
    records = [
        closed(
            number,
            started_s=number / 1000,
            key="ci" if number % 2 else "",
            model=f"m{number % 3}",
            provider=f"p{number // 4}",
            end="failed" if number == 5 else "ok",
            tags=(f"t{number}", 'o"d_%') if number else (),
        )
        for number in range(6)
    ]
    await load(database, records)
    assert ids(await pages(database, search, 2)) == [records[number].request_id for number in numbers]


async def test_page_with_a_filter_looks_at_so_many_requests_and_no_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.store.requests.LOOKED_AT", 4)
    await load(database, [closed(number, end="failed" if number == 0 else "ok") for number in range(10)])
    found = await pages(database, Search(end="failed"), 5)
    assert [len(page.requests) for page in found] == [0, 0, 1]
    assert [page.after for page in found] == [request_id(6), request_id(2), None]


async def test_request_is_read_whole(database: Database) -> None:
    usage = Usage(
        100,
        20,
        10,
        5,
        cache_write_tokens=4,
        audio_input_tokens=2,
        audio_output_tokens=1,
        service_tier="flex",
        cache_write_1h_tokens=3,
        searches=6,
    )
    await load(database, [closed(1, tags=("b", "a"), usage=usage, stream=True, error="x"), closed(2)])
    us = int(STARTED_S * 1e6)
    assert (await read_page(database, NEWEST)).requests[-1] == Request(
        request_id=request_id(1),
        started_us=us,
        ended_us=us + 1_000_000,
        endpoint="chat",
        model="gpt-4o",
        provider="openrouter",
        upstream_model="openai/gpt-4o",
        key="ci",
        tags=("a", "b"),
        stream=True,
        end="ok",
        status=200,
        error="x",
        first_token_us=250_000,
        tokens=Tokens(100, 20, 10, 4, 5, 2, 1, 3, 6),
        service_tier="flex",
        estimated=False,
        cost_nusd=1000,
        price="configured",
        attempts=(AttemptRecord("openrouter", "openai/gpt-4o", "default", "ok", 200, 0.001, 1.0, False),),
    )


async def test_request_without_usage_has_neither_tokens_nor_cost(database: Database) -> None:
    await load(database, [closed(1, usage=None, cost_nusd=None, attempts=[], first_token_s=None)])
    (request,) = (await read_page(database, NEWEST)).requests
    assert (request.tokens, request.cost_usd, request.attempts, request.estimated) == (None, None, (), False)


async def test_free_request_costs_nothing_which_is_not_unknown(database: Database) -> None:
    await load(database, [closed(1, cost_nusd=0)])
    (request,) = (await read_page(database, NEWEST)).requests
    assert str(request.cost_usd) == "0E-9"


SEARCHES = [
    pytest.param(NEWEST, id="newest-first"),
    pytest.param(OLDEST, id="oldest-first"),
    pytest.param(Search(key="k1"), id="one-key"),
    pytest.param(Search(since_ms=1, until_ms=2**40), id="period"),
    pytest.param(Search(end="failed", model="m"), id="without-an-index"),
    pytest.param(Search(key="k1", end="failed", newest_first=False), id="one-key-and-without-an-index"),
]


@pytest.mark.parametrize("search", SEARCHES)
async def test_no_page_reads_the_whole_table_or_sorts_it(search: Search, database: Database) -> None:
    await load(database, [closed(number, key=f"k{number % 5}") for number in range(3000)])
    async with database.write() as connection:
        await connection.execute(text("ANALYZE"))
    after, last = (request_id(1500), request_id(1400) if search.newest_first else request_id(1600))
    for statement in (last_statement(search, after), page_statement(search, after, last).limit(20)):
        plan = await explained(database, statement)
        assert "INDEX" in plan
        assert not any(word in plan for word in ("TEMP B-TREE", "SCAN REQUESTS", "SEQ SCAN", "SORT", "BITMAP")), plan


async def explained(database: Database, statement: Select[tuple[object]]) -> str:
    """How the database would answer, in capitals."""
    compiled = statement.compile(database.engine, compile_kwargs={"literal_binds": True})
    words = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    async with database.read() as connection:
        rows = (await connection.exec_driver_sql(f"{words} {compiled}")).all()
    return "\n".join(str(row[-1]) for row in rows).upper()
