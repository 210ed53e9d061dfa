"""Room for requests and for their bytes."""

from __future__ import annotations

import asyncio

import pytest

from proxy.core.errors import BodyTooLarge, Overloaded
from proxy.core.snapshot import Server
from proxy.edge.admission import Admission
from proxy.edge.exchange import Cut
from tests.fakes.wire import make_exchange

SERVER = Server(max_in_flight=2, max_buffered_bytes=100)


async def forever() -> None:
    await asyncio.Event().wait()


def test_nothing_is_under_way_at_first() -> None:
    admission = Admission()
    assert (admission.in_flight, admission.buffered_bytes, admission.draining) == (0, 0, False)


def test_request_beyond_the_limit_is_refused_until_one_leaves() -> None:
    admission = Admission()
    first, second, third = (make_exchange() for _ in range(3))
    admission.enter(first, SERVER)
    admission.enter(second, SERVER)
    with pytest.raises(Overloaded) as caught:
        admission.enter(third, SERVER)
    assert (caught.value.status, caught.value.code, caught.value.retry_after_s) == (503, "overloaded", 1.0)
    admission.leave(first)
    admission.enter(third, SERVER)
    assert admission.in_flight == 2


def test_leaving_twice_frees_one_place_and_its_bytes() -> None:
    admission = Admission()
    first, second = make_exchange(), make_exchange()
    for exchange in (first, second):
        admission.enter(exchange, SERVER)
        admission.hold(exchange, 40, SERVER)
    admission.leave(first)
    admission.leave(first)
    assert (admission.in_flight, admission.buffered_bytes) == (1, 40)


def test_bytes_beyond_the_limit_are_refused_and_not_counted() -> None:
    admission = Admission()
    first, second = make_exchange(), make_exchange()
    admission.hold(first, 60, SERVER)
    admission.hold(second, 40, SERVER)
    with pytest.raises(Overloaded) as caught:
        admission.hold(second, 41, SERVER)
    assert (caught.value.retry_after_s, admission.buffered_bytes) == (1.0, 100)
    admission.leave(first)
    admission.hold(second, 41, SERVER)
    assert admission.buffered_bytes == 41


def test_body_is_counted_at_its_last_size() -> None:
    admission, exchange = Admission(), make_exchange()
    for size in (10, 90, 30):
        admission.hold(exchange, size, SERVER)
    assert (admission.buffered_bytes, exchange.buffered_bytes) == (30, 30)


def test_body_beyond_what_one_may_have_is_too_large_whatever_the_room() -> None:
    admission, exchange = Admission(), make_exchange()
    server = Server(max_body_bytes=10, max_buffered_bytes=5)
    with pytest.raises(BodyTooLarge, match="limit of 10 bytes"):
        admission.hold(exchange, 11, server)
    assert admission.buffered_bytes == 0


async def test_end_of_the_drain_cuts_what_is_still_under_way() -> None:
    admission = Admission()
    staying, left = make_exchange(), make_exchange()
    for exchange in (staying, left):
        exchange.task = asyncio.create_task(forever())
        admission.enter(exchange, SERVER)
    await asyncio.sleep(0)
    admission.leave(left)
    admission.end_all()
    assert staying.task is not None
    assert left.task is not None
    await asyncio.wait([staying.task])
    assert (staying.cut, left.cut, left.task.cancelling()) == (Cut.SHUTDOWN, None, 0)
    left.task.cancel()


def test_nothing_begins_when_the_drain_is_over() -> None:
    admission = Admission()
    admission.end_all()
    with pytest.raises(Overloaded, match="shutting down") as caught:
        admission.enter(make_exchange(), SERVER)
    assert (caught.value.retry_after_s, admission.in_flight) == (1.0, 0)
