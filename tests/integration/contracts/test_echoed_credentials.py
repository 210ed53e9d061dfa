"""An upstream repeats the provider's credential in another form than it got it: neither client nor log sees it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from urllib.parse import quote, unquote

import pytest

from tests.fakes.rawserver import response
from tests.fakes.rawstreams import HEAD, streaming
from tests.integration.contracts.scene import JSON, Witness, ask, model, refused, said, scene, streamed

KEY = "Planted/Credential+Of=Provider~A.0001"  # of no vendor's shape
TOML = f'[providers.a]\nkind = "openai_compatible"\nbase_url = "@a/v1"\napi_key = "{KEY}"\n' + model("a")
ECHOES: dict[str, Callable[[], str]] = {
    "percent": lambda: quote(KEY, safe=""),
    "percent-low": lambda: re.sub("%..", lambda found: found[0].lower(), quote(KEY, safe="")),
    "base64": lambda: base64.b64encode(f":{KEY}".encode()).decode(),
    "base64-of-urls": lambda: base64.urlsafe_b64encode(f"user:{KEY}".encode()).decode(),
    "lower": KEY.lower,
    "upper": KEY.upper,
    "html": lambda: KEY.replace("/", "&#x2f;").replace("+", "&#43;"),
    "broken": lambda: "\n".join((KEY[:10], KEY[10:20], KEY[20:])),
    "cut": lambda: KEY[:20],
}


def shows(text: str, echo: str) -> bool:
    """Say whether what came back holds the echo, or may be read as the credential."""
    read = unquote(text).replace("\\n", "").lower()
    return echo in text or KEY[:16].lower() in read


@pytest.mark.parametrize("form", ECHOES)
@pytest.mark.parametrize("member", ["message", "param"])
async def test_credential_that_comes_back_in_another_form_is_told_to_nobody(form: str, member: str) -> None:
    echo = ECHOES[form]()
    said = {"message": "no", member: f"You sent {echo} to us"}
    async with scene(TOML, a=Witness(refused(400, **said))) as gateway:
        heard = await ask(gateway)
    assert heard.status == 400
    assert "You sent" in heard.body.decode()
    assert not shows(heard.body.decode(), echo)
    assert not shows(gateway.log.getvalue(), echo)


@pytest.mark.parametrize("form", [*ECHOES, "json"])
async def test_error_that_passes_in_its_own_bytes_passes_without_a_credential_alone(form: str) -> None:
    echo = KEY.replace("/", "\\/") if form == "json" else json.dumps(ECHOES[form]())[1:-1]
    told = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": "no", "details": "@"}})
    answer = response(told.replace("@", echo).encode(), JSON, status=b"400 Bad Request")
    plain = response(told.encode(), JSON, status=b"400 Bad Request")
    async with scene(TOML.replace("openai_compatible", "anthropic"), a=Witness(answer, plain)) as gateway:
        heard, usual = [await ask(gateway, path="/v1/messages", max_tokens=9) for _ in range(2)]
    assert (heard.status, usual.body) == (400, told.encode())
    assert not shows(heard.body.decode(), echo)


@pytest.mark.parametrize("form", ECHOES)
async def test_error_within_a_stream_tells_no_credential(form: str) -> None:
    echo = ECHOES[form]()
    event = {"error": {"message": f"You sent {echo}", "type": "invalid_request_error", "code": 400}}
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    stream = streaming(chunk, f"data: {json.dumps(event)}\n\n".encode(), gap_s=0.05)
    async with scene(TOML, a=stream) as gateway:
        heard = await ask(gateway, stream=True)
    assert "Hi" in heard.body.decode()
    assert not shows(heard.body.decode(), echo)
    assert not shows(gateway.log.getvalue(), echo)


DELTA = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}
BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "up", "content": [], "usage": {}}
CREATED = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}}
SPOKEN = {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": "Hi"}
SAID = {"code": "server_error", "message": f"You sent {KEY}"}
NATIVE = [
    pytest.param(
        "anthropic",
        "/v1/messages",
        [{"type": "message_start", "message": MESSAGE}, BLOCK, DELTA],
        {"type": "error", "error": {"type": "api_error", **SAID}},
        id="anthropic",
    ),
    pytest.param("openai", "/v1/responses", [CREATED, SPOKEN], {"type": "error", **SAID}, id="responses"),
    pytest.param(
        "openai",
        "/v1/responses",
        [CREATED, SPOKEN],
        {"type": "response.failed", "response": {"id": "resp_1", "status": "failed", "error": SAID, "output": []}},
        id="responses-failed",
    ),
]


@pytest.mark.parametrize(("kind", "path", "begun", "error"), NATIVE)
async def test_error_event_of_the_clients_own_dialect_does_not_pass_with_a_credential(
    kind: str, path: str, begun: list[dict[str, object]], error: dict[str, object]
) -> None:
    events = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in (*begun, error)]
    upstream = streaming(b"".join(events[:-1]), events[-1], gap_s=0.05)
    async with scene(TOML.replace("openai_compatible", kind), a=upstream) as gateway:
        heard = await ask(gateway, path=path, stream=True, max_tokens=9, input="hi")
    assert '"Hi"' in heard.body.decode()
    assert "rror" in heard.body.decode()
    assert not shows(heard.body.decode(), KEY)
    assert not shows(gateway.log.getvalue(), KEY)


@pytest.mark.parametrize("stream", [False, True])
async def test_header_of_an_answer_that_repeats_the_credential_passes_without_it(stream: bool) -> None:
    echo = f"X-Request-Id: for-{KEY}-1".encode()
    event = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    answer = streamed(event, head=HEAD.removesuffix(b"\r\n") + echo + b"\r\n\r\n") if stream else said("Hi", echo)
    async with scene(TOML, a=Witness(answer)) as gateway:
        heard = await ask(gateway, stream=stream)
    assert "Hi" in heard.body.decode()
    assert heard.headers["x-request-id"] == "for-[redacted]-1"
    assert not shows(gateway.log.getvalue(), KEY)
