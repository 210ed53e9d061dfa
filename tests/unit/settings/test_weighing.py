"""Whether a configuration needs to know what a request asks of a model: only then is its body searched for it."""

from __future__ import annotations

import pytest

from tests.fakes.gateway import load

PROVIDER = '[providers.a]\nkind = "vllm"\n'
MODEL = '[models.m]\nmodel = "x"\nproviders = ["a"]\n'


@pytest.mark.parametrize(
    ("toml", "weighs"),
    [
        pytest.param(PROVIDER + MODEL, False, id="nothing-known"),
        pytest.param(PROVIDER + "limits = { rpm = 5 }\n" + MODEL, False, id="requests-are-counted"),
        pytest.param(PROVIDER + "limits = { tpm = 5 }\n" + MODEL, True, id="tokens-are-counted"),
        pytest.param(PROVIDER + MODEL + "[models.m.capabilities]\nimages = false\n", True, id="of-the-model"),
        pytest.param(
            PROVIDER + '[models.m]\ncandidates = [{ provider = "a", model = "x", capabilities = { tools = true } }]\n',
            True,
            id="of-a-candidate",
        ),
        pytest.param(
            PROVIDER + '[models."m-*"]\nmodel = "x"\nproviders = ["a"]\n[models."m-*".capabilities]\ntools = false\n',
            True,
            id="of-a-prefix",
        ),
    ],
)
def test_requests_are_weighed_where_something_depends_on_it(toml: str, weighs: bool) -> None:
    assert load(toml).weighs_requests is weighs
