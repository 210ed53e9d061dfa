"""Every path of the client and operator edge.

Proxied endpoints are looked up in a dict and answered without ASGI; the rest is Starlette's. Unknown paths and methods
get OpenAI-shaped errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from anyio import to_thread
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from proxy.api.endpoints import Edge, serve
from proxy.api.endpointspec import find_endpoint, spoken_at
from proxy.api.health import health_report
from proxy.api.listings import identified, listing_routes
from proxy.core.address import is_loopback
from proxy.core.errors import GatewayError, MethodNotAllowed, NotFound
from proxy.core.snapshot import ClientKey, Model
from proxy.edge.client_auth import authenticate, is_admin
from proxy.edge.cors import Cors
from proxy.edge.exchange import Exchange
from proxy.edge.front import Front
from proxy.edge.open_mode import check_open_mode
from proxy.edge.render import error_body, error_headers
from proxy.routing.resolve import direct_providers, may_call_direct, visible_models
from proxy.wire.headers import field_lines


def client_front(edge: Edge, operator_routes: Sequence[BaseRoute]) -> Front:
    """Build what listens for clients.

    Args:
        operator_routes: Of `/admin`; they check the admin token themselves.
    """
    server = edge.engine.snapshot.server
    listings = listing_routes(lambda: edge.engine.snapshot, partial(_caller, edge), partial(_visible, edge))
    routes: list[BaseRoute] = [*listings, *operator_routes, *probe_routes(edge)]
    if server.metrics_port is None:
        routes += report_routes(edge, guarded=True)
    router = Starlette(routes=routes, exception_handlers=_ERRORS)
    if not server.cors_origins:
        return Front(router, find_endpoint, partial(serve, edge))
    cors = Cors(router, server.cors_origins)
    return Front(cors.app, find_endpoint, partial(_serve_pages, cors, edge))


def metrics_front(edge: Edge) -> Front:
    """Build what listens on `metrics_port`: probes, health and metrics, open to whoever reaches the port."""
    routes = [*probe_routes(edge), *report_routes(edge, guarded=False)]
    return Front(Starlette(routes=routes, exception_handlers=_ERRORS), lambda target: None, partial(serve, edge))


async def _serve_pages(cors: Cors, edge: Edge, exchange: Exchange) -> None:
    """Answer web pages of other origins too."""
    preflight = cors.preflight(exchange)
    if preflight is not None:
        headers = [field for field in preflight.raw_headers if field[0] != b"content-length"]
        await exchange.answer(preflight.status_code, field_lines(headers), bytes(preflight.body))
        return
    exchange.cors_fields = cors.fields(exchange.headers)
    await serve(edge, exchange)


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
        now_s, view = engine.clock.now(), engine.state.view
        return JSONResponse(health_report(engine.snapshot, view, now_s, edge.processes(), edge.upkeep()))

    async def metrics(request: Request) -> Response:
        if guarded:
            _check_reader(edge, request)
        body = await to_thread.run_sync(engine.metrics.scrape())
        return Response(body, headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})

    return [Route("/health", health), Route("/metrics", metrics)]


def _caller(edge: Edge, request: Request) -> ClientKey | None:
    snapshot, headers = edge.engine.snapshot, dict(request.scope["headers"])
    if snapshot.auth.mode == "none":
        check_open_mode(headers, snapshot.server)
        return None
    return authenticate(headers, request.scope["headers"], snapshot.auth, edge.engine.clock.wall())


async def _visible(edge: Edge, key: ClientKey | None) -> list[Model]:
    """Every model that a key may call: those of the configuration, then the providers' own by their direct names.

    What an operator has switched off is left out, and nobody is asked of whose models the key could call none.
    """
    snapshot, disabled = edge.engine.snapshot, edge.engine.state.view.disabled
    providers = [provider for provider in direct_providers(snapshot, key) if provider.name not in disabled]
    direct = await edge.lists.models(snapshot, providers) if providers else ()
    return [*visible_models(snapshot, key), *(model for model in direct if may_call_direct(key, model.name))]


def _check_reader(edge: Edge, request: Request) -> None:
    snapshot, headers = edge.engine.snapshot, dict(request.scope["headers"])
    if snapshot.auth.mode == "none":  # a web page may read these no more than it may call
        check_open_mode(headers, snapshot.server)
    elif not is_loopback(snapshot.server.host) and not is_admin(headers, snapshot.auth.admin_token):
        authenticate(headers, request.scope["headers"], snapshot.auth, edge.engine.clock.wall())


async def _gateway_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, GatewayError)
    return _rendered(request, exc)


async def _http_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    path = request.url.path
    if exc.status_code == 405:
        allow = (exc.headers or {}).get("Allow", "")
        return _rendered(
            request, MethodNotAllowed(f"{request.method} is not allowed for {path}; use {allow}.", allow=allow)
        )
    return _rendered(
        request, NotFound(f"There is nothing at {path}. Chat is at /v1/chat/completions, models at /v1/models.")
    )


def _rendered(request: Request, error: GatewayError) -> Response:
    endpoint = spoken_at(request.method, request.url.path, request.headers)
    headers = {name.decode(): value.decode() for name, value in error_headers(error)}
    return identified(Response(error_body(error, endpoint), status_code=error.status, headers=headers))


_ERRORS = {GatewayError: _gateway_error, HTTPException: _http_error}
