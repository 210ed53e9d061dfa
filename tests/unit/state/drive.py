"""Drives the in-memory state without an event loop: none of its calls ever waits."""

from __future__ import annotations

import random
from collections.abc import Coroutine
from typing import Any, TypeVar

from proxy.core.failure import Failure
from proxy.core.ports import Grant
from proxy.core.snapshot import Candidate
from proxy.state.memory import MemoryState
from tests.unit.routing.build import NOW_S, credential

T = TypeVar("T")


def done(call: Coroutine[Any, Any, T]) -> T:
    """Return what a call that never waits returns; fail if it does wait."""
    try:
        call.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("the call waited")


def admit(state: MemoryState, of: Candidate, now_s: float, key: int = 1, *, last_resort: bool = False) -> Grant | None:
    """Ask for an attempt with a candidate's n-th credential."""
    grant = Grant(of, credential(of, key), now_s, last_resort=last_resort)
    return grant if done(state.claim(grant)) else None


def begin(state: MemoryState, of: Candidate, now_s: float, key: int = 1, *, last_resort: bool = False) -> Grant:
    """Ask for an attempt that must be admitted."""
    grant = admit(state, of, now_s, key, last_resort=last_resort)
    assert grant is not None
    return grant


def fresh(cap: int = 100) -> MemoryState:
    return MemoryState(random.Random(1), cap)


def broken(of: Candidate, what: Failure, now_s: float = NOW_S) -> MemoryState:
    """A state in which one attempt has failed."""
    state = fresh()
    fail(state, of, what, now_s)
    return state


def fail(state: MemoryState, of: Candidate, what: Failure, now_s: float) -> None:
    attempt = begin(state, of, now_s)
    done(state.failed(attempt, what, now_s))
    state.release(attempt, now_s)


def succeed(state: MemoryState, of: Candidate, now_s: float, first_token_s: float = 0.5) -> None:
    attempt = begin(state, of, now_s)
    state.succeeded(attempt, now_s, first_token_s)
    state.release(attempt, now_s)
