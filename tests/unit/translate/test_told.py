"""A whole answer, told in the parts of a stream."""

from __future__ import annotations

from hypothesis import given, settings
from msgspec import Raw

from proxy.core.conversation import (
    Answer,
    Choice,
    Document,
    Finish,
    Image,
    Link,
    Native,
    Part,
    Refusal,
    Signature,
    Text,
    Thinking,
    ToolCall,
    Vendor,
)
from proxy.core.streamparts import (
    Began,
    Counted,
    Finished,
    RefusalDelta,
    StreamPart,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolBegan,
    ToolDelta,
    Whole,
)
from proxy.core.usage import Usage
from proxy.translate.told import told
from tests.fakes.conversations import answers
from tests.fakes.survivors import of_answer, of_stream

SEAL = Signature(Vendor.ANTHROPIC, "account", "seal")


def told_of(*parts: Part, logprobs: Raw | None = None) -> list[StreamPart]:
    """What is between the beginning and the finish of an answer that nobody counted."""
    choice = Choice(parts, Finish.STOP, 1, "END", logprobs)
    first, *between, last = told(Answer((choice,), "id", "model"))
    assert first == Began("id", "model")
    assert last == Finished(Finish.STOP, 1, "END")
    return between


@settings(max_examples=50, deadline=None, derandomize=True)
@given(answer=answers())
def test_stream_says_what_the_answer_says(answer: Answer) -> None:
    assert of_stream(told(answer), frozenset()) == of_answer(answer, frozenset())


def test_usage_is_told_at_both_ends_since_dialects_tell_the_prompt_first() -> None:
    usage = Usage(3, 2)
    assert told(Answer((), usage=usage)) == [Began(usage=usage), Counted(usage)]


def test_thoughts_keep_their_signatures() -> None:
    said = told_of(Thinking("hm"), Thinking("so", SEAL), Thinking("", SEAL, redacted=True))
    assert said == [
        ThinkingDelta("hm", 1),
        ThinkingDelta("so", 1),
        ThinkingSigned(SEAL, 1),
        ThinkingSigned(SEAL, 1, redacted=True),
    ]


def test_logprobs_go_with_the_first_text() -> None:
    probabilities = Raw(b"{}")
    said = told_of(Text("a", signature=SEAL), Text("b"), logprobs=probabilities)
    assert said == [TextDelta("a", 1, SEAL, probabilities), TextDelta("b", 1)]


def test_calls_are_counted_and_what_is_whole_stays_so() -> None:
    picture, block = Image(Link("https://x")), Native(Vendor.OPENAI, "annotations", Raw(b"[]"))
    calls = (ToolCall("1", "f", "{}", SEAL), ToolCall("2", "g", "free", custom=True))
    said = told_of(Refusal("no"), picture, calls[0], block, calls[1], Document(Link("https://y")))
    assert said == [
        RefusalDelta("no", 1),
        Whole(picture, 1),
        ToolBegan(0, "1", "f", 1, SEAL),
        ToolDelta(0, "{}", 1),
        Whole(block, 1),
        ToolBegan(1, "2", "g", 1, custom=True),
        ToolDelta(1, "free", 1),
    ]
