"""Every vendor's errors, from fixtures, and what holds for all of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failure import CLIENT_FAULTS, Failure, FailureKind, Scope, UpstreamError
from proxy.core.localprocess import LocalProcess
from proxy.core.secret import Secret
from proxy.core.snapshot import Credential, Provider, QuotaMarker
from proxy.providers.kinds import KINDS
from proxy.providers.signal import Signal
from proxy.providers.signals import classify, envelope_failure, rows_for, unserved, verbatim
from tests.unit.providers.fixtures import FOLDER, SECRET, assert_as_expected, judge, provider_of, read_fixture

NOW_S = 1_787_227_200.0
OPENAI = rows_for(provider_of("openai"))
KEEPS_NOTHING_ASIDE = CLIENT_FAULTS | {FailureKind.CONTEXT_TOO_LONG, FailureKind.CONFLICT}


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=f"{path.parent.name}-{path.stem}") for path in sorted(FOLDER.glob("*/*.json"))]
)
def test_fixture_is_judged_as_expected(path: Path) -> None:
    fixture = read_fixture(path)
    assert_as_expected(judge(provider_of(path.parent.name), fixture), fixture)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_fixtures(kind: str) -> None:
    assert list((FOLDER / kind).glob("*.json"))


def _all_rows() -> list[Signal]:
    return list(dict.fromkeys(row for kind in KINDS for row in rows_for(provider_of(kind)).rows))


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.kind}-{row.code or row.text}") for row in _all_rows()])
def test_some_fixture_needs_the_row(row: Signal) -> None:
    """A row that another one hides, or that nobody has an example of, does not belong in a table."""
    own = [kind for kind in KINDS if row in KINDS[kind].signals]
    assert any(_changes(row, kind) for kind in own or KINDS)


def _changes(row: Signal, kind: str) -> bool:
    provider = provider_of(kind)
    whole = rows_for(provider)
    rest = tuple(other for other in whole.rows if other != row)
    without = replace(whole, rows=(*rest, Signal(FailureKind.CLIENT_GONE)))
    fixtures = [read_fixture(path) for path in (FOLDER / kind).glob("*.json")]
    return any(judge(provider, fixture) != judge(provider, fixture, without) for fixture in fixtures)


def _provoked_by_clients() -> list[Signal]:
    rows = dict.fromkeys(row for kind in KINDS.values() for row in rows_for(provider_of(kind.name)).rows)
    return [
        row
        for row in rows
        if row.text is not None
        and row.code is None
        and row.kind not in KEEPS_NOTHING_ASIDE
        and (not row.status or {400, 403, 413, 422}.intersection(row.status))
    ]


@pytest.mark.parametrize("row", [pytest.param(row, id=str(row.text)[:40]) for row in _provoked_by_clients()])
def test_wording_that_sets_something_aside_is_anchored(row: Signal) -> None:
    """Else a client could have a credential set aside by writing the vendor's words into its request."""
    assert row.text is not None
    choices = re.sub(r"\((?:[^()]|\([^()]*\))*\)", "()", row.text).split("|")
    assert all(choice.startswith("^") for choice in choices)


def test_marker_text_means_an_exhausted_quota() -> None:
    rows = rows_for(Provider("p", "openai", "https://x", quota_markers=(QuotaMarker(text="plan is used up"),)))
    failure = classify(rows, 400, (), b'{"error":"Your plan is used up"}', NOW_S)
    assert (failure.kind, failure.scope) == (FailureKind.QUOTA_EXHAUSTED, Scope.CREDENTIAL_MODEL)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param({"status": {"code": 7, "extra": 1}, "m": 1}, FailureKind.QUOTA_EXHAUSTED, id="held"),
        pytest.param([{"x": 1}, {"status": {"code": 7}}], FailureKind.QUOTA_EXHAUSTED, id="held-in-a-list"),
        pytest.param({"status": {"code": 8}}, FailureKind.REJECTED, id="another-value"),
        pytest.param({"status": 7}, FailureKind.REJECTED, id="another-shape"),
        pytest.param({}, FailureKind.REJECTED, id="missing"),
    ],
)
def test_marker_subset_means_an_exhausted_quota(body: object, kind: FailureKind) -> None:
    marker = QuotaMarker(subset={"status": {"code": 7}})
    rows = rows_for(Provider("p", "openai", "https://x", quota_markers=(marker,)))
    assert classify(rows, 400, (), json.dumps(body).encode(), NOW_S).kind == kind


def test_rows_are_made_once_per_provider() -> None:
    provider = provider_of("openai")
    assert rows_for(provider) is rows_for(provider)
    assert rows_for(provider) is not rows_for(provider_of("openai"))


def test_detail_never_holds_words_of_the_upstream() -> None:
    failure = classify(OPENAI, 400, (), b'{"error":{"message":"private words","code":"private"}}', NOW_S)
    assert "private" not in failure.detail
    assert "400" in failure.detail


def test_client_is_told_when_the_upstream_says_nothing() -> None:
    failure = classify(OPENAI, 422, (), b"", NOW_S)
    assert failure.error is not None
    assert "422" in failure.error.message


def test_what_the_client_is_told_fits_into_4_kib() -> None:
    body = json.dumps({"error": {name: "é é" * 5_000 for name in ("message", "type", "param", "code")}}).encode()
    told = classify(OPENAI, 400, (), body, NOW_S).error
    assert told is not None
    assert told.type and told.param and told.code
    assert sum(len(text.encode()) for text in (told.message, told.type, told.param, told.code)) <= 4096


