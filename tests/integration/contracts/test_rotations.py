"""DESIGN.md section 4, "Rotation": who goes first inside one priority, and when a sticky pointer moves."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from proxy.core.health import CandidateId, Slot
from tests.fakes.clock import ShiftedClock
from tests.fakes.gateway import RunningGateway
from tests.fakes.rawserver import Handler, Peer
from tests.integration.contracts.scene import BROKEN, LIMITED, Witness, ask, model, providers, refused, said, scene

NAMES = ("a", "b", "c")
ADMIN = "admin-token-0123456789"


def rotating(rotation: str, *rows: str) -> str:
    """A model whose candidates have one priority; each row is what the candidate's table says beside its provider."""
    named = [f'{{ provider = "{name}", model = "up"{row} }}' for name, row in zip(NAMES, rows, strict=False)]
    return (
        f'[auth]\nmode = "none"\nadmin_token = "{ADMIN}"\n'
        + providers(*NAMES[: len(rows)])
        + f'[models.m]\nrotation = "{rotation}"\ncandidates = [{", ".join(named)}]\n'
    )


async def served_by(gateway: RunningGateway, count: int) -> str:
    """Who served so many requests, one after the other."""
    return "".join([(await ask(gateway)).headers["x-fairlead-provider"] for _ in range(count)])


def pointer(gateway: RunningGateway) -> str | None:
    found: CandidateId | None = gateway.parts.state.view.pointers.get(Slot("m", 1))
    return found.provider if found else None


def slowly(answer: bytes, delay_s: float) -> Handler:
    async def handle(peer: Peer) -> None:
        while True:
            await peer.request()
            await asyncio.sleep(delay_s)
            await peer.send(answer)

    return handle


async def test_sticky_stays_and_moves_on_a_limit_for_good() -> None:
    clock = ShiftedClock()
    a = Witness(said(), said(), LIMITED, said())
    async with scene(rotating("sticky", "", "", ""), clock=clock, a=a, b=Witness(said()), c=Witness(said())) as gateway:
        served = await served_by(gateway, 4)
        clock.advance(60)
        served += await served_by(gateway, 2)
    assert served == "aabbbb"


async def test_sticky_goes_round() -> None:
    clock = ShiftedClock()
    a, b, c = (Witness(said(), LIMITED, said()) for _ in NAMES)
    async with scene(rotating("sticky", "", "", ""), clock=clock, a=a, b=b, c=c) as gateway:
        served = ""
        for _ in range(4):
            served += await served_by(gateway, 2)
            clock.advance(60)
    assert served == "abcaaaaa"


