from __future__ import annotations

import re
from dataclasses import replace

import pytest

from proxy.core.capabilities import Capabilities
from proxy.core.errors import MalformedRequest, UnknownModel
from proxy.core.health import CandidateId
from proxy.core.snapshot import ClientKey, Model, Server, Snapshot
from proxy.routing.resolve import (
    direct_models,
    direct_providers,
    may_call,
    may_call_direct,
    nearest,
    resolve,
    untagged,
    visible_models,
)
from tests.fakes.prices import flat_price
from tests.unit.routing.build import candidate, model, provider, snapshot

GPT = model(candidate("one"), name="gpt-4o", aliases=("gpt-4o-latest",))
QWEN = model(candidate("two"), name="qwen")
PREFIX = model(candidate("two", "qwen/{*}-instruct"), name="qwen-*")
LONGER = model(candidate("three", "coder"), name="qwen-coder-*")
SLASHED = model(candidate("one"), name="one/pinned")
DIRECT, DERIVED = flat_price("1"), flat_price("2")


def configuration(*, direct: bool = False, default: str | None = None) -> Snapshot:
    every = (GPT, QWEN, SLASHED, PREFIX, LONGER)
    return snapshot(
        GPT,
        QWEN,
        SLASHED,
        providers={item.provider.name: item.provider for each in every for item in each.candidates},
        aliases={"gpt-4o-latest": "gpt-4o"},
        prefixes=(LONGER, PREFIX),
        default_model=default,
        server=Server(direct_models=direct),
        prices={CandidateId("one", "any/thing"): DIRECT, CandidateId("two", "qwen/b-instruct"): DERIVED},
    )


def key(*models: str, providers: tuple[str, ...] = ()) -> ClientKey:
    return ClientKey("k", models, providers)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("gpt-4o", GPT, id="exact"),
        pytest.param("gpt-4o-latest", GPT, id="alias"),
        pytest.param("one/pinned", SLASHED, id="a-configured-name-with-a-slash-beats-direct"),
    ],
)
def test_a_configured_name_gives_the_configured_model(name: str, found: Model) -> None:
    assert resolve(name, None, configuration(direct=True)) is found


def test_the_longest_prefix_wins() -> None:
    assert resolve("qwen-coder-7b", None, configuration()).candidates[0].id == CandidateId("three", "coder")


def test_the_rest_of_a_prefixed_name_goes_into_the_upstream_model() -> None:
    found = resolve("qwen-7b", None, configuration())
    assert (found.name, found.candidates[0].model, found.configured) == ("qwen-7b", "qwen/7b-instruct", False)


def test_a_prefixed_candidate_gets_the_price_of_its_real_name() -> None:
    assert resolve("qwen-b", None, configuration()).candidates[0].price is DERIVED


class Known:
    """Says the length of a candidate's name as its window, so that each has one of its own."""

    def get(self, candidate_id: CandidateId, /) -> Capabilities:
        return Capabilities(context_window_tokens=len(candidate_id.model), tools=False)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("qwen-b", Capabilities(len("qwen/b-instruct"), tools=True), id="prefix"),
        pytest.param("one/any/thing", Capabilities(len("any/thing"), tools=False), id="direct"),
    ],
)
def test_a_model_that_a_name_makes_can_what_the_tables_say_unless_configured(name: str, expected: Capabilities) -> None:
    configured = candidate("two", "qwen/{*}-instruct", capabilities=Capabilities(tools=True))
    of = snapshot(
        GPT, prefixes=(model(configured, name="qwen-*"),), server=Server(direct_models=True), abilities=Known()
    )
    assert resolve(name, None, of).candidates[0].capabilities == expected


def test_a_prefix_without_any_price_has_none() -> None:
    bare = snapshot(PREFIX, prefixes=(PREFIX,))
    assert resolve("qwen-b", None, bare).candidates[0].price is None


