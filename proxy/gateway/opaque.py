"""Answers whose bytes pass as they come: recordings and the contents of files.

They commit at their first byte. One that cannot be finished has no place for an error: the client's connection is
dropped, so that a part never passes for the whole.
"""

from __future__ import annotations

from proxy.gateway.attempts import finish
from proxy.gateway.bytesreader import BytesReader
from proxy.gateway.relay import Delivery, Pump, deliver, give_up
from proxy.gateway.replyheaders import reply_lines
from proxy.gateway.spending import settle
from proxy.telemetry.metrics import OK


async def deliver_bytes(delivery: Delivery) -> None:
    """Send a reply to the client, to its end or to where it broke off."""
    reply, account, downstream = delivery.reply, delivery.account, delivery.downstream
    if not isinstance(reply.reader, BytesReader):
        return await deliver(delivery)
    account.committed(reply.send.planned.candidate, reply.status, delivery.engine.clock.now())
    await downstream.begin(reply.status, reply_lines(delivery.snapshot, account, reply.headers))
    try:
        failure = await Pump(delivery, reply.reader).run()
    finally:
        account.usage = reply.reader.usage
    if failure is not None:
        return await give_up(delivery, failure)
    account.close(OK)
    finish(delivery.engine, delivery.snapshot, delivery.grant)
    await downstream.end()
    settle(account)
