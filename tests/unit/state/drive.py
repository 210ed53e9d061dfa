"""Drives the in-memory state without an event loop: none of its calls ever waits."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from proxy.core.ports import Admission, Grant
from proxy.core.snapshot import Candidate
from proxy.state.memory import MemoryState
from tests.unit.routing.build import credential

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
    return done(state.claim(Admission(of, credential(of, key), (), now_s, last_resort=last_resort)))


def begin(state: MemoryState, of: Candidate, now_s: float, key: int = 1, *, last_resort: bool = False) -> Grant:
    """Ask for an attempt that must be admitted."""
    grant = admit(state, of, now_s, key, last_resort=last_resort)
    assert grant is not None
    return grant
