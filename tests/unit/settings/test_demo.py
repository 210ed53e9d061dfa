from __future__ import annotations

from proxy.settings import demo
from proxy.simulator.grammar import parse_phrase, phrase_of


def test_the_simulator_limits_the_first_provider_now_and_then() -> None:
    phrase = phrase_of(demo.LIMITED)
    assert phrase is not None
    behaviour, condition = parse_phrase(phrase)
    assert (behaviour.cause, behaviour.recovery, condition.every) == ("rate-limit", "3", 4)


def test_the_second_provider_always_answers() -> None:
    phrase = phrase_of(demo.STEADY)
    assert phrase is not None
    assert parse_phrase(phrase).behaviour.cause is None
