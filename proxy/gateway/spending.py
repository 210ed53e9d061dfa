"""What a request takes from its client key's limits, and what it gives back when it is over.

Keys without limits take nothing and cost nothing. The price is that of the dearest candidate of the plan.
"""

from __future__ import annotations

from msgspec.json import Decoder

from proxy.core.call import Call, Operation
from proxy.core.plan import Plan
from proxy.core.ports import KeyAsk, LimitReached
from proxy.core.snapshot import NO_LIMITS
from proxy.gateway.accounting import Account
from proxy.gateway.context import Engine
from proxy.pricing.cost import dearest
from proxy.providers.choices import asked
from proxy.routing.keyrefusal import refusal
from proxy.routing.omit import needs_price

# No request uses as many. With more the limit's clock, a float, would lose the seconds that the key already owes.
MOST_TOKENS = 1_000_000_000

_TEXT = Decoder(str)
_FREE = Operation.COUNT_TOKENS


async def reserve(engine: Engine, call: Call, plan: Plan, account: Account) -> None:
    """Take from the limits of the calling key, where it has any.

    Raises:
        GatewayError: A limit forbids the request. Nothing was taken.
    """
    key = call.key
    if key is None or key.limits is NO_LIMITS:
        return
    limits, tokens, nusd = key.limits, 0, 0
    has_budget = limits.has_budget
    if (has_budget or limits.tpm is not None) and call.endpoint.operation is not _FREE:
        input_tokens, choices = call.needs.input_tokens, asked(call)
        tokens = input_tokens + (call.max_tokens or 0) * choices
        if tokens > MOST_TOKENS:
            tokens = MOST_TOKENS
        if has_budget:
            tier = _service_tier(call) if "service_tier" in call.fields else ""
            nusd = dearest(plan, call, choices, tier, account.started_at_s)
    ask = KeyAsk(key, tokens, nusd, engine.clock.now(), account.started_at_s)
    taken = await engine.state.reserve(ask)
    if isinstance(taken, LimitReached):
        raise refusal(taken, ask)
    account.taken = taken


def settle(account: Account, used_at_s: float = 0.0) -> None:
    """Book what a closed request used, and give back the rest. A second call does nothing.

    Args:
        used_at_s: When its tokens were, for limits by the minute (monotonic); 0 = now.
    """
    if account.is_settled:
        return
    account.is_settled = True
    engine, taken, usage = account.engine, account.taken, account.usage
    nusd = 0 if account.cost is None else account.cost.nusd
    if taken is None:
        key = account.call.key
        if key is not None and nusd:
            engine.state.count(key, nusd, engine.clock.now(), account.started_at_s)
        return
    if usage is not None and account.cost is None and needs_price(taken.ask.key):
        nusd = taken.ask.nusd  # answered in a way that nobody can price: it is not free for that
    tokens = 0 if usage is None else usage.prompt_tokens + usage.completion_tokens
    engine.state.settle(taken, tokens, nusd, used_at_s or engine.clock.now())


def _service_tier(call: Call) -> str:
    try:
        return _TEXT.decode(call.fields["service_tier"])
    except ValueError:  # the upstream's to refuse; text that is no UTF-8 is no DecodeError
        return ""
