"""DESIGN.md sections 3 and 5: whole answers, byte for byte, and the headers that come with any answer."""

from __future__ import annotations

import json

import pytest

from tests.fakes.rawserver import answer_once, response, split
from tests.fakes.rawstreams import DONE, FINISH
from tests.fakes.rawstreams import said as spoken
from tests.integration.contracts.scene import (
    JSON,
    ONE,
    TWO,
    Witness,
    ask,
    model,
    post,
    providers,
    refused,
    said,
    scene,
    streamed,
)

REWRITTEN = "[server]\nrewrite_model = true\n"

UNHARMED = [
    pytest.param(b'{"id":"x","choices":[{"message":{"content":"Hi"}}]}', id="plain"),
    pytest.param(b' {\r\n\t"choices" : [ ] , "x":1.50, "y":1e400, "z":-0}\n', id="white-space-and-numbers"),
    pytest.param(b'{"choices":[{"message":{"content":"half \\ud83d"}}]}', id="first-half-of-an-emoji"),
    pytest.param(b'{"choices":[{"message":{"content":"\\udE00 \\\\ud83d"}}]}', id="second-half-of-an-emoji"),
    pytest.param(b'{"\\ud83d":1,"choices":[]}', id="half-an-emoji-in-a-name"),
    pytest.param(b'{"choices":[],"x":{"error":"\\ud83d"},"y":"\\"error\\""}', id="half-an-emoji-beside-the-word-error"),
    pytest.param(b'{"choices":[{"message":{"content":"\xff\xfe"}}]}', id="no-utf-8"),
    pytest.param('{"choices":[{"message":{"content":"größer 🜚\u2028"}}]}'.encode(), id="utf-8"),
    pytest.param(b'{"choices":7,"usage":[]}', id="odd-types"),
    pytest.param(b"{}", id="nothing"),
    pytest.param(b'{"choices":[],"a":' + b"[" * 400 + b"]" * 400 + b"}", id="nested"),
]


@pytest.mark.parametrize("rewritten", [pytest.param("", id="as-it-is"), pytest.param(REWRITTEN, id="rewritten")])
@pytest.mark.parametrize("body", UNHARMED)
async def test_answer_passes_as_it_came(body: bytes, rewritten: str) -> None:
    answer = response(body, JSON)
    async with scene(rewritten + ONE, a=Witness(answer)) as gateway:
        heard = await ask(gateway)
    assert (heard.status, heard.body) == (200, body)
    assert heard.headers["content-length"] == str(len(body))


@pytest.mark.parametrize("path", ["chat/completions", "completions", "embeddings", "moderations"])
async def test_every_endpoint_passes_its_answer(path: str) -> None:
    body = b'{"object":"list","data":[{"embedding":[0.1, -0.20]}],"results":[],"usage":{"prompt_tokens":4}}'
    witness = Witness(response(body, JSON))
    async with scene(ONE, a=witness) as gateway:
        heard = await post(gateway, b'{"model":"m","input":"x"}', path=f"/v1/{path}")
        assert gateway.metric("tokens_total", provider="a", model="m", type="prompt") == 4
    assert heard.body == body
    assert witness.targets == [f"/v1/{path}"]


NO_ANSWER = [
    pytest.param(b"", id="empty"),
    pytest.param(b'{"choices":[', id="cut"),
    pytest.param(b'{"choices":[]} {"choices":[]}', id="two"),
    pytest.param(b'[{"choices":[]}]', id="list"),
    pytest.param(b'"text"', id="text"),
    pytest.param(b"null", id="null"),
    pytest.param(b'{"choices":[],"x":NaN}', id="nan"),
    pytest.param(b"{'choices':[]}", id="single-quotes"),
    pytest.param(b'{"choices":[],"x":"\\ud83d}', id="half-an-emoji-and-no-end"),
    pytest.param(b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="nested-too-deeply"),
    pytest.param(b"<html></html>", id="html"),
    pytest.param(b'data: {"choices":[]}\n\ndata: [DONE]\n\n', id="stream"),
]


@pytest.mark.parametrize("body", NO_ANSWER)
async def test_answer_that_does_not_parse_is_protocol_and_fails_over(body: bytes) -> None:
    async with scene(TWO, a=Witness(response(body, JSON)), b=Witness(said("from b"))) as gateway:
        heard = await ask(gateway)
    assert (heard.status, heard.text, heard.trail) == (200, "from b", "a=protocol;b=ok")


