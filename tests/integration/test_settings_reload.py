"""Reloads of a real file, changed in every way that editors and Kubernetes change one."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proxy.core.snapshot import Problem, Snapshot
from proxy.settings.load import load_snapshot
from proxy.settings.reload import Reloader, Watched

POLL_S = 0.02
SETTLE_S = 0.1
RETRY_S = 0.05
QUIET_S = 0.3


def providers(*names: str) -> str:
    return "".join(f'[providers.{name}]\nkind = "ollama"\n' for name in names)


BROKEN = "[providers.a]\nkind = "


@dataclass
class Watch:
    """A reloader at work, and what it told."""

    path: Path
    reloader: Reloader
    published: list[Snapshot] = field(default_factory=list)
    failed: list[Sequence[Problem]] = field(default_factory=list)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not is_so():
                await asyncio.sleep(0.005)

    async def served(self, *names: str) -> Snapshot:
        await self.until(lambda: bool(self.published) and list(self.published[-1].providers) == list(names))
        return self.published[-1]


@asynccontextmanager
async def watching(
    path: Path, environ: dict[str, str] | None = None, *, publish: Callable[[Snapshot], None] | None = None
) -> AsyncIterator[Watch]:
    variables = environ or {}
    first = load_snapshot(path, variables, strict=False, simulator_url=None, version=1)
    published: list[Snapshot] = []
    failed: list[Sequence[Problem]] = []
    watched = Watched(path, variables, poll_s=POLL_S, settle_s=SETTLE_S, retry_s=RETRY_S)
    reloader = Reloader(watched, first, publish or published.append, failed.append)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(reloader.run())
        yield Watch(path, reloader, published, failed)
        task.cancel()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "fairlead.toml"
    path.write_text(providers("a"))
    return path


async def test_a_changed_file_is_published_with_the_next_version(path: Path) -> None:
    async with watching(path) as watch:
        path.write_text(providers("a", "b"))
        assert (await watch.served("a", "b")).version == 2
        path.write_text(providers("b"))
        assert (await watch.served("b")).version == 3
        assert watch.failed == []


async def test_an_unchanged_file_is_not_published(path: Path) -> None:
    async with watching(path) as watch:
        path.write_text(providers("a"))
        await asyncio.sleep(QUIET_S)
        assert (watch.published, watch.failed) == ([], [])


async def test_a_poke_reloads_an_unchanged_file(path: Path) -> None:
    async with watching(path) as watch:
        watch.reloader.poke()
        assert (await watch.served("a")).version == 2
        watch.reloader.poke()
        await watch.until(lambda: watch.published[-1].version == 3)


async def test_a_file_replaced_by_a_rename_is_seen(path: Path) -> None:
    async with watching(path) as watch:
        new = path.with_suffix(".new")
        new.write_text(providers("b"))
        new.replace(path)
        assert (await watch.served("b")).version == 2


async def test_a_swapped_link_is_seen(tmp_path: Path) -> None:
    """As Kubernetes mounts a ConfigMap: the file is a link through a folder that is itself a link."""
    for version, names in (("v1", ("a",)), ("v2", ("b",))):
        (tmp_path / version).mkdir()
        (tmp_path / version / "fairlead.toml").write_text(providers(*names))
    (tmp_path / "..data").symlink_to("v1")
    path = tmp_path / "fairlead.toml"
    path.symlink_to("..data/fairlead.toml")
    async with watching(path) as watch:
        (tmp_path / "..data_tmp").symlink_to("v2")
        os.replace(tmp_path / "..data_tmp", tmp_path / "..data")
        assert (await watch.served("b")).version == 2


async def test_a_broken_file_keeps_the_old_one_is_told_once_and_may_be_fixed(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching(path) as watch:
        with caplog.at_level(logging.ERROR):
            path.write_text(BROKEN)
            await watch.until(lambda: bool(watch.failed))
            await asyncio.sleep(QUIET_S)
        assert len(watch.failed) == 1
        assert watch.published == []
        assert "text that is not TOML" in caplog.text
        assert "version 1 stays in force" in caplog.text
        path.write_text(providers("a", "b"))
        assert (await watch.served("a", "b")).version == 2


async def test_a_file_that_another_one_was_missing_for_is_tried_again(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Kubernetes brings a ConfigMap and the Secret that it names at different times, and nobody sends a signal."""
    missing = path.with_name("ca.pem")
    async with watching(path) as watch:
        path.write_text(f'{providers("b")}ca_file = "{missing}"\n')
        await watch.until(lambda: bool(watch.failed))
        await asyncio.sleep(QUIET_S)
        assert len(watch.failed) == 1
        assert caplog.text.count("no such file") == 1
        missing.touch()
        assert (await watch.served("b")).version == 2


