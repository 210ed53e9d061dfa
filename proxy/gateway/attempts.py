"""The only loop: it does what `routing.retry.next_step` says until an answer passes its gate or the attempts end.

It acts and notes; whether to go on, where to and what is set aside is decided by pure functions.
"""

from __future__ import annotations

from anyio import get_cancelled_exc_class
from msgspec import Struct

from proxy.core.call import Call
from proxy.core.errors import GatewayError, UpstreamsExhausted, final_error
from proxy.core.failure import TIMEOUTS, Failure, FailureKind
from proxy.core.health import CandidateId
from proxy.core.plan import Plan, Send
from proxy.core.ports import Grant, UpstreamResponse
from proxy.core.snapshot import Provider, Snapshot
from proxy.gateway.accounting import Account
from proxy.gateway.cohort import others_first
from proxy.gateway.context import Engine, Reply, Sent, capped
from proxy.gateway.gate import pass_gate
from proxy.gateway.preparing import build_send, renewed, wants_access, with_access
from proxy.providers.adapter import Prepared
from proxy.providers.ratelimits import remaining
from proxy.routing.order import pointer_move
from proxy.routing.place import is_meant, present_id
from proxy.routing.retry import LEAST_TIME_S, asked_alone, causes, next_step
from proxy.routing.steps import AttemptPolicy, Stop, StopReason, Tried
from proxy.routing.steps import Wait as Pause
from proxy.routing.walk import Walk

# CPython 3.11 calls a Python function to get a member out of its enum; these are wanted for every request.
_CONNECT = FailureKind.TIMEOUT_CONNECT
_HEADERS, _RESPONSE = FailureKind.TIMEOUT_HEADERS, FailureKind.TIMEOUT_RESPONSE
_SAYS_NOTHING = frozenset({FailureKind.CLIENT_GONE, FailureKind.UNSUPPORTED})  # of the upstream's health
_CUT_SHORT = frozenset({StopReason.BUDGET, StopReason.DEADLINE})
_EARLIEST_S = 0.01  # by which a timer may be early
_CANCELLED = Failure(FailureKind.CLIENT_GONE)  # what an attempt is noted as that something outside ended


async def attempt(engine: Engine, snapshot: Snapshot, call: Call, plan: Plan, account: Account) -> tuple[Reply, Grant]:
    """Walk the plan to an answer. The caller releases the grant and closes the answer.

    Raises:
        UpstreamsExhausted: No candidate answered.
    """
    course = _Course(engine, snapshot, call, plan)
    for slot in plan.turns:
        engine.state.take_turn(slot)
    # What the plan knows holds while the configuration it was made from is in force; of the time it knows nothing.
    began_s = engine.clock.now()
    is_early = call.arrived_s + call.deadline_s - began_s >= LEAST_TIME_S
    send = plan.first if is_early and engine.snapshot is snapshot else None
    while True:
        if send is None:
            send = await _decide(course, account)
            if send is None:
                continue
            began_s = engine.clock.now()
        grant = _grant(call, send, began_s)
        if engine.snapshot is not snapshot:
            _follow(engine, grant)
        if not await engine.state.claim(grant):
            course.refused.append((send.planned.candidate.id, send.credential.id if send.credential else ""))
            send = None
            continue
        outcome = await _send(course, send, grant, account)
        if isinstance(outcome, Reply):
            return outcome, grant
        course.history.append(Tried(send, outcome, began_s))
        if account.committed_s is not None:  # a keep-alive has committed: no other candidate may answer
            raise _final(course, StopReason.EXHAUSTED)
        send = None


class _Course(Struct, eq=False):
    """What the decisions of one request's attempts are made from."""

    engine: Engine
    snapshot: Snapshot
    call: Call
    plan: Plan
    history: list[Tried] = []
    refused: list[tuple[CandidateId, str]] = []


async def _decide(course: _Course, account: Account) -> Send | None:
    """The next send; None after a wait whose send was taken away meanwhile.

    Raises:
        GatewayError: There is none.
    """
    engine, history, plan = course.engine, course.history, course.plan
    step = next_step(history, plan, engine.state.view, _policy(course), engine.clock.now())
    match step:
        case Stop(reason):
            raise _final(course, reason)
        case Pause(delay_s, then):
            await engine.clock.sleep(delay_s)
            account.waited_s += delay_s
            walk = Walk(history, plan, engine.state.view, _policy(course), engine.clock.now())
            return then if walk.may_repeat(then) else None
        case Send():
            return step