@pytest.mark.parametrize("name", ["qwen-7b", "one/any/thing"])
def test_a_derived_model_is_the_same_value_each_time(name: str) -> None:
    configured = configuration(direct=True)
    assert resolve(name, None, configured) is resolve(name, None, configured)


def test_the_literal_name_of_a_prefix_is_no_exact_name() -> None:
    assert resolve("qwen-*", None, configuration()).candidates[0].model == "qwen/*-instruct"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("nothing", id="unknown"),
        pytest.param("qwen-", id="a-prefix-without-a-rest"),
        pytest.param("qwen-" + "x" * 300, id="longer-than-any-name"),
        pytest.param("qwen-a\r\nb: c", id="a-prefix-and-a-line-break"),
        pytest.param("qwen-..", id="a-prefix-and-a-step-up"),
        pytest.param("one/any", id="direct-names-are-off"),
    ],
)
def test_an_unknown_name_is_a_404(name: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve(name, None, configuration())
    assert (caught.value.status, caught.value.param) == (404, "model")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("nobody/model", id="unknown-provider"),
        pytest.param("one/", id="no-rest"),
        pytest.param("one/" + "x" * 300, id="longer-than-any-name"),
        pytest.param("one/a\0b", id="a-character-that-cannot-be-printed"),
        pytest.param("one/.", id="a-step-nowhere"),
        pytest.param("one/..", id="a-step-up"),
    ],
)
def test_a_direct_name_needs_a_provider_and_a_model(name: str) -> None:
    with pytest.raises(UnknownModel):
        resolve(name, None, configuration(direct=True))


def test_a_direct_name_is_split_at_the_first_slash() -> None:
    found = resolve("one/any/thing", None, configuration(direct=True))
    assert (found.name, found.candidates[0].id, found.configured) == (
        "one/any/thing",
        CandidateId("one", "any/thing"),
        False,
    )
    assert found.candidates[0].price is DIRECT


def test_a_direct_candidate_has_its_providers_priority() -> None:
    configured = snapshot(providers={"p": provider("p", priority=7)}, server=Server(direct_models=True))
    assert resolve("p/m", None, configured).candidates[0].priority == 7


@pytest.mark.parametrize("name", [None, ""])
def test_the_default_serves_whom_names_no_model(name: str | None) -> None:
    assert resolve(name, None, configuration(default="qwen")) is QWEN


def test_the_default_serves_no_wrong_name() -> None:
    with pytest.raises(UnknownModel):
        resolve("nothing", None, configuration(default="qwen"))


def test_no_name_and_no_default_is_the_clients_fault() -> None:
    with pytest.raises(MalformedRequest) as caught:
        resolve(None, None, configuration())
    assert caught.value.param == "model"


@pytest.mark.parametrize(
    ("name", "globs"),
    [
        pytest.param("gpt-4o", ("gpt-4o*",), id="glob"),
        pytest.param("gpt-4o-latest", ("gpt-4o",), id="alias-by-the-models-name"),
        pytest.param("gpt-4o-latest", ("*-latest",), id="alias-by-its-own-name"),
        pytest.param("qwen-7b", ("qwen-*",), id="prefixed-by-its-own-name"),
        pytest.param("one/any", ("one/*",), id="direct-by-its-provider"),
        pytest.param("one/any/thing", ("one/any/*",), id="direct-by-a-narrower-glob"),
        pytest.param("one/any", (), id="no-list-allows-all"),
    ],
)
def test_a_key_calls_what_its_globs_allow(name: str, globs: tuple[str, ...]) -> None:
    assert resolve(name, key(*globs), configuration(direct=True))


@pytest.mark.parametrize(
    ("name", "globs"),
    [
        pytest.param("qwen", ("gpt-4o*",), id="other-model"),
        pytest.param("one/any", ("*",), id="a-star-is-no-leave-for-direct-names"),
        pytest.param("one/any", ("o*",), id="nor-is-half-a-provider"),
        pytest.param("one/any", ("two/*",), id="nor-another-provider"),
    ],
)
def test_what_a_key_may_not_call_does_not_exist_for_it(name: str, globs: tuple[str, ...]) -> None:
    with pytest.raises(UnknownModel, match="does not exist or this key may not call it"):
        resolve(name, key(*globs), configuration(direct=True))


