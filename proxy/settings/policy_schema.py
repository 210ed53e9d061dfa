"""Timeouts and breakers as pydantic models: tables that stand at several places and inherit key by key."""

from __future__ import annotations

from pydantic import Field, model_validator
from pydantic.config import JsonDict

from proxy.core.snapshot import BreakerPolicy
from proxy.settings.fields import Number, Row, Whole

_INHERITED: JsonDict = {"default": "inherited"}


class TimeoutsRow(Row):
    """Each key is inherited where it is absent: candidate, model, provider, kind, then `[defaults]`."""

    connect_s: Number | None = Field(
        None, gt=0, le=300, description="Seconds to connect, TLS included.", examples=[5], json_schema_extra=_INHERITED
    )
    headers_s: Number | None = Field(
        None,
        gt=0,
        le=3600,
        description="Streams: seconds until the answer's headers.",
        examples=[60],
        json_schema_extra=_INHERITED,
    )
    first_output_s: Number | None = Field(
        None,
        gt=0,
        le=3600,
        description="Streams: seconds until the first output.",
        examples=[180],
        json_schema_extra=_INHERITED,
    )
    idle_s: Number | None = Field(
        None,
        gt=0,
        le=3600,
        description="Streams: seconds of silence between events.",
        examples=[120],
        json_schema_extra=_INHERITED,
    )
    response_s: Number | None = Field(
        None,
        gt=0,
        le=3600,
        description="Whole answers: seconds until complete.",
        examples=[290],
        json_schema_extra=_INHERITED,
    )
    max_stream_s: Number | None = Field(
        None,
        gt=0,
        le=86_400,
        description="Seconds that a stream may last in all.",
        examples=[3600],
        json_schema_extra=_INHERITED,
    )


class BreakerRow(Row):
    """When a candidate that fails is set aside. `breaker = false` is short for `{ enabled = false }`."""

    enabled: bool = Field(True, description="False, or `breaker = false`: failures never open a breaker.")
    window_s: Number | None = Field(
        None,
        gt=0,
        le=3600,
        description="Seconds over which failures are counted.",
        examples=[30],
        json_schema_extra=_INHERITED,
    )
    min_requests: Whole | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Requests in the window before the ratio counts.",
        examples=[5],
        json_schema_extra=_INHERITED,
    )
    failure_ratio: Number | None = Field(
        None, gt=0, le=1, description="Share of failures that opens it.", examples=[0.5], json_schema_extra=_INHERITED
    )
    consecutive: Whole | None = Field(
        None, ge=1, le=1000, description="Failures in a row that open it.", examples=[3], json_schema_extra=_INHERITED
    )
    open_s: Number | None = Field(
        None,
        gt=0,
        le=3600,
        description="Seconds that it stays open at first.",
        examples=[10],
        json_schema_extra=_INHERITED,
    )
    max_open_s: Number | None = Field(
        None,
        gt=0,
        le=86_400,
        description="The longest it stays open after doubling.",
        examples=[300],
        json_schema_extra=_INHERITED,
    )

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