async def _send(course: _Course, send: Send, grant: Grant, account: Account) -> Reply | Failure:
    """Send once. A failure is noted and its grant released; an answer keeps its grant."""
    engine, call = course.engine, course.call
    prepared = await _ready(course, send, grant, account)
    if isinstance(prepared, Failure):
        return prepared
    now, provider = engine.clock.now, send.planned.candidate.provider.name
    answer: UpstreamResponse | Failure | None = None
    outcome: Reply | Failure | None = None  # stays so where this program is at fault: that says nothing of the upstream
    account.dropped = prepared.dropped
    sent_s = now()
    timeouts = send.planned.candidate.timeouts
    connect = capped(call, sent_s + timeouts.connect_s, _CONNECT)
    if call.stream:
        head = capped(call, sent_s + timeouts.headers_s, _HEADERS)
    else:
        head = capped(call, sent_s + timeouts.response_s, _RESPONSE)
    try:
        answer = await engine.transport.send(prepared.request, connect, head)
        if isinstance(answer, Failure):
            outcome = answer
        else:
            for kind, count in remaining(answer.headers):
                engine.metrics.rate_limit_remaining(provider, kind, count)
            outcome = await pass_gate(engine, Sent(course.snapshot.server, call, send, prepared, answer, sent_s, head))
        if prepared.access is not None and isinstance(outcome, Failure):
            outcome = await renewed(account, send, prepared.access, outcome)
    except get_cancelled_exc_class():
        outcome = _CANCELLED
        raise
    finally:
        ended_s = now()
        account.waited_s += ended_s - sent_s
        if isinstance(outcome, Reply):
            account.attempted(send, None, grant.began_s, ended_s)
            _succeed(course, grant, outcome, ended_s)
        else:
            if outcome is not None:
                await _note(course, send, grant, account, outcome, ended_s)
            # Before the answer is closed, which may wait, and where a client that leaves meanwhile ends everything.
            engine.state.release(grant, ended_s, _used_tokens(call, outcome))
            if answer is not None and not isinstance(answer, Failure):
                await answer.aclose()
    return outcome


async def _ready(course: _Course, send: Send, grant: Grant, account: Account) -> Prepared | Failure:
    """Prepare the request and open its record. A failure is noted and its grant released."""
    engine, call, began_s = course.engine, course.call, grant.began_s
    try:
        await others_first()
        prepared = build_send(call, send)
        if wants_access(send) and not isinstance(prepared, Failure):
            connect = capped(call, began_s + send.planned.candidate.timeouts.connect_s, _CONNECT)
            asked_s = engine.clock.now()
            prepared = await with_access(engine, send, prepared, connect)
            account.waited_s += engine.clock.now() - asked_s
        if not isinstance(prepared, Failure):
            account.open(send.planned.candidate)
            if prepared.dropped:
                engine.metrics.dropped(send.planned.candidate.provider.name, prepared.dropped)
            return prepared
    except BaseException:  # nothing was sent: this is no attempt
        engine.state.release(grant, began_s, 0)
        raise
    ended_s = engine.clock.now()
    await _note(course, send, grant, account, prepared, ended_s)
    engine.state.release(grant, ended_s, 0)
    return prepared


async def _note(course: _Course, send: Send, grant: Grant, account: Account, failure: Failure, ended_s: float) -> None:
    """Note a failed attempt, and what it tells of the upstream."""
    account.attempted(send, failure, grant.began_s, ended_s)
    if not _is_haste(course, failure, ended_s):
        await fail(course.engine, send, grant, failure)


def _is_haste(course: _Course, failure: Failure, ended_s: float) -> bool:
    """Say whether the client's own deadline ended an attempt: as where a client leaves, that tells of no upstream."""
    call = course.call
    if failure.kind not in TIMEOUTS or call.deadline_s >= course.snapshot.deadline_s:
        return False
    return ended_s >= call.arrived_s + call.deadline_s - _EARLIEST_S


