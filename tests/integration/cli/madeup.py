"""Requests made up from a seed, with any usage, price and multiplier, and what a bookkeeper expects of each."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product

from msgspec.structs import replace

from proxy.core.call import Needs
from proxy.core.plan import Planned, Send
from proxy.core.price import Change, Price, Rate, TokenRates
from proxy.core.snapshot import Candidate, ClientKey
from proxy.core.usage import LARGEST_COUNT, Usage
from proxy.gateway.accounting import Account
from tests.fakes.bookkeeper import BELIEVED, charged_nusd
from tests.unit.gateway.engine import NOON_S, Bench
from tests.unit.routing.build import NOW_S, call, candidate, model, provider

KINDS = ("openai", "openrouter", "xai")
MULTIPLIERS = ("1", "0", "1.055", "0.333333", "12.5", "0.9", "1.000001")
TIERS = ("", "", "default", "flex", "priority", "unheard-of")
PROMPT = 40  # tokens that a request is estimated at
COUNTS = [name for name, kind in Usage.__annotations__.items() if kind == "int"]
SUMS = ["requests", "failed", "estimated", "unpriced", *COUNTS, "cost_nusd"]


@dataclass(frozen=True, slots=True)
class Booked:
    """What the ledger must have of a request."""

    request_id: str
    by: dict[str, str]
    tags: tuple[str, ...]
    end: str
    usage: Usage | None
    nusd: int | None

    @property
    def sums(self) -> list[int]:
        counts = [0] * len(COUNTS) if self.usage is None else [getattr(self.usage, name) for name in COUNTS]
        is_estimated = self.usage is not None and self.usage.estimated
        is_unpriced = self.usage is not None and self.nusd is None
        return [1, self.end != "ok", is_estimated, is_unpriced, *counts, self.nusd or 0]

    @property
    def line(self) -> tuple[object, ...]:
        """As `--requests --json` has it."""
        if self.usage is None:
            return self.end, None, False, self.nusd
        return self.end, shown(self.usage), self.usage.estimated, self.nusd


@dataclass(slots=True)
class Traffic:
    """Made-up requests, told to whatever ledger `bench.engine.sink` is, and what must become of each."""

    seed: int
    rng: random.Random = field(init=False)
    bench: Bench = field(default_factory=Bench)
    candidates: list[Candidate] = field(init=False)
    booked: list[Booked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = rng = random.Random(self.seed)
        multipliers = [Decimal(rng.choice(MULTIPLIERS)) for _ in KINDS]
        providers = [
            provider(f"p-{kind}", kind=kind, cost_multiplier=by) for kind, by in zip(KINDS, multipliers, strict=True)
        ]
        self.candidates = [
            candidate(of, f"up-{number}", price=None if rng.random() < 0.1 else any_price(rng))
            for of, number in product(providers, range(4))
        ]

    def serve(self, count: int, *, interrupted: float = 0.0) -> None:
        """Let so many requests pass, a part of which the end of the process interrupts."""
        for _ in range(count):
            account, to = self._begin()
            if self.rng.random() < interrupted:
                account.open(to)
                self._book(account, to, "interrupted", Usage(PROMPT, estimated=True))
            else:
                self._end(account, to)

    def _begin(self) -> tuple[Account, Candidate]:
        rng, number = self.rng, len(self.booked)
        self.bench.clock.now_s = NOW_S + rng.random() * 6 * 86_400
        to = rng.choice(self.candidates)
        key = ClientKey(f"key-{rng.randrange(3)}") if rng.random() < 0.8 else None
        tags = tuple(rng.sample(("a", "b", "c"), rng.randrange(3)))
        asked = replace(
            call(key=key, needs=Needs(input_tokens=PROMPT)),
            request_id=f"req_{int(self.bench.clock.wall() * 1000):012x}{number:020x}",
            arrived_s=self.bench.clock.now_s,
            tags=tags,
        )
        return self.bench.account(asked, model(to, name=f"m-{rng.randrange(2)}")), to

    def _end(self, account: Account, to: Candidate) -> None:
        rng, now_s = self.rng, self.bench.clock.now_s
        if rng.random() < 0.05:  # nothing was sent
            account.close("failed")
            return self._book(account, None, "failed", None)
        account.open(to)
        sent = Send(Planned(to, model(to), ""), to.provider.credentials[0])
        account.attempted(sent, None, now_s, now_s + 0.5)
        account.committed(to, 200, now_s + 0.5)
        end = rng.choice(("ok", "ok", "ok", "truncated", "client_gone"))
        used = account.usage = any_usage(rng) if rng.random() < 0.9 else None
        if used is None and rng.random() < 0.5:
            account.estimate(7)
            used = Usage(PROMPT, 7, estimated=True)
        account.close(end)
        self._book(account, to, end, used)

    def _book(self, account: Account, to: Candidate | None, end: str, used: Usage | None) -> None:
        asked, at_s, nusd = account.call, account.started_at_s, None
        if to is not None and used is not None:
            kind = to.provider.kind
            if used.reported_cost_nusd is not None and kind not in BELIEVED:
                counted = used.prompt_tokens or used.completion_tokens or used.searches
                used = replace(used, reported_cost_nusd=None) if counted else Usage(PROMPT, estimated=True)
            nusd = charged_nusd(used, to.price, kind, to.provider.cost_multiplier, at_s)
        assert account.model is not None
        by = {
            "provider": "" if to is None else to.provider.name,
            "upstream_model": "" if to is None else to.model,
            "model": account.model.name,
            "key": asked.key.name if asked.key else "",
            "day": f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d}",
        }
        self.booked.append(Booked(asked.request_id, by, tuple(sorted(asked.tags)), end, used, nusd))

    def by(self, *dimensions: str) -> dict[tuple[str | None, ...], list[int]]:
        """The rows of a report."""
        rows: dict[tuple[str | None, ...], list[int]] = defaultdict(lambda: [0] * len(SUMS))
        for each in self.booked:
            names = [(each.tags or ("",)) if name == "tag" else (each.by[name],) for name in dimensions]
            for row in product(*names):
                place = tuple(name or None for name in row)
                rows[place] = [a + b for a, b in zip(rows[place], each.sums, strict=True)]
        return dict(rows)

    @property
    def total(self) -> list[int]:
        return [sum(numbers) for numbers in zip(*(each.sums for each in self.booked), strict=True)]


def any_price(rng: random.Random, *, has_changes: bool = True) -> Price:
    tiers = {tier: any_rates(rng) for tier in ("flex", "priority")} if rng.random() < 0.4 else {}
    changes: tuple[Change, ...] = ()
    if has_changes and rng.random() < 0.4:
        hours = None if rng.random() < 0.5 else (0, rng.randrange(86_400))
        changes = (Change(any_price(rng, has_changes=False), NOON_S + rng.random() * 3 * 86_400, hours),)
    return Price(
        "configured",
        any_rates(rng),
        tiers,
        rng.choice((0, 0, rng.randrange(10**8))),
        changes,
        rng.choice((None, rng.randrange(10**8))),
    )


def any_rates(rng: random.Random) -> TokenRates:
    missing = {"input": 0.05, "output": 0.1}
    return TokenRates(
        **{
            name: None if rng.random() < missing.get(name, 0.4) else any_rate(rng)
            for name in TokenRates.__struct_fields__
        }
    )


def any_rate(rng: random.Random) -> Rate:
    borders = sorted(rng.sample((100, 1_000, 10_000), rng.randrange(3)))
    return Rate(_any_pusd(rng), tuple((above, _any_pusd(rng)) for above in borders))


def _any_pusd(rng: random.Random) -> int:
    return rng.choice((0, 500, 2_500, rng.randrange(1_000), rng.randrange(10**9)))


def any_usage(rng: random.Random) -> Usage:
    """Mostly as an honest upstream counts; one in ten has parts that exceed their whole."""
    most = rng.choice((1, 50, 5_000, 200_000, LARGEST_COUNT))
    prompt, output = rng.randrange(most + 1), rng.choice((0, rng.randrange(most + 1)))
    left, parts = (3 * most if rng.random() < 0.1 else prompt), []
    for _ in range(3):
        parts.append(rng.randrange(left + 1) if rng.random() < 0.3 else 0)
        left -= min(left, parts[-1])
    cached, written, heard = parts
    return Usage(
        prompt,
        output,
        cached_tokens=cached,
        reasoning_tokens=rng.randrange(output + 1),
        cache_write_tokens=written,
        cache_write_1h_tokens=rng.randrange(written + 1),
        audio_input_tokens=heard,
        audio_output_tokens=rng.randrange(output + 1) if rng.random() < 0.2 else 0,
        reported_cost_nusd=rng.randrange(10**11) if rng.random() < 0.2 else None,
        service_tier=rng.choice(TIERS),
        searches=rng.randrange(20) if rng.random() < 0.2 else 0,
    )


def shown(usage: Usage) -> dict[str, object]:
    """Usage as `--requests --json` has it."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "cache_write_1h_tokens": usage.cache_write_1h_tokens,
            "audio_tokens": usage.audio_input_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_output_tokens,
        },
        "searches": usage.searches,
        "service_tier": usage.service_tier or None,
    }
