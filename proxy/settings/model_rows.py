"""From `[models.X]` rows and the providers that could be built to `core.snapshot.Model`s.

A row that cannot work is reported and left out, and so is one that no provider is left for. Where two rows claim the
same alias or the default, the later one is the bad one. Never looks at a provider's state: that is the planner's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from proxy.core.capabilities import Abilities, Capabilities
from proxy.core.health import CandidateId
from proxy.core.snapshot import Candidate, Model, Prices, Provider
from proxy.routing.resolve import REST
from proxy.settings.fields import RowFault
from proxy.settings.interpolate import STAND_IN, KeyPath
from proxy.settings.model_schema import CandidateRow, CapabilitiesRow, ModelRow
from proxy.settings.problems import Report, Severity
from proxy.settings.provider_rows import merge_timeouts
from proxy.settings.wording import choose_name, dotted

_NAME = re.compile(r"[^\s*]{0,255}\*?")
_REST_EXPECTED = f"{REST}, in a model whose name ends in `*`"


@dataclass(frozen=True, slots=True)
class Upstreams:
    """What models are made of.

    Attributes:
        names: Of every `[providers.X]`, those that could not be built too.
    """

    providers: Mapping[str, Provider]
    names: tuple[str, ...]
    prices: Prices
    abilities: Abilities


@dataclass(frozen=True, slots=True)
class Models:
    """The models by name, the prefixes longest first, and what points to them."""

    exact: Mapping[str, Model]
    prefixes: tuple[Model, ...]
    aliases: Mapping[str, str]
    default: str | None


@dataclass(frozen=True, slots=True)
class ModelRows:
    """Every row that could be read. `names` are those of all rows, bad ones too."""

    rows: Mapping[str, ModelRow]
    names: tuple[str, ...]
    upstreams: Upstreams
    report: Report
    _aliases: dict[str, str] = field(default_factory=dict)
    _default: list[str] = field(default_factory=list)

    def build(self) -> Models:
        """Make the models; what is wrong goes to the report."""
        built = {name: self._model(name, row) for name, row in self.rows.items()}
        good = {name: model for name, model in built.items() if model is not None}
        good = {name: self._with_fallbacks(model, good) for name, model in good.items()}
        prefixes = [model for name, model in good.items() if name.endswith("*")]
        return Models(
            exact={name: model for name, model in good.items() if not name.endswith("*")},
            prefixes=tuple(sorted(prefixes, key=lambda model: -len(model.name))),
            aliases={alias: name for alias, name in self._aliases.items() if name in good},
            default=next((name for name in self._default if name in good), None),
        )

    def _model(self, name: str, row: ModelRow) -> Model | None:
        here = ("models", name)
        self.report.add_row_faults(Severity.ROW, here, _faults(name, row))
        self._claim(name, row)
        self._check_fallbacks(name, row)
        candidates = self._candidates(name, row)
        if self.report.has_error(here):
            return None
        if not candidates and self.report.is_unreadable(("providers",)):
            return None
        if not candidates:
            fix = "correct its provider: the problem is told there"
            self._bad(here, "no provider left", "a provider without a problem", fix)
            return None
        if not any(candidate.provider.enabled for candidate in candidates):
            found, expected = "only disabled providers", "a provider that is enabled"
            self.report.add(
                Severity.WARNING, here, found=found, expected=expected, fix="enable one, or remove the model"
            )
        return Model(
            name=name,
            candidates=candidates,
            rotation=row.rotation,
            aliases=row.aliases,
            fallbacks=row.fallbacks,
            same_vectors=row.same_vectors,
            capabilities=_capabilities(row.capabilities),
        )

    def _bad(self, path: KeyPath, found: str, expected: str, fix: str) -> None:
        self.report.add(Severity.ROW, path, found=found, expected=expected, fix=fix)

    def _claim(self, name: str, row: ModelRow) -> None:
        """Take the aliases and the default, unless another row has them."""
        for index, alias in enumerate(row.aliases):
            here = ("models", name, "aliases", index)
            owner = alias if alias in self.names else self._aliases.setdefault(alias, name)
            if alias == name:
                self._bad(here, "the model's own name", "another name", "remove it")
            elif owner != name:
                self._bad(
                    here, f"a name that {dotted(('models', owner))} has", "a name of its own", "remove it here or there"
                )
            elif alias in row.aliases[:index]:
                self._bad(here, "the same alias twice", "each alias once", "remove it")
            elif "*" in alias or not _is_name(alias):
                self._bad(here, "a name that does not fit", "a name without spaces and `*`", "rename it")
        if row.default and self._default:
            other = dotted(("models", self._default[0]))
            fix = f"remove it here or from {other}"
            self._bad(("models", name, "default"), f"a second default beside {other}", "one default model", fix)
        elif row.default:
            self._default.append(name)

    def _check_fallbacks(self, name: str, row: ModelRow) -> None:
        if not row.fallbacks:
            return
        names = [other for other in self.names if other != name and not other.endswith("*")]
        known = {*names, *(alias for other in self.rows.values() for alias in other.aliases)}
        for index, fallback in enumerate(row.fallbacks):
            path, expected = ("models", name, "fallbacks", index), "another model's name"
            if fallback == name or (fallback in row.aliases and fallback not in names):
                self._bad(path, "the model itself", expected, "remove it")
            elif fallback not in known:
                self._bad(path, "a name that no other model has", expected, choose_name(fallback, names))

    def _with_fallbacks(self, model: Model, good: Mapping[str, Model]) -> Model:
        """Leave out fallbacks whose row is bad; name the others by their model."""
        names = [self._aliases.get(name, name) for name in model.fallbacks]
        return replace(model, fallbacks=tuple(dict.fromkeys(name for name in names if name in good)))

    def _candidates(self, name: str, row: ModelRow) -> tuple[Candidate, ...]:
        """Make the candidates whose providers there are; what is wrong goes to the report."""
        found: list[Candidate] = []
        seen: set[tuple[str, str]] = set()
        for path, candidate in _written(name, row):
            place = (candidate.provider, candidate.model)
            if not self._is_configured(candidate.provider):
                fix = choose_name(candidate.provider, self.upstreams.names)
                self._bad(path, "a provider that is not configured", "a name from [providers]", fix)
            elif place in seen and not self.report.is_unreadable((*path[:4], "model")):
                self._bad(path, "a candidate that is already there", "each candidate once", "remove it")
            elif candidate.provider in self.upstreams.providers:
                found.append(self._candidate(row, candidate))
            seen.add(place)
        return tuple(found)

    def _is_configured(self, provider: str) -> bool:
        return provider in self.upstreams.names or self.report.is_unreadable(("providers", provider))

    def _candidate(self, row: ModelRow, candidate: CandidateRow) -> Candidate:
        provider = self.upstreams.providers[candidate.provider]
        upstream = CandidateId(provider.name, candidate.model)
        shipped = self.upstreams.abilities.get(upstream)
        return Candidate(
            provider=provider,
            model=candidate.model,
            priority=provider.priority if candidate.priority is None else candidate.priority,
            weight=candidate.weight,
            timeouts=merge_timeouts(provider.timeouts, row.timeouts, candidate.timeouts),
            capabilities=_capabilities(row.capabilities, candidate.capabilities).over(shipped),
            price=self.upstreams.prices.get(upstream),
        )


def _faults(name: str, row: ModelRow) -> Iterator[RowFault]:
    """Find what is wrong with a row whatever the others hold."""
    is_prefix = name.endswith("*")
    if not _is_name(name):
        yield RowFault("", "a name that does not fit", "a name without spaces, `*` only at its end", "rename it")
    for key in ("aliases", "default"):
        if is_prefix and getattr(row, key):
            yield RowFault(key, "a key that a prefix cannot have", "one name to point to", "remove it")
    forms = ("providers", "candidates")
    if row.providers is None and row.candidates is None:
        expected, fix = "either `providers` or `candidates`", 'add providers = ["NAME"] with a name from [providers]'
        yield RowFault("", "no provider", expected, fix, forms)
    for key in ("providers", "model"):
        if row.candidates is not None and getattr(row, key):
            expected = "either `providers` (with `model`) or `candidates`"
            yield RowFault(key, "a key that does not go with `candidates`", expected, "remove it", forms)
    if row.model is not None and not _is_fit(row.model, is_prefix=is_prefix):
        yield RowFault("model", "a `*` that stands for nothing", _REST_EXPECTED, "name the upstream model")
    for index, candidate in enumerate(row.candidates or ()):
        if not _is_fit(candidate.model, is_prefix=is_prefix):
            here = ("candidates", index, "model")
            yield RowFault(here, "a `*` that stands for nothing", _REST_EXPECTED, "name the upstream model")


def _is_name(name: str) -> bool:
    return bool(name) and name.isprintable() and _NAME.fullmatch(name) is not None


def _is_fit(upstream: str, *, is_prefix: bool) -> bool:
    return "*" not in upstream or (is_prefix and REST in upstream)


def _written(name: str, row: ModelRow) -> Iterator[tuple[KeyPath, CandidateRow]]:
    """Give the candidates of either form, each with the place of its provider's name."""
    for index, candidate in enumerate(row.candidates or ()):
        yield ("models", name, "candidates", index, "provider"), candidate
    upstream = row.model or (name.replace("*", REST) if _is_name(name) else STAND_IN)
    for index, provider in enumerate(row.providers or ()):
        yield ("models", name, "providers", index), CandidateRow(provider=provider, model=upstream)


def _capabilities(*rows: CapabilitiesRow) -> Capabilities:
    """Lay capabilities over each other; the last that names a value wins."""
    return Capabilities(**{name: value for row in rows for name, value in row if value is not None})
