"""From the ledger's requests to pages of them, newest or oldest first, and to one by its id.

A page begins after the id that the last one ended with, so the thousandth costs as much as the first; where a filter
has no index a page looks at so many rows and no more, and may then be short. Never counts rows and never skips any.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, case, func, select

from proxy.core.records import AttemptRecord
from proxy.store.database import Database
from proxy.store.report import as_usd, tags_of
from proxy.store.tables import REQUESTS

PAGE = 500
LOOKED_AT = 20_000  # rows that a page with a filter without an index reads at most

_ID = REQUESTS.c.request_id


@dataclass(frozen=True, slots=True)
class Search:
    """Which requests, in which order. A filter of None lets everything through; "" asks for what has no such name.

    Attributes:
        since_ms, until_ms: Unix milliseconds of arrival, as the request's id has them; `until_ms` is left out.
    """

    key: str | None = None
    model: str | None = None
    provider: str | None = None
    tag: str | None = None
    end: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    newest_first: bool = True

    @property
    def is_sparse(self) -> bool:
        """Any number of rows may lie between two that are asked for."""
        return not (self.model is self.provider is self.tag is self.end is None)


_ATTEMPTS = msgspec.json.Decoder(tuple[AttemptRecord, ...])


class Tokens(NamedTuple):
    """Usage in OpenAI's terms: prompt includes cached, cache writes and audio, completion reasoning and audio.

    `cache_write_1h` (a part of `cache_write`) and `searches` are None where the record is older than their columns.
    """

    prompt: int
    completion: int
    cached: int
    cache_write: int
    reasoning: int
    audio_input: int
    audio_output: int
    cache_write_1h: int | None
    searches: int | None


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the ledger.

    Attributes:
        started_us, ended_us: Unix microseconds.
        first_token_us: Microseconds since the start; None where nothing was answered.
        tokens: None where nothing is known of its usage.
        estimated: No upstream reported the tokens.
        cost_nusd: None where no price is known, or no usage.
        price: Which price that was.
    """

    request_id: str
    started_us: int
    ended_us: int
    endpoint: str
    model: str
    provider: str
    upstream_model: str
    key: str
    tags: tuple[str, ...]
    stream: bool
    end: str
    status: int
    error: str
    first_token_us: int | None
    tokens: Tokens | None
    service_tier: str
    estimated: bool
    cost_nusd: int | None
    price: str
    attempts: tuple[AttemptRecord, ...]

    @property
    def cost_usd(self) -> Decimal | None:
        return None if self.cost_nusd is None else as_usd(self.cost_nusd)


@dataclass(frozen=True, slots=True)
class Page:
    """Requests in the order of the search.

    Attributes:
        after: Where the next page begins; None = there is none. A page may be short, even empty, and not the last.
    """

    requests: tuple[Request, ...]
    after: str | None


async def read_page(database: Database, search: Search, after: str | None = None, limit: int = PAGE) -> Page:
    """Read the requests that follow the one with the id `after`.

    Raises:
        DatabaseAway: The database cannot be reached.
    """
    async with database.read() as connection:
        last = (await connection.execute(last_statement(search, after))).scalar() if search.is_sparse else None
        rows = (await connection.execute(page_statement(search, after, last).limit(limit))).all()
    found = (_request(row) for row in rows)
    if search.tag is not None:
        found = (request for request in found if _has_tag(request, search.tag))
    return Page(tuple(found), rows[-1].request_id if len(rows) == limit else last)


def page_statement(search: Search, after: str | None, last: str | None) -> Select[Any]:
    """The query for a page, from the id after `after` up to `last`."""
    return _ordered(select(REQUESTS).where(_range(search, after, last), *_filters(search)), search)


def last_statement(search: Search, after: str | None) -> Select[Any]:
    """The query for the id up to which a page may look, NULL = to the end. Reads nothing but an index."""
    ids = _ordered(select(_ID).where(_range(search, after)), search).limit(LOOKED_AT).subquery()
    furthest = func.min if search.newest_first else func.max
    return select(case((func.count() == LOOKED_AT, furthest(ids.c.request_id)))).select_from(ids)


def _range(search: Search, after: str | None, last: str | None = None) -> ColumnElement[bool]:
    """The part of the table, in the order of its id and perhaps of one key, that a page is in."""
    bounds: list[ColumnElement[bool]] = []
    if search.key is not None:
        bounds.append(REQUESTS.c.key == search.key)
    if search.since_ms is not None:
        bounds.append(_first_id(search.since_ms) <= _ID)
    if search.until_ms is not None:
        bounds.append(_first_id(search.until_ms) > _ID)
    if after is not None:
        bounds.append(after > _ID if search.newest_first else after < _ID)
    if last is not None:
        bounds.append(last <= _ID if search.newest_first else last >= _ID)
    return and_(True, *bounds)


def _filters(search: Search) -> list[ColumnElement[bool]]:
    kept = {"model": search.model, "provider": search.provider, "end": search.end}
    filters = [REQUESTS.c[name] == value for name, value in kept.items() if value is not None]
    if search.tag and search.tag.isascii() and search.tag.isalnum():
        # Spares reading what cannot have it; whether it has, its decoded tags say.
        filters.append(REQUESTS.c.tags.contains(f'"{search.tag}"', autoescape=True))
    return filters


def _has_tag(request: Request, tag: str) -> bool:
    return tag in request.tags if tag else not request.tags


def _ordered(statement: Select[Any], search: Search) -> Select[Any]:
    return statement.order_by(_ID.desc() if search.newest_first else _ID.asc())


def _first_id(ms: int) -> str:
    """No id of this millisecond or later sorts before it, and none of an earlier one after it."""
    return f"req_{ms:012x}"


def _request(row: Row[Any]) -> Request:
    tokens = None
    if row.prompt_tokens is not None:
        tokens = Tokens(
            row.prompt_tokens,
            row.completion_tokens,
            row.cached_tokens,
            row.cache_write_tokens,
            row.reasoning_tokens,
            row.audio_input_tokens,
            row.audio_output_tokens,
            row.cache_write_1h_tokens,
            row.searches,
        )
    return Request(
        request_id=row.request_id,
        started_us=row.started_us,
        ended_us=row.ended_us,
        endpoint=row.endpoint,
        model=row.model,
        provider=row.provider,
        upstream_model=row.upstream_model,
        key=row.key,
        tags=tags_of(row.tags),
        stream=row.stream,
        end=row.end,
        status=row.status,
        error=row.error,
        first_token_us=row.first_token_us,
        tokens=tokens,
        service_tier=row.service_tier,
        estimated=row.estimated,
        cost_nusd=row.cost_nusd,
        price=row.price,
        attempts=_ATTEMPTS.decode(row.attempts),
    )
