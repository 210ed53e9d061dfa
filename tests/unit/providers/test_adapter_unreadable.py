"""A client's request that no JSON parser would take, of which no part can be said in another shape."""

from __future__ import annotations

import pytest

from proxy.api.endpointspec import CHAT, GEMINI_EMBED, MESSAGES
from proxy.core.call import Call, EndpointSpec
from proxy.core.snapshot import Candidate, Provider
from proxy.core.translation import Undecodable
from proxy.providers.adapter import Prepared, build
from proxy.wire.jsonbody import LARGE_BYTES, split_object

USER = b'{"role":"user","content":"x"}'
USE = b'{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"a":"@"}}]}'
CALLED = b'{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}'
EMBED = b'{"content":{"parts":[{"text":"@"}]}}'


def _built(kind: str, endpoint: EndpointSpec, body: bytes) -> Prepared:
    call = Call("r", endpoint, body, split_object(body), "m", False, False, (), (), None, 0.0, 600.0)
    return build(call, Candidate(Provider("p", kind, "https://api.example"), "up"), None)


@pytest.mark.parametrize(
    ("kind", "endpoint", "body"),
    [
        pytest.param("openai", MESSAGES, b'{"max_tokens":9,"messages":[%b,%b]}' % (USER, USE), id="arguments"),
        pytest.param("mistral", CHAT, b'{"messages":[%b,%b],"odd":"@"}' % (USER, CALLED), id="own-dialect-by-the-hub"),
        pytest.param("gemini", GEMINI_EMBED, EMBED, id="vectors"),
    ],
)
@pytest.mark.parametrize("size", [0, LARGE_BYTES], ids=["small", "large"])
def test_text_that_is_no_utf_8_is_the_clients_fault(kind: str, endpoint: EndpointSpec, body: bytes, size: int) -> None:
    with pytest.raises(Undecodable, match="UTF-8"):
        _built(kind, endpoint, body.replace(b"@", b"\xff" + b"x" * size))


def test_what_is_no_json_is_the_clients_fault_where_a_large_body_becomes_a_small_one() -> None:
    text = b"x" * (LARGE_BYTES - len(EMBED) - 1) + b"\x01"
    body = b"  " + EMBED.replace(b"@", text)
    with pytest.raises(Undecodable, match="JSON"):
        _built("gemini", GEMINI_EMBED, body)
