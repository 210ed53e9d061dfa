"""From what comes around a request's body to a call: its headers and its query."""

from __future__ import annotations

import pytest

from proxy.api.endpointspec import CHAT
from proxy.core.call import EndpointSpec, Operation
from proxy.core.errors import MalformedRequest
from proxy.core.snapshot import Provider, Snapshot
from proxy.providers.kinds import KINDS
from proxy.wire.headers import ALWAYS_FORWARDED
from tests.unit.api.build import parse


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, 600.0, id="none"),
        pytest.param(b"1500", 1.5, id="shorter"),
        pytest.param(b"1", 0.001, id="the-shortest"),
        pytest.param(b"00900", 0.9, id="leading-zeros"),
        pytest.param(b"600000", 600.0, id="the-same"),
        pytest.param(b"600001", 600.0, id="never-longer-than-configured"),
        pytest.param(b"9" * 18, 600.0, id="much-longer"),
    ],
)
def test_client_may_shorten_its_deadline(value: bytes | None, expected: float) -> None:
    headers = {} if value is None else {b"x-fairlead-deadline-ms": value}
    assert parse({}, headers).deadline_s == expected


@pytest.mark.parametrize("value", [b"", b"0", b"-5", b"1.5", b"1e3", b"1500ms", b" 5", "٥".encode(), b"9" * 5000])
def test_deadline_that_is_no_whole_number_is_refused(value: bytes) -> None:
    with pytest.raises(MalformedRequest, match="'x-fairlead-deadline-ms' must be a whole number of milliseconds"):
        parse({}, {b"x-fairlead-deadline-ms": value})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"a", ("a",), id="one"),
        pytest.param(b" a, b ,,c ", ("a", "b", "c"), id="several"),
        pytest.param(b"team=x", ("team=x",), id="any-text"),
        pytest.param(b"", (), id="empty"),
        pytest.param(b" , ", (), id="commas-alone"),
        pytest.param("münchen".encode(), ("münchen",), id="utf-8"),
        pytest.param("münchen".encode("latin-1"), ("münchen",), id="latin-1"),
    ],
)
def test_tags_are_the_parts_between_commas(value: bytes, expected: tuple[str, ...]) -> None:
    assert parse({}, {b"x-fairlead-tags": value}).tags == expected


@pytest.mark.parametrize(
    ("value", "expected"), [pytest.param(b"azure-eu", "azure-eu", id="named"), pytest.param(b"", None, id="empty")]
)
def test_client_may_pin_a_provider(value: bytes, expected: str | None) -> None:
    assert parse({}, {b"x-fairlead-provider": value}).pinned_provider == expected


@pytest.mark.parametrize(
    ("value", "failover"),
    [(b"true", False), (b"TRUE", False), (b"1", False), (b"1 \t", False), (b"false", True), (b"0", True), (b"", True)],
)
def test_client_may_forbid_failover(value: bytes, failover: bool) -> None:
    assert parse({}, {b"x-fairlead-no-failover": value}).failover is failover


def test_a_wish_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="'x-fairlead-no-failover' must be true or false"):
        parse({}, {b"x-fairlead-no-failover": b"yes"})


def test_white_space_after_a_header_is_no_part_of_it() -> None:
    """RFC 9110 section 5.5; the parser leaves it there."""
    call = parse({}, {b"x-fairlead-provider": b"azure-eu ", b"x-fairlead-deadline-ms": b"1500 \t"})
    assert (call.pinned_provider, call.deadline_s) == ("azure-eu", 1.5)


@pytest.mark.parametrize(
    "name",
    [
        b"authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"proxy-authorization",
        b"cookie",
        b"host",
        b"accept",
        b"accept-encoding",
        b"connection",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"keep-alive",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"user-agent",
    ],
)
def test_header_of_this_connection_or_of_the_client_itself_ends_here(name: bytes) -> None:
    greedy = Provider("p", "openai", "http://h", forward_headers=frozenset({name.decode(), "x-kept"}))
    snapshot = Snapshot(providers={"p": greedy})
    assert parse({}, {name: b"PLANTED", b"x-kept": b"1"}, snapshot=snapshot).headers == ((b"x-kept", b"1"),)


def test_header_that_no_provider_may_get_ends_here() -> None:
    assert parse({}, {b"x-stainless-lang": b"python", b"x-kept": b"1"}).headers == ()


def test_every_header_that_some_kind_of_provider_gets_is_kept() -> None:
    names = ALWAYS_FORWARDED.union(*(kind.forwards for kind in KINDS.values()))
    assert {name for name, _ in parse({}, dict.fromkeys(names, b"1")).headers} == names


def test_headers_are_kept_for_the_providers_of_the_configuration_in_force() -> None:
    for name in ("x-one", "x-two", "x-one"):
        provider = Provider("p", "openai", "http://h", forward_headers=frozenset({name}))
        headers = {b"x-one": b"1", b"x-two": b"2"}
        call = parse({}, headers, snapshot=Snapshot(providers={"p": provider}))
        assert call.headers == ((name.encode(), headers[name.encode()]),)


def test_other_headers_go_on_to_be_chosen_from() -> None:
    headers = {b"idempotency-key": b"k", b"openai-beta": b"x=1", b"traceparent": b"00-1"}
    assert parse({}, headers).headers == tuple(headers.items())


# --- query ---


WITH_QUERY = EndpointSpec("files", Operation.CHAT, query=frozenset({"limit", "after"}))


@pytest.mark.parametrize(
    ("endpoint", "query", "expected"),
    [
        pytest.param(CHAT, b"limit=1&api-version=x", (), id="an-endpoint-without-a-query"),
        pytest.param(WITH_QUERY, b"", (), id="no-query"),
        pytest.param(WITH_QUERY, b"limit=1&key=PLANTED&after=", (("limit", "1"), ("after", "")), id="known-names-only"),
        pytest.param(WITH_QUERY, b"limit=%C3%A9+x%26y", (("limit", "é x&y"),), id="decoded"),
        pytest.param(WITH_QUERY, b"limit=1&limit=2", (("limit", "1"), ("limit", "2")), id="repeated"),
    ],
)
def test_query_keeps_the_names_that_the_endpoint_knows(
    endpoint: EndpointSpec, query: bytes, expected: tuple[tuple[str, str], ...]
) -> None:
    assert parse({}, endpoint=endpoint, query=query).query == expected
