"""The table of endpoints."""

from __future__ import annotations

import pytest
from httptools import HttpParserInvalidURLError

from proxy.api.endpointspec import (
    BATCH,
    BATCH_CANCEL,
    BATCHES,
    BY_PATH,
    CHAT,
    COMPLETIONS,
    COUNT_TOKENS,
    EMBEDDINGS,
    ENDPOINTS,
    FILE,
    FILE_CONTENT,
    FILES,
    GEMINI_COUNT,
    GENERATE,
    GENERATE_ARRAY,
    GENERATE_STREAM,
    IMAGE_EDITS,
    IMAGES,
    MESSAGES,
    OLLAMA_CHAT,
    OLLAMA_EMBED,
    OLLAMA_GENERATE,
    OTHERS,
    PREFIXES,
    REALTIME,
    RERANK,
    RESOURCES,
    RESPONSES,
    SPEECH,
    TRANSCRIPTIONS,
    TUNNELS,
    find_endpoint,
    spoken_at,
)
from proxy.core.call import OF_ACCOUNTS, Dialect, EndpointSpec, Gives, Operation, Takes


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        pytest.param("/chat/completions", Operation.CHAT, id="chat"),
        pytest.param("/completions", Operation.COMPLETIONS, id="completions"),
        pytest.param("/embeddings", Operation.EMBEDDINGS, id="embeddings"),
        pytest.param("/moderations", Operation.MODERATIONS, id="moderations"),
        pytest.param("/rerank", Operation.RERANK, id="rerank"),
        pytest.param("/images/generations", Operation.IMAGES, id="images"),
        pytest.param("/images/edits", Operation.IMAGE_EDITS, id="image-edits"),
        pytest.param("/images/variations", Operation.IMAGE_VARIATIONS, id="image-variations"),
        pytest.param("/audio/speech", Operation.SPEECH, id="speech"),
        pytest.param("/audio/transcriptions", Operation.TRANSCRIPTIONS, id="transcriptions"),
        pytest.param("/audio/translations", Operation.TRANSLATIONS, id="translations"),
        pytest.param("/files", Operation.FILES, id="files"),
        pytest.param("/batches", Operation.BATCHES, id="batches"),
        pytest.param("/realtime", Operation.REALTIME, id="realtime"),
    ],
)
@pytest.mark.parametrize("prefix", ["/v1", "", "/openai/v1", "/openai"])
def test_endpoint_is_found_below_each_prefix(prefix: str, path: str, operation: Operation) -> None:
    assert BY_PATH[prefix + path].operation is operation


def test_table_has_no_other_paths() -> None:
    plain = len(ENDPOINTS) + len(TUNNELS) + 2  # files and batches; below them are ids
    assert len(BY_PATH) == len(PREFIXES) * plain + len(OTHERS)


ALL = (*BY_PATH.values(), *RESOURCES.values(), GENERATE, GENERATE_STREAM, GENERATE_ARRAY, GEMINI_COUNT)


def test_every_operation_has_an_endpoint() -> None:
    assert {endpoint.operation for endpoint in ALL} == set(Operation)


def test_what_would_be_paid_for_twice_is_not_repeated() -> None:
    repeated = {endpoint.operation for endpoint in ALL if endpoint.repeatable}
    chat = {Operation.CHAT, Operation.COMPLETIONS, Operation.COUNT_TOKENS}
    assert repeated == {*chat, Operation.EMBEDDINGS, Operation.MODERATIONS, Operation.RERANK}


def test_query_reaches_an_upstream_only_where_a_row_names_it() -> None:
    assert all(not endpoint.query for endpoint in ENDPOINTS.values())
    assert MESSAGES.query == COUNT_TOKENS.query == {"beta"}
    assert {endpoint for endpoint in ALL if endpoint.query} == {MESSAGES, COUNT_TOKENS, FILES, BATCHES, REALTIME}


def test_what_belongs_to_an_account_is_asked_for_by_its_own_methods() -> None:
    assert {path: sorted(endpoint.methods) for path, endpoint in RESOURCES.items()} == {
        "/files": [b"GET", b"POST"],
        "/files/{id}": [b"DELETE", b"GET"],
        "/files/{id}/content": [b"GET"],
        "/batches": [b"GET", b"POST"],
        "/batches/{id}": [b"GET"],
        "/batches/{id}/cancel": [b"POST"],
    }
    assert {endpoint.operation for endpoint in RESOURCES.values()} == OF_ACCOUNTS
    others = {endpoint for endpoint in ALL if endpoint.methods != {b"POST"}} - set(RESOURCES.values())
    assert others == {REALTIME}


