"""The Dockerfile: linted, and the promises that a linter does not know."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.fakes.tools import require_tool

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "Dockerfile").read_text()
FINAL = TEXT[TEXT.rindex("\nFROM ") :]


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [require_tool("hadolint"), "--failure-threshold", "style", "Dockerfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_both_stages_start_from_the_same_exact_base() -> None:
    bases = re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", bases[0])


def test_every_pip_install_from_an_index_checks_hashes() -> None:
    commands = [part.strip() for part in re.findall(r"pip install ([^&\n]*)", TEXT)]
    assert len(commands) == 3
    assert all("--require-hashes" in command or command == "--no-deps dist/*.whl" for command in commands)


def pins(name: str) -> dict[str, str]:
    """The packages of a lock file, each with its version and what that is for."""
    rows = re.findall(r"^([\w.-]+)==(\S+(?: ; [^\\\n]+)?)", (ROOT / "requirements" / name).read_text(), re.MULTILINE)
    return dict(rows)


def test_the_image_has_what_a_checkout_has_and_every_extra() -> None:
    assert "--requirement requirements/all.txt" in TEXT
    core, image, dev = pins("core.txt"), pins("all.txt"), pins("dev.txt")
    assert len(core) > 20
    assert image.keys() - core.keys() >= {"asyncpg", "azure-identity", "botocore", "google-auth"}
    assert image == {**core, **{name: dev[name] for name in image.keys() - core.keys()}}


def test_the_image_runs_as_a_numeric_user_that_is_not_root() -> None:
    users = re.findall(r"^USER (\S+)", FINAL, re.MULTILINE)
    assert [re.fullmatch(r"[1-9]\d+:[1-9]\d+", user) is not None for user in users] == [True]


@pytest.mark.parametrize("instruction", ["ENTRYPOINT", "CMD"])
def test_the_command_is_run_without_a_shell(instruction: str) -> None:
    (form,) = re.findall(rf"^{instruction} (.*)$", FINAL, re.MULTILINE)
    assert all(isinstance(word, str) for word in json.loads(form))


@pytest.mark.parametrize(
    ("status", "code"),
    [pytest.param(200, 0, id="alive"), pytest.param(503, 1, id="refusing"), pytest.param(0, 1, id="silent")],
)
def test_the_health_check_asks_the_gateway_itself_with_nothing_but_python(status: int, code: int) -> None:
    (form,) = re.findall(r"^HEALTHCHECK [^\[]*CMD (\[.*\])$", FINAL, re.MULTILINE)
    command = json.loads(form)
    assert command[:2] == ["python", "-c"]
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        if status:
            Thread(target=server.handle_request, daemon=True).start()
        script = command[2].replace("8080", str(server.server_port)).replace("timeout=2", "timeout=0.5")
        # Docker hands every container the proxies of its own configuration; none of them leads to loopback.
        environ = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
        ended = subprocess.run(
            [sys.executable, "-c", script], env=environ, capture_output=True, timeout=10, check=False
        )
    assert (ended.returncode, asked) == (code, ["/livez"] if status else [])


def test_what_the_image_copies_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [word for words in re.findall(r"^COPY (?!--from)(.*)$", TEXT, re.MULTILINE) for word in words.split()[:-1]]
    assert copied
    assert {word.split("/")[0] for word in copied} == kept
