"""Room for requests and for their bytes."""

from __future__ import annotations

import asyncio

import pytest

from proxy.core.errors import Overloaded
from proxy.core.snapshot import Server
from proxy.edge.admission import Admission
from proxy.edge.exchange import Cut, Exchange, Message

SERVER = Server(max_in_flight=2, max_buffered_bytes=100)


async def forever() -> None:
    await asyncio.Event().wait()


async def receive() -> Message:
    return await asyncio.Future()


async def send(message: Message) -> None:
    raise AssertionError("nothing is answered here")


def make_exchange() -> Exchange:
    return Exchange({"headers": []}, receive, send)


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


def test_leaving_twice_frees_one_place() -> None:
    admission = Admission()
    first, second = make_exchange(), make_exchange()
    admission.enter(first, SERVER)
    admission.enter(second, SERVER)
    admission.leave(first)
    admission.leave(first)
    assert admission.in_flight == 1


def test_bytes_beyond_the_limit_are_refused_and_not_counted() -> None:
    admission = Admission()
    admission.buffer(100, SERVER)
    with pytest.raises(Overloaded) as caught:
        admission.buffer(1, SERVER)
    assert (caught.value.retry_after_s, admission.buffered_bytes) == (1.0, 100)
    admission.unbuffer(40)
    admission.buffer(40, SERVER)
    assert admission.buffered_bytes == 100


async def test_end_of_the_drain_cuts_what_is_still_under_way() -> None:
    admission = Admission()
    staying, left = make_exchange(), make_exchange()
    tasks = [asyncio.create_task(exchange.run(forever(), 30.0)) for exchange in (staying, left)]
    await asyncio.sleep(0)
    admission.enter(staying, SERVER)
    admission.enter(left, SERVER)
    admission.leave(left)
    admission.end_all()
    await tasks[0]
    assert (staying.cut, left.cut) == (Cut.SHUTDOWN, None)
    tasks[1].cancel()
    await asyncio.wait(tasks)
