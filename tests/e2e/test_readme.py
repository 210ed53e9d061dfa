"""The README, done as it is written: the tour of the demo command by command, and the snippets for clients."""

from __future__ import annotations

import asyncio
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fakes.process import ROOT, environment, gateway_process
from tests.fakes.tools import require_tool

README = (ROOT / "README.md").read_text()
WRITTEN_URL = "http://127.0.0.1:8080"
TOKEN = "only-for-this-tour"
# What a client is told to use in the snippets, and the model they name.
SERVED = """
[[auth.keys]]
name = "reader"
key = "your-fairlead-key"

[providers.here]
kind = "simulator"

[models."gpt-4o"]
candidates = [{ provider = "here", model = "sim-ok" }]
"""
SIMULATED = "This answer is simulated by"
SNIPPET_S = 15.0


class Command(NamedTuple):
    """A command of the page and the output that the page shows for it."""

    line: str
    shown: str


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(text: str) -> Iterator[Command]:
    """What follows a `$ `, to the end of the last line that a backslash continues; and what stands below it."""
    for block in blocks(text, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, shown = re.sub(r"\\\n", "\0", part).partition("\n")
            yield Command(line.replace("\0", "\\\n"), shown)


async def shell(line: str, folder: Path, environ: Mapping[str, str]) -> str:
    """Run one line in bash and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        require_tool("bash"),
        "-c",
        line,
        cwd=folder,
        env=environment(folder, environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(SNIPPET_S):
        out, _ = await process.communicate()
    return out.decode()


def even(text: str) -> list[str]:
    """The lines that say something, whatever the width of the terminal."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip("─ ")]


def without_numbers(text: str) -> list[str]:
    return sorted(re.sub(r" \d+(\.\d+)?$", "", line) for line in text.splitlines())


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_tour_of_the_demo_does_what_it_says(tmp_path: Path) -> None:
    require_tool("curl")
    tour = [command for command in commands(section("Five minutes with the demo")) if "make run" not in command.line]
    fairlead = shlex.join([sys.executable, "-m", "proxy"])
    async with gateway_process(tmp_path, environ={"FAIRLEAD_ADMIN_TOKEN": TOKEN}) as gateway:
        environ = {"FAIRLEAD_ADMIN_TOKEN": TOKEN, "FAIRLEAD_URL": gateway.url}
        assert gateway.out.splitlines()[0].replace(gateway.url, WRITTEN_URL) in README
        seen = {}
        for command in tour:
            line = command.line.replace(WRITTEN_URL, gateway.url).replace(".venv/bin/fairlead", fairlead)
            seen[command] = await shell(line, tmp_path, environ)
    for command, out in seen.items():
        if "trail" in command.line:
            assert len(out.splitlines()) == len(command.shown.splitlines()) == 8
            assert set(out.split()) == set(command.shown.split())
        elif "metrics" in command.line:
            assert without_numbers(out) == without_numbers(command.shown)
        elif command.shown:
            assert even(out) == even(command.shown), command.line
        elif "export" not in command.line:
            assert SIMULATED in out or "sim-primary" in out, command.line


@pytest.mark.parametrize(
    "snippet", [text for text in blocks(section("Clients"), "python") if "langchain" not in text], ids=["sdk", "azure"]
)
async def test_python_snippet_gets_an_answer(snippet: str, tmp_path: Path) -> None:
    async with gateway_process(tmp_path, SERVED) as gateway:
        script = snippet.replace(WRITTEN_URL, gateway.url) + "\nprint(answer.choices[0].message.content)\n"
        (tmp_path / "snippet.py").write_text(script)
        out = await shell(shlex.join([sys.executable, "snippet.py"]), tmp_path, {})
    assert out.startswith(SIMULATED)


async def test_node_snippet_gets_an_answer(tmp_path: Path) -> None:
    (snippet,) = blocks(section("Clients"), "javascript")
    (tmp_path / "node_modules").symlink_to(Path(__file__).parent / "node" / "node_modules")
    async with gateway_process(tmp_path, SERVED) as gateway:
        (tmp_path / "snippet.mjs").write_text(snippet.replace(WRITTEN_URL, gateway.url))
        out = await shell(shlex.join([require_tool("node"), "snippet.mjs"]), tmp_path, {})
    assert out.startswith(SIMULATED)


async def test_curl_snippet_gets_an_answer(tmp_path: Path) -> None:
    require_tool("curl")
    command = next(command for command in commands(section("Clients")) if command.line.startswith("curl"))
    async with gateway_process(tmp_path, SERVED) as gateway:
        line = command.line.replace(WRITTEN_URL, gateway.url)
        out = await shell(line, tmp_path, {"FAIRLEAD_KEY": "your-fairlead-key"})
    assert SIMULATED in out
