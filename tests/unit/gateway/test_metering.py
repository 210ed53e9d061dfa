"""Sessions added up: what their events say, answer by answer, and what that costs."""

from __future__ import annotations

import json

from proxy.core.call import Operation
from proxy.core.price import Cost, Price, Rate, TokenRates
from proxy.core.usage import LARGEST_COUNT, Usage
from proxy.gateway.accounting import Account
from proxy.gateway.metering import MOST_TOKENS, SessionMeter
from tests.fakes.prices import flat_price
from tests.unit.gateway.engine import Bench
from tests.unit.routing.build import call, candidate, model

HEARD = "conversation.item.input_audio_transcription.completed"
BEGUN: dict[str, object] = {"type": "response.created"}
PRICE = flat_price("2", "10")


def done(prompt: int, output: int) -> dict[str, object]:
    return {"type": "response.done", "response": {"usage": {"input_tokens": prompt, "output_tokens": output}}}


def heard(prompt: int) -> dict[str, object]:
    return {"type": HEARD, "usage": {"type": "tokens", "input_tokens": prompt, "output_tokens": 0}}


def listening(transcriber: str) -> dict[str, object]:
    return {"type": "session.updated", "session": {"input_audio_transcription": {"model": transcriber}}}


def metered(*events: dict[str, object], price: Price | None = PRICE, ear: Price | None = None) -> Account:
    """Book a session in which an upstream said this; the model `ear` of the same provider has a price too."""
    by = candidate("a", price=price)
    account = Bench().account(call(Operation.REALTIME), model(by))
    meter = SessionMeter(account, by, {} if ear is None else {by.id._replace(model="ear"): ear})
    for event in events:
        message = json.dumps(event).encode()
        meter.feed(b"\x81\x7f" + len(message).to_bytes(8, "big") + message)
    meter.book()
    return account


def test_answers_add_up() -> None:
    account = metered(BEGUN, done(1_000, 10), BEGUN, done(2_000, 20))
    assert (account.usage, account.cost) == (Usage(3_000, 30), Cost(6_300_000, "configured"))


def test_session_that_says_nothing_of_use_leaves_the_record_as_it_is() -> None:
    account = metered(BEGUN, {"type": "error", "error": {}})
    assert (account.usage, account.cost) == (None, None)


def test_each_answer_is_priced_by_its_own_prompt() -> None:
    stepped = Price("configured", TokenRates(input=Rate(2_000_000, ((1_500, 4_000_000),)), output=Rate(0)))
    assert metered(done(1_000, 0), done(1_000, 0), price=stepped).cost == Cost(4_000_000, "configured")
    assert metered(done(1_000, 0), done(2_000, 0), price=stepped).cost == Cost(10_000_000, "configured")


def test_one_answer_without_a_known_cost_makes_the_whole_unknown() -> None:
    account = metered(done(1_000, 0), done(1_000, 1), done(1_000, 0), price=flat_price("2"))
    assert (account.usage, account.cost) == (Usage(3_000, 1), None)


def test_answer_that_nobody_saw_begin_hides_none_that_was_not_finished() -> None:
    account = metered(done(1, 1), BEGUN)
    assert account.usage == Usage(1, 1, estimated=True)


def test_transcript_of_a_model_that_lacks_a_rate_is_left_out() -> None:
    account = metered(listening("ear"), heard(5), done(1_000, 0), ear=flat_price(None, "1"))
    assert (account.usage, account.cost) == (Usage(1_000, estimated=True), Cost(2_000_000, "configured"))


def test_last_transcriber_that_was_named_counts() -> None:
    account = metered(listening("other"), listening("ear"), heard(5), ear=flat_price("1", "1"))
    assert (account.usage, account.cost) == (Usage(5), Cost(5_000, "configured"))


def test_session_that_counts_more_than_can_be_is_counted_no_further() -> None:
    account = metered(*[done(LARGEST_COUNT, LARGEST_COUNT)] * 60)
    assert account.usage is not None
    assert account.usage.estimated
    assert MOST_TOKENS < account.usage.prompt_tokens + account.usage.completion_tokens < MOST_TOKENS * 1.1
