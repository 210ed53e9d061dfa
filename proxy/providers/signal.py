"""One row of a signal table: what an error must look like, and what it then means. A value without logic.

A client's words may be echoed in an error, so a row names the vendor's codes where it has any. A `text` that sets
something aside at a status which a client can provoke (400, 403, 413, 422) begins with `^`, the vendor's first words:
a client must not be able to have a credential set aside by what it writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from proxy.core.failure import FailureKind, Scope


class Window(StrEnum):
    """When a quota usually recovers if the vendor does not say."""

    MINUTE = "minute"
    DAY = "day"  # the next 00:00 UTC
    PACIFIC_DAY = "pacific_day"  # the next midnight in Los Angeles
    MONTH = "month"  # the first of the next month, 00:00 UTC


@dataclass(frozen=True, slots=True)
class Signal:
    """A row. Everything it names must match; a row that names nothing matches everything.

    Attributes:
        status: HTTP statuses, or the effective status of an error inside a 200; empty = any.
        code: A regular expression for the whole of one of the error's names (code, type, status, reason, exception
            name, quota id), any case.
        text: A regular expression sought in the error's message, any case.
        delayed: Only with (True) or without (False) a stated delay.
        scope: Where it differs from the kind's usual one.
        window: The quota's usual window, taken where the vendor states no time.
        edit: Top-level request members to leave out in one resend.
        note: For the log.
    """

    kind: FailureKind
    status: tuple[int, ...] = ()
    code: str | None = None
    text: str | None = None
    delayed: bool | None = None
    scope: Scope | None = None
    window: Window | None = None
    edit: tuple[str, ...] = ()
    note: str = ""
