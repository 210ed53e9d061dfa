"""Ids of users for vendors that take short ones."""

from __future__ import annotations

import json

import pytest

from proxy.core.conversation import Conversation, Message, Params, Role, Text, Vendor
from proxy.translate.openai_chat.request import encode_request as encode_chat
from proxy.translate.openai_responses.request import encode_request as encode_responses
from proxy.translate.userids import user_member
from tests.fakes.dialects import TARGET

# As claude-code 2.1.197 writes it.
CLAUDE_CODE = json.dumps({"device_id": "d" * 64, "account_uuid": "", "session_id": "s" * 36})


def test_short_id_is_kept_and_none_is_not_said() -> None:
    assert user_member("u" * 64) == {"user": "u" * 64}
    assert user_member("") == {}


def test_long_id_still_tells_users_apart() -> None:
    first, same, other = (user_member(user)["user"] for user in (CLAUDE_CODE, CLAUDE_CODE, CLAUDE_CODE + "x"))
    assert first == same != other
    assert (len(first), first.isalnum()) == (64, True)


@pytest.mark.parametrize("encode", [encode_chat, encode_responses], ids=["chat", "responses"])
def test_id_of_claude_code_reaches_a_vendor_that_takes_64_characters(encode: object) -> None:
    assert callable(encode)
    asked = Conversation(Vendor.ANTHROPIC, (Message(Role.USER, (Text("Hi"),)),), params=Params(user=CLAUDE_CODE))
    assert json.loads(encode(asked, TARGET).body)["user"] == user_member(CLAUDE_CODE)["user"]
