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
ENVELOPE_BYTES = 250  # of an answer or of an event of a stream, around its text

WINDOWS = 8
WINDOW_BYTES = 256
# Members that hold media. Quotes inside JSON text are escaped, so no text of a message is taken for one.
_INLINE = re.compile(
    rb'"(?:(?:url|image_url|file_data)"\s*:\s*"data:'
    rb'|input_audio"\s*:\s*\{\s*(?:"format"\s*:\s*"\w*"\s*,\s*)?"data"\s*:\s*")'
)
_BASE64 = (ascii_letters + digits + "+/=-_").encode()


def estimate_prompt(body: bytes) -> int:
    """Estimate the prompt tokens of a request. Images and sounds written into it do not count by their bytes."""
    size = len(body)
    if size <= WINDOWS * WINDOW_BYTES:
        return _text_tokens(body, size)
    step = (size - WINDOW_BYTES) // (WINDOWS - 1)
    windows = [body[start : start + WINDOW_BYTES] for start in range(0, step * WINDOWS, step)]
    texts = [window for window in windows if window.translate(None, _BASE64)]
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
    count = size = 0
    found = _INLINE.search(body)
    while found is not None:
        end = body.find(b'"', found.end())
        end = len(body) if end < 0 else end
        count, size = count + 1, size + end - found.end()
        found = _INLINE.search(body, end)
    return count, size


def _text_tokens(sample: bytes, size: int) -> int:
    """Estimate the tokens of so many bytes that are like these."""
    escapes = sample.count(b"\\u") if b"\\" in sample else 0
    if not escapes:
        return size // BYTES_PER_TOKEN
    plain = max(0, len(sample) - escapes * ESCAPE_BYTES)
    return (plain * 2 + escapes * 5) * size // (len(sample) * 2 * BYTES_PER_TOKEN)
