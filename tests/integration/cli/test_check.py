"""`fairlead check`: what it shows of a configuration, and all that is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.settings.banner import NO_MODEL
from proxy.upstream.probes import Probe
from tests.integration.cli.conftest import FILE, PLANTED, Fairlead

BAD_ROW = FILE + '\n[providers.broken]\nkind = "opnai"\n'


def test_check_of_a_good_file_shows_providers_and_models(file: Path, fairlead: Fairlead) -> None:
    ended = fairlead("check", "--config", file)
    assert ended.code == 0
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["main", "openai", "1", "key-1", "https://api.openai.com/v1", "enabled"] in rows
    assert ["chat", "sticky", "2", "spare", "big-one"] in rows
    assert ended.out.startswith(f"configuration file {file}\n")
    assert "The configuration is fine." in ended.out
    assert PLANTED not in ended.out + ended.err


def test_check_finds_the_file_of_the_folder(file: Path, fairlead: Fairlead) -> None:
    assert "spare" in fairlead("check").out


def test_check_says_that_no_model_can_be_asked_for(tmp_path: Path, fairlead: Fairlead) -> None:
    file = tmp_path / "bare.toml"
    file.write_text('[providers.sim]\nkind = "simulator"\n')
    ended = fairlead("check", "--config", file)
    assert (ended.code, NO_MODEL in ended.out) == (0, True)


def test_check_without_a_file_shows_the_demo(fairlead: Fairlead) -> None:
    ended = fairlead("check")
    assert ended.code == 0
    assert "demo" in ended.out
    assert 'Clients may send "provider/model"' in ended.out
    assert "simulator.invalid" not in ended.out


def test_check_shows_the_command_of_a_provider_that_fairlead_runs(file: Path, fairlead: Fairlead) -> None:
    file.write_text(
        FILE.replace('base_url = "http://127.0.0.1:9/v1"', f'command = "uvx"\nargs = ["{PLANTED}{{port}}"]')
    )
    ended = fairlead("check")
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["spare", "openai_compatible", "2", "none", "(runs", "uvx)", "enabled"] in rows
    assert PLANTED not in ended.out


def test_check_shows_where_a_simulator_of_another_process_is(file: Path, fairlead: Fairlead) -> None:
    file.write_text(FILE.replace('kind = "openai_compatible"', 'kind = "simulator"'))
    assert ["spare", "simulator", "2", "none", "http://127.0.0.1:9/v1", "enabled"] in [
        line.split() for line in fairlead("check").out.splitlines()
    ]


@pytest.mark.parametrize(
    ("url", "ring", "said"),
    [
        pytest.param("sqlite:///fairlead.db", "short", "a secret that is too short", id="too-short"),
        pytest.param("postgresql://u:p@h/d", "", "a secret, which client keys in PostgreSQL", id="postgres-without"),
    ],
)
def test_check_finds_what_is_wrong_with_the_secret_keys_as_a_start_would(
    url: str, ring: str, said: str, file: Path, fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRLEAD_SECRET_KEYS", ring)
    file.write_text(f'{FILE}\n[database]\nurl = "{url}"\n')
    ended = fairlead("check")
    assert ended.code == 2
    assert ended.err.startswith("error: FAIRLEAD_SECRET_KEYS: ")
    assert said in ended.err
    assert ended.out.endswith("The configuration has 1 error.\n")


def test_check_of_a_bad_row_shows_the_rest_and_ends_with_2(file: Path, fairlead: Fairlead) -> None:
    file.write_text(BAD_ROW)
    ended = fairlead("check")
    assert ended.code == 2
    assert "spare" in ended.out
    kind, key = ended.err.splitlines()
    assert kind.startswith("error: ") and f"{file.name}: providers.broken.kind: " in kind
    assert key.startswith("error: ") and f"{file.name}: providers.broken.api_key: " in key
    assert ended.out.endswith("The configuration has 2 errors.\n")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[server]\nprot = 1\n", id="unknown-key"),
        pytest.param("not toml", id="not-toml"),
        pytest.param('[server]\nhost = "${FAIRLEAD_UNSET}"\n', id="unset-variable"),
    ],
)
def test_unusable_file_is_one_line_a_problem_and_2(text: str, file: Path, fairlead: Fairlead) -> None:
    file.write_text(text)
    for command in (["check"], ["models"], ["explain", "chat"]):
        ended = fairlead(*command)
        assert (ended.code, ended.out) == (2, "")
        assert "expected" in ended.err
        assert all(line.startswith("error: ") for line in ended.err.splitlines())


def test_missing_file_is_refused(tmp_path: Path, fairlead: Fairlead) -> None:
    ended = fairlead("check", "--config", tmp_path / "nope.toml")
    assert ended.code == 2
    assert "nope.toml: no such file" in ended.err


def test_probe_that_is_refused_ends_with_2(file: Path, fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch) -> None:
    probes = [Probe("main", "key-1", "401: the key is refused; replace it", False)]
    monkeypatch.setattr("proxy.cli.probe.probe_providers", lambda *_: probes)
    ended = fairlead("check", "--probe")
    assert ended.code == 2
    assert "the key is refused" in ended.out


def test_probe_that_is_answered_ends_with_0(file: Path, fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.cli.probe.probe_providers", lambda *_: [Probe("main", "key-1", "ok", True)])
    assert fairlead("check", "--probe").code == 0
