"""A folder that can no longer be written to is told in the log and takes nothing from the clients."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.fakes.process import gateway_process
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import CHAT, chat

TOKEN = "admin-token-0123456789"
TOML = f"""
auth = {{ mode = "none", admin_token = "{TOKEN}" }}
providers.one.kind = "simulator"
providers.two.kind = "simulator"
models.m = {{ model = "sim-ok", providers = ["one", "two"] }}
"""


async def test_folder_that_is_gone_is_an_error_in_the_log_and_the_gateway_serves_on(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, TOML) as gateway:
        shutil.rmtree(gateway.data_dir)
        headers = {"authorization": f"Bearer {TOKEN}"}
        disabled = await gateway.client.post("/admin/state/disable", json={"provider": "one"}, headers=headers)
        assert disabled.status_code == 200
        assert await settles(lambda: "the state cannot be kept: No such file or directory" in gateway.err, 5.0)
        answer = await gateway.client.post(CHAT, json=chat("m"))
        assert (answer.status_code, answer.headers["x-fairlead-provider"]) == (200, "two")
        assert await gateway.stop() == 0
