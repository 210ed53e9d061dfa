"""Text of an upstream made fit for a client or a log: whatever is or looks like a credential is masked.

Never lengthens the text by more than its masks, never judges what the text means.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Container, Iterable
from contextlib import suppress
from html import unescape
from urllib.parse import unquote

MASK = "[redacted]"

# What a header or a variable is called that holds a secret.
SECRET_NAME = re.compile(r"auth|key|token|secret|cookie|pass|pwd|cred|dsn|sign|private", re.IGNORECASE)

# A shorter secret is a placeholder such as "none" or "ollama"; masking it would mask ordinary words.
SHORTEST_SECRET = 8

_LONG = 24
_BEGINNING = 16  # of a long one is masked alone: so much of it is no chance, and what vendors show of a key is less
_BEHIND_HOST = 8  # of a URL
_LEADS = re.compile(r"\w+://[^/?#@]*(?=[/?#]|$)")  # where a URL without a user does
_CODED = 22  # letters of base64 that hold as much

# What follows a beginning, up to what ends a word in JSON, in HTML or among headers.
_REST = r"""[^\s"'`,;&<>(){}\[\]\\]*+"""
_REST_OF_BASE64 = r"[A-Za-z0-9+/_=\-]*+"
_URL_SAFE = str.maketrans("+/", "-_")

_MARK = re.compile(r"[%&\\\r\n]")
_BACKSLASHED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_BREAK = re.compile(r"[\r\n]\s*")
_WHITE = {"n": "\n", "r": "\r", "t": "\t"}
_ROUNDS = 3
_URL_USER = re.compile(r'(://)[^\s/"]+@')  # up to the last @: one may stand in the password, and so may an apostrophe

# Keys with a vendor's mark, then whatever follows a word that announces a credential ("no token: " announces a reason).
# Nothing starts within a run of key characters and nothing is given back, so that a hostile body costs one pass.
_LOOKS_SECRET = re.compile(
    r"""
      (?<![\w\-])(?:sk|pk|rk|gsk|xai|fw|fl|pplx|tgp|csk|hf|ghp|glpat)[-_][A-Za-z0-9_\-*.]{8,}+
    | (?<![\w\-])AIza[A-Za-z0-9_\-]{20,}+
    | (?<![\w\-])ya29\.[A-Za-z0-9_\-.]{10,}+
    | \b(?:AKIA|ASIA|ABSK)[A-Za-z0-9+/=]{12,}+
    | (?<![\w\-])eyJ[A-Za-z0-9_\-]{10,}+\.[A-Za-z0-9_\-.]{10,}+
    | (?<=\b(?i:bearer)\ )[^\s"',;]{6,}+
    | (?<=\b(?i:basic)\ )[A-Za-z0-9+/=]{8,}+
    """,
    re.VERBOSE,
)
_ANNOUNCED = re.compile(
    r"""
    ((?<!\bno\ )\b(?:(?:api|access|secret)[-_\ ]?key|key|token|secret|password|authorization)(?:\ provided)?
     ["'`]?\s*+[=:]\s*+["'`]?)
    (?!\[redacted\])[^\s"'`,;&})]{8,}+
    """,
    re.IGNORECASE | re.VERBOSE,
)


class Known:
    """Masks values that are known, in the forms in which somebody who got them may repeat them.

    As they are; escaped for a URL, for JSON or HTML, or broken into lines; in base64, alone or amid something else.
    Longer ones in any letters too, and long ones by their beginning where the rest is cut off. Holds secrets: no repr.

    Args:
        values: Each may be of any length.
        shortest: Shorter ones are not masked: they would mask ordinary words.
    """

    __slots__ = ("_begun", "_hints", "_whole")

    def __init__(self, values: Iterable[str], shortest: int = SHORTEST_SECRET) -> None:
        secrets = {value for value in values if len(value) >= shortest}
        # A value may hold escapes of its own, which are undone with those that it comes back in.
        forms = {form for value in secrets for form in (value, _read(value)) if form}
        kept = sorted(forms, key=len, reverse=True)  # the longest first: one may be the beginning of another
        coded = [code for value in secrets for code in _in_base64(value)]
        begun = [begun for value in kept if len(value) >= _LONG and (begun := _beginning(value)) != value]
        self._hints = tuple({value[:_BEGINNING].lower() for value in (*kept, *coded)})
        self._whole = _any_of(
            f"(?i:{re.escape(value)})" if len(value) >= _BEGINNING else re.escape(value) for value in kept
        )
        self._begun = _any_of(
            (
                *(f"(?i:{re.escape(value)}){_REST}" for value in begun),
                *(f"{re.escape(code)}{_REST_OF_BASE64}" for code in coded),
            )
        )

    def __call__(self, text: str) -> str:
        """Return the text masked; without its escapes and line breaks where these hid something."""
        masked = self._masked(text, self._whole, self._begun)
        if _MARK.search(text) is None:
            return masked
        # Read before beginnings are masked: an escape would end them, and what comes after it would be left.
        found = self._masked(_read(self._masked(text, self._whole)), self._whole, self._begun)
        return masked if _read(masked) == found else found

    def _masked(self, text: str, *patterns: re.Pattern[str]) -> str:
        lowered = text.lower()
        if any(map(lowered.__contains__, self._hints)):
            for pattern in patterns:
                text = pattern.sub(MASK, text)
        return text


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


NOTHING = Known(())


def redact(text: str, known: Known = NOTHING, names: Container[str] = ()) -> str:
    """Mask what is known, then everything that looks like a credential and is none of the names."""
    text = _LOOKS_SECRET.sub(lambda found: found[0] if found[0].rstrip(".") in names else MASK, known(text))
    return _ANNOUNCED.sub(rf"\g<1>{MASK}", text)


def without_user(text: str) -> str:
    """Mask user and password of the URLs in a text."""
    return _URL_USER.sub(rf"\1{MASK}@", text)


def _beginning(value: str) -> str:
    """Take so much of a long value as is no chance; of a URL a part of what follows its host, which is no secret."""
    led = _LEADS.match(value)
    return value[: led.end() + _BEHIND_HOST if led else _BEGINNING]


def _in_base64(value: str) -> set[str]:
    """Write what a value is in base64, whatever stands before and after it: without the letters that it has in part."""
    found, plain = set(), value.encode(errors="surrogatepass")  # a variable's bytes need not be text
    for before in range(3):
        code = b64encode(b"\0" * before + plain).decode()
        whole = code[-(-before * 8 // 6) : (before + len(plain)) * 8 // 6]
        found |= {form[:_CODED] for form in (whole, whole.translate(_URL_SAFE))}
    return found


def _read(text: str) -> str:
    """Undo escapes, those of escapes too, and line breaks."""
    with suppress(ValueError):  # a character of thousands of digits
        for _ in range(_ROUNDS):
            before, text = text, _BREAK.sub("", _BACKSLASHED.sub(_unescaped, unescape(unquote(text))))
            if text == before:
                break
    return text


def _unescaped(found: re.Match[str]) -> str:
    code, letter = found.groups()
    if code is None:
        return _WHITE.get(letter, letter)
    character = chr(int(code, 16))
    return character if character.isprintable() else found[0]  # half a character could not be sent


def cut(text: str, limit_bytes: int) -> str:
    """Shorten a text to so many bytes of UTF-8, never within a character."""
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= limit_bytes else encoded[:limit_bytes].decode("utf-8", "ignore")
