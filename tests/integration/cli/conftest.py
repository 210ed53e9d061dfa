"""A clean place to run commands in: no configuration, no provider's variables, no Ollama."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.cli.main import run

PLANTED = "planted-secret-0123456789"
FILE = f"""
[providers.main]
kind = "openai"
api_key = "{PLANTED}"

[providers.spare]
kind = "openai_compatible"
base_url = "http://127.0.0.1:9/v1"
priority = 2

[models.chat]
model = "big-one"
providers = ["main", "spare"]

[models.chat.capabilities]
context_window_tokens = 128000

[prices."main/big-one"]
input_usd_per_mtok = 2.5
output_usd_per_mtok = 10
"""
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str


Fairlead = Callable[..., Ended]


@pytest.fixture
def fairlead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Fairlead]:
    """Run `fairlead` with these words, in an empty folder and environment."""
    for name in set(os.environ) - set(KEPT):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("proxy.settings.ollama.ollama_answers", lambda: False)

    def fairlead(*words: str | Path) -> Ended:
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    yield fairlead


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration with two providers and one model of both."""
    path = tmp_path / "fairlead.toml"
    path.write_text(FILE)
    return path
