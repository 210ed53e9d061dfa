"""Google's own SDK against the Gemini paths of Fairlead, to Gemini on both hosts and to models of other vendors."""

from __future__ import annotations

import pytest

from tests.e2e.vendors.asking import Sdk
from tests.fakes.tools import require_module
from tests.fakes.vendors import VENDORS, Vendors

# Where aiohttp is installed the SDK takes it, and inherits from its session.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

NATIVE = ("gemini", "vertex-gemini")
everywhere = pytest.mark.parametrize("vendor", VENDORS)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@everywhere
def test_content_and_its_usage(google: Sdk, deployed: Vendors, vendor: str) -> None:
    answer = google.models.generate_content(model=vendor, contents="hello")
    usage = answer.usage_metadata
    assert answer.text.startswith(f"This answer is simulated by {vendor}:")
    assert answer.candidates[0].finish_reason.name == "STOP"
    assert usage.prompt_token_count == 5
    assert usage.total_token_count == 5 + usage.candidates_token_count
    assert vendor in NATIVE or deployed.last(vendor)["dialect"] == VENDORS[vendor].speaks


@everywhere
def test_stream_says_the_same(google: Sdk, vendor: str) -> None:
    whole = google.models.generate_content(model=vendor, contents="hello")
    chunks = list(google.models.generate_content_stream(model=vendor, contents="hello"))
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert chunks[-1].candidates[0].finish_reason.name == "STOP"
    assert chunks[-1].usage_metadata.total_token_count == whole.usage_metadata.total_token_count


# The SDK sends back the empty text that ends a stream, and the simulated Vertex refuses that.
CHATS = [(vendor, way) for vendor in VENDORS for way in (False, True) if (vendor, way) != ("vertex-gemini", True)]


@pytest.mark.parametrize(("vendor", "stream"), CHATS)
def test_functions_are_called_by_the_sdk_in_a_chat(google: Sdk, vendor: str, stream: bool) -> None:
    asked: list[str] = []

    def get_weather(city: str) -> str:
        """Tells the weather."""
        asked.append(city)
        return "sunny"

    chat = google.chats.create(model=vendor, config={"tools": [get_weather], "system_instruction": "Be brief."})
    for turn in (1, 2):
        if stream:
            text = "".join(chunk.text or "" for chunk in chat.send_message_stream("use the tool") if chunk.candidates)
        else:
            text = chat.send_message("use the tool").text
        assert f"It came with {turn} tool result" in text
    assert asked == ["simulated", "simulated"]


@everywhere
def test_parallel_functions_and_their_results(google: Sdk, vendor: str) -> None:
    types = require_module("google.genai.types")
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    declared = [{"name": name, "parameters_json_schema": schema} for name in ("get_weather", "get_climate")]
    config = {"tools": [{"function_declarations": declared}]}
    contents = [types.UserContent("use all tools")]
    called = google.models.generate_content(model=vendor, contents=contents, config=config)
    calls = called.function_calls
    assert [(call.name, call.args) for call in calls] == [
        ("get_weather", {"city": "simulated"}),
        ("get_climate", {"city": "simulated"}),
    ]
    results = [
        types.Part(function_response={"id": call.id, "name": call.name, "response": {"result": "fine"}})
        for call in calls
    ]
    contents += [called.candidates[0].content, types.UserContent(results)]
    answered = google.models.generate_content(model=vendor, contents=contents, config=config)
    assert "It came with 2 tool results." in answered.text


@pytest.mark.parametrize("vendor", [*NATIVE, "anthropic", "vertex-claude", "bedrock", "bedrock-key", "cohere"])
@both_ways
def test_thoughts_come_when_they_are_asked_for(google: Sdk, vendor: str, stream: bool) -> None:
    config = {"thinking_config": {"include_thoughts": True, "thinking_level": "LOW"}}
    asked = {"model": f"{vendor}--reasoning-3", "contents": "hello", "config": config}
    if stream:
        parts = [
            part
            for chunk in google.models.generate_content_stream(**asked)
            for candidate in chunk.candidates or ()
            for part in candidate.content.parts or ()
        ]
    else:
        parts = google.models.generate_content(**asked).candidates[0].content.parts
    thought = "".join(part.text for part in parts if part.thought and part.text)
    assert thought.split() == ["one", "two", "three"]
    assert any(part.text and not part.thought for part in parts)


