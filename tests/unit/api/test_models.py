"""The model list, as a key sees it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from proxy.api.models import describe, ollama_row, one_model, openai_list
from proxy.core.capabilities import Capabilities
from proxy.core.errors import UnknownModel
from proxy.core.price import Price
from proxy.core.secret import Secret
from proxy.core.snapshot import Candidate, ClientKey, Credential, Model, Provider, Server, Snapshot
from proxy.routing.resolve import visible_models
from tests.fakes.prices import flat_price

PLANTED = "sk-planted-4711"
PROVIDER = Provider("a", "openai", "https://internal.test/v1", credentials=(Credential("k1", Secret(PLANTED)),))
PLAIN = Candidate(PROVIDER, "upstream-name")
DEMO = Model("demo", (PLAIN,), aliases=("demo-latest",))
OTHER = Model("other", (PLAIN,))
PATTERN = Model("gpt-*", (Candidate(PROVIDER, "{*}"),))
SNAPSHOT = Snapshot(
    providers={"a": PROVIDER},
    models={"demo": DEMO, "other": OTHER},
    aliases={"demo-latest": "demo"},
    prefixes=(PATTERN,),
)


def window(tokens: int | None) -> Candidate:
    return replace(PLAIN, capabilities=Capabilities(context_window_tokens=tokens))


def priced(price: Price) -> Candidate:
    return replace(PLAIN, price=price)


def ids(key: ClientKey | None, snapshot: Snapshot = SNAPSHOT) -> list[str]:
    rows = openai_list(visible_models(snapshot, key))["data"]
    assert isinstance(rows, list)
    return [row["id"] for row in rows]


def test_list_has_openais_shape() -> None:
    assert openai_list([DEMO, OTHER]) == {
        "object": "list",
        "data": [
            {"id": "demo", "object": "model", "created": 0, "owned_by": "fairlead"},
            {"id": "other", "object": "model", "created": 0, "owned_by": "fairlead"},
        ],
    }


def test_list_without_models_is_empty() -> None:
    assert openai_list(visible_models(Snapshot(), None)) == {"object": "list", "data": []}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param(None, ["demo", "other"], id="open-mode"),
        pytest.param(ClientKey("k"), ["demo", "other"], id="no-restriction"),
        pytest.param(ClientKey("k", models=("oth*",)), ["other"], id="a-glob"),
        pytest.param(ClientKey("k", models=("none",)), [], id="nothing-allowed"),
        pytest.param(ClientKey("k", providers=("b",)), [], id="no-provider-of-it-allowed"),
    ],
)
def test_list_shows_what_the_key_may_call(key: ClientKey | None, expected: list[str]) -> None:
    assert ids(key) == expected


def test_pattern_is_no_model_that_a_client_could_send() -> None:
    assert "gpt-*" not in ids(None)


def test_list_tells_nothing_of_upstreams() -> None:
    shown = json.dumps(openai_list(visible_models(SNAPSHOT, None)))
    credential = PROVIDER.credentials[0]
    for hidden in (PLANTED, credential.secret.fingerprint, "internal.test", "upstream-name"):
        assert hidden not in shown


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("demo", "demo", id="by-its-name"),
        pytest.param("demo-latest", "demo", id="by-an-alias"),
        pytest.param("gpt-4o", "gpt-4o", id="by-a-pattern"),
        pytest.param("a/x-1", "a/x-1", id="directly"),
    ],
)
def test_one_model_is_found_by_any_name_that_a_request_could_use(name: str, expected: str) -> None:
    snapshot = replace(SNAPSHOT, server=Server(direct_models=True))
    assert one_model(name, snapshot, None)["id"] == expected


@pytest.mark.parametrize(
    ("name", "key"),
    [
        pytest.param("nothing", None, id="unknown"),
        pytest.param("", None, id="empty"),
        pytest.param("other", ClientKey("k", models=("demo",)), id="not-allowed"),
        pytest.param("a/x-1", None, id="direct-where-that-is-off"),
    ],
)
def test_one_model_that_cannot_be_called_is_unknown(name: str, key: ClientKey | None) -> None:
    with pytest.raises(UnknownModel) as caught:
        one_model(name, replace(SNAPSHOT, default_model="demo"), key)
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param(Model("m", (window(8000), window(4000), window(None))), 4000, id="the-smallest-that-is-known"),
        pytest.param(
            Model("m", (window(8000),), capabilities=Capabilities(context_window_tokens=1000)),
            8000,
            id="candidates-before-the-model",
        ),
        pytest.param(
            Model("m", (window(None),), capabilities=Capabilities(context_window_tokens=1000)),
            1000,
            id="the-models-own",
        ),
        pytest.param(Model("m", (window(None),)), None, id="unknown"),
        pytest.param(Model("m", ()), None, id="no-candidate"),
    ],
)
def test_context_window_is_what_fits_wherever_the_request_goes(model: Model, expected: int | None) -> None:
    assert describe(model).get("context_window") == expected


BLIND = replace(PLAIN, capabilities=Capabilities(context_window_tokens=8000, images=False))


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        pytest.param((BLIND,), Capabilities(context_window_tokens=8000, images=False), id="of-the-only-one"),
        pytest.param((BLIND, window(4000)), Capabilities(context_window_tokens=4000, tools=True), id="what-fits-all"),
    ],
)
def test_ollamas_clients_are_told_what_the_model_can_do(
    candidates: tuple[Candidate, ...], expected: Capabilities
) -> None:
    assert ollama_row(Model("m", candidates, capabilities=Capabilities(tools=True))).capabilities == expected


PRICE = flat_price("0.000001", "10")


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        pytest.param((PLAIN,), None, id="unknown"),
        pytest.param(
            (PLAIN, priced(PRICE), priced(flat_price("9"))),
            {
                "input_usd_per_mtok": "0.000001",
                "output_usd_per_mtok": "10",
                "cached_input_usd_per_mtok": None,
            },
            id="of-the-first-that-has-one",
        ),
        pytest.param(
            (priced(flat_price("1E+2", None, "0.25")),),
            {"input_usd_per_mtok": "100", "output_usd_per_mtok": None, "cached_input_usd_per_mtok": "0.25"},
            id="never-in-exponents",
        ),
    ],
)
def test_price_is_decimal_text(candidates: tuple[Candidate, ...], expected: dict[str, str | None] | None) -> None:
    assert describe(Model("m", candidates)).get("pricing") == expected
