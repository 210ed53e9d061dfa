"""How many answers a request asks for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from proxy.api.endpointspec import CHAT, GENERATE, MESSAGES
from proxy.core.call import EndpointSpec
from proxy.providers.choices import answered, asked
from proxy.wire.jsonbody import split_object
from tests.unit.routing.build import call


@pytest.mark.parametrize(
    ("endpoint", "body", "count"),
    [
        pytest.param(CHAT, b'{"n":3}', 3, id="openai"),
        pytest.param(MESSAGES, b'{"n":3}', 1, id="anthropic-has-one"),
        pytest.param(GENERATE, b'{"generationConfig":{"candidateCount":4}}', 4, id="google"),
        pytest.param(
            GENERATE,
            b'{"generationConfig":{"candidateCount":2},"generation_config":{"candidate_count":3}}',
            3,
            id="google-in-both-spellings",
        ),
        pytest.param(GENERATE, b'{"generation_config":{"candidate_count":4}}', 4, id="google-in-snake-case"),
        pytest.param(GENERATE, b'{"generationConfig":{"candidateCount":0}}', 1, id="none-is-one"),
        pytest.param(GENERATE, b'{"generationConfig":{"candidateCount":"x"}}', 1, id="no-number"),
        pytest.param(GENERATE, b'{"generationConfig":[]}', 1, id="no-object"),
        pytest.param(GENERATE, b"{}", 1, id="not-said"),
    ],
)
def test_choices_are_counted_in_the_client_s_dialect(endpoint: EndpointSpec, body: bytes, count: int) -> None:
    made = replace(call(), endpoint=endpoint, fields=split_object(body))
    assert (answered(made), asked(made)) == (count, count)