MOVES = [
    pytest.param(LIMITED, True, id="limit"),
    pytest.param(refused(429, "on requests per day (RPD)", code="rate_limit_exceeded"), True, id="quota"),
    pytest.param(refused(402, "no credit"), True, id="billing"),
    pytest.param(refused(401, "bad key"), True, id="auth"),
    pytest.param(BROKEN, False, id="one-failure"),
    pytest.param(refused(529, "busy"), False, id="one-overload"),
    pytest.param(refused(403, "not this model"), False, id="permission"),
    pytest.param(refused(404, "no such model", code="model_not_found"), False, id="model-missing"),
    pytest.param(refused(409, "conflict"), False, id="conflict"),
    pytest.param(refused(400, "odd"), False, id="rejected"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", False, id="protocol"),
]


@pytest.mark.parametrize(("answer", "moves"), MOVES)
async def test_only_some_causes_move_the_pointer(answer: bytes, moves: bool) -> None:
    toml = rotating("sticky", "", "").replace(
        '[providers.b]\nkind = "openai_compatible"', '[providers.b]\nkind = "deepseek"'
    )
    async with scene(toml, a=Witness(answer), b=Witness(said())) as gateway:
        heard = await ask(gateway)
        assert (heard.status, heard.headers["x-fairlead-provider"]) == (200, "b")
        assert pointer(gateway) == ("b" if moves else None)


async def test_breaker_that_opens_moves_the_pointer() -> None:
    async with scene(rotating("sticky", "", ""), a=Witness(BROKEN), b=Witness(said())) as gateway:
        assert await served_by(gateway, 2) == "bb"
        assert pointer(gateway) is None
        await ask(gateway)
        assert pointer(gateway) == "b"


async def test_pointer_stays_while_another_credential_is_left() -> None:
    toml = rotating("sticky", "", "").replace('api_key = "sk-of-a"', 'api_keys = ["one", "two"]')
    async with scene(toml, a=Witness(LIMITED, said(), LIMITED), b=Witness(said())) as gateway:
        assert (await ask(gateway)).trail == "a=rate_limited;a=ok"
        assert pointer(gateway) is None
        assert (await ask(gateway)).trail == "a=rate_limited;b=ok"
        assert pointer(gateway) == "b"


async def test_pointer_stays_where_nobody_is_free() -> None:
    clock = ShiftedClock()
    b = Witness(LIMITED, said())
    async with scene(rotating("sticky", "", ""), clock=clock, a=Witness(said(), LIMITED, said()), b=b) as gateway:
        assert await served_by(gateway, 1) == "a"
        assert (await ask(gateway)).status == 429
        assert pointer(gateway) == "b"  # it was free when `a` was limited, and nobody was when it was limited itself
        clock.advance(60)
        assert await served_by(gateway, 2) == "bb"


@pytest.mark.parametrize("stream", [pytest.param(True, id="stream"), pytest.param(False, id="whole")])
async def test_a_hundred_failures_in_flight_move_the_pointer_once(stream: bool) -> None:
    arrived = asyncio.Semaphore(0)
    failing = asyncio.Event()

    async def fail_together(peer: Peer) -> None:
        await peer.request()
        arrived.release()
        await failing.wait()
        await peer.send(LIMITED)
        await peer.gone()

    toml = rotating("sticky", "", "", "")
    async with scene(toml, a=fail_together, b=Witness(said()), c=Witness(said())) as gateway:
        requests = [asyncio.create_task(ask(gateway, stream=stream)) for _ in range(100)]
        for _ in requests:
            await arrived.acquire()
        failing.set()
        trails = Counter([heard.trail for heard in await asyncio.gather(*requests)])
        assert trails == {"a=rate_limited;b=ok": 100}
        assert pointer(gateway) == "b"
        assert gateway.metric("failovers_total", from_provider="a", to_provider="b", reason="rate_limited") == 100


async def test_operator_reads_advances_and_resets_the_pointer() -> None:
    async with scene(
        rotating("sticky", "", "", ""), a=Witness(said()), b=Witness(said()), c=Witness(said())
    ) as gateway:
        served = await served_by(gateway, 1)
        await _admin(gateway, "advance", {"model": "m"})
        served += await served_by(gateway, 2)
        await _admin(gateway, "advance", {"model": "m", "priority": 1})
        served += await served_by(gateway, 1)
        await _admin(gateway, "disable", {"provider": "c"})
        served += await served_by(gateway, 1)
        await _admin(gateway, "enable", {"provider": "c"})
        served += await served_by(gateway, 1)
        await _admin(gateway, "reset", {})
        served += await served_by(gateway, 1)
    assert served == "abbcaca"


async def test_round_robin_takes_turns_and_skips_who_is_set_aside() -> None:
    clock = ShiftedClock()
    b = Witness(said(), LIMITED, said())
    toml = rotating("round_robin", "", "", "")
    async with scene(toml, clock=clock, a=Witness(said()), b=b, c=Witness(said())) as gateway:
        assert await served_by(gateway, 4) == "abca"
        assert (await ask(gateway)).trail == "b=rate_limited;c=ok"
        rest = Counter(await served_by(gateway, 6))
        clock.advance(33)
        await ask(gateway)
        back = Counter(await served_by(gateway, 6))
    assert rest == {"a": 3, "c": 3}
    assert back == {"a": 2, "b": 2, "c": 2}


async def test_model_takes_its_turns_whatever_it_is_a_fallback_of() -> None:
    spare = '[models.spare]\nrotation = "round_robin"\nproviders = ["b", "c"]\nmodel = "up"\n'
    toml = providers(*NAMES) + model("a", more='fallbacks = ["spare"]') + spare
    async with scene(toml, a=Witness(said()), b=Witness(said()), c=Witness(said())) as gateway:
        served = [(await ask(gateway, name)).headers["x-fairlead-provider"] for name in ("spare", "m") * 4]
    assert "".join(served[::2]) == "bcbc"


async def test_overflow_of_a_limit_takes_turns_in_the_next_priority() -> None:
    """At twice its pace, every other request."""
    clock = ShiftedClock()
    rows = ", ".join(
        f'{{ provider = "{name}", model = "up", priority = {priority} }}'
        for name, priority in (("a", 1), ("b", 2), ("c", 2))
    )
    limited = providers(*NAMES).replace("[providers.b]", "limits = { rpm = 1 }\n[providers.b]")
    toml = limited + f'[models.m]\nrotation = "round_robin"\ncandidates = [{rows}]\n'
    served = ""
    async with scene(toml, clock=clock, a=Witness(said()), b=Witness(said()), c=Witness(said())) as gateway:
        for _ in range(4):
            served += await served_by(gateway, 2)
            clock.advance(60)
    assert served == "abacabac"


async def test_weighted_is_smooth_and_deterministic() -> None:
    toml = rotating("weighted", ", weight = 4", ", weight = 2", ", weight = 1")
    async with scene(toml, a=Witness(said()), b=Witness(said()), c=Witness(said())) as gateway:
        first, second = await served_by(gateway, 7), await served_by(gateway, 7)
    assert first == second == "abacaba"


@pytest.mark.parametrize(
    ("weights", "shares"),
    [pytest.param(("", ""), (4, 4), id="equal"), pytest.param((", weight = 3", ""), (6, 2), id="three-to-one")],
)
async def test_least_busy_counts_requests_in_flight_by_weight(
    weights: tuple[str, str], shares: tuple[int, int]
) -> None:
    slow = slowly(said(), 0.1)
    async with scene(rotating("least_busy", *weights), a=slow, b=slow) as gateway:
        served = Counter(
            [heard.headers["x-fairlead-provider"] for heard in await asyncio.gather(*map(ask, [gateway] * 8))]
        )
    assert (served["a"], served["b"]) == shares


async def test_lowest_latency_measures_everyone_and_keeps_to_the_quickest() -> None:
    toml = rotating("lowest_latency", "", "", "")
    slow = slowly(said(), 0.03)
    async with scene(toml, a=slow, b=Witness(said()), c=slow) as gateway:
        first = Counter(await served_by(gateway, 3))
        then = Counter(await served_by(gateway, 40))
    assert set(first) | set(then) == {"a", "b", "c"}
    assert then["b"] >= 28  # about one in twenty explores, and an exploration may have replaced a first measurement


PRICES = """
[prices."a/up"]
input_usd_per_mtok = 2
output_usd_per_mtok = 2
[prices."b/up"]
input_usd_per_mtok = 1
output_usd_per_mtok = 1
"""


@pytest.mark.parametrize(
    ("multiplier", "order"),
    [pytest.param(1, "bac", id="price"), pytest.param(3, "abc", id="multiplier"), pytest.param(0, "bac", id="free")],
)
async def test_lowest_cost_goes_by_price_and_multiplier_unpriced_last(multiplier: int, order: str) -> None:
    toml = rotating("lowest_cost", "", "", "").replace(
        "[providers.b]", f"[providers.b]\ncost_multiplier = {multiplier}"
    )
    async with scene(toml + PRICES, a=Witness(BROKEN), b=Witness(BROKEN), c=Witness(BROKEN)) as gateway:
        heard = await ask(gateway)
    assert heard.trail == ";".join(f"{name}=server_error" for name in order)


@pytest.mark.parametrize(
    "rotation", ["sticky", "round_robin", "weighted", "least_busy", "lowest_latency", "lowest_cost"]
)
async def test_lower_priority_serves_while_the_higher_cools_and_traffic_returns(rotation: str) -> None:
    clock = ShiftedClock()
    rows = ", ".join(
        f'{{ provider = "{name}", model = "up", priority = {priority} }}'
        for name, priority in (("a", 1), ("b", 1), ("c", 2))
    )
    toml = providers(*NAMES) + f'[models.m]\nrotation = "{rotation}"\ncandidates = [{rows}]\n'
    a, b = Witness(LIMITED, said()), Witness(LIMITED, said())
    async with scene(toml, clock=clock, a=a, b=b, c=Witness(said())) as gateway:
        served = await served_by(gateway, 3)
        clock.advance(33)
        returned = await served_by(gateway, 4)
    assert served == "ccc"
    assert set(returned) <= {"a", "b"}


@pytest.mark.parametrize(
    "rotation", ["sticky", "round_robin", "weighted", "least_busy", "lowest_latency", "lowest_cost"]
)
async def test_order_that_is_explained_is_the_order_that_is_tried(rotation: str) -> None:
    toml = rotating(rotation, ", weight = 2", "", ", weight = 5") + PRICES
    async with scene(toml, a=Witness(BROKEN), b=Witness(BROKEN), c=Witness(BROKEN)) as gateway:
        answer = await gateway.client.get(
            "/admin/explain", params={"model": "m"}, headers={"authorization": f"Bearer {ADMIN}"}
        )
        explained = [row["provider"] for row in answer.json()["candidates"]]
        heard = await ask(gateway)
    tried = [step.partition("=")[0] for step in heard.trail.split(";")]
    if rotation == "lowest_latency":  # one request in twenty explores
        assert sorted(explained) == sorted(tried)
    else:
        assert explained == tried


async def _admin(gateway: RunningGateway, action: str, body: dict[str, object]) -> None:
    answer = await gateway.client.post(
        f"/admin/state/{action}", json=body, headers={"authorization": f"Bearer {ADMIN}"}
    )
    assert answer.status_code == 200, answer.text
