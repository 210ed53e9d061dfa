"""What a running gateway tells the outside: no planted secret anywhere; an operator is called when a key is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

PLANTED = "planted-secret-0123456789"
TOKEN = "admin-token-0123456789"
CONFIGURATION = f"""
[auth]
admin_token = "{TOKEN}"

[[auth.keys]]
name = "tester"
key = "client-{PLANTED}"

[providers.refusing]
kind = "simulator"
api_key = "provider-{PLANTED}"
headers = {{ x-team-token = "header-{PLANTED}" }}

[providers.serving]
kind = "simulator"
priority = 2

[models.chat]
candidates = [
  {{ provider = "refusing", model = "sim-401" }},
  {{ provider = "serving", model = "sim-ok" }},
]
"""


@dataclass
class Gateway:
    url: str
    folder: Path
    process: subprocess.Popen[str]

    def post(
        self, body: object, *, key: str = f"client-{PLANTED}", path: str = "/v1/chat/completions"
    ) -> httpx.Response:
        return httpx.post(self.url + path, json=body, headers={"authorization": f"Bearer {key}"}, trust_env=False)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, headers={"authorization": f"Bearer {TOKEN}"}, trust_env=False)

    def end(self) -> str:
        """Stop the gateway and return everything it wrote but its answers."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=10)
        kept = [path.read_text() for path in (self.folder / "kept").rglob("*") if path.is_file()]
        assert kept, "the gateway kept no state"
        return "\n".join([out, err, *kept])


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    (tmp_path / "fairlead.toml").write_text(CONFIGURATION)
    root = str(Path(__file__).parents[3])
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": root, "FAIRLEAD_DATA_DIR": str(tmp_path / "kept")}
    process = subprocess.Popen(
        [sys.executable, "-m", "proxy", "serve", "--port", "0", "--log-level", "debug"],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    url = next(word for word in first.split() if word.startswith("http://"))
    yield Gateway(url, tmp_path, process)
    process.kill()
    process.wait()
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()


def chat(**more: Any) -> dict[str, Any]:  # noqa: ANN401 # JSON
    return {"model": "chat", "messages": [{"role": "user", "content": f"say {PLANTED}"}], **more}


def test_planted_secret_is_nowhere(gateway: Gateway) -> None:
    answers = [
        gateway.post(chat()),
        gateway.post(chat(stream=True)),
        gateway.post(chat(model=f"sk-{PLANTED}"), key=f"client-{PLANTED}"),
        gateway.post(chat(), key=f"wrong-{PLANTED}"),
        gateway.post([PLANTED]),
        gateway.post(chat(), path=f"/v1/chat/completions?key={PLANTED}"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 401, 400, 200]
    shown = [gateway.get(path).text for path in ("/metrics", "/health", "/admin/state", "/admin/explain?model=chat")]
    headers = [str(answer.headers) for answer in answers]
    errors = [answer.text for answer in answers if answer.is_error and answer.status_code != 404]
    written = gateway.end()
    for text in (*shown, *headers, *errors, written):
        assert PLANTED not in text
    assert '"http.response.status_code":404' in written


def test_refused_key_is_one_alert_and_a_gauge_until_it_is_mended(gateway: Gateway) -> None:
    for _ in range(3):
        assert gateway.post(chat()).status_code == 200
    assert 'fairlead_provider_attention{provider="refusing",reason="auth"} 1.0' in gateway.get("/metrics").text
    lines = [json.loads(line) for line in gateway.end().splitlines() if line.startswith('{"timestamp"')]
    (alert,) = [line for line in lines if line.get("event") == "provider_attention"]
    assert (alert["level"], alert["gen_ai.provider.name"], alert["fairlead.reason"]) == ("ERROR", "refusing", "auth")
    assert alert["fairlead.credential"] == "key-1"
