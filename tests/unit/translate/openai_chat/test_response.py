from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import (
    Answer,
    Audio,
    Choice,
    FileRef,
    Finish,
    Image,
    Link,
    Native,
    Part,
    Text,
    Thinking,
    ToolCall,
    Vendor,
)
from proxy.core.translation import Undecodable
from proxy.core.usage import Usage
from proxy.translate.openai_chat.response import decode_answer, encode_answer
from tests.fakes.dialects import ACCOUNT, ENVELOPE
from tests.fakes.strict import check_answer


def message(*parts: Part) -> dict[str, Any]:
    body = encode_answer(Answer((Choice(parts, Finish.STOP),)), ENVELOPE)
    check_answer("openai_chat", body)
    found = json.loads(body)["choices"][0]["message"]
    return {name: value for name, value in found.items() if name not in ("role", "refusal")}


@pytest.mark.parametrize(
    ("parts", "members"),
    [
        pytest.param((), {"content": ""}, id="nothing"),
        pytest.param((Text("a"), Text("b")), {"content": "ab"}, id="texts"),
        pytest.param((Native(Vendor.ANTHROPIC, "x", Raw(b"{}")), Text("a")), {"content": "a"}, id="foreign-block"),
        pytest.param((Image(FileRef(Vendor.GOOGLE, "f")), Text("a")), {"content": "a"}, id="file-elsewhere"),
        pytest.param((Audio(Link("https://x/a.wav")), Text("a")), {"content": "a"}, id="sound-elsewhere"),
        pytest.param((Thinking("r"),), {"content": "", "reasoning_content": "r"}, id="thought"),
        pytest.param(
            (Image(Link("https://x/a.png")),),
            {
                "content": "",
                "images": [{"type": "image_url", "image_url": {"url": "https://x/a.png"}, "index": 0}],
            },
            id="image-by-url",
        ),
    ],
)
def test_message_is_written(parts: tuple[Part, ...], members: dict[str, Any]) -> None:
    assert message(*parts) == members


def test_citations_of_several_texts_are_one_list() -> None:
    cited = b'{"type":"url_citation","url_citation":{"start_index":0,"end_index":1,"title":"T","url":"%b"}}'
    natives = [Native(Vendor.OPENAI, "annotations", Raw(b"[" + cited % url + b"]")) for url in (b"u", b"v")]
    found = message(Text("a"), natives[0], Text("b"), natives[1])["annotations"]
    assert [annotation["url_citation"]["url"] for annotation in found] == ["u", "v"]


def test_citations_that_are_no_list_are_none() -> None:
    assert message(Text("a"), Native(Vendor.OPENAI, "annotations", Raw(b"{}"))) == {"content": "a", "annotations": []}


def test_tier_that_openai_does_not_know_is_not_told() -> None:
    answer = Answer((Choice((), Finish.STOP),), usage=Usage(1, 1, service_tier="standard"))
    assert "service_tier" not in json.loads(encode_answer(answer, ENVELOPE))


@pytest.mark.parametrize("body", [b"{}", b'{"choices":null}', b'{"choices":[]}', b"[]", b"nothing"])
def test_what_is_no_answer_is_undecodable(body: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_answer(body, ACCOUNT)


def test_arguments_that_are_null_are_none() -> None:
    call = b'{"id":"c","function":{"name":"f","arguments":"null"}}'
    body = b'{"id":"x","choices":[{"index":0,"message":{"tool_calls":[%b]},"finish_reason":"tool_calls"}]}' % call
    assert decode_answer(body, ACCOUNT).choices[0].parts == (ToolCall("c", "f", ""),)


def test_call_without_a_function_is_one_without_a_name() -> None:
    body = b'{"id":"x","choices":[{"index":0,"message":{"tool_calls":[{"id":"c"}]},"finish_reason":"tool_calls"}]}'
    assert decode_answer(body, ACCOUNT).choices[0].parts == (ToolCall("c", "", ""),)


def test_sound_without_data_is_its_words() -> None:
    body = b'{"choices":[{"message":{"content":null,"audio":{"transcript":"Hi"}},"finish_reason":"stop"}]}'
    assert decode_answer(body, ACCOUNT).choices[0].parts == (Text("Hi"),)
