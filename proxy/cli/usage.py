"""`fairlead usage`: what was used and what it cost, from the ledger's sums, or request by request.

Reads the database beside a running server and changes nothing in it. Every form says for which time and in which zone
it is, and what its sums lack.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxy.cli import options, usageview
from proxy.cli.configuration import load
from proxy.cli.output import print_json, print_table
from proxy.cli.refusal import Refusal
from proxy.cli.storage import connected

if TYPE_CHECKING:
    from proxy.store.database import Database
    from proxy.store.report import Dimension, Question, Report
    from proxy.store.requests import Request, Search

BY = "provider,model"
SINCE = "30d"
ENDS = ("ok", "truncated", "client_gone", "failed", "interrupted")
LAST = 20  # requests that a table shows unless told otherwise
MOST_DIMENSIONS = 2


def usage(
    config: options.Config = None,
    by: Annotated[
        str | None,
        typer.Option("--by", help=f"One or two of provider, model, upstream_model, key, tag, day; default {BY}."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help=f"2026-11, 2026-11-01, 2026-11-01T14:00, 36h or 7d; default {SINCE}."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="The same; the moment itself is left out; default now.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", help='Only this client key, by name; "" = without one.')] = None,
    model: Annotated[str | None, typer.Option("--model", help="Only this model, by its public name.")] = None,
    provider: Annotated[str | None, typer.Option("--provider", help='Only this provider; "" = nothing sent.')] = None,
    tag: Annotated[str | None, typer.Option("--tag", help='Only requests with this tag; "" = without any.')] = None,
    zone: Annotated[str, typer.Option("--zone", help="Whose days and times: UTC, Europe/Berlin, ...")] = "UTC",
    requests: Annotated[
        bool, typer.Option("--requests", help="Request by request; with --json one object a line.")
    ] = False,
    end: Annotated[str | None, typer.Option("--end", help=f"With --requests: only one of {', '.join(ENDS)}.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help=f"With --requests: how many; default {LAST}, with --json all.")
    ] = None,
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="With --requests: from the first on.")] = False,
    as_json: options.AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Show what was used and what it cost: sums over whole hours of UTC, or single requests."""
    is_single = end is not None or limit is not None or oldest_first
    _refuse(
        {
            "--json and --csv exclude each other": as_json and as_csv,
            "--requests goes with neither --by nor --csv": requests and (as_csv or by is not None),
            "--end, --limit and --oldest-first need --requests": is_single and not requests,
            f"--end {end!r}: name one of {', '.join(ENDS)}": end is not None and end not in ENDS,
        }
    )
    kept = {"provider": provider, "model": model, "key": key, "tag": tag}
    if requests:
        place, first, last = _moments(zone, since, until)
        search = _search(kept, first, last, end=end, newest_first=not oldest_first)
        if as_json:
            asyncio.run(_write_requests(config, search, limit))
        else:
            found, waiting = asyncio.run(_read_requests(config, search, limit or LAST))
            _show_requests(found, place, waiting)
        return
    question = _question(by, kept, _moments(zone, since or SINCE, until))
    report, waiting = asyncio.run(_read_report(config, question))
    notes = (*usageview.notes(report), *usageview.waiting_notes(waiting))
    if as_json:
        print_json(usageview.report_object(report) | {"waiting": waiting})
    elif as_csv:
        _print_csv(report, notes)
    else:
        _show_report(report, notes)


def _refuse(faults: Mapping[str, bool]) -> None:
    found = [fault for fault, is_found in faults.items() if is_found]
    if found:
        raise Refusal(*found)


_Moments = tuple[tzinfo, datetime | None, datetime | None]


def _moments(zone: str, since: str | None, until: str | None) -> _Moments:
    from proxy.store.period import BadPeriod, read_moment, read_zone

    now = datetime.now(UTC)
    try:
        place = read_zone(zone)
        first, last = (None if text is None else read_moment(text, place, now) for text in (since, until))
    except BadPeriod as bad:
        raise Refusal(str(bad)) from bad
    if first is not None and last is not None and first >= last:
        raise Refusal("the period is empty: --until must be later than --since")
    return place, first, last


