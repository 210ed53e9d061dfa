"""What a call holds when a client asks for nothing special."""

from __future__ import annotations

import pytest

from proxy.core.call import Call, Dialect, EndpointSpec, Needs, Operation

CHAT = EndpointSpec("chat", Operation.CHAT)


def make_call(body: bytes = b"{}") -> Call:
    return Call(
        request_id="req_1",
        endpoint=CHAT,
        body=body,
        fields={},
        model="demo",
        stream=False,
        include_usage=False,
        headers=(),
        query=(),
        key=None,
        arrived_s=1.0,
        deadline_s=600.0,
    )


def test_endpoint_is_repeatable_openai_chat_without_a_query_unless_its_row_says_else() -> None:
    assert (CHAT.dialect, CHAT.repeatable, CHAT.query) == (Dialect.OPENAI_CHAT, True, frozenset())


def test_call_may_fail_over_and_is_pinned_to_nobody_by_default() -> None:
    call = make_call()
    assert (call.failover, call.pinned_provider, call.max_tokens, call.tags) == (True, None, None, ())
    assert call.needs == Needs(tools=False, images=False, audio=False, json_schema=False, input_tokens=0)


def test_call_never_changes() -> None:
    with pytest.raises(AttributeError):
        make_call().body = b""  # type: ignore[misc] # the error under test


def test_printed_call_shows_nothing_that_the_client_wrote() -> None:
    assert "PLANTED" not in repr(make_call(b'{"PLANTED": 1}'))


def test_two_calls_with_the_same_content_are_two_calls() -> None:
    assert make_call() != make_call()
