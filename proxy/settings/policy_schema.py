"""Timeouts and breakers as pydantic models: tables that stand at several places and inherit key by key."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator
from pydantic.config import JsonDict

from proxy.core.snapshot import BreakerPolicy
from proxy.settings.fields import Number, Row, Whole


def _inherited(description: str, example: float, *, le: int, gt: int | None = None, ge: int | None = None) -> Any:  # noqa: ANN401 - as pydantic's own Field
    extra: JsonDict = {"default": "inherited"}
    return Field(None, gt=gt, ge=ge, le=le, description=description, examples=[example], json_schema_extra=extra)


class TimeoutsRow(Row):
    """Each key is inherited where it is absent: candidate, model, provider, kind, then `[defaults]`."""

    connect_s: Number | None = _inherited("Seconds to connect, TLS included.", 5, gt=0, le=300)
    headers_s: Number | None = _inherited("Streams: seconds until the answer's headers.", 60, gt=0, le=3600)
    first_output_s: Number | None = _inherited("Streams: seconds until the first output.", 180, gt=0, le=3600)
    idle_s: Number | None = _inherited("Streams: seconds of silence between events.", 120, gt=0, le=3600)
    response_s: Number | None = _inherited("Whole answers: seconds until complete.", 290, gt=0, le=3600)
    max_stream_s: Number | None = _inherited("Seconds that a stream may last in all.", 3600, gt=0, le=86_400)


class BreakerRow(Row):
    """When a candidate that fails is set aside. `breaker = false` is short for `{ enabled = false }`."""

    enabled: bool = Field(True, description="False, or `breaker = false`: failures never open a breaker.")
    window_s: Number | None = _inherited("Seconds over which failures are counted.", 30, gt=0, le=3600)
    min_requests: Whole | None = _inherited("Requests in the window before the ratio counts.", 5, ge=1, le=10_000)
    failure_ratio: Number | None = _inherited("Share of failures that opens it.", 0.5, gt=0, le=1)
    consecutive: Whole | None = _inherited("Failures in a row that open it.", 3, ge=1, le=1000)
    open_s: Number | None = _inherited("Seconds that it stays open at first.", 10, gt=0, le=3600)
    max_open_s: Number | None = _inherited("The longest it stays open after doubling.", 300, gt=0, le=86_400)

    @model_validator(mode="before")
    @classmethod
    def _from_switch(cls, value: object) -> object:
        if isinstance(value, bool):
            return {"enabled": value}
        if not isinstance(value, dict | BreakerRow):
            raise ValueError("a table, or false for none")
        return value

    def policy(self, base: BreakerPolicy | None) -> BreakerPolicy | None:
        """Return the policy in force: these keys over `base`, over the built-in values; None = off."""
        if not self.enabled:
            return None
        given = {name: value for name, value in self if name != "enabled" and value is not None}
        inherited = base or BreakerPolicy()
        return BreakerPolicy(**{name: given.get(name, getattr(inherited, name)) for name in BreakerPolicy.__slots__})
