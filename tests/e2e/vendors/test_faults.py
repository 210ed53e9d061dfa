"""What goes wrong upstream, in every vendor's own way, told to clients of every dialect in theirs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import httpx
import openai
import pytest
from openai import OpenAI

from tests.e2e.asking import HELLO
from tests.e2e.vendors.asking import Sdk
from tests.fakes.deployment import TEAM_KEY
from tests.fakes.tools import require_module
from tests.fakes.vendors import VENDORS, Vendors

Json = dict[str, Any]
# At a pace at which what was said has long been read, on a busy machine too, when it breaks off.
CUT = "cut-after-3-rate-10"
everywhere = pytest.mark.parametrize("vendor", VENDORS)


class Client(NamedTuple):
    """How a dialect asks for a stream. `is_error` and `is_end`: of one of its events."""

    path: str
    body: Callable[[str], Json]
    is_error: Callable[[Json], bool]
    is_end: Callable[[Json], bool]


def _named(model: str) -> Json:
    return {"model": model, "messages": HELLO, "stream": True}


CLIENTS: Mapping[str, Client] = {
    "chat": Client(
        "/v1/chat/completions", _named, lambda event: "error" in event, lambda event: event.get("done", False)
    ),
    "messages": Client(
        "/v1/messages",
        lambda model: {**_named(model), "max_tokens": 64},
        lambda event: event["type"] == "error",
        lambda event: event["type"] in ("message_delta", "message_stop"),
    ),
    "responses": Client(
        "/v1/responses",
        lambda model: {"model": model, "input": "hello", "stream": True},
        lambda event: event["type"] in ("error", "response.failed"),
        lambda event: event["type"] in ("response.completed", "response.incomplete"),
    ),
    "gemini": Client(
        "/v1beta/models/MODEL:streamGenerateContent?alt=sse",
        lambda _: {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
        lambda event: "error" in event,
        lambda event: any(found.get("finishReason") for found in event.get("candidates") or ()),
    ),
    "ollama": Client("/api/chat", _named, lambda event: "error" in event, lambda event: bool(event.get("done"))),
}


def streamed(deployed: Vendors, client: Client, model: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {TEAM_KEY}", "anthropic-version": "2023-06-01"}
    url = deployed.url + client.path.replace("MODEL", model)
    return deployed.http.post(url, json=client.body(model), headers=headers)


def events_of(answer: httpx.Response) -> list[Json]:
    """The events of a stream; the one that says nothing but the end of OpenAI's counts as `{"done": true}`."""
    lines = [
        line.removeprefix("data: ") for line in answer.text.splitlines() if line[:1] == "{" or line[:6] == "data: "
    ]
    return [{"done": True} if line == "[DONE]" else json.loads(line) for line in lines]


@everywhere
@pytest.mark.parametrize("dialect", CLIENTS)
@pytest.mark.parametrize("phrase", [CUT, "error-after-3-rate-10", "no-end-tokens-3-rate-10"])
def test_stream_that_breaks_off_ends_with_the_clients_error_and_no_end(
    deployed: Vendors, vendor: str, dialect: str, phrase: str
) -> None:
    client = CLIENTS[dialect]
    answer = streamed(deployed, client, f"{vendor}--{phrase}")
    events = events_of(answer)
    assert answer.status_code == 200
    assert '"This' in answer.text
    assert [client.is_error(event) for event in events].count(True) == 1
    assert client.is_error(events[-1])
    assert not any(client.is_end(event) for event in events)


@everywhere
def test_openai_sdk_raises_for_a_stream_that_breaks_off(client: OpenAI, vendor: str) -> None:
    stream = client.chat.completions.create(model=f"{vendor}--{CUT}", messages=HELLO, stream=True)
    with pytest.raises(openai.APIError, match="ended its answer early"):
        list(stream)


@everywhere
def test_anthropic_sdk_raises_for_a_stream_that_breaks_off(claude: Sdk, vendor: str) -> None:
    error = require_module("anthropic").APIStatusError
    asked: Any = {"model": f"{vendor}--{CUT}", "max_tokens": 64, "messages": HELLO}
    with (
        pytest.raises(error, match="ended its answer early"),
        claude.messages.stream(**asked) as stream,
    ):
        stream.get_final_message()


@everywhere
def test_google_sdk_raises_for_a_stream_that_breaks_off(google: Sdk, vendor: str) -> None:
    with pytest.raises(require_module("google.genai.errors").APIError, match="ended its answer early"):
        list(google.models.generate_content_stream(model=f"{vendor}--{CUT}", contents="hello"))


@everywhere
@pytest.mark.parametrize("dialect", CLIENTS)
@pytest.mark.parametrize("phrase", ["error-first", "role-error"])
def test_error_before_the_first_output_fails_over(deployed: Vendors, vendor: str, dialect: str, phrase: str) -> None:
    client = CLIENTS[dialect]
    answer = streamed(deployed, client, f"{vendor}-backed--{phrase}")
    events = events_of(answer)
    assert answer.headers["x-fairlead-provider"] == "openai"
    assert not any(client.is_error(event) for event in events)
    assert any(client.is_end(event) for event in events)


@everywhere
@pytest.mark.parametrize("phrase", ["error-json", "truncated-json"])
def test_whole_answer_that_is_none_fails_over(client: OpenAI, vendor: str, phrase: str) -> None:
    raw = client.chat.completions.with_raw_response.create(model=f"{vendor}-backed--{phrase}", messages=HELLO)
    assert raw.headers["x-fairlead-provider"] == "openai"
    assert raw.parse().choices[0].finish_reason == "stop"


KINDS_OF = {"auth": "auth", "billing": "billing", "daily-quota": "quota_exhausted"}
# What a vendor does not tell apart. On Vertex the simulator's Claude speaks of money as only Anthropic itself does.
_AS = {
    ("bedrock", "billing"): "permission",
    ("bedrock-key", "billing"): "permission",
    ("vertex-claude", "billing"): "rejected",
    **{(vendor, "daily-quota"): "rate_limited" for vendor in ("anthropic", "vertex-claude", "ollama", "perplexity")},
}


@everywhere
@pytest.mark.parametrize("phrase", KINDS_OF)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_spent_or_refused_credential_is_told_apart_and_passed_over(
    client: OpenAI, vendor: str, phrase: str, stream: bool
) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=f"{vendor}-backed--{phrase}", messages=HELLO, stream=stream
    )
    assert raw.headers["x-fairlead-provider"] == "openai"
    kind = _AS.get((vendor, phrase), KINDS_OF[phrase])
    trail = raw.headers["x-fairlead-trail"].split(";")
    # A token that was refused is made anew, once in a while, and tried again.
    assert [*dict.fromkeys(trail)] == [f"{vendor}-faulty={kind}", "openai=ok"]
    assert len(trail) == 2 or (vendor.startswith("vertex") and phrase == "auth")


# Who says in an error when to come back, and who leaves it to the caller.
_SILENT = ("ollama",)


@everywhere
@pytest.mark.parametrize("dialect", CLIENTS)
def test_vendors_word_when_to_come_back_reaches_the_client(deployed: Vendors, vendor: str, dialect: str) -> None:
    answer = streamed(deployed, CLIENTS[dialect], f"{vendor}--rate-limit-retry-9")
    assert answer.status_code == 429
    assert vendor in _SILENT or 1 <= int(answer.headers["retry-after"]) <= 10