def _question(by: str | None, kept: dict[str, str | None], moments: _Moments) -> Question:
    from proxy.store.period import BadPeriod, make_period
    from proxy.store.report import Question

    place, first, last = moments
    assert first is not None  # it has a default
    try:
        period = make_period(first, last or datetime.now(UTC), place)
    except BadPeriod as bad:
        raise Refusal(str(bad)) from bad
    return Question(period, _dimensions(BY if by is None else by), **kept)


def _dimensions(by: str) -> tuple[Dimension, ...]:
    from proxy.store.report import Dimension

    known = {dimension.value: dimension for dimension in Dimension}
    found = [known.get(name.strip()) for name in by.split(",")]
    dimensions = tuple(dimension for dimension in found if dimension)
    if len(set(dimensions)) != len(found) or len(found) > MOST_DIMENSIONS:
        raise Refusal(f"--by {by!r}: name one or two different ones of {', '.join(known)}")
    return dimensions


def _search(
    kept: dict[str, str | None], first: datetime | None, last: datetime | None, *, end: str | None, newest_first: bool
) -> Search:
    from proxy.store.requests import Search

    since_ms, until_ms = (None if moment is None else round(moment.timestamp() * 1000) for moment in (first, last))
    return Search(**kept, end=end, since_ms=since_ms, until_ms=until_ms, newest_first=newest_first)


@asynccontextmanager
async def _ledger(config: Path | None) -> AsyncIterator[tuple[Database, int | None]]:
    """Open the database; with it, how many requests are not in it yet.

    Raises:
        ConfigError: The configuration cannot be used, or the tables are not those of this program.
        Refusal: The database is away.
    """
    from proxy.store.migrate import require
    from proxy.store.waiting import count_waiting

    snapshot = load(config)
    async with connected(snapshot) as database:
        await require(database)
        yield database, await count_waiting(database, Path(snapshot.server.data_dir))


async def _read_report(config: Path | None, question: Question) -> tuple[Report, int | None]:
    from proxy.store.report import read_report

    async with _ledger(config) as (database, waiting):
        return await read_report(database, question), waiting


async def _read_requests(config: Path | None, search: Search, limit: int) -> tuple[list[Request], int | None]:
    async with _ledger(config) as (database, waiting):
        return [request async for page in _pages(database, search, limit) for request in page], waiting


async def _write_requests(config: Path | None, search: Search, limit: int | None) -> None:
    """Print page by page: never more than one is held."""
    async with _ledger(config) as (database, waiting):
        async for page in _pages(database, search, limit):
            sys.stdout.write(b"".join(map(usageview.request_line, page)).decode())
        _note(usageview.waiting_notes(waiting))


async def _pages(database: Database, search: Search, limit: int | None) -> AsyncIterator[tuple[Request, ...]]:
    from proxy.store.requests import read_page

    after, left = None, limit
    while left is None or left > 0:
        page = await read_page(database, search, after)
        found = page.requests[:left]
        yield found
        after, left = page.after, None if left is None else left - len(found)
        if after is None:
            return


def _print_csv(report: Report, notes: Iterable[str]) -> None:
    sys.stdout.write(usageview.report_csv(report))
    _note((usageview.period_line(report), *notes))


def _show_report(report: Report, notes: Iterable[str]) -> None:
    title, columns = usageview.period_line(report), usageview.report_columns(report)
    if report.total.requests:
        print_table(title, columns, usageview.report_rows(report), numbers=usageview.NUMBERS)
    else:
        typer.echo(f"{title}: no requests.")
    for note in notes:
        typer.echo(note)


def _show_requests(requests: list[Request], place: tzinfo, waiting: int | None) -> None:
    rows = [usageview.request_cells(request, place) for request in requests]
    if rows:
        print_table(f"Requests, times in {place}", usageview.REQUEST_COLUMNS, rows, numbers=usageview.NUMBERS)
    else:
        typer.echo("No requests.")
    for note in usageview.waiting_notes(waiting):
        typer.echo(note)


def _note(lines: Iterable[str]) -> None:
    """Beside what a program reads."""
    for line in lines:
        typer.echo(line, err=True)
