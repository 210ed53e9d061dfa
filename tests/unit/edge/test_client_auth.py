"""Who calls: one key from the headers, looked up by its digest."""

from __future__ import annotations

import hashlib
import logging

import pytest

from proxy.core.errors import NotAuthenticated
from proxy.core.secret import Secret
from proxy.core.snapshot import Auth, ClientKey
from proxy.edge import client_auth
from proxy.edge.client_auth import CREDENTIAL_HEADERS, handshake_headers, is_admin, plain_protocols
from proxy.wire.headers import NEVER_FORWARDED
from tests.fakes.wire import FakeWire, make_exchange

NOW_S = 1_800_000_000.0
KEY = "fl_planted_4711"
CI = ClientKey("ci")
OLD = ClientKey("old", expires_at_s=NOW_S)
FRESH = ClientKey("fresh", expires_at_s=NOW_S + 1)

Header = tuple[bytes, bytes]


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def authenticate(headers: list[Header], auth: Auth, wall_s: float) -> ClientKey:
    """As for a request with these headers; the caller says where a name came more than once."""
    single = dict(headers)
    return client_auth.authenticate(single, headers if len(single) < len(headers) else (), auth, wall_s)


AUTH = Auth("keys", {digest(KEY): CI, digest("fl_old"): OLD, digest("fl_fresh"): FRESH})


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([(b"authorization", b"Bearer " + KEY.encode())], id="bearer"),
        pytest.param([(b"authorization", b"bearer " + KEY.encode())], id="bearer-in-small-letters"),
        pytest.param([(b"authorization", b"Bearer   " + KEY.encode() + b" ")], id="bearer-with-spaces"),
        pytest.param([(b"x-api-key", KEY.encode())], id="x-api-key"),
        pytest.param([(b"api-key", b" " + KEY.encode())], id="api-key"),
        pytest.param([(b"x-goog-api-key", KEY.encode())], id="x-goog-api-key"),
        pytest.param([(b"authorization", b"Bearer " + KEY.encode()), (b"api-key", KEY.encode())], id="same-key-twice"),
        pytest.param([(b"x-api-key", KEY.encode()), (b"x-api-key", KEY.encode())], id="same-header-twice"),
        pytest.param([(b"x-api-key", KEY.encode()), (b"x-api-key", b"")], id="same-header-twice-and-once-empty"),
        pytest.param([(b"accept", b"a"), (b"accept", b"b"), (b"x-api-key", KEY.encode())], id="beside-a-repeated-one"),
        pytest.param([(b"authorization", b"Basic abc"), (b"x-api-key", KEY.encode())], id="beside-another-scheme"),
        pytest.param([(b"authorization", b"Bearer "), (b"x-api-key", KEY.encode())], id="beside-an-empty-bearer"),
        pytest.param([(b"x-api-key", KEY.encode()), (b"api-key", b" ")], id="beside-an-empty-key"),
        pytest.param([(b"accept", b"*/*"), (b"x-api-key", KEY.encode()), (b"x-key", b"a")], id="among-other-headers"),
    ],
)
def test_key_is_found_wherever_the_client_put_it(headers: list[Header]) -> None:
    assert authenticate(headers, AUTH, NOW_S) is CI


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="no-header"),
        pytest.param([(b"authorization", b"")], id="empty-header"),
        pytest.param([(b"authorization", b"Bearer")], id="bearer-alone"),
        pytest.param([(b"authorization", b"Bearer  ")], id="empty-bearer"),
        pytest.param([(b"authorization", KEY.encode())], id="no-scheme"),
        pytest.param([(b"authorization", b"Basic " + KEY.encode())], id="another-scheme"),
        pytest.param([(b"x-api-key", b"")], id="empty-key"),
        pytest.param([(b"x-api-key", b"  "), (b"api-key", b"")], id="two-empty-keys"),
        pytest.param([(b"cookie", b"key=" + KEY.encode())], id="a-cookie"),
        pytest.param([(b"x-fairlead-key", KEY.encode())], id="another-header"),
    ],
)
def test_request_without_a_key_is_told_how_to_send_one(headers: list[Header]) -> None:
    with pytest.raises(NotAuthenticated, match="Send your Fairlead key as 'Authorization: Bearer <key>'"):
        authenticate(headers, AUTH, NOW_S)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([(b"authorization", b"Bearer " + KEY.encode()), (b"api-key", b"fl_other")], id="two-headers"),
        pytest.param([(b"x-api-key", b"fl_other"), (b"x-api-key", KEY.encode())], id="one-header-twice"),
        pytest.param(
            [(b"authorization", b"Bearer " + KEY.encode()), (b"authorization", b"Bearer fl_fresh")], id="two-known-keys"
        ),
        pytest.param([(b"x-api-key", KEY.encode()), (b"api-key", KEY.encode()[:-1])], id="nearly-the-same"),
    ],
)
def test_two_different_keys_are_refused(headers: list[Header]) -> None:
    with pytest.raises(NotAuthenticated, match="Two different keys were sent") as caught:
        authenticate(headers, AUTH, NOW_S)
    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    ("key", "log"),
    [
        pytest.param("another_planted", "client key refused: unknown", id="unknown"),
        pytest.param("fl_unknown_planted", "client key refused: malformed", id="ours-but-mistyped"),
        pytest.param(KEY.upper(), "client key refused: unknown", id="in-capitals"),
        pytest.param(digest(KEY), "client key refused: unknown", id="the-stored-digest-itself"),
        pytest.param("fl_old", "client key refused: expired", id="expired"),
    ],
)
def test_refused_key_learns_nothing_and_the_log_says_why(key: str, log: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(NotAuthenticated, match="not valid for this gateway") as caught:
        authenticate([(b"x-api-key", key.encode())], AUTH, NOW_S)
    assert caplog.messages == [log]
    assert key not in caplog.text + caught.value.message


def test_log_names_the_key_that_has_expired(caplog: pytest.LogCaptureFixture) -> None:
    wire, head = FakeWire(), bearer("fl_fresh")
    assert recognise(wire, head) is FRESH
    with caplog.at_level(logging.INFO):
        with pytest.raises(NotAuthenticated):
            recognise(wire, head, wall_s=NOW_S + 1)
        with pytest.raises(NotAuthenticated):
            authenticate([(b"x-api-key", b"fl_fresh")], AUTH, NOW_S + 1)
    assert [vars(record).get("fairlead.key") for record in caplog.records] == ["fresh", "fresh"]


def test_key_is_good_until_the_second_it_expires() -> None:
    headers = [(b"x-api-key", b"fl_fresh")]
    assert authenticate(headers, AUTH, NOW_S) is FRESH
    with pytest.raises(NotAuthenticated):
        authenticate(headers, AUTH, NOW_S + 1)


def test_key_that_is_no_utf_8_is_unknown() -> None:
    with pytest.raises(NotAuthenticated, match="not valid"):
        authenticate([(b"x-api-key", b"\xff\xfe")], AUTH, NOW_S)


def test_key_mode_without_any_key_lets_nobody_in() -> None:
    with pytest.raises(NotAuthenticated):
        authenticate([(b"x-api-key", KEY.encode())], Auth("keys"), NOW_S)


def test_key_may_hold_spaces() -> None:
    auth = Auth("keys", {digest("a b"): CI})
    assert authenticate([(b"authorization", b"Bearer a b")], auth, NOW_S) is CI


def test_no_header_that_may_hold_a_key_reaches_an_upstream() -> None:
    assert CREDENTIAL_HEADERS <= NEVER_FORWARDED


@pytest.mark.parametrize(
    ("value", "token", "expected"),
    [
        pytest.param("Bearer größer".encode(), Secret("größer"), True, id="the-token"),
        pytest.param(b"bearer  t0ken ", Secret("t0ken"), True, id="spaces-and-small-letters"),
        pytest.param(b"Bearer t0ke", Secret("t0ken"), False, id="another-token"),
        pytest.param(b"Basic t0ken", Secret("t0ken"), False, id="another-scheme"),
        pytest.param(b"t0ken", Secret("t0ken"), False, id="no-scheme"),
        pytest.param(b"", Secret("t0ken"), False, id="nothing"),
        pytest.param(b"Bearer ", None, False, id="no-token-configured"),
        pytest.param(b"Bearer None", None, False, id="no-token-configured-and-its-name-sent"),
    ],
)
def test_admin_is_who_sends_the_admin_token(value: bytes, token: Secret | None, expected: bool) -> None:
    assert is_admin({b"authorization": value}, token) is expected


def test_admin_token_counts_in_the_authorization_header_alone() -> None:
    assert not is_admin({b"x-api-key": b"t0ken"}, Secret("t0ken"))


PROTOCOL = b"sec-websocket-protocol"
OFFERED = b"realtime, openai-insecure-api-key." + KEY.encode()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([(PROTOCOL, OFFERED)], id="alone"),
        pytest.param(
            [(PROTOCOL, b"realtime"), (PROTOCOL, OFFERED.upper().replace(KEY.upper().encode(), KEY.encode()))],
            id="repeated-in-capitals",
        ),
        pytest.param([(PROTOCOL, OFFERED), (b"authorization", b"Bearer " + KEY.encode())], id="beside-the-same-key"),
    ],
)
def test_key_of_a_handshake_may_stand_among_its_subprotocols(headers: list[Header]) -> None:
    assert authenticate(list(handshake_headers(headers)), AUTH, NOW_S) is CI


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([(PROTOCOL, b"realtime")], id="none"),
        pytest.param([(PROTOCOL, b"realtime, openai-insecure-api-key.")], id="empty"),
        pytest.param([(PROTOCOL, OFFERED), (b"x-api-key", b"fl_fresh")], id="two-different"),
        pytest.param([(b"x-other", OFFERED)], id="another-header"),
    ],
)
def test_handshake_without_one_key_is_refused(headers: list[Header]) -> None:
    with pytest.raises(NotAuthenticated):
        authenticate(list(handshake_headers(headers)), AUTH, NOW_S)


