"""`fairlead serve` as a process: what it says, what it refuses to start with, and the commands that speak to it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from anthropic import AsyncAnthropic
from google import genai
from google.genai.types import HttpOptions
from ollama import AsyncClient as AsyncOllama
from openai import AsyncOpenAI

from proxy.providers.examples import EXAMPLES
from proxy.simulator.app import simulator_app
from proxy.simulator.scenario import parse_toml
from tests.fakes.process import environment, free_port, gateway_process, run_command
from tests.fakes.serving import serve
from tests.fakes.tools import require_tool
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import ask, chat

TOKEN = "admin-token-0123456789"
KEY = "client-key-0123456789"
NAMED = ["openai/gpt-x", "openai/vendor/gpt-y"]
SIMULATED = """
[providers.one]
kind = "simulator"
[providers.two]
kind = "simulator"
[models.m]
candidates = [{ provider = "one", model = "sim-ok" }, { provider = "two", model = "sim-ok" }]
"""
GUARDED = f"""
[auth]
admin_token = "{TOKEN}"
[[auth.keys]]
name = "tester"
key = "{KEY}"
{SIMULATED}
"""


async def serve_refused(folder: Path, toml: str, *words: str, **environ: str) -> list[str]:
    """Start a gateway that must not start; return the lines it complains in."""
    (folder / "fairlead.toml").write_text(toml)
    ended = await run_command(folder, "serve", "--port", "0", *words, environ=environ)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr
    return ended.stderr.splitlines()


def told_curl(said: str) -> str:
    """The line of the banner that a newcomer copies."""
    (line,) = [line for line in said.splitlines() if line.strip().startswith("curl ")]
    return line


async def run_shell(line: str, folder: Path, **environ: str) -> dict[str, object]:
    """Run a line as it is, with a shell that knows nothing else, and read the JSON that it prints."""
    require_tool("curl")
    ended = await asyncio.to_thread(
        subprocess.run,
        ["/bin/sh", "-c", line],
        env=environment(folder, environ),
        capture_output=True,
        timeout=10,
        check=True,
    )
    answer: dict[str, object] = json.loads(ended.stdout)
    return answer


async def test_demo_prints_a_curl_line_that_works(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as gateway:
        assert "(demo: two simulated providers" in gateway.out
        answer = await run_shell(told_curl(gateway.out), tmp_path)
    assert answer["object"] == "chat.completion"
    assert "simulated" in json.dumps(answer["choices"])
    assert "WARNING" not in gateway.err


async def test_demo_shows_a_failover_soon(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as gateway:
        trails = [(await ask(gateway.url, chat("demo", max_tokens=1))).trail for _ in range(5)]
    assert trails[:3] == ["sim-primary=ok"] * 3
    assert "sim-primary=rate_limited;sim-backup=ok" in trails


async def test_curl_line_of_a_guarded_gateway_takes_the_key_from_the_environment(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, GUARDED) as gateway:
        assert KEY not in gateway.out
        answer = await run_shell(told_curl(gateway.out), tmp_path, FAIRLEAD_KEY=KEY)
    assert answer["object"] == "chat.completion"


async def test_providers_of_the_environment_serve_without_a_file(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, environ={"OPENAI_API_KEY": "sk-planted-0123456789"}) as gateway:
        assert "providers found in the environment: openai" in gateway.out
        assert "sk-planted" not in gateway.out + gateway.err
        assert (await ask(gateway.url, chat("unheard-of"))).error["code"] == "model_not_found"
        assert f'"model": "openai/{EXAMPLES["openai"]}"' in told_curl(gateway.out)


def list_and_ask_as_google(url: str) -> None:
    with genai.Client(api_key="any", http_options=HttpOptions(base_url=url)) as google:
        listed = list(google.models.list())
        assert [model.name for model in listed] == [f"models/{name}" for name in NAMED]
        assert google.models.generate_content(model=listed[1].name or "", contents="hello").text


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_what_providers_of_the_environment_have_is_listed_to_every_client(tmp_path: Path) -> None:
    simulator = simulator_app(parse_toml('models = ["gpt-x", "vendor/gpt-y"]'))
    async with serve(simulator) as url:
        environ = {"OPENAI_API_KEY": "sk-planted-0123456789", "OPENAI_BASE_URL": f"{url}/openai/v1"}
        async with gateway_process(tmp_path, environ=environ) as gateway:
            listed = await run_shell(told_curl(gateway.out), tmp_path)
            assert [row["id"] for row in listed["data"]] == NAMED  # type: ignore[attr-defined]  # it is JSON
            async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="any", max_retries=0) as openai:
                assert [model.id async for model in openai.models.list()] == NAMED
                assert (await openai.models.retrieve(NAMED[1])).id == NAMED[1]
                hello = {"role": "user", "content": "hello"}
                said = await openai.chat.completions.create(model=NAMED[1], messages=[hello])  # type: ignore[list-item]
                assert said.choices[0].message.content
            async with AsyncAnthropic(base_url=gateway.url, api_key="any", max_retries=0) as anthropic:
                assert [model.id async for model in anthropic.models.list()] == NAMED
                assert (await anthropic.models.retrieve(NAMED[1])).id == NAMED[1]
            async with AsyncOllama(host=gateway.url) as ollama:
                assert [model.model for model in (await ollama.list()).models] == [f"{name}:latest" for name in NAMED]
                answer = await ollama.chat(f"{NAMED[0]}:latest", [{"role": "user", "content": "hello"}])
                assert answer.message.content
            await asyncio.to_thread(list_and_ask_as_google, gateway.url)
            assert "fairlead.models" not in gateway.err


@pytest.mark.parametrize(
    ("toml", "complaints"),
    [
        pytest.param("[models.m", ["text that is not TOML"], id="no-toml"),
        pytest.param(
            '[servr]\nport = 1\n[server]\nport = "x"\ndrian_s = 1', ["servr", "port", "drain_s"], id="all-told"
        ),
        pytest.param('[auth]\nadmin_token = "short"', ["auth.admin_token"], id="weak-token"),
        pytest.param('[auth]\nadmin_token = "${MISSING}"', ["MISSING is not set"], id="unset-variable"),
        pytest.param("[server]\ndrain_s = 1", ["server.drain_s: less than drain_delay_s"], id="that-do-not-fit"),
    ],
)
async def test_wrong_configuration_is_one_line_a_problem_and_exit_code_2(
    tmp_path: Path, toml: str, complaints: list[str]
) -> None:
    said = await serve_refused(tmp_path, toml + SIMULATED)
    assert len(said) == len(complaints)
    for complaint in complaints:
        assert any(complaint in line for line in said), said
    assert all(line.startswith(f"error: {tmp_path}/fairlead.toml: ") for line in said)


async def test_file_that_is_not_there_is_exit_code_2(tmp_path: Path) -> None:
    ended = await run_command(tmp_path, "serve", "--config", "elsewhere.toml")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "elsewhere.toml: no such file" in ended.stderr


async def test_bad_row_is_left_out_with_a_warning_and_the_rest_serves(tmp_path: Path) -> None:
    toml = SIMULATED.replace("[providers.two]", '[providers.two]\napi_kye = "x"')
    async with gateway_process(tmp_path, toml) as gateway:
        (await ask(gateway.url, chat("m"))).check_whole(by="one")
        assert await settles(lambda: "providers.two.api_kye: an unknown key" in gateway.err)
        told = next(line for line in gateway.err.splitlines() if "api_kye" in line)
        assert json.loads(told)["level"] == "ERROR"  # also where warnings are not logged
        health = (await gateway.client.get("/health")).json()
        assert any("providers.two.api_kye" in problem for problem in health["config"]["problems"])


@pytest.mark.parametrize("setting", ["port", "metrics_port"])
async def test_taken_port_is_one_clear_line_and_exit_code_2(tmp_path: Path, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        toml = f"[server]\n{setting} = {port}\n{SIMULATED}"
        (tmp_path / "fairlead.toml").write_text(toml)
        words = ["--port", str(port)] if setting == "port" else ["--port", "0"]
        ended = await run_command(tmp_path, "serve", *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    place = "FAIRLEAD_PORT or --port" if setting == "port" else f"{tmp_path}/fairlead.toml: server.metrics_port"
    assert line.startswith(f"error: {place}: 127.0.0.1:{port}, which cannot be listened on (")
    assert "already in use" in line


@pytest.mark.parametrize(
    ("toml", "words", "environ"),
    [
        pytest.param('[server]\nhost = "0.0.0.0"\n' + SIMULATED, (), {}, id="by-file"),
        pytest.param(SIMULATED, ("--host", "0.0.0.0"), {}, id="by-flag"),
        pytest.param(SIMULATED, (), {"FAIRLEAD_HOST": "::"}, id="by-variable"),
        pytest.param('[auth]\nmode = "none"' + SIMULATED, ("--host", "0.0.0.0"), {}, id="said-to-be-open"),
    ],
)
async def test_open_gateway_off_loopback_does_not_start(
    tmp_path: Path, toml: str, words: tuple[str, ...], environ: dict[str, str]
) -> None:
    (line,) = await serve_refused(tmp_path, toml, *words, **environ)
    assert "auth.mode: an open gateway on an address that others can reach" in line


async def test_demo_off_loopback_does_not_start(tmp_path: Path) -> None:
    ended = await run_command(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0")
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "an open gateway on an address that others can reach" in ended.stderr


async def test_configured_gateway_without_a_folder_to_write_to_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (line,) = await serve_refused(tmp_path, SIMULATED, FAIRLEAD_DATA_DIR=str(tmp_path / "file" / "folder"))
    assert line.startswith("error: FAIRLEAD_DATA_DIR: a folder that cannot be written (Not a directory)")


async def test_all_that_a_start_cannot_have_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as holder, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [each.getsockname()[1] for each in (holder, other)]
        server = f'[server]\ndata_dir = "file/x"\nport = {ports[0]}\nmetrics_port = {ports[1]}\n'
        (tmp_path / "fairlead.toml").write_text(server + SIMULATED)
        ended = await run_command(tmp_path, "serve", environ={"FAIRLEAD_SECRET_KEYS": "short"})
    assert (ended.returncode, ended.stdout) == (2, "")
    places = [line.split(": ")[1:3] for line in ended.stderr.splitlines()]
    file = str(tmp_path / "fairlead.toml")
    assert places[:-1] == [[file, "server.data_dir"], [file, "server.port"], [file, "server.metrics_port"]]
    assert places[-1][0] == "FAIRLEAD_SECRET_KEYS"


async def test_an_address_of_another_machine_is_the_hosts_fault(tmp_path: Path) -> None:
    (line,) = await serve_refused(tmp_path, f'[auth]\nmode = "keys"\n[server]\nhost = "192.0.2.1"\n{SIMULATED}')
    assert line.startswith(f"error: {tmp_path}/fairlead.toml: server.host: 192.0.2.1:")
    assert "expected an address of this machine" in line


async def test_demo_without_a_folder_to_write_to_warns_and_serves(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with gateway_process(tmp_path, environ={"FAIRLEAD_DATA_DIR": str(tmp_path / "file" / "folder")}) as gateway:
        assert (await ask(gateway.url, chat("demo", max_tokens=1))).status == 200
        assert await settles(lambda: "the demo keeps nothing" in gateway.err)
        assert await gateway.stop() == 0
    assert "Traceback" not in gateway.err


async def test_metrics_port_alone_shows_metrics_and_health(tmp_path: Path) -> None:
    port = free_port()
    toml = f"[server]\nmetrics_port = {port}\n{GUARDED}"
    async with gateway_process(tmp_path, toml, headers={"authorization": f"Bearer {KEY}"}) as gateway:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as side:
            shown = {path: (await side.get(path)).status_code for path in ("/metrics", "/health", "/readyz", "/livez")}
            assert set(shown.values()) == {200}
            assert "fairlead_build_info" in (await side.get("/metrics")).text
            closed = [(await side.get(path)).status_code for path in ("/v1/models", "/admin/state", "/")]
            assert closed == [404, 404, 404]
            assert (await side.post("/v1/chat/completions", json=chat("m"))).status_code == 404
        shown = {path: (await gateway.client.get(path)).status_code for path in shown}
        assert shown == {"/metrics": 404, "/health": 404, "/readyz": 200, "/livez": 200}
        assert await gateway.stop() == 0


async def test_sighup_without_a_file_does_nothing(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as gateway:
        gateway.send(signal.SIGHUP)
        assert (await ask(gateway.url, chat("demo", max_tokens=1))).status == 200
        assert await gateway.metric("config_version") == 1
        assert gateway.process.poll() is None
        assert await gateway.stop() == 0


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_commands_ask_and_steer_the_running_gateway(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, GUARDED) as gateway:

        async def fairlead(*words: str) -> str:
            environ = {"FAIRLEAD_URL": gateway.url, "FAIRLEAD_ADMIN_TOKEN": TOKEN, "FAIRLEAD_KEY": KEY}
            ended = await run_command(tmp_path, *words, environ=environ)
            assert (ended.returncode, ended.stderr) == (0, ""), words
            return ended.stdout

        assert "The configuration is fine." in await fairlead("check")
        models = json.loads(await fairlead("models", "--url", gateway.url, "--json"))
        assert [row["id"] for row in models["data"]] == ["m"]
        await fairlead("state", "disable", "one")
        plan = json.loads(await fairlead("explain", "m", "--url", gateway.url, "--json"))
        assert [row["provider"] for row in plan["candidates"]] == ["two"]
        assert [(row["provider"], row["reason"]) for row in plan["omitted"]] == [("one", "operator_disabled")]
        heard = await ask(gateway.url, chat("m"), {"authorization": f"Bearer {KEY}"})
        heard.check_whole(by="two")
        assert "disabled by operator" in await fairlead("state", "show")
        await fairlead("state", "enable", "one")
        await fairlead("state", "advance", "m")
        heard = await ask(gateway.url, chat("m"), {"authorization": f"Bearer {KEY}"})
        heard.check_whole(by="two")
        await fairlead("state", "reset")
        heard = await ask(gateway.url, chat("m"), {"authorization": f"Bearer {KEY}"})
        heard.check_whole(by="one")


async def test_commands_say_in_one_line_that_they_are_not_let_in(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, GUARDED) as gateway:
        wrong = await run_command(tmp_path, "state", "show", "--url", gateway.url, "--token", KEY)
        assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
        assert KEY not in wrong.stderr
    nobody = await run_command(tmp_path, "state", "show", "--url", gateway.url, "--token", TOKEN)
    assert (nobody.returncode, nobody.stdout, nobody.stderr.count("\n")) == (2, "", 1)
