"""Every path of the client and operator edge, as one ASGI app.

Proxied endpoints are looked up in a dict and answered without passing the router; the rest is Starlette's. Unknown
paths and methods get OpenAI-shaped errors.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from proxy.api.endpoints import Edge, new_request_id, serve
from proxy.api.endpointspec import BY_PATH, DEPLOYMENTS, ENDPOINTS, PREFIXES
from proxy.api.health import health_report
from proxy.api.models import list_models, one_model
from proxy.core.address import is_loopback
from proxy.core.call import EndpointSpec
from proxy.core.errors import GatewayError, MethodNotAllowed, NotFound
from proxy.core.snapshot import ClientKey
from proxy.edge.client_auth import authenticate, is_admin
from proxy.edge.exchange import Receive, Scope, Send
from proxy.edge.open_mode import check_open_mode
from proxy.edge.render import error_body, error_headers

App = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """The ASGI app: proxied endpoints straight to their handler, the rest to the router."""

    edge: Edge
    router: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            endpoint = BY_PATH.get(scope["path"])
            if endpoint is not None:
                await serve(self.edge, endpoint, scope, receive, send)
                return
        await self.router(scope, receive, send)


@dataclass(frozen=True, slots=True, eq=False)
class _Proxied:
    """A proxied endpoint as a Starlette route's app, for paths that hold the model's name."""

    edge: Edge
    endpoint: EndpointSpec

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve(self.edge, self.endpoint, scope, receive, send)


def client_app(edge: Edge, operator_routes: Sequence[BaseRoute]) -> App:
    """Build the app that listens for clients.

    Args:
        operator_routes: Of `/admin`; they check the admin token themselves.
    """
    server = edge.engine.snapshot.server
    routes: list[BaseRoute] = [*_deployments(edge), *_models(edge), *operator_routes, *probe_routes(edge)]
    if server.metrics_port is None:
        routes += report_routes(edge, guarded=True)
    router = Starlette(routes=routes, exception_handlers=_ERRORS)
    front: App = Front(edge, router)
    if not server.cors_origins:
        return front
    return CORSMiddleware(
        front,
        allow_origins=list(server.cors_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=["x-fairlead-request-id", "x-fairlead-provider", "retry-after"],
    )


def metrics_app(edge: Edge) -> App:
    """Build the app of `metrics_port`: probes, health and metrics, open to whoever reaches the port."""
    routes = [*probe_routes(edge), *report_routes(edge, guarded=False)]
    return Starlette(routes=routes, exception_handlers=_ERRORS)


def probe_routes(edge: Edge) -> list[BaseRoute]:
    async def livez(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        if edge.admission.draining:
            return PlainTextResponse("draining\n", status_code=503)
        return PlainTextResponse("ok\n")

    return [Route("/livez", livez), Route("/readyz", readyz)]


def report_routes(edge: Edge, *, guarded: bool) -> list[BaseRoute]:
    """`/health` and `/metrics`; guarded, off loopback they want a client key or the admin token."""
    engine = edge.engine

    async def health(request: Request) -> Response:
        if guarded:
            _check_reader(edge, request)
        return JSONResponse(health_report(engine.snapshot, engine.state.view, engine.clock.now()))

    async def metrics(request: Request) -> Response:
        if guarded:
            _check_reader(edge, request)
        body, content_type = engine.metrics.render()
        return Response(body, headers={"content-type": content_type})

    return [Route("/health", health), Route("/metrics", metrics)]


def _deployments(edge: Edge) -> list[BaseRoute]:
    """Azure's client path names the model, which may hold slashes: its clients escape them, ASGI servers undo that."""
    return [
        Route(f"{DEPLOYMENTS}{{model:path}}{path}", _Proxied(edge, endpoint), methods=["POST"])
        for path, endpoint in ENDPOINTS.items()
    ]


def _models(edge: Edge) -> list[BaseRoute]:
    engine = edge.engine

    async def models(request: Request) -> Response:
        return _identified(JSONResponse(list_models(engine.snapshot, _caller(edge, request))))

    async def model(request: Request) -> Response:
        return _identified(JSONResponse(one_model(request.path_params["id"], engine.snapshot, _caller(edge, request))))

    return [
        route
        for prefix in PREFIXES
        for route in (Route(f"{prefix}/models", models), Route(f"{prefix}/models/{{id:path}}", model))
    ]


def _caller(edge: Edge, request: Request) -> ClientKey | None:
    snapshot = edge.engine.snapshot
    if snapshot.auth.mode == "none":
        check_open_mode(dict(request.scope["headers"]), snapshot.server)
    return authenticate(request.scope["headers"], snapshot.auth, edge.engine.clock.wall())


def _check_reader(edge: Edge, request: Request) -> None:
    snapshot, headers = edge.engine.snapshot, dict(request.scope["headers"])
    if snapshot.auth.mode == "none":  # a web page may read these no more than it may call
        check_open_mode(headers, snapshot.server)
    if is_loopback(snapshot.server.host) or is_admin(headers, snapshot.auth.admin_token):
        return
    authenticate(request.scope["headers"], snapshot.auth, edge.engine.clock.wall())


async def _gateway_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, GatewayError)
    return _rendered(exc)


async def _http_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    path = request.url.path
    if exc.status_code == 405:
        allow = (exc.headers or {}).get("Allow", "")
        return _rendered(MethodNotAllowed(f"{request.method} is not allowed for {path}; use {allow}.", allow=allow))
    return _rendered(NotFound(f"There is nothing at {path}. Chat is at /v1/chat/completions, models at /v1/models."))


def _rendered(error: GatewayError) -> Response:
    headers = {name.decode(): value.decode() for name, value in error_headers(error)}
    return _identified(Response(error_body(error), status_code=error.status, headers=headers))


def _identified(response: Response) -> Response:
    """Give an answer that no upstream made the id to ask about it by; SDKs look for it in `x-request-id`."""
    response.headers["x-fairlead-request-id"] = response.headers["x-request-id"] = new_request_id()
    return response


_ERRORS = {GatewayError: _gateway_error, HTTPException: _http_error}
