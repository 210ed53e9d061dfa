"""A model that a vendor is known to have, for the line that a newcomer copies from the start banner.

Names that the vendor moves from model to model come first, since others are retired. A kind without a row has models
that only its list can tell. Sources, read 2026-11-20: openai 3.51.0 types/shared/chat_model.py; anthropic 2.11.0
types/model.py, and DEPRECATED_MODELS beside its messages; docs.x.ai/developers/migration/may-15-retirement;
docs.mistral.ai/getting-started/models; developersdigest.tech/blog/deepseek-chat-to-v4-migration-guide;
gemilab.net/en/articles/gemini-api/gemini-flash-latest-promotion-gate-golden-set-rollback; requesty.ai/models/groq; and
for all of them `pricing/catalog.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from proxy.core.snapshot import Provider
from proxy.providers.abilities import is_own
from proxy.providers.kinds import KINDS

EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "openai": "gpt-5.4-mini",
        "anthropic": "claude-haiku-5-5",
        "gemini": "gemini-flash-latest",
        "mistral": "mistral-small-latest",
        "deepseek": "deepseek-v4-flash",
        "xai": "grok-4.3",
        "groq": "openai/gpt-oss-20b",
        "openrouter": "openai/gpt-5.4-mini",
    }
)


def example_of(provider: Provider) -> str | None:
    """Name a model of a provider; None where nobody knows what is served at its address."""
    return EXAMPLES.get(provider.kind) if is_own(provider, KINDS[provider.kind]) else None
