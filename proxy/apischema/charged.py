"""What a usage object says of its cost, beside its counts, in the ways of the vendors that do. No logic.

Decoded only where it is there, so each member is raw.

Sources, read 2026-11-20: openrouter.ai usage-accounting, and OpenResponsesUsage and CreateRerankUsage of its TypeScript
SDK; docs.x.ai cost-tracking (chat, Responses, images); perplexityai 0.46.1.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import UNSET, Raw, Struct, UnsetType


class Charged(Struct):
    """A base of usage objects."""

    cost: Raw | UnsetType = UNSET  # OpenRouter: USD; Perplexity: an object
    cost_details: Raw | UnsetType = UNSET  # OpenRouter
    is_byok: Raw | UnsetType = UNSET  # OpenRouter: paid with the customer's own key for the vendor behind
    cost_in_usd_ticks: Raw | UnsetType = UNSET  # xAI


class TotalCost(Struct):
    total_cost: Decimal


class OwnCost(Struct):
    upstream_inference_cost: Decimal