@pytest.mark.parametrize(
    ("name", "of", "hint"),
    [
        pytest.param("o3", None, 'Send a provider\'s own model as "one/o3", "two/o3" or "three/o3".', id="bare"),
        pytest.param("o3", key("one/*", "two/o*"), 'Send a provider\'s own model as "one/o3" or "two/o3".', id="two"),
        pytest.param(
            "meta/o3", None, 'Send a provider\'s own model as "one/meta/o3", "two/meta/o3"', id="another-slash"
        ),
        pytest.param("o3", key("qwen", "two/*"), 'Send a provider\'s own model as "two/o3".', id="by-models"),
        pytest.param("o3", key(providers=("three",)), 'Send a provider\'s own model as "three/o3".', id="by-providers"),
    ],
)
def test_where_direct_names_are_served_an_unknown_name_is_told_how_to_write_one(
    name: str, of: ClientKey | None, hint: str
) -> None:
    with pytest.raises(UnknownModel, match=re.escape(hint)):
        resolve(name, of, configuration(direct=True))


@pytest.mark.parametrize(
    ("name", "of", "direct"),
    [
        pytest.param("o3", None, False, id="not-served"),
        pytest.param("o3", key("qwen"), True, id="not-for-this-key"),
        pytest.param("one/", None, True, id="written-so-already"),
        pytest.param("x" * 300, None, True, id="too-long-a-name"),
    ],
)
def test_nobody_is_told_of_direct_names_that_would_not_help(name: str, of: ClientKey | None, direct: bool) -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve(name, of, configuration(direct=direct))
    assert "own model" not in caught.value.message


def test_an_unknown_name_is_answered_with_the_nearest_that_the_key_may_call() -> None:
    with pytest.raises(UnknownModel, match=r"The nearest it may call: qwen\.$"):
        resolve("gpt4o", key("qwen"), configuration())


def test_nothing_is_suggested_to_a_key_that_may_call_nothing() -> None:
    with pytest.raises(UnknownModel, match=r"may not call it\.$"):
        resolve("gpt4o", key("none"), configuration())


def test_a_giant_name_is_not_echoed_whole() -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve("x" * 100_000, None, configuration())
    assert len(caught.value.message) < 500


def test_the_three_most_alike_come_first() -> None:
    found = nearest("gpt4o", ["claude-sonnet", "gpt-4o", "qwen", "gpt-4.1", "gpt-4o-mini"])
    assert found == ["gpt-4o", "gpt-4o-mini", "gpt-4.1"]


@pytest.mark.parametrize(
    ("client", "shown"),
    [
        pytest.param(None, ["gpt-4o", "qwen", "one/pinned"], id="without-a-key-all-but-prefixes"),
        pytest.param(key("qwen", "gpt-4o-latest"), ["gpt-4o", "qwen"], id="an-alias-shows-its-model"),
        pytest.param(key(providers=("t*",)), ["qwen"], id="only-models-with-a-permitted-provider"),
    ],
)
def test_visible_models_are_those_the_key_may_call(client: ClientKey | None, shown: list[str]) -> None:
    assert [each.name for each in visible_models(configuration(), client)] == shown


def test_may_call_matches_globs_with_case() -> None:
    assert may_call(None, "x") and may_call(key("a", "Q*"), "Qwen") and not may_call(key("Q*"), "qwen")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("chat:latest", "chat", id="model"),
        pytest.param("short:latest", "short", id="alias"),
        pytest.param("chat", "chat", id="bare"),
        pytest.param("kept:latest", "kept:latest", id="configured-with-it"),
        pytest.param("alias:latest", "alias:latest", id="alias-with-it"),
        pytest.param("unknown:latest", "unknown:latest", id="unknown"),
        pytest.param(None, None, id="none"),
    ],
)
def test_tag_is_taken_off_where_only_the_bare_name_is_one(name: str | None, found: str | None) -> None:
    names = ("chat", "kept", "kept:latest", "alias")
    configured = snapshot(*(replace(model(candidate("a")), name=each) for each in names))
    configured = replace(configured, aliases={"short": "chat", "alias:latest": "chat"})
    assert untagged(name, ":latest", configured) == found


