"""From a parsed document to validated sections and rows, with every problem at once.

A bad section is fatal; a bad provider or model is left out and the rest goes on. Never looks at how rows relate to
each other or to the kinds: that is `provider_rows` and `model_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from proxy.settings.fields import Row, as_table
from proxy.settings.interpolate import Fault, FaultKind, KeyPath, interpolate
from proxy.settings.model_schema import ModelRow, PriceRow
from proxy.settings.problems import Report, Severity, describe
from proxy.settings.provider_schema import ProviderRow
from proxy.settings.schema import (
    AlertsSection,
    AuthSection,
    Configuration,
    DatabaseSection,
    DefaultsSection,
    LedgerSection,
    RedisSection,
    ServerSection,
)

AnyRow = TypeVar("AnyRow", bound=Row)


@dataclass(frozen=True, slots=True)
class Sections:
    """The file after validation. None = the section is bad, which is reported and fatal.

    Attributes:
        written: Names of the sections that the file has.
        provider_names: Of every `[providers.X]`, bad ones too.
        model_names: Of every `[models.X]`, bad ones too.
        unset: Optional providers that miss a variable.
    """

    server: ServerSection | None
    auth: AuthSection | None
    alerts: AlertsSection | None
    defaults: DefaultsSection | None
    database: DatabaseSection | None
    ledger: LedgerSection | None
    redis: RedisSection | None
    providers: Mapping[str, ProviderRow]
    models: Mapping[str, ModelRow]
    prices: Mapping[str, PriceRow]
    written: frozenset[str] = frozenset()
    provider_names: tuple[str, ...] = ()
    model_names: tuple[str, ...] = ()
    unset: frozenset[str] = frozenset()


@dataclass(slots=True, repr=False)
class _Reader:
    document: Mapping[str, object]
    environ: Mapping[str, str]
    report: Report
    unset: set[str] = field(default_factory=set)

    def section(self, name: str, model: type[AnyRow]) -> AnyRow | None:
        return self._row((name,), self.document.get(name, {}), model, Severity.FATAL)

    def rows(self, name: str, model: type[AnyRow], severity: Severity) -> dict[str, AnyRow]:
        rows = {key: self._row((name, key), raw, model, severity) for key, raw in self.table(name).items()}
        return {key: row for key, row in rows.items() if row is not None}

    def table(self, name: str) -> Mapping[str, object]:
        return as_table(self.document.get(name)) or {}

    def _row(self, path: KeyPath, raw: object, model: type[AnyRow], severity: Severity) -> AnyRow | None:
        value, faults = interpolate(raw, self.environ, path)
        table = as_table(value) or {}
        may_miss = model is ProviderRow and table.get("optional") is True
        is_bad = False
        for fault in faults:
            if may_miss and fault.kind is FaultKind.UNSET:
                self.report.add_fault(Severity.WARNING, fault)
                self.unset.add(str(path[-1]))
            else:
                self.report.add_fault(severity, fault)
                is_bad = True
        try:
            row = model.model_validate(value)
        except ValidationError as error:
            known = [_written_for(fault)[len(path) :] for fault in faults]
            self.report.add_validation(severity, path, error, model, known=known)
            return None
        return None if is_bad else row


def read_sections(document: Mapping[str, object], environ: Mapping[str, str], report: Report) -> Sections:
    """Validate a parsed document piece by piece.

    Args:
        report: Gets every problem.
    """
    known = list(Configuration.model_fields)
    for name in document:
        if name not in known:
            report.add_unknown_key(Severity.FATAL, (name,), known)
    reader = _Reader(document, environ, report)
    for name in ("providers", "models", "prices"):
        if name in document and as_table(document[name]) is None:
            found = describe(document[name])
            report.add(Severity.FATAL, (name,), found=found, expected="tables", fix=f"write [{name}.NAME]")
    return Sections(
        server=reader.section("server", ServerSection),
        auth=reader.section("auth", AuthSection),
        alerts=reader.section("alerts", AlertsSection),
        defaults=reader.section("defaults", DefaultsSection),
        database=reader.section("database", DatabaseSection),
        ledger=reader.section("ledger", LedgerSection),
        redis=reader.section("redis", RedisSection),
        providers=reader.rows("providers", ProviderRow, Severity.ROW),
        models=reader.rows("models", ModelRow, Severity.ROW),
        prices=reader.rows("prices", PriceRow, Severity.FATAL),
        written=frozenset(document),
        provider_names=tuple(reader.table("providers")),
        model_names=tuple(reader.table("models")),
        unset=frozenset(reader.unset),
    )


def _written_for(fault: Fault) -> KeyPath:
    """Name the key that a fault's value was meant for: that of `X_env` is `X`."""
    last = fault.path[-1]
    return (*fault.path[:-1], last.removesuffix("_env") if isinstance(last, str) else last)
