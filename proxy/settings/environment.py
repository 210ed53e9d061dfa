"""The variables that Fairlead itself reads: `FAIRLEAD_*`, as one validated value.

Takes the environment as an argument, so that nothing is read behind a caller's back. Names that are not listed here are
free for use in the configuration file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import ConfigDict, Field

from proxy.settings.fields import OptionalCredential, OptionalHost, OptionalText, Row, Whole
from proxy.settings.problems import Report, Severity
from proxy.settings.reading import read_table

PREFIX = "FAIRLEAD_"


def _variable(field: str) -> str:
    return PREFIX + field.upper()


class Process(Row):
    """What the process was started with. Command-line flags are put in by the caller, as if they were variables."""

    model_config = ConfigDict(alias_generator=_variable)

    config: OptionalText = Field(None, description="The configuration file, where `--config` names none.")
    host: OptionalHost = Field(None, description="Address to listen on; wins over `server.host`.")
    port: Whole | None = Field(None, ge=0, le=65_535, description="Port to listen on; wins over `server.port`.")
    log_level: Literal["debug", "info", "warning", "error"] | None = Field(
        None, description="The least severe log line; wins over `server.log_level`."
    )
    data_dir: OptionalText = Field(None, description="Folder for what is kept, where `server.data_dir` names none.")
    admin_token: OptionalCredential = Field(None, description="Without a file: opens `/admin`.")
    client_key: OptionalCredential = Field(None, description="Without a file: the one client key.")
    secret_keys: OptionalCredential = Field(
        None,
        description="Secrets of 16 characters or more, commas between, that stored client keys are hashed under: the "
        "first hashes new ones. Must be set with PostgreSQL; with SQLite, default the file `secret.key` in `data_dir`.",
    )


def read_process(environ: Mapping[str, str], report: Report) -> Process:
    """Read the variables; a bad one is reported and taken as absent. Empty means absent."""
    variables = [_variable(field) for field in Process.model_fields]
    read = read_table(Process, {name: environ[name] for name in variables if environ.get(name, "").strip()})
    report.add_wrong(Severity.FATAL, (), Process, read)
    return read.row or Process()
