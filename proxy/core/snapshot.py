"""The immutable configuration that a request reads.

`settings` makes one from a file or the environment; a request takes one reference at its start and keeps it to its end.
Values compare by identity (`eq=False`), so they can key caches for free and a changed provider is a new key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol

from proxy.core.accounts import Account, secrets_of
from proxy.core.capabilities import EVERYTHING, UNKNOWN, Abilities, Capabilities, NothingKnown, Scale
from proxy.core.health import CandidateId
from proxy.core.localprocess import LocalProcess
from proxy.core.price import Price
from proxy.core.secret import Secret

EMPTY: Mapping[str, Any] = MappingProxyType({})


class Rotation(StrEnum):
    """The order inside one priority (DESIGN.md section 4)."""

    STICKY = "sticky"
    ROUND_ROBIN = "round_robin"
    WEIGHTED = "weighted"
    LEAST_BUSY = "least_busy"
    LOWEST_LATENCY = "lowest_latency"
    LOWEST_COST = "lowest_cost"


class CredentialOrder(StrEnum):
    ORDERED = "ordered"
    ROUND_ROBIN = "round_robin"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `headers_s`, `first_output_s` and `idle_s` are for streams, `response_s` for whole answers."""

    connect_s: float = 5.0
    headers_s: float = 60.0
    first_output_s: float = 180.0
    idle_s: float = 120.0
    response_s: float = 290.0
    max_stream_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    window_s: float = 30.0
    min_requests: int = 5
    failure_ratio: float = 0.5
    consecutive: int = 3
    open_s: float = 10.0
    max_open_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Limits:
    """A provider's own limits, kept by us; None = none. Reached = the provider is left out of plans."""

    rpm: int | None = None
    tpm: int | None = None
    parallel: int | None = None


@dataclass(frozen=True, slots=True)
class QuotaMarker:
    """An operator's own signal of an exhausted quota: a substring of the body, or a JSON object it must contain."""

    text: str | None = None
    subset: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Credential:
    """One key of a provider. `id` names it in health state and changes with the secret.

    Attributes:
        account: What its tokens or keys are made from; then `secret` is a digest of it that is never sent.
    """

    name: str
    secret: Secret
    account: Account | None = None
    id: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.name}#{self.secret.fingerprint}")

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """All that nobody may see, those of its account included."""
        return (self.secret,) if self.account is None else (self.secret, *secrets_of(self.account))


@dataclass(frozen=True, slots=True, eq=False)
class Provider:
    """A configured account at a vendor.

    Attributes:
        base_url: Scheme, host and path prefix without a trailing slash; the kind's own where the file gives none.
        credentials: In file order; empty for a provider that needs none.
        priority: Lower is tried first; a candidate's own priority wins.
        operations: Those its kind serves (`core.call.Operation` values); filled from the kind's row.
        limits_by_account: Rate limits count for all its credentials together; from the kind's row.
        body_limit_bytes: The largest request its vendor takes, where known; from the kind's row.
        transport: "native" or "httpx".
        headers: Sent with every request to it, names in lower case.
        forward_headers: Client headers passed on to it, names in lower case.
        region: Of bedrock.
        project, location: Of vertex.
        process: It is run by Fairlead itself; then only the path of its base URL counts.
    """

    name: str
    kind: str
    base_url: str
    credentials: tuple[Credential, ...] = ()
    credential_order: CredentialOrder = CredentialOrder.ORDERED
    priority: int = 1
    cost_multiplier: Decimal = Decimal(1)
    enabled: bool = True
    api_version: str | None = None
    deployment: str | None = None
    region: str | None = None
    project: str | None = None
    location: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # a value may be a secret
    forward_headers: frozenset[str] = frozenset()
    drop_params: frozenset[str] = frozenset()
    quota_markers: tuple[QuotaMarker, ...] = ()
    operations: frozenset[str] = frozenset({"chat", "completions", "embeddings", "moderations"})
    limits_by_account: bool = False
    body_limit_bytes: int | None = None
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    breaker: BreakerPolicy | None = BreakerPolicy()
    transport: str = "native"
    proxy_url: Secret | None = None
    ca_file: str | None = None
    client_cert: str | None = None
    process: LocalProcess | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """Provider + upstream model name + priority + weight. `timeouts` are already those that win for it."""

    provider: Provider
    model: str
    priority: int = 1
    weight: int = 1
    timeouts: Timeouts = Timeouts()
    capabilities: Capabilities = UNKNOWN
    price: Price | None = None
    id: CandidateId = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", CandidateId(self.provider.name, self.model))


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The public name a client sends, and who can serve it. A name that ends in `*` is a prefix.

    Attributes:
        configured: The file names it so; False for an ad-hoc `provider/model` and for what a prefix matched.
        label: What metrics call it where that is not its own name: the prefix that it was derived from.
    """

    name: str
    candidates: tuple[Candidate, ...]
    rotation: Rotation = Rotation.STICKY
    aliases: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    same_vectors: bool = False
    capabilities: Capabilities = UNKNOWN
    configured: bool = True
    label: str = ""


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What a client key may use; None = no limit. Budgets are nano-dollars in a UTC day and a UTC month.

    Attributes:
        allow_unpriced: With a budget: candidates without a known price may serve all the same.
    """

    rpm: int | None = None
    tpm: int | None = None
    parallel: int | None = None
    day_nusd: int | None = None
    month_nusd: int | None = None
    allow_unpriced: bool = False

    @property
    def has_budget(self) -> bool:
        return self.day_nusd is not None or self.month_nusd is not None


