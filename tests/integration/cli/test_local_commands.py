"""Commands that read a configuration: what they print and how they end."""

from __future__ import annotations

import json
import os
import signal
import time
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from proxy import __version__
from proxy.cli import serve as serve_command
from proxy.edge.server import listen
from proxy.providers.listings import UpstreamModel
from proxy.settings.ollama import ollama_answers
from proxy.upstream.probes import Probe
from tests.fakes.deployment import run
from tests.fakes.process import run_command, run_script
from tests.integration.cli.conftest import FILE, PLANTED, Fairlead


def test_version_is_printed(fairlead: Fairlead) -> None:
    assert fairlead("--version").out == f"fairlead {__version__}\n"


def test_no_words_print_help(fairlead: Fairlead) -> None:
    ended = fairlead()
    assert ended.code == 2
    assert "serve" in ended.out + ended.err


@pytest.mark.parametrize(
    "words", [[], ["serve"], ["check"], ["state", "show"], ["keys", "create"], ["usage"]], ids="-".join
)
def test_help_shows_no_value_beside_an_option_that_takes_none(words: list[str], fairlead: Fairlead) -> None:
    ended = fairlead(*words, "--help")
    assert ended.code == 0
    assert "--help" in ended.out
    assert "bool" not in ended.out


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["nonsense"], id="unknown-command"),
        pytest.param(["check", "--nonsense"], id="unknown-option"),
        pytest.param(["explain"], id="missing-argument"),
        pytest.param(["serve", "--port", "many"], id="wrong-type"),
        pytest.param(["serve", "--log-level", "loud"], id="unknown-choice"),
    ],
)
def test_wrong_usage_ends_with_2(words: list[str], fairlead: Fairlead) -> None:
    ended = fairlead(*words)
    assert ended.code == 2
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["prices", "list", "--provider", "main", "--json", "--model"], id="printed"),
        pytest.param(["prices", "update", "--url"], id="sent"),
        pytest.param(["keys", "revoke"], id="kept"),
    ],
)
def test_words_that_are_not_utf8_are_refused_in_a_line(words: list[str], file: Path, fairlead: Fairlead) -> None:
    word = os.fsdecode(b"https://127.0.0.1/caf\xe9")
    ended = fairlead(*words, word)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"error: {word!r}: bytes that are not UTF-8; write it in UTF-8\n"


@pytest.mark.parametrize("words", [["--token", "{}"], ["--token={}"]], ids=["apart", "together"])
def test_word_that_is_not_utf8_shows_no_token_beside_it(words: list[str], fairlead: Fairlead) -> None:
    """A token may be in any letters."""
    provider, token = os.fsdecode(b"caf\xe9"), os.fsdecode(b"planted-\xe9")
    given = [word.replace("{}", token) for word in words]
    ended = fairlead("state", "disable", provider, "--url", "http://127.0.0.1:9", *given)
    assert ended.code == 2
    assert repr(provider) in ended.err and "planted" not in ended.err


def test_models_are_listed_with_window_and_price(file: Path, fairlead: Fairlead) -> None:
    ended = fairlead("models")
    assert ["chat", "128000", "2.5", "10"] in [line.split() for line in ended.out.splitlines()]
    (row,) = json.loads(fairlead("models", "--json").out)["data"]
    assert (row["id"], row["context_window"]) == ("chat", 128_000)


