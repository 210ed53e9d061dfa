"""`fairlead alerts`: whether the webhook for operator alerts works."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer

from proxy.cli import options
from proxy.cli.configuration import load
from proxy.cli.refusal import Refusal

if TYPE_CHECKING:
    from proxy.core.snapshot import Alerts
    from proxy.upstream.webhook import Delivery

app = typer.Typer(help="Operator alerts by webhook.", no_args_is_help=True)

MEANINGS = {
    401: "the receiver wants to know who sends: check webhook_url and secret",
    403: "the receiver does not let this in: check webhook_url and secret",
    404: "nothing is there: check webhook_url",
}


@app.callback()
def group() -> None:
    """Keep `test` a command of its own: typer would merge a lone command into its group."""


@app.command()
def test(config: options.Config = None) -> None:
    """Send one test alert to the webhook of the configuration and print what came back; exit code 2 if it fails."""
    from proxy.telemetry.redact import Redactor

    snapshot = load(config)
    if not snapshot.alerts.webhook_url:
        raise Refusal("no webhook is configured: set webhook_url in [alerts]")
    redact = Redactor()
    redact.learn(snapshot)
    place = _place(snapshot.alerts.webhook_url.reveal())
    began_s = time.monotonic()
    delivery = _send(snapshot.alerts)
    said = redact("".join(letter if letter.isprintable() else " " for letter in delivery.said)).strip()
    answer = _describe(delivery, place, f"after {time.monotonic() - began_s:.2f} s", said)
    signed = "signed" if snapshot.alerts.secret else "not signed: set secret in [alerts]"
    typer.echo(f"{answer}\nThe test alert was delivered, {signed}.")


def _describe(delivery: Delivery, place: str, took: str, said: str) -> str:
    """Say what came back.

    Raises:
        Refusal: The alert was not delivered.
    """
    from proxy.telemetry.alerts import is_delivered

    if delivery.status is None:
        raise Refusal(f"{place}: {said} {took}; check webhook_url, and that the receiver runs")
    answer = f"{place}: status {delivery.status} {took}" + (f": {said}" if said else "")
    if not is_delivered(delivery.status):
        raise Refusal(f"{answer}; {_meaning(delivery.status)}")
    return answer


def _send(alerts: Alerts) -> Delivery:
    import asyncio
    from uuid import uuid4

    from proxy.telemetry.alerts import TEST_ALERT, posted
    from proxy.upstream.webhook import deliver, make_client

    async def send() -> Delivery:
        wall_s = time.time()
        async with make_client() as client:
            return await deliver(client, alerts, posted(TEST_ALERT, uuid4().hex, wall_s), wall_s)

    return asyncio.run(send())


def _place(url: str) -> str:
    """The host alone: the rest of a webhook's URL is often its secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _meaning(status: int) -> str:
    if 300 <= status < 400:
        return "redirects are not followed: put the final address into webhook_url"
    return MEANINGS.get(status, "the receiver did not take it")
