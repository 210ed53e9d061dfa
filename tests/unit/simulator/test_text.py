"""The invented tokeniser."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.simulator.text import count_tokens, filler, fitted, tokenise


@given(st.text(max_size=200))
def test_tokens_joined_are_the_text_again(text: str) -> None:
    assert "".join(tokenise(text)) == text


@given(st.integers(0, 300))
def test_filler_counts_as_many_tokens_as_it_has(count: int) -> None:
    assert len(filler(count)) == count == count_tokens(["".join(filler(count))])


def test_fitted_cuts_and_fills() -> None:
    assert fitted(("a", "b", "c"), 2) == ("a", "b")
    assert fitted(("a",), 3) == ("a", " one", " two")
