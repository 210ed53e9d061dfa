"""The routes that list models and say that a gateway is here, in each client's dialect. They never ask an upstream."""

from __future__ import annotations

from collections.abc import Callable
from time import time

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from proxy.api.endpoints import new_request_id
from proxy.api.endpointspec import PREFIXES, is_google
from proxy.api.models import anthropic_list, anthropic_row, google_list, google_row, list_models, one_model
from proxy.core.errors import BodyTooLarge, MalformedRequest
from proxy.core.snapshot import ClientKey, Snapshot
from proxy.edge.open_mode import check_open_mode
from proxy.routing.resolve import resolve, untagged, visible_models
from proxy.translate.ollama.listing import TAG, Listed, encode_running, encode_show, encode_tags, encode_version


class _Asked(msgspec.Struct):
    model: str = ""
    name: str = ""


MAX_ASKED_BYTES = 64 * 1024
_ASKED = msgspec.json.Decoder(_Asked)

Caller = Callable[[Request], ClientKey | None]
Current = Callable[[], Snapshot]


def listing_routes(current: Current, caller: Caller) -> list[BaseRoute]:
    """Build the routes.

    Args:
        caller: Authenticates; raises `GatewayError`.
    """

    async def here(request: Request) -> Response:
        """Clients such as Claude Code look here whether anything answers; they send no key."""
        snapshot = current()
        if snapshot.auth.mode == "none":
            check_open_mode(dict(request.scope["headers"]), snapshot.server)
        return PlainTextResponse("This is Fairlead. Chat is at /v1/chat/completions, models at /v1/models.\n")

    return [*_openai(current, caller), *_google(current, caller), *_ollama(current, caller), Route("/", here)]


def identified(response: Response) -> Response:
    """Give an answer that no upstream made the id to ask about it by; SDKs look for it in `x-request-id`."""
    response.headers["x-fairlead-request-id"] = response.headers["x-request-id"] = new_request_id(time())
    return response


def _listed(rows: dict[str, object]) -> Response:
    return identified(JSONResponse(rows))


def _openai(current: Current, caller: Caller) -> list[BaseRoute]:
    async def models(request: Request) -> Response:
        key, snapshot = caller(request), current()
        if "anthropic-version" in request.headers:
            return _listed(anthropic_list(visible_models(snapshot, key)))
        if is_google(request.headers):
            return _listed(google_list(visible_models(snapshot, key)))
        return _listed(list_models(snapshot, key))

    async def model(request: Request) -> Response:
        key, snapshot, name = caller(request), current(), request.path_params["id"]
        if "anthropic-version" in request.headers:
            return _listed(anthropic_row(resolve(name, key, snapshot)))
        if is_google(request.headers):
            return _listed(google_row(resolve(name, key, snapshot)))
        return _listed(one_model(name, snapshot, key))

    return [
        route
        for prefix in PREFIXES
        for route in (Route(f"{prefix}/models", models), Route(f"{prefix}/models/{{id:path}}", model))
    ]


def _google(current: Current, caller: Caller) -> list[BaseRoute]:
    async def models(request: Request) -> Response:
        key = caller(request)
        return _listed(google_list(visible_models(current(), key)))

    async def model(request: Request) -> Response:
        key = caller(request)
        return _listed(google_row(resolve(request.path_params["id"], key, current())))

    return [Route("/v1beta/models", models), Route("/v1beta/models/{id:path}", model)]


def _ollama(current: Current, caller: Caller) -> list[BaseRoute]:
    async def tags(request: Request) -> Response:
        key = caller(request)
        rows = [Listed(model.name, capabilities=model.capabilities) for model in visible_models(current(), key)]
        return _encoded(encode_tags(rows))

    async def running(request: Request) -> Response:
        caller(request)
        return _encoded(encode_running())

    async def show(request: Request) -> Response:
        key, snapshot = caller(request), current()
        model = resolve(untagged(_named(await _body(request)), TAG, snapshot), key, snapshot)
        return _encoded(encode_show(Listed(model.name, capabilities=model.capabilities)))

    async def version(request: Request) -> Response:
        caller(request)
        return _encoded(encode_version())

    return [
        Route("/api/tags", tags),
        Route("/api/version", version),
        Route("/api/ps", running),
        Route("/api/show", show, methods=["POST"]),
    ]


async def _body(request: Request) -> bytes:
    """Read a body that holds a name and little else."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_ASKED_BYTES:
            raise BodyTooLarge(f"The request body may hold {MAX_ASKED_BYTES} bytes here.")
    return bytes(body)


def _named(body: bytes) -> str:
    """The model that an Ollama client asks about; older ones call it `name`."""
    try:
        asked = _ASKED.decode(body)
    except (ValueError, RecursionError) as exc:
        raise MalformedRequest("The request body is not a JSON object with a model's name.") from exc
    return asked.model or asked.name


def _encoded(body: bytes) -> Response:
    return identified(Response(body, media_type="application/json"))
