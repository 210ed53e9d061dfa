"""The whole configuration file as pydantic models: the sections of the process, and the file that holds all of them.

Every key has a bound where one is sensible, a default and one line that says what it means; `reference` renders
them. Nothing here is read on a request's way: `build` turns it into the snapshot.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from proxy.core.snapshot import BreakerPolicy, Timeouts
from proxy.settings.fields import (
    Amount,
    Glob,
    HexDigest,
    Host,
    Moment,
    Name,
    Number,
    OptionalCredential,
    OptionalText,
    Origin,
    RedisUrl,
    Row,
    WebhookUrl,
    Whole,
)
from proxy.settings.model_schema import ModelRow, PriceRow
from proxy.settings.policy_schema import BreakerRow, TimeoutsRow
from proxy.settings.provider_schema import ProviderRow

MIB = 1024 * 1024


class ServerSection(Row):
    """The process: where it listens and what it takes on."""

    host: Host = Field("127.0.0.1", min_length=1, description="Address to listen on; `FAIRLEAD_HOST` wins over it.")
    port: Whole = Field(8080, ge=0, le=65_535, description="Port; 0 = a free one; `FAIRLEAD_PORT` wins over it.")
    data_dir: OptionalText = Field(
        None,
        description="Folder for everything that is kept.",
        examples=["${FAIRLEAD_DATA_DIR:-}"],
        json_schema_extra={"default": "`$FAIRLEAD_DATA_DIR`, else `~/.local/state/fairlead`"},
    )
    max_body_bytes: Whole = Field(32 * MIB, ge=1024, le=1024 * MIB, description="Request body, after decompression.")
    max_response_bytes: Whole = Field(64 * MIB, ge=1024, le=1024 * MIB, description="Answer that is not a stream.")
    max_in_flight: Whole = Field(2000, ge=1, le=100_000, description="Requests at once; beyond: 503.")
    max_buffered_bytes: Whole = Field(
        512 * MIB, ge=1024, le=1024 * 1024 * MIB, description="All request bodies in memory together; beyond: 503."
    )
    max_kept_bytes: Whole = Field(
        32 * MIB,
        ge=0,
        le=1024 * 1024 * MIB,
        description="Answers of `/v1/responses` kept in memory for clients that refer to their items; 0 = none.",
    )
    body_read_s: Number = Field(30.0, gt=0, le=3600, description="Seconds for a client to send its body.")
    write_stall_s: Number = Field(
        60.0, gt=0, le=3600, description="Seconds after which a client that stops reading is cut."
    )
    drain_delay_s: Number = Field(
        5.0, ge=0, le=600, description="Seconds after SIGTERM during which requests are still accepted."
    )
    drain_s: Number = Field(
        120.0, ge=0, le=86_400, description="Seconds after SIGTERM when what still streams is ended."
    )
    cors_origins: tuple[Origin, ...] = Field(
        (), max_length=100, description='Origins of web pages that may call; `"*"` = all, where there are keys.'
    )
    metrics_port: Whole | None = Field(
        None,
        ge=1,
        le=65_535,
        description="A port of their own for `/metrics` and `/health`.",
        examples=[9090],
        json_schema_extra={"default": "served on `port`"},
    )
    expose: Literal["full", "minimal"] | None = Field(
        None,
        description="Response headers: all of Fairlead's, or only the request id, the cost and the key's limits.",
        examples=["minimal"],
        json_schema_extra={"default": '`"full"` on loopback, `"minimal"` off it'},
    )
    direct_models: bool | None = Field(
        None,
        description="Clients may send `provider/model`; model lists show what each provider says that it has.",
        examples=[True],
        json_schema_extra={"default": "true only without a file"},
    )
    sse_keepalive_s: Number = Field(
        0.0, ge=0, le=300, description="Silence after which a stream gets a comment, which commits it; 0 = off."
    )
    broken_events: Literal["drop", "error"] = Field(
        "drop", description="A broken event in a stream is dropped and counted, or ends it."
    )
    rewrite_model: bool = Field(False, description="Answers name the public model instead of the upstream's.")
    content_policy_failover: bool = Field(
        False, description="Try the next candidate when a vendor's policy refuses the content."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe log line; `FAIRLEAD_LOG_LEVEL` wins over it."
    )


class ClientKeyRow(Row):
    """A client key that the file brings; `fairlead keys` makes others, which the database keeps."""

    name: Name = Field(min_length=1, max_length=128, description="How logs and `explain` call it.", examples=["ci"])
    key: OptionalCredential = Field(
        None, description="The key itself, at least 16 characters.", examples=["${FAIRLEAD_CI_KEY}"]
    )
    key_sha256: HexDigest = Field(None, description="Or its SHA-256 in hexadecimal digits.", examples=["0" * 64])
    models: tuple[Glob, ...] = Field(
        (), max_length=1000, description="Globs on the public names that it may call; none = all."
    )
    providers: tuple[Glob, ...] = Field(
        (), max_length=1000, description="Globs on the providers that may serve it; none = all."
    )
    expires_at: Moment | None = Field(
        None,
        description="A TOML date or date-time, UTC unless it says otherwise.",
        examples=[datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC)],
        json_schema_extra={"default": "never"},
    )
    rpm: Whole | None = Field(None, ge=1, le=10_000_000, description="Requests a minute.", examples=[60])
    tpm: Whole | None = Field(None, ge=1, le=10_000_000_000, description="Tokens a minute.", examples=[100_000])
    parallel: Whole | None = Field(None, ge=1, le=100_000, description="Requests at once.", examples=[10])
    budget_usd_day: Amount | None = Field(
        None, ge=0, le=1_000_000_000, decimal_places=9, description="USD in a day of UTC.", examples=[5]
    )
    budget_usd_month: Amount | None = Field(
        None, ge=0, le=1_000_000_000, decimal_places=9, description="USD in a month of UTC.", examples=[100]
    )
    allow_unpriced: bool = Field(False, description="With a budget: also models without a known price.")
    owner: str = Field("", max_length=256, description="Whom to ask about it.")
    tags: tuple[Name, ...] = Field((), max_length=50, description="Labels of your own; the ledger keeps them.")


class AuthSection(Row):
    """Who may call."""

    mode: Literal["keys", "none"] | None = Field(
        None,
        description="Ask for a client key, or for none, which only a loopback address may.",
        examples=["keys"],
        json_schema_extra={"default": '`"keys"` where a key is or was configured or stored, else `"none"` on loopback'},
    )
    admin_token: OptionalCredential = Field(
        None,
        description="Opens `/admin`; at least 16 characters; empty = no admin routes.",
        examples=["${FAIRLEAD_ADMIN_TOKEN:-}"],
        json_schema_extra={"default": "none"},
    )
    allow_weak_keys: bool = Field(False, description="For tests: accept keys and tokens under 16 characters.")
    keys: tuple[ClientKeyRow, ...] = Field((), max_length=10_000, description="Client keys.")


class DatabaseSection(Row):
    """Where the ledger, its reports and client keys are kept."""

    url: str = Field(
        "sqlite:///fairlead.db",
        min_length=1,
        description="`sqlite:///file`, relative to `data_dir`, or `postgresql://user:password@host:port/database`.",
    )
    config_source: Literal["database", "file"] = Field(
        "database",
        description="Whether the database may hold the configuration, or the file alone does. Not built yet.",
    )


class RedisSection(Row):
    """State that several replicas share. Not built yet: accepted and ignored."""

    url: RedisUrl = Field("", description="`redis://...`; empty = state is kept per process.")
    expected_replicas: Whole = Field(
        1, ge=1, le=1000, description="Limits are divided by it while the server cannot be reached."
    )


class LedgerSection(Row):
    """The record of every request: what it used, what it cost, how it ended."""

    mode: Literal["spool", "memory", "off"] = Field(
        "spool",
        description="Written to `data_dir` first and then loaded into the database; held in memory until it is loaded, "
        "so that a crash loses it; or not kept at all.",
    )
    on_full: Literal["refuse", "drop"] = Field(
        "refuse",
        description="When the disk is full: refuse requests that could not be recorded, or serve them, hold their "
        "records in memory, and drop and count those that do not fit.",
    )
    fsync_s: Number = Field(
        1.0,
        ge=0,
        le=60,
        description="Seconds between two syncs to disk: what a power loss may take; 0 = left to the operating system.",
    )
    retention_days: Whole | None = Field(
        None,
        ge=1,
        le=36_500,
        description="Days that single requests are kept; their sums by hour and day stay.",
        examples=[90],
        json_schema_extra={"default": "for ever"},
    )


class AlertsSection(Row):
    """Where operator alerts go beside the log."""

    webhook_url: WebhookUrl = Field(
        None,
        description="Gets a JSON body for each alert by POST; redirects are not followed; empty = no webhook.",
        examples=["https://alerts.example.com/fairlead"],
    )
    secret: OptionalCredential = Field(
        None,
        description="Signs the bodies with HMAC-SHA-256; at least 16 characters.",
        examples=["${FAIRLEAD_ALERT_SECRET}"],
        json_schema_extra={"default": "none: bodies are not signed"},
    )


class DefaultsSection(Row):
    """Attempts, and what providers, models and candidates inherit."""

    max_attempts: Whole = Field(6, ge=1, le=100, description="Sends for one request, retries and fallbacks included.")
    deadline_s: Number = Field(
        600.0,
        ge=1,
        le=86_400,
        description="Seconds from arrival to a stream's first byte or the end of a whole answer.",
    )
    cooldowns: bool = Field(True, description="False: nothing is ever set aside and no breaker opens.")
    timeouts: TimeoutsRow = Field(TimeoutsRow(**asdict(Timeouts())), description="Seconds of one attempt.")
    breaker: BreakerRow = Field(BreakerRow(**asdict(BreakerPolicy())), description="The breaker, or false for none.")


class Configuration(Row):
    """The file. `providers`, `models` and `prices` are read row by row: a bad row does not spoil the rest."""

    server: ServerSection = ServerSection()
    auth: AuthSection = AuthSection()
    database: DatabaseSection = DatabaseSection()
    redis: RedisSection = RedisSection()
    ledger: LedgerSection = LedgerSection()
    alerts: AlertsSection = AlertsSection()
    defaults: DefaultsSection = DefaultsSection()
    providers: dict[str, ProviderRow] = Field({})
    models: dict[str, ModelRow] = Field({})
    prices: dict[str, PriceRow] = Field({})
