"""The official Python SDK's client for Azure, pointed at a deployed gateway: paths below `/openai/deployments/`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pytest
from openai import AsyncAzureOpenAI, AzureOpenAI

from tests.e2e.asking import ARGUMENTS, CITY, HELLO, TOOLS, USE_ALL_TOOLS, Voyage, finishes, text_of
from tests.fakes.deployment import TEAM_KEY, Deployment

VERSION = "2024-10-21"


@pytest.fixture(scope="module")
def azure(deployed: Deployment) -> Iterator[AzureOpenAI]:
    with AzureOpenAI(azure_endpoint=deployed.url, api_key=TEAM_KEY, api_version=VERSION, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("name", ["chat", "vendor/chat", "azure-ok"])
def test_deployment_is_a_models_public_name(azure: AzureOpenAI, name: str) -> None:
    raw = azure.chat.completions.with_raw_response.create(model=name, messages=HELLO)
    assert raw.parse().choices[0].finish_reason == "stop"
    assert raw.headers["x-fairlead-model"] == "sim-ok"


def test_fixed_deployment_wins_over_the_model_of_a_call(deployed: Deployment) -> None:
    with AzureOpenAI(
        azure_endpoint=deployed.url, azure_deployment="azure-tokens-3", api_key=TEAM_KEY, api_version=VERSION
    ) as client:
        answer = client.chat.completions.create(model="whatever", messages=HELLO)
        assert (answer.model, answer.usage and answer.usage.completion_tokens) == ("sim-tokens-3", 3)
        assert next(model.id for model in client.models.list()) == "chat"


def test_token_instead_of_a_key(deployed: Deployment) -> None:
    with AzureOpenAI(azure_endpoint=deployed.url, azure_ad_token=TEAM_KEY, api_version=VERSION) as client:
        assert client.chat.completions.create(model="chat", messages=HELLO).choices


def test_upstream_gets_neither_the_clients_key_nor_its_api_version(azure: AzureOpenAI, deployed: Deployment) -> None:
    azure.chat.completions.create(model="azure-ok", messages=HELLO)
    arrival = deployed.arrivals("azure-ok")[-1]
    assert (arrival["path"], arrival["query"]) == ("/azure/v1/chat/completions", "")
    assert "api-key" not in arrival["header_names"]
    assert json.loads(arrival["body"])["model"] == "sim-ok"


@pytest.mark.parametrize("wants_usage", [False, True])
def test_stream(azure: AzureOpenAI, wants_usage: bool) -> None:
    chunks = list(
        azure.chat.completions.create(
            model="chat", messages=HELLO, stream=True, stream_options={"include_usage": wants_usage}
        )
    )
    assert text_of(chunks).startswith("This answer is simulated by first:")
    assert finishes(chunks) == ["stop"]
    assert len([chunk for chunk in chunks if chunk.usage]) == (1 if wants_usage else 0)


def test_tools_and_structured_output(azure: AzureOpenAI) -> None:
    with azure.chat.completions.stream(model="chat", messages=USE_ALL_TOOLS, tools=TOOLS) as stream:
        calls = stream.get_final_completion().choices[0].message.tool_calls or []
    assert [json.loads(call.function.arguments) for call in calls] == [ARGUMENTS, ARGUMENTS]
    answer = azure.chat.completions.parse(model="chat", messages=HELLO, response_format=Voyage)
    assert answer.choices[0].message.parsed is not None
    assert answer.choices[0].message.parsed.legs[0].port == CITY


def test_everything_that_is_no_chat(azure: AzureOpenAI) -> None:
    by_default = azure.embeddings.create(model="chat", input="a")
    floats = azure.embeddings.create(model="chat", input="a", encoding_format="float")
    assert by_default.data[0].embedding == pytest.approx(floats.data[0].embedding)
    assert azure.completions.create(model="chat", prompt="hi", max_tokens=3).choices[0].finish_reason == "length"
    assert azure.moderations.create(model="chat", input="simulate-flagged").results[0].flagged
    assert [model.id for model in azure.models.list()][:2] == ["chat", "vendor/chat"]
    assert azure.models.retrieve("vendor/chat").id == "vendor/chat"


@pytest.mark.parametrize(
    ("model", "error"),
    [
        pytest.param("azure-invalid", openai.BadRequestError, id="400"),
        pytest.param("nothing", openai.NotFoundError, id="404"),
        pytest.param("azure-429-retry-after-9", openai.RateLimitError, id="429"),
        pytest.param("azure-500", openai.InternalServerError, id="502"),
    ],
)
def test_error_is_raised_as_its_class(azure: AzureOpenAI, model: str, error: type[openai.APIStatusError]) -> None:
    with pytest.raises(error):
        azure.chat.completions.create(model=model, messages=HELLO)


def test_wrong_key_is_an_authentication_error(deployed: Deployment) -> None:
    with (
        AzureOpenAI(azure_endpoint=deployed.url, api_key="wrong", api_version=VERSION) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.chat.completions.create(model="chat", messages=HELLO)


async def test_asynchronous_client(deployed: Deployment) -> None:
    async with AsyncAzureOpenAI(azure_endpoint=deployed.url, api_key=TEAM_KEY, api_version=VERSION) as azure:
        stream = await azure.chat.completions.create(model="vendor/chat", messages=HELLO, stream=True)
        assert finishes([chunk async for chunk in stream]) == ["stop"]
        cut = await azure.chat.completions.create(model="azure-cut-after-3-rate-50", messages=HELLO, stream=True)
        with pytest.raises(openai.APIError, match="ended its answer early"):
            [chunk async for chunk in cut]
