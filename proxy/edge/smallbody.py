"""The body of a request that goes through ASGI: a name, or what an operator asks for. Bounded in size and time."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from proxy.core.errors import BodyReadTimeout, BodyTooLarge, MalformedRequest
from proxy.core.snapshot import Server


async def read_small_body(request: Request, most_bytes: int, server: Server) -> bytes:
    """Read the whole body.

    Raises:
        BodyTooLarge: It has more bytes.
        BodyReadTimeout: It did not come within `body_read_s`.
        MalformedRequest: The client left before its end.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(server.body_read_s):
            async for piece in request.stream():
                body += piece
                if len(body) > most_bytes:
                    raise BodyTooLarge(f"The request body may hold {most_bytes} bytes here.")
    except TimeoutError as exc:
        raise BodyReadTimeout("The request body did not arrive in time.") from exc
    except ClientDisconnect as exc:
        raise MalformedRequest("The body did not arrive.") from exc
    return bytes(body)
