"""What a client may ask of the attempts: no failover, and a provider by name."""

from __future__ import annotations

import pytest

from tests.integration.contracts.scene import (
    BROKEN,
    LIMITED,
    TWO,
    Witness,
    ask,
    keyed,
    model,
    providers,
    said,
    scene,
    used,
)


@pytest.mark.parametrize(
    ("value", "trail"),
    [
        pytest.param("true", "a=server_error", id="true"),
        pytest.param("TRUE", "a=server_error", id="upper-case"),
        pytest.param("1", "a=server_error", id="one"),
        pytest.param("false", "a=server_error;b=ok", id="false"),
        pytest.param("0", "a=server_error;b=ok", id="zero"),
        pytest.param("", "a=server_error;b=ok", id="empty"),
    ],
)
async def test_client_may_forbid_failover(value: str, trail: str) -> None:
    async with scene(TWO, a=Witness(BROKEN), b=Witness(said())) as gateway:
        heard = await ask(gateway, headers={"x-fairlead-no-failover": value})
    assert heard.trail == trail


async def test_no_failover_still_tries_the_next_credential() -> None:
    toml = keyed("a", "one", "two") + providers("b") + model("a", "b")
    a, b = Witness(LIMITED, said()), Witness(said())
    async with scene(toml, a=a, b=b) as gateway:
        heard = await ask(gateway, headers={"x-fairlead-no-failover": "true"})
    assert (heard.trail, used(a), b.calls) == ("a=rate_limited;a=ok", ["one", "two"], 0)


async def test_no_failover_answers_a_limit_as_a_limit() -> None:
    async with scene(TWO, a=Witness(LIMITED), b=Witness(said())) as gateway:
        heard = await ask(gateway, headers={"x-fairlead-no-failover": "true"})
    assert (heard.status, heard.trail) == (429, "a=rate_limited")
    assert 30 <= heard.retry_after_s <= 32


KEY = "key-0123456789abcdef"
KEYED = f'[auth]\nkeys = [{{ name = "k", key = "{KEY}", providers = ["a", "c*"] }}]\n'
THREE = providers("a", "b", "c") + model("a", "b", more='fallbacks = ["spare"]') + model("c", called="spare")


@pytest.mark.parametrize(
    ("pinned", "status", "trail"),
    [
        pytest.param("a", 502, "a=server_error", id="no-failover-past-it"),
        pytest.param("b", 200, "b=ok", id="lower-priority"),
        pytest.param("c", 200, "c=ok", id="of-a-fallback"),
        pytest.param("d", 400, "", id="unknown"),
        pytest.param("B", 400, "", id="other-case"),
        pytest.param("a,b", 400, "", id="two"),
        pytest.param("*", 400, "", id="no-glob"),
        pytest.param("", 200, "a=server_error;b=ok", id="empty"),
    ],
)
async def test_client_may_name_its_provider(pinned: str, status: int, trail: str) -> None:
    async with scene(THREE, a=Witness(BROKEN), b=Witness(said()), c=Witness(said())) as gateway:
        heard = await ask(gateway, headers={"x-fairlead-provider": pinned})
    assert (heard.status, heard.trail) == (status, trail)


@pytest.mark.parametrize(
    ("pinned", "status", "trail"),
    [
        pytest.param("", 200, "a=server_error;c=ok", id="none"),
        pytest.param("a", 502, "a=server_error", id="allowed"),
        pytest.param("b", 400, "", id="not-allowed"),
        pytest.param("c", 200, "c=ok", id="allowed-by-a-glob"),
    ],
)
async def test_named_provider_is_within_the_rights_of_the_key(pinned: str, status: int, trail: str) -> None:
    b = Witness(said())
    async with scene(KEYED + THREE, a=Witness(BROKEN), b=b, c=Witness(said())) as gateway:
        heard = await ask(gateway, headers={"x-fairlead-provider": pinned, "x-api-key": KEY})
    assert (heard.status, heard.trail, b.calls) == (status, trail, 0)
