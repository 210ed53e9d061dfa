"""Small values for tests of routing and state: one call each, with only what matters spelled out."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import TypedDict, Unpack

from msgspec.structs import replace

from proxy.core.call import Call, EndpointSpec, Needs, Operation
from proxy.core.capabilities import Abilities, Capabilities
from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.health import Aside, CandidateId, StateView, Target
from proxy.core.plan import OmitReason, Plan, Send
from proxy.core.ports import Grant
from proxy.core.price import Price
from proxy.core.secret import Secret
from proxy.core.snapshot import (
    BreakerPolicy,
    Candidate,
    ClientKey,
    Credential,
    CredentialOrder,
    Limits,
    Model,
    Prices,
    Provider,
    Rotation,
    Server,
    Snapshot,
)
from proxy.routing.health import Change, Memory, after_failure
from proxy.routing.plan import plan
from proxy.routing.retry import next_step
from proxy.routing.steps import AttemptPolicy, Step, Tried
from proxy.routing.view import targets_of

NOW_S = 1_000.0


class ProviderFields(TypedDict, total=False):
    kind: str
    credential_order: CredentialOrder
    priority: int
    cost_multiplier: Decimal
    enabled: bool
    operations: frozenset[str]
    limits_by_account: bool
    body_limit_bytes: int | None
    limits: Limits
    breaker: BreakerPolicy | None


class CandidateFields(TypedDict, total=False):
    priority: int
    weight: int
    capabilities: Capabilities
    price: Price | None


class ModelFields(TypedDict, total=False):
    name: str
    rotation: Rotation
    aliases: tuple[str, ...]
    fallbacks: tuple[str, ...]
    same_vectors: bool
    capabilities: Capabilities
    configured: bool


class SnapshotFields(TypedDict, total=False):
    server: Server
    cooldowns: bool
    providers: Mapping[str, Provider]
    aliases: Mapping[str, str]
    prefixes: tuple[Model, ...]
    default_model: str | None
    prices: Prices
    abilities: Abilities


class CallFields(TypedDict, total=False):
    body: bytes
    key: ClientKey | None
    needs: Needs
    pinned_provider: str | None


class AsideFields(TypedDict, total=False):
    since_s: float
    opens_at_s: float
    until_s: float
    stated: bool
    breaker: bool
    claimed_s: float | None


class FailureFields(TypedDict, total=False):
    scope: Scope
    request_sent: bool
    delay_s: float | None
    stated: bool
    edit: tuple[str, ...]


class PolicyFields(TypedDict, total=False):
    max_attempts: int
    deadline_at_s: float
    repeatable: bool
    failover: bool
    content_policy_failover: bool
    refused: Collection[tuple[CandidateId, str]]


def provider(name: str = "one", keys: int = 1, **fields: Unpack[ProviderFields]) -> Provider:
    """A provider whose credentials are called k1, k2, …"""
    credentials = tuple(Credential(f"k{number}", Secret(f"{name}-{number}")) for number in range(1, keys + 1))
    given: ProviderFields = {"kind": "openai"}
    given.update(fields)
    return Provider(name, base_url=f"https://{name}.test", credentials=credentials, **given)


def candidate(of: Provider | str = "one", model: str = "up", **fields: Unpack[CandidateFields]) -> Candidate:
    return Candidate(provider(of) if isinstance(of, str) else of, model, **fields)


def model(*candidates: Candidate, **fields: Unpack[ModelFields]) -> Model:
    given: ModelFields = {"name": "m"}
    given.update(fields)
    return Model(candidates=candidates, **given)


def snapshot(*models: Model, **fields: Unpack[SnapshotFields]) -> Snapshot:
    """A configuration of these models and their providers."""
    given: SnapshotFields = {
        "providers": {item.provider.name: item.provider for each in models for item in each.candidates}
    }
    given.update(fields)
    return Snapshot(models={each.name: each for each in models}, **given)


def call(operation: Operation = Operation.CHAT, **fields: Unpack[CallFields]) -> Call:
    request = Call(
        request_id="r",
        endpoint=EndpointSpec(str(operation), operation),
        body=b"{}",
        fields={},
        model="m",
        stream=False,
        include_usage=False,
        headers=(),
        query=(),
        key=None,
        arrived_s=NOW_S,
        deadline_s=600.0,
    )
    return replace(request, **fields)


def planned(of: Model, state: StateView | None = None, request: Call | None = None, *others: Model) -> Plan:
    """Plan a request for a model at `NOW_S`."""
    return plan(request or call(), of, snapshot(of, *others), state or StateView(), NOW_S, random.Random(1))


def names(of: Plan) -> list[str]:
    """The providers of a plan, in order."""
    return [item.candidate.provider.name for item in of.candidates]


def reasons(of: Plan) -> list[tuple[str, OmitReason]]:
    """The providers left out, and why."""
    return [(item.candidate.provider.name, item.reason) for item in of.omitted]


def aside(kind: FailureKind = FailureKind.CONNECT, for_s: float = 10.0, **fields: Unpack[AsideFields]) -> Aside:
    """Set aside one second before `NOW_S`, for so long after it."""
    given: AsideFields = {"since_s": NOW_S - 1, "opens_at_s": NOW_S + for_s, "until_s": NOW_S + for_s}
    given.update(fields)
    return Aside(kind, **given)


def half_open(kind: FailureKind = FailureKind.CONNECT, **fields: Unpack[AsideFields]) -> Aside:
    """A set-aside that ended just before `NOW_S` and waits for its probe."""
    given: AsideFields = {"since_s": NOW_S - 50, "opens_at_s": NOW_S - 40, "until_s": NOW_S - 40}
    given.update(fields)
    return Aside(kind, **given)


def target(scope: Scope, of: Candidate, key: int = 1) -> Target:
    """The target of that scope for a candidate and its n-th credential."""
    return next(found for found in targets_of(of.id, credential(of, key)) if found.scope is scope)


def credential(of: Candidate, key: int = 1) -> str:
    """The id of a candidate's n-th credential."""
    return of.provider.credentials[key - 1].id if of.provider.credentials else ""


