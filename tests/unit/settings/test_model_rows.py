from __future__ import annotations

import pytest

from proxy.core.capabilities import Capabilities
from proxy.core.health import CandidateId
from proxy.core.snapshot import Model, Rotation, Snapshot
from tests.fakes.prices import rates
from tests.unit.settings.documents import build, only_problem, problems, warnings

PROVIDERS = """
[providers.a]
kind = "ollama"
priority = 2
[providers.b]
kind = "vllm"
"""


def snapshot(text: str) -> Snapshot:
    made = build(PROVIDERS + text)
    assert [problem for problem in made.problems if not problem.warning] == []
    return made


def model(text: str, name: str = "m") -> Model:
    return snapshot(text).models[name]


def test_the_short_form_is_one_upstream_model_at_each_provider() -> None:
    made = model('[models.m]\nmodel = "up"\nproviders = ["b", "a"]')
    assert [candidate.id for candidate in made.candidates] == [("b", "up"), ("a", "up")]
    assert [candidate.priority for candidate in made.candidates] == [1, 2]
    assert made.rotation is Rotation.STICKY


def test_the_short_form_takes_the_public_name_for_the_upstream_model() -> None:
    assert model('[models.m]\nproviders = ["a"]').candidates[0].model == "m"


def test_the_long_form_reaches_the_snapshot() -> None:
    made = model(
        """
        [models.m]
        rotation = "weighted"
        aliases = ["m2"]
        fallbacks = ["n"]
        default = true
        same_vectors = true
        timeouts = { connect_s = 8, idle_s = 8 }
        capabilities = { context_window_tokens = 1000, tools = true }
        [[models.m.candidates]]
        provider = "a"
        model = "x"
        priority = 0
        weight = 3
        timeouts = { idle_s = 7 }
        capabilities = { context_window_tokens = 500 }
        [[models.m.candidates]]
        provider = "a"
        model = "y"
        [models.n]
        providers = ["b"]
        """
    )
    first, second = made.candidates
    assert (first.id, first.priority, first.weight) == (CandidateId("a", "x"), 0, 3)
    assert (first.timeouts.connect_s, first.timeouts.idle_s, first.timeouts.headers_s) == (8, 7, 300)
    assert first.capabilities == Capabilities(context_window_tokens=500, tools=True)
    assert (second.priority, second.weight, second.timeouts.idle_s) == (2, 1, 8)
    assert second.capabilities == made.capabilities == Capabilities(context_window_tokens=1000, tools=True)
    assert (made.rotation, made.aliases, made.fallbacks) == (Rotation.WEIGHTED, ("m2",), ("n",))
    assert made.same_vectors


def test_aliases_and_the_default_point_to_their_model() -> None:
    made = snapshot('[models.m]\nproviders = ["a"]\naliases = ["x", "y"]\ndefault = true')
    assert made.aliases == {"x": "m", "y": "m"}
    assert made.default_model == "m"


def test_a_fallback_named_by_its_alias_is_that_model_once() -> None:
    text = '[models.m]\nproviders = ["a"]\nfallbacks = ["x", "n"]\n[models.n]\nproviders = ["b"]\naliases = ["x"]'
    assert model(text).fallbacks == ("n",)


def test_prefixes_are_apart_and_the_longest_comes_first() -> None:
    made = snapshot(
        """
        [models."gpt-*"]
        providers = ["a"]
        [models."*"]
        candidates = [{ provider = "a", model = "any/{*}" }]
        [models."gpt-4*"]
        providers = ["a"]
        """
    )
    assert made.models == {}
    assert [prefix.name for prefix in made.prefixes] == ["gpt-4*", "gpt-*", "*"]
    assert [prefix.candidates[0].model for prefix in made.prefixes] == ["gpt-4{*}", "gpt-{*}", "any/{*}"]


