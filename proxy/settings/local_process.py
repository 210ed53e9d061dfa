"""From the keys of a `[providers.X]` row that Fairlead runs itself to a `core.localprocess.LocalProcess`.

The environment that the process will see is put together here, once: nothing of Fairlead's own but what is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from proxy.core.localprocess import LocalProcess
from proxy.core.secret import Secret
from proxy.settings.fields import RowFault
from proxy.settings.provider_schema import ProviderRow

LOCAL_URL = "http://127.0.0.1/v1"  # the port is put in when a request is sent
# What every program may need, and nobody calls a secret.
_SURROUNDINGS = ("PATH", "HOME", "LANG", "LC_*", "TMPDIR", "TZ", "SSL_CERT_*")


def read_process(row: ProviderRow, environ: Mapping[str, str]) -> LocalProcess | None:
    """Read a row's process; None where it has no command."""
    if not row.command:
        return None
    surroundings = tuple(
        [pair for pair in environ.items() if any(fnmatchcase(pair[0], name) for name in _SURROUNDINGS)]
    )
    passed = {name: environ[name] for name in row.pass_env if name in environ}
    env = tuple([(name, Secret(value)) for name, value in {**passed, **row.env}.items()])
    start = 120.0 if row.start_s is None else float(row.start_s)
    idle = None if row.idle_stop_s is None else float(row.idle_stop_s)
    return LocalProcess(row.command, row.args, surroundings, env, row.start == "eager", idle, start)


def process_faults(row: ProviderRow) -> Iterator[RowFault]:
    """Find what keeps a command from being started or reached."""
    if not row.command:
        return
    if not any("{port}" in argument for argument in row.args) and "{port}" not in "".join(row.env.values()):
        yield RowFault("args", "no {port}", "{port} where the program takes its port", 'add "--port", "{port}"')
    if row.transport == "httpx" or row.proxy_url or row.client_cert:
        yield RowFault("command", "a command with another transport", "the native transport", "remove the other keys")
    if any(not name or "=" in name for name in row.env):
        yield RowFault("env", "a name that no variable can have", "names without =", "mend the name")
    if any("\0" in word for word in (row.command, *row.args, *row.env, *row.env.values())):
        yield RowFault("command", "a NUL", "words without one", "remove it")