def set_aside(*candidates: Candidate, **fields: Unpack[AsideFields]) -> StateView:
    """A view in which these candidates are set aside by a guess."""
    return StateView(asides={target(Scope.CANDIDATE, item): aside(**fields) for item in candidates})


def grant(
    of: Candidate, began_s: float = NOW_S, claimed: tuple[Target, ...] = (), *, last_resort: bool = False
) -> Grant:
    """An admitted attempt with the first credential."""
    return Grant(of, credential(of), began_s, last_resort=last_resort, claimed=claimed)


def failure(kind: FailureKind, status: int | None = None, **fields: Unpack[FailureFields]) -> Failure:
    return Failure(kind, status=status, **fields)


def limited(delay_s: float | None = None, scope: Scope = Scope.CREDENTIAL_MODEL, *, stated: bool = True) -> Failure:
    """A rate limit."""
    told = delay_s is not None
    return Failure(FailureKind.RATE_LIMITED, scope, 429, delay_s=delay_s, stated=stated and told)


def policy(of: Plan, current: Snapshot | None = None, **fields: Unpack[PolicyFields]) -> AttemptPolicy:
    """Six attempts in a hundred seconds; the configuration is the plan's own."""
    models = {item.model.name: item.model for item in of.candidates} | {of.model.name: of.model}
    given: PolicyFields = {"max_attempts": 6, "deadline_at_s": NOW_S + 100}
    given.update(fields)
    return AttemptPolicy(current=current or snapshot(*models.values()), **given)


def tried(of: Plan, *failures: Failure | tuple[int, int, Failure]) -> list[Tried]:
    """What was tried: the plan's candidates in turn with their first credential, or (place, key, failure)."""
    history = []
    for number, item in enumerate(failures):
        place, key, what = item if isinstance(item, tuple) else (number, 1, item)
        chosen = of.candidates[place]
        credentials = chosen.candidate.provider.credentials
        history.append(Tried(Send(chosen, credentials[key - 1] if credentials else None), what, NOW_S - 1))
    return history


def resent(history: Sequence[Tried], what: Failure, edit: tuple[str, ...] = ()) -> list[Tried]:
    """The same history with its last send made once more."""
    return [*history, Tried(replace(history[-1].send, edit=edit), what, NOW_S - 1)]


def step(
    of: Plan, history: Sequence[Tried] = (), state: StateView | None = None, bounds: AttemptPolicy | None = None
) -> Step:
    """Decide the next step at `NOW_S`."""
    return next_step(history, of, state or StateView(), bounds or policy(of), NOW_S)


def where(found: Step) -> tuple[str, str | None]:
    """The provider and the credential's name of a send."""
    assert isinstance(found, Send), found
    return found.planned.candidate.provider.name, found.credential.name if found.credential else None


class Still(random.Random):
    """No jitter at all, or all of it."""

    def __init__(self, share: float = 0.0) -> None:
        super().__init__(1)
        self._share = share

    def random(self) -> float:
        return self._share


def fail(
    what: Failure,
    memory: Memory | None = None,
    attempt: Grant | None = None,
    *,
    share: float = 0.0,
    now_s: float = NOW_S,
) -> Change:
    """What a failure of an attempt changes, by default of one with the provider "one", which has no breaker."""
    return after_failure(
        memory or Memory(), attempt or grant(candidate(provider(breaker=None))), what, now_s, Still(share)
    )


def remember(*pairs: tuple[Target, Aside]) -> Memory:
    return Memory(asides=dict(pairs))