ENVELOPES = [
    pytest.param({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, "rate_limited", id="openai"),
    pytest.param({"error": {"message": "half \ud83d", "code": "rate_limit_exceeded"}}, "rate_limited", id="half-emoji"),
    pytest.param({"object": "error", "message": "boom", "code": 500}, "server_error", id="vllm"),
    pytest.param({"code": "Throttling", "message": "slow down"}, "rate_limited", id="dashscope"),
    pytest.param({"error": "boom"}, "server_error", id="text"),
]


@pytest.mark.parametrize(("body", "outcome"), ENVELOPES)
async def test_error_in_disguise_fails_over_with_its_own_cause(body: object, outcome: str) -> None:
    disguised = response(json.dumps(body).encode(), JSON)
    async with scene(TWO, a=Witness(disguised), b=Witness(said())) as gateway:
        heard = await ask(gateway)
    assert (heard.status, heard.trail) == (200, f"a={outcome};b=ok")


@pytest.mark.parametrize("code", ["string_above_max_length", "content_filter"])
async def test_refusal_with_half_an_emoji_is_understood_and_told(code: str) -> None:
    body = b'{"error":{"message":"no \\ud83d","type":null,"param":null,"code":"' + code.encode() + b'"}}'
    async with scene(ONE, a=Witness(response(body, JSON, status=b"400 Bad"))) as gateway:
        heard = await ask(gateway)
    assert (heard.status, heard.error["code"], heard.error["message"]) == (400, code, "no \ufffd")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'{"id": "x", "model": "up", "x": [1, 2]}', b'{"id":"x","model":"m","x":[1, 2]}', id="model"),
        pytest.param(b'{"model":null,"x":"\\ud83d"}', b'{"model":"m","x":"\\ud83d"}', id="half-an-emoji"),
        pytest.param(b'{"x":{"model":"up"}}', b'{"x":{"model":"up"}}', id="no-model-at-the-top"),
        pytest.param(b'{"model":"up","\\ud83d":1}', b'{"model":"up","\\ud83d":1}', id="cannot-be-taken-apart"),
    ],
)
async def test_public_name_replaces_the_upstreams_where_asked(body: bytes, expected: bytes) -> None:
    async with scene(REWRITTEN + ONE, a=Witness(response(body, JSON))) as gateway:
        heard = await ask(gateway)
    assert (heard.status, heard.body) == (200, expected)


@pytest.mark.parametrize("stream", [pytest.param(True, id="stream"), pytest.param(False, id="whole")])
async def test_public_name_of_a_fallback_is_its_own(stream: bool) -> None:
    toml = REWRITTEN + providers("a", "b") + model("a", more='fallbacks = ["spare"]') + model("b", called="spare")
    good = streamed(*spoken("Hi"), FINISH, DONE) if stream else said("Hi")
    async with scene(toml, a=Witness(refused(500)), b=Witness(good)) as gateway:
        heard = await ask(gateway, stream=stream)
    rows = heard.chunks if stream else [json.loads(heard.body)]
    assert {row["model"] for row in rows} == {"spare"}


def _answer_of(size: int) -> bytes:
    frame = b'{"choices":[{"message":{"content":"%b"},"finish_reason":"stop"}]}'
    return frame % (b"x" * (size - len(frame) + 2))


@pytest.mark.parametrize(
    ("size", "trail"),
    [pytest.param(64 * 1024**2, "a=ok", id="just-fits"), pytest.param(64 * 1024**2 + 1, "a=protocol;b=ok", id="over")],
)
async def test_whole_answer_of_64_mib_passes_and_a_larger_one_fails_over(size: int, trail: str) -> None:
    body = _answer_of(size)
    assert len(body) == size
    async with scene(TWO, a=Witness(response(body, JSON)), b=Witness(said())) as gateway:
        heard = await ask(gateway)
    assert (heard.status, heard.trail) == (200, trail)
    if trail == "a=ok":
        assert heard.body == body


