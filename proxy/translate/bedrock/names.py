"""Ids and names that Bedrock's patterns refuse, made fit: the same one always becomes the same, different ones differ.

Nothing is translated back: what a model writes is its own. So a tool that is offered keeps its name or is refused
(`tools`); only what stands in the history is made fit.

Source: botocore 1.44.5 bedrock-runtime service-2.json (ToolUseId, ToolName, DocumentBlock.name), read
2026-11-20.
"""

from __future__ import annotations

import re
from hashlib import sha256

from proxy.translate.callids import nine_letters

LONGEST = 64
_DIGEST = 12  # hex digits that tell apart what looks the same once it is fit
_LONGEST_DOCUMENT = 190  # of 200: a number may follow

_IDS = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_NAMES = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NOT_ID = re.compile(r"[^a-zA-Z0-9_.:-]")
_NOT_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_NOT_DOCUMENT = re.compile(r"[^a-zA-Z0-9()\[\]-]+")


def is_tool_name(name: str) -> bool:
    """Say whether a tool may have this name."""
    return _NAMES.fullmatch(name) is not None


def tool_name(text: str) -> str:
    """Make the name of a tool that was called fit."""
    return text if _NAMES.fullmatch(text) else _fit(_NOT_NAME, text)


class CallIds:
    """The ids of one request's tool calls, in the order of its messages; one used again in a later turn gets a mark."""

    __slots__ = ("_latest", "_mistral", "_taken")

    def __init__(self, *, mistral: bool) -> None:
        self._mistral = mistral
        self._latest: dict[str, str] = {}
        self._taken: set[str] = set()

    def call(self, text: str) -> str:
        """Give the id of a new call."""
        fit, times = self._fit(text), 1
        while fit in self._taken:
            times += 1
            fit = self._fit(f"{text} {times}")
        self._taken.add(fit)
        self._latest[text] = fit
        return fit

    def result(self, text: str) -> str:
        """Give the id of the latest call with this one."""
        return self._latest.get(text) or self._fit(text)

    def _fit(self, text: str) -> str:
        if self._mistral:
            return nine_letters(text)
        return text if _IDS.fullmatch(text) else _fit(_NOT_ID, text)


def document_name(text: str, taken: set[str]) -> str:
    """Make a document's name fit and unlike those in `taken`, to which it is added."""
    stem, dot, _ = text.rpartition(".")
    plain = _NOT_DOCUMENT.sub(" ", stem if dot and stem else text).strip()
    base = plain[:_LONGEST_DOCUMENT].strip() or "document"
    name, count = base, 1
    while name in taken:
        count += 1
        name = f"{base} {count}"
    taken.add(name)
    return name


def _fit(outside: re.Pattern[str], text: str) -> str:
    digest = sha256(text.encode()).hexdigest()[:_DIGEST]
    return f"{outside.sub('_', text)[: LONGEST - _DIGEST - 1]}_{digest}"
