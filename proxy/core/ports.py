"""The ports between layers: Protocols whose implementations are wired in `app` alone, and the values they speak of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from proxy.core.access import Access
from proxy.core.call import Headers
from proxy.core.failure import Failure, FailureKind
from proxy.core.health import CandidateId, Slot, StateView, Target
from proxy.core.records import CloseRecord, OpenRecord
from proxy.core.snapshot import Candidate, ClientKey, Credential, Model, Provider, Snapshot


class Clock(Protocol):
    """Time. `now` is monotonic, `wall` is Unix time, both in seconds."""

    def now(self) -> float: ...

    def wall(self) -> float: ...

    async def sleep(self, delay_s: float) -> None: ...


class Wait(Struct, frozen=True, gc=False):
    """Until when a network wait may last (monotonic seconds), and what it is called when it does not end in time."""

    until_s: float
    kind: FailureKind


class UpstreamRoute(Struct, frozen=True, eq=False):
    """What many requests to one upstream share.

    Attributes:
        provider: Chooses transport, TLS settings and proxy; connections are pooled per provider and origin.
        origin: Scheme, host and port where it is not the usual one. `ws` and `wss` ask for a WebSocket.
        target: Path and query, as sent.
        headers: `host` first; names in lower case.
    """

    provider: Provider
    method: str
    origin: str
    target: str
    headers: Headers

    def __repr__(self) -> str:
        return f"UpstreamRoute({self.method} to {self.provider.name})"  # never a credential


class UpstreamRequest(Struct, frozen=True, eq=False):
    """One request to one upstream.

    Attributes:
        extra: Its own header fields, names in lower case; `content-length` follows where there may be a body.
    """

    route: UpstreamRoute
    extra: Headers
    body: bytes

    def __repr__(self) -> str:
        return f"UpstreamRequest({self.route.method} to {self.route.provider.name}, {len(self.body)} bytes)"

    @property
    def url(self) -> str:
        return self.route.origin + self.route.target

    @property
    def headers(self) -> Headers:
        """All of them, as sent."""
        length = () if self.is_bare else ((b"content-length", b"%d" % len(self.body)),)
        return (*self.route.headers, *self.extra, *length)

    @property
    def is_bare(self) -> bool:
        """Whether there is no body, and nobody expects one."""
        return not self.body and self.route.method in ("GET", "DELETE")


# Takes a piece of a body; False = stop. Called by the event loop itself: it may not wait and may not raise.
Sink = Callable[[bytes], bool]


class UpstreamResponse(Protocol):
    """An upstream's answer whose body has not been read yet."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Headers:
        """Names in lower case, in the order they came."""
        ...

    async def read(self, wait: Wait) -> bytes | Failure:
        """Return the next bytes of the body, b"" once it has ended cleanly, or why it did not."""
        ...

    def take_whole(self) -> bytes | None:
        """Return the whole rest of the body if it has come already; `read` then gives its end.

        None, and nothing is taken, if more is to come or the transport cannot tell.
        """
        ...

    def hand_to(self, sink: Sink | None) -> None:
        """Let pieces of the body that come while a `read` waits go straight to `sink`; None ends it.

        The read goes on waiting, as long again for each piece, until the sink says stop: then it returns b"", as at
        the end, and the sink's owner knows which it was. A transport may ignore this and return every piece.
        """
        ...

    async def aclose(self) -> None:
        """Give the connection back if the message is complete, else close it. Idempotent; never raises."""
        ...


@runtime_checkable
class UpstreamTunnel(UpstreamResponse, Protocol):
    """The answer 101 to a request whose route asks for a WebSocket: `read` gives what comes, b"" at a clean end."""

    def write(self, data: bytes) -> None:
        """Send bytes; nothing happens once the connection is lost."""
        ...

    async def drained(self) -> None:
        """Wait until most of what was written has left, or the connection is lost."""
        ...


class Transport(Protocol):
    async def send(self, request: UpstreamRequest, connect: Wait, head: Wait) -> UpstreamResponse | Failure:
        """Send a request and wait for the final status line and headers.

        1xx answers are skipped. Redirects are returned like any other status. Cancellation closes the connection.
        """
        ...

    async def aclose(self) -> None: ...


class Credentials(Protocol):
    """What requests carry for credentials that have an `account`. Both calls are for such credentials alone.

    A failure has sent nothing to the provider itself. Cancelling a call ends its wait, never what others wait for too.
    """

    async def ready(self, provider: Provider, credential: Credential, wait: Wait) -> Access | Failure:
        """Return what a request must carry now: from memory, without waiting, unless there is nothing valid in it."""
        ...

    async def refresh(
        self, provider: Provider, credential: Credential, refused: Access, wait: Wait
    ) -> Access | Failure:
        """Return what to send instead of what the provider just refused with `auth`; a failure if there is nothing."""
        ...


class ModelLists(Protocol):
    """What providers say that they have. Only the routes that list models ask."""

    async def models(self, snapshot: Snapshot, providers: Sequence[Provider]) -> list[Model]:
        """Return the models of these providers' own lists, each by its direct name, in the order of the providers.

        Waits a short time at most for providers whose lists are not known; who has not answered by then, or gives
        none, is left out.
        """
        ...


