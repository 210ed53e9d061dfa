"""A request whose account is kept by hand: what it asks, what was sent for it, and how it was answered."""

from __future__ import annotations

from msgspec.structs import replace

from proxy.core.call import Call, Needs
from proxy.core.failure import Failure
from proxy.core.plan import Planned, Send
from proxy.core.snapshot import Candidate
from proxy.core.usage import Usage
from proxy.gateway.accounting import Account
from tests.unit.gateway.engine import PRICED, key
from tests.unit.routing.build import NOW_S, call, candidate, model

A, B = PRICED.candidates
UNPRICED = model(candidate("c", "new"))
USED = Usage(1_000, 100, 200)
COST_NUSD = 2_800_000  # 800 × 2,000 + 200 × 1,000 + 100 × 10,000 nano-dollars


def ask(**fields: object) -> Call:
    request = call(key=key(tags=("of-key",)), needs=Needs(input_tokens=40))
    return replace(request, **{"tags": ("of-client",), "stream": True, **fields})


def sent(account: Account, to: Candidate, outcome: Failure | None, began_s: float, ended_s: float) -> None:
    """Note an attempt of these seconds since the request's arrival."""
    credential = to.provider.credentials[0]
    planned = Planned(to, PRICED, "")
    account.attempted(Send(planned, credential), outcome, NOW_S + began_s, NOW_S + ended_s)


def answered(account: Account, by: Candidate = A, usage: Usage | None = USED) -> None:
    """Let one attempt answer at once, and commit a second after the arrival."""
    sent(account, by, None, 0.0, 1.0)
    account.committed(by, 200, NOW_S + 1.0)
    account.usage = usage
