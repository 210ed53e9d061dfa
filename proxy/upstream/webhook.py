"""Delivers operator alerts to the webhook of `[alerts]`: one at a time, in order, apart from any request's way.

`put` only queues. What the receiver does not take is tried again for about a minute (`telemetry.alerts.retry_in_s`) and
then given up; every alert is in the log anyway. Follows no redirect, uses no proxy of the environment, and shows the
URL to nobody: it may hold a token. Where no webhook is configured, httpx is not even imported.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from anyio import fail_after, to_thread

from proxy.core.ports import Clock
from proxy.core.snapshot import Alerts
from proxy.telemetry.alerts import Posted, is_delivered, retry_in_s, signed_headers
from proxy.upstream.tls import TlsSettings, make_context

if TYPE_CHECKING:
    import httpx

_LOG = logging.getLogger("fairlead.alerts")

CONNECT_S = 5.0
ANSWER_S = 10.0  # for each read and write
DELIVERY_S = 15.0  # for one try as a whole
CAPACITY = 1_000
SAID_BYTES = 1_024  # of the receiver's answer


class Delivery(NamedTuple):
    """What came of one try. `status` is None where no answer came; then `said` is why."""

    status: int | None
    said: str


class Webhook:
    """Queues and delivers. `put` and `run` belong to the event loop's thread.

    Attributes:
        dropped: Alerts that made room for newer ones.
        failed: Alerts that were given up.
    """

    def __init__(
        self,
        settings: Callable[[], Alerts],
        clock: Clock,
        capacity: int = CAPACITY,
        delivery_s: float = DELIVERY_S,
    ) -> None:
        self.dropped = 0
        self.failed = 0
        self._settings = settings
        self._clock = clock
        self._capacity = capacity
        self._delivery_s = delivery_s
        self._waiting: deque[Posted] = deque()
        self._filled = asyncio.Event()
        self._client: httpx.AsyncClient | None = None

    def put(self, alert: Posted) -> None:
        """Queue an alert; the oldest goes where there is no room."""
        if not self._settings().webhook_url:
            return
        if len(self._waiting) >= self._capacity:
            self._waiting.popleft()
            self.dropped += 1
            _LOG.warning("an alert was dropped before it could be delivered; %d so far", self.dropped)
        self._waiting.append(alert)
        self._filled.set()

    async def run(self) -> None:
        """Deliver alerts as they come, until cancelled."""
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                while self._waiting:
                    await self._deliver(self._waiting.popleft())
        finally:
            if self._client is not None:
                client, self._client = self._client, None
                await client.aclose()

    async def _deliver(self, alert: Posted) -> None:
        tries = 0
        while True:
            tries += 1
            settings = self._settings()
            if not settings.webhook_url:  # taken out of the configuration meanwhile
                return
            try:
                if self._client is None:
                    self._client = await to_thread.run_sync(make_client)
                delivery = await deliver(self._client, settings, alert, self._clock.wall(), self._delivery_s)
            except Exception:  # the top of a background task: the next alert may fare better
                _LOG.exception("an alert could not be delivered")
                self.failed += 1
                return
            if is_delivered(delivery.status):
                return
            delay_s = retry_in_s(delivery.status, tries)
            if delay_s is None:
                self._give_up(alert, delivery, tries)
                return
            await self._clock.sleep(delay_s)

    def _give_up(self, alert: Posted, delivery: Delivery, tries: int) -> None:
        self.failed += 1
        outcome = delivery.said if delivery.status is None else f"status {delivery.status}"
        _LOG.error("an alert (%s) could not be delivered to the webhook in %d tries: %s", alert.event, tries, outcome)


def make_client() -> httpx.AsyncClient:
    """Make the client. Importing httpx and reading the trust store take long: not on the event loop's thread."""
    import httpx

    return httpx.AsyncClient(
        verify=make_context(TlsSettings(None, None)),
        timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
        limits=httpx.Limits(max_keepalive_connections=0),  # alerts come hours apart; a kept connection would be stale
        follow_redirects=False,
        trust_env=False,
    )


async def deliver(
    client: httpx.AsyncClient, settings: Alerts, alert: Posted, wall_s: float, within_s: float = DELIVERY_S
) -> Delivery:
    """Send an alert once. Of the answer no more than `SAID_BYTES` are read.

    Args:
        wall_s: Unix time; it is signed with the body.
    """
    import httpx

    assert settings.webhook_url is not None
    secret = settings.secret.reveal() if settings.secret else None
    headers = signed_headers(secret, alert.body, wall_s)
    status, said = None, b""
    try:
        with fail_after(within_s):
            async with client.stream(
                "POST", settings.webhook_url.reveal(), content=alert.body, headers=headers
            ) as response:
                status = response.status_code
                async for piece in response.aiter_raw():
                    said += piece
                    if len(said) >= SAID_BYTES:
                        break
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        if status is None:
            is_late = isinstance(error, httpx.TimeoutException | TimeoutError)
            return Delivery(None, "no answer in time" if is_late else f"not reached ({type(error).__name__})")
    return Delivery(status, said[:SAID_BYTES].decode("utf-8", "replace"))
