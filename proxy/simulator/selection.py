"""Which behaviour a request gets: scenario rules in order, else the model's own name, else the scenario's default.

Deciding is pure but for `Counters`, which remembers how many requests fitted each rule or name and when the first came.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from fnmatch import fnmatchcase
from typing import NamedTuple

from proxy.simulator.behaviour import Behaviour
from proxy.simulator.grammar import parse_phrase, phrase_of
from proxy.simulator.paths import Operation
from proxy.simulator.scenario import Rule, Scenario

MAX_COUNTERS = 10_000


class Facts(NamedTuple):
    """What a choice may depend on. `credentials`: the name and the fingerprint of the credential that was sent."""

    provider: str
    model: str
    operation: Operation
    stream: bool
    credentials: frozenset[str]


class Chosen(NamedTuple):
    """`label` is what the log and the `x-simulator` header call it."""

    behaviour: Behaviour
    label: str


class Hit(NamedTuple):
    number: int
    since_s: float


class Counters:
    """Hits by key; at most `MAX_COUNTERS` keys, the least recently hit is forgotten."""

    def __init__(self) -> None:
        self._hits: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def hit(self, key: Hashable, now_s: float) -> Hit:
        """Count one more request under a key. `now_s` is monotonic."""
        count, first_s = self._hits.pop(key, (0, now_s))
        self._hits[key] = (count + 1, first_s)
        if len(self._hits) > MAX_COUNTERS:
            self._hits.popitem(last=False)
        return Hit(count + 1, now_s - first_s)

    def clear(self) -> None:
        self._hits.clear()


def choose(scenario: Scenario, facts: Facts, counters: Counters, now_s: float) -> Chosen:
    """Choose a behaviour and count the request.

    Raises:
        PhraseError: The model's name begins like a phrase and is none.
    """
    ruled = choose_by_rule(scenario, facts, counters, now_s)
    if ruled is not None:
        return ruled
    text = phrase_of(facts.model)
    if text is None:
        return Chosen(scenario.default_behaviour, scenario.default)
    phrase = parse_phrase(text)
    hit = counters.hit((facts.provider, facts.model), now_s)
    drawn = drawn_percent(scenario.seed, facts.provider + "/" + facts.model, hit.number)
    if phrase.condition.holds(hit.number, hit.since_s, drawn):
        return Chosen(phrase.behaviour, text)
    return Chosen(phrase.behaviour.without_fault(), "ok")


def choose_by_rule(scenario: Scenario, facts: Facts, counters: Counters, now_s: float) -> Chosen | None:
    """Choose a behaviour by the scenario's rules and count the request with each that fits; None = none decides."""
    for index, rule in enumerate(scenario.rules):
        if not _fits(rule, facts):
            continue
        hit = counters.hit(index, now_s)
        if rule.condition.holds(hit.number, hit.since_s, drawn_percent(scenario.seed, str(index), hit.number)):
            return Chosen(rule.behaviour, rule.name or rule.then)
    return None


def drawn_percent(seed: int, key: str, count: int) -> float:
    """Return a number in [0, 100) that depends on nothing but the arguments."""
    digest = hashlib.sha256(f"{seed}:{key}:{count}".encode()).digest()
    return int.from_bytes(digest[:6], "big") * 100 / 2**48


def _usual(operation: Operation) -> Operation | None:
    """What a rule without an operation is for: all but lists of models, which go wrong only where a rule says so."""
    return None if operation is Operation.MODELS else operation


def _fits(rule: Rule, facts: Facts) -> bool:
    return (
        fnmatchcase(facts.provider, rule.provider)
        and fnmatchcase(facts.model, rule.model)
        and (rule.credential is None or rule.credential in facts.credentials)
        and (rule.operation or _usual(facts.operation)) == facts.operation
        and (rule.stream is None or rule.stream == facts.stream)
    )
