"""The official Python SDK, pointed at a deployed gateway by `base_url` alone: every kind of answer.

Tools and structured output are in `test_openai_python_tools.py`, streams in `test_openai_python_streams.py`, what goes
wrong in `test_openai_python_failures.py`.
"""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionContentPartParam, ChatCompletionMessageParam

from tests.e2e.asking import HELLO, Voyage
from tests.fakes.deployment import NARROW_KEY, TEAM_KEY, Deployment

PIXEL = "data:image/png;base64,iVBORw0KGgo="


def test_chat_is_answered_with_text_and_usage(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="chat", messages=HELLO)
    (choice,) = answer.choices
    assert (choice.finish_reason, choice.message.role) == ("stop", "assistant")
    assert (choice.message.content or "").startswith("This answer is simulated by first:")
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 5
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert (answer.object, answer.model) == ("chat.completion", "sim-ok")
    assert answer._request_id == "req_simulated" + answer.id.removeprefix("chatcmpl-simulated")


@pytest.mark.parametrize("path", ["/v1", "/v1/", "", "/openai/v1"])
def test_base_url_may_be_written_in_several_ways(deployed: Deployment, path: str) -> None:
    with OpenAI(base_url=deployed.url + path, api_key=TEAM_KEY, max_retries=0) as client:
        answer = client.chat.completions.create(model="chat", messages=HELLO)
        assert answer.choices[0].finish_reason == "stop"
        assert client.models.retrieve("chat").id == "chat"


def test_raw_response_tells_who_answered(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="chat", messages=HELLO)
    headers = raw.headers
    assert re.fullmatch(r"req_[0-9a-f]{32}", headers["x-fairlead-request-id"])
    assert headers["x-fairlead-provider"] == "first"
    assert headers["x-fairlead-model"] == "sim-ok"
    assert headers["x-fairlead-attempts"] == "1"
    assert headers["x-fairlead-trail"] == "first=ok"
    assert 0 < float(headers["x-fairlead-overhead-ms"]) < 1000
    assert raw.retries_taken == 0
    assert raw.parse().choices[0].finish_reason == "stop"


def test_limited_provider_is_passed_over_without_a_trace_in_the_answer(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="python-backed-429-retry-after-30", messages=HELLO)
    assert "simulated by second:" in (raw.parse().choices[0].message.content or "")
    assert raw.headers["x-fairlead-trail"] == "python=rate_limited;second=ok"
    assert raw.headers["x-fairlead-attempts"] == "2"
    assert "retry-after" not in raw.headers


def test_several_choices(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="chat", messages=HELLO, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) == 3


def test_limits_and_sampling_reach_the_upstream(client: OpenAI, deployed: Deployment) -> None:
    answer = client.chat.completions.create(
        model="python-ok",
        messages=HELLO,
        max_completion_tokens=4,
        temperature=0.2,
        top_p=0.9,
        seed=7,
        stop=["never"],
        user="someone",
    )
    assert (answer.choices[0].finish_reason, answer.usage and answer.usage.completion_tokens) == ("length", 4)
    sent = json.loads(deployed.arrivals("python-ok")[-1]["body"])
    assert sent == {
        "messages": [{"role": "user", "content": "hello"}],
        "model": "sim-ok",
        "max_completion_tokens": 4,
        "temperature": 0.2,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["never"],
        "user": "someone",
    }


def test_unknown_fields_pass_both_ways(client: OpenAI, deployed: Deployment) -> None:
    extra = {"x_new_field": {"deep": [1, 2.50, None, "☃"]}, "enable_thinking": True}
    answer = client.chat.completions.create(model="python-reasoning-3", messages=HELLO, extra_body=extra)
    sent = json.loads(deployed.arrivals("python-reasoning-3")[-1]["body"])
    assert {name: sent[name] for name in extra} == extra
    assert (answer.choices[0].message.model_extra or {})["reasoning_content"] == " one two three"
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 3


def test_only_headers_of_the_allow_list_reach_the_upstream(deployed: Deployment) -> None:
    with OpenAI(
        base_url=f"{deployed.url}/v1",
        api_key=TEAM_KEY,
        organization="org-of-the-client",
        project="project-of-the-client",
        default_headers={"x-custom": "1", "cookie": "a=b"},
        default_query={"shard": "7"},
        max_retries=0,
    ) as client:
        client.chat.completions.create(
            model="python-ok", messages=HELLO, extra_headers={"Idempotency-Key": "once-1", "OpenAI-Beta": "beta=1"}
        )
    arrival = deployed.arrivals("python-ok")[-1]
    assert arrival["headers"]["idempotency-key"] == "once-1"
    assert arrival["headers"]["openai-beta"] == "beta=1"
    assert arrival["headers"]["accept-encoding"] == "identity"
    assert arrival["headers"]["user-agent"].startswith("fairlead/")
    assert arrival["query"] == ""
    assert set(arrival["header_names"]) == {
        "host",
        "content-type",
        "content-length",
        "accept",
        "accept-encoding",
        "idempotency-key",
        "openai-beta",
        "user-agent",
        "authorization",
    }


