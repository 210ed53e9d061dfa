"""The record of one request: its attempts, usage and end, told once to the ledger, the metrics and the trail.

`open` comes before the first upstream byte, `close` before the last downstream bytes; only the first of several closes
counts, so that a `finally` may close what nobody closed.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from proxy.core.call import Call
from proxy.core.failure import Failure, FailureKind
from proxy.core.plan import Send
from proxy.core.ports import AttemptRecord, CloseRecord, OpenRecord
from proxy.core.snapshot import Candidate, Model
from proxy.core.usage import Usage
from proxy.gateway.context import Engine
from proxy.telemetry.metrics import UNKNOWN, model_label

OK = "ok"
BYTES_PER_TOKEN = 4


class Account(Struct, eq=False):
    """What is known of a request so far.

    Attributes:
        model: None until resolved.
        label: The public model as a metric label: configured names only.
        trail: `openrouter=rate_limited;azure-eu=ok`.
        sent_s: When the present attempt was sent, or was about to be built.
        waited_s: Time spent waiting for upstreams before the commit point.
        end: "ok", "truncated", "client_gone" or "failed"; None while open.
        end_if_cancelled: The end to note when the request is cancelled; `shut_down` changes it.
        dropped: Request fields that the answering candidate did not get.
    """

    engine: Engine
    call: Call
    model: Model | None = None
    label: str = UNKNOWN
    candidate: Candidate | None = None
    attempts: list[AttemptRecord] = []
    trail: str = ""
    dropped: tuple[str, ...] = ()
    usage: Usage | None = None
    sent_s: float = 0.0
    waited_s: float = 0.0
    committed_s: float | None = None
    end: str | None = None
    end_if_cancelled: str = "client_gone"
    is_open: bool = False
    _overhead_s: float | None = None

    def resolved(self, model: Model) -> None:
        self.model = model
        self.label = model_label(model)

    @property
    def overhead_s(self) -> float:
        """Arrival to commit (or to now) without the waits for upstreams."""
        if self._overhead_s is not None:
            return self._overhead_s
        until_s = self.committed_s if self.committed_s is not None else self.engine.clock.now()
        return max(0.0, until_s - self.call.arrived_s - self.waited_s)

    def shut_down(self) -> None:
        """The gateway is about to cancel the request; its client did not leave."""
        self.end_if_cancelled = "failed" if self.committed_s is None else "truncated"

    def open(self) -> None:
        """Before the first upstream byte. Does nothing on later attempts."""
        if self.is_open:
            return
        self.is_open = True
        call = self.call
        self.engine.sink.open(
            OpenRecord(
                call.request_id,
                self.engine.clock.wall(),
                call.endpoint.name,
                self.model.name if self.model else "",
                call.key.name if call.key else "",
                call.tags,
                call.stream,
            )
        )

    def attempted(self, send: Send, outcome: Failure | None, began_s: float, ended_s: float) -> None:
        """Note one send: its metrics, its place in the trail, and whether it made the request move on."""
        candidate, attempts = send.planned.candidate, self.attempts
        provider, metrics = candidate.provider.name, self.engine.metrics
        credential = send.credential.name if send.credential else ""
        if attempts and attempts[-1].provider != provider:
            metrics.failover(attempts[-1].provider, provider, attempts[-1].outcome)
        if outcome is None:
            result = OK
            record = AttemptRecord(provider, candidate.model, credential, OK, None, began_s, ended_s, False)
        else:
            result = outcome.kind.value
            record = AttemptRecord(
                provider, candidate.model, credential, result, outcome.status, began_s, ended_s, outcome.request_sent
            )
            if outcome.kind is FailureKind.CLIENT_GONE:  # what was begun is likely to be billed
                self.candidate = candidate
                self.estimate(0)
        attempts.append(record)
        self.trail = f"{self.trail};{provider}={result}" if self.trail else f"{provider}={result}"
        metrics.attempt(provider, self.label, result)

    def truncated(self, failure: Failure) -> None:
        """The last attempt began an answer and did not finish it."""
        self.attempts[-1] = replace(self.attempts[-1], outcome=failure.kind.value, maybe_billed=True)
        self.trail = ";".join([f"{attempt.provider}={attempt.outcome}" for attempt in self.attempts])

    def committed(self, candidate: Candidate, now_s: float) -> None:
        """The first byte is about to go downstream."""
        self.candidate = candidate
        self.committed_s = now_s
        self._overhead_s = now_s - self.call.arrived_s - self.waited_s

    def close(self, end: str) -> None:
        """Tell the ledger how the request ended. Only the first call counts."""
        if self.end is not None:
            return
        self.end = end
        engine = self.engine
        if self.usage is not None and self.candidate is not None:
            engine.metrics.tokens(self.candidate.provider.name, self.label, self.usage)
        engine.sink.close(CloseRecord(self.call.request_id, engine.clock.wall(), end, self.attempts, self.usage, None))

    def estimate(self, output_tokens: int) -> None:
        """Fill in usage where no upstream reported any, flagged."""
        if self.usage is None:
            prompt_tokens = len(self.call.body) // BYTES_PER_TOKEN
            self.usage = Usage(prompt_tokens, output_tokens, estimated=True)
