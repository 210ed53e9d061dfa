"""What a newcomer tries first: curl, against a deployed gateway."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.fakes.deployment import TEAM_KEY, Deployment
from tests.fakes.tools import require_tool

BEARER = f"authorization: Bearer {TEAM_KEY}"
JSON = ("-H", "content-type: application/json")
CHAT = '{"model": "chat", "messages": [{"role": "user", "content": "hello"}]}'


class Heard(NamedTuple):
    status: int
    content_type: str
    body: str

    @property
    def document(self) -> dict[str, Any]:
        assert self.content_type.startswith("application/json")
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def said(self) -> str:
        text: str = self.document["choices"][0]["message"]["content"]
        return text

    @property
    def error(self) -> tuple[int, str, str]:
        error = self.document["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        return self.status, error["code"], error["message"]


def curl(url: str, *options: str, headers: Sequence[str] = (BEARER,)) -> Heard:
    """Run curl as its manual has it, but for what it prints at the end."""
    sent = [word for header in headers for word in ("-H", header)]
    told = "\n%{http_code} %{content_type}"
    command = [require_tool("curl"), "-sS", "--noproxy", "*", "--max-time", "10", "-w", told, *sent, *options, url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=15)
    assert (done.returncode, done.stderr) == (0, "")
    body, _, last = done.stdout.rpartition("\n")
    status, _, content_type = last.partition(" ")
    return Heard(int(status), content_type, body)


@pytest.fixture
def chat_url(deployed: Deployment) -> str:
    return f"{deployed.url}/v1/chat/completions"


@pytest.mark.parametrize(
    "header", [BEARER, f"x-api-key: {TEAM_KEY}", f"api-key: {TEAM_KEY}", f"x-goog-api-key: {TEAM_KEY}"]
)
def test_chat_with_the_key_in_any_usual_header(chat_url: str, header: str) -> None:
    heard = curl(chat_url, *JSON, "-d", CHAT, headers=[header])
    assert heard.status == 200
    assert heard.said.startswith("This answer is simulated by first:")


def test_json_that_curl_calls_a_form_is_taken_where_there_are_keys(chat_url: str) -> None:
    assert curl(chat_url, "-d", CHAT).said.startswith("This answer is simulated by first:")


def test_stream_is_events_and_ends_with_the_terminator(chat_url: str) -> None:
    heard = curl(chat_url, "-N", *JSON, "-d", CHAT.replace("{", '{"stream": true, ', 1))
    assert heard.content_type == "text/event-stream; charset=utf-8"
    *events, last, end = heard.body.split("\n\n")
    assert (last, end) == ("data: [DONE]", "")
    assert all(json.loads(event.removeprefix("data: "))["object"] == "chat.completion.chunk" for event in events)


def test_models_are_listed(deployed: Deployment) -> None:
    listed = curl(f"{deployed.url}/v1/models").document
    assert listed["object"] == "list"
    assert {"id": "chat", "object": "model", "created": 0, "owned_by": "fairlead"} in listed["data"]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="expects-100-continue"),
        pytest.param(("-H", "transfer-encoding: chunked"), id="chunked"),
        pytest.param(("-H", "expect:"), id="at-once"),
        pytest.param(("--http1.0",), id="http-1.0"),
    ],
)
def test_large_body_from_a_file(chat_url: str, tmp_path: Path, options: tuple[str, ...]) -> None:
    body = tmp_path / "body.json"
    body.write_text(CHAT.replace("hello", "word " * 500_000))
    heard = curl(chat_url, *JSON, *options, "--data-binary", f"@{body}")
    assert "had 500000 words" in heard.said


def test_body_over_the_limit_is_refused_while_it_is_sent(chat_url: str, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(b"x" * (34 * 1024 * 1024))
    for options in ((), ("-H", "transfer-encoding: chunked"), ("-H", "expect:")):
        heard = curl(chat_url, *JSON, *options, "--data-binary", f"@{body}")
        assert heard.error[:2] == (413, "request_too_large")


def test_no_key(chat_url: str) -> None:
    heard = curl(chat_url, *JSON, "-d", CHAT, headers=[])
    message = "Send your Fairlead key as 'Authorization: Bearer <key>'."
    assert heard.error == (401, "invalid_api_key", message)


def test_two_keys_that_differ(chat_url: str) -> None:
    assert curl(chat_url, *JSON, "-d", CHAT, headers=[BEARER, "x-api-key: other"]).error[:2] == (401, "invalid_api_key")


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"hello"', "{'model': 'chat'}", '{"model": 1}'])
def test_body_that_is_no_request(chat_url: str, body: str) -> None:
    assert curl(chat_url, *JSON, "-d", body).error[:2] == (400, "invalid_request")


def test_method_and_path_that_are_not_served(deployed: Deployment, chat_url: str) -> None:
    assert curl(chat_url).error == (405, "method_not_allowed", "Use POST for this endpoint.")
    assert curl(f"{deployed.url}/v1/models", "-X", "DELETE").error[:2] == (405, "method_not_allowed")
    assert curl(f"{deployed.url}/v2/chat/completions", *JSON, "-d", CHAT).error[:2] == (404, "not_found")


def test_connection_is_used_again_after_an_error(deployed: Deployment, chat_url: str) -> None:
    """One curl, four requests, one connection."""
    one = [*JSON, "-H", BEARER, "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n"]
    refused = [*one, "-d", "{", chat_url]
    answered = [*one, "-d", CHAT, chat_url]
    unknown = [*one, "-d", CHAT, f"{deployed.url}/nothing"]
    words = [*refused, "--next", *answered, "--next", *unknown, "--next", *answered]
    done = subprocess.run(
        [require_tool("curl"), "-sS", "--noproxy", "*", *words], capture_output=True, text=True, check=True, timeout=15
    )
    assert done.stdout.splitlines() == ["400 1", "200 0", "404 0", "200 0"]
