"""Models that the start banner names."""

from __future__ import annotations

from datetime import date

import pytest

from proxy.core.snapshot import Provider
from proxy.pricing import catalog
from proxy.providers.examples import EXAMPLES, example_of
from proxy.providers.kinds import KINDS


@pytest.mark.parametrize("kind", EXAMPLES)
def test_example_is_a_model_that_the_catalogue_has_a_price_for(kind: str) -> None:
    assert catalog.load().price(KINDS[kind].catalog, EXAMPLES[kind], date(2026, 11, 20)) is not None


@pytest.mark.parametrize(
    ("kind", "base_url", "expected"),
    [
        pytest.param("openai", KINDS["openai"].base_url, EXAMPLES["openai"], id="at-the-vendor"),
        pytest.param("openai", "https://eu.api.openai.com/v1", EXAMPLES["openai"], id="at-another-of-its-hosts"),
        pytest.param("openai", "http://127.0.0.1:11434/v1", None, id="somewhere-else"),
        pytest.param("azure", "https://x.openai.azure.com", None, id="deployments-have-names-of-their-own"),
        pytest.param("ollama", "http://127.0.0.1:11434/v1", None, id="what-somebody-pulled"),
    ],
)
def test_example_is_known_at_the_vendors_own_hosts_alone(kind: str, base_url: str, expected: str | None) -> None:
    assert example_of(Provider("p", kind, base_url)) == expected
