"""`[providers.X]` as pydantic models: an account at a vendor, its limits and how it is reached.

Whether keys fit together and fit the kind is checked by `provider_rows`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from proxy.core.snapshot import CredentialOrder
from proxy.providers.kinds import KINDS
from proxy.settings.fields import (
    Amount,
    BaseUrl,
    Credential,
    ForwardHeader,
    HeaderName,
    HeaderValue,
    Name,
    Number,
    OptionalText,
    ProxyUrl,
    Row,
    Whole,
)
from proxy.settings.policy_schema import BreakerRow, TimeoutsRow


class LimitsRow(Row):
    """The provider's own limits, kept by Fairlead: reached = left out of plans until it is free again."""

    rpm: Whole | None = Field(None, ge=1, le=10_000_000, description="Requests a minute.", examples=[600])
    tpm: Whole | None = Field(None, ge=1, le=10_000_000_000, description="Tokens a minute.", examples=[200_000])
    parallel: Whole | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Requests at once.",
        examples=[100],
        json_schema_extra={"default": "three quarters of `server.max_in_flight`"},
    )


class QuotaMarkerRow(Row):
    """A sign that this provider's quota is used up: a string, or a table that the answer's JSON must contain."""

    text: str | None = None
    subset: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_either(cls, value: object) -> object:
        if isinstance(value, str) and value.strip():
            return {"text": value}
        if isinstance(value, dict) and value:
            return {"subset": value}
        raise ValueError("a string, or a table that the answer's JSON must contain; neither empty")


