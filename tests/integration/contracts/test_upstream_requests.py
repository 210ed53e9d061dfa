"""DESIGN.md section 3: what reaches an upstream of a client's request, byte for byte. Everything else stays here."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from proxy import __version__
from tests.fakes.wireclient import WireClient
from tests.integration.contracts.scene import Witness, ask, model, post, providers, said, scene

TOML = providers("a") + model("a")
USUAL = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "accept-encoding": "identity",
    "user-agent": f"fairlead/{__version__}",
    "authorization": "Bearer sk-of-a",
}
CLIENT_KEY = "key-0123456789abcdef"
SECRETS = {
    "cookie": "session=planted-cookie",
    "proxy-authorization": "Basic planted",
    "x-api-key": CLIENT_KEY,
    "api-key": CLIENT_KEY,
    "x-goog-api-key": CLIENT_KEY,
    "authorization": f"Bearer {CLIENT_KEY}",
}
NOT_FORWARDED = {
    **SECRETS,
    "accept": "text/html",
    "accept-encoding": "gzip, br",
    "accept-language": "de",
    "user-agent": "planted/1.0",
    "content-language": "de",
    "openai-organization": "org-planted",
    "openai-project": "proj-planted",
    "x-stainless-lang": "python",
    "x-forwarded-for": "203.0.113.9",
    "forwarded": "for=203.0.113.9",
    "via": "1.1 planted",
    "te": "trailers",
    "connection": "keep-alive, x-custom",
    "keep-alive": "timeout=5",
    "x-custom": "planted",
    "x-base-url": "http://203.0.113.9/",
    "x-request-id": "planted",
    "referer": "http://planted.test/",
    "x-fairlead-tags": "planted",
    "x-fairlead-deadline-ms": "60000",
}
FORWARDED = {
    "idempotency-key": "idem-1",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "vendor=1",
}
OPENAIS = {"openai-beta": "assistants=v2"}
ANTHROPICS = {"anthropic-version": "2023-06-01", "anthropic-beta": "x"}


@dataclass(frozen=True, slots=True)
class Sent:
    """A kind, and what it gets of `FORWARDED`, `OPENAIS` and `ANTHROPICS` beside `USUAL`."""

    kind: str
    also: dict[str, str]
    credential: tuple[str, str] = ("authorization", "Bearer sk-of-a")


KINDS = [
    pytest.param(Sent("openai", OPENAIS), id="openai"),
    pytest.param(Sent("openai_compatible", OPENAIS), id="openai_compatible"),
    pytest.param(Sent("azure", OPENAIS, ("api-key", "sk-of-a")), id="azure"),
    pytest.param(Sent("groq", {}), id="groq"),
    pytest.param(Sent("openrouter", {}), id="openrouter"),
    pytest.param(Sent("ollama", {}), id="ollama"),
]


@pytest.mark.parametrize("stream", [pytest.param(True, id="stream"), pytest.param(False, id="whole")])
@pytest.mark.parametrize("sent", KINDS)
async def test_upstream_gets_exactly_the_allow_list(sent: Sent, stream: bool) -> None:
    keys = f'[auth]\nkeys = [{{ name = "k", key = "{CLIENT_KEY}" }}]\n'
    witness = Witness(said())
    async with scene(keys + providers("a", kind=sent.kind) + model("a"), a=witness) as gateway:
        heard = await ask(gateway, headers={**NOT_FORWARDED, **FORWARDED, **OPENAIS, **ANTHROPICS}, stream=stream)
        host = str(gateway.parts.edge.engine.snapshot.providers["a"].base_url).split("/")[2]
    assert heard.status == 200, heard.body
    found = witness.headers()
    expected = {**USUAL, **FORWARDED, **sent.also, "host": host, "content-length": str(len(witness.requests[0].body))}
    del expected["authorization"]
    expected[sent.credential[0]] = sent.credential[1]
    assert dict(found) == expected
    assert len(found) == len(expected)
    assert found[0] == ("host", host)
    whole = witness.requests[0].head + witness.requests[0].body
    assert b"planted" not in whole
    assert CLIENT_KEY.encode() not in whole


async def test_headers_of_the_configuration_are_added_and_win() -> None:
    more = """
    headers = { x-team = "search", "User-Agent" = "acme/2", accept = "application/json", idempotency-key = "ours" }
    forward_headers = ["X-Custom", "x-team", "accept-language", "user-agent"]
    """
    witness = Witness(said())
    async with scene(providers("a", more=more) + model("a"), a=witness) as gateway:
        await ask(gateway, headers={**FORWARDED, "x-custom": "mine", "x-team": "theirs", "accept-language": "de"})
    found = witness.headers()
    assert len(dict(found)) == len(found)
    assert dict(found) | {"host": "", "content-length": ""} == {
        **USUAL,
        **FORWARDED,
        "x-team": "search",
        "user-agent": "acme/2",
        "accept": "application/json",
        "idempotency-key": "ours",
        "x-custom": "mine",
        "accept-language": "de",
        "host": "",
        "content-length": "",
    }


async def test_credential_of_the_provider_wins_over_a_configured_header() -> None:
    witness = Witness(said())
    more = 'headers = { authorization = "Bearer other", api-key = "second" }'
    async with scene(providers("a", more=more) + model("a"), a=witness) as gateway:
        await ask(gateway)
    assert [pair for pair in witness.headers() if pair[0] == "authorization"] == [("authorization", "Bearer sk-of-a")]
    assert ("api-key", "second") in witness.headers()


async def test_forwarded_header_that_is_repeated_or_empty_goes_once() -> None:
    witness = Witness(said())
    more = 'forward_headers = ["x-custom"]'
    async with scene(providers("a", more=more) + model("a"), a=witness) as gateway, WireClient(gateway.url) as client:
        await client.ask({"model": "m", "messages": []}, {"X-Custom": "1\r\nx-custom: 2", "idempotency-key": ""})
    assert [value for name, value in witness.headers() if name == "x-custom"] == ["1, 2"]


async def test_betas_in_lines_of_their_own_all_reach_the_upstream() -> None:
    """As Anthropic's reference has it: a list, or the header several times."""
    witness = Witness(said())
    toml = providers("a", kind="anthropic") + model("a")
    async with scene(toml, a=witness) as gateway, WireClient(gateway.url) as client:
        betas = "one-2025-01-01\r\nanthropic-beta: two-2025-01-01"
        await client.ask(
            {"model": "m", "max_tokens": 1, "messages": []}, {"anthropic-beta": betas}, path="/v1/messages"
        )
    (value,) = [value for name, value in witness.headers() if name == "anthropic-beta"]
    assert value == "one-2025-01-01, two-2025-01-01"


