"""The events of one upstream stream, on their way to the client.

Before the commit point `hold` collects events until one says something; after it `pass_on` lets them through as they
came. On the way it notes usage, the finish, the terminator, errors and broken events. It never waits and never writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.usage import Usage
from proxy.translate.openai_chat.frames import (
    UNREADABLE,
    Frame,
    FrameKind,
    decode_plain,
    ended_choices,
    read_frame,
    skim_frame,
)
from proxy.wire.jsonbody import join_object, raw, split_object
from proxy.wire.sse import Event, EventSplitter, EventTooLarge, only_data, with_data

MAX_HELD_EVENTS = 64
MAX_HELD_BYTES = 256 * 1024
TERMINATOR = b"data: [DONE]\n\n"
_ERROR_FIELD = b"error:"


@dataclass(frozen=True, slots=True, eq=False)
class EventPolicy:
    """How events are judged.

    Attributes:
        find_error: Looks for an error in an event's data (`providers.signals.envelope_failure`).
        keep_usage: The client asked for the chunk that holds only usage.
        end_on_broken: A broken event ends the stream instead of being dropped.
        model: The public name to put in place of the upstream's; None leaves the bytes alone.
        choices: How many the client asked for; each is to finish.
    """

    find_error: Callable[[bytes], Failure | None]
    keep_usage: bool
    end_on_broken: bool
    model: str | None = None
    choices: int = 1


def bare_error(event: Event, find_error: Callable[[bytes], Failure | None]) -> Failure | None:
    """Look for an error in an event without data: JSON alone, as Google writes it, or in a field of llama.cpp's own.

    Source: google-genai SDK 3.4.0, google/genai/_api_client.py (_iter_response_stream); older llama.cpp, server.cpp
    (handle_completions_impl, where `[DONE]` follows the error); read 2026-11-21.
    """
    text = event.raw.strip()
    if text.startswith(_ERROR_FIELD):
        text = b'{"error":%b}' % text.removeprefix(_ERROR_FIELD)
    return find_error(text) if text[:1] in (b"{", b"[") else None


class HoldingReader:
    """What all readers have in common: where a stream stands, and what is held back before the commit point.

    Attributes:
        finished: A finish reason was seen for every choice.
        done: The terminator was seen; nothing after it counts.
        failure: Why the stream cannot go on.
        broken: How many events were no JSON.
        output_events: Events with output so far; the estimate of completion tokens where no usage comes.
    """

    __slots__ = ("_held", "_held_bytes", "broken", "done", "failure", "finished", "output_events")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._held_bytes = 0
        self.finished = False
        self.done = False
        self.failure: Failure | None = None
        self.broken = 0
        self.output_events = 0

    @property
    def is_ready(self) -> bool:
        """Whether the answer may be committed: it has said something, or too much is held to wait longer."""
        return (
            self.output_events > 0 or len(self._held) >= MAX_HELD_EVENTS or self._held_bytes >= MAX_HELD_BYTES
        ) and self.failure is None

    def take_held(self) -> bytes:
        """Give out what was held, once."""
        held, self._held = b"".join(self._held), []
        return held


class EventReader(HoldingReader):
    """Reads one stream.

    Attributes:
        usage: The last usage any event carried.
    """

    __slots__ = ("_ended", "_is_between", "_policy", "_splitter", "usage")

    def __init__(self, policy: EventPolicy) -> None:
        super().__init__()
        self._policy = policy
        self._splitter = EventSplitter()
        self._is_between = False  # after whole events, with nothing over and no event to rewrite
        self._ended: frozenset[int] = frozenset()
        self.usage: Usage | None = None

    @property
    def terminator(self) -> bytes:
        return TERMINATOR

    def hold(self, chunk: bytes) -> None:
        """Take bytes that came before the commit point. Comments are discarded."""
        for event in self._split(chunk):
            if self.done or self.failure is not None:
                continue
            if event.data is None:
                self.failure = bare_error(event, self._policy.find_error)
                continue
            frame = skim_frame(event.data) if self.output_events else read_frame(event.data)
            if self._keeps(event.data, frame):
                self._held.append(self._bytes(event))
                self._held_bytes += len(event.raw)

    def pass_on(self, chunk: bytes) -> bytes:
        """Take bytes that came after the commit point and return those that go to the client."""
        if self._is_between and (data := only_data(chunk)) is not None:
            try:
                decode_plain(data)
            except UNREADABLE:
                pass
            else:
                self.output_events += 1
                return chunk
        events = self._split(chunk)
        output = b"".join([self._bytes(event) for event in events if self._passes(event)])
        is_open = not self.done and self.failure is None
        self._is_between = is_open and self._splitter.is_empty and self._policy.model is None
        return output

    def end_held(self) -> None:
        """The upstream's body ended cleanly before the commit point."""
        if not self._splitter.is_empty:
            self.hold(b"\n\n")
        self._judge_end()

    def end(self) -> bytes:
        """The upstream's body ended cleanly: take what no blank line ended, and judge whether the answer is whole."""
        rest = b"" if self._splitter.is_empty else self.pass_on(b"\n\n")
        self._judge_end()
        return rest

    def _judge_end(self) -> None:
        """A finish reason and a clean end make a whole answer, even where the vendor sends no terminator."""
        if not self.done and not self.finished and self.failure is None:
            self.failure = Failure(FailureKind.PROTOCOL, Scope.CANDIDATE, detail="the stream ended without a finish")

    def _bytes(self, event: Event) -> bytes:
        if self._policy.model is None or event.data is None:
            return event.raw
        try:
            members = split_object(event.data)
        except ValueError:
            return event.raw
        if "model" not in members:
            return event.raw
        return with_data(event, join_object({**members, "model": raw(self._policy.model)}))

    def _note_finish(self, payload: bytes) -> None:
        if self._policy.choices > 1:
            self._ended |= ended_choices(payload)
        self.finished = self._policy.choices == 1 or len(self._ended) >= self._policy.choices

    def _split(self, chunk: bytes) -> list[Event]:
        try:
            return self._splitter.feed(chunk)
        except EventTooLarge as exc:
            self.failure = Failure(FailureKind.PROTOCOL, Scope.CANDIDATE, detail=str(exc))
            return []

    def _passes(self, event: Event) -> bool:
        if self.done or self.failure is not None:
            return False
        if event.data is not None:
            return self._keeps(event.data, skim_frame(event.data))
        self.failure = bare_error(event, self._policy.find_error)
        return self.failure is None

    def _keeps(self, payload: bytes, frame: Frame) -> bool:
        """Note what an event says; return whether the client gets it. The terminator is sent by the relay."""
        if frame.usage is not None:
            self.usage = frame.usage
        if frame.suspect and (failure := self._policy.find_error(payload)) is not None:
            self.failure = failure
            return False
        if frame.finished and not self.finished:
            self._note_finish(payload)
        match frame.kind:
            case FrameKind.OUTPUT:
                self.output_events += 1
            case FrameKind.USAGE:
                return self._policy.keep_usage
            case FrameKind.DONE:
                self.done = True
                return False
            case FrameKind.BROKEN:
                self.broken += 1
                if self._policy.end_on_broken:
                    self.failure = Failure(FailureKind.PROTOCOL, Scope.CANDIDATE, detail="a broken event")
                return False
            case FrameKind.LIFECYCLE:
                pass
        return True
