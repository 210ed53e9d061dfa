"""Writes that wait for the end of the round."""

from __future__ import annotations

from collections.abc import Callable

from proxy.wire.outbox import Outbox


class Loop:
    """Keeps what is to be called soon."""

    def __init__(self) -> None:
        self.ready: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.ready.append(callback)

    def run_once(self) -> None:
        ready, self.ready = self.ready, []
        for callback in ready:
            callback()


def test_all_that_was_put_leaves_in_one_go_and_in_order() -> None:
    loop, outbox, sent = Loop(), Outbox(), list[bytes]()
    for data in (b"1", b"2", b"3"):
        outbox.put(loop.call_soon, sent.append, data)
    assert (sent, len(loop.ready)) == ([], 1)
    loop.run_once()
    assert (sent, loop.ready) == ([b"1", b"2", b"3"], [])


def test_what_is_put_while_others_are_sent_waits_for_the_next_round() -> None:
    loop, outbox, sent = Loop(), Outbox(), list[bytes]()

    def send(data: bytes) -> None:
        sent.append(data)
        outbox.put(loop.call_soon, sent.append, b"next")

    outbox.put(loop.call_soon, send, b"first")
    loop.run_once()
    assert sent == [b"first"]
    loop.run_once()
    assert sent == [b"first", b"next"]


def test_what_waits_for_one_that_is_lost_is_dropped_and_the_rest_is_sent() -> None:
    loop, outbox, sent, lost = Loop(), Outbox(), list[bytes](), list[bytes]()
    outbox.put(loop.call_soon, sent.append, b"1")
    outbox.put(loop.call_soon, lost.append, b"2")
    outbox.put(loop.call_soon, sent.append, b"3")
    outbox.drop(lost.append)
    loop.run_once()
    assert (sent, lost) == ([b"1", b"3"], [])