def test_forms_bytes_and_tunnels_are_where_they_belong() -> None:
    taking = {endpoint.operation for endpoint in ALL if endpoint.takes is Takes.FORM}
    assert taking == {
        Operation.IMAGE_EDITS,
        Operation.IMAGE_VARIATIONS,
        Operation.TRANSCRIPTIONS,
        Operation.TRANSLATIONS,
    }
    assert {endpoint for endpoint in ALL if endpoint.gives is Gives.BYTES} == {SPEECH, FILE_CONTENT}
    assert {endpoint for endpoint in ALL if endpoint.takes is Takes.TUNNEL} == {REALTIME}


def test_what_generates_text_streams_when_asked_and_ollama_s_unless_told_not_to() -> None:
    streaming = {endpoint for endpoint in ALL if endpoint.streams is not None}
    asked = {CHAT, COMPLETIONS, RESPONSES, MESSAGES, IMAGES, IMAGE_EDITS, TRANSCRIPTIONS}
    unasked = {OLLAMA_CHAT, OLLAMA_GENERATE, GENERATE_STREAM, GENERATE_ARRAY, SPEECH, FILE_CONTENT, REALTIME}
    assert streaming == asked | unasked
    assert {endpoint for endpoint in streaming if endpoint.streams} == unasked


def test_google_s_streams_are_one_array_unless_events_are_asked_for() -> None:
    assert {endpoint for endpoint in ALL if endpoint.array} == {GENERATE_ARRAY}
    assert {endpoint.dialect for endpoint in (GENERATE, GENERATE_STREAM, GEMINI_COUNT)} == {Dialect.GEMINI}


@pytest.mark.parametrize("path", sorted(BY_PATH))
def test_target_that_is_a_path_names_its_endpoint(path: str) -> None:
    asked = find_endpoint(path.encode())
    assert asked is not None
    assert (asked.endpoint, asked.model, asked.query) == (BY_PATH[path], "", b"")


@pytest.mark.parametrize(
    ("target", "endpoint", "model", "query"),
    [
        pytest.param(b"/v1/chat/completions?a=b", CHAT, "", b"a=b", id="query"),
        pytest.param(b"/v1/chat/completions?", CHAT, "", b"", id="empty-query"),
        pytest.param(b"/v1/chat%2Fcompletions", CHAT, "", b"", id="escapes"),
        pytest.param(b"http://host:1/v1/embeddings?a", EMBEDDINGS, "", b"a", id="absolute"),
        pytest.param(b"/openai/deployments/gpt/chat/completions", CHAT, "gpt", b"", id="deployment"),
        pytest.param(b"/openai/deployments/gpt/completions", COMPLETIONS, "gpt", b"", id="deployment-completions"),
        pytest.param(b"/openai/deployments/a/embeddings?api-version=1", EMBEDDINGS, "a", b"api-version=1", id="azure"),
        pytest.param(b"/openai/deployments/a%2Fb%2fc/chat/completions", CHAT, "a/b/c", b"", id="escaped-slashes"),
        pytest.param(b"/openai/deployments/a/b/chat/completions", CHAT, "a/b", b"", id="slashes"),
        pytest.param(b"/openai/deployments/gr%C3%B6%C3%9Fe/chat/completions", CHAT, "größe", b"", id="any-characters"),
        pytest.param(b"/openai/deployments/chat/completions", COMPLETIONS, "chat", b"", id="deployment-called-chat"),
        pytest.param(b"/openai/deployments//chat/completions", CHAT, "", b"", id="deployment-without-a-name"),
        pytest.param(b"/v1/messages?beta=true", MESSAGES, "", b"beta=true", id="claude-code"),
        pytest.param(b"/v1/responses", RESPONSES, "", b"", id="responses"),
        pytest.param(b"/v1beta/models/gemini-3:generateContent", GENERATE, "gemini-3", b"", id="gemini"),
        pytest.param(b"/v1/models/m:generateContent", GENERATE, "m", b"", id="gemini-v1"),
        pytest.param(b"/v1beta/models/a%2Fb:generateContent", GENERATE, "a/b", b"", id="gemini-slash"),
        pytest.param(b"/v1beta/models/qwen:7b:generateContent", GENERATE, "qwen:7b", b"", id="gemini-colon"),
        pytest.param(b"/v1beta/models/m:streamGenerateContent", GENERATE_ARRAY, "m", b"", id="gemini-array"),
        pytest.param(
            b"/v1beta/models/m:streamGenerateContent?alt=sse", GENERATE_STREAM, "m", b"alt=sse", id="gemini-events"
        ),
        pytest.param(b"/v1beta/models/m:countTokens", GEMINI_COUNT, "m", b"", id="gemini-count"),
        pytest.param(b"/v2/rerank", RERANK, "", b"", id="cohere-s-second-version"),
        pytest.param(b"/api/embed", OLLAMA_EMBED, "", b"", id="ollama-embed"),
        pytest.param(b"/openai/deployments/m/audio/speech?api-version=1", SPEECH, "m", b"api-version=1", id="speech"),
        pytest.param(b"/openai/deployments/m/images/edits", IMAGE_EDITS, "m", b"", id="deployment-images"),
        pytest.param(b"/v1/realtime?model=m", REALTIME, "", b"model=m", id="realtime"),
        pytest.param(b"/openai/realtime?deployment=m", REALTIME, "", b"deployment=m", id="azure-realtime"),
    ],
)
def test_target_names_endpoint_model_and_query(target: bytes, endpoint: EndpointSpec, model: str, query: bytes) -> None:
    asked = find_endpoint(target)
    assert asked is not None
    assert (asked.endpoint, asked.model, asked.query) == (endpoint, model, query)


