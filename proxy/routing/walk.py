"""What is left of a plan for one request: which candidates and credentials may still be sent to.

Reads what was tried, the read model and the configuration in force now. Never decides when a request ends.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.health import CandidateId, StateView
from proxy.core.plan import Plan, Planned, Send
from proxy.core.snapshot import Credential
from proxy.routing.lineup import known
from proxy.routing.order import SENDS_A_PROVIDER
from proxy.routing.resolve import named_otherwise
from proxy.routing.steps import AttemptPolicy, Tried
from proxy.routing.view import Pick, hold_of, pick

OF_THE_CREDENTIAL = frozenset({FailureKind.BILLING, FailureKind.AUTH, FailureKind.PERMISSION})
OF_ITS_LIMITS = frozenset({FailureKind.RATE_LIMITED, FailureKind.QUOTA_EXHAUSTED})
CREDENTIAL_SCOPES = frozenset({Scope.CREDENTIAL, Scope.CREDENTIAL_MODEL})


def credential_id(credential: Credential | None) -> str:
    return credential.id if credential is not None else ""


class Walk:
    """One request's way through its plan, as it stands at `now_s` (monotonic seconds)."""

    __slots__ = ("history", "now_s", "plan", "policy", "view")

    def __init__(
        self, history: Sequence[Tried], plan: Plan, view: StateView, policy: AttemptPolicy, now_s: float
    ) -> None:
        self.history = history
        self.plan = plan
        self.view = view
        self.policy = policy
        self.now_s = now_s

    def again(self) -> Send | None:
        """Return the last send once more where that is on purpose.

        Without the refused fields, with a credential that was made anew, or after a conflict.
        """
        if not self.history:
            return None
        send, failure, _ = self.history[-1]
        candidate = send.planned.candidate.id
        conflicts = sum(failure.kind is FailureKind.CONFLICT for failure in self._failures_of(candidate))
        if can_edit(self.history):
            edit = failure.edit
        elif failure.renewed or (failure.kind is FailureKind.CONFLICT and conflicts == 1 and not send.last_resort):
            edit = send.edit
        else:
            return None
        hold = hold_of(candidate, credential_id(send.credential), self.view, self.now_s)
        if hold.recovers_s > self.now_s or not self.may_repeat(send) or self._is_capped(send.planned):
            return None
        return Send(send.planned, send.credential, hold.targets, edit)

    def onward(self) -> Send | None:
        """Return the next send: another credential of the same candidate where it is at fault, else the plan's next."""
        if not self.history:
            return self._first()
        for planned in self._in_order():
            found = self._usable(planned)
            if found is not None and not self._is_capped(planned):
                return Send(planned, found.credential, found.half_open, self._edit_of(planned.candidate.id))
        return None

    def _first(self) -> Send | None:
        """The same with nothing tried yet, which is nearly every request: no candidate is barred, spent or capped."""
        for planned in self.plan.candidates:
            if self.is_current(planned):
                found = pick(planned.candidate, self.view, self.now_s, self.out_of_question(planned))
                if found is not None:
                    return Send(planned, found.credential, found.half_open)
        return None

    def may_repeat(self, send: Send) -> bool:
        """Say whether configuration and shared state allow this send once more, whatever its health."""
        planned = send.planned
        return self.is_current(planned) and credential_id(send.credential) not in self.out_of_question(planned)

    def is_current(self, planned: Planned) -> bool:
        """Say whether the configuration in force still has this candidate, enabled."""
        current, candidate = self.policy.current, planned.candidate
        if candidate.provider.name in self.view.disabled:
            return False
        model = current.models.get(planned.model.name)
        if model is planned.model:
            return True
        provider = current.providers.get(candidate.provider.name)
        if provider is None or not provider.enabled:
            return False
        if planned.model.label:  # made of a prefix
            model = model or named_otherwise(planned.model.name, current)
        elif not planned.model.configured:
            return True
        return model is not None and any(other.id == candidate.id for other in model.candidates)

    def is_barred(self, planned: Planned) -> bool:
        """Say whether what was refused so far rules this candidate out."""
        candidate = planned.candidate
        for send, failure, _ in self.history:
            other = send.planned.candidate
            if other.id != candidate.id and not self.policy.failover:
                return True
            if failure.kind is FailureKind.REJECTED and other.provider.kind == candidate.provider.kind:
                return True
            if failure.kind is FailureKind.CONTEXT_TOO_LONG and not is_larger(planned, send.planned):
                return True
        return False

    def out_of_question(self, planned: Planned) -> Collection[str]:
        """Return the credentials that this request may not use again: not admitted, or no longer configured."""
        candidate = planned.candidate
        current = self.policy.current.providers.get(candidate.provider.name, candidate.provider)
        if not self.policy.refused and current is candidate.provider:
            return ()
        kept = {credential.secret for credential in current.credentials}
        gone = {credential.id for credential in candidate.provider.credentials if credential.secret not in kept}
        return gone.union(credential for other, credential in self.policy.refused if other == candidate.id)

    def _in_order(self) -> Sequence[Planned]:
        if self.history[-1].send.last_resort:
            return self.plan.candidates
        return (self.history[-1].send.planned, *self.plan.candidates)

    def _usable(self, planned: Planned) -> Pick | None:
        candidate = planned.candidate
        if not self.is_current(planned):
            return None
        if self.is_barred(planned) or is_spent(self.history, candidate.id):
            return None
        tried = tried_credentials(self.history, candidate.id)
        return pick(candidate, self.view, self.now_s, tried.union(self.out_of_question(planned)))

    def _is_capped(self, planned: Planned) -> bool:
        """Say whether its provider has had its two sends while another could still be tried."""
        if len(self.history) < SENDS_A_PROVIDER:
            return False
        sent = [
            send.planned.candidate.provider.name
            for send, failure, _ in self.history
            if failure.kind is not FailureKind.UNSUPPORTED  # which was never sent
        ]
        if sent.count(planned.candidate.provider.name) < SENDS_A_PROVIDER:
            return False
        return any(
            other.candidate.provider.name not in sent and self._usable(other) is not None
            for other in self.plan.candidates
        )

    def _edit_of(self, candidate: CandidateId) -> tuple[str, ...]:
        edits = (send.edit for send, _, _ in reversed(self.history) if send.planned.candidate.id == candidate)
        return next(filter(None, edits), ())

    def _failures_of(self, candidate: CandidateId) -> list[Failure]:
        return [failure for send, failure, _ in self.history if send.planned.candidate.id == candidate]


