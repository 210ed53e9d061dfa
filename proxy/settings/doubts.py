"""From sections that can be used to warnings of what in them is hardly meant, though it may be right.

Looks whether programs are there; starts none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache
from shutil import which

from proxy.core.snapshot import BreakerPolicy
from proxy.settings.fields import RowFault
from proxy.settings.interpolate import KeyPath
from proxy.settings.policy_schema import BreakerRow, TimeoutsRow
from proxy.settings.problems import Report, Severity
from proxy.settings.sections import Sections
from proxy.settings.wording import choose_name

# Those of an attempt before anything was sent downstream, where the deadline ends.
_BEFORE_COMMIT = ("connect_s", "headers_s", "first_output_s", "response_s")


def report_doubts(sections: Sections, environ: Mapping[str, str], report: Report) -> None:
    """Add the warnings to the report."""
    faults = [*_late_timeouts(sections), *_shrinking_breakers(sections), *_programs(sections, environ)]
    faults += _expired_keys(sections)
    if not report.is_unreadable(("providers",)):
        faults += _idle_globs(sections)
    report.add_row_faults(Severity.WARNING, (), faults)


def _late_timeouts(sections: Sections) -> Iterator[RowFault]:
    deadline = ("defaults", "deadline_s")
    for path, row in _timeouts(sections):
        for key in _BEFORE_COMMIT:
            seconds = getattr(row, key)
            if seconds is not None and seconds > sections.defaults.deadline_s:
                found, fix = (
                    "more than defaults.deadline_s, which ends an attempt first",
                    "lower it, or raise deadline_s",
                )
                yield RowFault((*path, key), found, "at most the deadline", fix, (deadline,))


def _timeouts(sections: Sections) -> Iterator[tuple[KeyPath, TimeoutsRow]]:
    """Give the tables that are written: without one, `[defaults]` has every value."""
    if "timeouts" in sections.defaults.model_fields_set:
        yield ("defaults", "timeouts"), sections.defaults.timeouts
    for name, provider in sections.providers.items():
        yield ("providers", name, "timeouts"), provider.timeouts
    for name, model in sections.models.items():
        yield ("models", name, "timeouts"), model.timeouts
        for index, candidate in enumerate(model.candidates or ()):
            yield ("models", name, "candidates", index, "timeouts"), candidate.timeouts


def _shrinking_breakers(sections: Sections) -> Iterator[RowFault]:
    base = sections.defaults.breaker.policy(BreakerPolicy())
    rows: list[tuple[KeyPath, BreakerRow | None]] = [(("defaults", "breaker"), sections.defaults.breaker)]
    rows += [(("providers", name, "breaker"), provider.breaker) for name, provider in sections.providers.items()]
    for path, row in rows:
        policy = row.policy(base) if row is not None else None
        if policy is not None and policy.max_open_s < policy.open_s:
            found, expected = "less than open_s", "at least open_s, from which it doubles"
            about = (*path, "open_s")
            yield RowFault((*path, "max_open_s"), found, expected, "raise it, or lower open_s", (about,))


def _programs(sections: Sections, environ: Mapping[str, str]) -> Iterator[RowFault]:
    for name, row in sections.providers.items():
        path = row.env.get("PATH", environ.get("PATH"))
        if row.command and path and not which(row.command, path=path):
            several = " " in row.command
            fix = "put all but the first word into args" if several else "install it, or write its whole path"
            found, expected = "a program that cannot be started from here", "a program on PATH"
            yield RowFault(("providers", name, "command"), found, expected, fix)


def _expired_keys(sections: Sections) -> Iterator[RowFault]:
    now = datetime.now(UTC)
    for index, row in enumerate(sections.auth.keys):
        if row.expires_at is not None and row.expires_at <= now:
            fix = "remove the key, or give it more time"
            yield RowFault(("auth", "keys", index, "expires_at"), "a time that has passed", "one to come", fix)


def _idle_globs(sections: Sections) -> Iterator[RowFault]:
    aliases = (alias for row in sections.models.values() for alias in row.aliases)
    models, providers = dict.fromkeys([*sections.model_names, *aliases]), dict.fromkeys(sections.provider_names)

    @cache
    def is_provider(glob: str) -> bool:
        return glob in providers or any(fnmatchcase(name, glob) for name in providers)

    @cache
    def is_model(glob: str) -> bool:
        # Either way round: the name of a prefix model is itself a glob.
        if glob in models or any(fnmatchcase(name, glob) or fnmatchcase(glob, name) for name in models):
            return True
        provider, slash, _ = glob.partition("/")
        return bool(slash) and is_provider(provider)

    kinds: tuple[tuple[str, Callable[[str], bool], list[str]], ...] = (
        ("models", is_model, list(models)),
        ("providers", is_provider, list(providers)),
    )
    for place, row in enumerate(sections.auth.keys):
        for key, matches, names in kinds:
            for index, glob in enumerate(getattr(row, key)):
                if not matches(glob):
                    found, expected = f"a glob that matches none of [{key}]", "one that matches a name"
                    yield RowFault(("auth", "keys", place, key, index), found, expected, choose_name(glob, names))