@pytest.mark.parametrize("name", ["authorization", "x-team-token", "X-Credential", "x-signature", "x-pass"])
def test_secret_of_a_configured_header_is_masked(name: str) -> None:
    provider = Provider("p", "openai", "https://x", headers=((name, "Token abcd-efgh-1234"), ("x-a", "plain")))
    told = classify(rows_for(provider), 400, (), b'{"error":"bad abcd-efgh-1234 plain"}', NOW_S).error
    assert told is not None
    assert told.message == "bad [redacted] plain"


def test_secrets_of_a_process_are_masked() -> None:
    env = (("QWEN_API_KEY", Secret("planted one")), ("MODE", Secret("production")))
    process = LocalProcess("serve", ("--hf_token", "planted-two"), env=env)
    provider = Provider("p", "vllm", "http://127.0.0.1/v1", process=process)
    told = classify(rows_for(provider), 400, (), b'{"error":"bad planted one, planted-two, production"}', NOW_S).error
    assert told is not None
    assert told.message == "bad [redacted], [redacted], production"


KEY = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", min_size=16, max_size=60)
MEMBERS = (
    "error code type status message detail details metadata headers loc msg param retryDelay resets_at raw violations "
    "quotaId choices x_groq object input innererror"
).split()
HEADER_NAMES = (
    b"retry-after retry-after-ms x-ratelimit-remaining-tokens x-ratelimit-reset-tokens x-amzn-errortype date "
    b"anthropic-ratelimit-unified-status anthropic-ratelimit-unified-reset"
).split()
ERROR_BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(MEMBERS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(HEADER_NAMES),
        st.binary(max_size=40) | st.sampled_from([b"0", b"rejected", b"-1", b"1e400", b"Thu, 01 Jan 1 00:00:00 GMT"]),
    ),
    max_size=6,
).map(tuple)
STATUSES = st.integers(min_value=100, max_value=599)


@given(kind=st.sampled_from(sorted(KINDS)), status=STATUSES, headers=HEADERS, body=st.binary(max_size=200))
def test_any_bytes_are_judged(kind: str, status: int, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> None:
    failure = classify(rows_for(provider_of(kind)), status, headers, body, NOW_S)
    assert failure.delay_s is None or 0 < failure.delay_s <= 366 * 86_400


@given(kind=st.sampled_from(sorted(KINDS)), status=STATUSES, headers=HEADERS, body=ERROR_BODIES)
def test_any_json_is_judged(kind: str, status: int, headers: tuple[tuple[bytes, bytes], ...], body: object) -> None:
    rows, payload = rows_for(provider_of(kind)), json.dumps(body).encode()
    assert classify(rows, status, headers, payload, NOW_S).status == status
    inside = envelope_failure(rows, payload, headers, NOW_S)
    assert inside is None or (inside.status is not None and 400 <= inside.status < 600)


@given(secret=KEY, before=st.text(max_size=60), after=st.text(max_size=60), member=st.sampled_from(["message", "code"]))
def test_planted_secret_is_never_told(secret: str, before: str, after: str, member: str) -> None:
    provider = Provider("p", "openai", "https://x", credentials=(Credential("k", Secret(secret)),))
    body = json.dumps({"error": {"message": "m", member: before + secret + after}}).encode()
    failure = classify(rows_for(provider), 400, (), body, NOW_S)
    assert secret not in repr(failure)


def test_deeply_nested_body_counts_as_none() -> None:
    assert classify(OPENAI, 429, (), b"[" * 60_000, NOW_S).kind is FailureKind.RATE_LIMITED


WRONG = Failure(FailureKind.INVALID_REQUEST, error=UpstreamError("Wrong."))


@pytest.mark.parametrize(
    ("failure", "body", "kept"),
    [
        pytest.param(WRONG, b'{"type":"error"}', b'{"type":"error"}', id="an-object"),
        pytest.param(WRONG, b"<html>", b"", id="no-json"),
        pytest.param(WRONG, b'{"key":"' + SECRET.encode() + b'"}', b"", id="a-secret"),
        pytest.param(WRONG, b'{"a":"' + b"x" * 5000 + b'"}', b"", id="too-large"),
    ],
)
def test_error_is_kept_in_the_vendor_s_bytes_where_they_are_fit(failure: Failure, body: bytes, kept: bytes) -> None:
    error = verbatim(rows_for(provider_of("anthropic")), failure, body).error
    assert error is not None and error.body == kept


def test_failure_that_the_client_is_not_told_of_keeps_no_bytes() -> None:
    failure = Failure(FailureKind.OVERLOADED)
    assert verbatim(rows_for(provider_of("anthropic")), failure, b"{}") is failure


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b'{"error": {"message": "No such File object: f"}}', "No such File object: f", id="told"),
        pytest.param(b"", "The upstream provider refused this request (404).", id="untold"),
    ],
)
def test_refusal_of_what_a_provider_has_not_is_the_client_s_to_read(body: bytes, message: str) -> None:
    refused = classify(OPENAI, 404, (), body, NOW_S)
    failure = unserved(OPENAI, refused, (), body)
    assert (failure.kind, failure.scope, failure.status) == (FailureKind.UNSUPPORTED, Scope.CANDIDATE, 404)
    assert (failure.edit, failure.delay_s, failure.stated) == ((), None, False)
    assert failure.error is not None
    assert failure.error.message == message
