"""Which refused members a request can do without."""

from __future__ import annotations

import pytest

from proxy.providers.errorbody import ErrorBody
from proxy.providers.optional import droppable


@pytest.mark.parametrize(
    ("message", "names"),
    [
        pytest.param("Unsupported parameter: 'logprobs' is not supported with this model.", ("logprobs",), id="openai"),
        pytest.param("Unsupported value: 'temperature' does not support 0.2", ("temperature",), id="openai-value"),
        pytest.param("Unrecognized request argument supplied: store", ("store",), id="openai-older"),
        pytest.param("Unknown parameter: 'verbosity'.", ("verbosity",), id="openai-unknown"),
        pytest.param("`temperature` is deprecated for this model", ("temperature",), id="anthropic"),
        pytest.param("top_p: Extra inputs are not permitted", ("top_p",), id="anthropic-extra"),
        pytest.param("Unknown parameter: 'client_metadata'.", ("client_metadata",), id="codex-to-a-host"),
        pytest.param(
            "Unexpected value(s) `effort-2025-11-24` for the `anthropic-beta` header.",
            ("anthropic-beta=effort-2025-11-24",),
            id="vertex-betas",
        ),
        pytest.param("Argument not supported on this model: presencePenalty", ("presence_penalty",), id="xai"),
        pytest.param(
            "Model grok-4 does not support parameter frequencyPenalty.", ("frequency_penalty",), id="xai-newer"
        ),
        pytest.param("property 'logit_bias' is unsupported", ("logit_bias",), id="groq"),
        pytest.param('Invalid JSON payload received. Unknown name "seed": Cannot find field.', ("seed",), id="gemini"),
        pytest.param("[{'type': 'extra_forbidden', 'loc': ('body', 'user'), 'msg': 'm'}]", ("user",), id="vllm"),
        pytest.param("Unsupported parameter: 'max_tokens' is not supported with this model.", (), id="bounds-cost"),
        pytest.param("Model grok-4 does not support parameter stop.", (), id="shapes-the-answer"),
        pytest.param("temperature must be at most 2", (), id="wrong-value"),
        pytest.param("", (), id="no-words"),
    ],
)
def test_wording_names_what_can_go(message: str, names: tuple[str, ...]) -> None:
    assert droppable(ErrorBody(message=message)) == names


@pytest.mark.parametrize(
    ("error", "names"),
    [
        pytest.param(ErrorBody("not supported", param="temperature"), ("temperature",), id="words-and-param"),
        pytest.param(ErrorBody("no", param="seed", code="unsupported_parameter"), ("seed",), id="code-and-param"),
        pytest.param(ErrorBody("Invalid service tier", param="service_tier"), ("service_tier",), id="service-tier"),
        pytest.param(ErrorBody("out of range", param="temperature"), (), id="no-cue"),
        pytest.param(ErrorBody("not supported", param="messages[0].name"), (), id="nested"),
        pytest.param(ErrorBody(unknown=("store", "user")), ("store", "user"), id="validator"),
        pytest.param(ErrorBody(unknown=("store", "tools")), (), id="one-matters"),
        pytest.param(ErrorBody(unknown=("store", "store")), ("store",), id="twice"),
    ],
)
def test_member_named_by_the_error_can_go(error: ErrorBody, names: tuple[str, ...]) -> None:
    assert droppable(error) == names
