"""Error bodies in any shape, as one value."""

from __future__ import annotations

import json

import pytest

from proxy.providers.errorbody import ErrorBody, read_error


def _read(body: object) -> ErrorBody:
    return read_error(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param({"error": {"message": "said"}}, "said", id="openai"),
        pytest.param({"type": "error", "error": {"type": "t", "message": "said"}}, "said", id="anthropic"),
        pytest.param([{"error": {"code": 429, "message": "said"}}], "said", id="list"),
        pytest.param({"error": "said"}, "said", id="text"),
        pytest.param({"error": {"message": "said \ud83d"}}, "said \ufffd", id="half-an-emoji"),
        pytest.param({"code": "c", "error": "said"}, "said", id="code-beside-text"),
        pytest.param({"object": "error", "message": "said"}, "said", id="flat"),
        pytest.param({"Message": "said"}, "said", id="capital"),
        pytest.param({"detail": "said"}, "said", id="detail"),
        pytest.param({"message": {"detail": "said"}}, "said", id="detail-inside"),
        pytest.param({"message": {"message": "said"}}, "said", id="message-inside"),
        pytest.param({"message": {}}, "", id="empty-object"),
        pytest.param({"message": {"other": 1}}, "", id="object-without-words"),
        pytest.param({"message": "[not json"}, "[not json", id="looks-like-json"),
        pytest.param({"message": '{"detail":[{"loc":["body","x"],"msg":"bad"}]}'}, "body.x: bad", id="json-in-text"),
        pytest.param(
            {"detail": [{"loc": ["body", "x"], "msg": "bad"}, "odd", {"message": "m"}]},
            "body.x: bad; : m",
            id="validator",
        ),
        pytest.param({"detail": [{"loc": "body"}]}, ": invalid", id="validator-without-words"),
        pytest.param({"detail": 7}, "", id="number"),
        pytest.param([], "", id="empty-list"),
        pytest.param("said", "", id="bare-text"),
        pytest.param({}, "", id="empty"),
    ],
)
def test_words_are_found(body: object, message: str) -> None:
    assert _read(body).message == message


def test_names_come_from_what_the_vendor_wrote() -> None:
    body = {
        "type": "Error",
        "error": {
            "code": 429,
            "status": "RESOURCE_EXHAUSTED",
            "innererror": {"code": "Filtered"},
            "details": [{"reason": "R"}, {"violations": [{"quotaId": "PerDay"}]}],
            "metadata": {"error_type": "m", "limit_source": True},
        },
    }
    assert _read(body).names == {"error", "429", "resource_exhausted", "filtered", "r", "perday", "m"}


def test_echo_of_the_client_gives_no_names_and_no_words() -> None:
    echo = {"code": "insufficient_quota", "message": "private", "error": {"type": "auth"}}
    read = _read({"detail": [{"type": "missing", "loc": ["body"], "msg": "bad", "input": echo, "ctx": echo}]})
    assert read.names == {"missing"}
    assert "private" not in read.message


def test_exception_name_comes_from_the_header() -> None:
    read = read_error(b"<html>", ((b"x-amzn-errortype", b"ThrottlingException:http://x/"), (b"date", b"x")))
    assert read == ErrorBody(names=frozenset({"throttlingexception"}), body=b"<html>")


def test_client_fields_are_text() -> None:
    read = _read({"error": {"message": "m", "type": 5, "param": None, "code": ""}})
    assert (read.type, read.param, read.code) == ("5", None, None)


def test_unknown_members_are_those_at_the_top_of_the_body() -> None:
    items = [
        {"type": "extra_forbidden", "loc": ["body", "store"]},
        {"type": "extra_forbidden", "loc": ["body", "messages", 0]},
        {"type": "extra_forbidden", "loc": ["query", "x"]},
        {"type": "missing", "loc": ["body", "model"]},
    ]
    assert _read({"detail": items}).unknown == ("store",)


def test_times_and_headers_in_the_body_are_found() -> None:
    metadata = {"resets_at": "2026-08-21", "headers": {"X-A": 1, "X-B": [2]}}
    read = _read({"error": {"details": [{"retryDelay": "46s"}], "metadata": metadata}})
    assert set(read.delays) == {"46s", "2026-08-21"}
    assert read.headers == ((b"x-a", b"1"),)


def test_words_behind_a_router_replace_its_own() -> None:
    raw = json.dumps({"error": {"message": "inner", "code": "deep"}})
    read = _read({"error": {"message": "Provider returned error", "metadata": {"raw": raw}}})
    assert read.message == "inner"
    assert "deep" in read.names


@pytest.mark.parametrize(
    ("message", "metadata"),
    [
        pytest.param("Own words", {"raw": '{"error":"inner"}'}, id="own-words"),
        pytest.param("Provider returned error", {"raw": "<html>"}, id="raw-is-no-json"),
        pytest.param("Provider returned error", {"raw": {"error": "inner"}}, id="raw-is-no-text"),
        pytest.param("Provider returned error", None, id="no-metadata"),
    ],
)
def test_words_of_a_router_stay_where_nothing_better_is_behind(message: str, metadata: object) -> None:
    assert _read({"error": {"message": message, "metadata": metadata}}).message == message


def test_search_ends_at_a_depth() -> None:
    body: dict[str, object] = {"code": "deep"}
    for _ in range(10):
        body = {"error": body}
    assert _read(body).names == frozenset()


def test_search_ends_after_a_number_of_parts() -> None:
    read = _read({"error": {"details": [{"reason": f"r{n}"} for n in range(1_000)]}})
    assert 50 < len(read.names) < 70


def test_long_words_are_cut_between_words() -> None:
    read = _read({"error": {"message": "a" * 4_000 + " " + "b" * 200, "code": "c" * 300, "param": "d " * 300}})
    assert read.message == "a" * 4_000
    assert read.code is None
    assert read.param == "d " * 127 + "d"
    assert read.names == {"c" * 256}


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff\xfe", b'{"a":"\xff"}', b"[" * 5_000], ids=range(6))
def test_what_is_no_json_is_empty(body: bytes) -> None:
    assert read_error(body) == ErrorBody(body=body)
