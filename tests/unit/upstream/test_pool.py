"""Idle connections."""

from __future__ import annotations

import pytest

from proxy.core.snapshot import Provider
from proxy.upstream.connection import Connection, Place
from proxy.upstream.pool import Pool
from proxy.wire.outbox import Outbox
from tests.fakes.clock import StillClock
from tests.unit.upstream.wired import Socket

A, B = ((Provider(name, "openai", "http://127.0.0.1"), "http://127.0.0.1") for name in "ab")


@pytest.fixture
async def pool() -> Pool:
    return Pool(StillClock(), 30.0)


def idle(pool: Pool, place: Place = A) -> Connection:
    connection = Connection(place, StillClock(), pool.discard, Outbox())
    connection.connection_made(Socket())
    connection.data_received(b"HTTP/1.1 204 No Content\r\n\r\n")
    pool.put(connection)
    return connection


async def test_the_last_one_in_is_the_first_one_out(pool: Pool) -> None:
    one, two = idle(pool), idle(pool)
    assert [pool.take(A), pool.take(A), pool.take(A)] == [two, one, None]


async def test_places_are_apart(pool: Pool) -> None:
    one = idle(pool, A)
    assert pool.take(B) is None
    assert pool.take(A) is one


async def test_a_connection_that_died_is_passed_over(pool: Pool) -> None:
    one, two = idle(pool), idle(pool)
    two.abort()
    assert [pool.take(A), pool.take(A)] == [one, None]


async def test_a_lost_connection_is_forgotten(pool: Pool) -> None:
    one, two = idle(pool), idle(pool)
    two.connection_lost(None)
    two.connection_lost(None)
    assert [pool.take(A), pool.take(A)] == [one, None]


async def test_an_idle_connection_is_closed_by_whatever_comes(pool: Pool) -> None:
    connection = idle(pool)
    connection.data_received(b"\r\n")
    assert connection.closed
    assert pool.take(A) is None


async def test_a_connection_that_cannot_be_used_again_is_closed(pool: Pool) -> None:
    connection = Connection(A, StillClock(), pool.discard, Outbox())
    pool.put(connection)
    assert connection.closed
    assert pool.take(A) is None


async def test_only_the_given_providers_are_kept(pool: Pool) -> None:
    one, two = idle(pool, A), idle(pool, B)
    pool.keep_only([A[0]])
    assert (one.closed, two.closed) == (False, True)


async def test_a_closed_pool_keeps_nothing(pool: Pool) -> None:
    before = idle(pool)
    pool.close()
    after = idle(pool)
    assert (before.closed, after.closed, pool.take(A)) == (True, True, None)
