"""What is left of rate limits, for the metrics."""

from __future__ import annotations

import pytest

from proxy.core.call import Headers
from proxy.providers.ratelimits import remaining


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        pytest.param(((b"x-ratelimit-remaining-requests", b"59"),), (("requests", 59),), id="requests"),
        pytest.param(((b"x-ratelimit-remaining-tokens", b"0"),), (("tokens", 0),), id="tokens"),
        pytest.param(((b"x-ratelimit-remaining", b"7"),), (("requests", 7),), id="openrouter"),
        pytest.param(((b"anthropic-ratelimit-input-tokens-remaining", b"5"),), (("input_tokens", 5),), id="anthropic"),
        pytest.param(((b"x-ratelimit-remaining-tokens", b"-1"),), (), id="placeholder"),
        pytest.param(((b"x-ratelimit-remaining-tokens", b"many"),), (), id="no-number"),
        pytest.param(((b"x-ratelimit-remaining-tokens", b"9" * 30),), (), id="endless-number"),
        pytest.param(((b"x-ratelimit-remaining-user-7", b"5"),), (), id="invented-kind"),
        pytest.param(((b"content-type", b"application/json"),), (), id="none"),
    ],
)
def test_what_is_left_is_read(headers: Headers, left: tuple[tuple[str, int], ...]) -> None:
    assert remaining(headers) == left