LISTED = (
    UpstreamModel("b", 128_000, None, True, False, Decimal("2.5"), Decimal(10)),
    UpstreamModel("a"),
)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("models", "--upstream", "--url", "http://127.0.0.1:1"), "--upstream the configuration"),
        (("models", "--config", "x.toml", "--url", "http://127.0.0.1:1"), "--config the configuration"),
        (("explain", "m", "--config", "x.toml", "--url", "http://127.0.0.1:1"), "--config the configuration"),
        (("models", "--provider", "main"), "--provider needs --upstream"),
    ],
)
def test_options_of_which_one_would_be_ignored_are_refused(
    words: tuple[str, ...], said: str, fairlead: Fairlead
) -> None:
    ended = fairlead(*words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_upstream_models_are_listed_as_their_vendor_tells(
    file: Path, fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = Probe("main", "key-1", "ok, 2 models; not listed: c", True, True, True, LISTED, ("c",))
    spare = Probe("spare", "none", "ok, 1 model", True, True, True, LISTED[1:])
    monkeypatch.setattr("proxy.cli.probe.probe_providers", lambda *_: [probe, spare])
    ended = fairlead("models", "--upstream", "--provider", "main")
    lines = [line.split() for line in ended.out.splitlines()]
    assert lines.index(["main", "a"]) < lines.index(["main", "b", "128000", "yes", "no", "2.5", "10"])
    assert (ended.code, ended.err) == (0, "main: ok, 2 models; not listed: c\n")
    row, _ = json.loads(fairlead("models", "--upstream", "--json").out)["providers"]
    assert row["missing"] == ["c"]
    assert row["models"][0]["input_usd_per_mtok"] == "2.5"


def test_provider_that_lists_nothing_ends_with_2(
    file: Path, fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = [Probe("main", "key-1", "401: the key is refused; replace it", False)]
    monkeypatch.setattr("proxy.cli.probe.probe_providers", lambda *_: probes)
    ended = fairlead("models", "--upstream")
    assert (ended.code, ended.err) == (2, "main: 401: the key is refused; replace it\n")
    assert json.loads(fairlead("models", "--upstream", "--json").out)["providers"][0]["models"] is None


def test_provider_that_is_not_asked_is_told(file: Path, fairlead: Fairlead) -> None:
    file.write_text(
        '[providers.sim]\nkind = "simulator"\n'
        '[providers.off]\nkind = "openai"\napi_key = "sk-12345678"\nenabled = false\n'
        '[models.m]\nmodel = "x"\nproviders = ["sim"]\n'
    )
    ended = fairlead("models", "--upstream")
    assert ended.code == 0
    assert ended.err == "sim: not asked: it takes any model\noff: not asked: it is disabled\n"


def test_models_of_an_unknown_provider_are_refused(file: Path, fairlead: Fairlead) -> None:
    ended = fairlead("models", "--upstream", "--provider", "nope")
    assert ended.code == 2
    assert ended.err == "error: --provider nope: there is no such provider; `fairlead check` lists them\n"


@pytest.mark.parametrize("words", [["explain", "chat"], ["models", "--json"], ["prices", "list"]], ids="-".join)
def test_rows_that_are_left_out_for_their_errors_are_told(words: list[str], file: Path, fairlead: Fairlead) -> None:
    file.write_text(f'{FILE}\n[providers.broken]\nkind = "opnai"\n')
    ended = fairlead(*words)
    assert ended.code == 0
    assert ended.err.startswith("error: ") and f"{file.name}: providers.broken.kind: an unknown kind" in ended.err
    assert "broken" not in ended.out


def test_explain_shows_the_order(file: Path, fairlead: Fairlead) -> None:
    ended = fairlead("explain", "chat")
    rows = [line.split()[:4] for line in ended.out.splitlines()]
    assert rows.index(["1", "main", "big-one", "1"]) < rows.index(["2", "spare", "big-one", "2"])
    plan = json.loads(fairlead("explain", "chat", "--json").out)
    assert [row["provider"] for row in plan["candidates"]] == ["main", "spare"]
    assert {(row["context_window"], *row["lacks"]) for row in plan["candidates"]} == {(128_000,)}
    assert "128000" in ended.out


def test_explain_of_a_key_that_the_file_does_not_have_names_those_it_has(file: Path, fairlead: Fairlead) -> None:
    with file.open("a") as text:
        text.write('[[auth.keys]]\nname = "ci"\nkey = "client-key-0123456789"\n')
    ended = fairlead("explain", "chat", "--key", "pasted-secret")
    assert (ended.code, ended.out) == (2, "")
    assert "There is: ci." in ended.err
    assert "--url" in ended.err
    assert "pasted-secret" not in ended.err
    assert "--url" not in fairlead("explain", "nope").err


def test_explain_shows_what_is_left_out(file: Path, fairlead: Fairlead) -> None:
    file.write_text(FILE.replace("priority = 2", "priority = 2\nenabled = false"))
    assert "disabled in the configuration" in fairlead("explain", "chat").out


def test_explain_says_so_where_nobody_would_be_tried(file: Path, fairlead: Fairlead) -> None:
    file.write_text(FILE.replace('kind = "open', 'enabled = false\nkind = "open'))
    ended = fairlead("explain", "chat")
    assert ended.code == 0
    assert ended.out.startswith("chat (sticky): no candidate can be tried\n")
    assert "disabled in the configuration" in ended.out


def test_explain_of_an_unknown_name_is_refused_with_the_nearest(file: Path, fairlead: Fairlead) -> None:
    ended = fairlead("explain", "chta")
    assert ended.code == 2
    assert "The nearest it may call: chat." in ended.err
    assert fairlead("explain", "chat", "--key", "nobody").code == 2


def test_serve_hands_its_options_to_the_application(
    tmp_path: Path, fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxy.app import ServeOptions  # most of these tests run without the application

    seen: list[ServeOptions] = []
    monkeypatch.setattr("proxy.app.serve", seen.append)
    config = tmp_path / "f.toml"
    words = ["--config", config, "--host", "::1", "--port", "0", "--log-level", "debug", "--log-format", "json"]
    assert fairlead("serve", *words).code == 0
    assert seen == [ServeOptions(config, "::1", 0, serve_command.LogLevel.DEBUG, serve_command.LogFormat.JSON)]


def test_unexpected_fault_is_one_line_and_with_debug_a_traceback(
    file: Path, fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise LookupError(PLANTED)

    monkeypatch.setattr("proxy.api.models.openai_list", broken)
    ended = fairlead("models")
    assert (ended.code, len(ended.err.splitlines())) == (1, 1)
    assert "LookupError" in ended.err
    assert PLANTED not in ended.err
    assert "Traceback" in fairlead("--debug", "models").err


def test_interrupt_ends_quietly(file: Path, fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("proxy.api.models.openai_list", interrupted)
    ended = fairlead("models")
    assert (ended.code, ended.err) == (130, "")


def test_ollama_is_asked_for_only_without_a_file(
    file: Path, fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.settings.ollama.ollama_answers", lambda: True)
    assert ":11434" not in fairlead("check").out
    file.unlink()
    assert ":11434" in fairlead("check").out


def test_ollama_answers_where_something_listens() -> None:
    listener = listen("127.0.0.1", 0)
    listener.listen()
    address = listener.getsockname()
    assert ollama_answers(address)
    listener.close()
    assert not ollama_answers(address)


def test_simulate_lists_its_behaviours(fairlead: Fairlead) -> None:
    assert "retry-after" in fairlead("simulate", "--behaviours").out


def test_simulate_refuses_a_taken_port_and_a_bad_scenario(tmp_path: Path, fairlead: Fairlead) -> None:
    taken = listen("127.0.0.1", 0)
    taken.listen()
    ended = fairlead("simulate", "--port", str(taken.getsockname()[1]))
    taken.close()
    assert ended.code == 2
    assert "choose another with --host and --port" in ended.err
    assert fairlead("simulate", "--scenario", tmp_path / "nope.toml").code == 2


def test_simulate_serves_until_a_signal_ends_it(tmp_path: Path) -> None:
    with run("simulate", folder=tmp_path) as simulator:
        answer = httpx.get(f"{simulator.url}/v1/models", trust_env=False)
        simulator.end()
    assert answer.json()["object"] == "list"


async def test_process_ends_with_the_code_of_its_command(tmp_path: Path) -> None:
    (tmp_path / "fairlead.toml").write_text("[server]\nprot = 1\n")
    ended = await run_command(tmp_path, "check")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "server.prot: an unknown key" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_names_that_the_terminal_has_no_letters_for_are_spelled_out(tmp_path: Path) -> None:
    (tmp_path / "fairlead.toml").write_text(
        '[providers.a]\nkind = "simulator"\n[models."modèle"]\nmodel = "sim-ok"\nproviders = ["a"]\n', encoding="utf-8"
    )
    ended = await run_command(tmp_path, "models", environ={"PYTHONIOENCODING": "ascii"})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert r"mod\xe8le" in ended.stdout


def test_version_needs_neither_the_command_line_library_nor_the_application(tmp_path: Path) -> None:
    script = (
        "import sys; sys.argv[1:] = ['--version']; from proxy.__main__ import main; code = main();"
        "heavy = {'typer', 'rich', 'starlette', 'httpx', 'pydantic', 'proxy.app'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    began_s = time.perf_counter()
    ended = run_script(script, tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert time.perf_counter() - began_s < 5.0


def test_process_1_of_a_container_ends_at_a_sigterm_while_it_starts(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys, types; from proxy.__main__ import main;"
        "pid = os.getpid(); os.getpid = lambda: 1;"
        "sys.modules['proxy.cli.main'] = cli = types.ModuleType('cli');"
        "cli.run = lambda _: os.kill(pid, signal.SIGTERM);"
        "main()"
    )
    assert run_script(script, tmp_path).returncode == 128 + signal.SIGTERM


def test_signal_shortly_before_the_gateway_is_ready_ends_it(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from proxy import app; from proxy.__main__ import main;"
        "app._tame_collector = lambda: os.kill(os.getpid(), signal.SIGTERM);"
        "sys.argv[1:] = ['serve', '--port', '0'];"
        "main()"
    )
    assert run_script(script, tmp_path).returncode == -signal.SIGTERM


def test_gateway_does_without_the_command_line_of_its_http_library(tmp_path: Path) -> None:
    script = (
        "import sys, proxy.app, proxy.storage;"
        "sys.exit(f'imported {heavy}' if (heavy := {'rich', 'pygments'} & set(sys.modules)) else 0)"
    )
    ended = run_script(script, tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
