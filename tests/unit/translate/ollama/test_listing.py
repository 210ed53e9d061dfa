from __future__ import annotations

import json

from proxy.core.capabilities import Capabilities
from proxy.translate.ollama.listing import (
    API_VERSION,
    Listed,
    encode_running,
    encode_show,
    encode_tags,
    encode_version,
)
from tests.fakes.tools import require_module

ROW = Listed("gpt-4o", 1_790_000_000, Capabilities(context_window_tokens=128_000, images=False))


def test_tags_name_the_models() -> None:
    (model,) = json.loads(encode_tags([ROW]))["models"]
    assert (model["name"], model["model"], model["modified_at"]) == (
        "gpt-4o:latest",
        "gpt-4o:latest",
        "2026-09-21T14:13:20Z",
    )
    assert len(model["digest"]) == 64


def test_name_with_a_tag_keeps_it() -> None:
    assert json.loads(encode_tags([Listed("qwen3:8b")]))["models"][0]["name"] == "qwen3:8b"


def test_show_tells_what_is_known() -> None:
    shown = json.loads(encode_show(ROW))
    assert shown["model_info"]["fairlead.context_length"] == 128_000
    assert shown["capabilities"] == ["completion", "tools"]


def test_what_is_not_known_to_be_missing_is_there() -> None:
    shown = json.loads(encode_show(Listed("m")))
    assert shown["capabilities"] == ["completion", "tools", "vision"]
    assert "fairlead.context_length" not in shown["model_info"]
    without = Listed("m", capabilities=Capabilities(tools=False))
    assert json.loads(encode_show(without))["capabilities"] == ["completion", "vision"]


def test_version_is_told() -> None:
    assert json.loads(encode_version()) == {"version": API_VERSION}
    assert json.loads(encode_version("1.2.3")) == {"version": "1.2.3"}


def test_answers_fit_the_clients_own_types() -> None:
    types = require_module("ollama")
    assert types.ListResponse.model_validate_json(encode_tags([ROW])).models[0].model == "gpt-4o:latest"
    assert types.ProcessResponse.model_validate_json(encode_running()).models == []
    assert types.ShowResponse.model_validate_json(encode_show(ROW)).capabilities == ["completion", "tools"]
