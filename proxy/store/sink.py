"""From the `[ledger]` section to where requests are recorded."""

from __future__ import annotations

from pathlib import Path

from proxy.core.errors import ConfigError
from proxy.core.snapshot import Ledger, Problem
from proxy.store.off import LedgerOff
from proxy.store.spool import Spool, SpoolOptions
from proxy.store.spoolfolder import claim_folder
from proxy.store.spoolmemory import SpoolMemory


def open_sink(ledger: Ledger, data_dir: Path | None) -> Spool | SpoolMemory | LedgerOff:
    """Open the ledger.

    Args:
        data_dir: None = there is nowhere to write: what would be spooled is kept in memory.

    Raises:
        ConfigError: The folder of the spool cannot be written, or too many processes write to it already.
    """
    if ledger.mode == "off":
        return LedgerOff()
    if ledger.mode == "memory" or data_dir is None:
        return SpoolMemory()
    try:
        return Spool(data_dir, claim_folder(data_dir), SpoolOptions(on_full=ledger.on_full, fsync_s=ledger.fsync_s))
    except OSError as exc:
        problem = Problem(
            "server.data_dir",
            f"a folder whose spool cannot be written ({exc.strerror or type(exc).__name__})",
            "a folder of a local disk, with room and on which files can be locked",
            'choose another, or set ledger.mode to "memory", which loses what is not loaded when the gateway ends',
        )
        raise ConfigError([problem]) from exc
