"""The routes that list models and say that a gateway is here, in each client's dialect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import time

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from proxy.api.endpoints import new_request_id
from proxy.api.endpointspec import PREFIXES, is_google
from proxy.api.models import anthropic_list, anthropic_row, google_list, google_row, ollama_row, one_model, openai_list
from proxy.core.errors import MalformedRequest
from proxy.core.snapshot import ClientKey, Model, Snapshot
from proxy.edge.open_mode import check_open_mode
from proxy.edge.smallbody import read_small_body
from proxy.routing.resolve import resolve, untagged
from proxy.translate.ollama.listing import TAG, encode_running, encode_show, encode_tags, encode_version


class _Asked(msgspec.Struct):
    model: str = ""
    name: str = ""


MAX_ASKED_BYTES = 64 * 1024
_ASKED = msgspec.json.Decoder(_Asked)

Caller = Callable[[Request], ClientKey | None]
Current = Callable[[], Snapshot]
Visible = Callable[[ClientKey | None], Awaitable[list[Model]]]


def listing_routes(current: Current, caller: Caller, visible: Visible) -> list[BaseRoute]:
    """Build the routes.

    Args:
        caller: Authenticates; raises `GatewayError`.
        visible: Gives all that a key may call.
    """

    async def here(request: Request) -> Response:
        """Clients such as Claude Code look here whether anything answers; they send no key."""
        snapshot = current()
        if snapshot.auth.mode == "none":
            check_open_mode(dict(request.scope["headers"]), snapshot.server)
        return PlainTextResponse("This is Fairlead. Chat is at /v1/chat/completions, models at /v1/models.\n")

    dialects = (_openai, _google, _ollama)
    return [*(route for dialect in dialects for route in dialect(current, caller, visible)), Route("/", here)]


def identified(response: Response) -> Response:
    """Give an answer that no upstream made the id to ask about it by; SDKs look for it in `x-request-id`."""
    response.headers["x-fairlead-request-id"] = response.headers["x-request-id"] = new_request_id(time())
    return response


def _openai(current: Current, caller: Caller, visible: Visible) -> list[BaseRoute]:
    async def models(request: Request) -> Response:
        found = await visible(caller(request))
        if "anthropic-version" in request.headers:
            return _told(anthropic_list(found))
        return _told(google_list(found) if is_google(request.headers) else openai_list(found))

    async def model(request: Request) -> Response:
        key, snapshot, name = caller(request), current(), request.path_params["id"]
        if "anthropic-version" in request.headers:
            return _told(anthropic_row(resolve(name, key, snapshot)))
        if is_google(request.headers):
            return _told(google_row(resolve(name, key, snapshot)))
        return _told(one_model(name, snapshot, key))

    return [
        route
        for prefix in PREFIXES
        for route in (Route(f"{prefix}/models", models), Route(f"{prefix}/models/{{id:path}}", model))
    ]


def _google(current: Current, caller: Caller, visible: Visible) -> list[BaseRoute]:
    async def models(request: Request) -> Response:
        return _told(google_list(await visible(caller(request))))

    async def model(request: Request) -> Response:
        key = caller(request)
        return _told(google_row(resolve(request.path_params["id"], key, current())))

    return [Route("/v1beta/models", models), Route("/v1beta/models/{id:path}", model)]


def _ollama(current: Current, caller: Caller, visible: Visible) -> list[BaseRoute]:
    async def tags(request: Request) -> Response:
        found = await visible(caller(request))
        return _encoded(encode_tags(ollama_row(model) for model in found))

    async def running(request: Request) -> Response:
        caller(request)
        return _encoded(encode_running())

    async def show(request: Request) -> Response:
        key, snapshot = caller(request), current()
        name = _named(await read_small_body(request, MAX_ASKED_BYTES, snapshot.server))
        model = resolve(untagged(name, TAG, snapshot), key, snapshot)
        return _encoded(encode_show(ollama_row(model)))

    async def version(request: Request) -> Response:
        caller(request)
        return _encoded(encode_version())

    return [
        Route("/api/tags", tags),
        Route("/api/version", version),
        Route("/api/ps", running),
        Route("/api/show", show, methods=["POST"]),
    ]


def _named(body: bytes) -> str:
    """The model that an Ollama client asks about; older ones call it `name`."""
    try:
        asked = _ASKED.decode(body)
    except (ValueError, RecursionError) as exc:
        raise MalformedRequest("The request body is not a JSON object with a model's name.") from exc
    return asked.model or asked.name


def _told(rows: dict[str, object]) -> Response:
    return _encoded(msgspec.json.encode(rows))


def _encoded(body: bytes) -> Response:
    return identified(Response(body, media_type="application/json"))
