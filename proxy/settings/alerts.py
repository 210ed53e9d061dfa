"""From `[alerts]` to where operator alerts go and how they are signed. Never connects."""

from __future__ import annotations

from proxy.core.secret import SHORTEST, Secret
from proxy.core.snapshot import Alerts
from proxy.settings.problems import Report, Severity
from proxy.settings.schema import AlertsSection

_SECRET = ("alerts", "secret")


def build_alerts(section: AlertsSection, report: Report) -> Alerts:
    """Make the settings; what is wrong goes to the report."""
    how = "make one with `openssl rand -hex 32`"
    if section.secret is not None and len(section.secret) < SHORTEST:
        found, expected = "a secret that is too short", f"at least {SHORTEST} characters"
        report.add(Severity.FATAL, _SECRET, found=found, expected=expected, fix=how)
    if section.webhook_url is not None and section.secret is None:
        found, expected = "a webhook whose bodies are not signed", "a secret that the receiver knows"
        report.add(Severity.WARNING, _SECRET, found=found, expected=expected, fix=how)
    return Alerts(
        webhook_url=Secret(section.webhook_url) if section.webhook_url else None,
        secret=Secret(section.secret) if section.secret else None,
    )
