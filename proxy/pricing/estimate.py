"""From bytes to tokens, roughly: for limits and reservations, and for answers whose upstream reported no usage.

A rule by bytes, calibrated once against tokenisers (docs/adr/0013-tokens-are-estimated-by-bytes.md); never a tokeniser
at run time. It runs for every request, so of a long body it looks at samples. What it gives is an estimate and is
flagged as one wherever it is kept.
"""

from __future__ import annotations

import re
from string import ascii_letters, digits

# In UTF-8 a token is about as many bytes in every script: of Latin text it holds more characters of fewer bytes.
BYTES_PER_TOKEN = 4
ESCAPE_BYTES = 6  # of a character written as \uXXXX; eight of them are about five tokens
MEDIA_TOKENS = 750  # of an image of about a megapixel, or of a minute's speech
MOST_MEDIA = 5_000  # that are looked at, which takes 5 ms: more than any vendor takes, and millions fit into a body
ENVELOPE_BYTES = 250  # of an answer or of an event of a stream, around its text

WINDOWS = 8
WINDOW_BYTES = 256
SHORT_BYTES = WINDOWS * WINDOW_BYTES  # of a request that is looked at as a whole
# Members that hold media, as each client's dialect writes them, in any order of their neighbours. Quotes inside JSON
# text are escaped, so no text of a message is taken for one.
_WORD = rb'"[^"\\]*"'
_INLINE = re.compile(
    # OpenAI chat and Responses
    rb'"(?:(?:url|image_url|file_data)"\s*:\s*"data:'
    rb'|input_audio"\s*:\s*\{\s*(?:"format"\s*:\s*"\w*"\s*,\s*)?"data"\s*:\s*"'
    # Gemini
    rb'|(?:inlineData|inline_data)"\s*:\s*\{\s*(?:"\w+"\s*:\s*' + _WORD + rb'\s*,\s*){0,2}"data"\s*:\s*"'
    # Ollama
    rb'|(?P<list>images)"\s*:\s*\[\s*"'
    # Anthropic: a source may also be plain text, so what kind it is must be read, before the data or behind it.
    rb'|source"\s*:\s*\{\s*(?:'
    rb'(?:"media_type"\s*:\s*' + _WORD + rb'\s*,\s*)?"type"\s*:\s*"base64"\s*,\s*'
    rb'(?:"media_type"\s*:\s*' + _WORD + rb"\s*,\s*)?"
    rb'|(?P<late>(?:"media_type"\s*:\s*' + _WORD + rb'\s*,\s*)?))"data"\s*:\s*")'
)
_IS_BASE64 = re.compile(rb'"\s*,\s*(?:"media_type"\s*:\s*' + _WORD + rb'\s*,\s*)?"type"\s*:\s*"base64"')
_NEXT = re.compile(rb'"\s*,\s*"')
_BACKSLASH, _SPACE = ord("\\"), ord(" ")  # looked for as numbers: see wire.sse
_BASE64 = (ascii_letters + digits + "+/=-_").encode()


def estimate_prompt(body: bytes) -> int:
    """Estimate the prompt tokens of a request. Images and sounds written into it do not count by their bytes."""
    size = len(body)
    if size <= SHORT_BYTES:
        return _text_tokens(body, size)
    step = (size - WINDOW_BYTES) // (WINDOWS - 1)
    windows = [body[start : start + WINDOW_BYTES] for start in range(0, step * WINDOWS, step)]
    texts = [window for window in windows if _SPACE in window or window.translate(None, _BASE64)]
    if len(texts) == WINDOWS:
        return _text_tokens(b"".join(texts), size)
    media, media_bytes = _media(body)
    return media * MEDIA_TOKENS + _text_tokens(b"".join(texts), size - media_bytes)


def estimate_output(answer_bytes: int, events: int = 1) -> int:
    """Estimate the completion tokens of a whole answer, or of a stream's events: at least one an event.

    Args:
        answer_bytes: As they came, envelopes included; 0 where nobody counted.
    """
    return max(events, (answer_bytes - ENVELOPE_BYTES * events) // BYTES_PER_TOKEN)


def _media(body: bytes) -> tuple[int, int]:
    """Count the images and sounds written into a request, and their bytes."""
    count = size = looked_at = end = 0
    while looked_at < MOST_MEDIA and (found := _INLINE.search(body, end)):
        looked_at += 1
        start, kind = found.end(), found.lastgroup
        end = _end(body, start)
        if kind != "late" or _IS_BASE64.match(body, end):
            count, size = count + 1, size + end - start
        while kind == "list" and looked_at < MOST_MEDIA and (another := _NEXT.match(body, end)):
            looked_at += 1
            start, end = another.end(), _end(body, another.end())
            count, size = count + 1, size + end - start
    return count, size


def _end(body: bytes, start: int) -> int:
    """Return where a text ends that began at `start`."""
    end = body.find(b'"', start)
    return len(body) if end < 0 else end


def _text_tokens(sample: bytes, size: int) -> int:
    """Estimate the tokens of so many bytes that are like these."""
    escapes = sample.count(b"\\u") if _BACKSLASH in sample else 0
    if not escapes:
        return size // BYTES_PER_TOKEN
    plain = max(0, len(sample) - escapes * ESCAPE_BYTES)
    return (plain * 2 + escapes * 5) * size // (len(sample) * 2 * BYTES_PER_TOKEN)