def _succeed(course: _Course, grant: Grant, reply: Reply, now_s: float) -> None:
    """Let the operator and the shared state learn from an answer, whatever its key: it tells of the provider."""
    engine, provider = course.engine, grant.candidate.provider
    if engine.snapshot is not course.snapshot:
        _follow(engine, grant)
    if _is_told(engine, course.snapshot, provider):
        goes_on = reply.reader is not None or reply.status == 101
        engine.state.succeeded(grant, now_s, now_s - grant.began_s, goes_on=goes_on)
        engine.attention.succeeded(provider.name, grant.credential)


def finish(engine: Engine, snapshot: Snapshot, grant: Grant) -> None:
    """Let the shared state learn that an answer that went on came whole."""
    if _is_told(engine, snapshot, grant.candidate.provider):
        engine.state.finished(grant, engine.clock.now())


def _is_told(engine: Engine, snapshot: Snapshot, provider: Provider) -> bool:
    """Say whether an answer to a request of that configuration tells of a provider of the one in force."""
    return engine.snapshot is snapshot or is_meant(provider, "", engine.snapshot)


async def fail(engine: Engine, send: Send, grant: Grant, failure: Failure) -> None:
    """Let the operator and the shared state learn from a failure: alert, set aside, move the pointer."""
    _follow(engine, grant)  # though it tells nothing: what it holds is given back
    if failure.kind in _SAYS_NOTHING or failure.renewed:
        return
    if not is_meant(send.planned.candidate.provider, grant.credential, engine.snapshot):
        return
    now_s = engine.clock.now()
    engine.attention.failed(send.planned.candidate.provider.name, grant.credential, failure, now_s)
    if not engine.snapshot.cooldowns:
        return
    setback = await engine.state.failed(grant, failure, now_s)
    move = pointer_move(send.planned, failure, setback, engine.state.view, now_s)
    if move is not None:
        await engine.state.advance(move.slot, move.expected, move.new, move.first)


def _follow(engine: Engine, grant: Grant) -> None:
    """Know the credential of an attempt by the id that it has now, since its health does: it may have another place."""
    provider = engine.snapshot.providers.get(grant.candidate.provider.name)
    now = grant.credential if provider is None else present_id(provider, grant.credential)
    if now != grant.credential:
        claimed = [target._replace(credential=now) if target.credential else target for target in grant.claimed]
        grant.credential, grant.claimed = now, tuple(claimed)


def _policy(course: _Course) -> AttemptPolicy:
    call, snapshot = course.call, course.snapshot
    return AttemptPolicy(
        max_attempts=snapshot.max_attempts,
        deadline_at_s=call.arrived_s + call.deadline_s,
        current=course.engine.snapshot,
        repeatable=call.repeatable,
        failover=call.failover,
        content_policy_failover=snapshot.server.content_policy_failover,
        refused=course.refused,
    )


def _used_tokens(call: Call, failure: Failure | None) -> int:
    """What a failed attempt counts against its provider's tpm: the prompt, where the upstream may have begun it."""
    if failure is None:
        return 0
    is_refused = failure.status is not None and 400 <= failure.status < 500
    return 0 if is_refused or not failure.request_sent else call.needs.input_tokens


def _grant(call: Call, send: Send, began_s: float) -> Grant:
    """What an attempt asks for."""
    candidate, tokens = send.planned.candidate, call.needs.input_tokens
    if call.max_tokens and (tpm := candidate.provider.limits.tpm):
        # What a client announces is not what it uses: more than a minute's worth would keep everyone else out.
        tokens += min(call.max_tokens, tpm)
    credential = send.credential.id if send.credential else ""
    return Grant(candidate, credential, began_s, tokens, send.last_resort)


def _final(course: _Course, reason: StopReason) -> GatewayError:
    history = course.history
    if reason is StopReason.DEADLINE and not history:
        return UpstreamsExhausted(
            "The deadline of this request leaves no time for an attempt. Give it more than a second.",
            status=504,
            type="upstream_error",
            code="upstream_timeout",
        )
    failures = [tried.failure for tried in history]
    view, now_s = course.engine.state.view, course.engine.clock.now()
    plan = course.plan if course.call.failover else asked_alone(course.plan, history)
    found = causes(plan, history, view, now_s, cut_short=reason in _CUT_SHORT)
    return final_error(failures, found, sent=len(history))
