"""Which models a key may have used by naming them within a request."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from proxy.core.errors import UnknownModel
from proxy.core.snapshot import ClientKey, Server
from proxy.routing.resolve import check_named
from tests.unit.routing.build import candidate, model, snapshot

QWEN = model(candidate("two"), name="qwen")
PREFIX = model(candidate("two", "qwen/{*}-instruct"), name="qwen-*")
OPUS = model(candidate("one", "claude-opus"), candidate("two", "opus@latest"), name="opus", aliases=("best",))
ASKED = model(candidate("one", "claude-haiku"), name="haiku")
LISTED = snapshot(
    ASKED,
    OPUS,
    QWEN,
    aliases={"best": "opus"},
    prefixes=(model(candidate("two", "fixed"), name="fix-*"), PREFIX),
    server=Server(direct_models=True),
)


def key(*models: str, providers: tuple[str, ...] = ()) -> ClientKey:
    return ClientKey("k", models, providers)


@pytest.mark.parametrize(
    ("upstream", "of"),
    [
        pytest.param("claude-haiku", key("haiku"), id="the-request's-own"),
        pytest.param("claude-opus", key("haiku", "opus"), id="by-a-model"),
        pytest.param("opus@latest", key("best"), id="by-an-alias"),
        pytest.param("claude-opus", key("*"), id="by-a-star"),
        pytest.param("qwen/b-instruct", key("haiku", "qwen-*"), id="by-a-prefix"),
        pytest.param("fixed", key("haiku", "fix-*"), id="by-a-prefix-of-one-model"),
        pytest.param("claude-other", key("haiku", "one/claude-*"), id="by-a-direct-name"),
    ],
)
def test_key_may_have_used_what_it_may_call(upstream: str, of: ClientKey) -> None:
    check_named([("tools[0].model", upstream)], ASKED, of, LISTED)


@pytest.mark.parametrize(
    ("upstream", "of"),
    [
        pytest.param("claude-opus", key("haiku"), id="not-listed"),
        pytest.param("opus", key("haiku", "opus"), id="a-public-name"),
        pytest.param("opus@latest", key("opus", providers=("one",)), id="not-its-provider"),
        pytest.param("qwen/b-instruct", key("haiku", "qwen-a"), id="not-of-the-prefix"),
        pytest.param("qwen/b-chat", key("haiku", "qwen-*"), id="not-as-the-prefix-has-it"),
        pytest.param("fixed", key("fix-it"), id="by-a-prefix-whose-rest-it-does-not-say"),
        pytest.param("claude-other", key("haiku", "*"), id="direct-but-not-spelt-out"),
        pytest.param("claude-other", key("haiku", "three/*"), id="direct-at-a-provider-that-does-not-serve"),
    ],
)
def test_key_may_not_have_used_what_it_may_not_call(upstream: str, of: ClientKey) -> None:
    named = [("tools[0].model", "claude-haiku"), ("tools[1].model", upstream)]
    with pytest.raises(UnknownModel, match=re.escape(f"tools[1].model: The model {upstream!r} does not exist")) as told:
        check_named(named, ASKED, of, LISTED)
    assert told.value.param == "tools[1].model"


def test_direct_names_count_only_where_they_are_taken() -> None:
    closed = replace(LISTED, server=Server(direct_models=False))
    with pytest.raises(UnknownModel):
        check_named([("tools[0].model", "claude-other")], ASKED, key("haiku", "one/*"), closed)


def test_direct_names_count_only_at_providers_of_the_key() -> None:
    asked = model(candidate("one", "claude-haiku"), candidate("two", "claude-haiku"), name="haiku")
    check_named([("preset", "gpt")], asked, key("haiku", "two/*"), LISTED)
    with pytest.raises(UnknownModel):
        check_named([("preset", "gpt")], asked, key("haiku", "two/*", providers=("one",)), LISTED)
