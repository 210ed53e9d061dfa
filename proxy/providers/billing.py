"""What a kind's row says about money: whose word on a cost is taken."""

from __future__ import annotations

from msgspec.structs import replace

from proxy.core.usage import Usage
from proxy.providers.kinds import KINDS


def believed(usage: Usage, kind: str) -> Usage | None:
    """Take a reported cost away where the kind is not to be believed; None where nothing else was counted."""
    if usage.reported_cost_nusd is None or KINDS[kind].believed_cost:
        return usage
    counted = usage.prompt_tokens or usage.completion_tokens or usage.searches
    return replace(usage, reported_cost_nusd=None) if counted else None
