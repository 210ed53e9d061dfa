"""From the limit that forbids a request to the error that its client gets: which limit, how far used, and until when.

Never names the key: whoever reads the message has it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil

from proxy.core.errors import BudgetUnknown, GatewayError, QuotaExhausted, RateLimited
from proxy.core.money import usd
from proxy.core.ports import KeyAsk, LimitReached
from proxy.routing.budget import period_end_s, period_of
from proxy.routing.keylimits import BUDGETS, PARALLEL

_WORDS = {
    "rpm": "requests a minute (rpm)",
    "tpm": "tokens a minute (tpm)",
    PARALLEL: "requests at once (parallel)",
}


def refusal(reached: LimitReached, ask: KeyAsk) -> GatewayError:
    """Make the error of a request that its key's limits refuse."""
    if reached.limit in BUDGETS:
        return _over_budget(reached, ask)
    if reached.limit in _WORDS:
        return RateLimited(_over_limit(reached), retry_after_s=reached.resets_s)
    return BudgetUnknown(
        "What this key has spent of its budget is not known yet: the gateway has just started and waits for its "
        "database. Retry after the time in Retry-After.",
        retry_after_s=reached.resets_s,
    )


def _over_limit(reached: LimitReached) -> str:
    what = f"This key's limit of {reached.allowed} {_WORDS[reached.limit]} is reached: {reached.used} used."
    if reached.limit == PARALLEL:
        return f"{what} Retry when one of them has ended."
    return f"{what} It admits the next request in {_duration(reached.resets_s)}."


def _over_budget(reached: LimitReached, ask: KeyAsk) -> QuotaExhausted:
    period = BUDGETS[reached.limit]
    budget = f"budget of {usd(reached.allowed)} USD a {period} ({reached.limit})"
    cost = f"this request may cost up to {usd(ask.nusd)} USD"
    if ask.nusd > reached.allowed:  # waiting would not help, so no time is named
        advice = "Ask for fewer tokens (max_tokens) or for a cheaper model."
        return QuotaExhausted(f"{cost[0].upper()}{cost[1:]}, more than this key's whole {budget}. {advice}")
    used = f"{usd(reached.used)} USD are spent or reserved and {cost}"
    if reached.is_held:
        advice = "Requests under way hold the rest in reserve; retry when they have ended."
    else:
        resets = datetime.fromtimestamp(period_end_s(period, period_of(period, ask.wall_s)), UTC)
        advice = f"The budget resets at {resets:%Y-%m-%dT%H:%M:%SZ}."
    return QuotaExhausted(f"This key's {budget} does not allow it: {used}. {advice}", retry_after_s=reached.resets_s)


def _duration(seconds: float) -> str:
    return f"{ceil(seconds * 1000)} ms" if seconds < 1 else f"{ceil(seconds)} s"
