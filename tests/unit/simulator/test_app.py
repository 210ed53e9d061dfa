"""The application, driven as ASGI by hand."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from starlette.types import Message, Scope

from proxy.core.secret import Secret
from proxy.simulator.app import MAX_BODY_BYTES, Simulator, simulator_app
from proxy.simulator.scenario import parse_scenario
from tests.fakes.clock import StillClock

_CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


class Asked:
    """One request put to an application, and its answer."""

    def __init__(self, simulator: Simulator, path: str, body: bytes, method: str = "POST") -> None:
        self.simulator, self.pieces = simulator, [body]
        self.scope: Scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
        self.sent: list[Message] = []

    async def answer(self) -> tuple[int, Any]:
        await self.simulator(self.scope, self._receive, self._send)
        raw = b"".join(message.get("body", b"") for message in self.sent)
        return self.sent[0]["status"], json.loads(raw) if raw.startswith(b"{") else raw

    async def _receive(self) -> Message:
        if not self.pieces:
            await anyio.sleep_forever()
        piece = self.pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


def _simulator(document: dict[str, Any] | None = None) -> Simulator:
    return simulator_app(parse_scenario(document or {}), StillClock())


async def _post(simulator: Simulator, body: dict[str, Any], path: str = "/p/v1/chat/completions") -> tuple[int, Any]:
    return await Asked(simulator, path, json.dumps(body).encode()).answer()


async def test_question_is_answered_and_logged() -> None:
    simulator = _simulator()
    status, answer = await _post(simulator, _CHAT)
    (entry,) = simulator.journal.entries
    assert (status, answer["object"]) == (200, "chat.completion")
    assert (entry.arrival.provider, entry.model, entry.behaviour) == ("p", "gpt-4o", "ok")
    assert (entry.arrival.fields, entry.arrival.body, entry.ended_at_s) == (("model", "messages"), None, 1_000.0)
    assert simulator.journal.totals()[0]["completion_tokens"] == answer["usage"]["completion_tokens"]


async def test_body_in_pieces_is_joined() -> None:
    asked = Asked(_simulator(), "/v1/chat/completions", b"")
    raw = json.dumps(_CHAT).encode()
    asked.pieces = [raw[:10], raw[10:]]
    assert (await asked.answer())[0] == 200


@pytest.mark.parametrize(
    ("path", "method", "body", "status", "code"),
    [
        pytest.param("/v1/audio/nothing", "POST", b"{}", 404, "not_found", id="unknown-path"),
        pytest.param("/v1/chat/completions", "GET", b"", 405, "method_not_allowed", id="wrong-method"),
        pytest.param("/v1/models", "POST", b"", 405, "method_not_allowed", id="models-are-read"),
        pytest.param("/v1/chat/completions", "POST", b"{", 400, "invalid_request", id="not-json"),
        pytest.param("/v1/chat/completions", "POST", b'{"n":1}', 400, "invalid_request", id="no-model"),
        pytest.param("/v1/chat/completions", "POST", b'{"model":"m"}', 400, "invalid_request", id="no-messages"),
        pytest.param("/v1/embeddings", "POST", b'{"model":"sim-x"}', 404, "model_not_found", id="no-behaviour"),
        pytest.param("/v1/models/sim-x", "GET", b"", 404, "model_not_found", id="model-without-behaviour"),
        pytest.param("/_simulator/nothing", "GET", b"", 404, "not_found", id="unknown-control"),
        pytest.param("/v1/chat/completions", "POST", b'"sim-bench', 400, "invalid_request", id="bench-not-json"),
    ],
)
async def test_what_cannot_be_served_is_refused(path: str, method: str, body: bytes, status: int, code: str) -> None:
    found, answer = await Asked(_simulator(), path, body, method).answer()
    assert (found, answer["error"]["code"]) == (status, code)


async def test_f17_body_over_the_bound_is_refused() -> None:
    asked = Asked(_simulator(), "/v1/chat/completions", b"")
    asked.pieces = [b"x" * 32 * 1024 * 1024] * 3
    assert MAX_BODY_BYTES < 3 * 32 * 1024 * 1024
    assert (await asked.answer())[0] == 413


async def test_client_that_leaves_while_sending_gets_nothing() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    simulator = _simulator()
    await simulator(Asked(simulator, "/v1/chat/completions", b"").scope, receive, send)
    assert (sent, len(simulator.journal.entries)) == ([], 0)


async def test_models_are_listed_and_shown() -> None:
    simulator = _simulator({"models": ["a", "b"]})
    _, listed = await Asked(simulator, "/v1/models", b"", "GET").answer()
    _, shown = await Asked(simulator, "/v1/models/sim-429", b"", "GET").answer()
    assert ([row["id"] for row in listed["data"]], shown["id"]) == (["a", "b"], "sim-429")


async def test_lists_go_wrong_only_where_a_rule_is_for_them() -> None:
    rules = [{"then": "quota"}, {"operation": "models", "provider": "denied", "then": "auth"}]
    simulator = _simulator({"rules": rules, "default": "overload"})
    listed, _ = await Asked(simulator, "/v1/models", b"", "GET").answer()
    denied, error = await Asked(simulator, "/denied/v1/models", b"", "GET").answer()
    assert (listed, denied, error["error"]["code"]) == (200, 401, "invalid_api_key")
    assert [entry.behaviour for entry in simulator.journal.entries] == ["", "auth"]


async def test_profiles_of_bedrock_are_a_list_too() -> None:
    asked = Asked(_simulator(), "/inference-profiles", b"", "GET")
    asked.scope["headers"] = [(b"authorization", b"Bearer k")]
    assert await asked.answer() == (200, {"inferenceProfileSummaries": []})


async def test_azure_path_names_the_model() -> None:
    path = "/openai/deployments/gpt4o-prod/chat/completions"
    _, answer = await _post(_simulator(), {"messages": _CHAT["messages"]}, path)
    assert answer["model"] == "gpt4o-prod"


async def test_credential_is_logged_by_name_never_by_value() -> None:
    simulator = _simulator({"credentials": {"first": "sk-test-1"}, "rules": [{"credential": "first", "then": "auth"}]})
    asked = Asked(simulator, "/v1/chat/completions", json.dumps(_CHAT).encode())
    asked.scope["headers"] = [(b"authorization", b"Bearer sk-test-1"), (b"x-note", b"sk-test-1")]
    status, _ = await asked.answer()
    shown = simulator.journal.entries[0].as_document()
    assert (status, shown["credential"], shown["header_names"]) == (401, "first", ("authorization", "x-note"))
    assert "sk-test-1" not in str(shown)


async def test_unnamed_credential_is_logged_by_fingerprint() -> None:
    simulator = _simulator()
    asked = Asked(simulator, "/v1/chat/completions", json.dumps(_CHAT).encode())
    asked.scope["headers"] = [(b"api-key", b"sk-test-2")]
    await asked.answer()
    assert simulator.journal.entries[0].arrival.credential == Secret("sk-test-2").fingerprint


async def test_bodies_are_kept_when_the_scenario_says_so() -> None:
    simulator = _simulator({"record_bodies": True})
    await _post(simulator, {**_CHAT, "pad": "x" * 20_000})
    body = simulator.journal.entries[0].arrival.body
    assert body is not None
    assert (len(body), body.startswith('{"model": "gpt-4o"')) == (16 * 1024, True)


async def test_refused_request_is_logged_with_its_status() -> None:
    simulator = _simulator()
    await _post(simulator, {"model": "sim-nonsense"})
    assert simulator.journal.entries[0].as_document()["status"] == 404


async def test_body_that_is_no_object_has_no_fields() -> None:
    simulator = _simulator()
    await Asked(simulator, "/v1/chat/completions", b"[]").answer()
    assert simulator.journal.entries[0].arrival.fields == ()


async def test_prepared_answers_are_counted_and_not_logged() -> None:
    simulator = _simulator()
    status, answer = await _post(simulator, {**_CHAT, "model": "sim-bench"})
    assert (status, answer["id"], len(simulator.journal.entries)) == (200, "chatcmpl-bench", 0)
    assert simulator.journal.totals()[0]["requests"] == 1


async def test_paced_prepared_stream_takes_its_time() -> None:
    clock = StillClock()
    await _post(simulator_app(clock=clock), {**_CHAT, "model": "sim-bench-paced", "stream": True})
    assert sum(clock.slept_s) == pytest.approx(30.0)


async def test_control_changes_what_the_next_request_gets() -> None:
    simulator = _simulator()
    changed = Asked(simulator, "/_simulator/scenario", b'default = "503"', "PUT")
    assert (await changed.answer())[0] == 200
    assert (await _post(simulator, _CHAT))[0] == 503


async def test_new_scenario_counts_anew() -> None:
    simulator = _simulator()
    body = {**_CHAT, "model": "sim-500-first-1"}
    statuses = [(await _post(simulator, body))[0], (await _post(simulator, body))[0]]
    simulator.use(parse_scenario({}))
    assert [*statuses, (await _post(simulator, body))[0]] == [500, 200, 500]


async def test_reset_numbers_requests_from_one_again() -> None:
    simulator = _simulator()
    first = (await _post(simulator, _CHAT))[1]["id"]
    simulator.reset()
    assert (await _post(simulator, _CHAT))[1]["id"] == first


async def test_lifespan_is_confirmed() -> None:
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await _simulator()({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_websockets_are_closed() -> None:
    asked = Asked(_simulator(), "/", b"")
    await asked.simulator({"type": "websocket"}, asked._receive, asked._send)
    assert asked.sent == [{"type": "websocket.close"}]
