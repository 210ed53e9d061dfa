"""What a Fairlead that was killed has left running: found by its mark, which every child inherits, and ended.

A mark names the Fairlead that made it. Only what bears the mark of one that is no longer there is touched: never what
another Fairlead runs, never what another namespace of process ids holds, and never whatever started this one. Where
there is no `/proc`, nothing is found.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import anyio

from proxy.upstream.process_family import MARK

_LOG = logging.getLogger("fairlead.process")

POLL_S = 0.1
TERM_S = 5.0  # between SIGTERM and SIGKILL

_PROC = Path("/proc")


def new_mark() -> str:
    """Make a mark for one start of a process: this Fairlead's own, and what tells it from the others."""
    return f"{_owner()}-{secrets.token_hex(8)}"


async def end_orphans(is_hurried: Callable[[], bool]) -> None:
    """End what is left: SIGTERM, and SIGKILL for what still runs after a while."""
    found = left = await _signalled(signal.SIGTERM)
    give_up_s = anyio.current_time() + TERM_S
    while left and anyio.current_time() < give_up_s and not is_hurried():
        await anyio.sleep(POLL_S)
        left = await anyio.to_thread.run_sync(orphans)
    if left:
        found |= await _signalled(signal.SIGKILL)
    if found:
        _LOG.warning("%d processes that a Fairlead before this one left running were ended", len(found))


def orphans() -> frozenset[int]:
    """Find what bears the mark of a Fairlead that has ended. Reads only; call it in a worker thread."""
    above = os.environ.get(MARK)
    found = set()
    with suppress(OSError):
        for name in os.listdir(_PROC):
            mark = _mark(name) if name.isdigit() else None
            if mark is not None and mark != above and _is_orphaned(mark):
                found.add(int(name))
    return frozenset(found)


async def _signalled(number: signal.Signals) -> frozenset[int]:
    found = await anyio.to_thread.run_sync(orphans)
    for pid in found:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    return found


def _mark(pid: str) -> str | None:
    """Read the mark that a process bears; one that has ended bears none any more."""
    wanted = f"{MARK}=".encode()
    try:
        variables = (_PROC / pid / "environ").read_bytes().split(b"\0")
    except OSError:
        return None
    return next((line[len(wanted) :].decode("utf-8", "replace") for line in variables if line.startswith(wanted)), None)


def _is_orphaned(mark: str) -> bool:
    namespace, pid, began = (*mark.split("-"), "", "")[:3]
    if not namespace or namespace != _namespace() or not (pid.isdigit() and began.isdigit()):
        return False
    return _began(pid) not in (began, None)


@lru_cache(maxsize=1)
def _owner() -> str:
    pid = str(os.getpid())
    return f"{_namespace()}-{pid}-{_began(pid) or ''}"


def _namespace() -> str:
    """Name the namespace in which process ids mean what they mean here; "" where that cannot be told."""
    try:
        return os.readlink(_PROC / "self" / "ns" / "pid").strip("pid:[]")
    except OSError:
        return ""


def _began(pid: str) -> str | None:
    """Tell when a process began, in the kernel's ticks: no two of one id have that in common.

    "" where it is none; None where that cannot be told, as with too many open files.
    """
    try:
        state, *fields = (_PROC / pid / "stat").read_text().rpartition(")")[2].split()
        return "" if state == "Z" else fields[18]
    except (FileNotFoundError, ProcessLookupError):
        return ""
    except (OSError, ValueError, IndexError):
        return None
