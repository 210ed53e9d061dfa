"""The scenario that a newcomer sees when nothing is configured: the first provider is limited now and then.

`sim-primary` refuses every fourth request for three seconds, so that `sim-backup` answers; `sim-backup` always answers.
"""

from __future__ import annotations

from proxy.simulator.scenario import Scenario, parse_scenario

PRIMARY = "sim-primary"
BACKUP = "sim-backup"
MODEL = "sim-demo"


def demo_scenario() -> Scenario:
    limited = {"name": "demo limit", "provider": PRIMARY, "every": 4, "then": "rate-limit-retry-after-3"}
    return parse_scenario({"models": [MODEL], "rules": [limited]}, "demo")
