"""The configuration of a gateway that was given none: two simulated providers and the model `demo`.

The first of them is rate-limited for three seconds at every fourth request, so that a newcomer sees a failover within a
minute. The simulator reads that from the upstream model's name; it needs no scenario. Nobody charges for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from proxy.settings.fields import as_table

MODEL = "demo"
PRIMARY = "sim-primary"
BACKUP = "sim-backup"
LIMITED = "sim-demo-rate-limit-retry-after-3-every-4"
STEADY = "sim-demo"
FREE = {"input_usd_per_mtok": 0, "output_usd_per_mtok": 0}


def demo_document(discovered: Mapping[str, object]) -> dict[str, object]:
    """Add the demo to what was discovered: that is nothing, or providers that cannot serve yet and are reported."""
    providers = {
        PRIMARY: {"kind": "simulator", "priority": 1},
        BACKUP: {"kind": "simulator", "priority": 2},
        **(as_table(discovered.get("providers")) or {}),
    }
    candidates = [{"provider": PRIMARY, "model": LIMITED}, {"provider": BACKUP, "model": STEADY}]
    prices = {f"{each['provider']}/{each['model']}": FREE for each in candidates}
    models = {MODEL: {"candidates": candidates, "default": True}}
    return {**discovered, "providers": providers, "models": models, "prices": prices}