async def test_a_poke_tells_again_what_is_wrong(path: Path) -> None:
    async with watching(path) as watch:
        path.write_text(BROKEN)
        await watch.until(lambda: bool(watch.failed))
        watch.reloader.poke()
        await watch.until(lambda: len(watch.failed) == 2)


async def test_a_return_to_the_old_content_is_published(path: Path) -> None:
    """Whoever counts a failed reload learns that it is over."""
    async with watching(path) as watch:
        path.write_text(BROKEN)
        await watch.until(lambda: bool(watch.failed))
        path.write_text(providers("a"))
        assert (await watch.served("a")).version == 2


async def test_one_bad_row_refuses_the_whole_file(path: Path) -> None:
    async with watching(path) as watch:
        path.write_text(providers("a", "b") + '[providers.c]\nkind = "nope"\n')
        await watch.until(lambda: bool(watch.failed))
        assert [problem.where for problem in watch.failed[0]] == [f"{path}: providers.c.kind"]
        assert watch.published == []


async def test_every_problem_of_a_refused_file_is_logged_as_grave_as_it_is(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = (
        '[server]\ndrain_s = 1\nport = -1\n[providers.c]\nkind = "opnai"\napi_key = ""\npriorty = 1\n'
        '[models.m]\nproviders = ["d"]\naliases = ["m"]\n[providers.e]\nkind = "ollama"\n'
        "timeouts = { headers_s = 900 }\n"
    )
    async with watching(path) as watch:
        with caplog.at_level(logging.WARNING):
            path.write_text(bad + providers("a"))
            await watch.until(lambda: bool(watch.failed))
        assert watch.published == []
    about = [record for record in caplog.records if str(path) in record.message]
    told = [(record.levelname, record.message.split(": ")[2]) for record in about]
    assert told == [
        ("ERROR", "server.drain_s"),
        ("ERROR", "server.port"),
        ("ERROR", "providers.c.kind"),
        ("ERROR", "providers.c.api_key"),
        ("ERROR", "providers.c.priorty"),
        ("ERROR", "models.m.providers[0]"),
        ("ERROR", "models.m.aliases[0]"),
        ("WARNING", "providers.e.timeouts.headers_s"),
    ]
    assert "version 1 stays in force" in caplog.text


async def test_an_emptied_file_keeps_the_old_one(path: Path) -> None:
    async with watching(path) as watch:
        path.write_text("")
        await watch.until(lambda: bool(watch.failed))
        assert [problem.where for problem in watch.failed[0]] == [f"{path}: providers"]


async def test_a_missing_file_keeps_the_old_one_and_may_come_back(path: Path) -> None:
    async with watching(path) as watch:
        path.unlink()
        await watch.until(lambda: bool(watch.failed))
        assert watch.failed[0][0].found == "no such file"
        path.write_text(providers("b"))
        assert (await watch.served("b")).version == 2


async def test_a_file_that_is_being_written_is_waited_for(path: Path) -> None:
    """Each state on the way is a valid file that lacks providers; none of them may be taken."""
    async with watching(path) as watch:
        with path.open("w") as file:
            for name in ("b", "c", "d", "e"):
                file.write(providers(name))
                file.flush()
                await asyncio.sleep(SETTLE_S / 10)
        assert (await watch.served("b", "c", "d", "e")).version == 2
        assert len(watch.published) == 1
        assert watch.failed == []


async def test_a_variable_that_the_file_names_is_watched(path: Path) -> None:
    path.write_text('[providers.a]\nkind = "openai"\napi_key = "${KEY}"\n')
    environ = {"KEY": "one"}
    async with watching(path, environ) as watch:
        environ["KEY"] = "two"
        made = await watch.served("a")
        assert made.providers["a"].credentials[0].secret.reveal() == "two"


async def test_settings_that_need_a_restart_stay_with_a_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with watching(path) as watch:
        with caplog.at_level(logging.WARNING):
            path.write_text(providers("b") + "[server]\nport = 9999\n")
            made = await watch.served("b")
        assert made.server.port == 8080
        assert "server.port: a new value; expected the value in force until a restart" in caplog.text


async def test_a_configuration_that_cannot_be_put_in_force_keeps_the_old_one(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []

    def publish(snapshot: Snapshot) -> None:
        seen.append(snapshot.version)
        if len(seen) == 1:
            raise RuntimeError("sk-planted")

    async with watching(path, publish=publish) as watch:
        path.write_text(providers("b"))
        await watch.until(lambda: bool(watch.failed))
        path.write_text(providers("c"))
        await watch.until(lambda: len(seen) == 2)
        assert seen == [2, 2]
        assert "RuntimeError" in watch.failed[0][0].found
        assert "sk-planted" not in caplog.text
