"""From failures that only an operator can mend to one alert an episode: a log line at ERROR and a gauge.

An episode begins with the first such failure of a credential (of the provider, when it is blocked) and ends with a
success. It is logged once, and a credential that flaps at most once in ten minutes. Never logs a secret: a credential
shows by its name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

from proxy.core.failure import Failure, FailureKind
from proxy.core.health import credential_name
from proxy.core.snapshot import Provider, Snapshot
from proxy.routing.place import Change
from proxy.telemetry.metrics import Metrics

_LOG = logging.getLogger("fairlead.attention")
QUIET_S = 600.0

REMEDY = {
    FailureKind.AUTH: "its credential is refused; replace it",
    FailureKind.BILLING: "its account has no credit or reached its spend cap; top it up or raise the cap",
    FailureKind.BLOCKED: "the vendor blocks this region, address or account; ask the vendor",
}


class _Episode(NamedTuple):
    provider: str
    credential: str  # empty where the whole provider is meant
    reason: FailureKind


Tell = Callable[[str, str, FailureKind], None]  # provider, credential's name, reason


def _untold(_provider: str, _credential: str, _reason: FailureKind) -> None:
    """The log says it."""


class Attention:
    """Remembers which episodes are open. All calls come from the event loop's thread."""

    def __init__(self, metrics: Metrics, tell: Tell = _untold) -> None:
        """Take what is told of each alert that is logged, for those who do not read the log."""
        self._metrics = metrics
        self._tell = tell
        self._open: set[_Episode] = set()
        self._logged_s: dict[_Episode, float] = {}

    def failed(self, provider: str, credential: str, failure: Failure, now_s: float) -> None:
        """Take note of any failure; those that need no operator are ignored.

        Args:
            credential: The credential's id, empty for none.
            now_s: Monotonic seconds.
        """
        if failure.kind not in REMEDY:
            return
        episode = _Episode(provider, "" if failure.kind is FailureKind.BLOCKED else credential, failure.kind)
        if episode in self._open:
            return
        self._open.add(episode)
        self._metrics.attention(provider, failure.kind, True)
        if now_s - self._logged_s.get(episode, -QUIET_S) >= QUIET_S:
            self._logged_s[episode] = now_s
            _log(episode, failure)
            self._tell(provider, credential_name(episode.credential) or "", failure.kind)

    def succeeded(self, provider: str, credential: str) -> None:
        """End the episodes of this credential and of its provider."""
        if not self._open:
            return
        ended = [e for e in self._open if e.provider == provider and e.credential in ("", credential)]
        self._end(ended)

    def forget(self, snapshot: Snapshot, before: Mapping[str, Provider]) -> None:
        """End the episodes of providers and credentials that left the configuration.

        Args:
            before: The providers of the one that was in force until now; one that has moved since begins anew.
        """
        change = Change(before, snapshot)
        same = [provider for name, provider in snapshot.providers.items() if change.is_same(name)]
        kept = {(provider.name, "") for provider in same}
        kept |= {(provider.name, credential.id) for provider in same for credential in provider.credentials}
        now = {e: e._replace(credential=change.id_of(e.provider, e.credential)) for e in (*self._open, *self._logged_s)}
        self._open = {now[e] for e in self._open}
        self._logged_s = {now[e]: at_s for e, at_s in self._logged_s.items()}
        self._end([e for e in self._open if (e.provider, e.credential) not in kept])
        self._logged_s = {e: at_s for e, at_s in self._logged_s.items() if (e.provider, e.credential) in kept}

    def _end(self, ended: list[_Episode]) -> None:
        self._open.difference_update(ended)
        for provider, _, reason in ended:
            if not any(e.provider == provider and e.reason is reason for e in self._open):
                self._metrics.attention(provider, reason, False)


def _log(episode: _Episode, failure: Failure) -> None:
    _LOG.error(
        "provider %s needs attention: %s",
        episode.provider,
        REMEDY[episode.reason],
        extra={
            "event": "provider_attention",
            "gen_ai.provider.name": episode.provider,
            "fairlead.credential": credential_name(episode.credential),
            "fairlead.reason": str(episode.reason),
            "http.response.status_code": failure.status,
            "fairlead.detail": failure.detail,
        },
    )
