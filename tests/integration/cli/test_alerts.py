"""`fairlead alerts test`: a delivery to a real receiver, and what is said when it fails."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.fakes.process import run_command
from tests.fakes.rawserver import Peer, RawServer, Received, refused_url, response
from tests.integration.cli.conftest import Fairlead

SECRET = "planted-alert-secret-0123"
PROVIDER = '[providers.a]\nkind = "ollama"\n'


def write(folder: Path, url: str, *, secret: str = SECRET) -> None:
    signed = f'secret = "{secret}"\n' if secret else ""
    (folder / "fairlead.toml").write_text(f'{PROVIDER}[alerts]\nwebhook_url = "{url}"\n{signed}')


class Receiver:
    """Answers every delivery the same way."""

    def __init__(self, answer: bytes) -> None:
        self.got: list[Received] = []
        self._answer = answer

    async def __call__(self, peer: Peer) -> None:
        self.got.append(await peer.request())
        await peer.send(self._answer)
        peer.close()


async def test_a_test_alert_is_delivered_and_what_came_back_is_printed(tmp_path: Path) -> None:
    receiver = Receiver(response(b"\x1b[31mthank you\n" + SECRET.encode(), status=b"202 Accepted"))
    async with RawServer(receiver) as server:
        write(tmp_path, f"{server.url}/services/token-of-the-url")
        ended = await run_command(tmp_path, "alerts", "test")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"{server.url}: status 202 after " in ended.stdout
    assert "thank you" in ended.stdout and "The test alert was delivered, signed." in ended.stdout
    assert "\x1b" not in ended.stdout and "token-of-the-url" not in ended.stdout and SECRET not in ended.stdout
    (request,) = receiver.got
    assert request.head.startswith(b"POST /services/token-of-the-url ")
    assert b"x-fairlead-signature: v1=" in request.head.lower()
    assert json.loads(request.body)["event"] == "test"


async def test_an_unsigned_test_alert_says_so(fairlead: Fairlead, tmp_path: Path) -> None:
    async with RawServer(Receiver(response(b""))) as server:
        write(tmp_path, server.url, secret="")
        ended = await asyncio.to_thread(fairlead, "alerts", "test")
    assert ended.code == 0
    assert "The test alert was delivered, not signed: set secret in [alerts]." in ended.out


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        pytest.param(b"302 Found", "redirects are not followed", id="redirect"),
        pytest.param(b"401 Unauthorized", "check webhook_url and secret", id="refused"),
        pytest.param(b"404 Not Found", "nothing is there: check webhook_url", id="not-there"),
        pytest.param(b"500 Broken", "the receiver did not take it", id="broken"),
    ],
)
async def test_an_answer_that_is_no_success_ends_with_2_and_advice(
    fairlead: Fairlead, tmp_path: Path, status: bytes, advice: str
) -> None:
    receiver = Receiver(response(b"nope", status=status))
    async with RawServer(receiver) as server:
        write(tmp_path, server.url)
        ended = await asyncio.to_thread(fairlead, "alerts", "test")
    assert (ended.code, ended.out) == (2, "")
    assert f"status {status[:3].decode()} after" in ended.err and advice in ended.err
    assert len(receiver.got) == 1


def test_a_receiver_that_is_not_there_ends_with_2(fairlead: Fairlead, tmp_path: Path) -> None:
    write(tmp_path, refused_url().replace("http://", "http://user:hunter2@"))
    ended = fairlead("alerts", "test")
    assert (ended.code, ended.out) == (2, "")
    assert "not reached (ConnectError)" in ended.err and "check webhook_url" in ended.err
    assert "hunter2" not in ended.err


def test_without_a_webhook_the_command_says_what_to_set(fairlead: Fairlead, tmp_path: Path) -> None:
    (tmp_path / "fairlead.toml").write_text(PROVIDER)
    ended = fairlead("alerts", "test")
    assert (ended.code, ended.err) == (2, "error: no webhook is configured: set webhook_url in [alerts]\n")


def test_a_wrong_configuration_ends_with_2(fairlead: Fairlead, tmp_path: Path) -> None:
    (tmp_path / "fairlead.toml").write_text('[alerts]\nwebhook_url = "mailto:me"\n')
    ended = fairlead("alerts", "test", "--config", tmp_path / "fairlead.toml")
    assert ended.code == 2
    assert "alerts.webhook_url" in ended.err
