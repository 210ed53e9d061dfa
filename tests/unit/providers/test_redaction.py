"""No credential leaves in an upstream's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.secret import Secret
from proxy.providers.redaction import MASK, cut, redact


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        pytest.param("bad key sk-proj-abcDEF123456", f"bad key {MASK}", id="openai"),
        pytest.param("key sk-or-v1-0123456789abcdef.", f"key {MASK}", id="openrouter"),
        pytest.param("gsk_0123456789abcdef wrong", f"{MASK} wrong", id="groq"),
        pytest.param("xai-0123456789abcdef", MASK, id="xai"),
        pytest.param("AIzaSyA0123456789abcdefghij", MASK, id="google"),
        pytest.param("ya29.a0AfH6SMBx0123", MASK, id="google-token"),
        pytest.param("AKIAIOSFODNN7EXAMPLE", MASK, id="aws"),
        pytest.param("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0", MASK, id="jwt"),
        pytest.param("Authorization: Bearer abc.def/ghi", f"Authorization: Bearer {MASK}", id="bearer"),
        pytest.param("BEARER abcdefgh", f"BEARER {MASK}", id="bearer-in-capitals"),
        pytest.param("Basic dXNlcjpwYXNz", f"Basic {MASK}", id="basic"),
        pytest.param("https://x/?key=abcdef123456&alt=sse", f"https://x/?key={MASK}&alt=sse", id="query"),
        pytest.param('{"api_key": "abcdef123456"}', f'{{"api_key": "{MASK}"}}', id="json"),
        pytest.param("password=correct-horse", f"password={MASK}", id="password"),
        pytest.param("Incorrect API key provided: 123456789", f"Incorrect API key provided: {MASK}", id="key-provided"),
        pytest.param("You asked for 9000 tokens, the limit is 8192.", None, id="plain-words"),
        pytest.param("max_tokens: 4096 is too large", None, id="max-tokens"),
        pytest.param("risk-averse ask-me-anything", None, id="hyphens-in-words"),
        pytest.param("the key is short", None, id="no-value"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str, clean: str | None) -> None:
    assert redact(text) == (text if clean is None else clean)


def test_given_secrets_are_masked_the_longest_first() -> None:
    secrets = (Secret("planted-one"), Secret("planted-one-and-more"))
    assert redact("a planted-one-and-more b planted-one c", secrets) == f"a {MASK} b {MASK} c"


def test_placeholder_for_a_secret_masks_no_words() -> None:
    assert redact("the model ollama is missing", (Secret("ollama"), Secret(""))) == "the model ollama is missing"


@given(
    secret=st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/=.", min_size=12),
    before=st.text(max_size=80),
    after=st.text(max_size=80),
)
def test_planted_secret_never_passes(secret: str, before: str, after: str) -> None:
    assert secret not in redact(before + secret + after + secret, [Secret(secret)])


@pytest.mark.parametrize(
    ("text", "limit_bytes", "shorter"),
    [
        pytest.param("abc", 3, "abc", id="fits"),
        pytest.param("abcd", 3, "abc", id="ascii"),
        pytest.param("éé", 3, "é", id="never-within-a-character"),
        pytest.param("\ud800x", 1, "?", id="lone-surrogate"),
    ],
)
def test_text_is_cut(text: str, limit_bytes: int, shorter: str) -> None:
    assert cut(text, limit_bytes) == shorter
