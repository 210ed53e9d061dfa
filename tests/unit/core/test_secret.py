"""A secret shows itself only when asked."""

from __future__ import annotations

import json
import logging
import os

import pytest

from proxy.core.secret import Secret

PLANTED = "sk-planted-4711"


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(repr(Secret(PLANTED)), id="repr"),
        pytest.param(str(Secret(PLANTED)), id="str"),
        pytest.param(f"{Secret(PLANTED)}", id="format"),
        pytest.param(f"{Secret(PLANTED)!r:>20}", id="format-with-a-width"),
        pytest.param("%s %r" % (Secret(PLANTED), [Secret(PLANTED)]), id="percent"),  # noqa: UP031 # the form under test
        pytest.param(Secret(PLANTED).fingerprint, id="fingerprint"),
    ],
)
def test_no_way_of_printing_shows_a_secret(shown: str) -> None:
    assert PLANTED not in shown
    assert shown


def test_log_line_does_not_show_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("fairlead.test").info("key %s", Secret(PLANTED))
    assert caplog.messages == ["key Secret(***)"]


def test_secret_that_is_not_text_is_compared_and_has_a_fingerprint() -> None:
    odd = os.fsdecode(b"caf\xe9")
    assert Secret(odd) == Secret(odd)
    assert Secret(odd) != Secret("caf?")
    assert Secret(odd).fingerprint != Secret("caf?").fingerprint


def test_secret_is_no_json() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret(PLANTED))


def test_reveal_gives_the_value() -> None:
    assert Secret(PLANTED).reveal() == PLANTED


def test_fingerprint_is_eight_hex_digits_that_follow_the_value() -> None:
    first = Secret("one").fingerprint
    assert len(first) == 8
    int(first, 16)
    assert Secret("one").fingerprint == first
    assert Secret("two").fingerprint != first


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        pytest.param(Secret("größer"), True, id="the-same-value"),
        pytest.param(Secret("kleiner"), False, id="another-value"),
        pytest.param("größer", False, id="the-bare-text"),
        pytest.param(None, False, id="none"),
    ],
)
def test_secrets_are_equal_by_value_and_to_nothing_else(other: object, equal: bool) -> None:
    assert (Secret("größer") == other) is equal


def test_equal_secrets_have_one_hash() -> None:
    assert len({Secret("one"), Secret("one"), Secret("two")}) == 2


@pytest.mark.parametrize(
    ("value", "expected"), [pytest.param("x", True, id="set"), pytest.param("", False, id="empty")]
)
def test_only_an_empty_secret_is_false(value: str, expected: bool) -> None:
    assert bool(Secret(value)) is expected


def test_secret_takes_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        Secret("x").value = "y"  # type: ignore[attr-defined] # the error under test
