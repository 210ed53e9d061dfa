"""Flags of Anthropic's beta header that a host refuses."""

from __future__ import annotations

import json

import pytest

from proxy.core.call import Call, Dialect, EndpointSpec, Headers, Operation
from proxy.core.snapshot import Candidate, Provider
from proxy.providers.adapter import build
from proxy.providers.betas import flags_of, refused_flags, without_flags
from proxy.wire.jsonbody import split_object

REFUSED = "Unexpected value(s) `a-1`, `b-2` for the `anthropic-beta` header. Please consult our documentation."
MANAGED = "Unexpected value(s) `context-management-2025-06-27` for the `anthropic-beta` header."
EDIT = ("anthropic-beta=a-1", "anthropic-beta=b-2", "seed")


@pytest.mark.parametrize(
    ("message", "names"),
    [
        pytest.param(REFUSED, EDIT[:2], id="flags"),
        pytest.param(MANAGED, ("anthropic-beta=context-management-2025-06-27", "context_management"), id="and-member"),
        pytest.param("Unexpected value(s) for `x`", (), id="something-else"),
    ],
)
def test_error_names_what_is_to_go(message: str, names: tuple[str, ...]) -> None:
    assert refused_flags(message) == names


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param(b"a-1, c-3,b-2", ((b"anthropic-beta", b"c-3"), (b"accept", b"x")), id="others-stay"),
        pytest.param(b"a-1", ((b"accept", b"x"),), id="none-is-left"),
    ],
)
def test_flags_of_an_edit_do_not_go(sent: bytes, kept: Headers) -> None:
    assert without_flags(((b"anthropic-beta", sent), (b"accept", b"x")), EDIT) == kept


def test_edit_of_members_alone_leaves_headers() -> None:
    headers = ((b"anthropic-beta", b"a-1"),)
    assert without_flags(headers, ("seed",)) is headers
    assert flags_of(("seed",)) == ()


@pytest.mark.parametrize(
    ("edit", "flags", "dropped"),
    [
        pytest.param((), b"a-1,c-3", (), id="first"),
        pytest.param(EDIT, b"c-3", ("anthropic-beta",), id="resent"),
        pytest.param(("metadata",), b"a-1,c-3", ("metadata",), id="resent-without-a-member"),
    ],
)
def test_resend_tells_which_header_it_changed(edit: tuple[str, ...], flags: bytes, dropped: tuple[str, ...]) -> None:
    body = json.dumps({"model": "m", "messages": [], "metadata": {}}).encode()
    call = Call(
        request_id="r",
        endpoint=EndpointSpec("messages", Operation.CHAT, Dialect.ANTHROPIC),
        body=body,
        fields=split_object(body),
        model="m",
        stream=False,
        include_usage=False,
        headers=((b"anthropic-beta", b"a-1,c-3"),),
        query=(),
        key=None,
        arrived_s=0.0,
        deadline_s=600.0,
    )
    candidate = Candidate(Provider("p", "anthropic", "https://api.example"), "claude-sonnet-4-5")
    prepared = build(call, candidate, None, edit)
    assert dict(prepared.request.extra)[b"anthropic-beta"] == flags
    assert prepared.dropped == dropped
