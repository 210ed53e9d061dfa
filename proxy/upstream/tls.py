"""Turns a provider's TLS settings into an `ssl.SSLContext`, once per set of settings.

It must never switch off the verification of certificates or host names.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import NamedTuple

from proxy.core.snapshot import Provider


class TlsSettings(NamedTuple):
    """What of a provider decides its context. None: the machine's trust store, no client certificate."""

    ca_file: str | None
    client_cert: str | None


class TlsContexts:
    """A cache of contexts. Loading a trust store takes tens of milliseconds, so it happens once."""

    def __init__(self, alpn: Sequence[str]) -> None:
        self._alpn = list(alpn)
        self._contexts: dict[TlsSettings, ssl.SSLContext] = {}

    def get(self, provider: Provider) -> ssl.SSLContext:
        """Return the context for a provider.

        Raises:
            OSError: A file of its settings cannot be read or used.
        """
        settings = TlsSettings(provider.ca_file, provider.client_cert)
        context = self._contexts.get(settings)
        if context is None:
            context = self._contexts[settings] = make_context(settings)
            context.set_alpn_protocols(self._alpn)
        return context

    def forget_files(self) -> None:
        """Drop what came from files, so that a renewed file is read again."""
        self._contexts = {key: context for key, context in self._contexts.items() if key == TlsSettings(None, None)}


def make_context(settings: TlsSettings) -> ssl.SSLContext:
    """Build a verifying client context. `client_cert` is a path, or certificate and key paths with a comma between.

    Raises:
        OSError: A file cannot be read or used (`ssl.SSLError` is one).
    """
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.client_cert:
        certificate, _, key = settings.client_cert.partition(",")
        context.load_cert_chain(certificate.strip(), key.strip() or None)
    return context
