"""A send is made ready in the time that its request has."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from proxy.core.access import Access, Token
from proxy.core.failure import Failure, FailureKind
from proxy.core.plan import Planned, Send
from proxy.core.ports import Wait
from proxy.core.secret import Secret
from proxy.core.snapshot import Credential, Provider
from proxy.gateway.preparing import renewed
from tests.unit.gateway.engine import Bench
from tests.unit.routing.build import NOW_S, call, candidate, failure, model

OF = model(candidate("a"))
REFUSED = failure(FailureKind.AUTH, 401)


class Waited:
    """Credentials that note how long somebody would wait for them."""

    def __init__(self) -> None:
        self.until_s: list[float] = []

    async def ready(self, provider: Provider, credential: Credential, wait: Wait) -> Access | Failure:
        raise AssertionError("nobody asks")

    async def refresh(
        self, provider: Provider, credential: Credential, refused: Access, wait: Wait
    ) -> Access | Failure:
        self.until_s.append(wait.until_s)
        return refused


@pytest.mark.parametrize(
    ("deadline_s", "until_s"),
    [pytest.param(600.0, 5.0, id="connect_s"), pytest.param(2.0, 2.0, id="deadline")],
)
async def test_credential_is_made_anew_within_the_time_of_its_request(deadline_s: float, until_s: float) -> None:
    bench, credentials = Bench(), Waited()
    bench.engine.credentials = credentials
    account = bench.account(replace(call(), deadline_s=deadline_s), OF)
    send = Send(Planned(OF.candidates[0], OF, ""), OF.candidates[0].provider.credentials[0])
    token = Token(Secret("t"), NOW_S + 60)
    assert (await renewed(account, send, token, REFUSED)).renewed
    assert not (await renewed(account, send, token, REFUSED)).renewed
    assert credentials.until_s == [NOW_S + until_s]
