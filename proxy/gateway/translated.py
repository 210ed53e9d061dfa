"""The events of one upstream stream in any dialect, on their way to a client of the same or of another one.

The same dialect: bytes pass as they came, and the decoder only looks on. Another: what it decodes is encoded anew. From
the finish on everything is held back, until the ledger has the record. It never waits and never writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from proxy.core.failure import Failure, FailureKind, Scope, UpstreamError
from proxy.core.streamparts import OUTPUT, Began, Counted, Failed, Finished, StreamPart
from proxy.core.translation import StreamDecoder, StreamEncoder, Undecodable
from proxy.core.usage import Usage
from proxy.gateway.events import HoldingReader, bare_error
from proxy.pricing.estimate import estimate_output
from proxy.providers.dialects import Splitter
from proxy.wire.sse import Event

MAX_TRANSLATED_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class TranslationPolicy:
    """How a stream is read.

    Attributes:
        encoder: None = the client speaks the upstream's dialect.
        find_error: Looks for an error in an event's data (`providers.signals.envelope_failure`).
        end_on_broken: A broken event ends the stream instead of being dropped.
        choices: How many the client asked for; each is to finish.
        max_bytes: What is translated, or held back, may be as large; encoders and decoders keep some of it.
        is_terminated: As in `providers.dialects.UpstreamDialect`.
        rename: Of the same dialect: gives an event's bytes with the public name in it; None leaves them alone.
    """

    splitter: Splitter
    decoder: StreamDecoder
    encoder: StreamEncoder | None
    find_error: Callable[[bytes], Failure | None]
    end_on_broken: bool = False
    choices: int = 1
    max_bytes: int = MAX_TRANSLATED_BYTES
    is_terminated: bool = False
    rename: Callable[[Event], bytes] | None = None


class TranslatedReader(HoldingReader):
    """Reads one stream."""

    __slots__ = ("_counted", "_ended", "_kept_bytes", "_last", "_opening", "_policy")

    def __init__(self, policy: TranslationPolicy) -> None:
        super().__init__()
        self._policy = policy
        self._last: list[bytes] = []  # of the same dialect: what came from the finish on
        self._ended: set[int] = set()
        self._kept_bytes = 0  # that the policy's bound is for
        self._opening: Usage | None = None  # what was told at the beginning, mostly of the prompt alone
        self._counted: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        """What the upstream counted; of a stream that ended before the count its beginning, the output estimated."""
        if self._counted is not None or self._opening is None:
            return self._counted
        written = max(self._opening.completion_tokens, estimate_output(0, self.output_events))
        return replace(self._opening, completion_tokens=written, estimated=True)

    @property
    def terminator(self) -> bytes:
        """What ends the stream for the client, once the ledger has the record."""
        encoder = self._policy.encoder
        return b"".join(self._last) if encoder is None else encoder.finish()

    def hold(self, chunk: bytes) -> None:
        """Take bytes that came before the commit point."""
        for event in self._split(chunk):
            taken = self._take(event)
            if event.data is not None:
                self._held.append(taken)
                self._held_bytes += len(event.raw)

    def pass_on(self, chunk: bytes) -> bytes:
        """Take bytes that came after the commit point and return those that go to the client."""
        events = self._split(chunk)
        if len(events) == 1:
            return self._take(events[0])
        return b"".join([self._take(event) for event in events])

    def end_held(self) -> None:
        """The upstream's body ended cleanly before the commit point."""
        self._held.append(self.end())

    def end(self) -> bytes:
        """The upstream's body ended cleanly: take what nothing ended, and judge whether the answer is whole."""
        rest = b""
        for _ in range(2):  # two ends of line end any event; where one does, a second would begin another
            if not self._policy.splitter.is_empty:
                rest += self.pass_on(b"\n")
        if not self.done and self.failure is None:
            rest += self._parts(self._policy.decoder.finish())
            if not self.finished:
                self._fail("the stream ended without a finish")
            elif self._policy.is_terminated:
                self._fail("the stream ended without its terminator")
            elif not self._policy.splitter.is_empty:
                self._fail("the stream ended inside an event")
        return rest

    def _split(self, chunk: bytes) -> list[Event]:
        try:
            return self._policy.splitter.feed(chunk)
        except ValueError as exc:  # too large, or damaged
            self._fail(str(exc))
            return []

    def _take(self, event: Event) -> bytes:
        """Note what an event says; return what the client gets of it now."""
        if self.done or self.failure is not None:
            return b""
        if self._policy.encoder is not None or self.finished:
            self._kept_bytes += len(event.raw)
            if self._kept_bytes > self._policy.max_bytes:
                self._fail(f"a stream larger than {self._policy.max_bytes} bytes")
                return b""
        if event.data is None:  # a comment
            self.failure = bare_error(event, self._policy.find_error)
            is_passed = self._policy.encoder is None and not self.finished and self.failure is None
            return event.raw if is_passed else b""
        decoder = self._policy.decoder
        try:
            parts = decoder.feed(event.name, event.data)
        except Undecodable:
            return self._note_broken()
        output = self._parts(parts)
        self.done = decoder.done
        if self._policy.encoder is not None or self.failure is not None:
            return output
        rename = self._policy.rename
        passed = event.raw if rename is None else rename(event)
        if self.finished or self.done:
            self._last.append(passed)
            return b""
        return passed

    def _parts(self, parts: Sequence[StreamPart]) -> bytes:
        """Note what the parts say and encode them, where the client speaks another dialect."""
        encoder = self._policy.encoder
        output = b""
        for part in parts:
            if isinstance(part, OUTPUT):
                self.output_events += 1
                if isinstance(part, Finished):
                    self._ended.add(part.choice)
                    self.finished = len(self._ended) >= self._policy.choices
            elif isinstance(part, Counted):
                self._counted = part.usage
            elif isinstance(part, Began):
                self._opening = part.usage or self._opening
            elif isinstance(part, Failed):
                self.failure = self._policy.find_error(part.payload) or _unnamed()
                break
            if encoder is not None:
                output += encoder.feed(part)
        return output

    def _note_broken(self) -> bytes:
        self.broken += 1
        if self._policy.end_on_broken:
            self._fail("a broken event")
        return b""

    def _fail(self, detail: str) -> None:
        self.failure = Failure(FailureKind.PROTOCOL, Scope.CANDIDATE, detail=detail)


def _unnamed() -> Failure:
    """An error inside a stream that no table knows."""
    detail = "an error inside the stream"
    return Failure(FailureKind.SERVER_ERROR, Scope.CANDIDATE, detail=detail, error=UpstreamError(detail))