@everywhere
def test_structured_output_fits_the_schema(google: Sdk, vendor: str) -> None:
    schema = {"type": "OBJECT", "properties": {"count": {"type": "INTEGER"}}, "required": ["count"]}
    asked = {
        "model": vendor,
        "contents": "hello",
        "config": {"response_mime_type": "application/json", "response_schema": schema},
    }
    if vendor == "bedrock-key":
        with pytest.raises(require_module("google.genai.errors").ClientError, match="JSON schema"):
            google.models.generate_content(**asked)
        return
    assert google.models.generate_content(**asked).parsed == {"count": 1}


@everywhere
def test_image_reaches_the_model(google: Sdk, vendor: str) -> None:
    image = require_module("google.genai.types").Part.from_bytes(data=b"\x89PNG", mime_type="image/png")
    answer = google.models.generate_content(model=vendor, contents=[image, "what is this?"])
    assert "It held an image" in answer.text


@pytest.mark.parametrize("vendor", [name for name, vendor in VENDORS.items() if vendor.speaks != "gemini"])
def test_bytes_reach_other_vendors_in_the_alphabet_that_they_take(google: Sdk, deployed: Vendors, vendor: str) -> None:
    """Google's SDK writes them in the one for URLs, which the others refuse."""
    image = require_module("google.genai.types").Part.from_bytes(data=b"\xfb\xff\xfe", mime_type="image/png")
    google.models.generate_content(model=vendor, contents=[image, "what is this?"])
    assert "+//+" in str(deployed.last(vendor)["body"])


@everywhere
def test_tokens_are_counted(google: Sdk, vendor: str) -> None:
    counted = google.models.count_tokens(model=vendor, contents="hello").total_tokens
    assert counted == 5 if vendor in NATIVE else counted > 0


def test_models_are_listed_in_the_vendors_shape(google: Sdk) -> None:
    names = {model.name for model in google.models.list(config={"query_base": True})}
    assert names >= {f"models/{vendor}" for vendor in VENDORS}
    assert google.models.get(model="anthropic").name == "models/anthropic"


ERRORS = (
    pytest.param("invalid", "ClientError", 400, id="invalid"),
    pytest.param("server-error", "ServerError", 502, id="server-error"),
    pytest.param("overload", "ServerError", 502, id="overload"),
    pytest.param("rate-limit-retry-9", "ClientError", 429, id="rate-limit"),
)


@everywhere
@both_ways
@pytest.mark.parametrize(("phrase", "error", "code"), ERRORS)
def test_error_is_raised_as_its_class(
    google: Sdk, vendor: str, phrase: str, error: str, code: int, stream: bool
) -> None:
    with pytest.raises(getattr(require_module("google.genai.errors"), error)) as caught:
        if stream:
            list(google.models.generate_content_stream(model=f"{vendor}--{phrase}", contents="hello"))
        else:
            google.models.generate_content(model=f"{vendor}--{phrase}", contents="hello")
    assert caught.value.code == code
    assert caught.value.status
    assert caught.value.message


@everywhere
def test_leaving_a_stream_closes_the_upstream(google: Sdk, deployed: Vendors, vendor: str) -> None:
    model = f"{vendor}--rate-40-tokens-400"
    stream = google.models.generate_content_stream(model=model, contents="hello")
    next(stream)
    stream.close()
    deployed.check_let_go(model)


@pytest.mark.parametrize("vendor", ["gemini", "vertex-gemini", "openai", "azure", "ollama", "cohere"])
def test_contents_are_embedded(google: Sdk, vendor: str) -> None:
    types = require_module("google.genai").types
    contents = [types.Content(parts=[types.Part(text=text)]) for text in ("one", "two")]
    config = types.EmbedContentConfig(output_dimensionality=8)
    answer = google.models.embed_content(model=vendor, contents=contents, config=config)
    assert [len(embedding.values) for embedding in answer.embeddings] == [8, 8]
