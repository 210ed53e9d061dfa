"""From a parsed document to validated sections and rows, with every problem at once.

A bad section is fatal; a bad provider or model is left out and the rest goes on. What is wrong with one is taken as
absent, so that what is left is judged as well. Never looks at how rows relate to each other or to the kinds: that is
`provider_rows` and `model_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.settings.fields import as_table
from proxy.settings.interpolate import FaultKind, KeyPath, interpolate
from proxy.settings.model_schema import ModelRow, PriceRow
from proxy.settings.problems import Report, Severity
from proxy.settings.provider_schema import ProviderRow
from proxy.settings.reading import AnyRow, read_table
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
from proxy.settings.wording import describe, keys_at, nearest


@dataclass(frozen=True, slots=True)
class Sections:
    """The file after validation, as far as it could be read: `Report.has_error` says what is bad.

    Attributes:
        provider_names: Of every `[providers.X]`, bad ones too.
        model_names: Of every `[models.X]`, bad ones too.
        unset: Optional providers that miss a variable.
    """

    server: ServerSection
    auth: AuthSection
    alerts: AlertsSection
    defaults: DefaultsSection
    database: DatabaseSection
    ledger: LedgerSection
    redis: RedisSection
    providers: Mapping[str, ProviderRow]
    models: Mapping[str, ModelRow]
    prices: Mapping[str, PriceRow]
    provider_names: tuple[str, ...] = ()
    model_names: tuple[str, ...] = ()
    unset: frozenset[str] = frozenset()


@dataclass(slots=True, repr=False)
class _Reader:
    document: Mapping[str, object]
    environ: Mapping[str, str]
    report: Report
    unset: set[str] = field(default_factory=set)

    def section(self, name: str, model: type[AnyRow]) -> AnyRow:
        return self._row((name,), self.document.get(name, {}), model, Severity.FATAL) or model()

    def rows(self, name: str, model: type[AnyRow], severity: Severity) -> dict[str, AnyRow]:
        rows = {key: self._row((name, key), raw, model, severity) for key, raw in self.table(name).items()}
        return {key: row for key, row in rows.items() if row is not None}

    def table(self, name: str) -> Mapping[str, object]:
        return as_table(self.document.get(name)) or {}

    def _row(self, path: KeyPath, raw: object, model: type[AnyRow], severity: Severity) -> AnyRow | None:
        value, faults = interpolate(raw, self.environ, path)
        table = as_table(value) or {}
        may_miss = model is ProviderRow and table.get("optional") is True
        for fault in faults:
            is_missed = may_miss and fault.kind is FaultKind.UNSET
            self.report.add_fault(Severity.WARNING if is_missed else severity, fault)
            if is_missed:
                self.unset.add(str(path[-1]))
        read = read_table(model, value, [fault.written_for()[len(path) :] for fault in faults])
        self.report.add_wrong(severity, path, model, read)
        return read.row


def read_sections(document: Mapping[str, object], environ: Mapping[str, str], report: Report) -> Sections:
    """Validate a parsed document piece by piece.

    Args:
        report: Gets every problem.
    """
    for name, value in document.items():
        if name not in Configuration.model_fields:
            _report_unknown(name, value, document, report)
    reader = _Reader(document, environ, report)
    for name in ("providers", "models", "prices"):
        if name in document and as_table(document[name]) is None:
            found = describe(document[name])
            fix = f"write [{name}.NAME], in single brackets"
            report.add(Severity.FATAL, (name,), found=found, expected="tables", fix=fix)
            report.mark_unreadable((name,))
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
        provider_names=tuple(name for name, row in reader.table("providers").items() if as_table(row) is not None),
        model_names=tuple(reader.table("models")),
        unset=frozenset(reader.unset),
    )


def _report_unknown(name: str, value: object, document: Mapping[str, object], report: Report) -> None:
    """A section that there is not; or a key above all sections, or below another one than its own."""
    known = list(Configuration.model_fields)
    of = [
        section
        for section in known
        if not isinstance(value, dict | list) and name in keys_at(Configuration, (section,))
    ]
    hint = None if of else nearest(name, known)
    found, expected = ("a key outside of any section", "a section") if of else ("an unknown section", "a known one")
    fix = f'did you mean "{hint}"?' if hint else "remove it; docs/configuration.md lists every section"
    report.add(Severity.FATAL, (name,), found=found, expected=expected, fix=f"put it below [{of[0]}]" if of else fix)
    if hint and hint not in document:
        report.mark_unreadable((hint,))
