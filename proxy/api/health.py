"""What operators and Kubernetes ask: is the process alive, does it take requests, how are its providers.

Readiness never depends on a provider: one that is down is failed over, not a reason to take the gateway away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proxy.core.health import Aside, StateView, Target, credential_name
from proxy.core.localprocess import ProcessReport
from proxy.core.snapshot import Problem, Provider, Snapshot
from proxy.telemetry.upstreams import configured_candidates, is_up

REFUSING = "refusing"


@dataclass(frozen=True, slots=True)
class Upkeep:
    """How what stands beside the requests does; None = there is none of it.

    Attributes:
        rejected: What is wrong with the file on disk, which is therefore not in force.
        database: "ok" or "away".
        ledger: "ok", "behind" (the database cannot be loaded), "full" (the disk; records wait in memory) or `REFUSING`
            (the disk is full, and every request is refused).
    """

    rejected: Sequence[Problem] = ()
    database: str | None = None
    ledger: str | None = None


UNTOLD = Upkeep()


def health_report(
    snapshot: Snapshot,
    view: StateView,
    now_s: float,
    processes: Mapping[str, ProcessReport] | None = None,
    upkeep: Upkeep = UNTOLD,
) -> dict[str, object]:
    """Per provider: "ok", "degraded" (something of it is set aside), "down" or "disabled", and why.

    "down" is what the metric `provider_up` calls down: no request could be sent to it.

    Args:
        processes: Of the providers that Fairlead runs itself.
    """
    providers = {name: _provider(provider, snapshot, view, now_s) for name, provider in snapshot.providers.items()}
    for name, report in (processes or {}).items():
        if name in providers:
            providers[name]["process"] = process_row(report)
    up = any(row["status"] in ("ok", "degraded") for row in providers.values())
    return {
        "status": "ok" if up and upkeep.ledger != REFUSING else "down",
        "config": {
            "version": snapshot.version,
            "source": snapshot.source,
            "problems": [str(problem) for problem in snapshot.problems],
            "rejected": [str(problem) for problem in upkeep.rejected],
        },
        "database": upkeep.database,
        "ledger": upkeep.ledger,
        "providers": providers,
    }


def process_row(report: ProcessReport) -> dict[str, object]:
    """Say how a process is doing."""
    return {"stage": report.stage.value, "why": report.why, "pid": report.pid, "restarts": report.restarts}


def _provider(provider: Provider, snapshot: Snapshot, view: StateView, now_s: float) -> dict[str, object]:
    row: dict[str, object] = {"status": "ok", "kind": provider.kind}
    if not provider.enabled or provider.name in view.disabled:
        row["status"] = "disabled"
        return row
    asides = [(target, aside) for target, aside in view.asides.items() if target.provider == provider.name]
    current = [(target, aside) for target, aside in asides if aside.opens_at_s > now_s]
    if current:
        up = is_up(provider, configured_candidates(snapshot), view, now_s)
        row["status"] = "degraded" if up else "down"
        row["set_aside"] = [_reason(target, aside, now_s) for target, aside in current]
    return row


def _reason(target: Target, aside: Aside, now_s: float) -> dict[str, object]:
    row: dict[str, object] = {
        "scope": target.scope.value,
        "reason": aside.kind.value,
        "seconds_left": round(aside.until_s - now_s, 1),
    }
    if target.credential:
        row["credential"] = credential_name(target.credential)
    if target.model:
        row["model"] = target.model
    return row
