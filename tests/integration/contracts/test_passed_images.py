"""Images pass as they came: whole, and in parts as events."""

from __future__ import annotations

import json

import pytest

from proxy.core.usage import Usage
from tests.integration.contracts.ledger import kept
from tests.integration.contracts.passed import COMPLETE, IMAGE_USAGE, PARTIAL, PICTURE, document, event, events, post
from tests.integration.contracts.scene import TWO, Witness, scene


async def test_images_are_relayed_whole_with_their_usage_and_no_invented_cost() -> None:
    a = Witness(document({**PICTURE, "usage": IMAGE_USAGE}), document(PICTURE))
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        ledger = kept(gateway)
        reported = await post(gateway, "/v1/images/generations", prompt="a cat", n=1)
        record = ledger.closed
        ledger.told.clear()
        await post(gateway, "/v1/images/generations", prompt="a cat")
        unreported = ledger.closed
        assert gateway.metric("unpriced_requests_total", provider="a", model="m") == 2
        assert gateway.metric("requests_total", endpoint="images", model="m", status="200") == 2
    assert reported.json()["data"] == PICTURE["data"]
    assert a.bodies[0] == {"model": "up", "prompt": "a cat", "n": 1}
    assert (record.usage, record.cost_nusd) == (Usage(5, 9), None)
    assert (unreported.usage, unreported.cost_nusd) == (Usage(estimated=True), None)
    assert "x-fairlead-cost-usd" not in reported.headers


async def test_partial_images_pass_as_events_and_end_with_the_last() -> None:
    a = Witness(events(PARTIAL, COMPLETE) + b"0\r\n\r\n")
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        ledger = kept(gateway)
        answer = await post(gateway, "/v1/images/generations", prompt="a cat", stream=True)
    assert answer.content == PARTIAL + COMPLETE
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert a.bodies == [{"model": "up", "prompt": "a cat", "stream": True}]
    assert ledger.closed.usage == Usage(5, 9)


async def test_partial_images_without_a_last_one_end_in_an_error_event() -> None:
    async with scene(TWO, a=Witness(events(PARTIAL) + b"0\r\n\r\n"), b=Witness(b"")) as gateway:
        answer = await post(gateway, "/v1/images/generations", prompt="a cat", stream=True)
    assert answer.content.startswith(PARTIAL)
    assert json.loads(answer.content[len(PARTIAL) :].removeprefix(b"data: "))["error"]["code"] == "upstream_truncated"


@pytest.mark.parametrize(
    ("code", "trail"),
    [
        pytest.param("rate_limit_exceeded", "a=rate_limited;b=ok", id="refused"),
        pytest.param("server_error", "a=server_error", id="perhaps-begun"),
    ],
)
async def test_error_before_the_first_image_is_no_stream(code: str, trail: str) -> None:
    failed = events(event("error", error={"message": "no", "type": "x", "code": code}))
    b = Witness(events(PARTIAL, COMPLETE) + b"0\r\n\r\n")
    async with scene(TWO, a=Witness(failed + b"0\r\n\r\n"), b=b) as gateway:
        answer = await post(gateway, "/v1/images/generations", prompt="a cat", stream=True)
    assert answer.headers["x-fairlead-trail"] == trail
