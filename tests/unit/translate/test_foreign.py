"""What only the client's own vendor has is refused on the way to any other."""

from __future__ import annotations

import pytest
from msgspec import Raw

from proxy.core.conversation import Conversation, Message, Native, Params, Part, Role, Text, Vendor
from proxy.core.translation import Untranslatable
from proxy.translate.foreign import ELSEWHERE, EXTRAS, refuse_foreign
from tests.fakes.dialects import DIALECTS, Dialect

UPLOAD = Native(Vendor.ANTHROPIC, "container_upload", Raw(b'{"type":"container_upload","file_id":"f"}'))
OWNERS = {"anthropic": Vendor.ANTHROPIC, "gemini": Vendor.GOOGLE, "ollama": Vendor.OLLAMA}


def said(*parts: Part, role: Role = Role.USER, rest: dict[str, bytes] | None = None) -> Conversation:
    members = {name: Raw(value) for name, value in (rest or {}).items()}
    return Conversation(Vendor.ANTHROPIC, (Message(role, (*parts, Text("hi"))),), rest=members)


def owner(dialect: Dialect) -> Vendor:
    return OWNERS.get(dialect.name, Vendor.OPENAI)


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_context_and_tools_of_another_vendor_are_refused(dialect: Dialect, name: str) -> None:
    foreign = Vendor.GOOGLE if owner(dialect) is Vendor.ANTHROPIC else Vendor.ANTHROPIC
    asked = Conversation(foreign, (Message(Role.USER, (Text("hi"),)),), rest={name: Raw(b'["a"]')})
    if (dialect.name, name) == ("cohere", "documents"):
        assert b'"documents":["a"]' in dialect.encode_request(asked).body
        return
    with pytest.raises(Untranslatable) as caught:
        dialect.encode_request(asked)
    assert (caught.value.param, caught.value.message, caught.value.capability) == (name, *ELSEWHERE[name])


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_a_block_that_only_another_vendor_reads_is_refused(dialect: Dialect) -> None:
    if dialect.name == "anthropic":
        assert b"container_upload" in dialect.encode_request(said(UPLOAD)).body
        return
    with pytest.raises(Untranslatable) as caught:
        dialect.encode_request(said(UPLOAD))
    assert caught.value.param == "messages[0].content[0]"


@pytest.mark.parametrize(
    "conversation",
    [
        pytest.param(said(rest={"mcp_servers": b"[]", "container": b"null"}), id="nothing-asked"),
        pytest.param(said(rest={"thinking": b"{}"}), id="another-member"),
        pytest.param(said(UPLOAD, role=Role.ASSISTANT), id="of-the-model"),
        pytest.param(said(Text("a"), Native(Vendor.ANTHROPIC, EXTRAS, Raw(b"{}"))), id="members-of-a-part"),
    ],
)
def test_what_changes_nothing_is_let_through(conversation: Conversation) -> None:
    refuse_foreign(conversation, Vendor.OPENAI)


@pytest.mark.parametrize("name", ["openai_responses", "anthropic", "bedrock", "ollama", "cohere"])
def test_images_are_not_asked_of_who_answers_in_text(name: str) -> None:
    asked = Conversation(
        Vendor.GOOGLE, (Message(Role.USER, (Text("hi"),)),), params=Params(modalities=("text", "image"))
    )
    with pytest.raises(Untranslatable) as caught:
        DIALECTS[name].encode_request(asked)
    assert caught.value.param == "modalities"


def test_its_own_vendor_gets_everything() -> None:
    refuse_foreign(said(UPLOAD, rest={"mcp_servers": b'["a"]'}), Vendor.ANTHROPIC)
