"""What a running gateway tells its operator: a key that is refused is one alert in the log, and a gauge."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fakes.process import gateway_process
from tests.fakes.wireclient import CHAT, chat

TOML = """
[providers.refusing]
kind = "simulator"
api_key = "sk-refused-0123456789"

[providers.serving]
kind = "simulator"
priority = 2

[models.chat]
candidates = [
  { provider = "refusing", model = "sim-401" },
  { provider = "serving", model = "sim-ok" },
]
"""


async def test_refused_key_is_one_alert_and_a_gauge_until_it_is_mended(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, TOML) as gateway:
        for _ in range(3):
            assert (await gateway.client.post(CHAT, json=chat("chat"))).status_code == 200
        assert await gateway.metric("provider_attention", provider="refusing", reason="auth") == 1
        assert await gateway.stop() == 0
        lines = [json.loads(line) for line in gateway.err.splitlines()]
    (alert,) = [line for line in lines if line.get("event") == "provider_attention"]
    assert (alert["level"], alert["gen_ai.provider.name"], alert["fairlead.reason"]) == ("ERROR", "refusing", "auth")
    assert alert["fairlead.credential"] == "key-1"
