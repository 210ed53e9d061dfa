"""The operator's routes: what the state is, how a model would be routed, and changes to the state.

Every route is made by `_guarded`, so none can be reached without the admin token; errors have OpenAI's shape. Decides
nothing about routing: it shows what `routing` says and hands changes to the state.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.admin.change import MAX_BODY_BYTES, Change, check_fields, check_names, parse_change, public_model
from proxy.admin.explanation import explain_model, key_named
from proxy.core.errors import GatewayError, MalformedRequest, NotAuthenticated, NotPermitted
from proxy.core.health import CandidateId, StateView
from proxy.core.localprocess import ProcessReport, no_processes
from proxy.core.ports import Clock
from proxy.core.snapshot import Model, Rotation, Snapshot
from proxy.edge.client_auth import is_admin
from proxy.edge.render import error_body, error_headers
from proxy.edge.smallbody import read_small_body
from proxy.state.keylimits import KeyLimitsState
from proxy.state.keyrows import key_rows

_LOG = logging.getLogger("fairlead.admin")

HOW_TO_OPEN = "Set [auth] admin_token (without a file: FAIRLEAD_ADMIN_TOKEN) to open /admin."


class OperatorState(Protocol):
    """What an operator may see of the shared state, and do to it; None = all."""

    @property
    def view(self) -> StateView: ...

    @property
    def keys(self) -> KeyLimitsState: ...

    def rows(self, snapshot: Snapshot, now_s: float) -> dict[str, object]: ...

    def clear(self, provider: str | None, model: Model | None, credential: str | None) -> int: ...

    def advance_pointer(self, model: Model, now_s: float, priority: int | None) -> Mapping[int, CandidateId]: ...

    def reset(self, model: str | None, priority: int | None) -> int: ...

    def disable(self, provider: str) -> None: ...

    def enable(self, provider: str) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class AdminParts:
    """What the routes work on."""

    snapshot: Callable[[], Snapshot]
    state: OperatorState
    clock: Clock
    processes: Callable[[], Mapping[str, ProcessReport]] = no_processes


Handler = Callable[[AdminParts, Request], Awaitable[object]]
Action = Callable[[AdminParts, Change], dict[str, object]]


def admin_routes(parts: AdminParts) -> list[Route]:
    """Return every route below `/admin`; each wants the admin token."""
    return [
        Route("/admin/state", _guarded(parts, _show_state), methods=["GET"]),
        Route("/admin/explain", _guarded(parts, _explain), methods=["GET"]),
        *(Route(f"/admin/state/{name}", _guarded(parts, _changing(name)), methods=["POST"]) for name in ACTIONS),
    ]


def _guarded(parts: AdminParts, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Let a request through that carries the admin token; answer errors in OpenAI's shape."""

    async def guarded(request: Request) -> Response:
        try:
            _check_token(parts, request)
            return JSONResponse(await handler(parts, request))
        except GatewayError as error:
            headers = {name.decode(): value.decode() for name, value in error_headers(error)}
            return Response(error_body(error), status_code=error.status, headers=headers)

    return guarded


def _check_token(parts: AdminParts, request: Request) -> None:
    token = parts.snapshot().auth.admin_token
    if not token:
        raise NotPermitted(f"This gateway has no admin token, so /admin is closed. {HOW_TO_OPEN}")
    if not is_admin(dict(request.scope["headers"]), token):
        raise NotAuthenticated("Send the admin token as 'Authorization: Bearer <token>'.")


async def _show_state(parts: AdminParts, request: Request) -> object:
    snapshot, clock = parts.snapshot(), parts.clock
    auth, used = snapshot.auth, parts.state.keys
    keys = [*(row.key for row in auth.stored.values() if not row.revoked), *auth.keys.values()]
    return {
        "config": {"version": snapshot.version, "source": snapshot.source},
        "providers": [
            {
                "provider": row.name,
                "kind": row.kind,
                "priority": row.priority,
                "enabled": row.enabled,
                "tags": row.tags,
            }
            for row in snapshot.providers.values()
        ],
        **parts.state.rows(snapshot, clock.now()),
        "processes": [_process_row(name, report) for name, report in parts.processes().items()],
        "keys": key_rows(used.uses, keys, clock.now(), clock.wall(), is_restored=used.is_restored),
    }


def _process_row(name: str, report: ProcessReport) -> dict[str, object]:
    stage = {"stage": report.stage.value, "why": report.why, "pid": report.pid, "port": report.port}
    return {"provider": name, **stage, "restarts": report.restarts}


async def _explain(parts: AdminParts, request: Request) -> object:
    name = request.query_params.get("model")
    if not name:
        raise MalformedRequest("Name a model: /admin/explain?model=NAME.", param="model")
    snapshot = parts.snapshot()
    key = key_named(request.query_params.get("key"), snapshot)
    return explain_model(name, key, snapshot, parts.state.view, parts.clock.now())


def _changing(name: str) -> Handler:
    """The handler of one action: read the change, check its names and fields, do it, say what was done."""

    async def changing(parts: AdminParts, request: Request) -> object:
        change = parse_change(await read_small_body(request, MAX_BODY_BYTES, parts.snapshot().server))
        check_names(change, parts.snapshot())
        check_fields(name, change)
        effect = ACTIONS[name](parts, change)
        about = change.model_dump(exclude_none=True)
        _LOG.warning("operator: %s", name, extra={"event": "operator_change", "fairlead.change": about})
        return {"done": name, "about": about, **effect}

    return changing


def _clear(parts: AdminParts, change: Change) -> dict[str, object]:
    return {"cleared": parts.state.clear(change.provider, _model(parts, change), change.credential)}


def _advance(parts: AdminParts, change: Change) -> dict[str, object]:
    model = _model(parts, change)
    if model is None:
        raise MalformedRequest('Name a model: {"model": NAME}.', param="model")
    if model.rotation is not Rotation.STICKY:
        raise MalformedRequest(f"The rotation {model.rotation} has no pointer; only a sticky one has.", param="model")
    moved = parts.state.advance_pointer(model, parts.clock.now(), change.priority)
    rows = [
        {"priority": priority, "provider": new.provider, "upstream_model": new.model} for priority, new in moved.items()
    ]
    return {"moved": rows}


def _reset(parts: AdminParts, change: Change) -> dict[str, object]:
    model = _model(parts, change)
    return {"reset": parts.state.reset(model.name if model else None, change.priority)}


def _disable(parts: AdminParts, change: Change) -> dict[str, object]:
    parts.state.disable(_provider(change))
    return {}


def _enable(parts: AdminParts, change: Change) -> dict[str, object]:
    parts.state.enable(_provider(change))
    return {}


def _provider(change: Change) -> str:
    if change.provider is None:
        raise MalformedRequest('Name a provider: {"provider": NAME}.', param="provider")
    return change.provider


def _model(parts: AdminParts, change: Change) -> Model | None:
    return None if change.model is None else public_model(change.model, parts.snapshot())


ACTIONS: dict[str, Action] = {
    "clear": _clear,
    "advance": _advance,
    "reset": _reset,
    "disable": _disable,
    "enable": _enable,
}
