"""What a kind's row says about money: whose word on a cost is taken."""

from __future__ import annotations

from msgspec.structs import replace

from proxy.core.usage import Usage
from proxy.providers.kinds import KINDS


def believed(usage: Usage, kind: str) -> Usage:
    """Take a reported cost away where the kind is not to be believed."""
    if usage.reported_cost_nusd is None or KINDS[kind].believed_cost:
        return usage
    return replace(usage, reported_cost_nusd=None)