def test_long_text_that_is_no_ascii_arrives_unchanged(client: OpenAI, deployed: Deployment) -> None:
    text = 'Ἡ ναῦς ἔπλει· 船が港を出た。 🛳️ naïve \u2028 \\ " \x7f ' * 10_000
    answer = client.chat.completions.create(model="python-ok", messages=[{"role": "user", "content": text}])
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    assert f"digest {digest}." in (answer.choices[0].message.content or "")
    assert deployed.arrivals("python-ok")[-1]["body_bytes"] > len(text.encode())


def test_whole_conversation_with_every_role_is_accepted(client: OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "system", "content": [{"type": "text", "text": "Be exact."}]},
        {"role": "user", "content": "One.", "name": "first"},
        {"role": "assistant", "content": "Two."},
        {"role": "user", "content": [{"type": "text", "text": "three"}, {"type": "text", "text": "words"}]},
    ]
    answer = client.chat.completions.create(model="chat", messages=messages)
    assert "You sent 5 messages" in (answer.choices[0].message.content or "")


@pytest.mark.parametrize(
    ("part", "mentioned"),
    [
        pytest.param(
            {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}, "an image of type image/png", id="data"
        ),
        pytest.param(
            {"type": "image_url", "image_url": {"url": "https://example.invalid/a.png"}},
            "an image by its address",
            id="address",
        ),
        pytest.param({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, "audio", id="audio"),
        pytest.param({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:,x"}}, "a file", id="file"),
    ],
)
def test_parts_that_are_no_text_reach_the_model(
    client: OpenAI, part: ChatCompletionContentPartParam, mentioned: str
) -> None:
    content: list[ChatCompletionContentPartParam] = [{"type": "text", "text": "what is this?"}, part]
    answer = client.chat.completions.create(model="chat", messages=[{"role": "user", "content": content}])
    assert f"It held {mentioned}." in (answer.choices[0].message.content or "")
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 85


def test_large_answer_arrives_whole(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="python-huge-3", messages=HELLO)
    assert len(answer.choices[0].message.content or "") >= 3 * 1024 * 1024


def test_answer_in_single_bytes_arrives_whole(client: OpenAI) -> None:
    answer = client.chat.completions.parse(model="python-split-1", messages=HELLO, response_format=Voyage)
    assert answer.choices[0].message.parsed is not None


def test_embeddings_are_the_same_as_floats_and_as_the_sdks_base64(client: OpenAI, deployed: Deployment) -> None:
    by_default = client.embeddings.create(model="python-ok", input=["a", "b ☃"], dimensions=8)
    asked = deployed.arrivals("python-ok")[-1]
    floats = client.embeddings.create(model="python-ok", input=["a", "b ☃"], dimensions=8, encoding_format="float")
    assert json.loads(asked["body"])["encoding_format"] == "base64"
    assert [row.index for row in by_default.data] == [0, 1]
    assert [len(row.embedding) for row in by_default.data] == [8, 8]
    for mine, theirs in zip(by_default.data, floats.data, strict=True):
        assert mine.embedding == pytest.approx(theirs.embedding)
    assert by_default.usage.prompt_tokens == floats.usage.prompt_tokens > 0


def test_embeddings_of_tokens(client: OpenAI) -> None:
    answer = client.embeddings.create(model="chat", input=[[1, 2, 3], [4, 5]])
    assert [len(row.embedding) for row in answer.data] == [16, 16]


def test_moderations(client: OpenAI) -> None:
    answer = client.moderations.create(model="chat", input=["fine", "simulate-flagged"])
    assert [result.flagged for result in answer.results] == [False, True]


def test_completions(client: OpenAI) -> None:
    answer = client.completions.create(model="chat", prompt=["one", "two"], max_tokens=4)
    assert [choice.finish_reason for choice in answer.choices] == ["length", "length"]
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 8


def test_models_are_those_that_the_key_may_call(client: OpenAI) -> None:
    models = client.models.list()
    names = [model.id for model in models]
    assert names[:2] == ["chat", "vendor/chat"]
    assert not any("*" in name for name in names)
    assert models.object == "list"
    narrow = client.with_options(api_key=NARROW_KEY)
    assert [model.id for model in narrow.models.list()] == ["chat", "vendor/chat"]


@pytest.mark.parametrize("name", ["chat", "vendor/chat", "python-ok"])
def test_model_is_retrieved_by_any_name_that_can_be_called(client: OpenAI, name: str) -> None:
    model = client.models.retrieve(name)
    assert (model.id, model.object) == (name, "model")


def test_model_whose_name_holds_a_slash_is_called(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="vendor/chat", messages=HELLO)
    assert answer.choices[0].finish_reason == "stop"
