"""DESIGN.md section 5: what a client hears of a stream, byte for byte, whatever shape the upstream gives it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence

import pytest

from proxy.gateway.events import MAX_HELD_BYTES, MAX_HELD_EVENTS
from tests.fakes.rawserver import response, split
from tests.fakes.rawstreams import DONE, FINISH, HEAD, ROLE, cut, event, said, streaming
from tests.integration.contracts.scene import (
    JSON,
    ONE,
    TWO,
    Witness,
    ask,
    model,
    providers,
    refused,
    scene,
    streamed,
)
from tests.integration.contracts.scene import said as whole

HI, YOU = said("Hi", " you")
USAGE_COUNTS = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
USAGE = b'data: {"id":"chatcmpl-raw","choices":[],"usage":' + json.dumps(USAGE_COUNTS).encode() + b"}\n\n"
STREAM = b"Content-Type: text/event-stream"


def choice(index: int, content: str | None = None, finish: str | None = None) -> bytes:
    delta = {} if content is None else {"content": content}
    chunk = {"id": "x", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


async def hear(answer: bytes, toml: str = ONE) -> bytes:
    """What the client hears of a stream, which must be answered with 200."""
    async with scene(toml, a=Witness(answer)) as gateway:
        heard = await ask(gateway, stream=True)
    assert heard.status == 200, heard.body
    assert heard.headers["content-type"] == "text/event-stream; charset=utf-8"
    return heard.body


SHAPES = [
    pytest.param([ROLE, HI, YOU, FINISH, DONE], id="as-documented"),
    pytest.param([ROLE + HI, YOU + FINISH + DONE], id="joined"),
    pytest.param([HI[:7], HI[7:] + YOU[:1], YOU[1:], FINISH, DONE], id="cut-anywhere"),
    pytest.param([HI.replace(b"data: ", b"data:"), FINISH, DONE], id="no-space"),
    pytest.param([HI.replace(b"\n", b"\r\n"), FINISH.replace(b"\n", b"\r\n"), DONE], id="crlf"),
    pytest.param([b"event: delta\nid: 7\nretry: 10\n" + HI, FINISH, DONE], id="other-fields"),
    pytest.param([event({"reasoning_content": "hm"}), HI, FINISH, DONE], id="reasoning"),
    pytest.param([event({"tool_calls": [{"index": 0, "id": "t"}]}), FINISH, DONE], id="tool-call"),
    pytest.param([event({"refusal": "no"}), FINISH, DONE], id="refusal"),
    pytest.param([FINISH, DONE], id="finish-alone"),
    pytest.param([b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n', FINISH, DONE], id="half-emoji"),
    pytest.param(
        ['data: {"choices":[{"index":0,"delta":{"content":"größer 🜚"}}]}\n\n'.encode(), FINISH, DONE], id="utf-8"
    ),
    pytest.param([HI, b'data: {"x_new":{"a":1.50}}\n\n', FINISH, DONE], id="unknown-chunk"),
]


@pytest.mark.parametrize("pieces", SHAPES)
async def test_bytes_pass_as_they_came(pieces: list[bytes]) -> None:
    came = b"".join(pieces)
    assert await hear(streamed(*pieces)) == came
    assert await hear(streamed(*split(came))) == came


DISCARDED = [
    pytest.param([b": ping\n\n", ROLE, b": ping\n\n", HI, FINISH, DONE], [ROLE, HI, FINISH, DONE], id="comments"),
    pytest.param([b"event: ping\n\n", b"\n\n\n\n", HI, FINISH, DONE], [HI, FINISH, DONE], id="empty-events"),
    pytest.param([b"\xef\xbb\xbf" + HI, FINISH, DONE], [HI, FINISH, DONE], id="byte-order-mark"),
    pytest.param([b"\xef\xbb\xbf: ping\n\n", HI, FINISH, DONE], [HI, FINISH, DONE], id="byte-order-mark-and-comment"),
    pytest.param([b"\xef", b"\xbb\xbfdata", HI[4:], FINISH, DONE], [HI, FINISH, DONE], id="byte-order-mark-in-pieces"),
    pytest.param([HI, FINISH, DONE, HI, b"data: {}\n\n"], [HI, FINISH, DONE], id="after-the-terminator"),
    pytest.param([HI, FINISH, DONE[:-2]], [HI, FINISH, DONE], id="terminator-without-its-blank-line"),
    pytest.param([HI, FINISH[:-2]], [HI, FINISH, DONE], id="finish-without-its-blank-line"),
    pytest.param([HI, FINISH, USAGE, DONE], [HI, FINISH, DONE], id="usage-that-nobody-asked-for"),
    pytest.param([USAGE, HI, FINISH, DONE], [HI, FINISH, DONE], id="usage-before-the-output"),
    pytest.param([HI, FINISH, USAGE], [HI, FINISH, DONE], id="no-terminator"),
]


@pytest.mark.parametrize(("pieces", "expected"), DISCARDED)
async def test_what_says_nothing_is_left_out(pieces: list[bytes], expected: list[bytes]) -> None:
    assert await hear(streamed(*pieces)) == b"".join(expected)


async def test_usage_that_the_client_asked_for_passes() -> None:
    async with scene(ONE, a=Witness(streamed(HI, FINISH, USAGE, DONE))) as gateway:
        heard = await ask(gateway, stream=True, stream_options={"include_usage": True})
    assert heard.body == HI + FINISH + USAGE + DONE


async def test_usage_on_a_chunk_with_choices_passes_to_anyone() -> None:
    last = event({}, "stop", usage=USAGE_COUNTS)
    assert await hear(streamed(HI, last, DONE)) == HI + last + DONE


@pytest.mark.parametrize(
    "held",
    [
        pytest.param([ROLE] * (MAX_HELD_EVENTS - 1), id="one-event-less"),
        pytest.param([event({"role": "assistant", "x": ""}, pad="x" * 60_000)] * 4, id="just-below-the-bytes"),
    ],
)
async def test_what_only_announces_is_held_and_an_error_behind_it_still_fails_over(held: list[bytes]) -> None:
    failing = streamed(*held, b'data: {"error":{"message":"no","code":"rate_limit_exceeded"}}\n\n')
    async with scene(TWO, a=Witness(failing), b=Witness(streamed(HI, FINISH, DONE))) as gateway:
        heard = await ask(gateway, stream=True)
    assert heard.trail == "a=rate_limited;b=ok"
    assert heard.body == HI + FINISH + DONE


@pytest.mark.parametrize(
    "held",
    [
        pytest.param([ROLE] * MAX_HELD_EVENTS, id="events"),
        pytest.param([event({"role": "assistant"}, pad="x" * (MAX_HELD_BYTES // 4))] * 4, id="bytes"),
    ],
)
async def test_too_much_that_only_announces_commits(held: list[bytes]) -> None:
    failing = streaming(*held, ending=cut)
    b = Witness(streamed(HI, FINISH, DONE))
    async with scene(TWO, a=failing, b=b) as gateway:
        heard = await ask(gateway, stream=True)
    assert (b.calls, heard.trail) == (0, "a=ok")
    assert heard.body.startswith(b"".join(held))
    heard.check_cut("")


ENDS = [
    pytest.param([choice(0, "a"), choice(1, "b"), choice(0, finish="stop")], 2, False, id="one-of-two"),
    pytest.param([choice(0, "a"), choice(0, finish="stop")], 2, False, id="one-of-two-and-never-the-other"),
    pytest.param(
        [choice(1, "b"), choice(0, "a"), choice(1, finish="stop"), choice(0, finish="length")], 2, True, id="both"
    ),
    pytest.param([choice(0, "a"), choice(0, finish="stop"), DONE], 2, True, id="terminator"),
    pytest.param([choice(0, "a"), choice(0, finish="stop")], 1, True, id="only-one-was-asked-for"),
]


@pytest.mark.parametrize(("pieces", "asked", "is_whole"), ENDS)
async def test_clean_end_is_whole_when_every_choice_has_finished(
    pieces: list[bytes], asked: int, is_whole: bool
) -> None:
    async with scene(ONE, a=Witness(streamed(*pieces))) as gateway:
        heard = await ask(gateway, stream=True, n=asked)
        assert gateway.metric("streams_truncated_total", provider="a") == (not is_whole)
    assert heard.body.endswith(DONE) == is_whole
    assert (b'"upstream_truncated"' in heard.body) != is_whole


REWRITTEN = "[server]\nrewrite_model = true\n" + ONE


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        pytest.param(
            [b'event: x\nid: 3\ndata: {"model":"up","choices":[{"delta":{"content":"a"}}]}\n\n', FINISH, DONE],
            b'event: x\nid: 3\ndata: {"model":"m","choices":[{"delta":{"content":"a"}}]}\n\n',
            id="other-fields",
        ),
        pytest.param(
            [b'data: {"model":"up",\ndata: "choices":[{"delta":\ndata: {"content":"a"}}]}\n\n', FINISH, DONE],
            b'data: {"model":"m","choices":[{"delta":\ndata: {"content":"a"}}]}\n\n',
            id="several-lines",
        ),
        pytest.param(
            [b'data: {"model":"up","choices":[{"delta":{"content":"\\ud83d"}}]}\n\n', FINISH, DONE],
            b'data: {"model":"m","choices":[{"delta":{"content":"\\ud83d"}}]}\n\n',
            id="half-emoji",
        ),
        pytest.param([HI.replace(b'"model"', b'"module"'), FINISH, DONE], b"", id="no-model"),
    ],
)
async def test_public_name_replaces_the_upstreams_and_nothing_else(came: list[bytes], expected: bytes) -> None:
    heard = await hear(streamed(*came), REWRITTEN)
    assert heard.startswith(expected or came[0])
    assert heard.endswith(DONE)
    assert b'"model": "raw"' not in heard


CODED = [
    pytest.param(b"gzip", gzip.compress, id="gzip"),
    pytest.param(b"x-gzip", gzip.compress, id="x-gzip"),
    pytest.param(b"deflate", zlib.compress, id="deflate"),
    pytest.param(b"deflate", lambda plain: zlib.compress(plain)[2:-4], id="raw-deflate"),
    pytest.param(b"identity", bytes, id="identity"),
]


@pytest.mark.parametrize(("coding", "compress"), CODED)
async def test_compression_that_nobody_asked_for_is_undone(coding: bytes, compress: object) -> None:
    assert callable(compress)
    plain = b"".join([ROLE, HI, YOU, FINISH, DONE])
    head = HEAD.replace(b"Transfer", b"Content-Encoding: " + coding + b"\r\nTransfer")
    coded: bytes = compress(plain)
    async with scene(ONE, a=Witness(streamed(*split(coded, 5, 20), head=head))) as gateway:
        heard = await ask(gateway, stream=True)
    assert heard.body == plain
    assert "content-encoding" not in heard.headers


def bomb() -> bytes:
    return gzip.compress(b'{"choices":[],"x":"' + b" " * 70_000_000 + b'"}')


PROTOCOL = [
    pytest.param([response(bomb(), JSON, b"Content-Encoding: gzip")], id="bomb"),
    pytest.param([response(gzip.compress(HI)[:12], STREAM, b"Content-Encoding: gzip")], id="cut-gzip"),
    pytest.param([response(b"????", STREAM, b"Content-Encoding: gzip")], id="broken-gzip"),
    pytest.param([response(b"????", STREAM, b"Content-Encoding: gzip, gzip")], id="gzip-twice"),
    pytest.param([response(b"????", STREAM, b"Content-Encoding: zstd")], id="zstd"),
    *(
        pytest.param([response(b"", b"Location: http://127.0.0.1:1/", status=status)], id=status.decode())
        for status in (b"301 Moved", b"302 Found", b"303 See", b"304 Not Modified", b"307 Temporary", b"308 Permanent")
    ),
    pytest.param([response(b"<!doctype html><p>Log in", b"Content-Type: text/html; charset=utf-8")], id="html"),
    pytest.param([response(b"<!doctype html><p>Log in")], id="html-without-a-type"),
    pytest.param([response(b"", status=b"204 No Content")], id="204"),
    pytest.param([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"], id="101"),
    pytest.param([response(b"", STREAM)], id="empty-stream"),
    pytest.param([response(b"", JSON)], id="empty-json"),
]


@pytest.mark.parametrize("stream", [pytest.param(True, id="stream"), pytest.param(False, id="whole")])
@pytest.mark.parametrize("answers", PROTOCOL)
async def test_answer_that_is_none_is_protocol_and_fails_over(answers: Sequence[bytes], stream: bool) -> None:
    good = streamed(HI, FINISH, DONE) if stream else whole("Hi")
    async with scene(TWO, a=Witness(*answers), b=Witness(good)) as gateway:
        heard = await ask(gateway, stream=stream)
        assert gateway.metric("attempts_total", provider="a", model="m", outcome="protocol") == 1
    assert (heard.status, heard.trail, heard.text) == (200, "a=protocol;b=ok", "Hi")


@pytest.mark.parametrize(
    ("body", "trail"),
    [
        pytest.param(whole("Hi"), "a=ok", id="answer"),
        pytest.param(
            response(b'{"error":{"message":"x","code":"rate_limit_exceeded"}}', JSON), "a=rate_limited;b=ok", id="error"
        ),
        pytest.param(response(b'{"choices":[', JSON), "a=protocol;b=ok", id="cut"),
        pytest.param(
            response(whole("Hi").partition(b"\r\n\r\n")[2], b"Content-Type: APPLICATION/JSON"), "a=ok", id="case"
        ),
    ],
)
async def test_stream_request_answered_in_json_is_judged_as_a_whole_answer_and_told_as_a_stream(
    body: bytes, trail: str
) -> None:
    async with scene(TWO, a=Witness(body), b=Witness(streamed(HI, FINISH, DONE))) as gateway:
        heard = await ask(gateway, stream=True)
    assert (heard.status, heard.trail, heard.text) == (200, trail, "Hi")
    heard.check_clean()


async def test_comment_after_the_commit_passes() -> None:
    pieces = [HI, b": ping\n\n", YOU, b":\n\n", FINISH, DONE]
    async with scene(ONE, a=streaming(*pieces, gap_s=0.03)) as gateway:
        heard = await ask(gateway, stream=True)
    assert heard.body == b"".join(pieces)


async def test_error_event_of_the_upstream_is_not_shown_and_no_terminator_follows() -> None:
    error = b'data: {"error":{"message":"planted","type":"overloaded_error"}}\n\n'
    async with scene(ONE, a=streaming(HI, error, DONE, gap_s=0.03)) as gateway:
        heard = await ask(gateway, stream=True)
    heard.check_cut("Hi")
    assert heard.body.count(b"data: ") == 2
    assert b"planted" not in heard.body


ESTIMATE = 20  # of the question's tokens, by its bytes


@pytest.mark.parametrize(
    ("member", "prompt"),
    [
        pytest.param(b"10", 10, id="plausible"),
        pytest.param(b"1" + b"0" * 30, ESTIMATE, id="ten-to-the-thirty"),
        pytest.param(b"9007199254740993", ESTIMATE, id="sixty-four-bits"),
        pytest.param(b"-5", ESTIMATE, id="negative"),
        pytest.param(b'"10"', ESTIMATE, id="text"),
        pytest.param(b"true", ESTIMATE, id="boolean"),
    ],
)
@pytest.mark.parametrize("stream", [pytest.param(True, id="stream"), pytest.param(False, id="whole")])
async def test_token_counts_that_cannot_be_are_not_believed(member: bytes, prompt: int, stream: bool) -> None:
    usage = b'"usage":{"prompt_tokens":' + member + b',"completion_tokens":2}}'
    if stream:
        answer = streamed(HI, FINISH, b'data: {"choices":[],' + usage + b"\n\n", DONE)
    else:
        message = b'{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],'
        answer = response(message + usage, JSON)
    limited = providers("a", more="limits = { tpm = 1000 }\n") + model("a")
    async with scene(limited, a=Witness(answer)) as gateway:
        heard = await ask(gateway, stream=stream)
        assert gateway.metric("tokens_total", provider="a", model="m", type="prompt") == prompt
        again = await ask(gateway, stream=stream)
    assert (heard.status, heard.text, again.status) == (200, "Hi", 200)


async def test_error_event_of_a_refusing_upstream_is_told_with_its_status_before_output() -> None:
    failing = streamed(ROLE, b'data: {"error":{"message":"too long","code":"context_length_exceeded"}}\n\n')
    async with scene(ONE, a=Witness(failing)) as gateway:
        heard = await ask(gateway, stream=True)
    assert (heard.status, heard.error["code"]) == (400, "context_length_exceeded")
    async with scene(ONE, a=Witness(refused(500))) as gateway:
        assert (await ask(gateway, stream=True)).status == 502
