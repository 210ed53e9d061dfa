"""F1 to F5: what goes wrong before an answer has said anything costs the client nothing but time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme

from tests.fakes.rawserver import (
    Handler,
    Peer,
    RawServer,
    answer,
    answer_once,
    cut_after,
    refused_url,
    reset_after,
    response,
    server_tls,
    stall_after,
)
from tests.fakes.rawstreams import DONE, FINISH, HEAD, HEAD_TO_EOF, ROLE, cut, reset, said, stall, streaming
from tests.fakes.stage import Upstream, stage
from tests.fakes.upstream_calls import settles
from tests.integration.faults.cases import BOTH, IMPATIENT, PATIENCE_S, SECOND, impatient

BREAKER_OPEN = 2.0


@asynccontextmanager
async def unreachable(how: str) -> AsyncIterator[str]:
    """Give a URL that cannot be connected to in one of several ways."""
    match how:
        case "refused":
            yield refused_url()
        case "dns":
            yield "http://nonexistent.invalid"
        case "no-tls-there":
            async with RawServer(speak_plainly) as server:
                yield server.url.replace("http:", "https:")
        case _:
            async with RawServer(answer(), tls=server_tls(trustme.CA())) as server:
                yield server.url


async def speak_plainly(peer: Peer) -> None:
    """Answer a TLS greeting as a server without TLS does."""
    await peer.read(1)
    await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.close()


@BOTH
@pytest.mark.parametrize("how", ["refused", "dns", "no-tls-there", "unknown-authority"])
async def test_f01_unreachable_upstream_fails_over_and_feeds_the_breaker(how: str, stream: bool) -> None:
    async with unreachable(how) as url, stage(Upstream("first", "gpt", url), SECOND) as on:
        heard = await on.ask(stream=stream)
        heard.check_whole("second")
        assert heard.trail == "first=connect;second=ok"
        assert on.attempts("first", "connect") == 1
        assert on.failovers("first", "second", "connect") == 1
        assert on.cooldown_s("first", "candidate", "connect") == pytest.approx(10, abs=1)
        (await on.ask(stream=stream)).check_whole("second")
        assert on.attempts("first", "connect") == 1, "set aside for 10 s"
        for _ in range(2):
            assert on.breaker("first", "gpt") < BREAKER_OPEN
            on.clock.advance(11)
            (await on.ask(stream=stream)).check_whole("second")
        assert on.attempts("first", "connect") == 3
        assert on.breaker("first", "gpt") == BREAKER_OPEN, "three in a row"


async def test_f01_log_says_what_was_wrong_with_each_upstream() -> None:
    lost = answer(response(b"<h1>Not Found</h1>", b"Content-Type: text/html", status=b"404 Not Found"))
    async with (
        RawServer(lost) as elsewhere,
        stage(Upstream("first", "gpt", refused_url()), Upstream("other", "gpt", elsewhere.url), SECOND) as on,
    ):
        (await on.ask()).check_whole("second")
        (record,) = await on.records(1)
        assert record["fairlead.failures"] == [
            "first: connection refused",
            "other: no such endpoint; check the provider's base URL (status 404)",
        ]


@BOTH
async def test_f01_unreachable_lone_upstream_is_a_502_in_openais_form(stream: bool) -> None:
    async with stage(Upstream("first", "gpt", refused_url())) as on:
        heard = await on.ask(stream=stream)
        assert heard.status == 502
        assert heard.error["code"] == "upstream_error"
        assert heard.headers["x-should-retry"] == "false"
        assert heard.trail == "first=connect"


@BOTH
async def test_f02_tls_handshake_that_never_ends_fails_over_in_time(stream: bool) -> None:
    async with RawServer(stall_after(b"", 0)) as first:
        url = first.url.replace("http:", "https:")
        async with stage(Upstream("first", "gpt", url), SECOND, sections=impatient(connect_s=PATIENCE_S)) as on:
            heard = await on.ask(stream=stream)
            heard.check_whole("second")
            assert heard.trail == "first=timeout_connect;second=ok"
            assert await settles(lambda: first.open == 0, 1.0), "its connection is closed"


SILENCES = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"HTTP/1.1 200 O", id="half-a-status-line"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: text/ev", id="half-the-headers"),
]


@BOTH
@pytest.mark.parametrize("start", SILENCES)
async def test_f02_upstream_without_headers_fails_over_in_time(start: bytes, stream: bool) -> None:
    async with (
        RawServer(stall_after(start, len(start))) as silent,
        stage(Upstream("first", "gpt", silent.url), SECOND, sections=IMPATIENT) as on,
    ):
        began_s = on.clock.now()
        heard = await on.ask(stream=stream)
        assert PATIENCE_S <= on.clock.now() - began_s < 3
        heard.check_whole("second")
        outcome = "timeout_headers" if stream else "timeout_response"
        assert heard.trail == f"first={outcome};second=ok"
        assert on.failovers("first", "second", outcome) == 1
        assert on.cooldown_s("first", "candidate", outcome) == pytest.approx(10, abs=1)
        assert silent.accepted == 1
        assert await settles(lambda: silent.open == 0, 1.0), "its connection is closed"


@BOTH
async def test_f02_lone_silent_upstream_is_a_504(stream: bool) -> None:
    async with stage(Upstream("first", "sim-silent"), sections=IMPATIENT) as on:
        heard = await on.ask(stream=stream)
        assert heard.status == 504
        assert heard.error["code"] == "upstream_timeout"
        assert heard.headers["x-should-retry"] == "false"
        assert on.calls("first") == 1


@BOTH
@pytest.mark.parametrize(
    "phrase",
    [
        pytest.param("sim-headers-only", id="nothing"),
        pytest.param("sim-role-silent", id="role-or-half-a-body"),
        pytest.param("sim-pings-30-ping-gap-0.05", id="comments-only"),
    ],
)
async def test_f03_upstream_without_output_fails_over_in_time(phrase: str, stream: bool) -> None:
    async with stage(Upstream("first", phrase), SECOND, sections=impatient(idle_s=5)) as on:
        began_s = on.clock.now()
        heard = await on.ask(stream=stream)
        assert PATIENCE_S <= on.clock.now() - began_s < 3
        heard.check_whole("second")
        outcome = "timeout_first_output" if stream else "timeout_response"
        assert heard.trail == f"first={outcome};second=ok"
        assert on.failovers("first", "second", outcome) == 1
        assert await settles(lambda: on.arrivals("first")[0].ended_at_s is not None, 1.0)
        assert on.arrivals("first")[0].progress.end == "client_gone"


async def test_f03_pings_keep_a_slow_upstream_alive_until_its_first_output() -> None:
    async with stage(Upstream("first", "sim-pings-8-ping-gap-0.1"), SECOND, sections=impatient(first_output_s=5)) as on:
        (await on.ask(stream=True)).check_whole("first")


EARLY_ERRORS = [
    pytest.param("role-error-quota", "billing", id="insufficient-quota"),
    pytest.param("role-error-rate-limit", "rate_limited", id="rate-limit"),
    pytest.param("role-error-server-error-as-groq", "server_error", id="groqs-side-channel"),
    pytest.param("role-error-overload-as-anthropic", "overloaded", id="anthropics-event"),
    pytest.param("role-error-server-error-as-openrouter", "server_error", id="openrouters-chunk"),
    pytest.param("role-error-auth", "auth", id="refused-key"),
    pytest.param("error-first-server-error", "server_error", id="no-role-chunk"),
]


@BOTH
@pytest.mark.parametrize(("phrase", "outcome"), EARLY_ERRORS)
async def test_f04_error_event_before_output_fails_over_unseen(phrase: str, outcome: str, stream: bool) -> None:
    async with stage(Upstream("first", f"sim-{phrase}"), SECOND) as on:
        heard = await on.ask(stream=stream)
        heard.check_whole("second")
        assert heard.trail == f"first={outcome};second=ok"
        assert on.attempts("first", outcome) == 1
        assert on.failovers("first", "second", outcome) == 1
        assert on.gateway.metric("streams_truncated_total", provider="first") == 0
        assert (on.calls("first"), on.calls("second")) == (1, 1)


EARLY_ENDS = [
    pytest.param(streaming(ROLE, ending=cut), id="role-then-cut"),
    pytest.param(streaming(ROLE, ending=reset), id="role-then-reset"),
    pytest.param(streaming(ROLE, ending=cut, head=HEAD_TO_EOF), id="role-then-end-of-connection"),
    pytest.param(streaming(ROLE), id="role-then-clean-end"),
    pytest.param(streaming(ROLE, DONE), id="role-then-terminator"),
    pytest.param(streaming(DONE), id="terminator-alone"),
    pytest.param(streaming(b": ping\n\n"), id="comment-then-clean-end"),
    pytest.param(streaming(said("Hel")[0][:40], ending=cut), id="half-an-event"),
]


@pytest.mark.parametrize("handler", EARLY_ENDS)
async def test_f04_stream_that_ends_before_output_fails_over_unseen(handler: Handler) -> None:
    async with RawServer(handler) as first, stage(Upstream("first", "gpt", first.url), SECOND) as on:
        heard = await on.ask(stream=True)
        heard.check_whole("second")
        assert heard.trail == "first=protocol;second=ok"
        assert first.accepted == 1


async def test_f04_lifecycle_events_that_were_held_reach_the_client_in_order() -> None:
    events = [ROLE, b": ping\n\n", *said("one", " two"), FINISH, DONE]
    async with RawServer(streaming(*events, gap_s=0.02)) as first, stage(Upstream("first", "gpt", first.url)) as on:
        heard = await on.ask(stream=True)
        heard.check_clean()
        assert heard.body == b"".join([ROLE, *said("one", " two"), FINISH, DONE])


HTML = b"<!DOCTYPE html><html><body>gateway login</body></html>"
ANSWER = b'{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
JSON = b"Content-Type: application/json"
NO_ANSWERS = [
    pytest.param(
        response(b'{"error":{"message":"boom","type":"server_error"}}', JSON), "server_error", id="error-json"
    ),
    pytest.param(response(HTML, b"Content-Type: text/html"), "protocol", id="html"),
    pytest.param(response(ANSWER[:40], JSON), "protocol", id="truncated-json"),
    pytest.param(response(b"", JSON), "protocol", id="empty"),
    pytest.param(response(b"[1, 2]", JSON), "protocol", id="json-but-no-object"),
    pytest.param(response(b"", b"Location: /elsewhere", status=b"302 Found"), "protocol", id="redirect"),
    pytest.param(response(b"????", JSON, b"Content-Encoding: br"), "protocol", id="unknown-coding"),
    pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", "protocol", id="not-http"),
]


@BOTH
@pytest.mark.parametrize(("said_instead", "outcome"), NO_ANSWERS)
async def test_f05_answer_that_is_none_fails_over(said_instead: bytes, outcome: str, stream: bool) -> None:
    async with (
        RawServer(answer_once(said_instead)) as first,
        stage(Upstream("first", "gpt", first.url), SECOND) as on,
    ):
        heard = await on.ask(stream=stream)
        heard.check_whole("second")
        assert heard.trail == f"first={outcome};second=ok"
        assert on.failovers("first", "second", outcome) == 1
        assert first.accepted == 1
        (await on.ask(stream=stream)).check_whole("second")
        (await on.ask(stream=stream)).check_whole("second")
        assert on.breaker("first", "gpt") == BREAKER_OPEN, "three in a row"


@BOTH
async def test_f05_lone_upstream_that_answers_html_is_a_502(stream: bool) -> None:
    async with stage(Upstream("first", "sim-html")) as on:
        heard = await on.ask(stream=stream)
        assert heard.status == 502
        assert heard.error["code"] == "upstream_error"
        assert heard.headers["x-should-retry"] == "false"
        assert b"<" not in heard.body


async def test_f05_page_that_never_ends_is_neither_waited_for_nor_kept() -> None:
    endless = response(HTML, b"Content-Type: text/html").replace(b"Content-Length: ", b"Content-Length: 9")
    async with (
        RawServer(stall_after(endless, len(endless))) as first,
        stage(Upstream("first", "gpt", first.url), SECOND) as on,
    ):
        began_s = on.clock.now()
        (await on.ask(stream=True)).check_whole("second")
        assert on.clock.now() - began_s < 3
        assert await settles(lambda: first.open == 0, 1.0), "its connection is closed"


CUT_BODIES = [
    pytest.param(cut_after(response(ANSWER, JSON), 120), "protocol", id="cut-in-the-body"),
    pytest.param(reset_after(response(ANSWER, JSON), 120), "protocol", id="reset-in-the-body"),
    pytest.param(cut_after(response(ANSWER, JSON), 20), "connect", id="cut-in-the-head"),
    pytest.param(reset_after(response(ANSWER, JSON), 0), "connect", id="reset-before-the-head"),
    pytest.param(cut_after(HEAD + b"ff\r\n" + ANSWER, 150), "protocol", id="cut-in-a-chunk"),
]


@BOTH
@pytest.mark.parametrize(("handler", "outcome"), CUT_BODIES)
async def test_f05_json_answer_cut_short_fails_over(handler: Handler, outcome: str, stream: bool) -> None:
    async with RawServer(handler) as first, stage(Upstream("first", "gpt", first.url), SECOND) as on:
        heard = await on.ask(stream=stream)
        heard.check_whole("second")
        assert heard.trail == f"first={outcome};second=ok"


async def test_f05_stream_request_answered_in_json_becomes_the_stream_that_was_asked_for() -> None:
    async with stage(Upstream("first", "sim-json-for-stream"), SECOND) as on:
        heard = await on.ask(stream=True)
        assert heard.is_stream, heard.headers["content-type"]
        heard.check_whole("first")
        assert "usage" not in heard.chunks[-1]
        asked = await on.ask(stream=True, stream_options={"include_usage": True})
        asked.check_clean()
        assert asked.chunks[-1]["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize(("rewrite", "model"), [("false", "their-own"), ("true", "m")])
async def test_f05_stream_made_of_json_names_the_model_as_a_stream_would(rewrite: str, model: str) -> None:
    said = ANSWER.replace(b'"id":"1"', b'"id":"1","model":"their-own","created":7')
    sections = f"[server]\nrewrite_model = {rewrite}\n"
    async with (
        RawServer(answer(response(said, JSON))) as first,
        stage(Upstream("first", "gpt", first.url), sections=sections) as on,
    ):
        heard = await on.ask(stream=True)
        assert {(chunk["model"], chunk["created"]) for chunk in heard.chunks} == {(model, 7)}


async def test_f05_json_after_a_keep_alive_is_the_rest_of_the_stream() -> None:
    first = Upstream("first", "sim-json-for-stream-delay-0.5")
    async with stage(first, SECOND, sections="[server]\nsse_keepalive_s = 0.2\n") as on:
        heard = await on.ask(stream=True)
        assert heard.body.startswith(b": keep-alive\n\n")
        assert heard.text.startswith("This answer is simulated by first:")
        heard.check_clean()


async def test_f05_stream_request_answered_in_json_that_is_no_answer_fails_over() -> None:
    nothing = answer(response(b'{"id":"x","object":"chat.completion","choices":[]}', JSON))
    async with RawServer(nothing) as first, stage(Upstream("first", "gpt", first.url), SECOND) as on:
        heard = await on.ask(stream=True)
        heard.check_whole("second")
        assert heard.trail == "first=protocol;second=ok"


NO_COMPLETIONS = [
    pytest.param(b'{"choices":%b%b}' % (b"[" * 100_000, b"]" * 100_000), id="too-deep"),
    pytest.param(b'{"choices":[{"text":"ah', id="cut"),
    pytest.param(b'{"choices":[]}', id="nothing"),
    pytest.param(b"[]", id="no-object"),
]


@pytest.mark.parametrize("body", NO_COMPLETIONS)
async def test_f05_stream_of_a_completion_answered_in_json_that_is_none_fails_over(body: bytes) -> None:
    async with (
        RawServer(answer(response(body, JSON))) as first,
        stage(Upstream("first", "gpt", first.url), SECOND) as on,
    ):
        asked = {"model": "m", "prompt": "hello", "stream": True}
        got = await on.gateway.client.post("/v1/completions", json=asked)
        assert (got.status_code, got.headers["x-fairlead-trail"]) == (200, "first=protocol;second=ok")


async def test_f05_stream_of_a_completion_answered_in_json_is_a_stream() -> None:
    said = b'{\n "object": "text_completion",\n "choices": [{"index": 0, "text": "ahoy", "finish_reason": "stop"}]}'
    async with (
        RawServer(answer(response(said, JSON))) as first,
        stage(Upstream("first", "gpt", f"{first.url}/v1")) as on,
    ):
        asked = {"model": "m", "prompt": "hello", "stream": True}
        got = await on.gateway.client.post("/v1/completions", json=asked)
        assert got.headers["content-type"] == "text/event-stream; charset=utf-8"
        line, done = got.text.removesuffix("\n\n").split("\n\n")
        assert json.loads(line.removeprefix("data: ")) == json.loads(said)
        assert done == "data: [DONE]"


@BOTH
async def test_f05_compressed_answer_that_nobody_asked_for_is_unpacked(stream: bool) -> None:
    async with stage(Upstream("first", "sim-gzip"), SECOND) as on:
        heard = await on.ask(stream=stream)
        heard.check_whole("first")
        assert "content-encoding" not in heard.headers
        assert (on.arrivals("first")[0].arrival.headers)["accept-encoding"] == "identity"


async def test_f07_stall_before_output_fails_over_although_the_first_output_is_not_due() -> None:
    """A role chunk, then silence: `idle_s` ends it, long before `first_output_s`."""
    async with (
        RawServer(streaming(ROLE, ending=stall)) as first,
        stage(Upstream("first", "gpt", first.url), SECOND, sections=impatient(first_output_s=15)) as on,
    ):
        heard = await on.ask(stream=True)
        heard.check_whole("second")
        assert heard.trail == "first=timeout_idle;second=ok"
