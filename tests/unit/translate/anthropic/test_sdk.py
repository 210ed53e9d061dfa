"""What Anthropic's own SDK makes of it: requests by its types, answers, streams and errors by its parsers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import (
    Answer,
    CacheMark,
    Choice,
    Conversation,
    Document,
    Effort,
    Finish,
    FunctionTool,
    Image,
    Inline,
    JsonFormat,
    Link,
    Native,
    Params,
    Reasoning,
    Refusal,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolChoiceMode,
    ToolResult,
    Vendor,
)
from proxy.core.streamparts import (
    Began,
    Counted,
    Finished,
    StreamPart,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolBegan,
    ToolDelta,
    Whole,
)
from proxy.core.translation import ErrorReply
from proxy.core.usage import Usage
from proxy.translate.anthropic.count_tokens import encode_count
from proxy.translate.anthropic.errors import error_body, error_event
from proxy.translate.anthropic.response import encode_answer
from proxy.translate.anthropic.stream import Encoder
from tests.unit.translate.anthropic.said import ENVELOPE, body, own, talk
from tests.unit.translate.talking import assistant, system, user

anthropic = import_module("anthropic")
httpx2 = import_module("httpx2")
pydantic = import_module("pydantic")

SCHEMA = Raw(b'{"type":"object","properties":{"n":{"type":"integer"}}}')
F = FunctionTool("f", "Does it.", SCHEMA, strict=True, cache=CacheMark("1h"))
RESULT = ToolResult("c:1", (Text("1"), Image(Inline("image/png", "aGk="))), is_error=True)
FULL = talk(
    system("Be brief."),
    user("look", Image(Link("https://x/a.png")), Document(Inline("text/plain", "aGk="), "t")),
    assistant(Thinking("t", own()), Thinking("", own(), redacted=True), "Well.", ToolCall("c:1", "f", '{"n":1}')),
    user(RESULT, Text("go on", CacheMark())),
    system("Hurry."),
    tools=(F,),
    tool_choice=ToolChoice(ToolChoiceMode.AUTO),
    format=JsonFormat(SCHEMA),
    reasoning=Reasoning(Effort.HIGH),
    params=Params(max_tokens=4_000, stop=("END",), user="u", service_tier="default", parallel_tool_calls=False),
)


def consumed(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Validation of the SDK's iterables is put off until somebody reads them."""
    if isinstance(value, Mapping):
        return {name: consumed(member) for name, member in value.items()}
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        return value
    return [consumed(member) for member in value]


@pytest.mark.parametrize(
    ("conversation", "model"),
    [
        pytest.param(FULL, "claude-opus-5-5", id="newest"),
        pytest.param(FULL, "claude-opus-4-5", id="budget"),
        pytest.param(FULL, "claude-sonnet-5-5", id="sonnet"),
        pytest.param(talk(stream=True, format=JsonFormat()), "claude-opus-5-5", id="stream"),
        pytest.param(talk(reasoning=Reasoning(Effort.NONE)), "claude-sonnet-5-5", id="between-tools"),
        pytest.param(talk(reasoning=Reasoning(Effort.NONE)), "claude-sonnet-5", id="disabled"),
        pytest.param(talk(assistant(ToolCall("a", "f", "x")), user(ToolResult("a", ()))), "claude-opus-5", id="called"),
    ],
)
def test_a_request_is_of_the_sdks_types_and_holds_nothing_else(conversation: Conversation, model: str) -> None:
    from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming

    written = body(conversation, model)
    kind = MessageCreateParamsStreaming if conversation.stream else MessageCreateParamsNonStreaming
    assert consumed(pydantic.TypeAdapter(kind).validate_python(written)) == written


def client(status: int, content: bytes, kind: str = "application/json") -> Any:  # noqa: ANN401 - of a package that may be missing
    """The SDK, whose every request gets this answer."""
    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(status, content=content, headers={"content-type": kind})
    )
    return anthropic.Anthropic(
        api_key="k", base_url="http://gateway", max_retries=0, http_client=httpx2.Client(transport=transport)
    )


def ask(sdk: Any) -> Any:  # noqa: ANN401 - the SDK
    return sdk.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}])