def test_subprotocols_of_an_account_are_not_for_an_upstream() -> None:
    offered = [b"realtime, openai-insecure-api-key.x", b"OpenAI-Organization.o, a ,openai-project.p"]
    assert plain_protocols(offered) == b"realtime, a"
    assert plain_protocols([b"openai-insecure-api-key.x"]) == b""


# --- who asks again on the same connection ---


def bearer(key: str) -> dict[bytes, bytes]:
    return {b"authorization": b"Bearer " + key.encode()}


def recognise(wire: FakeWire, headers: dict[bytes, bytes], auth: Auth = AUTH, wall_s: float = NOW_S) -> ClientKey:
    return client_auth.recognise(make_exchange(headers, wire=wire), auth, wall_s)


def test_caller_is_remembered_by_the_connection() -> None:
    wire = FakeWire()
    assert recognise(wire, bearer(KEY)) is CI
    remembered = wire.caller
    assert remembered is not None and KEY not in repr(remembered)
    assert recognise(wire, bearer(KEY)) is CI
    assert wire.caller is remembered


def test_another_key_on_the_same_connection_is_another_caller() -> None:
    wire = FakeWire()
    assert [recognise(wire, bearer(key)) for key in (KEY, "fl_fresh", KEY)] == [CI, FRESH, CI]
    for wrong in (bearer("fl_unknown"), {}, {b"x-api-key": b"fl_unknown"}):
        with pytest.raises(NotAuthenticated):
            recognise(wire, wrong)


