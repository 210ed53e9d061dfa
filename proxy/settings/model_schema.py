"""`[models.X]` and `[prices."provider/model"]` as pydantic models.

Whether providers, aliases and fallbacks exist is checked by `model_rows`, which sees all rows.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import Field, JsonValue

from proxy.core.price import TokenRates
from proxy.core.snapshot import Rotation
from proxy.settings.fields import Amount, Name, Row, Whole
from proxy.settings.policy_schema import TimeoutsRow


class CapabilitiesRow(Row):
    """What a model can take. An absent key is as the shipped tables say; what they do not know is allowed."""

    context_window_tokens: Whole | None = Field(
        None, ge=1, le=100_000_000, description="Prompt and answer together.", examples=[131_072]
    )
    max_output_tokens: Whole | None = Field(
        None, ge=1, le=100_000_000, description="The longest answer.", examples=[16_384]
    )
    tools: bool | None = Field(None, description="It can call tools.", examples=[True])
    images: bool | None = Field(None, description="It takes images.", examples=[True])
    image_urls: bool | None = Field(None, description="It takes images by their URL.", examples=[False])
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


def _usd(description: str, example: float, default: str = "unknown") -> Any:  # noqa: ANN401 - as pydantic's own Field
    """Six digits after the point: a pico-dollar a token, the unit in which prices are reckoned."""
    extra: dict[str, JsonValue] = {"default": default}
    return Field(
        None,
        ge=0,
        le=1_000_000,
        decimal_places=6,
        description=description,
        examples=[example],
        json_schema_extra=extra,
    )


class RatesRow(Row):
    """What tokens cost, by class."""

    input_usd_per_mtok: Amount | None = _usd("Prompt tokens.", 0.15)
    output_usd_per_mtok: Amount | None = _usd("Completion tokens.", 0.6)
    cached_input_usd_per_mtok: Amount | None = _usd("Prompt tokens that the vendor had cached.", 0.075, "as input")
    cache_write_usd_per_mtok: Amount | None = _usd("Prompt tokens that the vendor caches.", 0.1875, "as input")
    cache_write_1h_usd_per_mtok: Amount | None = _usd("The same, cached for an hour.", 0.3, "as cache_write")
    audio_input_usd_per_mtok: Amount | None = _usd("Prompt tokens of sound.", 10, "as input")
    audio_output_usd_per_mtok: Amount | None = _usd("Completion tokens of sound.", 20, "as output")

    def rates(self) -> dict[str, Decimal]:
        """The rates that are written, in USD per million tokens, by the names of `core.price.TokenRates`."""
        named = {name: getattr(self, f"{name}_usd_per_mtok") for name in TokenRates.__struct_fields__}
        return {name: usd for name, usd in named.items() if usd is not None}


class VariantRow(RatesRow):
    """Where the rates differ: in a service tier, for long prompts, or both. A rate that is absent is as usual."""

    service_tier: str = Field(
        "", max_length=64, description='The tier as answers name it, such as "flex"; empty = the usual one.'
    )
    above_tokens: Whole = Field(
        0, ge=0, le=100_000_000, description="The rates hold for all tokens of a request whose prompt is longer."
    )


class PriceRow(RatesRow):
    """What an upstream model costs, in USD per million tokens; takes the place of its whole price in the catalogue."""

    request_usd: Amount = Field(
        Decimal(0), ge=0, le=1_000_000, decimal_places=9, description="For each request, beside its tokens."
    )
    search_usd: Amount | None = Field(
        None,
        ge=0,
        le=1_000_000,
        decimal_places=9,
        description="For each search that an answer counts.",
        examples=[0.002],
        json_schema_extra={"default": "unknown"},
    )
    variants: tuple[VariantRow, ...] = Field((), max_length=50)
