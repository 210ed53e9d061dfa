"""No credential leaves in an upstream's words."""

from __future__ import annotations

import os
import re
import string
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.providers.redaction import MASK, Known, cut, redact, without_user


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
    known = Known(("planted-one", "planted-one-and-more"))
    assert redact("a planted-one-and-more b planted-one c", known) == f"a {MASK} b {MASK} c"


def test_placeholder_for_a_secret_masks_no_words() -> None:
    assert redact("the model ollama is missing", Known(("ollama", ""))) == "the model ollama is missing"


def test_a_secret_that_is_no_text_is_masked_too() -> None:
    odd = os.fsdecode(b"caf\xe9-of-one-that-is-long-enough")
    assert redact(f"a {odd} b", Known((odd,))) == f"a {MASK} b"


@pytest.mark.parametrize(
    ("value", "text", "clean"),
    [
        pytest.param("http://localhost:8080/v1/planted", "http://localhost:9000 is up", None, id="another-port"),
        pytest.param("https://api.openai.com/v1", "https://api.openai.org/v1", None, id="another-host"),
        pytest.param("https://api.openai.com/v1", "at https://api.openai.com/v1 now", f"at {MASK} now", id="it"),
        pytest.param("https://hook.test/to/planted/words", "https://hook.test/to/plant…", MASK, id="cut-off"),
        pytest.param("http://me:planted-words@host:1", "http://me:planted-", MASK, id="password-cut-off"),
    ],
)
def test_where_a_secret_url_leads_is_no_secret_alone(value: str, text: str, clean: str | None) -> None:
    assert Known((value,))(text) == (text if clean is None else clean)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        pytest.param("http://me:word@host:1/x", f"http://{MASK}@host:1/x", id="user-and-password"),
        pytest.param("http://me:pa@ss@host:1/x", f"http://{MASK}@host:1/x", id="at-in-a-password"),
        pytest.param("'http://me:it's@host:1/x'", f"'http://{MASK}@host:1/x'", id="apostrophe-in-a-password"),
        pytest.param("http://a@b, http://c:d@e", f"http://{MASK}@b, http://{MASK}@e", id="two"),
        pytest.param("http://host/@me", None, id="path"),
    ],
)
def test_user_and_password_of_urls_are_masked(text: str, clean: str | None) -> None:
    assert without_user(text) == (text if clean is None else clean)


VALUE = "Planted/Provider+Credential=0001~and.more-of_it"  # of no vendor's shape
SHORT = "Plain/Word+1"
SLASHED = "PlantedProviderCredential/0001+of/several=="  # its first escape comes after what is known of one cut off
ESCAPED = "sv=planted%2Ftoken&sig=0001%3D/of\\escapes+"  # as the tokens in some vendors' URLs, and passwords, are
URL_SAFE = str.maketrans("+/", "-_")


def wrapped(text: str, width: int, line_break: str) -> str:
    return line_break.join(text[at : at + width] for at in range(0, len(text), width))


def based(before: bytes, value: str, after: bytes = b"") -> str:
    return b64encode(before + value.encode() + after).decode()


ECHOES = [
    pytest.param(lambda value: value, id="as-it-is"),
    pytest.param(lambda value: quote(value, safe=""), id="percent"),
    pytest.param(lambda value: re.sub("%..", lambda found: found[0].lower(), quote(value, safe="")), id="percent-low"),
    pytest.param(lambda value: "".join(f"%{ord(letter):02X}" for letter in value), id="percent-of-all"),
    pytest.param(lambda value: quote(quote(value, safe=""), safe=""), id="percent-twice"),
    pytest.param(lambda value: value.replace("/", "\\/"), id="json"),
    pytest.param(lambda value: "".join(f"\\u{ord(letter):04x}" for letter in value), id="json-of-all"),
    pytest.param(lambda value: value.replace("/", "\\\\\\/"), id="json-twice"),
    pytest.param(lambda value: value.replace("+", "&#43;").replace("/", "&#x2F;").replace("=", "&equals;"), id="html"),
    pytest.param(lambda value: wrapped(value, 7, "\n"), id="broken"),
    pytest.param(lambda value: wrapped(value, 20, "\n"), id="broken-late"),
    pytest.param(lambda value: wrapped(value, 5, "\r\n    "), id="broken-and-indented"),
    pytest.param(lambda value: wrapped(value, 9, "\\n"), id="broken-in-json"),
    *(pytest.param(partial(based, b"x" * length), id=f"base64-after-{length}") for length in range(4)),
    pytest.param(lambda value: based(b"user:", value, b"@host/and/more"), id="base64-inside"),
    pytest.param(lambda value: based(b"x", value).translate(URL_SAFE).rstrip("="), id="base64-of-urls"),
    pytest.param(lambda value: wrapped(based(b":", value), 16, "\n"), id="base64-broken"),
    pytest.param(lambda value: wrapped(based(b":", value), 36, "\n"), id="base64-broken-late"),
]


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("value", [VALUE, SHORT, SLASHED, ESCAPED], ids=["long", "short", "slashed", "escaped"])
def test_known_value_is_masked_in_every_form_in_which_it_may_come_back(value: str, echo: Callable[[str], str]) -> None:
    said = redact(f"You sent {echo(value)}, which is wrong.", Known((value,)))
    assert said.startswith("You sent ")
    assert MASK in said
    assert said.endswith(", which is wrong.")
    left = said.removeprefix("You sent ").removesuffix(", which is wrong.").replace(MASK, "")
    assert len(left) <= 8, left  # of base64: what stood before the value


