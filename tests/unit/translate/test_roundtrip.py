"""Conversations, answers and streams that were made up, from each client's dialect to each upstream's and back.

A dialect takes part by its row in `tests.fakes.dialects`; what must survive is told in `tests.fakes.survivors`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.conversation import Answer, Conversation, Finish
from proxy.translate.told import told
from tests.fakes.conversations import answers, conversations, streamed
from tests.fakes.dialects import DIALECTS, SPOKEN, Dialect
from tests.fakes.strict import check_answer, check_stream
from tests.fakes.survivors import of_answer, of_conversation, of_stream
from tests.fakes.vendorside import READERS, check_heard, counted, planned, said, said_in_pieces

FEW = settings(max_examples=10, deadline=None, derandomize=True)


def pairs(upstreams: Mapping[str, Dialect]) -> pytest.MarkDecorator:
    """Every client's dialect with each of these."""
    rows = [
        pytest.param(client, upstream, id=f"{client.name}-to-{upstream.name}")
        for client in SPOKEN.values()
        for upstream in upstreams.values()
    ]
    return pytest.mark.parametrize(("client", "upstream"), rows)


def arrived(dialect: Dialect, conversation: Conversation) -> Conversation:
    """What a dialect's own reader finds in a request, after the simulated vendor had a look at it."""
    body = dialect.encode_request(conversation).body
    check_heard(dialect.name, body)
    if dialect.is_spoken:
        return dialect.decode_request(body, stream=conversation.stream)
    return READERS[dialect.name](json.loads(body))


@pairs(DIALECTS)
@FEW
@given(conversation=conversations())
def test_request_arrives_as_it_was_meant(client: Dialect, upstream: Dialect, conversation: Conversation) -> None:
    asked = arrived(client, conversation)
    assert of_conversation(asked) == of_conversation(conversation)
    assert of_conversation(arrived(upstream, asked)) == of_conversation(conversation, upstream.loses)


@pairs(DIALECTS)
@FEW
@given(answer=answers((Finish.STOP, Finish.LENGTH)), cut=st.integers(1, 7))
def test_answer_of_a_vendor_arrives(client: Dialect, upstream: Dialect, answer: Answer, cut: int) -> None:
    loses = client.loses | upstream.loses
    answer = counted(answer, cut)
    expected = of_answer(planned(upstream.name, answer, first=True), loses)
    body = client.encode_answer(upstream.decode_answer(said(upstream.name, answer, cut)))
    check_answer(client.name, body)
    assert of_answer(client.decode_answer(body), loses) == expected


@pairs(DIALECTS)
@FEW
@given(answer=answers((Finish.STOP, Finish.LENGTH)), cut=st.integers(1, 7))
def test_stream_of_a_vendor_arrives(client: Dialect, upstream: Dialect, answer: Answer, cut: int) -> None:
    loses = client.loses | upstream.loses
    answer = counted(answer, cut)
    expected = of_answer(planned(upstream.name, answer, first=False), loses)
    came = upstream.parts(upstream.events([said_in_pieces(upstream.name, answer, cut)]))
    events = client.events([client.written(came)])
    check_stream(client.name, [event.data for event in events if event.data is not None])
    assert of_stream(client.parts(events), loses) == expected


@pairs(SPOKEN)
@FEW
@given(answer=answers())
def test_answer_arrives_as_it_was_meant(client: Dialect, upstream: Dialect, answer: Answer) -> None:
    loses = client.loses | upstream.loses
    came = upstream.decode_answer(upstream.encode_answer(answer))
    body = client.encode_answer(came)
    check_answer(client.name, body)
    assert of_answer(client.decode_answer(body), loses) == of_answer(answer, loses)


@pairs(SPOKEN)
@FEW
@given(answer=answers(), cut=st.integers(1, 7))
def test_stream_arrives_as_it_was_meant(client: Dialect, upstream: Dialect, answer: Answer, cut: int) -> None:
    loses = client.loses | upstream.loses
    came = upstream.parts(upstream.events([upstream.written(streamed(answer, cut))]))
    events = client.events([client.written(came)])
    check_stream(client.name, [event.data for event in events if event.data is not None])
    assert of_stream(client.parts(events), loses) == of_answer(answer, loses)


@pairs(SPOKEN)
@FEW
@given(answer=answers(), cut=st.integers(1, 7))
def test_stream_says_what_the_whole_answer_says(client: Dialect, upstream: Dialect, answer: Answer, cut: int) -> None:
    loses = client.loses | upstream.loses
    parts = upstream.parts(upstream.events([upstream.written(streamed(answer, cut))]))
    whole = client.decode_answer(client.encode_answer(answer))
    assert of_stream(parts, loses) == of_answer(whole, loses)


@pairs(DIALECTS)
@FEW
@given(answer=answers((Finish.STOP, Finish.LENGTH)), cut=st.integers(1, 7))
def test_answer_that_came_whole_is_told_as_a_stream(
    client: Dialect, upstream: Dialect, answer: Answer, cut: int
) -> None:
    loses = client.loses | upstream.loses
    answer = counted(answer, cut)
    expected = of_answer(planned(upstream.name, answer, first=True), loses)
    came = told(upstream.decode_answer(said(upstream.name, answer, cut)))
    events = client.events([client.written(came)])
    check_stream(client.name, [event.data for event in events if event.data is not None])
    assert of_stream(client.parts(events), loses) == expected
