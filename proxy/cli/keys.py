"""`fairlead keys`: make, list, rotate and revoke client keys in the database, beside a running server or without one.

A key is printed once, alone on stdout, so that it can be piped; everything else that is said goes to stderr. Never
prints a hash, never migrates a database that holds anything, and never repeats a name that was not found: it may be a
key that was pasted in its place.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from proxy.cli import options
from proxy.cli.configuration import load
from proxy.cli.keyview import COLUMNS, as_cells, as_object, moment
from proxy.cli.output import print_json, print_table
from proxy.cli.refusal import Refusal
from proxy.cli.storage import connected, shown

if TYPE_CHECKING:
    from proxy.core.clientkey import Minted
    from proxy.core.snapshot import ClientKey, Snapshot
    from proxy.store.keys import KeyStore

Found = TypeVar("Found")

DAY_S = 86_400
LATEST_S = 253_402_300_799  # the end of the year 9999, the last that a date can show
SPAN = re.compile(r"(\d{1,9})([smhdw])")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY_S, "w": 7 * DAY_S}
SHOWN_ONCE = "It is shown this once: only its hash is stored, in {}. Gateways on it know the key within 2 seconds."

app = typer.Typer(help="Make, list, rotate and revoke the client keys of the database.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What logs, the ledger and reports call the key.")]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="GLOB", help="Glob on the public names that it may call; repeat; none = all."),
]
Providers = Annotated[
    list[str] | None,
    typer.Option("--provider", metavar="GLOB", help="Glob on the providers that may serve it; repeat; none = all."),
]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A label that the ledger keeps; repeat.")]
Owner = Annotated[str, typer.Option("--owner", help="Whom to ask about it.", show_default=False)]
Expires = Annotated[
    str | None,
    typer.Option(
        "--expires", metavar="WHEN", help="When it ends: 2027-12-31, a date-time (UTC), or 90d for days from now."
    ),
]
Rpm = Annotated[int | None, typer.Option("--rpm", help="Requests a minute.")]
Tpm = Annotated[int | None, typer.Option("--tpm", help="Tokens a minute.")]
Parallel = Annotated[int | None, typer.Option("--parallel", help="Requests at once.")]
DayBudget = Annotated[str | None, typer.Option("--budget-usd-day", metavar="USD", help="USD in a day of UTC.")]
MonthBudget = Annotated[str | None, typer.Option("--budget-usd-month", metavar="USD", help="USD in a month of UTC.")]
AllowUnpriced = Annotated[
    bool, typer.Option("--allow-unpriced", help="With a budget: also models without a known price.")
]
Grace = Annotated[
    str,
    typer.Option("--grace", metavar="TIME", help="How long the old key goes on working: 30m, 24h, 7d; 0 = not at all."),
]


@app.command()
def create(
    name: Name,
    config: options.Config = None,
    model: Models = None,
    provider: Providers = None,
    tag: Tags = None,
    owner: Owner = "",
    expires: Expires = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    parallel: Parallel = None,
    budget_usd_day: DayBudget = None,
    budget_usd_month: MonthBudget = None,
    allow_unpriced: AllowUnpriced = False,
    as_json: options.AsJson = False,
) -> None:
    """Make a client key and print it, once."""
    now_us = _now_us()
    values = {
        "name": name,
        "models": model or (),
        "providers": provider or (),
        "tags": tag or (),
        "owner": owner,
        "expires_at": _moment(expires, now_us),
        "rpm": rpm,
        "tpm": tpm,
        "parallel": parallel,
        "budget_usd_day": budget_usd_day,
        "budget_usd_month": budget_usd_month,
        "allow_unpriced": allow_unpriced,
    }
    key = _read(values, now_us)
    snapshot = load(config)
    _refuse_names_of_the_file(snapshot, name, "choose another name")
    minted = _use(snapshot, lambda keys, mint: _create(keys, key, mint(), now_us))
    _print_new(name, minted, _described(key, minted, now_us) if as_json else None, SHOWN_ONCE.format(shown(snapshot)))


@app.command(name="list")
def list_keys(config: options.Config = None, as_json: options.AsJson = False) -> None:
    """List the keys of the database with their limits, revoked and expired ones too."""
    snapshot = load(config)
    rows = _use(snapshot, lambda keys, _: keys.listed())
    if as_json:
        print_json([as_object(row) for row in rows])
        return
    now_us = _now_us()
    print_table("Client keys (times in UTC)", COLUMNS, [as_cells(row, now_us) for row in rows])
    typer.echo(f"These are the keys in {shown(snapshot)}.", err=True)
    configured = sorted(key.name for key in snapshot.auth.keys.values())
    if configured:
        typer.echo(f"The configuration has others: {', '.join(configured)}.", err=True)


@app.command()
def revoke(name: Name, config: options.Config = None) -> None:
    """End a client key for good. Its name and what it spent stay on record."""
    snapshot = load(config)
    _refuse_names_of_the_file(snapshot, name, "remove it from [[auth.keys]]")
    was_valid = _use(snapshot, lambda keys, _: _changed(name, keys.revoke(name, _now_us())))
    done = "gateways on it refuse the key within 2 seconds" if was_valid else "it was revoked before"
    typer.echo(f"revoke: {name}, in {shown(snapshot)} ({done})", err=True)


@app.command()
def rotate(name: Name, config: options.Config = None, grace: Grace = "24h", as_json: options.AsJson = False) -> None:
    """Give a client key a new secret and print it, once. Rights, limits and what was spent stay."""
    now_us = _now_us()
    grace_s = 0 if grace == "0" else _span_s(grace)
    if grace_s is None or now_us // 1_000_000 + grace_s > LATEST_S:
        raise Refusal("--grace: expected a time such as 30m, 24h or 7d, or 0")
    ends_us = now_us + grace_s * 1_000_000
    snapshot = load(config)
    _refuse_names_of_the_file(snapshot, name, "change it there")
    minted = _use(snapshot, lambda keys, mint: _rotate(keys, name, mint(), (now_us, ends_us)))
    until = moment(ends_us)
    described = {"name": name, "hint": minted.hint, "created_at": moment(now_us), "old_ends_at": until}
    ended = f"The old one works until {until}." if grace_s else "The old one has ended."
    _print_new(name, minted, described if as_json else None, f"{SHOWN_ONCE.format(shown(snapshot))} {ended}")


async def _create(keys: KeyStore, key: ClientKey, minted: Minted, now_us: int) -> Minted:
    from proxy.store.keys import NameTaken

    try:
        await keys.create(key, minted, now_us)
    except NameTaken as taken:
        fix = "choose another, or give that key a new secret with `fairlead keys rotate`"
        raise Refusal(f"a client key has or had this name; {fix}") from taken
    return minted


async def _rotate(keys: KeyStore, name: str, minted: Minted, times_us: tuple[int, int]) -> Minted:
    await _changed(name, keys.rotate(name, minted, *times_us))
    return minted


async def _changed(name: str, change: Awaitable[Found]) -> Found:
    from proxy.settings.wording import choose_name
    from proxy.store.keys import KeyEnded, UnknownKey

    try:
        return await change
    except UnknownKey as unknown:
        known = choose_name(name, unknown.names)
        raise Refusal(f"the database has no client key of that name; {known}") from unknown
    except KeyEnded as ended:
        raise Refusal(f"this key {ended}; make another with `fairlead keys create`") from ended


def _use(snapshot: Snapshot, work: Callable[[KeyStore, Callable[[], Minted]], Awaitable[Found]]) -> Found:
    """Do something with the keys of the configuration's database, and with what makes a new one.

    A SQLite file that is not there yet is made. Only a new key needs the secrets that keys are hashed under.
    """

    async def use() -> Found:
        from proxy.store.keys import KeyStore
        from proxy.store.migrate import State, current, require, upgrade

        async with connected(snapshot) as database:
            if database.is_sqlite and (await current(database)).state is State.EMPTY:
                await upgrade(database)
            await require(database)
            return await work(KeyStore(database), lambda: _mint(snapshot, is_sqlite=database.is_sqlite))

    return asyncio.run(use())


def _mint(snapshot: Snapshot, *, is_sqlite: bool) -> Minted:
    from proxy.core.clientkey import RANDOM_BYTES, mint
    from proxy.store.pepper import load_ring

    ring = load_ring(os.environ, Path(snapshot.server.data_dir), is_sqlite=is_sqlite)
    return mint(secrets.token_bytes(RANDOM_BYTES), ring)


def _read(values: Mapping[str, object], now_us: int) -> ClientKey:
    """Hold the options against the rules of `[[auth.keys]]`.

    Raises:
        ConfigError: What is wrong.
    """
    from proxy.core.errors import ConfigError
    from proxy.settings.access import read_client_key
    from proxy.settings.problems import Report

    report = Report("fairlead keys create")
    key = read_client_key(values, report)
    if key is None:
        raise ConfigError(report.problems)
    if key.expires_at_s is not None and not now_us < key.expires_at_s * 1_000_000 < LATEST_S * 1_000_000:
        raise Refusal("--expires: expected a time that is still to come, and before the year 10000")
    return key


def _refuse_names_of_the_file(snapshot: Snapshot, name: str, fix: str) -> None:
    if any(key.name == name for key in snapshot.auth.keys.values()):
        raise Refusal(f"the configuration has a client key of this name; {fix}")


def _moment(text: str | None, now_us: int) -> str | datetime | None:
    """A time as the schema reads one: a span counts from now; other text stands, but for a bare number."""
    if text is None:
        return None
    span_s = _span_s(text)
    if span_s is None and text.isdecimal():
        raise Refusal("--expires: expected 2027-12-31, a date-time, or a time from now such as 90d or 12h")
    return text if span_s is None else datetime.fromtimestamp(min(now_us // 1_000_000 + span_s, LATEST_S), UTC)


def _span_s(text: str) -> int | None:
    found = SPAN.fullmatch(text)
    return int(found[1]) * UNITS[found[2]] if found else None


def _now_us() -> int:
    return time.time_ns() // 1000


def _described(key: ClientKey, minted: Minted, now_us: int) -> dict[str, object]:
    from proxy.store.keys import KeyRow, SecretRow

    return as_object(KeyRow(key, now_us, None, (SecretRow(minted.hint, now_us, None),)))


def _print_new(name: str, minted: Minted, described: Mapping[str, object] | None, said: str) -> None:
    if described is not None:
        print_json({"key": minted.text.reveal(), **described})
        return
    typer.echo(f"Client key {name!r}. {said}", err=True)
    typer.echo(minted.text.reveal())
