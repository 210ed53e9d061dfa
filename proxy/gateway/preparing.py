"""A send made ready: the request built in its vendor's dialect, and signed where its credential signs.

Nothing has been sent yet, so whatever goes wrong here is no attempt's fault but the candidate's or the client's.
"""

from __future__ import annotations

from dataclasses import replace as replaced

from msgspec.structs import replace

from proxy.core.access import Access
from proxy.core.call import Call
from proxy.core.errors import MalformedRequest
from proxy.core.failure import Failure, FailureKind, Scope, UpstreamError
from proxy.core.plan import Send
from proxy.core.ports import Wait
from proxy.core.translation import Undecodable, Untranslatable
from proxy.gateway.accounting import Account
from proxy.gateway.context import Engine, capped
from proxy.providers.adapter import Prepared, build
from proxy.providers.signing import signed


def build_send(call: Call, send: Send) -> Prepared | Failure:
    """Build the request; a failure where this candidate's dialect cannot say what the client asks for.

    Raises:
        MalformedRequest: The body is not of the client's dialect.
    """
    try:
        return build(call, send.planned.candidate, send.credential, send.edit)
    except Untranslatable as exc:
        said = UpstreamError(exc.message, "invalid_request_error", exc.param, "unsupported")
        detail = f"{exc.param or 'the request'} has no equal in this dialect"
        return Failure(FailureKind.UNSUPPORTED, Scope.CANDIDATE, 400, request_sent=False, detail=detail, error=said)
    except Undecodable as exc:
        raise MalformedRequest(exc.message, param=exc.param) from exc


def wants_access(send: Send) -> bool:
    """Say whether the request must carry what its credential gives for the moment."""
    return send.credential is not None and send.credential.account is not None


async def with_access(engine: Engine, send: Send, prepared: Prepared, wait: Wait) -> Prepared | Failure:
    """Sign the request by a credential that `wants_access`."""
    assert send.credential is not None
    access = await engine.credentials.ready(send.planned.candidate.provider, send.credential, wait)
    if isinstance(access, Failure):
        return access
    return replace(prepared, request=signed(prepared.request, access, engine.clock.wall()), access=access)


async def renewed(account: Account, send: Send, access: Access, refused: Failure) -> Failure:
    """Make a credential anew that was refused, once a request; then the failure is marked for one resend.

    Args:
        access: What was refused.
    """
    credential, candidate = send.credential, send.planned.candidate
    if refused.kind is not FailureKind.AUTH or credential is None or credential.id in account.renewed:
        return refused
    account.renewed.append(credential.id)
    engine = account.engine
    wait = capped(account.call, engine.clock.now() + candidate.timeouts.connect_s, FailureKind.TIMEOUT_CONNECT)
    fresh = await engine.credentials.refresh(candidate.provider, credential, access, wait)
    return refused if isinstance(fresh, Failure) else replaced(refused, renewed=True)
