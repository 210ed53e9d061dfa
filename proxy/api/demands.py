"""What a request asks of a model, read off its bytes in any client's dialect: capabilities, tokens, output limit.

Quotes inside JSON text are escaped, so no text is taken for a part's type. A wrong value is the upstream's to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import Raw

from proxy.core.call import Dialect, Needs
from proxy.core.capabilities import Scale
from proxy.pricing.estimate import BYTES_PER_TOKEN, estimate_prompt
from proxy.translate.openai_chat.frames import whole_number

GENERATION = ("generationConfig", "generation_config")  # Google takes every name in either form
_NOTHING = (b"[]", b"null", b"{}")


class _Nested(msgspec.Struct):
    """Where Google's and Ollama's clients keep an output limit."""

    maxOutputTokens: Raw = Raw(b"null")
    max_output_tokens: Raw = Raw(b"null")
    num_predict: Raw = Raw(b"null")


_NESTED = msgspec.json.Decoder(_Nested)


class _Sign(NamedTuple):
    """What shows that a body holds something: a word that must stand in it, and the pattern that it is part of."""

    word: bytes
    pattern: re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class _Signs:
    """How a dialect writes what matters here.

    Attributes:
        parts: By capability; what is not named cannot be asked for in the dialect.
        schema: Members that may ask for structured output, each with a word in it.
        limits: Members that hold the output limit.
        nested: Members that hold it further inside.
    """

    parts: Mapping[str, _Sign]
    schema: Mapping[str, bytes]
    limits: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()


def _part(name: bytes) -> _Sign:
    return _Sign(b'"%b"' % name, re.compile(rb'"type"\s*:\s*"%b"' % name))


# The object's other member may come first. Source: openai 3.51.0 chat_completion_content_part_image_param.py.
_LINKED = _Sign(
    b'"image_url"',
    re.compile(rb'"image_url"\s*:\s*(?:\{\s*(?:"detail"\s*:\s*"\w*"\s*,\s*)?"url"\s*:\s*)?"https?:'),
)
_OLLAMA = _Signs(
    {"images": _Sign(b'"images"', re.compile(rb'"images"\s*:\s*\[\s*"'))},
    {"format": b"{"},
    nested=("options",),
)
_SIGNS: Mapping[Dialect, _Signs] = {
    Dialect.OPENAI_CHAT: _Signs(
        {"images": _part(b"image_url"), "image_urls": _LINKED, "audio": _part(b"input_audio")},
        {"response_format": b'"json_schema"'},
        ("max_completion_tokens", "max_tokens"),
    ),
    Dialect.OPENAI_RESPONSES: _Signs(
        {"images": _part(b"input_image"), "image_urls": _LINKED, "audio": _part(b"input_audio")},
        {"text": b'"json_schema"'},
        ("max_output_tokens",),
    ),
    Dialect.ANTHROPIC: _Signs(
        {"images": _part(b"image"), "image_urls": _part(b"url")},
        {"output_config": b'"json_schema"'},
        ("max_tokens",),
    ),
    Dialect.GEMINI: _Signs(
        {
            "images": _Sign(b'"image/', re.compile(rb'"(?:mimeType|mime_type)"\s*:\s*"image/')),
            "image_urls": _Sign(b'"http', re.compile(rb'"(?:fileUri|file_uri)"\s*:\s*"https?:')),
            "audio": _Sign(b'"audio/', re.compile(rb'"(?:mimeType|mime_type)"\s*:\s*"audio/')),
        },
        dict.fromkeys(GENERATION, b'chema"'),
        nested=GENERATION,
    ),
    Dialect.OLLAMA: _OLLAMA,
    Dialect.OLLAMA_PROMPT: _OLLAMA,
    Dialect.PASSED: _Signs({}, {}),
}
# With one of these the upstream shortens a prompt that is too long: OpenAI Responses, Anthropic, OpenRouter.
_CUTTING = frozenset({"truncation", "context_management", "transforms"})
_UNCUT = frozenset({*_NOTHING, b'"disabled"'})


def needs(
    fields: Mapping[str, Raw], body: bytes, dialect: Dialect, scale: Scale, *, counts_tokens: bool = False
) -> Needs:
    """Find out what the model must be able to do, as far as some candidate cannot.

    Args:
        counts_tokens: They are wanted whatever the scale says.
    """
    tokens = 0
    if counts_tokens or scale.counts_tokens or len(body) > scale.window_tokens * BYTES_PER_TOKEN:
        tokens = estimate_prompt(body)
    members, words = _hints(dialect, scale.lacks)
    if members.isdisjoint(fields):
        for word in words:
            if word in body:
                break
        else:  # as nearly always
            return Needs(input_tokens=tokens)
    signs, lacks = _SIGNS[dialect], scale.lacks
    found = {need: sign.pattern.search(body) is not None for need, sign in signs.parts.items() if need in lacks}
    return Needs(
        tools="tools" in lacks and bytes(fields.get("tools", b"null")) not in _NOTHING,
        json_schema="json_schema" in lacks
        and any([name in fields and word in bytes(fields[name]) for name, word in signs.schema.items()]),
        input_tokens=tokens,
        is_cut=any(bytes(fields[name]) not in _UNCUT for name in _CUTTING if name in fields),
        **found,
    )


@lru_cache(maxsize=256)
def _hints(dialect: Dialect, lacks: tuple[str, ...]) -> tuple[frozenset[str], tuple[bytes, ...]]:
    """Give the members and the words without which a request needs none of these."""
    signs = _SIGNS[dialect]
    members: Mapping[str, Iterable[str]] = {"tools": ("tools",), "json_schema": signs.schema}
    words = [signs.parts[need].word for need in lacks if need in signs.parts]
    return _CUTTING.union(*(members.get(need, ()) for need in lacks)), tuple(dict.fromkeys(words))


def max_tokens(fields: Mapping[str, Raw], dialect: Dialect) -> int | None:
    """Read the output limit. Which of two limits an upstream obeys is its own affair, so the larger one counts."""
    signs = _SIGNS[dialect]
    written = [fields[name] for name in signs.limits if name in fields]
    for name in signs.nested:
        if name in fields:
            written += _inside(fields[name])
    limits = [whole_number(value) for value in written]
    return max([limit for limit in limits if limit is not None and limit > 0], default=None)


def _inside(member: Raw) -> list[Raw]:
    try:
        nested = _NESTED.decode(member)
    except (ValueError, RecursionError):
        return []
    return [nested.maxOutputTokens, nested.max_output_tokens, nested.num_predict]
