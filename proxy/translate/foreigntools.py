"""The refusal of a tool that its vendor runs itself, by a provider of another one."""

from __future__ import annotations

from proxy.core.translation import Untranslatable

_LONGEST = 64


def foreign_tool(kind: str, where: str) -> Untranslatable:
    """Name the tool, since the programs that send it, as Codex does a web search, seldom say that they do."""
    return Untranslatable(
        f"The tool `{kind[:_LONGEST]}` is run by its own vendor, and this provider is another's: leave it out of "
        "`tools`, or turn it off in the program that sends it.",
        param=where,
        capability="tools",
    )
