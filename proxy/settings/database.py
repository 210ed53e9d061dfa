"""From `[database]` to the URL that the store opens, once it has been found to lead to a database.

Never connects: a database that is away is no fault of the configuration.
"""

from __future__ import annotations

from pathlib import Path

from proxy.core.secret import Secret
from proxy.core.snapshot import Snapshot
from proxy.settings.problems import Report, Severity
from proxy.settings.schema import DatabaseSection
from proxy.store.databaseurl import BadUrl, read_url

_PATH = ("database", "url")


def build_database(section: DatabaseSection, data_dir: str, running: Snapshot | None, report: Report) -> Secret:
    """Judge the URL; what is wrong goes to the report.

    Args:
        running: The snapshot in force, at a reload: the database stays that one until a restart.
    """
    try:
        read_url(section.url, Path(data_dir))
    except BadUrl as bad:
        report.add(Severity.FATAL, _PATH, found=bad.found, expected=bad.expected, fix=bad.fix)
    url = Secret(section.url)
    if running is None or running.database_url is None:
        return url
    if running.database_url != url:
        found, expected = "a new value", "the value in force until a restart"
        report.add(Severity.WARNING, _PATH, found=found, expected=expected, fix="restart to change it")
    return running.database_url
