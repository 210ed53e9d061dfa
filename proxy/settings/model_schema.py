"""`[models.X]` and `[prices."provider/model"]` as pydantic models.

Whether providers, aliases and fallbacks exist is checked by `model_rows`, which sees all rows.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from proxy.core.snapshot import Rotation
from proxy.settings.fields import Amount, Name, Row, Whole
from proxy.settings.policy_schema import TimeoutsRow


class CapabilitiesRow(Row):
    """What a model can take. An absent key is unknown, which is allowed."""

    context_window_tokens: Whole | None = Field(
        None, ge=1, le=100_000_000, description="Prompt and answer together.", examples=[131_072]
    )
    max_output_tokens: Whole | None = Field(
        None, ge=1, le=100_000_000, description="The longest answer. Not used yet.", examples=[16_384]
    )
    tools: bool | None = Field(None, description="It can call tools.", examples=[True])
    images: bool | None = Field(None, description="It takes images.", examples=[True])
    audio: bool | None = Field(None, description="It takes audio.", examples=[False])
    json_schema: bool | None = Field(None, description="It keeps to a JSON schema.", examples=[True])


class CandidateRow(Row):
    """Provider, upstream model name and place. `{*}` in `model` stands for what a prefix model's `*` matched."""

    provider: str = Field(description="A name from `[providers]`.", examples=["example"])
    model: Name = Field(min_length=1, max_length=512, description="The upstream model name.", examples=["llama3.2"])
    priority: Whole | None = Field(
        None,
        ge=0,
        le=1000,
        description="Lower is tried first.",
        examples=[1],
        json_schema_extra={"default": "the provider's"},
    )
    weight: Whole = Field(
        1, ge=1, le=1000, description='Share among equals, for `rotation = "weighted"` and `"least_busy"`.'
    )
    capabilities: CapabilitiesRow = Field(CapabilitiesRow(), description="Where this candidate differs from its model.")
    timeouts: TimeoutsRow = Field(TimeoutsRow(), description="Timeouts of this candidate.")


class ModelRow(Row):
    """A public model name and who serves it. A name may end in `*`: the longest matching prefix serves."""

    model: Name | None = Field(
        None,
        min_length=1,
        max_length=512,
        description="Short form: the upstream model name at every provider.",
        examples=["llama3.2"],
        json_schema_extra={"default": "the table's name", "active": True},
    )
    providers: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Short form: names from `[providers]`, in rotation order.",
        examples=[["example"]],
        json_schema_extra={"active": True},
    )
    rotation: Rotation = Field(Rotation.STICKY, description="The order inside one priority.")
    aliases: tuple[Name, ...] = Field((), max_length=100, description="Other names of the same model.")
    fallbacks: tuple[Name, ...] = Field(
        (), max_length=20, description="Models that serve when no candidate can; their own fallbacks do not count."
    )
    default: bool = Field(False, description="True for one model: it serves clients that name none.")
    same_vectors: bool = Field(
        False, description="Embeddings: the candidates' different upstream models give the same vectors."
    )
    capabilities: CapabilitiesRow = Field(CapabilitiesRow(), description="What the model can take.")
    timeouts: TimeoutsRow = Field(TimeoutsRow(), description="Timeouts of this model.")
    candidates: tuple[CandidateRow, ...] | None = Field(
        None, min_length=1, max_length=100, description="Long form, instead of `model` and `providers`."
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.providers is None) == (self.candidates is None) or (self.candidates is not None and self.model):
            raise ValueError("either `providers` (with `model`) or `candidates`")
        return self


class PriceRow(Row):
    """What an upstream model costs, in USD per million tokens: for `rotation = "lowest_cost"` and the model list."""

    input_usd_per_mtok: Amount | None = Field(None, ge=0, le=1_000_000, description="Prompt tokens.", examples=[0.15])
    output_usd_per_mtok: Amount | None = Field(
        None, ge=0, le=1_000_000, description="Completion tokens.", examples=[0.6]
    )
    cached_input_usd_per_mtok: Amount | None = Field(
        None, ge=0, le=1_000_000, description="Prompt tokens that the vendor had cached.", examples=[0.075]
    )
