"""From validated sections to the snapshot that requests read.

Pure but for a look at the files that providers name. Every problem goes to the report; whether the snapshot may be used
in spite of them is the caller's decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from proxy.core.address import is_loopback
from proxy.core.health import CandidateId
from proxy.core.price import Price
from proxy.core.snapshot import BreakerPolicy, Provider, Server, Snapshot, Timeouts
from proxy.settings.abilities import AbilityBook, other_scale, scales_of
from proxy.settings.access import build_auth
from proxy.settings.alerts import build_alerts
from proxy.settings.data_dir import resolve_data_dir
from proxy.settings.database import build_database
from proxy.settings.doubts import report_doubts
from proxy.settings.environment import Process
from proxy.settings.fields import RowFault
from proxy.settings.ledger import build_ledger
from proxy.settings.model_rows import ModelRows, Upstreams
from proxy.settings.model_schema import PriceRow
from proxy.settings.origin import Origin
from proxy.settings.prices import PriceBook, configured_price, newest_catalog, price_faults
from proxy.settings.problems import Report, Severity
from proxy.settings.provider_rows import Inherited, ProviderRows, merge_timeouts
from proxy.settings.schema import ServerSection
from proxy.settings.sections import Sections
from proxy.settings.wording import choose_name

# They are bound to sockets, open files and the stack of ASGI apps.
RESTART_SETTINGS = ("host", "port", "metrics_port", "data_dir", "cors_origins")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a configuration meets.

    Attributes:
        environ: The whole environment.
        simulator_url: Where the simulator listens; None = it does not.
        running: The snapshot in force, at a reload.
    """

    environ: Mapping[str, str] = field(repr=False)
    process: Process
    simulator_url: str | None
    version: int
    running: Snapshot | None = None


def build_snapshot(origin: Origin, sections: Sections, around: Surroundings, report: Report) -> Snapshot:
    """Make the snapshot; what could not be read is taken as absent, its problem is in the report already."""
    _warn_of_redis(sections, report)
    server = _server(sections.server, around, report)
    defaults = sections.defaults
    timeouts = merge_timeouts(Timeouts(), defaults.timeouts)
    breaker = defaults.breaker.policy(BreakerPolicy())
    inherited = Inherited(
        timeouts,
        breaker,
        server.max_in_flight,
        around.simulator_url,
        around.environ,
        is_discovered=origin.source == "environment",
    )
    providers = ProviderRows(sections.providers, sections.unset, inherited, report).build()
    prices = _prices(sections, providers, server.data_dir, report)
    abilities = AbilityBook(providers, prices.catalog)
    upstreams = Upstreams(providers, sections.provider_names, prices, abilities)
    models = ModelRows(sections.models, sections.model_names, upstreams, report).build()
    _expect_a_provider(sections, report)
    report_doubts(sections, around.environ, report)
    counts_tokens = any(provider.limits.tpm for provider in providers.values())
    direct = providers.values() if server.direct_models else ()
    return Snapshot(
        version=around.version,
        source=origin.source,
        server=server,
        auth=build_auth(sections.auth, server.host, report),
        alerts=build_alerts(sections.alerts, report),
        ledger=build_ledger(sections.ledger, around.running, report),
        database_url=build_database(sections.database, server.data_dir, around.running, report),
        max_attempts=defaults.max_attempts,
        deadline_s=defaults.deadline_s,
        cooldowns=defaults.cooldowns,
        providers=providers,
        models=models.exact,
        aliases=models.aliases,
        prefixes=models.prefixes,
        default_model=models.default,
        prices=prices,
        problems=tuple(report.in_order(origin.document)),
        digest=origin.digest,
        abilities=abilities,
        scales=scales_of(models, counts_tokens=counts_tokens),
        scale=other_scale(models, direct, counts_tokens=counts_tokens),
    )


def _expect_a_provider(sections: Sections, report: Report) -> None:
    """Not fatal, but a reload must not take a file that was emptied by mistake."""
    if not sections.provider_names and not report.has_error(("providers",)):
        fix = "add [providers.NAME]; config/examples holds files to start from"
        report.add(Severity.ROW, ("providers",), found="nothing", expected="at least one provider", fix=fix)


def _warn_of_redis(sections: Sections, report: Report) -> None:
    if sections.redis.url:
        found, expected = "a section whose feature is not built yet", "no such section"
        report.add(Severity.WARNING, ("redis",), found=found, expected=expected, fix="it is accepted and ignored")


def _server(section: ServerSection, around: Surroundings, report: Report) -> Server:
    process = around.process
    host = process.host or section.host
    server = Server(
        **section.model_dump(
            exclude={"host", "port", "data_dir", "expose", "direct_models", "log_level"},
        ),
        host=host,
        port=section.port if process.port is None else process.port,
        data_dir=resolve_data_dir(section.data_dir or process.data_dir, around.environ),
        direct_models=bool(section.direct_models),
        log_level=process.log_level or section.log_level,
    )
    report.add_row_faults(Severity.FATAL, ("server",), _server_faults(server))
    if around.running is not None:
        server = _keep_bound(server, around.running.server, report)
    # Judged by where it really listens.
    return replace(server, expose=section.expose or ("full" if is_loopback(server.host) else "minimal"))


def _server_faults(server: Server) -> Iterator[RowFault]:
    """Find keys that do not fit together."""
    if server.max_buffered_bytes < server.max_body_bytes:
        found, expected = "less than max_body_bytes", "room for at least one request body"
        yield RowFault("max_buffered_bytes", found, expected, "raise it, or lower max_body_bytes", ("max_body_bytes",))
    if server.drain_s < server.drain_delay_s:
        found, expected = "less than drain_delay_s", "at least drain_delay_s: both count from the signal"
        yield RowFault("drain_s", found, expected, "raise it, or lower drain_delay_s", ("drain_delay_s",))
    if server.port and server.port == server.metrics_port:
        found, expected = "the port of the gateway itself", "a port of its own"
        yield RowFault("metrics_port", found, expected, "choose another, or remove it", ("port",))


def _keep_bound(server: Server, running: Server, report: Report) -> Server:
    """Keep what only a restart can change, and say so."""
    for name in RESTART_SETTINGS:
        if getattr(server, name) != getattr(running, name):
            found, expected = "a new value", "the value in force until a restart"
            report.add(Severity.WARNING, ("server", name), found=found, expected=expected, fix="restart to change it")
    return replace(server, **{name: getattr(running, name) for name in RESTART_SETTINGS})


def _prices(sections: Sections, providers: Mapping[str, Provider], data_dir: str, report: Report) -> PriceBook:
    configured: dict[CandidateId, Price] = {}
    for name, row in sections.prices.items():
        provider, slash, model = name.partition("/")
        here = ("prices", name)
        expected = '"provider/model" with a name from [providers]'
        if not slash or not model:
            found, fix = "a name without provider or model", "write both, with a slash between and quotes around"
            report.add(Severity.FATAL, here, found=found, expected=expected, fix=fix)
        elif provider not in sections.provider_names and not report.is_unreadable(("providers", provider)):
            fix = choose_name(provider, sections.provider_names)
            report.add(Severity.FATAL, here, found="a provider that is not configured", expected=expected, fix=fix)
        report.add_row_faults(Severity.FATAL, here, price_faults(row))
        if row != PriceRow():  # a row that says nothing leaves the catalogue its word
            configured[CandidateId(provider, model)] = configured_price(row)
    return PriceBook(configured, providers, newest_catalog(data_dir, report), datetime.now(UTC).date())
