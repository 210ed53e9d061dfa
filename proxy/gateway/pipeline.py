"""The straight line of a request: resolve, plan, reserve, attempt, relay, account. Each station is one call away."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from anyio import get_cancelled_exc_class
from msgspec import Struct

from proxy.core.call import Call
from proxy.core.errors import GatewayError
from proxy.core.snapshot import ClientKey, Model, Snapshot
from proxy.gateway.accounting import Account
from proxy.gateway.attempts import attempt
from proxy.gateway.cohort import others_first
from proxy.gateway.context import Downstream, Engine
from proxy.gateway.relay import Delivery, deliver, used_tokens
from proxy.gateway.spending import reserve, settle
from proxy.providers.named import named_models
from proxy.routing.omit import refusal
from proxy.routing.plan import plan
from proxy.routing.resolve import check_named, resolve


class Way(Struct, frozen=True, eq=False):
    """The two stations at which not all endpoints do the same: who may serve, and how an answer is sent."""

    find: Callable[[str | None, ClientKey | None, Snapshot], Model]
    deliver: Callable[[Delivery], Coroutine[Any, Any, None]]


_USUAL = Way(resolve, deliver)


async def handle(engine: Engine, call: Call, downstream: Downstream, account: Account, way: Way = _USUAL) -> None:
    """Answer one authenticated, admitted request.

    Raises:
        GatewayError: No answer. The edge renders it, as an event where a keep-alive has already committed.
    """
    snapshot, state, now = engine.snapshot, engine.state, engine.clock.now
    model, key = way.find(call.model, call.key, snapshot), call.key
    if key is not None and key.models and (named := named_models(call)):
        check_named(named, model, key, snapshot)
    account.resolved(model)
    try:
        await others_first()
        planned = plan(call, model, snapshot, state.view, now(), engine.rng)
        await reserve(engine, call, planned, account)
        account.is_admitted = True
        if not planned.candidates and (error := refusal(planned)) is not None:
            raise error
        reply, grant = await attempt(engine, snapshot, call, planned, account)
        try:
            await way.deliver(Delivery(engine, snapshot, reply, grant, downstream, account))
        finally:
            state.release(grant, now(), used_tokens(account))
            await reply.answer.aclose()
    except GatewayError as exc:
        account.refused(exc)
        raise
    except get_cancelled_exc_class():
        account.close(account.end_if_cancelled)
        raise
    finally:
        try:
            if account.end is None:
                account.close("failed")
        finally:
            if not account.is_settled:
                settle(account)
