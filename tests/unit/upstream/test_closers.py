"""Closings that outlive the requests they belong to."""

from __future__ import annotations

import asyncio

from proxy.upstream.closers import Closers


async def test_closings_go_on_when_whoever_started_them_is_cancelled() -> None:
    running = Closers()
    ended: list[str] = []

    async def close(name: str) -> None:
        await asyncio.sleep(0.01)
        ended.append(name)

    async def request() -> None:
        await asyncio.shield(running.start(close("a"), close("b")))

    task = asyncio.ensure_future(request())
    await asyncio.sleep(0)
    task.cancel()
    await running.wait()
    assert sorted(ended) == ["a", "b"]


async def test_a_closing_that_fails_does_not_hinder_the_others() -> None:
    running = Closers()
    ended: list[str] = []

    async def fail() -> None:
        raise OSError

    async def close() -> None:
        ended.append("b")

    await running.start(fail(), close())
    await running.wait()
    assert ended == ["b"]


async def test_a_closing_that_hangs_is_given_up() -> None:
    running = Closers(close_s=0.01)
    task = running.start(asyncio.sleep(60))
    await running.wait()
    assert task.done()
