"""A whole gateway in the running event loop, on a real socket, configured by TOML as a user would."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from proxy.app import Parts, assemble
from proxy.core.ports import Clock
from proxy.core.snapshot import Snapshot
from proxy.edge.connection import client_protocol
from proxy.settings.load import load_snapshot
from proxy.telemetry.logs import AccessLog
from proxy.telemetry.redact import Redactor
from tests.fakes.serving import serve


@dataclass(slots=True, eq=False)
class RunningGateway:
    """A gateway that serves.

    Attributes:
        client: Speaks to it; relative URLs.
        log: The access log, one JSON object a line, written when the gateway stops.
    """

    url: str
    parts: Parts
    client: httpx.AsyncClient
    log: io.StringIO

    def metric(self, name: str, **labels: str) -> float:
        """A sample of the metrics page, 0 where it is absent."""
        return self.parts.edge.engine.metrics.registry.get_sample_value(f"fairlead_{name}", labels) or 0.0


def load(toml: str, environ: Mapping[str, str] | None = None, *, simulator_url: str | None = None) -> Snapshot:
    """Load a configuration from text, strictly: any problem but a warning raises."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "fairlead.toml")
        path.write_text(toml, encoding="utf-8")
        environment = {"HOME": folder, **(environ or {})}
        return load_snapshot(path, environment, strict=True, simulator_url=simulator_url, version=1)


@asynccontextmanager
async def gateway(
    toml: str,
    environ: Mapping[str, str] | None = None,
    *,
    simulator_url: str | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[RunningGateway]:
    """Run a gateway for the length of one `async with`."""
    snapshot = load(toml, environ, simulator_url=simulator_url)
    redactor, log = Redactor(), io.StringIO()
    access_log = AccessLog(log, "json", redactor, wake_s=0.01)
    access_log.start()
    parts = assemble(snapshot, access_log, redactor, clock)
    try:
        async with (
            serve(parts.front.app, protocol=client_protocol(parts.settings, parts.front)) as url,
            # Plain HTTP: nothing to verify, and reading the authorities would take longer than the rest of the start.
            httpx.AsyncClient(base_url=url, timeout=15, verify=False) as client,
        ):
            yield RunningGateway(url, parts, client, log)
    finally:
        await parts.aclose()
        access_log.close()
