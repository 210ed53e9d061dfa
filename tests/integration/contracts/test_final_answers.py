"""DESIGN.md section 3: what a client is told when no candidate succeeded. The first row that fits wins."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from tests.fakes.clock import ShiftedClock
from tests.fakes.rawserver import Handler, Peer, silence
from tests.integration.contracts.scene import Witness, ask, model, post, providers, refused, said, scene

HASTY = "timeouts = { response_s = 0.3 }\n"
TWO = providers("a", "b", more=HASTY) + model("a", "b")

INVALID = refused(400, "'tools' is wrong", code="string_above_max_length", param="tools", type="invalid_request_error")
POLICY = refused(400, "refused by policy", code="content_filter")
LIMITED = refused(429, "slow down", b"Retry-After: 20", code="rate_limit_exceeded")
LATER = refused(429, "slow down", b"Retry-After: 40", code="rate_limit_exceeded")
MUCH_LATER = refused(429, "slow down", b"Retry-After: 600", code="rate_limit_exceeded")
NEXT_DAY = refused(429, "on requests per day (RPD)", b"Retry-After: 80000", code="rate_limit_exceeded")
DEAD_KEY = refused(401, "bad key", code="invalid_api_key")
NO_CREDIT = refused(402, "no credit")
TOO_LONG = refused(400, "maximum context length is 8 tokens", code="context_length_exceeded")
MISSING = refused(404, "no such model", code="model_not_found")
FORBIDDEN = refused(403, "not this model")
BROKEN = refused(500, "oops")


@dataclass(frozen=True, slots=True)
class Final:
    """What the client is told; `retry_after_s` are bounds, since stated times get up to 5 % added."""

    status: int
    code: str | None
    retry_after_s: tuple[int, int] | None = None
    should_retry: str | None = "false"
    says: str = ""


OF_ALL_LIMITED = "Retry after the time in Retry-After"

FIRST_ANSWERS = [
    pytest.param(INVALID, BROKEN, Final(400, "string_above_max_length", says="'tools' is wrong"), id="clients-fault"),
    pytest.param(POLICY, BROKEN, Final(400, "content_filter", says="refused by policy"), id="content-policy"),
    pytest.param(LIMITED, INVALID, Final(400, "string_above_max_length"), id="clients-fault-before-limits"),
    pytest.param(BROKEN, POLICY, Final(400, "content_filter"), id="clients-fault-after-a-failure"),
    pytest.param(
        LATER, LIMITED, Final(429, "rate_limit_exceeded", (20, 21), None, OF_ALL_LIMITED), id="limited-earliest"
    ),
    pytest.param(
        LIMITED, NEXT_DAY, Final(429, "rate_limit_exceeded", (20, 21), None, OF_ALL_LIMITED), id="limit-and-quota"
    ),
    pytest.param(
        MUCH_LATER, MUCH_LATER, Final(429, "rate_limit_exceeded", (600, 602), says=OF_ALL_LIMITED), id="long-limit"
    ),
    pytest.param(NEXT_DAY, NEXT_DAY, Final(429, "rate_limit_exceeded", (3600, 3600)), id="quota-of-a-day"),
    pytest.param(
        DEAD_KEY,
        NO_CREDIT,
        Final(502, "upstream_credentials_exhausted", says="operator must renew"),
        id="refused-credentials",
    ),
    pytest.param(LIMITED, DEAD_KEY, Final(502, "upstream_error"), id="limit-and-refused-credential"),
    pytest.param(TOO_LONG, TOO_LONG, Final(400, "context_length_exceeded", says="maximum context"), id="too-long"),
    pytest.param(BROKEN, TOO_LONG, Final(400, "context_length_exceeded", says="maximum context"), id="broken-too-long"),
    pytest.param(LIMITED, TOO_LONG, Final(400, "context_length_exceeded"), id="limited-too-long"),
    pytest.param(MISSING, MISSING, Final(404, "model_not_found", says="operator should check"), id="missing"),
    pytest.param(MISSING, DEAD_KEY, Final(502, "upstream_error"), id="missing-and-refused"),
    pytest.param(FORBIDDEN, FORBIDDEN, Final(502, "upstream_error", says="again"), id="permission"),
    pytest.param(BROKEN, BROKEN, Final(502, "upstream_error", says="again"), id="broken"),
    pytest.param(BROKEN, None, Final(504, "upstream_timeout", says="again"), id="broken-then-silent"),
    pytest.param(None, BROKEN, Final(502, "upstream_error"), id="silent-then-broken"),
    pytest.param(LIMITED, None, Final(504, "upstream_timeout"), id="limited-then-silent"),
]


@pytest.mark.parametrize(("first", "second", "final"), FIRST_ANSWERS)
async def test_answer_after_a_send_is_the_first_row_that_fits(
    first: bytes | None, second: bytes | None, final: Final
) -> None:
    handlers: list[Handler] = [silence() if answer is None else Witness(answer) for answer in (first, second)]
    async with scene(TWO, a=handlers[0], b=handlers[1]) as gateway:
        heard = await ask(gateway)
    assert (heard.status, heard.error["code"]) == (final.status, final.code)
    assert final.says in heard.error["message"]
    assert heard.headers.get("x-should-retry") == final.should_retry
    _check_retry_after(heard.headers.get("retry-after"), final)


SECOND_ANSWERS = [
    pytest.param(LATER, LIMITED, Final(429, "rate_limit_exceeded", (20, 21), None), id="limited"),
    pytest.param(MUCH_LATER, MUCH_LATER, Final(429, "rate_limit_exceeded", (600, 602), None), id="long-limit"),
    pytest.param(NEXT_DAY, LATER, Final(429, "rate_limit_exceeded", (40, 42), None), id="limit-and-quota"),
    pytest.param(DEAD_KEY, NO_CREDIT, Final(502, "upstream_credentials_exhausted", None, None), id="refused"),
    pytest.param(MISSING, MISSING, Final(404, "model_not_found", None, None), id="missing"),
    pytest.param(FORBIDDEN, FORBIDDEN, Final(503, "no_upstream_available", (599, 600), None), id="permission"),
    pytest.param(LIMITED, DEAD_KEY, Final(503, "no_upstream_available", (20, 21), None), id="limit-and-refused"),
    pytest.param(
        MISSING, FORBIDDEN, Final(503, "no_upstream_available", (599, 600), None), id="missing-and-permission"
    ),
]


@pytest.mark.parametrize(("first", "second", "final"), SECOND_ANSWERS)
async def test_answer_without_a_send_is_told_by_what_is_set_aside(first: bytes, second: bytes, final: Final) -> None:
    a, b = Witness(first), Witness(second)
    async with scene(TWO, a=a, b=b) as gateway:
        await ask(gateway)
        heard = await ask(gateway)
    assert (a.calls, b.calls) == (1, 1)
    assert heard.headers["x-fairlead-attempts"] == "0"
    assert (heard.status, heard.error["code"]) == (final.status, final.code)
    assert heard.headers.get("x-should-retry") == final.should_retry
    _check_retry_after(heard.headers.get("retry-after"), final)


def _check_retry_after(found: str | None, final: Final) -> None:
    if final.retry_after_s is None:
        assert found is None
        return
    assert found is not None
    assert final.retry_after_s[0] <= int(found) <= final.retry_after_s[1]


@pytest.mark.parametrize(
    ("stated", "bounds", "should_retry"),
    [
        pytest.param("2.1", (3, 3), None, id="rounded-up"),
        pytest.param("57", (57, 60), None, id="at-most-a-minute"),
        pytest.param("60.5", (61, 63), "false", id="over-a-minute"),
        pytest.param("3599", (3600, 3600), "false", id="hour"),
    ],
)
async def test_retry_after_is_whole_seconds_rounded_up(
    stated: str, bounds: tuple[int, int], should_retry: str | None
) -> None:
    limited = refused(429, "slow down", b"Retry-After: " + stated.encode())
    async with scene(providers("a") + model("a"), a=Witness(limited)) as gateway:
        heard = await ask(gateway)
    assert heard.status == 429
    assert bounds[0] <= int(heard.headers["retry-after"]) <= bounds[1]
    assert heard.headers.get("x-should-retry") == should_retry


async def test_provider_at_its_own_limit_counts_as_limited() -> None:
    toml = providers("a", more="limits = { rpm = 1 }\n") + providers("b") + model("a", "b")
    a, b = Witness(said()), Witness(MUCH_LATER)
    async with scene(toml, a=a, b=b) as gateway:
        assert (await ask(gateway)).status == 200
        heard = await ask(gateway)
    assert (a.calls, b.calls) == (1, 1)
    assert (heard.status, heard.error["code"]) == (429, "rate_limit_exceeded")
    assert 59 <= heard.retry_after_s <= 60  # the limit's next minute comes before the stated ten
    assert "x-should-retry" not in heard.headers


async def test_recovery_counts_as_one_second_while_a_probe_runs() -> None:
    clock, refusing = ShiftedClock(), Witness(refused(403, "not this model", b"Connection: close"))
    probed = asyncio.Event()

    async def forbid_then_think(peer: Peer) -> None:
        if peer.number == 1:
            return await refusing(peer)
        await peer.request()
        probed.set()
        await peer.gone()

    async with scene(providers("a") + model("a"), clock=clock, a=forbid_then_think) as gateway:
        await ask(gateway)
        clock.advance(601)
        probe = asyncio.create_task(ask(gateway))
        await asyncio.wait_for(probed.wait(), 5)
        heard = await ask(gateway)
        probe.cancel()
    assert (heard.status, heard.error["code"], heard.retry_after_s) == (503, "no_upstream_available", 1)


@pytest.mark.parametrize("stream", [pytest.param(True, id="stream"), pytest.param(False, id="whole")])
async def test_clients_fault_keeps_the_upstreams_fields_in_at_most_four_kilobytes(stream: bool) -> None:
    long = "wrong words " * 4_000
    upstream = Witness(refused(422, long, code="string_above_max_length", param="p" * 5_000, type="t" * 5_000))
    async with scene(providers("a") + model("a"), a=upstream) as gateway:
        heard = await ask(gateway, stream=stream)
    error = heard.error
    assert heard.status == 422
    assert error["code"] == "string_above_max_length"
    assert error["message"].startswith("wrong words wrong words")
    assert sum(len(value or "") for value in error.values()) <= 4096
    assert heard.headers["x-should-retry"] == "false"


async def test_unmatched_400_is_shown_to_one_other_kind_and_the_first_body_is_returned() -> None:
    toml = (
        providers("a", "b", kind="openai_compatible") + providers("c", "d", kind="deepseek") + model("a", "b", "c", "d")
    )
    a, b, c, d = (Witness(refused(400, f"said by {name}")) for name in "abcd")
    async with scene(toml, a=a, b=b, c=c, d=d) as gateway:
        heard = await ask(gateway)
    assert [witness.calls for witness in (a, b, c, d)] == [1, 0, 1, 0]
    assert (heard.status, heard.error["message"]) == (400, "said by a")
    assert heard.trail == "a=rejected;c=rejected"


async def test_unmatched_400_is_answered_by_another_kind_that_takes_the_request() -> None:
    toml = providers("a") + providers("b", kind="deepseek") + model("a", "b")
    async with scene(toml, a=Witness(refused(422, "no")), b=Witness(said("taken"))) as gateway:
        heard = await ask(gateway)
        assert not gateway.parts.state.view.asides
    assert (heard.status, heard.text, heard.trail) == (200, "taken", "a=rejected;b=ok")


async def test_request_that_exceeds_every_window_by_far_is_not_sent() -> None:
    small = "capabilities = { context_window_tokens = 100 }"
    a, b = Witness(said()), Witness(said())
    async with scene(providers("a", "b") + model("a", "b", more=small), a=a, b=b) as gateway:
        heard = await ask(gateway, user="x" * 1000)
        assert (await ask(gateway)).status == 200
    assert (heard.status, heard.error["code"], heard.error["param"]) == (400, "context_length_exceeded", "messages")
    assert heard.headers["x-fairlead-attempts"] == "0"
    assert (a.calls, b.calls) == (1, 0)


async def test_request_too_long_is_told_so_whatever_else_is_set_aside() -> None:
    a, b = Witness(LIMITED), Witness(TOO_LONG)
    async with scene(TWO, a=a, b=b) as gateway:
        await ask(gateway)
        heard = await ask(gateway)
    assert (a.calls, b.calls) == (1, 2)
    assert (heard.status, heard.error["code"]) == (400, "context_length_exceeded")


async def test_endpoint_that_no_provider_of_the_model_has_is_the_clients_fault() -> None:
    a = Witness(said())
    async with scene(providers("a", kind="deepseek") + model("a"), a=a) as gateway:
        heard = await post(gateway, b'{"model":"m","input":"x"}', path="/v1/embeddings")
    assert (heard.status, heard.error["code"], a.calls) == (400, "invalid_request", 0)
    assert "embeddings" in heard.error["message"]


async def test_who_forbids_failover_is_told_of_the_one_that_was_asked_alone() -> None:
    async with scene(TWO, a=Witness(BROKEN, LIMITED), b=Witness(MISSING)) as gateway:
        await ask(gateway)
        heard = await ask(gateway, headers={"x-fairlead-no-failover": "true"})
    assert heard.trail == "a=rate_limited"
    assert (heard.status, heard.error["code"]) == (429, "rate_limit_exceeded")
    assert 20 <= heard.retry_after_s <= 21
