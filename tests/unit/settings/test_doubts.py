from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.settings.documents import KEY, LOCAL, build, warnings

MODEL = '[models."gpt-*"]\nproviders = ["local"]\n[models.small]\nproviders = ["local"]\naliases = ["tiny"]\n'
PROGRAM = '[providers.c]\nkind = "openai_compatible"\nargs = ["--port", "{port}"]\n'


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param(
            "[defaults]\ndeadline_s = 30\ntimeouts = { connect_s = 31 }", "defaults.timeouts.connect_s", id="all"
        ),
        pytest.param(
            "[defaults]\ndeadline_s = 30\n[providers.p]\nkind = 'ollama'\ntimeouts = { response_s = 60 }",
            "providers.p.timeouts.response_s",
            id="of-a-provider",
        ),
        pytest.param(
            "[models.m]\nproviders = ['local']\ntimeouts = { headers_s = 700 }",
            "models.m.timeouts.headers_s",
            id="of-a-model",
        ),
        pytest.param(
            "[models.m]\ncandidates = [{ provider = 'local', model = 'x', timeouts = { first_output_s = 700 } }]",
            "models.m.candidates[0].timeouts.first_output_s",
            id="of-a-candidate",
        ),
        pytest.param("[defaults]\nbreaker = { open_s = 600 }", "defaults.breaker.max_open_s", id="breaker"),
        pytest.param(
            "[providers.p]\nkind = 'ollama'\nbreaker = { max_open_s = 5 }",
            "providers.p.breaker.max_open_s",
            id="breaker-of-a-provider",
        ),
    ],
)
def test_times_that_do_not_fit_together_are_warned_of(text: str, where: str) -> None:
    (warning,) = warnings(LOCAL + text)
    assert warning.where == f"f.toml: {where}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[defaults]\ndeadline_s = 30", id="not-written"),
        pytest.param(
            "[defaults]\ndeadline_s = 30\ntimeouts = { idle_s = 60, max_stream_s = 600 }", id="after-the-commit"
        ),
        pytest.param("[defaults]\nbreaker = false", id="no-breaker"),
        pytest.param("[providers.p]\nkind = 'ollama'\nbreaker = { open_s = 300 }", id="as-long"),
    ],
)
def test_times_that_fit_are_not_warned_of(text: str) -> None:
    assert warnings(LOCAL + text) == []


def test_nothing_is_doubted_because_of_what_cannot_be_read() -> None:
    made = build(LOCAL + '[defaults]\ndeadline_s = "30s"\ntimeouts = { connect_s = 300 }\nbreaker = { open_s = "1m" }')
    assert [problem.where for problem in made.problems if problem.warning] == []


@pytest.mark.parametrize(
    ("command", "fix"),
    [
        pytest.param("no-such-program", "install it, or write its whole path", id="unknown"),
        pytest.param("sh -c x", "put all but the first word into args", id="a-whole-line"),
    ],
)
def test_a_program_that_is_not_there_is_warned_of(command: str, fix: str) -> None:
    (warning,) = warnings(f'{PROGRAM}command = "{command}"', {"PATH": "/usr/bin:/bin"})
    assert (warning.where, warning.fix) == ("f.toml: providers.c.command", fix)


def test_a_program_is_looked_for_where_its_provider_looks(tmp_path: Path) -> None:
    program = tmp_path / "mine"
    program.touch(mode=0o755)
    text = f'{PROGRAM}command = "mine"\nenv = {{ PATH = "{tmp_path}" }}'
    assert warnings(text, {"PATH": "/usr/bin"}) == []
    assert warnings(f'{PROGRAM}command = "sh"', {"PATH": "/usr/bin:/bin"}) == []


def test_a_key_that_has_expired_is_warned_of() -> None:
    keys = "".join(
        f'[[auth.keys]]\nname = "{year}"\nkey = "{KEY}{year}"\nexpires_at = {year}-01-01\n' for year in (2020, 9999)
    )
    (warning,) = warnings(LOCAL + keys)
    assert warning.where == "f.toml: auth.keys[0].expires_at"


@pytest.mark.parametrize(
    "glob", ["small", "tiny", "s*", "gpt-4o", "gpt-4*", "*", "local/*", "l*/x"], ids=lambda glob: glob.replace("/", "-")
)
def test_a_glob_that_matches_a_name_is_not_warned_of(glob: str) -> None:
    key = f'[[auth.keys]]\nname = "a"\nkey = "{KEY}"\nmodels = ["{glob}"]\nproviders = ["loc*"]\n'
    assert warnings(LOCAL + MODEL + key) == []


def test_globs_that_match_nothing_are_warned_of() -> None:
    key = f'[[auth.keys]]\nname = "a"\nkey = "{KEY}"\nmodels = ["small", "smal", "x/*"]\nproviders = ["locall"]\n'
    told = [(warning.where, warning.fix) for warning in warnings(LOCAL + MODEL + key)]
    assert told == [
        ("f.toml: auth.keys[0].models[1]", 'did you mean "small"?'),
        ("f.toml: auth.keys[0].models[2]", "choose one of: gpt-*, small, tiny"),
        ("f.toml: auth.keys[0].providers[0]", 'did you mean "local"?'),
    ]