def test_second_key_beside_the_remembered_one_is_refused() -> None:
    wire = FakeWire()
    recognise(wire, bearer(KEY))
    with pytest.raises(NotAuthenticated, match="Two different keys"):
        recognise(wire, {**bearer(KEY), b"x-api-key": b"fl_fresh"})


def test_repeated_header_is_read_in_full() -> None:
    exchange = make_exchange(bearer(KEY))
    exchange.repeated = ((b"authorization", b"Bearer fl_fresh"), (b"authorization", b"Bearer " + KEY.encode()))
    recognise(FakeWire(), bearer(KEY))
    with pytest.raises(NotAuthenticated, match="Two different keys"):
        client_auth.recognise(exchange, AUTH, NOW_S)


def test_head_that_is_known_has_the_same_caller() -> None:
    wire, head = FakeWire(), bearer(KEY)
    assert [recognise(wire, headers) for headers in (head, head, bearer("fl_fresh"), head)] == [CI, CI, FRESH, CI]


@pytest.mark.parametrize("is_known", [False, True])
def test_remembered_key_expires_all_the_same(caplog: pytest.LogCaptureFixture, *, is_known: bool) -> None:
    wire, head = FakeWire(), bearer("fl_fresh")
    assert recognise(wire, head) is FRESH
    with caplog.at_level(logging.INFO), pytest.raises(NotAuthenticated):
        recognise(wire, head if is_known else bearer("fl_fresh"), wall_s=NOW_S + 1)
    assert "expired" in caplog.text


@pytest.mark.parametrize("is_known", [False, True])
def test_remembered_key_that_was_taken_away_is_refused(*, is_known: bool) -> None:
    wire, head = FakeWire(), bearer(KEY)
    recognise(wire, head)
    with pytest.raises(NotAuthenticated):
        recognise(wire, head if is_known else bearer(KEY), Auth("keys", {digest("fl_fresh"): FRESH}))
