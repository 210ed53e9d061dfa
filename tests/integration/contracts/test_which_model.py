"""DESIGN.md section 3, "Which model": from the name that a client sends to the upstream's, within its key's rights."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from tests.fakes.gateway import RunningGateway
from tests.fakes.rawserver import response
from tests.integration.contracts.scene import Witness, ask, providers, said, scene

# The key's name, then the globs that it has.
KEYS = {
    "all": None,
    "one": ["fast"],
    "globs": ["gpt-*", "f?st"],
    "direct": ["a/*"],
    "narrow-direct": ["a/x-*"],
    "star": ["*"],
    "alias": ["quick"],
    "none-left": ["nothing"],
}
MODELS = """
[models.fast]
aliases = ["quick", "vendor/quick"]
default = true
candidates = [{ provider = "a", model = "fast-up" }]

[models."gpt-*"]
candidates = [{ provider = "a", model = "openai/gpt-{*}" }]

[models."gpt-4*"]
candidates = [{ provider = "a", model = "four{*}/{*}" }]

[models."gpt-4o"]
candidates = [{ provider = "a", model = "exact" }]

[models."of-b"]
candidates = [{ provider = "b", model = "of-b-up" }]

[models."a/named"]
candidates = [{ provider = "a", model = "named-up" }]
"""


def _key(name: str) -> str:
    return f"{name}-key-0123456789"


def _auth() -> str:
    rows = [
        f'{{ name = "{name}", key = "{_key(name)}"' + ("" if globs is None else f", models = {globs}") + " }"
        for name, globs in KEYS.items()
    ]
    rows.append(f'{{ name = "only-b", key = "{_key("only-b")}", providers = ["b*"] }}')
    return f"[auth]\nkeys = [{', '.join(rows)}]\n"


NO_MODELS = response(b'{"data":[]}')
TOML = f"{_auth()}[server]\ndirect_models = true\n{providers('a', 'b')}{MODELS}"


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {_key(key)}"}


SERVED = [
    pytest.param("all", "fast", "fast-up", id="exact"),
    pytest.param("all", "quick", "fast-up", id="alias"),
    pytest.param("all", "vendor/quick", "fast-up", id="alias-with-a-slash"),
    pytest.param("all", "gpt-4o", "exact", id="exact-before-prefix"),
    pytest.param("all", "gpt-3.5", "openai/gpt-3.5", id="prefix"),
    pytest.param("all", "gpt-4.1-mini", "four.1-mini/.1-mini", id="longest-prefix"),
    pytest.param("all", "gpt-*", "openai/gpt-*", id="name-that-is-spelt-like-the-prefix"),
    pytest.param("all", "gpt-é", "openai/gpt-é", id="no-ascii"),
    pytest.param("all", "a/x", "x", id="direct"),
    pytest.param("all", "a/x/y:z", "x/y:z", id="direct-splits-at-the-first-slash"),
    pytest.param("all", "a/named", "named-up", id="exact-before-direct"),
    pytest.param("all", None, "fast-up", id="default"),
    pytest.param("all", "", "fast-up", id="empty-is-none"),
    pytest.param("one", "fast", "fast-up", id="allowed"),
    pytest.param("one", "quick", "fast-up", id="allowed-by-its-own-name"),
    pytest.param("one", None, "fast-up", id="default-is-allowed"),
    pytest.param("alias", "quick", "fast-up", id="allowed-by-alias"),
    pytest.param("globs", "gpt-9", "openai/gpt-9", id="glob-on-a-prefix"),
    pytest.param("globs", "fast", "fast-up", id="glob-with-a-question-mark"),
    pytest.param("direct", "a/x", "x", id="direct-with-its-glob"),
    pytest.param("narrow-direct", "a/x-1", "x-1", id="direct-with-a-narrower-glob"),
    pytest.param("star", "gpt-4o", "exact", id="star"),
    pytest.param("only-b", "of-b", "of-b-up", id="provider-of-the-key"),
]


@pytest.mark.parametrize(("key", "sent", "upstream"), SERVED)
async def test_name_is_served_as(key: str, sent: str | None, upstream: str) -> None:
    witness = Witness(said())
    async with scene(TOML, a=witness, b=witness) as gateway:
        heard = await ask(gateway, sent, headers=_bearer(key))
    assert heard.status == 200, heard.body
    assert witness.bodies[0]["model"] == upstream
    assert heard.headers["x-fairlead-model"] == upstream.encode("ascii", "replace").decode()


UNKNOWN = [
    pytest.param("all", "fst", ["fast"], id="misspelt"),
    pytest.param("all", "gpt-", ["gpt-4o"], id="prefix-alone"),
    pytest.param("all", "FAST", ["fast"], id="other-case"),
    pytest.param("all", "nobody/x", [], id="direct-without-such-a-provider"),
    pytest.param("all", "a/", ["a/named"], id="direct-without-a-rest"),
    pytest.param("all", "a/" + "x" * 300, [], id="longer-than-any-name"),
    pytest.param("one", "gpt-4o", ["fast"], id="not-of-the-key"),
    pytest.param("one", "a/x", ["fast"], id="direct-without-its-glob"),
    pytest.param("star", "a/x", [], id="direct-wants-more-than-a-star"),
    pytest.param("direct", "b/x", [], id="direct-of-another-provider"),
    pytest.param("narrow-direct", "a/y", [], id="direct-outside-a-narrower-glob"),
    pytest.param("globs", "faast", ["fast"], id="glob-that-does-not-fit"),
    pytest.param("alias", "fast", ["fast"], id="alias-allows-the-alias-alone"),
    pytest.param("none-left", "fast", [], id="key-without-a-model"),
]


@pytest.mark.parametrize(("key", "sent", "near"), UNKNOWN)
async def test_other_names_are_404_with_the_nearest_that_this_key_may_call(
    key: str, sent: str, near: list[str]
) -> None:
    witness = Witness(said())
    async with scene(TOML, a=witness, b=witness) as gateway:
        heard = await ask(gateway, sent, headers=_bearer(key))
        assert witness.calls == 0
        listed = await _listed(gateway, key)
        assert gateway.metric("requests_total", endpoint="chat", model="unknown", status="404") == 1
    assert (heard.status, heard.error["code"], heard.error["param"]) == (404, "model_not_found", "model")
    assert "x-should-retry" not in heard.headers
    _, _, named = heard.error["message"].partition("The nearest it may call: ")
    suggested = named.removesuffix(".").split(", ") if named else []
    assert len(suggested) <= 3
    assert set(near) <= set(suggested)
    assert set(suggested) <= {*listed, "quick", "vendor/quick"}


LISTED = [
    pytest.param("all", ["fast", "gpt-4o", "of-b", "a/named"], id="all"),
    pytest.param("one", ["fast"], id="one"),
    pytest.param("alias", ["fast"], id="by-alias"),
    pytest.param("globs", ["fast", "gpt-4o"], id="globs"),
    pytest.param("direct", ["a/named"], id="direct"),
    pytest.param("only-b", ["of-b"], id="providers"),
    pytest.param("none-left", [], id="none"),
]


@pytest.mark.parametrize("prefix", ["/v1", "", "/openai/v1", "/openai"])
@pytest.mark.parametrize(("key", "names"), LISTED)
async def test_model_list_is_what_the_key_may_call(key: str, names: list[str], prefix: str) -> None:
    async with scene(TOML, a=Witness(NO_MODELS), b=Witness(NO_MODELS)) as gateway:
        assert await _listed(gateway, key, prefix) == names


@pytest.mark.parametrize(("key", "sent"), [pytest.param(*p.values[:2], id=p.id) for p in SERVED if p.values[1]])
async def test_one_model_is_found_by_any_name_that_could_be_called(key: str, sent: str) -> None:
    async with scene(TOML, a=Witness(), b=Witness()) as gateway:
        answer = await gateway.client.get(f"/v1/models/{quote(sent)}", headers=_bearer(key))
    assert answer.status_code == 200
    row = answer.json()
    assert row["object"] == "model"
    assert row["id"] == ("fast" if "quick" in sent else sent)


@pytest.mark.parametrize(("key", "sent", "near"), UNKNOWN)
async def test_one_model_that_cannot_be_called_is_404(key: str, sent: str, near: list[str]) -> None:
    async with scene(TOML, a=Witness(), b=Witness()) as gateway:
        answer = await gateway.client.get(f"/v1/models/{quote(sent)}", headers=_bearer(key))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


async def test_no_name_and_no_default_is_the_clients_fault() -> None:
    toml = providers("a") + '[models.m]\nproviders = ["a"]\n'
    async with scene(toml, a=Witness(said())) as gateway:
        heard = await ask(gateway, None)
    assert (heard.status, heard.error["code"], heard.error["param"]) == (400, "invalid_request", "model")


async def test_direct_names_are_off_in_a_file_that_does_not_ask_for_them() -> None:
    toml = providers("a") + '[models.m]\nproviders = ["a"]\n'
    async with scene(toml, a=Witness(said())) as gateway:
        assert (await ask(gateway, "a/x")).status == 404


CONTROLS = ["\r\nx-evil: 1", "\n", "\r", "\0", "\x1b[31m", "\x7f", "\u2028", "\t"]


@pytest.mark.parametrize("stem", ["gpt-", "a/"])
@pytest.mark.parametrize("control", [pytest.param(text, id=repr(text)) for text in CONTROLS])
async def test_name_with_a_control_character_is_unknown_and_reaches_no_upstream(stem: str, control: str) -> None:
    witness = Witness(said())
    async with scene(TOML, a=witness, b=witness) as gateway:
        heard = await ask(gateway, f"{stem}x{control}y", headers=_bearer("all"))
        assert (await ask(gateway, "fast", headers=_bearer("all"))).status == 200
    assert (heard.status, heard.error["code"]) == (404, "model_not_found")
    assert "x-evil" not in heard.headers
    assert witness.calls == 1


@pytest.mark.parametrize("name", [".", ".."])
async def test_name_that_would_climb_an_azure_path_is_unknown(name: str) -> None:
    azure = 'kind = "azure"\nbase_url = "@a"\napi_version = "2024-10-21"\napi_key = "sk-of-azure"\n'
    witness = Witness(said())
    async with scene(f"[server]\ndirect_models = true\n[providers.az]\n{azure}", a=witness) as gateway:
        assert (await ask(gateway, f"az/{name}")).status == 404
        assert (await ask(gateway, "az/x/../y")).status == 200
    assert witness.targets == ["/openai/deployments/x%2F..%2Fy/chat/completions?api-version=2024-10-21"]


async def test_a_thousand_made_up_names_make_no_series() -> None:
    async with scene(TOML, a=Witness(said()), b=Witness(said())) as gateway:
        for stem in ("gpt-x", "a/", "nobody-"):
            await ask(gateway, f"{stem}0", headers=_bearer("all"))
        before = await _series(gateway)
        for number in range(1, 334):
            for stem in ("gpt-x", "a/", "nobody-"):
                await ask(gateway, f"{stem}{number}", headers=_bearer("all"))
        after = await _series(gateway)
        asked = gateway.metric("requests_total", endpoint="chat", model="gpt-*", status="200")
    assert after == before
    assert asked == 334
    assert {"gpt-*", "other", "unknown"} <= {label for line in after for label in re.findall('model="([^"]*)"', line)}


async def _listed(gateway: RunningGateway, key: str, prefix: str = "/v1") -> list[str]:
    answer = await gateway.client.get(f"{prefix}/models", headers=_bearer(key))
    assert answer.json()["object"] == "list"
    return [row["id"] for row in answer.json()["data"]]


async def _series(gateway: RunningGateway) -> set[str]:
    page = (await gateway.client.get("/metrics")).text
    return {line.rpartition(" ")[0] for line in page.splitlines() if not line.startswith("#")}
