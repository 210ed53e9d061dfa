"""What providers have used of their own rpm and tpm limits, by their names.

`routing.limits` counts; this keeps what it counts by, at the pace of the limits in force: an attempt that began under
others counts at that of now.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from proxy.core.snapshot import Limits, Provider
from proxy.routing.limits import at_pace, charge, free_at_s


class _Use(Struct, eq=False):
    """`limits` are those in force; for the rest see `routing.limits`."""

    limits: Limits
    rpm_paid_at_s: float = 0.0
    tpm_paid_at_s: float = 0.0


class ProviderLimits:
    """Those of one gateway. The configuration bounds what it holds.

    Attributes:
        free_s: When a provider next admits a request (monotonic); absent = now.
    """

    def __init__(self) -> None:
        self.free_s: dict[str, float] = {}
        self._uses: dict[str, _Use] = {}

    def charge(self, provider: Provider, now_s: float, requests: int, tokens: int) -> None:
        """Count against a provider's limits and note when they next admit a request."""
        name = provider.name
        use = self._uses.get(name)
        if use is None:
            use = self._uses[name] = _Use(provider.limits)
        rpm, tpm, free_s = use.limits.rpm, use.limits.tpm, now_s
        if rpm:
            use.rpm_paid_at_s = paid_at_s = charge(use.rpm_paid_at_s, now_s, requests, rpm)
            free_s = free_at_s(paid_at_s, rpm)
        if tpm:
            use.tpm_paid_at_s = paid_at_s = charge(use.tpm_paid_at_s, now_s, tokens, tpm)
            free_s = max(free_s, free_at_s(paid_at_s, tpm))
        if free_s > now_s:
            self.free_s[name] = free_s
        elif self.free_s:
            self.free_s.pop(name, None)

    def adapt(self, providers: Mapping[str, Provider], now_s: float) -> None:
        """Take what was used over to the limits of a new configuration, and forget providers that it does not have."""
        for name in self._uses.keys() - providers.keys():
            del self._uses[name]
            self.free_s.pop(name, None)
        for name, provider in providers.items():
            use = self._uses.setdefault(name, _Use(provider.limits))
            was, limits = use.limits, provider.limits
            use.rpm_paid_at_s = _moved_over(use.rpm_paid_at_s, now_s, was.rpm, limits.rpm)
            use.tpm_paid_at_s = _moved_over(use.tpm_paid_at_s, now_s, was.tpm, limits.tpm)
            use.limits = limits
            self.charge(provider, now_s, 0, 0)


def _moved_over(paid_at_s: float, now_s: float, was: int | None, per_minute: int | None) -> float:
    """Say when what is owed is paid for at another pace. A limit that is new or taken away leaves nothing owed."""
    return at_pace(paid_at_s, now_s, was, per_minute) if was and per_minute else 0.0