@pytest.mark.parametrize(
    ("name", "direct", "found"),
    [
        pytest.param("one/m:latest", True, "one/m", id="direct"),
        pytest.param("one/a/m:latest", True, "one/a/m", id="direct-with-a-slash"),
        pytest.param("one/m:latest", False, "one/m:latest", id="direct-where-that-is-off"),
        pytest.param("local/m:latest", True, "local/m:latest", id="of-a-provider-whose-models-have-tags"),
        pytest.param("nobody/m:latest", True, "nobody/m:latest", id="of-no-provider"),
    ],
)
def test_tag_is_taken_off_a_direct_name_unless_it_is_its_own(name: str, direct: bool, found: str) -> None:
    providers = {"one": provider("one"), "local": replace(provider("local"), kind="ollama")}
    assert untagged(name, ":latest", snapshot(providers=providers, server=Server(direct_models=direct))) == found


@pytest.mark.parametrize(
    ("asking", "named"),
    [
        pytest.param(None, ["one", "two"], id="nobody-in-particular"),
        pytest.param(key(), ["one", "two"], id="any"),
        pytest.param(key(providers=("t*",)), ["two"], id="of-one-provider"),
        pytest.param(key("one/*"), ["one"], id="whose-glob-spells-it-out"),
        pytest.param(key("gpt-4o", "two/x-?"), ["two"], id="whose-glob-is-narrow"),
        pytest.param(key("*"), [], id="a-star-is-not-enough"),
        pytest.param(key("one*"), [], id="nor-is-a-glob-without-the-slash"),
        pytest.param(key("one/*", providers=("two",)), [], id="who-may-not-use-it"),
    ],
)
def test_providers_that_may_be_named_are_those_of_the_key(asking: ClientKey | None, named: list[str]) -> None:
    rows = {name: provider(name) for name in ("one", "two")} | {"off": replace(provider("off"), enabled=False)}
    configured = snapshot(providers=rows, server=Server(direct_models=True))
    assert [each.name for each in direct_providers(configured, asking)] == named


def test_no_provider_may_be_named_where_direct_names_are_off() -> None:
    assert direct_providers(configuration(), None) == []


def test_own_models_of_a_provider_are_what_their_direct_names_resolve_to() -> None:
    configured = configuration(direct=True)
    (made,) = direct_models(configured.providers["one"], ["any/thing"], configured)
    found = resolve("one/any/thing", None, configured)
    assert (made.name, made.candidates[0].id, made.candidates[0].price) == (
        "one/any/thing",
        found.candidates[0].id,
        DIRECT,
    )
    assert not made.configured


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("pinned", id="a-configured-model"),
        pytest.param("short", id="an-alias"),
        pytest.param("of-a-prefix", id="what-a-prefix-takes"),
        pytest.param("", id="nothing"),
        pytest.param("x\n", id="control-character"),
        pytest.param("x" * 256, id="too-long"),
    ],
)
def test_own_model_whose_name_means_something_else_is_none(name: str) -> None:
    prefix = model(candidate("one", "{*}"), name="one/of-*")
    configured = snapshot(
        SLASHED, aliases={"one/short": "one/pinned"}, prefixes=(prefix,), server=Server(direct_models=True)
    )
    assert direct_models(provider("one"), [name], configured) == []


def test_direct_name_needs_a_glob_that_spells_its_provider_out() -> None:
    assert may_call_direct(key("one/x-*"), "one/x-1")
    assert not may_call_direct(key("one/x-*", "*"), "one/y")
