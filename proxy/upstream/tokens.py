"""Keeps what requests carry for credentials with an account: each token or pair of keys until it ends.

What is valid is answered from memory. Five minutes before it ends the first request that asks has it made anew beside
itself; where nothing is valid, requests wait for one making together. The clouds' libraries block, so they run in
worker threads and are not even imported before. It must never show a secret, and a request's end must never end what
others wait for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from math import inf

from anyio import CapacityLimiter, fail_after, to_thread
from msgspec import Struct

from proxy.core.access import Access
from proxy.core.accounts import Account, AwsAccount, EntraAccount, GoogleAccount
from proxy.core.failure import Failure
from proxy.core.ports import Clock, Wait
from proxy.core.snapshot import Credential, Provider
from proxy.providers.extras import EXTRAS, install_hint
from proxy.routing.place import has_moved
from proxy.upstream.issuing import Ask, Issuer, late, network_of, refused

_LOG = logging.getLogger("fairlead.credentials")

EARLY_S = 300.0  # before its end it is made anew
LAST_S = 10.0  # before its end it is not sent any more: a request may take as long to arrive
MAKE_S = 30.0  # for one making as a whole
RETRY_S = 5.0  # after a failure, before the next try
FRESH_S = 10.0  # what is refused so soon after it was made is not made anew
AT_ONCE = 4  # threads
LIBRARIES = ("azure", "botocore", "google.auth", "msal", "requests", "urllib3")


def _google(ask: Ask) -> Access | Failure:
    from proxy.upstream.google_tokens import google_token

    return google_token(ask)


def _entra(ask: Ask) -> Access | Failure:
    from proxy.upstream.azure_tokens import entra_token

    return entra_token(ask)


def _aws(ask: Ask) -> Access | Failure:
    from proxy.upstream.aws_keys import aws_keys

    return aws_keys(ask)


ISSUERS: Mapping[type[Account], Issuer] = {GoogleAccount: _google, EntraAccount: _entra, AwsAccount: _aws}


class _Held(Struct, eq=False):
    """What is known of one credential. Times are monotonic."""

    provider: Provider
    access: Access | None = None
    made_s: float = -inf
    renew_s: float = inf
    failure: Failure | None = None
    retry_s: float = -inf
    making: asyncio.Task[Access | Failure] | None = None


class Tokens:
    """The `Credentials` of a gateway. Belongs to the event loop's thread.

    Attributes:
        made: How often something was asked of a cloud.
    """

    def __init__(self, clock: Clock, issuers: Mapping[type[Account], Issuer] = ISSUERS, make_s: float = MAKE_S) -> None:
        self.made = 0
        self._clock = clock
        self._issuers = issuers
        self._make_s = make_s
        self._held: dict[tuple[str, str], _Held] = {}
        self._kept: Mapping[tuple[str, str], Provider] | None = None  # None: every provider's
        self._tasks: set[asyncio.Task[Access | Failure]] = set()
        self._limiter = CapacityLimiter(AT_ONCE)
        for name in LIBRARIES:  # they tell too much: addresses, answers, at the finest level requests
            logging.getLogger(name).setLevel(logging.CRITICAL)

    async def ready(self, provider: Provider, credential: Credential, wait: Wait) -> Access | Failure:
        """Return what a request must carry now; see `core.ports.Credentials`."""
        own = _own_keys(credential)
        if own is not None:
            return own
        held = self._of(provider, credential)
        now_s = self._clock.now()
        access = _valid(held, now_s)
        if access is not None:
            if now_s >= held.renew_s and now_s >= held.retry_s:
                self._make(held, provider, credential)
            return access
        if held.failure is not None and now_s < held.retry_s:
            return held.failure
        return await self._wait(self._make(held, provider, credential), wait)

    async def refresh(
        self, provider: Provider, credential: Credential, refused_access: Access, wait: Wait
    ) -> Access | Failure:
        """Return what to send instead of what was refused; see `core.ports.Credentials`."""
        if _own_keys(credential) is not None:
            return refused("the configured keys are refused, and there are no others")
        held = self._of(provider, credential)
        now_s = self._clock.now()
        if held.access is not None and held.access != refused_access:
            return held.access  # another request has had it made anew
        if held.making is None and now_s - held.made_s < FRESH_S:
            return refused("what was made just now is refused already")
        held.access = None
        outcome = await self._wait(self._make(held, provider, credential), wait)
        return refused("what was refused is all there is") if outcome == refused_access else outcome

    def keep_only(self, providers: Collection[Provider]) -> None:
        """Forget what belongs to credentials that are no longer configured, or to a provider that has moved."""
        self._kept = {(each.name, credential.id): each for each in providers for credential in each.credentials}
        self._held = {key: held for key, held in self._held.items() if self._is_kept(key, held.provider)}

    async def aclose(self) -> None:
        """End what is being made; a thread that still waits for a cloud is left to its own timeout."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _of(self, provider: Provider, credential: Credential) -> _Held:
        # By name and id: a reload makes the objects anew, and what is valid stays so.
        key = (provider.name, credential.id)
        if not self._is_kept(key, provider):  # asked for by a request from before a reload: for that one alone
            return _Held(provider)
        return self._held.setdefault(key, _Held(provider))

    def _is_kept(self, key: tuple[str, str], provider: Provider) -> bool:
        if self._kept is None:
            return True
        kept = self._kept.get(key)
        return kept is provider or (kept is not None and not has_moved(provider, kept))

    def _make(self, held: _Held, provider: Provider, credential: Credential) -> asyncio.Task[Access | Failure]:
        """Begin a making, or join the one under way."""
        if held.making is None:
            held.making = asyncio.get_running_loop().create_task(self._made(held, provider, credential))
            self._tasks.add(held.making)
            held.making.add_done_callback(self._tasks.discard)
        return held.making

    async def _made(self, held: _Held, provider: Provider, credential: Credential) -> Access | Failure:
        self.made += 1
        try:
            outcome = await self._issue(provider, credential)
        finally:
            held.making = None
        now_s = self._clock.now()
        if isinstance(outcome, Failure):
            if held.failure is None:  # once an episode
                _LOG.warning("provider %s, credential %s: %s", provider.name, credential.name, outcome.detail)
            held.failure, held.retry_s = outcome, now_s + RETRY_S
            return outcome
        ends_s = inf if outcome.expires_at_s is None else outcome.expires_at_s
        held.access, held.made_s, held.failure, held.retry_s = outcome, now_s, None, -inf
        held.renew_s = now_s + max(ends_s - now_s - EARLY_S, (ends_s - now_s) / 2)
        return outcome

    async def _issue(self, provider: Provider, credential: Credential) -> Access | Failure:
        assert credential.account is not None
        ask = Ask(credential.account, network_of(provider), self._clock.now(), self._clock.wall())
        issuer = self._issuers[type(ask.account)]
        try:
            with fail_after(self._make_s):
                return await to_thread.run_sync(issuer, ask, abandon_on_cancel=True, limiter=self._limiter)
        except TimeoutError:
            return late()
        except ImportError:
            return refused(install_hint(EXTRAS[type(ask.account)]))
        except Exception as error:  # the top of a task: a library's own fault is one of this credential alone
            # Without a traceback, whose lines may quote what the library was given.
            return refused(f"the library failed ({type(error).__name__})")

    async def _wait(self, task: asyncio.Task[Access | Failure], wait: Wait) -> Access | Failure:
        """Wait for a making, as long as the attempt may; it goes on for the next."""
        await asyncio.wait((task,), timeout=max(0.0, wait.until_s - self._clock.now()))
        return task.result() if task.done() and not task.cancelled() else late(wait.kind)


def _own_keys(credential: Credential) -> Access | None:
    return credential.account.keys if isinstance(credential.account, AwsAccount) else None


def _valid(held: _Held, now_s: float) -> Access | None:
    access = held.access
    if access is None or access.expires_at_s is None:
        return access
    return access if now_s < access.expires_at_s - LAST_S else None