@pytest.mark.parametrize("name", ["openai-beta", "tracestate"])
async def test_a_list_in_several_lines_goes_whole(name: str) -> None:
    witness = Witness(said())
    async with scene(TOML, a=witness) as gateway, WireClient(gateway.url) as client:
        await client.ask({"model": "m", "messages": []}, {name: f"a=1\r\n{name}: b=2"})
    assert [value for line, value in witness.headers() if line == name] == ["a=1, b=2"]


@pytest.mark.parametrize(
    "query",
    [
        "?base_url=http://203.0.113.9",
        "?api-version=2020-01-01",
        "?api_key=planted&key=planted",
        "?stream=true&a=%0d%0a",
    ],
)
async def test_no_query_of_a_client_reaches_an_upstream(query: str) -> None:
    witness = Witness(said())
    async with scene(TOML, a=witness) as gateway:
        heard = await ask(gateway, path="/v1/chat/completions" + query)
    assert heard.status == 200
    assert witness.targets == ["/v1/chat/completions"]


AZURE = 'kind = "azure"\nbase_url = "@a"\napi_key = "sk-of-azure"\n'
VERSIONED = AZURE + 'api_version = "2024-10-21"\n'
ANY = '[models."*"]\ncandidates = [{ provider = "az", model = "{*}" }]\n'
CHAT = "/chat/completions"


@pytest.mark.parametrize(
    ("table", "path", "target"),
    [
        pytest.param(VERSIONED, "", "/openai/deployments/gpt/chat/completions?api-version=2024-10-21", id="versioned"),
        pytest.param(AZURE, "", "/openai/v1/chat/completions", id="v1"),
        pytest.param(
            VERSIONED + 'deployment = "of ours/x"\n',
            "",
            "/openai/deployments/of%20ours%2Fx/chat/completions?api-version=2024-10-21",
            id="deployment",
        ),
        pytest.param(
            VERSIONED,
            "/openai/deployments/gpt/chat/completions?api-version=2020-01-01",
            "/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
            id="clients-version-is-not-the-providers",
        ),
        pytest.param(
            VERSIONED,
            "/openai/deployments/vendor%2Fgpt%3Fx/embeddings?api-version=1",
            "/openai/deployments/vendor%2Fgpt%3Fx/embeddings?api-version=2024-10-21",
            id="name-with-a-slash-and-a-question-mark",
        ),
        pytest.param(
            VERSIONED,
            "/openai/deployments/gpt/completions",
            "/openai/deployments/gpt/completions?api-version=2024-10-21",
            id="completions",
        ),
    ],
)
async def test_azure_deployments_and_versions(table: str, path: str, target: str) -> None:
    witness = Witness(said())
    async with scene(f"[providers.az]\n{table}{ANY}", a=witness) as gateway:
        heard = await ask(gateway, "gpt", path=path or "/v1/chat/completions")
    assert heard.status == 200, heard.body
    assert witness.targets == [target]
    assert ("api-key", "sk-of-azure") in witness.headers()


async def test_model_of_the_path_wins_over_the_bodys() -> None:
    witness = Witness(said())
    toml = f"{providers('a')}{model('a')}" + '[models.other]\ncandidates = [{ provider = "a", model = "other-up" }]\n'
    async with scene(toml, a=witness) as gateway:
        await ask(gateway, "m", path="/openai/deployments/other/chat/completions?api-version=1")
    assert witness.bodies[0]["model"] == "other-up"


