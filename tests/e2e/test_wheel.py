"""The built wheel: what is in it, and that it serves the demo where nothing can be written.

It is installed beside its locked dependencies, and nothing else, in an environment outside the repository, and run from
there by a user who is not root. Needs no package index: the dependencies are copied from this environment.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.fakes.tools import require_tool

ROOT = Path(__file__).parents[2]
NOBODY = 65534
# Run in the place of the gateway: fails unless this user is not root and can write to none of the folders it knows.
PROBE = """
import os, sys
assert os.getuid() != 0
for folder in (os.getcwd(), os.environ["HOME"], os.environ["TMPDIR"], sys.prefix):
    try:
        open(os.path.join(folder, "probe"), "w")
    except OSError:
        continue
    sys.exit(f"{folder} can be written")
"""
READ_ONLY = ["unshare", "--mount", "sh", "-c", 'mount -o remount,bind,ro / && exec "$@"', "sh"]

# Whichever test is first pays for the environment.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path) -> Iterator[Path]:
    """An environment that another user can read, with the wheel and its dependencies in it."""
    with tempfile.TemporaryDirectory(prefix="fairlead-wheel-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        (place / "home").mkdir(mode=0o555)
        venv = place / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        (site,) = venv.glob("lib/python*/site-packages")
        copy_dependencies(site)
        pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python"), "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel)], check=True)
        yield venv


def copy_dependencies(site: Path) -> None:
    """Copy what requirements/core.txt names; a package that this platform does not need is not installed here."""
    for name in re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / "core.txt").read_text(), re.MULTILINE):
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        for file in package.files or []:
            if ".." not in file.parts:
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(package.locate_file(file)), site / file)


def surroundings(venv: Path) -> dict[str, str]:
    home = str(venv.parent / "home")
    return {"PATH": os.defpath, "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8"}


def confinement(venv: Path) -> list[str]:
    """The strictest prefix of a command that works here: another user, if possible on a read-only file system."""
    if os.getuid() != 0:
        return []
    user = [require_tool("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    # An interpreter below a folder that only root may enter: the right to read everything, and to write nothing more.
    reader = [*user, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    choices: list[list[str]] = [[*READ_ONLY, *user], [*READ_ONLY, *reader], user, reader]
    for prefix in choices:
        if run_confined(prefix, venv, [str(venv / "bin" / "python"), "-c", PROBE]).returncode == 0:
            return prefix
    pytest.fail("no way was found to run the wheel as a user who cannot write")


def run_confined(prefix: Sequence[str], venv: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, *command],
        cwd=venv.parent / "home",
        env=surroundings(venv),
        capture_output=True,
        text=True,
        check=False,
        timeout=15,
    )


def wait_for(url: str, gateway: subprocess.Popen[bytes], log: Path) -> None:
    end_s = time.monotonic() + 15
    while time.monotonic() < end_s and gateway.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
        else:
            return
    pytest.fail(f"not ready; exit code {gateway.poll()}:\n{log.read_text()}")


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "proxy").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"proxy/__main__.py", "proxy/py.typed"} <= package
    assert {name for name in names if ".dist-info/" not in name} == package
    inside = {name.partition(".dist-info/")[2] for name in names - package}
    assert inside == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}


def test_installed_command_says_its_version(environment: Path, wheel: Path) -> None:
    done = run_confined([], environment, [str(environment / "bin" / "fairlead"), "--version"])
    assert (done.returncode, done.stderr) == (0, "")
    assert wheel.name.split("-")[1] in done.stdout


def test_wheel_serves_the_demo_to_another_user_where_nothing_can_be_written(environment: Path, tmp_path: Path) -> None:
    prefix = confinement(environment)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [*prefix, str(environment / "bin" / "fairlead"), "serve", "--port", str(port)]
    log = tmp_path / "gateway.log"
    with log.open("wb") as sink:
        gateway = subprocess.Popen(
            command,
            cwd=environment.parent / "home",
            env=surroundings(environment),
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", gateway, log)
        answer = ask_demo(port)
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(20) == 0, log.read_text()
    finally:
        gateway.kill()
        gateway.wait()
    assert answer["object"] == "chat.completion"
    assert "simulated" in json.dumps(answer).lower()


def ask_demo(port: int) -> dict[str, object]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions",
        data=json.dumps({"model": "demo", "messages": [{"role": "user", "content": "hello"}]}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=15) as response:
        answer: dict[str, object] = json.load(response)
        return answer