UPSTREAMS = {
    "x-request-id": "req_upstream",
    "openai-processing-ms": "12",
    "x-ratelimit-remaining-requests": "41",
    "x-ratelimit-reset-tokens": "6m0s",
    "anthropic-ratelimit-tokens-remaining": "5",
    "retry-after": "7",
    "retry-after-ms": "7000",
}
KEPT_BACK = {
    "set-cookie": "planted=1",
    "server": "planted",
    "openai-organization": "planted",
    "openai-version": "planted",
    "x-fairlead-provider": "planted",
    "x-fairlead-request-id": "planted",
    "strict-transport-security": "max-age=1",
    "access-control-allow-origin": "*",
    "location": "http://planted.test/",
    "www-authenticate": "Basic planted",
    "content-disposition": "attachment",
    "alt-svc": 'h3=":443"',
    "cf-ray": "planted",
    "via": "planted",
    "etag": "planted",
    "cache-control": "public, max-age=99",
}
FULL = {"x-fairlead-provider", "x-fairlead-model", "x-fairlead-attempts", "x-fairlead-trail", "x-fairlead-overhead-ms"}
ALWAYS = {"date", "content-type", "x-fairlead-request-id"}


@pytest.mark.parametrize("expose", ["full", "minimal"])
@pytest.mark.parametrize("stream", [pytest.param(True, id="stream"), pytest.param(False, id="whole")])
async def test_client_gets_exactly_the_allow_list(stream: bool, expose: str) -> None:
    fields = [f"{name}: {value}".encode() for name, value in {**UPSTREAMS, **KEPT_BACK}.items()]
    if stream:
        plain = b"".join([*spoken("Hi"), FINISH, DONE])
        answer = response(plain, b"Content-Type: text/event-stream", *fields)
    else:
        answer = said("Hi", *fields)
    async with scene(f'[server]\nexpose = "{expose}"\n{ONE}', a=Witness(answer)) as gateway:
        heard = await ask(gateway, stream=stream)
        assert gateway.metric("upstream_ratelimit_remaining", provider="a", kind="requests") == 41
        assert gateway.metric("upstream_ratelimit_remaining", provider="a", kind="tokens") == 5
    own = FULL if expose == "full" else set()
    framing = {"cache-control", "x-accel-buffering", "transfer-encoding"} if stream else {"content-length"}
    assert set(heard.headers) == {*ALWAYS, *own, *framing, *UPSTREAMS}
    assert UPSTREAMS.items() <= dict(heard.headers).items()
    assert len(heard.headers.get_list("x-fairlead-request-id")) == 1
    assert heard.headers["x-fairlead-request-id"].startswith("req_")
    assert "planted" not in str(heard.headers)
    if expose == "full":
        assert heard.headers["x-fairlead-model"] == "up"
        assert float(heard.headers["x-fairlead-overhead-ms"]) >= 0


@pytest.mark.parametrize("expose", ["full", "minimal"])
async def test_headers_of_an_error_say_as_little_as_the_configuration_wants(expose: str) -> None:
    async with scene(
        f'[server]\nexpose = "{expose}"\n{TWO}', a=Witness(refused(500)), b=Witness(refused(500))
    ) as gateway:
        heard = await ask(gateway)
    own = {"x-fairlead-attempts", "x-fairlead-trail", "x-fairlead-overhead-ms"} if expose == "full" else set()
    assert set(heard.headers) == {*ALWAYS, *own, "x-request-id", "content-length", "x-should-retry"}
    assert heard.headers["x-request-id"] == heard.headers["x-fairlead-request-id"]
    assert ("a=" in str(heard.headers)) == (expose == "full")
    assert not any(word in heard.error["message"] for word in ("127.0.0.1", "sk-of", "a=", "500"))


@pytest.mark.parametrize("value", [b"a\x01b", b"a\x7fb", b"\xff\xfe"])
async def test_odd_header_values_of_an_upstream_do_no_harm(value: bytes) -> None:
    async with scene(TWO, a=Witness(said("Hi", b"x-request-id: " + value)), b=Witness(said("Hi"))) as gateway:
        heard = await ask(gateway)
    assert (heard.status, heard.text) == (200, "Hi")


async def test_answer_in_single_bytes_is_the_same_answer() -> None:
    answer = said("größer 🜚")
    async with scene(ONE, a=answer_once(*split(answer), gap_s=0.001)) as gateway:
        heard = await ask(gateway)
    assert (heard.status, heard.text) == (200, "größer 🜚")
