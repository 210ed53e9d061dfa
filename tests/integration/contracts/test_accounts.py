"""Files and batches: they belong to a provider's account, so a client key always goes to the same one."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from proxy.routing.affinity import rank
from tests.fakes.gateway import RunningGateway
from tests.fakes.rawserver import Peer, cut_after, response
from tests.integration.contracts.ledger import kept
from tests.integration.contracts.scene import Witness, model, providers, refused, scene

NAMES = ("a", "b", "c")
KEY = "client-key-of-{}-0123456789"
FILE = {"id": "file-1", "object": "file", "bytes": 3, "purpose": "batch", "filename": "x", "created_at": 1}
BATCH = {"id": "batch-1", "object": "batch", "status": "validating", "usage": {"input_tokens": 9, "output_tokens": 9}}


def document(content: object, *fields: bytes) -> bytes:
    return response(json.dumps(content).encode(), b"Content-Type: application/json", *fields)


def keys(*owners: str, more: str = "") -> str:
    return "".join(f'[[auth.keys]]\nname = "{name}"\nkey = "{KEY.format(name)}"\n{more}\n' for name in owners)


def owned(owner: str, *names: str) -> str:
    """The provider that serves this key."""
    return max(names or NAMES, key=lambda name: rank(owner, name))


ALL = providers(*NAMES) + model(*NAMES)
OWNERS = ("ci", "web", "mail", "team", "x1", "x2", "x3", "x4")


async def ask(
    gateway: RunningGateway,
    method: str,
    path: str,
    owner: str | None = "ci",
    *,
    json: object = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    own = {} if owner is None else {"authorization": f"Bearer {KEY.format(owner)}"}
    return await gateway.client.request(method, path, headers={**own, **(headers or {})}, json=json)


def three(toml: str, upstreams: dict[str, Witness]) -> AbstractAsyncContextManager[RunningGateway]:
    return scene(toml, a=upstreams["a"], b=upstreams["b"], c=upstreams["c"])


async def test_each_key_goes_to_one_provider_whatever_it_asks_and_keys_are_spread() -> None:
    upstreams = {name: Witness(document(FILE)) for name in NAMES}
    async with three(keys(*OWNERS) + ALL, upstreams) as gateway:
        for owner in OWNERS:
            for method, path in (("GET", "/v1/files"), ("DELETE", "/v1/files/f"), ("GET", "/v1/batches/b")):
                heard = await ask(gateway, method, path, owner)
                assert (heard.status_code, heard.headers["x-fairlead-provider"]) == (200, owned(owner))
    assert all(upstream.calls for upstream in upstreams.values())


async def test_key_keeps_its_provider_when_another_one_leaves() -> None:
    owner = next(owner for owner in OWNERS if owned(owner) != "a")
    left = tuple(name for name in NAMES if name != "a")
    async with scene(keys(owner) + providers(*left), b=Witness(document(FILE)), c=Witness(document(FILE))) as gateway:
        heard = await ask(gateway, "GET", "/v1/files", owner)
    assert heard.headers["x-fairlead-provider"] == owned(owner)


REQUESTS = [
    pytest.param("GET", "/v1/files?limit=2&after=f&x=y", "/v1/files?limit=2&after=f", id="list-files"),
    pytest.param("GET", "/v1/files/file-1", "/v1/files/file-1", id="file"),
    pytest.param("DELETE", "/v1/files/file-1", "/v1/files/file-1", id="delete"),
    pytest.param("GET", "/openai/files/file-1?api-version=1", "/v1/files/file-1", id="azure-s-client"),
    pytest.param("GET", "/v1/batches?after=b", "/v1/batches?after=b", id="list-batches"),
    pytest.param("GET", "/v1/batches/batch-1", "/v1/batches/batch-1", id="batch"),
    pytest.param("POST", "/v1/batches/batch-1/cancel", "/v1/batches/batch-1/cancel", id="cancel"),
]


@pytest.mark.parametrize(("method", "path", "target"), REQUESTS)
async def test_request_without_a_body_passes_with_its_method_and_path(method: str, path: str, target: str) -> None:
    a = Witness(document(FILE))
    async with scene(providers("a"), a=a) as gateway:
        ledger = kept(gateway)
        heard = await ask(gateway, method, path, None)
        assert gateway.metric("unpriced_requests_total", provider="a", model="other") == 0
    assert (heard.status_code, heard.json(), a.targets) == (200, FILE, [target])
    assert a.requests[0].head.startswith(method.encode() + b" ")
    assert ("authorization", "Bearer sk-of-a") in a.headers()
    record = ledger.closed
    assert (record.end, record.usage, record.cost_nusd, record.model, record.provider) == ("ok", None, None, "", "a")


async def test_upload_passes_byte_for_byte() -> None:
    a = Witness(document(FILE))
    async with scene(providers("a"), a=a) as gateway:
        sent = gateway.client.build_request(
            "POST", "/v1/files", data={"purpose": "batch"}, files={"file": ("x.jsonl", b"\xff\x00{}\n")}
        )
        body = sent.read()
        heard = await gateway.client.send(sent)
    assert a.requests[0].body == body
    assert heard.json() == FILE
    assert ("content-type", sent.headers["content-type"]) in a.headers()


async def test_batch_is_made_from_its_own_json() -> None:
    a = Witness(document(BATCH))
    body = {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    async with scene(providers("a"), a=a) as gateway:
        ledger = kept(gateway)
        heard = await ask(gateway, "POST", "/v1/batches", None, json=body)
    assert (heard.json(), a.bodies, a.targets) == (BATCH, [body], ["/v1/batches"])
    assert ledger.closed.usage is None


CONTENTS = [
    pytest.param(b"\x00\xff binary", b"application/octet-stream", id="bytes"),
    pytest.param(b'{"error": {"message": "of a line"}}\n', b"application/json", id="what-looks-like-an-error"),
    pytest.param(b"<html>", b"text/html", id="page"),
    pytest.param(b"data: {}\n\n", b"text/event-stream", id="events"),
    pytest.param(b"", b"application/octet-stream", id="nothing"),
]


@pytest.mark.parametrize(("content", "content_type"), CONTENTS)
async def test_content_of_a_file_passes_whatever_it_is(content: bytes, content_type: bytes) -> None:
    a = Witness(response(content, b"Content-Type: " + content_type))
    async with scene(providers("a"), a=a) as gateway:
        heard = await ask(gateway, "GET", "/v1/files/f/content", None)
    assert (heard.status_code, heard.content) == (200, content)
    assert heard.headers["content-type"] == content_type.decode()


async def test_content_that_is_cut_never_passes_for_the_whole() -> None:
    async with scene(providers("a"), a=cut_after(response(b"x" * 5000), 3000)) as gateway:
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(gateway, "GET", "/v1/files/f/content", None)


async def test_provider_may_be_named_within_the_key_s_rights() -> None:
    other = next(name for name in NAMES if name != owned("ci"))
    upstreams = {name: Witness(document(FILE)) for name in NAMES}
    async with three(keys("ci") + ALL, upstreams) as gateway:
        heard = await ask(gateway, "GET", "/v1/files", headers={"x-fairlead-provider": other})
        assert heard.headers["x-fairlead-provider"] == other
    more = f'providers = ["{owned("ci")}"]'
    async with three(keys("ci", more=more) + ALL, upstreams) as gateway:
        heard = await ask(gateway, "GET", "/v1/files", headers={"x-fairlead-provider": other})
    assert (heard.status_code, heard.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("models", "status"),
    [
        pytest.param('["m"]', 400, id="certain-models"),
        pytest.param('["*"]', 400, id="every-public-model"),
        pytest.param('["a/gpt-*"]', 400, id="some-of-the-provider-s"),
        pytest.param('["m", "a/*"]', 200, id="all-of-the-provider-s"),
    ],
)
async def test_key_that_is_limited_to_models_needs_all_of_a_provider_s(models: str, status: int) -> None:
    async with three(
        keys("ci", more=f"models = {models}") + ALL, {name: Witness(document(FILE)) for name in NAMES}
    ) as gateway:
        heard = await ask(gateway, "GET", "/v1/files")
    assert heard.status_code == status


async def test_key_with_a_budget_is_refused_unless_what_is_unpriced_is_allowed() -> None:
    a = Witness(document(BATCH))
    budget = "budget_usd_day = 5"
    async with scene(keys("ci", more=budget) + providers("a"), a=a) as gateway:
        ledger = kept(gateway)
        heard = await ask(gateway, "POST", "/v1/batches", json={})
        assert (heard.status_code, heard.json()["error"]["code"], a.calls) == (403, "not_permitted", 0)
        assert "unpriced" in heard.json()["error"]["message"]
        assert ledger.told == []
    async with scene(keys("ci", more=f"{budget}\nallow_unpriced = true") + providers("a"), a=a) as gateway:
        assert (await ask(gateway, "POST", "/v1/batches", json={})).status_code == 200


async def test_nothing_moves_to_another_account_when_the_own_one_fails() -> None:
    own = owned("ci")
    upstreams = {name: Witness(document(FILE)) for name in NAMES}
    upstreams[own] = Witness(refused(500, "broken"))
    async with three(keys("ci") + ALL, upstreams) as gateway:
        ledger = kept(gateway)
        heard = await ask(gateway, "POST", "/v1/batches", json={})
    assert (heard.status_code, heard.headers["x-fairlead-trail"]) == (502, f"{own}=server_error")
    assert sum(upstream.calls for upstream in upstreams.values()) == 1
    assert ledger.closed.end == "failed"


async def test_next_credential_is_used_where_the_first_is_refused() -> None:
    seen: list[bytes] = []

    async def account(peer: Peer) -> None:
        while True:
            request = await peer.request()
            seen.append(request.head)
            is_first = b"Bearer k-1" in request.head
            await peer.send(refused(401, "bad key", code="invalid_api_key") if is_first else document(FILE))

    toml = '[providers.a]\nkind = "openai_compatible"\nbase_url = "@a/v1"\napi_keys = ["k-1", "k-2"]\n'
    async with scene(toml, a=account) as gateway:
        heard = await ask(gateway, "GET", "/v1/files", None)
    assert (heard.status_code, len(seen)) == (200, 2)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        pytest.param(404, {"message": "No such File object: f", "code": "not_found"}, id="missing"),
        pytest.param(403, {"message": "not yours"}, id="forbidden"),
        pytest.param(400, {"message": "wrong purpose", "type": "invalid_request_error"}, id="bad"),
        pytest.param(409, {"message": "still processing"}, id="conflict"),
    ],
)
async def test_vendor_s_refusal_is_the_client_s_to_read_and_sets_nothing_aside(
    status: int, error: dict[str, str]
) -> None:
    a = Witness(refused(status, **error), document(FILE))
    async with scene(providers("a"), a=a) as gateway:
        first = await ask(gateway, "GET", "/v1/files/f", None)
        second = await ask(gateway, "GET", "/v1/files/f", None)
    assert (first.status_code, first.json()["error"]["message"]) == (status, error["message"])
    assert second.status_code == 200


REFUSED = [
    pytest.param("PUT", "/v1/files", None, 405, id="put"),
    pytest.param("DELETE", "/v1/files", None, 405, id="delete-all"),
    pytest.param("POST", "/v1/files/f/content", "application/json", 405, id="post-content"),
    pytest.param("POST", "/v1/files", "text/plain", 415, id="text"),
    pytest.param("POST", "/v1/files", "multipart/form-data", 400, id="no-boundary"),
    pytest.param("POST", "/v1/files", 'multipart/form-data; boundary="a"; boundary=b', 400, id="two-boundaries"),
    pytest.param("GET", "/v1/files/a/b", None, 404, id="no-such-path"),
]


@pytest.mark.parametrize(("method", "path", "content_type", "status"), REFUSED)
async def test_what_nobody_serves_is_refused_here(
    method: str, path: str, content_type: str | None, status: int
) -> None:
    a = Witness(document(FILE))
    async with scene(providers("a"), a=a) as gateway:
        headers = {} if content_type is None else {"content-type": content_type}
        content = None if content_type is None else b"x"
        heard = await gateway.client.request(method, path, headers=headers, content=content)
    assert (heard.status_code, a.calls) == (status, 0)


async def test_upload_of_another_type_is_refused_where_keys_let_it_in() -> None:
    a = Witness(document(FILE))
    async with scene(keys("ci") + providers("a"), a=a) as gateway:
        headers = {"authorization": f"Bearer {KEY.format('ci')}", "content-type": "text/plain"}
        heard = await gateway.client.post("/v1/files", content=b"x", headers=headers)
    assert (heard.status_code, a.calls) == (400, 0)


async def test_nobody_serves_files_where_no_provider_does() -> None:
    toml = '[providers.a]\nkind = "deepseek"\nbase_url = "@a"\napi_key = "k"\n'
    async with scene(toml, a=Witness(b"")) as gateway:
        heard = await ask(gateway, "GET", "/v1/files", None)
    assert heard.status_code == 400
    assert "serves files" in heard.json()["error"]["message"]


async def test_azure_s_files_lie_beside_its_deployments() -> None:
    a = Witness(document(FILE))
    toml = '[providers.a]\nkind = "azure"\nbase_url = "@a"\napi_key = "k"\napi_version = "2024-10-21"\n'
    async with scene(toml, a=a) as gateway:
        await ask(gateway, "GET", "/v1/files/f?limit=1", None)
        await ask(gateway, "GET", "/v1/batches?limit=1", None)
    assert a.targets == ["/openai/files/f?api-version=2024-10-21", "/openai/batches?api-version=2024-10-21&limit=1"]