def test_an_answer_is_what_the_sdk_expects() -> None:
    parts = (
        Thinking("t", own()),
        Thinking("", own(), redacted=True),
        Text("a"),
        Native(
            Vendor.ANTHROPIC,
            "server_tool_use",
            Raw(b'{"type":"server_tool_use","id":"s","name":"web_search","input":{}}'),
        ),
        ToolCall("c", "f", '{"n":1}', Signature(Vendor.GOOGLE, "acc", "c2ln")),
    )
    usage = Usage(127, 30, 100, 20, cache_write_tokens=20, cache_write_1h_tokens=15, service_tier="standard")
    content = encode_answer(Answer((Choice(parts, Finish.TOOL_CALLS),), usage=usage), ENVELOPE)
    anthropic.types.Message.model_validate_json(content, strict=True)
    message = ask(client(200, content))
    assert [block.type for block in message.content] == [
        "thinking",
        "redacted_thinking",
        "text",
        "server_tool_use",
        "redacted_thinking",
        "tool_use",
    ]
    assert (message.content[-1].input, message.stop_reason) == ({"n": 1}, "tool_use")
    assert (message.usage.input_tokens, message.usage.cache_creation.ephemeral_1h_input_tokens) == (7, 15)
    assert message.usage.output_tokens_details.thinking_tokens == 20


@pytest.mark.parametrize("finish", Finish)
def test_every_end_is_one_the_sdk_knows(finish: Finish) -> None:
    content = encode_answer(Answer((Choice((Refusal("no"),), finish),)), ENVELOPE)
    anthropic.types.Message.model_validate_json(content, strict=True)


CITATION = Raw(
    b'{"type":"char_location","cited_text":"a","document_index":0,"document_title":null,"start_char_index":0,"end_char_index":1}'
)
STREAM: tuple[StreamPart, ...] = (
    Began("msg_1", "m", Usage(127, cached_tokens=100)),
    ThinkingDelta("t1"),
    ThinkingDelta("t2"),
    ThinkingSigned(own()),
    ThinkingSigned(own("hidden"), redacted=True),
    TextDelta("Hello"),
    TextDelta(" there"),
    Whole(Native(Vendor.ANTHROPIC, "citations_delta", CITATION)),
    ToolBegan(0, "a", "f"),
    ToolDelta(0, '{"n":'),
    ToolBegan(1, "b", "g"),
    ToolDelta(1, "{}"),
    ToolDelta(0, "1}"),
    Finished(Finish.TOOL_CALLS),
    Counted(Usage(127, 30, 100, 20)),
)


def streamed(*parts: StreamPart) -> Iterator[bytes]:
    encoder = Encoder(ENVELOPE)
    for part in parts:
        yield encoder.feed(part)
    yield encoder.finish()


def test_a_stream_is_put_together_by_the_sdk() -> None:
    sdk = client(200, b"".join(streamed(*STREAM)), "text/event-stream")
    with sdk.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]) as stream:
        message = stream.get_final_message()
    thought, hidden, text, first, second = message.content
    assert (thought.thinking, thought.signature) == ("t1t2", "^f.anthropic.acct.sig")
    assert hidden.data == "^f.anthropic.acct.hidden"
    assert (text.text, text.citations[0].cited_text) == ("Hello there", "a")
    assert (first.input, second.input) == ({"n": 1}, {})
    assert (message.stop_reason, message.usage.output_tokens, message.usage.input_tokens) == ("tool_use", 30, 27)
    assert message.usage.output_tokens_details.thinking_tokens == 20


def test_every_event_of_a_stream_is_of_the_sdks_types() -> None:
    from proxy.wire.sse import EventSplitter

    adapter = pydantic.TypeAdapter(anthropic.types.RawMessageStreamEvent)
    events = EventSplitter().feed(b"".join(streamed(*STREAM)))
    assert len(events) > len(STREAM)
    for event in events:
        assert event.data is not None
        adapter.validate_json(event.data, strict=True)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (402, "PaymentRequiredError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (413, "RequestTooLargeError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (503, "ServiceUnavailableError"),
        (529, "OverloadedError"),
    ],
)
def test_the_sdk_raises_what_an_error_is(status: int, expected: str) -> None:
    reply = ErrorReply(status, "Explained.", "whatever", "some_code", request_id="req_1")
    with pytest.raises(getattr(anthropic, expected, anthropic.APIStatusError)) as caught:
        ask(client(status, error_body(reply)))
    assert (caught.value.api_message, caught.value.error_code) == ("Explained.", "some_code")


def test_the_sdk_raises_on_an_error_in_mid_stream() -> None:
    content = b"".join(streamed(*STREAM[:6])) + error_event(ErrorReply(529, "Overloaded", "server_error"))
    sdk = client(200, content, "text/event-stream")
    with pytest.raises(anthropic.APIStatusError) as caught:
        list(sdk.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}], stream=True))
    assert caught.value.type == "overloaded_error"


def test_the_sdk_reads_a_count() -> None:
    counted = client(200, encode_count(2095)).messages.count_tokens(
        model="m", messages=[{"role": "user", "content": "hi"}]
    )
    assert counted.input_tokens == 2095
