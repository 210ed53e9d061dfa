"""Flags of Anthropic's beta header that a host of Claude does not know, and what becomes of a request without them.

Claude Code sends whatever the newest API has; Vertex refuses a request for one flag that it does not take.

Source: github.com/anthropics/claude-code/issues/21625 and 34802, github.com/BerriAI/litellm/pull/31607, read
2026-11-20.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from proxy.core.call import Headers

HEADER = b"anthropic-beta"
# Begins the name of a flag among the names of an edit.
_MARK = "anthropic-beta="
_REFUSED = re.compile(r"^Unexpected value\(s\) (.{1,2000}?) for the `anthropic-beta` header")
_FLAG = re.compile(r"`([\w.-]+)`")
# Members that nobody takes without their flag, and that a request can do without.
_OPENED: Mapping[str, str] = {"context-management-2025-06-27": "context_management"}


def refused_flags(message: str) -> tuple[str, ...]:
    """Name what is to be left out of one resend after an error that says so: flags, and the members that they open."""
    said = _REFUSED.search(message)
    flags = _FLAG.findall(said[1]) if said else []
    return (*[_MARK + flag for flag in flags], *[_OPENED[flag] for flag in flags if flag in _OPENED])


def flags_of(edit: Iterable[str]) -> tuple[str, ...]:
    """Give the names of an edit that are flags."""
    return tuple([name for name in edit if name.startswith(_MARK)])


def without_flags(headers: Headers, edit: Iterable[str]) -> Headers:
    """Take the flags that an edit names out of a request's headers; a header that says nothing any more does not go."""
    refused = {name.removeprefix(_MARK) for name in flags_of(edit)}
    if not refused:
        return headers
    kept = []
    for name, value in headers:
        if name == HEADER:
            flags = [flag.strip() for flag in value.decode("latin-1").split(",")]
            value = ",".join([flag for flag in flags if flag not in refused]).encode("latin-1")
        if value or name != HEADER:
            kept.append((name, value))
    return tuple(kept)
