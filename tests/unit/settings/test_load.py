from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from proxy.core.errors import ConfigError
from proxy.core.snapshot import Snapshot
from proxy.settings.load import load_snapshot
from proxy.settings.reference import tables
from tests.unit.settings.documents import LOCAL

BAD_ROW = LOCAL + '[providers.bad]\nkind = "nope"\n'
PLANTED = "sk_planted_Q7z81bVv0Ld"
FORMS = (
    '"{}"',
    '["{}"]',
    '[["{}"]]',
    '{{ "x" = "{}" }}',
    '[{{ "x" = "{}" }}]',
    '"${{{}}}"',
    '"${{NOT_SET:-{}}}"',
    '"${{{}"',
    '"${{PLANTED}}"',
    '["${{PLANTED}}", "${{PLANTED}}"]',
)


def load(path: Path, text: str, environ: Mapping[str, str] | None = None, *, strict: bool = False) -> Snapshot:
    write(path, text)
    return read(path, environ or {}, strict=strict)


def write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)  # a new file costs a hundredth of what it costs to cut an old one short
    path.write_text(text, encoding="utf-8")


def read(path: Path, environ: Mapping[str, str], *, strict: bool) -> Snapshot:
    return load_snapshot(path, environ, strict=strict, simulator_url=None, version=4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "f.toml"


def test_a_file_becomes_a_snapshot(path: Path) -> None:
    made = load(path, LOCAL)
    assert (made.version, made.source, list(made.providers)) == (4, "file", ["local"])
    assert made.digest
    assert not made.server.direct_models


def test_at_start_a_bad_row_is_disabled_and_the_rest_serves(path: Path) -> None:
    made = load(path, BAD_ROW)
    assert list(made.providers) == ["local"]
    assert [problem.where for problem in made.problems] == [f"{path}: providers.bad.kind"]


def test_strict_loading_refuses_a_bad_row(path: Path) -> None:
    with pytest.raises(ConfigError, match="providers"):
        load(path, BAD_ROW, strict=True)


def test_strict_loading_passes_warnings(path: Path) -> None:
    made = load(
        path,
        LOCAL + '[redis]\nurl = "redis://x"\n[providers.o]\nkind = "openai"\napi_key_env = "O"\noptional = true',
        strict=True,
    )
    assert len(made.problems) == 2


def test_a_fatal_problem_comes_with_all_others_errors_first(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(path, '[redis]\nurl = "redis://x"\n[server]\nport = -1\n' + BAD_ROW, {"FAIRLEAD_PORT": "x"})
    assert [problem.where for problem in caught.value.problems] == [
        "environment: FAIRLEAD_PORT",
        f"{path}: server.port",
        f"{path}: providers.bad.kind",
        f"{path}: redis",
    ]


def test_without_a_socket_simulated_providers_lie_nowhere(path: Path) -> None:
    made = load(path, '[providers.s]\nkind = "simulator"')
    assert made.providers["s"].base_url == "http://simulator.invalid/s/v1"


def planted_files() -> Iterator[tuple[str, str]]:
    """Give a file for every key and form with the secret at that key, beside what its table needs."""
    needs = {
        "providers": {"kind": '"openai"', "api_key": '"k"', "command": '"c"'},
        "auth.keys": {"name": '"n"'},
        "candidates": {"provider": '"p"', "model": '"m"'},
    }
    for table in tables():
        beside = needs.get(
            table.path[0] if len(table.path) == 2 and table.path[0] == "providers" else ".".join(table.path)
        )
        beside = beside or needs.get(table.path[-1], {})
        for key in table.keys:
            rest = "".join(f"{name} = {value}\n" for name, value in beside.items() if name != key.name)
            for form in FORMS:
                yield f"{table.header}.{key.name}", f"{table.header}\n{rest}{key.name} = {form.format(PLANTED)}\n"
            yield f"{table.header}.{key.name}_env", f"{table.header}\n{rest}{key.name}_env = '{PLANTED}'\n"
            yield f"{table.header}.{key.name}", f"{table.header}\n{rest}{key.name} = {PLANTED}\n"


def test_no_problem_and_no_exception_ever_holds_a_secret(path: Path) -> None:
    told = 0
    for place, text in planted_files():
        write(path, text)
        for strict in (False, True):
            try:
                made = read(path, {"PLANTED": PLANTED}, strict=strict)
            except ConfigError as error:
                said = "".join(traceback.format_exception(error)) + repr(error) + repr(error.problems)
                is_decided = True
            else:
                said = repr(made.problems)
                is_decided = not made.problems  # strictness matters to problems that are not fatal alone
            told += "where=" in said
            assert PLANTED not in said, place
            if is_decided:
                break
    assert told > 1000  # most places refuse a secret, so the above is not empty


@pytest.mark.parametrize(
    "variable", ["HOST", "PORT", "LOG_LEVEL", "DATA_DIR", "CLIENT_KEY", "ADMIN_TOKEN", "SECRET_KEYS"]
)
@pytest.mark.parametrize("value", [PLANTED, PLANTED + "\n\x00"])
def test_no_problem_holds_a_secret_of_the_process(path: Path, variable: str, value: str) -> None:
    try:
        made = load(path, LOCAL, {f"FAIRLEAD_{variable}": value})
    except ConfigError as error:
        assert PLANTED not in "".join(traceback.format_exception(error)) + repr(error.problems)
    else:
        assert PLANTED not in repr(made.problems)
