"""The record of one request: its attempts, usage, cost and end, told once to the ledger, the metrics and the trail.

`open` comes before the first upstream byte, `close` before the last downstream bytes; only the first of several closes
counts, so that a `finally` may close what nobody closed. Requests that were refused before they were admitted have no
record.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from proxy.core.call import OF_ACCOUNTS, UNMETERED, Call, Operation
from proxy.core.errors import GatewayError, LedgerFull, Overloaded, told_name
from proxy.core.failure import Failure, FailureKind
from proxy.core.health import CandidateId
from proxy.core.plan import Send
from proxy.core.ports import KeyGrant
from proxy.core.price import Cost, Price
from proxy.core.records import AttemptRecord, CloseRecord, OpenRecord
from proxy.core.snapshot import Candidate, Model
from proxy.core.usage import Usage
from proxy.gateway.context import Engine
from proxy.pricing.cost import cost, price_at, prompt_cost
from proxy.pricing.estimate import BYTES_PER_TOKEN, SHORT_BYTES, estimate_prompt
from proxy.providers.billing import believed
from proxy.telemetry.metrics import OK, UNKNOWN, model_label

UNKNOWN_USAGE = Usage(estimated=True)  # something was used, and nobody says how much
_FREE = Operation.COUNT_TOKENS  # nobody charges for it
_UNWEIGHED = UNMETERED | {_FREE}
_NOTHING = Cost(0, "")
CLIENT_CLOSED = 499  # the status that is noted, never sent, for a client that left before an answer


class Account(Struct, eq=False):
    """What is known of a request so far.

    Attributes:
        model: None until resolved.
        label: The public model as a metric label: configured names only.
        key: The client key's name; "" in open mode, and until resolved.
        tags: What reports file the request under: the client's own tags and those of its key; none until resolved.
        trail: `openrouter=rate_limited;azure-eu=ok`.
        dropped: Request fields that the answering candidate did not get.
        cost: None until `settle_usage`, and where no price is known.
        started_at_s: Unix time of its arrival; names the day and month that it is charged to.
        waited_s: Time spent waiting for upstreams before the commit point.
        status: What the client got, as far as it is known.
        error: OpenAI's code of the error that the client got.
        end: "ok", "truncated", "client_gone" or "failed"; None while open.
        end_if_cancelled: The end to note when the request is cancelled; `shut_down` changes it.
        taken: From the limits of its key.
        is_settled: What it used is booked to its key.
        renewed: Ids of credentials that were made anew for it.
        unpriced: Another model that had part in the answer, as the upstream calls it, whose price is not known.
        is_admitted: It passed authentication, limits and resolve: the ledger has a record of it.
    """

    engine: Engine
    call: Call
    model: Model | None = None
    label: str = UNKNOWN
    key: str = ""
    tags: tuple[str, ...] = ()
    candidate: Candidate | None = None
    attempts: list[AttemptRecord] = []
    trail: str = ""
    failures: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    usage: Usage | None = None
    cost: Cost | None = None
    started_at_s: float = 0.0
    waited_s: float = 0.0
    committed_s: float | None = None
    status: int = CLIENT_CLOSED
    error: str = ""
    end: str | None = None
    end_if_cancelled: str = "client_gone"
    taken: KeyGrant | None = None
    is_settled: bool = False
    unpriced: str = ""
    is_admitted: bool = False
    is_open: bool = False
    renewed: list[str] = []
    _overhead_s: float | None = None

    def resolved(self, model: Model) -> None:
        self.model = model
        self.label = model_label(model)
        self.tags = self.call.tags
        key = self.call.key
        if key is not None:
            self.key = key.name
            if key.tags:
                self.tags = (*self.tags, *key.tags)

    @property
    def overhead_s(self) -> float:
        """Arrival to commit (or to now) without the waits for upstreams."""
        if self._overhead_s is not None:
            return self._overhead_s
        until_s = self.committed_s if self.committed_s is not None else self.engine.clock.now()
        return max(0.0, until_s - self.call.arrived_s - self.waited_s)

    def shut_down(self) -> None:
        """The gateway is about to cancel the request; its client did not leave."""
        if self.committed_s is None:
            self.end_if_cancelled, self.status, self.error = "failed", Overloaded.status, Overloaded.code
        else:
            self.end_if_cancelled = "truncated"

    def open(self, candidate: Candidate) -> None:
        """Before the first upstream byte. Does nothing on later attempts.

        Raises:
            LedgerFull: The ledger cannot take it.
        """
        if self.is_open:
            return
        call, price, (provider, upstream_model) = self.call, candidate.price, candidate.id
        prompt_tokens, least, size = call.needs.input_tokens, None, len(call.body)
        if call.endpoint.operation in _UNWEIGHED:
            prompt_tokens = 0
        elif not prompt_tokens:
            prompt_tokens = size // BYTES_PER_TOKEN if size <= SHORT_BYTES else estimate_prompt(call.body)
        if price is not None and call.endpoint.operation not in UNMETERED:
            least = prompt_cost(prompt_tokens, price_at(price, self.started_at_s), candidate.provider.cost_multiplier)
        self.engine.sink.open(
            OpenRecord(
                call.request_id,
                self.started_at_s,
                call.endpoint.name,
                self.model.name if self.model else "",
                self.key,
                self.tags,
                call.stream,
                provider,
                upstream_model,
                prompt_tokens,
                least,
            )
        )
        self.is_open = True

    def attempted(self, send: Send, outcome: Failure | None, began_s: float, ended_s: float) -> None:
        """Note one send: its metrics, its place in the trail, and whether it made the request move on."""
        candidate, attempts, arrived_s = send.planned.candidate, self.attempts, self.call.arrived_s
        (provider, model), metrics = candidate.id, self.engine.metrics
        credential = send.credential.name if send.credential else ""
        if attempts and attempts[-1].provider != provider:
            metrics.failover(attempts[-1].provider, provider, attempts[-1].outcome)
        if outcome is None:
            result, status, is_billed = OK, None, False
            metrics.answered(provider, self.label, ended_s - began_s)
        else:
            result, status, is_billed = outcome.kind.value, outcome.status, outcome.request_sent
            metrics.failed(provider, self.label, result)
            if outcome.kind is FailureKind.CLIENT_GONE:  # what was begun is likely to be billed
                self.candidate = candidate
                self.estimate(0)
            else:
                self.failures += (_told(provider, outcome),)
        attempts.append(
            AttemptRecord(
                provider, model, credential, result, status, began_s - arrived_s, ended_s - arrived_s, is_billed
            )
        )
        self.trail = f"{self.trail};{provider}={result}" if self.trail else f"{provider}={result}"

    def truncated(self, failure: Failure) -> None:
        """The last attempt began an answer and did not finish it."""
        self.attempts[-1] = replace(self.attempts[-1], outcome=failure.kind.value, maybe_billed=True)
        self.trail = ";".join([f"{attempt.provider}={attempt.outcome}" for attempt in self.attempts])
        self.failures += (_told(self.attempts[-1].provider, failure),)

    def committed(self, candidate: Candidate, status: int, now_s: float) -> None:
        """The first byte is about to go downstream."""
        self.candidate = candidate
        self.status = status
        self.committed_s = now_s
        self._overhead_s = now_s - self.call.arrived_s - self.waited_s

    def refused(self, error: GatewayError) -> None:
        """The client is told an error instead of an answer."""
        if isinstance(error, LedgerFull):
            self.is_admitted = False
        if self.committed_s is None:
            self.status = error.status
        self.error = told_name(error)

    def settle_usage(self) -> None:
        """Price what was used; before the answer's headers where they are to tell."""
        candidate, usage = self.candidate, self.usage
        if usage is None or candidate is None or self.cost is not None:
            return
        if self.call.endpoint.operation is _FREE:
            self.cost = _NOTHING
            return
        provider, price = candidate.provider, candidate.price
        if usage.reported_cost_nusd is not None:
            self.usage = usage = believed(usage, provider.kind)
            if usage is None:  # the cost was all that it said
                self.estimate(0)
                return self.settle_usage()
        if price is not None:
            price = price_at(price, self.started_at_s)
        of_others = self._prices_of_others(usage, provider.name) if usage.others and price is not None else ()
        self.cost = cost(usage, price, provider.cost_multiplier, of_others)

    def _prices_of_others(self, usage: Usage, provider: str) -> list[Price | None]:
        """Find what other models than the answering one cost at its provider."""
        known = self.engine.snapshot.prices
        prices = [known.get(CandidateId(provider, model)) for model, _ in usage.others]
        if None in prices:
            self.unpriced = usage.others[prices.index(None)][0]
        return [None if price is None else price_at(price, self.started_at_s) for price in prices]

    def close(self, end: str) -> None:
        """Tell the ledger how the request ended. Only the first call counts."""
        if self.end is not None:
            return
        self.end = end
        if not self.is_admitted:
            return
        if self.cost is None:
            self.settle_usage()
        engine, call, usage, candidate = self.engine, self.call, self.usage, self.candidate
        if candidate is not None:
            provider, upstream_model = candidate.id
        elif self.attempts:
            provider, upstream_model = self.attempts[-1].provider, self.attempts[-1].model
        else:
            provider = upstream_model = ""
        nusd, price = (None, "") if self.cost is None else (self.cost.nusd, self.cost.source)
        if usage is None and self._is_uncounted():
            usage = self.usage = UNKNOWN_USAGE
        if usage is not None:
            engine.metrics.used(provider, self.label, usage, nusd)
            if nusd is None:
                is_configured = self.model is not None and self.model.configured and not self.unpriced
                engine.unpriced.served(provider, self.unpriced or upstream_model, is_configured=is_configured)
        engine.sink.close(
            CloseRecord(
                call.request_id,
                self.started_at_s,
                engine.clock.wall(),
                call.endpoint.name,
                self.model.name if self.model else "",
                self.key,
                self.tags,
                call.stream,
                end,
                provider,
                upstream_model,
                self.status,
                None if self.committed_s is None else self.committed_s - call.arrived_s,
                self.attempts,
                usage,
                nusd,
                price,
                self.error,
            )
        )

    def _is_uncounted(self) -> bool:
        """Whether an upstream did what it will charge for, and neither it nor anybody here can say how much."""
        operation = self.call.endpoint.operation
        if operation not in UNMETERED or operation in OF_ACCOUNTS:
            return False
        return self.committed_s is not None or (bool(self.attempts) and self.attempts[-1].outcome == OK)

    def estimate(self, output_tokens: int) -> None:
        """Fill in usage where no upstream reported any, flagged; what is free uses none.

        Nor is it done where a count of bytes says nothing of what was used.
        """
        if self.call.endpoint.operation is _FREE:
            self.usage = Usage()
        elif self.usage is None and self.call.endpoint.operation not in UNMETERED:
            prompt_tokens = self.call.needs.input_tokens or estimate_prompt(self.call.body)
            self.usage = Usage(prompt_tokens, output_tokens, estimated=True)


def _told(provider: str, failure: Failure) -> str:
    """Say for the operator what a failure was; its detail holds no secret and no client's words."""
    detail, status = failure.detail or failure.kind.value, failure.status
    is_told = status is None or str(status) in detail
    return f"{provider}: {detail}" if is_told else f"{provider}: {detail} (status {status})"