TAGS = ["a,b", " a , ,b,", "a" * 64, "\xe9t\xe9", ",".join("x" * 20)]


@pytest.mark.parametrize("tags", [pytest.param(tags, id=repr(tags[:8])) for tags in TAGS])
async def test_tags_of_any_shape_are_noted_and_never_forwarded(tags: str) -> None:
    witness = Witness(said())
    async with scene(TOML, a=witness) as gateway, WireClient(gateway.url) as client:
        heard = await client.ask({"model": "m", "messages": []}, {"x-fairlead-tags": tags})
    assert heard.status == 200
    assert not any("tags" in name for name, _ in witness.headers())


@pytest.mark.parametrize(
    "tags", [pytest.param("a" * 65, id="one-too-long"), pytest.param(",".join("x" * 21), id="one-too-many")]
)
async def test_tags_beyond_what_is_kept_are_refused_before_anything_is_sent(tags: str) -> None:
    witness = Witness(said())
    async with scene(TOML, a=witness) as gateway, WireClient(gateway.url) as client:
        heard = await client.ask({"model": "m", "messages": []}, {"x-fairlead-tags": tags})
    assert (heard.status, witness.targets) == (400, [])
    assert "at most 20 tags of 64 characters each" in heard.error["message"]


BODIES = [
    pytest.param('{"model":"m","messages":[],"x_new":{"a":[1,2.50,1e5]},"n":1}', None, id="unknown-fields"),
    pytest.param('{"model":"m","messages":[],"seed":123456789012345678901234567890}', None, id="large-number"),
    pytest.param('{"model":"m","messages":[],"temperature":1.0000000000000000001}', None, id="long-fraction"),
    pytest.param('{"model":"m","messages":[{"content":"\\u00e9\\/ é 😀 \\ud83d\\ude00"}]}', None, id="escapes"),
    pytest.param('{"model":"m","messages":[],"user":"a\\u0000b"}', None, id="nul"),
    pytest.param('{"model":"m","messages":[{"content":"half \\ud83d"}]}', None, id="half-a-character"),
    pytest.param(
        '{"model":"m","messages":[{"content":"\\\\ud83d \\uDE00\\ud83d"}],"user":"\\udc00"}', None, id="halves"
    ),
    pytest.param('{"model":"m","messages":[{"\\ud83d":"key"}],"x":"\\ud83d\\ude00"}', None, id="half-in-a-name"),
    pytest.param(
        ' {\n "model" : "m" ,\t"messages" : [ ] } ', '{"model":"m","messages":[ ]}', id="white-space-between-members"
    ),
    pytest.param(
        '{"model":"m","messages":[1],"messages":[2],"model":"m"}', '{"model":"m","messages":[2]}', id="member-twice"
    ),
]


@pytest.mark.parametrize(("body", "expected"), BODIES)
async def test_members_reach_the_upstream_as_they_were_written(body: str, expected: str | None) -> None:
    witness = Witness(said())
    async with scene(TOML, a=witness) as gateway:
        heard = await post(gateway, body.encode())
    assert heard.status == 200, heard.body
    assert witness.requests[0].body.decode() == (expected or body).replace('"model":"m"', '"model":"up"')


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(None, {"include_usage": True}, id="none"),
        pytest.param("null", {"include_usage": True}, id="null"),
        pytest.param('{"include_usage":false,"x":1}', {"include_usage": True, "x": 1}, id="beside-others"),
        pytest.param('{"include_usage":true,"x":[ 1 ]}', {"include_usage": True, "x": [1]}, id="asked-for"),
    ],
)
async def test_usage_is_asked_for_in_streams(options: str | None, expected: object) -> None:
    witness = Witness(said())
    added = "" if options is None else f',"stream_options":{options}'
    async with scene(TOML, a=witness) as gateway:
        await post(gateway, f'{{"model":"m","messages":[],"stream":true{added}}}'.encode())
        await post(gateway, b'{"model":"m","messages":[]}')
    assert witness.bodies[0]["stream_options"] == expected
    assert "stream_options" not in witness.bodies[1]


async def test_parameters_that_a_provider_drops_are_left_out_for_it_alone_and_named() -> None:
    toml = providers("a", more='drop_params = ["user", "seed"]') + providers("b") + model("a", "b")
    a, b = Witness(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", said()), Witness(said())
    async with scene(toml, a=a, b=b) as gateway:
        second = await ask(gateway, user="me", seed=1, temperature=0)
        first = await ask(gateway, user="me", top_p=1)
        counted = [gateway.metric("dropped_params_total", provider="a", param=name) for name in ("user", "seed")]
    assert a.bodies[0].keys() == {"model", "messages", "temperature"}
    assert b.bodies[0].keys() == {"model", "messages", "temperature", "user", "seed"}
    assert "x-fairlead-dropped-params" not in second.headers
    assert first.headers["x-fairlead-dropped-params"] == "user"
    assert counted == [2, 1]  # by sends: what the failed one was not told counts too
    assert json.loads(first.body)["choices"]
