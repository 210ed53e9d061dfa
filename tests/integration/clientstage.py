"""A gateway on a stage, a connection to it, and requests as the bytes of a client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes.stage import Stage, Upstream, stage
from tests.fakes.wireclient import CHAT, WireClient, chat

KEY = "client-key-0123456789"
KEYS = f'[[auth.keys]]\nname = "tester"\nkey = "{KEY}"\n'
BEARER = {"authorization": f"Bearer {KEY}"}
EXPECTING = {"expect": "100-continue"}
BODY = json.dumps(chat("m")).encode()


@asynccontextmanager
async def on_stage(phrase: str = "sim-ok", sections: str = "") -> AsyncIterator[tuple[Stage, WireClient]]:
    """A gateway whose one provider does what the phrase says, and a connection to it."""
    async with stage(Upstream("first", phrase), sections=sections, model='aliases = ["team/gpt"]') as on:
        async with WireClient(on.gateway.url) as client:
            yield on, client


def request(method: str = "POST", path: str = CHAT, *lines: str, body: bytes = b"", version: str = "1.1") -> bytes:
    fields = ["host: localhost", "content-type: application/json", *lines]
    if body:
        fields.append(f"content-length: {len(body)}")
    return "\r\n".join([f"{method} {path} HTTP/{version}", *fields, "", ""]).encode() + body
