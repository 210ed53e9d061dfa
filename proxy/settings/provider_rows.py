"""From `[providers.X]` rows and the kinds' table to `core.snapshot.Provider`s.

A row that cannot work is reported and left out. A provider that is optional and misses a variable, or was discovered
and misses an extra, is kept but disabled, with a warning. What is wrong with a row is `provider_faults`' to find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from proxy.core.accounts import identity
from proxy.core.secret import Secret
from proxy.core.snapshot import BreakerPolicy, Credential, Limits, Provider, QuotaMarker, Timeouts
from proxy.providers.kinds import KINDS, Kind
from proxy.settings.cloud_accounts import NAMES, Cloud, is_installed, missing_extra, read_cloud
from proxy.settings.fields import RowFault
from proxy.settings.local_process import LOCAL_URL, read_process
from proxy.settings.policy_schema import TimeoutsRow
from proxy.settings.problems import Report, Severity
from proxy.settings.provider_faults import SIMULATOR, missing_faults, row_faults, unknown_kind
from proxy.settings.provider_schema import ProviderRow
from proxy.settings.wording import SURELY, nearest

# Stands for the socket that is not open while a configuration is only checked. Source: RFC 2606 section 2.
NO_SIMULATOR = "http://simulator.invalid"


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a provider takes where its row is silent.

    Attributes:
        is_discovered: The rows are from the environment, whose variables may be there for other programs' sake.
        has_module: Whether a module of an extra is installed.
    """

    timeouts: Timeouts
    breaker: BreakerPolicy | None
    max_in_flight: int
    simulator_url: str | None
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_discovered: bool = False
    has_module: Callable[[str], bool] = is_installed


@dataclass(frozen=True, slots=True)
class ProviderRows:
    """Every row that could be read, and how each was found."""

    rows: Mapping[str, ProviderRow]
    unset: frozenset[str]
    inherited: Inherited
    report: Report

    def build(self) -> dict[str, Provider]:
        """Make the providers; what is wrong goes to the report."""
        built = {name: self._provider(name, row) for name, row in self.rows.items()}
        return {name: provider for name, provider in built.items() if provider is not None}

    def _provider(self, name: str, row: ProviderRow) -> Provider | None:
        is_known = row.kind in KINDS
        if not is_known:
            self._refuse(name, [unknown_kind(row.kind)])
            # What was surely meant is judged, so that all else that is wrong is told too.
            row = row.model_copy(update={"kind": nearest(row.kind, KINDS, likeness=SURELY)})
        cloud = read_cloud(row, self.inherited.environ)
        is_off = self._judge(name, row, cloud)
        if not is_known or self.report.has_error(("providers", name)):
            return None
        return self._make(name, row, cloud, enabled=row.enabled and not is_off)

    def _judge(self, name: str, row: ProviderRow, cloud: Cloud) -> bool:
        """Report what is wrong with a row; say whether its provider must stay off although nothing is."""
        here, kind = ("providers", name), KINDS.get(row.kind)
        self._refuse(name, row_faults(name, row, kind))
        if kind is None or name in self.unset:
            return True
        self._refuse(name, missing_faults(row, kind, cloud))
        extra = missing_extra(cloud.account, self.inherited.has_module) if cloud.account else None
        is_off = extra is not None and self.inherited.is_discovered and not self.report.has_error(here)
        if extra is not None:
            self.report.add_row_faults(Severity.WARNING if is_off else Severity.ROW, here, [extra])
        return is_off

    def _refuse(self, name: str, faults: Iterable[RowFault]) -> None:
        self.report.add_row_faults(Severity.ROW, ("providers", name), faults)

    def _make(self, name: str, row: ProviderRow, cloud: Cloud, *, enabled: bool) -> Provider:
        kind = KINDS[row.kind]
        process = read_process(row, self.inherited.environ)
        base_url = row.base_url or cloud.base_url or kind.base_url or (LOCAL_URL if process else "")
        if kind.name == SIMULATOR and not row.base_url:
            base_url = f"{self.inherited.simulator_url or NO_SIMULATOR}/{name}/v1"
        rpm, tpm, parallel = row.limits.rpm, row.limits.tpm, row.limits.parallel
        breaker = row.breaker.policy(self.inherited.breaker) if row.breaker else self.inherited.breaker
        return Provider(
            name=name,
            kind=kind.name,
            base_url=base_url,
            credentials=_credentials(row, cloud),
            credential_order=row.credentials,
            priority=row.priority,
            cost_multiplier=row.cost_multiplier,
            enabled=enabled,
            api_version=row.api_version,
            deployment=row.deployment,
            region=cloud.region,
            project=cloud.project,
            location=cloud.location,
            headers=tuple(row.headers.items()),
            forward_headers=frozenset(row.forward_headers),
            drop_params=frozenset(row.drop_params),
            quota_markers=tuple(QuotaMarker(marker.text, marker.subset) for marker in row.quota_markers),
            operations=frozenset(operation.value for operation in kind.operations),
            limits_by_account=kind.limits_by_account,
            body_limit_bytes=kind.body_limit_bytes,
            # One silent upstream must not fill the gateway.
            limits=Limits(rpm, tpm, parallel or max(1, self.inherited.max_in_flight * 3 // 4)),
            timeouts=merge_timeouts(_of_kind(self.inherited.timeouts, kind), row.timeouts),
            breaker=breaker,
            transport=row.transport or ("httpx" if row.proxy_url or row.client_cert else "native"),
            proxy_url=Secret(row.proxy_url) if row.proxy_url else None,
            ca_file=row.ca_file,
            client_cert=row.client_cert,
            process=process,
            tags=row.tags,
        )


def _credentials(row: ProviderRow, cloud: Cloud) -> tuple[Credential, ...]:
    account = cloud.account
    if account is not None:
        return (Credential(NAMES[type(account)], identity(account), account),)
    secrets = row.api_keys or tuple(filter(None, (row.api_key or cloud.api_key,)))
    return tuple(Credential(f"key-{place}", Secret(text)) for place, text in enumerate(secrets, 1))


def merge_timeouts(base: Timeouts, *rows: TimeoutsRow) -> Timeouts:
    """Lay rows over timeouts; the last that names a value wins."""
    given = {name: value for row in rows for name, value in row if value is not None}
    return Timeouts(**{name: given.get(name, getattr(base, name)) for name in Timeouts.__slots__})


def _of_kind(defaults: Timeouts, kind: Kind) -> Timeouts:
    """Lay the kind's own values over the defaults; those it shares with every kind are not its own."""
    if kind.timeouts is None:
        return defaults
    usual = Timeouts()
    own = {
        name: value for name in Timeouts.__slots__ if (value := getattr(kind.timeouts, name)) != getattr(usual, name)
    }
    return merge_timeouts(defaults, TimeoutsRow(**own))