class Grant(Struct, eq=False):
    """What an attempt asks of the shared state before it is sent, and holds once `claim` has admitted it.

    Its holder then calls `succeeded`, `failed` or neither, where the answer goes on `finished` or `failed` after the
    first, and at last `release`, on the shared state.

    Attributes:
        tokens: Estimate counted against the provider's `tpm`.
        last_resort: Sent although everything is set aside; its failure sets nothing aside.
        claimed: Targets whose recovery this attempt probes: what `claim` found half-open.
    """

    candidate: Candidate
    credential: str
    began_s: float
    tokens: int = 0
    last_resort: bool = False
    claimed: tuple[Target, ...] = ()
    released: bool = False


class Setback(Struct, frozen=True, gc=False):
    """What a failure changed: the targets newly set aside, and whether a breaker opened."""

    asides: tuple[Target, ...] = ()
    breaker_opened: bool = False


class SharedState(Protocol):
    """Counters that replicas may share. The view is local and read without waiting; every change is a call here.

    Calls that are told something and answer nothing are not waited for: they count in their order.
    """

    @property
    def view(self) -> StateView: ...

    async def claim(self, grant: Grant) -> bool:
        """Admit an attempt; False when a half-open claim, a limit or the last-resort cap refuses it."""
        ...

    def succeeded(self, grant: Grant, now_s: float, first_token_s: float, *, goes_on: bool = False) -> None:
        """The attempt gave its first meaningful output (stream) or its whole answer. Ends what it probed.

        Args:
            goes_on: More is to come: breakers count it when that has been whole (`finished`) or was not (`failed`).
        """
        ...

    def finished(self, grant: Grant, now_s: float) -> None:
        """What went on after `succeeded` came whole."""
        ...

    async def failed(self, grant: Grant, failure: Failure, now_s: float) -> Setback:
        """The attempt failed, before or after its commit. Sets aside what the failure says."""
        ...

    def release(self, grant: Grant, now_s: float, tokens: int | None = None) -> None:
        """The attempt is over: give its place and its open claims back; `tokens` corrects the tpm estimate."""
        ...

    async def reserve(self, ask: KeyAsk) -> KeyGrant | LimitReached:
        """Take a place, tokens and money from the limits of the asking key, or say which limit forbids it."""
        ...

    def settle(self, grant: KeyGrant, tokens: int, nusd: int, now_s: float) -> None:
        """Give the place back, and what was reserved beyond this much. A second call does nothing."""
        ...

    def count(self, key: ClientKey, nusd: int, now_s: float, wall_s: float) -> None:
        """Note what a request of a key without limits cost: it may be given a budget later."""
        ...

    def key_budget(self, key: ClientKey, now_s: float) -> KeyBudget | None:
        """Say what is left of a key's requests and tokens; None = all of them. Local, without waiting."""
        ...

    def take_turn(self, slot: Slot) -> None:
        """Count one ordering of a counting rotation."""
        ...

    async def advance(self, slot: Slot, expected: CandidateId, new: CandidateId, first: CandidateId) -> bool:
        """Move a sticky pointer if it still is at `expected` (an absent pointer is at `first`)."""
        ...


class KeyAsk(Struct, frozen=True, eq=False):
    """What a request asks of its client key's limits, once planned.

    Attributes:
        tokens: Estimate: input and what may be answered.
        nusd: The most it may cost, in nano-dollars, at the dearest candidate of the plan; 0 where nothing is priced.
        now_s: Monotonic. `wall_s`: Unix time; it names the day and the month.
    """

    key: ClientKey
    tokens: int
    nusd: int
    now_s: float
    wall_s: float


class KeyGrant(Struct, eq=False):
    """A place, tokens and money taken from a key's limits, until `settle` gives back what was not used.

    The shared state notes in its own kind of grant where it took them from.
    """

    ask: KeyAsk


class LimitReached(Struct, frozen=True):
    """Why a key's request is refused.

    Attributes:
        limit: "rpm", "tpm", "parallel", "budget_usd_day", "budget_usd_month", or "budget_unknown": what was spent is
            not known yet.
        allowed, used: Requests, tokens, requests at once; nano-dollars for budgets.
        resets_s: Seconds until a request may be admitted again, as far as can be said.
        is_held: What is left of a budget would do, and requests under way have it in reserve.
    """

    limit: str
    allowed: int
    used: int
    resets_s: float
    is_held: bool = False


class KeyBudget(Struct, frozen=True):
    """What is left of a key's limits, for the `x-ratelimit-*` headers: limit, remaining, seconds until it is full."""

    requests: tuple[int, int, float] | None
    tokens: tuple[int, int, float] | None


class KeptItems(Protocol):
    """Items of answers to OpenAI Responses; an owner, a client key's name or "" in open mode, finds its own alone."""

    def keep(self, owner: str, items: Mapping[str, bytes]) -> None:
        """Keep items, JSON by their ids, as long as there is room; never waits."""
        ...

    def find(self, owner: str, id_: str) -> bytes | None:
        """Return an item; None = never kept, or not any more."""
        ...


class UsageSink(Protocol):
    """Where usage goes. Both calls return when the record would survive the process; neither may block the loop."""

    def open(self, record: OpenRecord) -> None:
        """Append. Raises `core.errors.LedgerFull` where the record cannot be kept and `on_full` is "refuse"."""
        ...

    def close(self, record: CloseRecord) -> None:
        """Append. Never raises: the answer is there; a record that cannot be kept is counted and logged."""
        ...