@pytest.mark.parametrize(
    ("target", "endpoint", "path", "query"),
    [
        pytest.param(b"/v1/files?limit=2", FILES, "", b"limit=2", id="list"),
        pytest.param(b"/v1/files/file-a_B.1", FILE, "/file-a_B.1", b"", id="file"),
        pytest.param(b"/files/f", FILE, "/f", b"", id="without-a-prefix"),
        pytest.param(b"/openai/v1/files/f/content", FILE_CONTENT, "/f/content", b"", id="content"),
        pytest.param(b"/openai/batches/b?api-version=1", BATCH, "/b", b"api-version=1", id="batch"),
        pytest.param(b"/v1/batches/b/cancel", BATCH_CANCEL, "/b/cancel", b"", id="cancel"),
        pytest.param(b"/v1/files/..f", FILE, "/..f", b"", id="id-that-begins-with-dots"),
    ],
)
def test_target_names_a_resource_and_what_follows(
    target: bytes, endpoint: EndpointSpec, path: str, query: bytes
) -> None:
    asked = find_endpoint(target)
    assert asked is not None
    assert (asked.endpoint, asked.path, asked.query) == (endpoint, path, query)


@pytest.mark.parametrize(
    "target",
    [
        *(b"/v1/files/", b"/v1/files/a/b", b"/v1/files/a/content/", b"/v1/files/a/cancel", b"/v1/batches/a/content"),
        *(b"/v1/files/..", b"/v1/files/.", b"/v1/files/../content", b"/v1/files/%2e%2e", b"/v1/files/a%2Fb%2Fc"),
        *(b"/v1/files/a%3Fb", b"/v1/files/a%0d%0ab", b"/v1/files/a%20b", b"/v1/files/" + b"a" * 129, b"/v2/files/a"),
        *(b"/v1/files/f%C3%BC", b"/files/v1/a", b"/openai/deployments/m/files", b"/v1/realtime/", b"/v1/realtime/x"),
    ],
)
def test_path_that_is_no_resource_names_none(target: bytes) -> None:
    assert find_endpoint(target) is None


@pytest.mark.parametrize(
    "target",
    [
        *(b"/", b"*", b"/v1/models", b"/v1/chat/completions/", b"/V1/chat/completions", b"/x/v1/chat/completions"),
        *(b"/openai/deployments/gpt", b"/openai/deployments/gpt/models", b"/openai/deployments/"),
        *(
            b"/v1//chat/completions",
            b"/v1beta/models/m:embedAnything",
            b"/v1beta/models/m",
            b"/v2/models/m:generateContent",
        ),
    ],
)
def test_other_target_names_no_endpoint(target: bytes) -> None:
    assert find_endpoint(target) is None


@pytest.mark.parametrize("target", [b"host:443", b"/v1/\xc3", b""])
def test_target_that_is_no_url_is_an_error(target: bytes) -> None:
    with pytest.raises((HttpParserInvalidURLError, UnicodeDecodeError)):
        find_endpoint(target)


@pytest.mark.parametrize(
    ("method", "path", "headers", "spoken"),
    [
        pytest.param("GET", "/v1beta/x", (), GENERATE, id="google"),
        pytest.param("POST", "/v1/models/m:predict", (), GENERATE, id="google-v1"),
        pytest.param("GET", "/v1/models/m:8b", (), None, id="openai-model-with-a-colon"),
        pytest.param("GET", "/api/x", (), OLLAMA_CHAT, id="ollama"),
        pytest.param("GET", "/v1/models", ("anthropic-version",), MESSAGES, id="anthropic-header"),
        pytest.param("GET", "/v1/messages/batches", (), MESSAGES, id="anthropic-path"),
        pytest.param("GET", "/v1/models", ("x-goog-api-client",), GENERATE, id="google-sdk"),
        pytest.param("GET", "/v1/models", ("x-goog-api-key",), GENERATE, id="google-key"),
        pytest.param("GET", "/v1/models", (), None, id="openai"),
    ],
)
def test_errors_of_other_paths_are_of_whoever_asks(
    method: str, path: str, headers: tuple[str, ...], spoken: EndpointSpec | None
) -> None:
    assert spoken_at(method, path, headers) is spoken