@pytest.mark.parametrize("echo", [str.lower, str.upper, str.swapcase])
def test_long_value_is_masked_in_any_letters(echo: Callable[[str], str]) -> None:
    assert redact(f"key {echo(VALUE)}!", Known((VALUE,))) == f"key {MASK}!"


@pytest.mark.parametrize("length", [16, 20, len(VALUE) - 1])
@pytest.mark.parametrize("end", ["", "...", " and so on", '"}'])
def test_beginning_of_a_long_value_is_masked(length: int, end: str) -> None:
    said = redact(f"key {VALUE[:length]}{end}", Known((VALUE,)))
    assert VALUE[:12] not in said
    assert said.startswith(f"key {MASK}")


def test_base64_of_urls_is_known_by_its_own_letters() -> None:
    code = based(b"", "~~~???>>>~~~???")
    assert "+" in code and "/" in code
    assert redact(f"sent {code.translate(URL_SAFE)}", Known(("~~~???>>>~~~???",))) == f"sent {MASK}"


def test_beginning_of_a_long_value_is_masked_in_base64_too() -> None:
    assert redact(f"sent {based(b'', VALUE)[:30]}", Known((VALUE,))) == f"sent {MASK}"


@pytest.mark.parametrize(
    ("text", "known"),
    [
        pytest.param("Set the Password, not the password.", "PASSWORD", id="a-short-value-in-other-letters"),
        pytest.param("production-data is missing", "production-key-01", id="a-beginning-of-what-is-not-long"),
        pytest.param("a development setup", "development-setup-of-the-team", id="too-short-a-beginning"),
        pytest.param(f"{VALUE[:8]}***{VALUE[-4:]}", VALUE, id="what-a-vendor-masked"),
        pytest.param("100 % of 5 %41 \\u0041 &amp; \n\nA list:\n- a", VALUE, id="escapes-of-other-things"),
        pytest.param("the test failed", "test", id="a-word-of-four-letters"),
        pytest.param("dGVzdA== and %74est", "test", id="a-word-of-four-letters-in-other-forms"),
    ],
)
def test_innocent_words_stay_as_they_are(text: str, known: str) -> None:
    assert redact(text, Known((known,))) == text


def test_words_beside_a_value_keep_their_escapes_and_lines() -> None:
    known = Known((VALUE, ESCAPED))
    text = f"100 % of %41:\n  {VALUE}\n  {ESCAPED}\nor so"
    assert redact(text, known) == f"100 % of %41:\n  {MASK}\n  {MASK}\nor so"


@pytest.mark.parametrize("before", ["100%", "%2", "C:\\", "\\u00", "&#6"])
def test_what_a_value_would_be_with_the_words_before_it_shows_nothing_of_it(before: str) -> None:
    value = "41ab" + VALUE
    assert redact(f"{before}{value} and 5%", Known((value,))) == f"{before}{MASK} and 5%"


def test_a_character_that_is_none_hides_nothing_and_breaks_nothing() -> None:
    known, large = Known((VALUE,)), f"&#{'9' * 5_000};"
    assert redact(f"{large} {VALUE}", known) == f"{large} {MASK}"
    assert redact(f"\\ud83d {quote(VALUE, safe='')} \\u000a", known).encode() == f"\\ud83d {MASK} \\u000a".encode()


def test_what_is_escaped_over_and_over_is_read_so_far_and_no_further() -> None:
    text = "%" + "25" * 9 + "41"
    assert redact(text, Known((VALUE,))) == text


def test_hostile_text_is_read_once() -> None:
    """Each of these would take minutes by a pattern that goes back."""
    known = Known((VALUE, SHORT))
    for letter in " \\%&\n":
        text = letter * 400_000 + "!"
        assert redact(text, known) == text
    assert redact(VALUE[:16] * 30_000 + "!", known) == MASK


def test_nothing_known_masks_nothing() -> None:
    assert redact("plain\nwords", Known(())) == "plain\nwords"


@given(
    secret=st.text(string.ascii_letters + string.digits + "_-+/=.%&;#\\\"'<>", min_size=12),
    before=st.text(max_size=80),
    after=st.text(max_size=80),
)
def test_planted_secret_never_passes(secret: str, before: str, after: str) -> None:
    assert secret not in redact(before + secret + after + secret, Known([secret]))


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