class ProviderRow(Row):
    """An account at a vendor. The table's name is how models, logs, metrics and headers call it."""

    kind: str = Field(
        description="The vendor preset.",
        examples=["ollama"],
        json_schema_extra={"type": " or ".join(f'"{kind}"' for kind in KINDS)},
    )
    base_url: BaseUrl = Field(
        None,
        description="Scheme, host and path prefix of the API.",
        examples=["https://api.openai.com/v1"],
        json_schema_extra={"default": "the kind's own"},
    )
    api_key: Credential | None = Field(None, description="The credential. Never empty.", examples=["${OPENAI_API_KEY}"])
    api_keys: tuple[Credential, ...] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Several credentials, each with its own health; instead of `api_key`.",
        examples=[["${OPENAI_KEY_1}", "${OPENAI_KEY_2}"]],
    )
    credentials: CredentialOrder = Field(
        CredentialOrder.ORDERED, description="Which healthy credential goes first: the first in the list, or in turn."
    )
    priority: Whole = Field(1, ge=0, le=1000, description="Lower is tried first; a candidate's own priority wins.")
    cost_multiplier: Amount = Field(Decimal(1), ge=0, le=1000, description="Factor on every price.")
    enabled: bool = Field(True, description="False: kept, shown and never sent to.")
    optional: bool = Field(
        False, description="True: an unset variable disables the provider instead of being an error."
    )
    tags: tuple[Name, ...] = Field((), max_length=50, description="Labels of your own, which `/admin/state` shows.")
    drop_params: tuple[Name, ...] = Field(
        (), max_length=100, description="Top-level request fields that are left out for this provider."
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        {}, max_length=50, description="Headers sent with every request to it; values may hold secrets."
    )
    forward_headers: tuple[ForwardHeader, ...] = Field(
        (), max_length=50, description="Client headers passed on to it; never one that carries a credential."
    )
    quota_markers: tuple[QuotaMarkerRow, ...] = Field(
        (),
        max_length=50,
        description="Signs of a used-up quota: a substring of the answer, or a table that its JSON contains.",
        json_schema_extra={"type": "list of strings and tables"},
    )
    transport: Literal["native", "httpx"] | None = Field(
        None,
        description="Which HTTP client reaches it.",
        examples=["httpx"],
        json_schema_extra={"default": '`"httpx"` with `proxy_url` or `client_cert`, else `"native"`'},
    )
    proxy_url: ProxyUrl = Field(
        None,
        description='A proxy on the way to it; `"env"` takes the usual variables, which are ignored otherwise.',
        examples=["http://proxy.internal:3128"],
    )
    ca_file: OptionalText = Field(
        None,
        description="PEM file with the authorities to trust instead of the system's.",
        examples=["/etc/ssl/ca.pem"],
    )
    client_cert: OptionalText = Field(
        None,
        description="PEM file with a client certificate and its key, or one of each with a comma between.",
        examples=["/etc/ssl/client.pem"],
    )
    api_version: OptionalText = Field(
        None,
        description="azure: the deployments API of this version.",
        examples=["2024-10-21"],
        json_schema_extra={"default": "the `/openai/v1` API", "kinds": ["azure"]},
    )
    deployment: OptionalText = Field(
        None,
        description="azure: the deployment that serves every model of this provider.",
        examples=["gpt4o-prod"],
        json_schema_extra={"default": "the upstream model name", "kinds": ["azure"]},
    )
    auth: Literal["key", "entra"] = Field(
        "key",
        description="azure: sign in with `api_key`, or as an identity of Microsoft Entra (extra `azure`).",
        examples=["entra"],
        json_schema_extra={"kinds": ["azure"]},
    )
    tenant_id: OptionalText = Field(
        None,
        description='azure with `auth = "entra"`: the tenant.',
        examples=["00000000-0000-0000-0000-000000000000"],
        json_schema_extra={"default": "`$AZURE_TENANT_ID`", "kinds": ["azure"]},
    )
    client_id: OptionalText = Field(
        None,
        description='azure with `auth = "entra"`: the application, or the managed identity that the user assigned.',
        examples=["00000000-0000-0000-0000-000000000000"],
        json_schema_extra={"default": "`$AZURE_CLIENT_ID`", "kinds": ["azure"]},
    )
    client_secret: Credential | None = Field(
        None,
        description='azure with `auth = "entra"`: the application\'s secret; without one workload or managed identity.',
        examples=["${AZURE_CLIENT_SECRET}"],
        json_schema_extra={"default": "`$AZURE_CLIENT_SECRET`", "kinds": ["azure"]},
    )
    region: OptionalText = Field(
        None,
        description="bedrock: the AWS region.",
        examples=["eu-central-1"],
        json_schema_extra={"default": "`$AWS_REGION`, else `$AWS_DEFAULT_REGION`", "kinds": ["bedrock"]},
    )
    aws_access_key_id: Credential | None = Field(
        None,
        description="bedrock: signs requests, instead of `api_key`.",
        examples=["${AWS_ACCESS_KEY_ID}"],
        json_schema_extra={"kinds": ["bedrock"], "needs": "aws_secret_access_key"},
    )
    aws_secret_access_key: Credential | None = Field(
        None,
        description="bedrock: the secret that belongs to it.",
        examples=["${AWS_SECRET_ACCESS_KEY}"],
        json_schema_extra={"kinds": ["bedrock"], "needs": "aws_access_key_id"},
    )
    aws_session_token: Credential | None = Field(
        None,
        description="bedrock: the token of temporary credentials.",
        examples=["${AWS_SESSION_TOKEN}"],
        json_schema_extra={"kinds": ["bedrock"], "needs": "aws_access_key_id"},
    )
    aws_profile: OptionalText = Field(
        None,
        description="bedrock: a profile of the AWS files (extra `bedrock`).",
        examples=["default"],
        json_schema_extra={"default": "without any key the AWS chain", "kinds": ["bedrock"]},
    )
    project: OptionalText = Field(
        None,
        description="vertex: the Google Cloud project.",
        examples=["my-project"],
        json_schema_extra={"default": "`$GOOGLE_CLOUD_PROJECT`, else that of the file", "kinds": ["vertex"]},
    )
    location: OptionalText = Field(
        None,
        description="vertex: the location.",
        examples=["europe-west4"],
        json_schema_extra={"default": '`$GOOGLE_CLOUD_LOCATION`, else `"global"`', "kinds": ["vertex"]},
    )
    credentials_file: OptionalText = Field(
        None,
        description="vertex: a service account's JSON file, or one of workload identity (extra `vertex`).",
        examples=["/etc/gcp/key.json"],
        json_schema_extra={
            "default": "`$GOOGLE_APPLICATION_CREDENTIALS`, else what the machine offers",
            "kinds": ["vertex"],
        },
    )
    command: OptionalText = Field(
        None,
        description="A program that Fairlead starts and stops as this provider.",
        examples=["uvx"],
    )
    args: tuple[str, ...] = Field(
        (),
        max_length=200,
        description="Its arguments; `{port}` stands for the port it is given.",
        json_schema_extra={"needs": "command"},
    )
    env: dict[str, str] = Field(
        {},
        max_length=200,
        description="Variables of its own environment; `{port}` as in `args`.",
        json_schema_extra={"needs": "command"},
    )
    pass_env: tuple[str, ...] = Field(
        (),
        max_length=200,
        description="Names of Fairlead's own variables that it may see.",
        json_schema_extra={"needs": "command"},
    )
    start: Literal["lazy", "eager"] = Field(
        "lazy", description="Start it on first use, or with Fairlead.", json_schema_extra={"needs": "command"}
    )
    start_s: Number | None = Field(
        None,
        gt=0,
        le=3600,
        description="Seconds it may take until its port answers.",
        examples=[300],
        json_schema_extra={"default": "120", "needs": "command"},
    )
    idle_stop_s: Number | None = Field(
        None,
        gt=0,
        le=604_800,
        description="Seconds without a request after which it is stopped.",
        examples=[900],
        json_schema_extra={"default": "never", "needs": "command"},
    )
    limits: LimitsRow = Field(LimitsRow(), description="The provider's own limits.")
    timeouts: TimeoutsRow = Field(TimeoutsRow(), description="Timeouts of this provider.")
    breaker: BreakerRow | None = Field(
        None, description="Its breaker, or false for none.", json_schema_extra={"default": "that of `[defaults]`"}
    )
