"""What a realtime session used: told by its events, of which this looks at copies, and booked at its end.

Each answer is priced as a request of its own, and each transcript at the price of the model that made it. What was left
out makes the record an estimate: an answer that was begun and not finished, a transcript without a price, an event that
could not be read. Never holds anything up and never raises.
"""

from __future__ import annotations

from msgspec.structs import replace

from proxy.core.health import CandidateId
from proxy.core.price import Cost, Price
from proxy.core.snapshot import Candidate, Prices
from proxy.core.translation import Undecodable
from proxy.core.usage import LARGEST_COUNT, Usage
from proxy.gateway.accounting import Account
from proxy.pricing.cost import cost, price_at
from proxy.translate.realtime import AnswerBegan, Answered, Listening, Noted, Transcribed, is_wanted, read_event
from proxy.wire.messages import MessageReader

MOST_TOKENS = 100 * LARGEST_COUNT  # of a session; one that counts more counts wrongly


class SessionMeter:
    """Adds up one session."""

    def __init__(self, account: Account, candidate: Candidate, prices: Prices) -> None:
        self._account = account
        self._candidate = candidate
        self._prices = prices
        self._reader = MessageReader(is_wanted)
        self._transcriber = ""
        self._unfinished = 0  # answers that were begun
        self._is_partial = False
        self._used: Usage | None = None
        self._cost: Cost | None = Cost(0, "")

    def feed(self, data: bytes) -> None:
        """Look at what the upstream says."""
        for message in self._reader.feed(data):
            try:
                event = read_event(message)
            except Undecodable:
                self._is_partial = True
            else:
                self._note(event)

    def book(self) -> None:
        """Tell the record what was used; nothing where the session said nothing of it."""
        if self._used is None:
            return
        is_partial = self._is_partial or self._unfinished > 0 or self._reader.has_missed
        self._account.usage = replace(self._used, estimated=True) if is_partial else self._used
        self._account.cost = self._cost

    def _note(self, event: Noted | None) -> None:
        match event:
            case AnswerBegan():
                self._unfinished += 1
            case Answered(usage=usage):
                self._unfinished = max(0, self._unfinished - 1)
                self._count(usage, self._candidate.price)
            case Listening(model=model):
                self._transcriber = model
            case Transcribed(usage=usage):
                self._count_transcript(usage)
            case None:
                pass

    def _count_transcript(self, usage: Usage | None) -> None:
        provider, own = self._candidate.id
        if self._transcriber in ("", own):
            self._count(usage, self._candidate.price)
            return
        price = self._prices.get(CandidateId(provider, self._transcriber))
        priced = None if usage is None else self._cost_of(usage, price)
        self._count(None if priced is None else usage, price)  # its tokens are not those of the session's model

    def _count(self, usage: Usage | None, price: Price | None) -> None:
        used = self._used or Usage()
        if usage is None or used.prompt_tokens + used.completion_tokens > MOST_TOKENS:
            self._is_partial = True
            return
        priced = self._cost_of(usage, price)
        self._used = _summed(used, usage)
        if priced is None or self._cost is None:
            self._cost = None
        else:
            self._cost = Cost(self._cost.nusd + priced.nusd, self._cost.source or priced.source)

    def _cost_of(self, usage: Usage, price: Price | None) -> Cost | None:
        now_price = None if price is None else price_at(price, self._account.started_at_s)
        return cost(usage, now_price, self._candidate.provider.cost_multiplier)


def _summed(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.prompt_tokens + other.prompt_tokens,
        one.completion_tokens + other.completion_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        audio_input_tokens=one.audio_input_tokens + other.audio_input_tokens,
        audio_output_tokens=one.audio_output_tokens + other.audio_output_tokens,
    )