def tried_credentials(history: Sequence[Tried], candidate: CandidateId) -> set[str]:
    """Return the ids of the credentials that a candidate was tried with."""
    return {credential_id(send.credential) for send, _, _ in history if send.planned.candidate.id == candidate}


def is_spent(history: Sequence[Tried], candidate: CandidateId) -> bool:
    """Say whether its last failure was of the candidate, not just of one credential."""
    last = next((tried for tried in reversed(history) if tried.send.planned.candidate.id == candidate), None)
    if last is None:
        return False
    failure, provider = last.failure, last.send.planned.candidate.provider
    if failure.kind in OF_ITS_LIMITS:
        is_by_account = failure.kind is FailureKind.RATE_LIMITED and provider.limits_by_account
        return is_by_account or failure.scope not in CREDENTIAL_SCOPES
    return failure.kind not in OF_THE_CREDENTIAL


def can_edit(history: Sequence[Tried]) -> bool:
    """Say whether the last failure asks for one resend without some fields, and that candidate has had none yet."""
    send, failure, _ = history[-1]
    if not failure.edit or send.last_resort:
        return False
    candidate = send.planned.candidate.id
    return not any(earlier.send.edit for earlier in history if earlier.send.planned.candidate.id == candidate)


def is_larger(planned: Planned, refused: Planned) -> bool:
    """Compare context windows; where one is unknown, another upstream model may be larger, the same one is not."""
    window, too_small = known(planned).context_window_tokens, known(refused).context_window_tokens
    if window is None or too_small is None:
        return planned.candidate.model != refused.candidate.model
    return window > too_small