def test_a_price_is_put_on_its_candidates() -> None:
    text = '[models.m]\nmodel = "x/y"\nproviders = ["a", "b"]\n[prices."a/x/y"]\ninput_usd_per_mtok = 0.15'
    made = snapshot(text)
    priced, unpriced = made.models["m"].candidates
    assert priced.price is not None and unpriced.price is None
    assert priced.price.standard == rates(input="0.15")
    assert made.prices.get(CandidateId("a", "x/y")) is priced.price


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param("[models.m]", "models.m", id="neither-form"),
        pytest.param('[models.m]\nmodel = "x"', "models.m", id="no-providers"),
        pytest.param(
            '[models.m]\nproviders = ["a"]\ncandidates = [{ provider = "a", model = "x" }]',
            "models.m.providers",
            id="both-forms",
        ),
        pytest.param(
            '[models.m]\nmodel = "y"\ncandidates = [{ provider = "a", model = "x" }]',
            "models.m.model",
            id="model-beside-candidates",
        ),
        pytest.param('[models.m]\nproviders = ["c"]', "models.m.providers[0]", id="unknown-provider"),
        pytest.param(
            '[models.m]\ncandidates = [{ provider = "c", model = "x" }]',
            "models.m.candidates[0].provider",
            id="unknown-provider-long",
        ),
        pytest.param('[models.m]\nproviders = ["a", "a"]', "models.m.providers[1]", id="same-candidate"),
        pytest.param('[models.m]\nproviders = ["a"]\nmodel = "{*}"', "models.m.model", id="rest-of-no-prefix"),
        pytest.param('[models."m-*"]\nproviders = ["a"]\nmodel = "x*"', 'models."m-*".model', id="bare-star"),
        pytest.param('[models."m*m"]\nproviders = ["a"]', 'models."m*m"', id="star-within"),
        pytest.param('[models."m**"]\nproviders = ["a"]', 'models."m**"', id="two-stars"),
        pytest.param('[models."m m"]\nproviders = ["a"]', 'models."m m"', id="space"),
        pytest.param('[models."m\u200b"]\nproviders = ["a"]', 'models."m\u200b"', id="not-printable"),
        pytest.param('[models.""]\nproviders = ["a"]', 'models.""', id="empty-name"),
        pytest.param(
            '[models."m*"]\nproviders = ["a"]\naliases = ["x"]', 'models."m*".aliases', id="prefix-with-alias"
        ),
        pytest.param('[models."m*"]\nproviders = ["a"]\ndefault = true', 'models."m*".default', id="default-prefix"),
        pytest.param('[models.m]\nproviders = ["a"]\naliases = ["m"]', "models.m.aliases[0]", id="own-name-as-alias"),
        pytest.param('[models.m]\nproviders = ["a"]\naliases = ["x", "x"]', "models.m.aliases[1]", id="alias-twice"),
        pytest.param('[models.m]\nproviders = ["a"]\naliases = ["x*"]', "models.m.aliases[0]", id="alias-with-star"),
        pytest.param(
            '[models.m]\nproviders = ["a"]\nfallbacks = ["n"]', "models.m.fallbacks[0]", id="no-such-fallback"
        ),
        pytest.param(
            '[models.m]\nproviders = ["a"]\nfallbacks = ["m"]', "models.m.fallbacks[0]", id="fallback-to-itself"
        ),
        pytest.param(
            '[models.m]\nproviders = ["a"]\naliases = ["x"]\nfallbacks = ["x"]',
            "models.m.fallbacks[0]",
            id="fallback-to-its-alias",
        ),
        pytest.param('[models.m]\nproviders = ["a"]\nrotation = "stiky"', "models.m.rotation", id="unknown-rotation"),
        pytest.param(
            '[models.m]\ncandidates = [{ provider = "a", model = "x", weight = 0 }]',
            "models.m.candidates[0].weight",
            id="no-weight",
        ),
    ],
)
def test_a_bad_row_is_told_and_left_out(text: str, where: str) -> None:
    problem = only_problem(PROVIDERS + text)
    assert problem.where == f"f.toml: {where}"
    assert not problem.fatal
    made = build(PROVIDERS + text)
    assert (made.models, made.prefixes, made.aliases, made.default_model) == ({}, (), {}, None)


def test_an_unknown_provider_is_told_with_the_nearest_name() -> None:
    text = '[providers.openrouter]\nkind = "ollama"\n[models.m]\nproviders = ["opnrouter"]'
    assert only_problem(text).fix == 'did you mean "openrouter"?'


@pytest.mark.parametrize(
    "second",
    [
        pytest.param('aliases = ["x"]', id="alias-taken"),
        pytest.param('aliases = ["m"]', id="alias-is-a-model"),
        pytest.param("default = true", id="second-default"),
    ],
)
def test_of_two_rows_that_claim_the_same_the_later_is_bad(second: str) -> None:
    text = f'[models.m]\nproviders = ["a"]\naliases = ["x"]\ndefault = true\n[models.n]\nproviders = ["b"]\n{second}'
    made = build(PROVIDERS + text)
    assert list(made.models) == ["m"]
    assert made.aliases == {"x": "m"}
    assert made.default_model == "m"


def test_an_alias_may_not_be_the_name_of_a_later_model() -> None:
    text = '[models.m]\nproviders = ["a"]\naliases = ["n"]\n[models.n]\nproviders = ["b"]'
    assert list(build(PROVIDERS + text).models) == ["n"]


def test_a_candidate_of_a_bad_provider_is_left_out() -> None:
    made = build(PROVIDERS + '[providers.c]\nkind = "nope"\n[models.m]\nproviders = ["c", "a"]')
    assert [candidate.provider.name for candidate in made.models["m"].candidates] == ["a"]
    assert [problem.where for problem in made.problems] == ["f.toml: providers.c.kind"]


def test_a_model_whose_providers_are_all_bad_is_told() -> None:
    found = problems('[providers.c]\nkind = "nope"\n[models.m]\nproviders = ["c"]')
    assert [problem.where for problem in found] == ["f.toml: providers.c.kind", "f.toml: models.m"]


def test_a_model_whose_providers_are_all_disabled_stays_with_a_warning() -> None:
    text = '[providers.c]\nkind = "ollama"\nenabled = false\n[models.m]\nproviders = ["c"]'
    assert [warning.found for warning in warnings(text)] == ["only disabled providers"]
    assert "m" in build(text).models


def test_a_fallback_whose_row_is_bad_is_left_out() -> None:
    text = '[models.m]\nproviders = ["a"]\nfallbacks = ["n"]\n[models.n]\nproviders = ["zzz"]'
    assert build(PROVIDERS + text).models["m"].fallbacks == ()


def test_a_row_with_a_variable_that_is_not_set_is_bad() -> None:
    assert (
        only_problem(PROVIDERS + '[models.m]\nproviders = ["a"]\nmodel = "${NOPE}"').where == "f.toml: models.m.model"
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a", "a name without provider or model"),
        ("zzz/x", "a provider that is not configured"),
        ("a/", "a name without provider or model"),
    ],
)
def test_a_price_needs_a_provider_and_a_model(name: str, found: str) -> None:
    problem = only_problem(PROVIDERS + f'[prices."{name}"]')
    assert problem.found == found
    assert problem.fatal


def test_a_price_may_belong_to_a_bad_provider() -> None:
    found = problems('[providers.c]\nkind = "nope"\n[prices."c/x"]')
    assert [problem.where for problem in found] == ["f.toml: providers.c.kind"]
