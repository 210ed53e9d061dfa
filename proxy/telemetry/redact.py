"""From text on its way to a log to the same text with every secret masked.

Two nets: what the configuration holds is masked by its value, what merely looks like a secret by its shape. Meant for
log lines, on the threads that write them; never raises.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlsplit

from proxy.core.snapshot import Snapshot
from proxy.providers.redaction import NOTHING, SECRET_NAME, Known, redact, without_user

REMEMBERED = 1024
SHORTEST = 6  # shorter configured values would mask ordinary words

# Other variables hold words such as `production`; they are masked in what the process itself prints.
_SECRET_VARIABLE = re.compile(rf"{SECRET_NAME.pattern}|_url$", re.IGNORECASE)


class Redactor:
    """Masks secrets. `learn` replaces what is known by value; any thread may call.

    Attributes:
        name: The same for short texts that come again and again, such as model names, and makes them printable;
            remembers the last of them.
    """

    def __init__(self) -> None:
        self._known = NOTHING
        self._names: frozenset[str] = frozenset()
        self.name = lru_cache(maxsize=REMEMBERED)(self._name)

    def learn(self, snapshot: Snapshot) -> None:
        """Know the secrets of this snapshot by value, and forget those of the one before."""
        self._names = _names(snapshot)
        said = "\n".join(self._names)
        # A key that is a part of a name is a placeholder, such as `ollama`.
        self._known = Known((secret for secret in _secrets(snapshot) if secret not in said), SHORTEST)
        self.name.cache_clear()

    def __call__(self, text: str) -> str:
        return without_user(redact(text, self._known, self._names))

    def _name(self, text: str) -> str:
        return self(text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text))


def _secrets(snapshot: Snapshot) -> set[str]:
    found = {snapshot.auth.admin_token.reveal()} if snapshot.auth.admin_token else set()
    alerts = snapshot.alerts
    found.update(secret.reveal() for secret in (alerts.webhook_url, alerts.secret) if secret)
    if snapshot.auth.pepper:
        found.update(snapshot.auth.pepper.reveal().split(","))
    if snapshot.database_url:
        found.update(_passwords(snapshot.database_url.reveal()))
    for provider in snapshot.providers.values():
        for credential in provider.credentials:
            found.update(secret.reveal() for secret in credential.secrets)
        if provider.process is not None:
            found.update(provider.process.secrets_where(_SECRET_VARIABLE.search))
        if provider.proxy_url:
            found.add(provider.proxy_url.reveal())
        found.update(value for name, value in provider.headers if SECRET_NAME.search(name))
    return found


def _names(snapshot: Snapshot) -> frozenset[str]:
    """What the configuration calls things, which is said openly whatever it looks like."""
    providers = {name for provider in snapshot.providers.values() for name in (provider.name, provider.kind)}
    models = (*snapshot.models.values(), *snapshot.prefixes)
    return frozenset(
        providers.union(*((model.name, *model.aliases, *(c.model for c in model.candidates)) for model in models))
    )


def _passwords(url: str) -> set[str]:
    """The password in the URL of a database, as it is written and as it is meant."""
    parts = urlsplit(url)
    written = {parts.password or "", *(value for name, value in parse_qsl(parts.query) if name == "password")}
    return written | {unquote(password) for password in written}