NO_LIMITS = KeyLimits()


@dataclass(frozen=True, slots=True, eq=False)
class ClientKey:
    """Who calls. `models` and `providers` are globs; empty = all (a direct name needs an explicit `provider/*`)."""

    name: str
    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    expires_at_s: float | None = None  # wall clock
    owner: str = ""
    tags: tuple[str, ...] = ()
    limits: KeyLimits = NO_LIMITS

    def __post_init__(self) -> None:
        if self.limits == NO_LIMITS:  # a request asks whether they are that very object
            object.__setattr__(self, "limits", NO_LIMITS)


@dataclass(frozen=True, slots=True, eq=False)
class Server:
    """Limits and listening of the process. Sizes in bytes, times in seconds."""

    host: str = "127.0.0.1"
    port: int = 8080
    data_dir: str = ""
    max_body_bytes: int = 33_554_432
    max_response_bytes: int = 67_108_864
    max_in_flight: int = 2_000
    max_buffered_bytes: int = 536_870_912
    max_kept_bytes: int = 33_554_432
    body_read_s: float = 30.0
    write_stall_s: float = 60.0
    drain_delay_s: float = 5.0
    drain_s: float = 120.0
    sse_keepalive_s: float = 0.0
    cors_origins: tuple[str, ...] = ()
    metrics_port: int | None = None
    expose: str = "full"  # or "minimal"
    direct_models: bool = False
    rewrite_model: bool = False
    broken_events: str = "drop"  # or "error"
    content_policy_failover: bool = False
    log_level: str = "info"


@dataclass(frozen=True, slots=True, eq=False)
class Auth:
    """Who may call.

    Attributes:
        mode: "keys" or "none".
        keys: Those of the file, by the SHA-256 hex digest of the key.
        stored: Those of the database, by their HMAC-SHA-256 in hex under `pepper`; revoked and expired ones included,
            so that the log can tell which it was.
        pepper: Empty where no database is in use; then `stored` is empty too.
        mode_is_implied: Nobody wrote the mode: it follows from the keys, and the first one that is stored closes the
            gateway.
    """

    mode: str = "none"
    keys: Mapping[str, ClientKey] = field(default_factory=lambda: EMPTY, repr=False)  # a digest tells a weak key
    admin_token: Secret | None = None
    stored: Mapping[str, StoredKey] = field(default_factory=lambda: EMPTY, repr=False)
    pepper: Secret | None = None
    mode_is_implied: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class StoredKey:
    """One secret of a client key in the database. Rotation gives a key a second one and the first an end.

    Attributes:
        ends_at_s: When this secret ends (Unix time): the key's expiry, or the end of its grace after a rotation.
        revoked: It was revoked.
    """

    key: ClientKey
    ends_at_s: float | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """How usage is kept. `mode`: "spool", "memory" or "off"; `on_full`: "refuse" or "drop". Times in seconds."""

    mode: str = "spool"
    on_full: str = "refuse"
    fsync_s: float = 1.0
    retention_days: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Alerts:
    """Where operator alerts go beside the log: a webhook, its bodies signed with HMAC-SHA-256 under `secret`."""

    webhook_url: Secret | None = None
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the configuration: where, what was found, what was expected, how to fix it.

    Never holds a secret: a string that was found is described, not quoted.

    Attributes:
        fatal: Nothing serves. Otherwise its row alone is disabled at start; a reload is refused all the same.
        warning: Nothing is wrong: it stops neither a start nor a reload nor `fairlead check`.
    """

    where: str
    found: str
    expected: str
    fix: str
    fatal: bool = True
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.found}; expected {self.expected}; {self.fix}"


class Prices(Protocol):
    """What upstream models cost. A price that is not configured may be looked up when it is first asked for."""

    def get(self, candidate_id: CandidateId, /) -> Price | None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything a request may read.

    Attributes:
        source: "file", "environment" or "demo".
        aliases: Alias -> public model name.
        models: By their names; without prefixes.
        prefixes: Models whose name ends in `*`, longest first.
        abilities: For candidates whose upstream model a request names; those of the others are theirs already.
        scales: What must be found out of a request, by public name or alias, None for one that names no model; None =
            nothing.
        scale: The same for names that are not among them: a prefix's or a direct one.
        problems: Rows that were disabled, and warnings; the rest of the configuration serves.
        digest: Of the text and the variables that it was made from; the same input gives the same.
    """

    version: int = 0
    source: str = "file"
    server: Server = Server()
    auth: Auth = Auth()
    ledger: Ledger = Ledger()
    alerts: Alerts = Alerts()
    database_url: Secret | None = None  # it may hold a password
    max_attempts: int = 6
    deadline_s: float = 600.0
    cooldowns: bool = True
    providers: Mapping[str, Provider] = field(default_factory=lambda: EMPTY)
    models: Mapping[str, Model] = field(default_factory=lambda: EMPTY)
    aliases: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    prefixes: tuple[Model, ...] = ()
    default_model: str | None = None
    prices: Prices = field(default_factory=dict[CandidateId, Price])
    abilities: Abilities = NothingKnown()  # noqa: RUF009 # it has no state
    scales: Mapping[str | None, Scale | None] = field(default_factory=dict)
    scale: Scale | None = EVERYTHING
    problems: tuple[Problem, ...] = ()
    digest: str = ""
