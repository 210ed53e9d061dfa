"""What is kept of tokens and keys: when it is made, who waits for it, and when it is given up."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from proxy.core.access import Access, SigningKeys, Token
from proxy.core.accounts import AwsAccount, EntraAccount, GoogleAccount, identity
from proxy.core.failure import Failure, FailureKind
from proxy.core.ports import Wait
from proxy.core.secret import Secret
from proxy.core.snapshot import Credential, Provider
from proxy.upstream.issuing import Ask, away, refused
from proxy.upstream.tokens import EARLY_S, FRESH_S, LAST_S, LIBRARIES, RETRY_S, Tokens
from tests.fakes.clock import StillClock

HOUR_S = 3600.0
PLANTED = "planted-token"
ACCOUNT = GoogleAccount("/key.json")
CREDENTIAL = Credential("google", identity(ACCOUNT), ACCOUNT)
PROVIDER = Provider("v", "vertex", "https://v.test", credentials=(CREDENTIAL,))


def soon(kind: FailureKind = FailureKind.TIMEOUT_CONNECT) -> Wait:
    return Wait(StillClock().now_s + 15.0, kind)


class Issuer:
    """Gives numbered tokens of an hour, or what `says`; waits while `open` is not set."""

    def __init__(self, clock: StillClock) -> None:
        self.asked = 0
        self.life_s = HOUR_S
        self.says: Callable[[], Access | Failure] | None = None
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self._clock = clock

    def __call__(self, ask: Ask) -> Access | Failure:
        self.asked += 1
        self.entered.set()
        assert self.open.wait(10)
        if self.says is not None:
            return self.says()
        return Token(Secret(f"{PLANTED}-{self.asked}"), self._clock.now_s + self.life_s)


class Bench:
    def __init__(self, make_s: float = 10.0) -> None:
        self.clock = StillClock()
        self.issuer = Issuer(self.clock)
        issuers = dict.fromkeys((GoogleAccount, EntraAccount, AwsAccount), self.issuer)
        self.tokens = Tokens(self.clock, issuers, make_s)

    async def ready(self, wait: Wait | None = None) -> Access | Failure:
        return await self.tokens.ready(PROVIDER, CREDENTIAL, wait or Wait(self.clock.now_s + 15.0, soon().kind))

    async def refresh(self, refused_access: Access) -> Access | Failure:
        wait = Wait(self.clock.now_s + 15.0, FailureKind.TIMEOUT_CONNECT)
        return await self.tokens.refresh(PROVIDER, CREDENTIAL, refused_access, wait)

    async def settled(self) -> None:
        """Wait for what is being made beside requests."""
        while self.tokens._tasks:
            await asyncio.wait(self.tokens._tasks)


def text(access: Access | Failure) -> str:
    assert isinstance(access, Token), access
    return access.secret.reveal().removeprefix(f"{PLANTED}-")


async def test_token_is_made_once_and_then_remembered() -> None:
    bench = Bench()
    assert [text(await bench.ready()) for _ in range(3)] == ["1", "1", "1"]
    assert bench.issuer.asked == bench.tokens.made == 1


async def test_token_in_memory_is_given_without_waiting() -> None:
    bench = Bench()
    await bench.ready()
    running = bench.ready()
    with pytest.raises(StopIteration) as ended:
        running.send(None)
    assert text(ended.value.value) == "1"


async def test_requests_that_come_together_wait_for_one_making() -> None:
    bench = Bench()
    bench.issuer.open.clear()
    waiting = [asyncio.ensure_future(bench.ready()) for _ in range(20)]
    await asyncio.sleep(0)
    bench.issuer.open.set()
    assert {text(access) for access in await asyncio.gather(*waiting)} == {"1"}
    assert bench.issuer.asked == 1


async def test_token_that_ends_soon_is_made_anew_beside_the_request() -> None:
    bench = Bench()
    await bench.ready()
    bench.clock.now_s += HOUR_S - EARLY_S - 1
    assert text(await bench.ready()) == "1"
    assert bench.issuer.asked == 1
    bench.clock.now_s += 2
    assert text(await bench.ready()) == "1"
    await bench.settled()
    assert text(await bench.ready()) == "2"
    assert bench.issuer.asked == 2


async def test_short_token_is_made_anew_at_half_its_life() -> None:
    bench = Bench()
    bench.issuer.life_s = 60.0
    await bench.ready()
    bench.clock.now_s += 29
    await bench.ready()
    assert bench.issuer.asked == 1
    bench.clock.now_s += 2
    await bench.ready()
    await bench.settled()
    assert bench.issuer.asked == 2


async def test_token_that_ended_is_not_sent() -> None:
    bench = Bench()
    await bench.ready()
    bench.clock.now_s += HOUR_S - LAST_S
    assert text(await bench.ready()) == "2"


async def test_keys_without_an_end_are_kept() -> None:
    bench = Bench()
    bench.issuer.says = lambda: SigningKeys("id", Secret("s"))
    await bench.ready()
    bench.clock.now_s += 1e9
    assert isinstance(await bench.ready(), SigningKeys)
    assert bench.issuer.asked == 1


async def test_failure_beside_a_valid_token_is_tried_again_after_a_while() -> None:
    bench = Bench()
    await bench.ready()
    bench.clock.now_s += HOUR_S - EARLY_S + 1
    bench.issuer.says = lambda: away("down")
    for _ in range(3):
        assert text(await bench.ready()) == "1"
        await bench.settled()
    assert bench.issuer.asked == 2
    bench.clock.now_s += RETRY_S
    bench.issuer.says = None
    await bench.ready()
    await bench.settled()
    assert text(await bench.ready()) == "3"


async def test_failure_is_remembered_for_a_while_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.issuer.says = lambda: refused("invalid_grant")
    for _ in range(3):
        failure = await bench.ready()
        assert isinstance(failure, Failure)
        assert (failure.kind, failure.request_sent) == (FailureKind.AUTH, False)
    assert bench.issuer.asked == 1
    bench.clock.now_s += RETRY_S
    await bench.ready()
    assert bench.issuer.asked == 2
    assert [record.getMessage() for record in caplog.records] == [
        "provider v, credential google: no token: invalid_grant"
    ]


async def test_attempt_waits_no_longer_than_it_may_and_the_next_finds_the_token() -> None:
    bench = Bench()
    bench.issuer.open.clear()
    failure = await bench.ready(Wait(bench.clock.now_s + 0.01, FailureKind.TIMEOUT_RESPONSE))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.request_sent) == (FailureKind.TIMEOUT_RESPONSE, False)
    bench.issuer.open.set()
    assert text(await bench.ready()) == "1"
    assert bench.issuer.asked == 1


async def test_request_that_is_cancelled_ends_only_its_own_wait() -> None:
    bench = Bench()
    bench.issuer.open.clear()
    first, second = asyncio.ensure_future(bench.ready()), asyncio.ensure_future(bench.ready())
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.wait([first])
    bench.issuer.open.set()
    assert text(await second) == "1"
    assert first.cancelled()


async def test_cloud_that_does_not_answer_is_given_up() -> None:
    bench = Bench(make_s=0.02)
    bench.issuer.open.clear()
    failure = await bench.ready()
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.TIMEOUT_CONNECT
    bench.issuer.open.set()


async def test_refused_token_is_made_anew_once_for_all() -> None:
    bench = Bench()
    first = await bench.ready()
    assert isinstance(first, Token)
    bench.clock.now_s += FRESH_S
    outcomes = await asyncio.gather(*(bench.refresh(first) for _ in range(5)), bench.ready())
    assert {text(outcome) for outcome in outcomes} == {"2"}
    assert text(await bench.refresh(first)) == "2"
    assert bench.issuer.asked == 2


async def test_token_refused_right_after_it_was_made_is_not_made_anew() -> None:
    bench = Bench()
    first = await bench.ready()
    assert isinstance(first, Token)
    outcome = await bench.refresh(first)
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.AUTH
    assert bench.issuer.asked == 1


async def test_same_token_again_is_a_failure() -> None:
    bench = Bench()
    same = Token(Secret("same"), bench.clock.now_s + HOUR_S)
    bench.issuer.says = lambda: same
    await bench.ready()
    bench.clock.now_s += FRESH_S
    outcome = await bench.refresh(same)
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.AUTH


async def test_refresh_that_fails_says_why() -> None:
    bench = Bench()
    first = await bench.ready()
    assert isinstance(first, Token)
    bench.clock.now_s += FRESH_S
    bench.issuer.says = lambda: away("down")
    outcome = await bench.refresh(first)
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.CONNECT


async def test_configured_keys_are_given_as_they_are_and_cannot_be_refreshed() -> None:
    bench = Bench()
    keys = SigningKeys("AKIA1", Secret("s"))
    account = AwsAccount("us-east-1", keys)
    credential = Credential("aws", identity(account), account)
    assert await bench.tokens.ready(PROVIDER, credential, soon()) is keys
    outcome = await bench.tokens.refresh(PROVIDER, credential, keys, soon())
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.AUTH
    assert bench.issuer.asked == 0


async def test_reload_keeps_what_is_still_configured() -> None:
    bench = Bench()
    await bench.ready()
    anew = Credential("google", identity(ACCOUNT), ACCOUNT)
    reloaded = Provider("v", "vertex", "https://v.test", credentials=(anew,))
    bench.tokens.keep_only([reloaded])
    assert text(await bench.tokens.ready(reloaded, anew, soon())) == "1"
    bench.tokens.keep_only([])
    assert text(await bench.ready()) == "2"


async def test_making_that_began_by_another_way_is_not_waited_for() -> None:
    """It may wait for a proxy that does not answer, which is why there is another now."""
    bench = Bench()
    bench.issuer.open.clear()
    waiting = asyncio.ensure_future(bench.ready())
    assert await asyncio.to_thread(bench.issuer.entered.wait, 10)
    moved = replace(PROVIDER, proxy_url=Secret("http://proxy.test"))
    bench.tokens.keep_only([moved])
    anew = asyncio.ensure_future(bench.tokens.ready(moved, CREDENTIAL, soon()))
    await asyncio.sleep(0)
    bench.issuer.open.set()
    assert {text(await waiting), text(await anew)} == {"1", "2"}
    await bench.tokens.ready(moved, CREDENTIAL, soon())
    assert bench.issuer.asked == 2


async def test_request_from_before_a_reload_leaves_nothing_of_its_way_behind() -> None:
    bench = Bench()
    moved = replace(PROVIDER, proxy_url=Secret("http://proxy.test"))
    bench.tokens.keep_only([moved])
    bench.issuer.says = lambda: away("no way")
    assert isinstance(await bench.ready(), Failure)
    bench.issuer.says = None
    assert text(await bench.tokens.ready(moved, CREDENTIAL, soon())) == "2"
    assert text(await bench.ready()) == "3"
    assert text(await bench.tokens.ready(moved, CREDENTIAL, soon())) == "2"


async def test_library_that_is_not_installed_names_its_extra() -> None:
    bench = Bench()

    def missing() -> Access:
        raise ModuleNotFoundError("google")

    bench.issuer.says = missing
    failure = await bench.ready()
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.AUTH
    assert 'pip install "fairlead[vertex]"' in failure.detail


async def test_fault_of_a_library_shows_nothing_of_what_it_was_given(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()

    def broken() -> Access:
        raise KeyError(PLANTED)

    bench.issuer.says = broken
    failure = await bench.ready()
    assert isinstance(failure, Failure)
    assert "KeyError" in failure.detail
    assert PLANTED not in caplog.text + repr(failure)


async def test_no_token_shows_itself() -> None:
    bench = Bench()
    shown = repr(await bench.ready()) + repr(SigningKeys("planted-id", Secret(PLANTED), Secret(PLANTED)))
    assert "planted" not in shown


async def test_closing_ends_what_is_being_made() -> None:
    bench = Bench()
    bench.issuer.open.clear()
    waiting = asyncio.ensure_future(bench.ready())
    await asyncio.sleep(0.01)
    await bench.tokens.aclose()
    bench.issuer.open.set()
    outcome = await waiting
    assert isinstance(outcome, Failure)


async def test_libraries_of_the_clouds_do_not_log() -> None:
    Bench()
    assert {logging.getLogger(name).level for name in LIBRARIES} == {logging.CRITICAL}
