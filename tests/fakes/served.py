"""An upstream that remembers everything it was asked and what it reported for it, and what that costs by a price list.

Each request carries a mark of its own in its prompt and its tags, so that what arrived at the upstream, what is in the
ledger and what a client heard can be laid side by side. Costs are worked out here from the list alone, in decimals.

    simulator = remembering()
    async with serve(simulator) as url: ...
    arrivals_by_mark(simulator)["mark-000017"]
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from proxy.core.ports import Clock
from proxy.core.usage import Usage
from proxy.simulator.app import Simulator, simulator_app
from proxy.simulator.journal import Entry
from proxy.simulator.scenario import parse_toml

_MARK = re.compile(r"mark-\d{6}")
_NUSD = Decimal("0.000000001")
_MTOK = Decimal(1_000_000)


def mark(number: int) -> str:
    """What names a request to everybody."""
    return f"mark-{number:06d}"


def remembering(scenario: str = "", clock: Clock | None = None) -> Simulator:
    """Make a simulator whose log has no end and holds the bodies."""
    simulator = simulator_app(parse_toml(f"record_bodies = true\n{scenario}"), clock)
    simulator.journal.entries = deque()
    return simulator


def arrivals_by_mark(simulator: Simulator) -> dict[str, list[Entry]]:
    """What arrived, oldest first, by the mark in its body."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in simulator.journal.entries:
        marks = set(_MARK.findall(entry.arrival.body or ""))
        assert len(marks) == 1, entry.arrival.body
        found[marks.pop()].append(entry)
    return dict(found)


@dataclass(frozen=True, slots=True)
class Tariff:
    """What an upstream model costs: USD per million tokens, and what the provider multiplies it by."""

    input: str
    output: str = "0"
    cached_input: str = ""
    multiplier: str = "1"

    def usd(self, usage: Usage) -> Decimal:
        """Return what this costs, to the nano-dollar, half-even."""
        cached = Decimal(usage.cached_tokens)
        plain = usage.prompt_tokens - cached
        total = plain * Decimal(self.input) + cached * Decimal(self.cached_input or self.input)
        total += usage.completion_tokens * Decimal(self.output)
        return (total / _MTOK * Decimal(self.multiplier)).quantize(_NUSD, ROUND_HALF_EVEN)

    def toml(self, candidate: str) -> str:
        """Write it as the configuration has it, without the multiplier."""
        lines = [
            f'[prices."{candidate}"]',
            f"input_usd_per_mtok = {self.input}",
            f"output_usd_per_mtok = {self.output}",
        ]
        if self.cached_input:
            lines.append(f"cached_input_usd_per_mtok = {self.cached_input}")
        return "\n".join([*lines, ""])


def bill(entry: Entry, tariffs: Mapping[tuple[str, str], Tariff]) -> Decimal:
    """Return what an upstream may charge for one arrival: all of the prompt, and the tokens that went out."""
    usage = entry.usage
    sent = Usage(usage.prompt_tokens, min(usage.completion_tokens, entry.progress.tokens), usage.cached_tokens)
    return tariffs[entry.arrival.provider, entry.model].usd(sent)
