"""The dialects that are there, for tests that run over all of them. A dialect joins by one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from proxy import translate
from proxy.core.conversation import Answer, Conversation
from proxy.core.streamparts import StreamPart
from proxy.core.translation import Encoded, Envelope, ErrorReply, StreamDecoder, StreamEncoder, Target
from proxy.wire.sse import Event

SSE = "proxy.wire.sse:EventSplitter"
LINES = "proxy.wire.ndjson:LineSplitter"
FRAMES = "proxy.wire.eventstream:FrameSplitter"

_FOLDER = Path(translate.__path__[0])
ACCOUNT = "acc0"
TARGET = Target("upstream-model", ACCOUNT)
ENVELOPE = Envelope("req_0123456789abcdef", "public-model", 1_790_000_000, include_usage=True, account=ACCOUNT)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One row.

    Attributes:
        framing: Module and class of what cuts its streams.
        is_spoken: Clients speak it too; else it is an upstream's alone.
        loses: What does not survive a way through it, by the words of `tests.fakes.survivors`.
    """

    name: str
    framing: str = SSE
    is_spoken: bool = True
    loses: frozenset[str] = frozenset()

    @property
    def is_there(self) -> bool:
        return (_FOLDER / self.name / "stream.py").exists()

    def decode_request(self, body: bytes, *, stream: bool = False) -> Conversation:
        conversation: Conversation = self._get("request", "decode_request")(body, stream)
        return conversation

    def encode_request(self, conversation: Conversation, target: Target = TARGET) -> Encoded:
        encoded: Encoded = self._get("request", "encode_request")(conversation, target)
        return encoded

    def decode_answer(self, body: bytes) -> Answer:
        answer: Answer = self._get("response", "decode_answer")(body, ACCOUNT)
        return answer

    def encode_answer(self, answer: Answer, envelope: Envelope = ENVELOPE) -> bytes:
        body: bytes = self._get("response", "encode_answer")(answer, envelope)
        return body

    def decoder(self) -> StreamDecoder:
        decoder: StreamDecoder = self._get("stream", "Decoder")(ACCOUNT)
        return decoder

    def encoder(self, envelope: Envelope = ENVELOPE) -> StreamEncoder:
        encoder: StreamEncoder = self._get("stream", "Encoder")(envelope)
        return encoder

    def error_body(self, reply: ErrorReply) -> bytes:
        body: bytes = self._get("errors", "error_body")(reply)
        return body

    def error_event(self, reply: ErrorReply) -> bytes:
        event: bytes = self._get("errors", "error_event")(reply)
        return event

    def events(self, chunks: list[bytes]) -> list[Event]:
        """Cut a stream that comes in these chunks, and see that it ends where an event ends."""
        module, _, name = self.framing.partition(":")
        splitter = getattr(import_module(module), name)()
        events = [event for chunk in chunks for event in splitter.feed(chunk)]
        assert splitter.is_empty
        return events

    def parts(self, events: list[Event]) -> list[StreamPart]:
        """Read a stream's events to the dialect's own end."""
        decoder = self.decoder()
        parts: list[StreamPart] = []
        for event in events:
            if event.data is not None and not decoder.done:
                parts += decoder.feed(event.name, event.data)
        return parts + decoder.finish()

    def written(self, parts: list[StreamPart], envelope: Envelope = ENVELOPE) -> bytes:
        """Write parts as a stream with its end."""
        encoder = self.encoder(envelope)
        return b"".join([*map(encoder.feed, parts), encoder.finish()])

    def _get(self, module: str, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(f"proxy.translate.{self.name}.{module}"), name)
        return found


_ALL = (
    Dialect("openai_chat"),
    Dialect("openai_responses", loses=frozenset({"choices", "stop", "audio_tokens"})),
    Dialect(
        "ollama",
        framing=LINES,
        loses=frozenset({"choices", "cached_tokens", "reasoning_tokens", "audio_tokens", "content_filter"}),
    ),
    Dialect("anthropic", loses=frozenset({"choices", "audio_tokens"})),
    Dialect("gemini", loses=frozenset({"choices", "audio_tokens"})),
    Dialect(
        "bedrock",
        framing=FRAMES,
        is_spoken=False,
        loses=frozenset({"choices", "audio_tokens", "reasoning_tokens", "stream"}),
    ),
    Dialect(
        "cohere",
        is_spoken=False,
        loses=frozenset({"choices", "cached_tokens", "audio_tokens", "reasoning_tokens"}),
    ),
)
DIALECTS = {dialect.name: dialect for dialect in _ALL if dialect.is_there}
SPOKEN = {name: dialect for name, dialect in DIALECTS.items() if dialect.is_spoken}
