"""What an upstream says that it charged, in nano-dollars. Whether it is believed is the kind's affair
(`providers.kinds`)."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from msgspec import UNSET, Raw
from msgspec.json import Decoder

from proxy.apischema.charged import Charged, OwnCost, TotalCost
from proxy.core.money import NUSD_PER_USD

LARGEST_COST_USD = 100_000
TICKS_PER_NUSD = 10  # of xAI, in its own unit

_COST: Decoder[Decimal | TotalCost] = Decoder(Decimal | TotalCost)
_OWN_COST = Decoder(OwnCost)
_TICKS = Decoder(int)
_UNREADABLE = (ValueError, ArithmeticError, RecursionError)


def reported_nusd(counts: Charged) -> int | None:
    """Read what the upstream says it charged, in nano-dollars; None where it cannot be told or cannot be true."""
    try:
        if counts.cost is not UNSET:
            return _nusd(_charged_usd(counts, counts.cost))
        if counts.cost_in_usd_ticks is not UNSET:
            return _nusd(Decimal(_TICKS.decode(counts.cost_in_usd_ticks)) / (TICKS_PER_NUSD * NUSD_PER_USD))
    except _UNREADABLE:
        pass
    return None


def _charged_usd(counts: Charged, cost: Raw) -> Decimal:
    """OpenRouter's own charge for a customer's key is its fee alone: what the vendor behind charges comes on top."""
    read = _COST.decode(cost)
    if isinstance(read, TotalCost):
        return read.total_cost
    if counts.is_byok is UNSET or bytes(counts.is_byok) != b"true":
        return read
    return read + _OWN_COST.decode(b"" if counts.cost_details is UNSET else counts.cost_details).upstream_inference_cost


def _nusd(usd: Decimal) -> int | None:
    if not 0 <= usd <= LARGEST_COST_USD:
        return None
    return int((usd * NUSD_PER_USD).to_integral_value(ROUND_HALF_EVEN))
