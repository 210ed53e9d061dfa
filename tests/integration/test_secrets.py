"""A planted secret in keys, headers, URLs and bodies appears in no log, metric, error, header, kept state or repr."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import httpx
import pytest

from proxy.api.callparse import parse_call
from proxy.api.endpointspec import CHAT as CHAT_ENDPOINT
from proxy.core.plan import Planned, Send
from proxy.core.ports import UpstreamResponse
from proxy.edge.exchange import Asked
from proxy.gateway.context import Reply
from proxy.providers.adapter import build
from proxy.providers.errorbody import read_error
from proxy.providers.signals import classify, rows_for
from proxy.settings.build import Surroundings
from proxy.settings.environment import Process
from proxy.settings.load import load_snapshot
from proxy.settings.origin import read_origin
from proxy.settings.problems import Report
from proxy.settings.reload import Watched
from proxy.settings.sections import read_sections
from tests.fakes.gateway import gateway
from tests.fakes.planted import (
    ADMIN_TOKEN,
    CLIENT_HEADER,
    CLIENT_KEY,
    CREDENTIALS,
    DATABASE_PASSWORD,
    MISPLACED,
    NEXT_KEY,
    OLD_PEPPER,
    PEPPER,
    PLANTED,
    PROMPT,
    PROVIDER_KEY,
    QUERY,
    SECOND_KEY,
    STREAMED,
    TEAM_HEADER,
    UNREACHABLE,
    WHOLE,
    WRONG_KEY,
    check_absent,
    question,
    upstreams,
)
from tests.fakes.process import GatewayProcess, gateway_process, run_command
from tests.fakes.rawserver import Received, refused_url
from tests.fakes.upstream_calls import settles
from tests.fakes.wire import make_exchange
from tests.fakes.wireclient import CHAT, WireClient

SECRETS = {"FAIRLEAD_SECRET_KEYS": f"{PEPPER},{OLD_PEPPER}"}
REPORTS = (("--by", "model"), ("--requests", "--json"))
AWAY = (("keys", "list"), ("db", "current"), ("usage",))


@dataclass
class Told:
    """Everything that came back, by who may read what in it."""

    to_all: list[str] = field(default_factory=list)  # must hold nothing planted
    to_the_client: list[str] = field(default_factory=list)  # an error in the upstream's words: no credential

    def note(self, answer: httpx.Response, *, own_fault: bool = False) -> None:
        self.to_all.append(str(answer.headers.raw))
        (self.to_the_client if own_fault else self.to_all).append(answer.text)


async def drive_everything(running: GatewayProcess, told: Told) -> None:
    """Drive successes, every class of failure, malformed requests and reloads."""
    headers = {"authorization": f"Bearer {CLIENT_KEY}", "x-client-note": CLIENT_HEADER}
    params = {"key": QUERY}
    admin = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    running.client.headers.update(headers)
    post = running.client.post
    for stream, expected in ((False, WHOLE), (True, STREAMED), (False, UNREACHABLE)):
        for name, (status, _) in expected.items():
            model = name if name in UNREACHABLE else f"a{name}"
            answer = await post(CHAT, json=question(model, stream=stream), params=params)
            assert answer.status_code == status, (name, answer.text)
            told.note(answer, own_fault=name in ("400", "422"))
            cleared = await post("/admin/state/clear", headers=admin)
            assert cleared.status_code == 200
    for answer in (
        await post(CHAT, content=f"{{{PROMPT}".encode()),
        await post(CHAT, json=[PROMPT]),
        await post(CHAT, json={"model": 5, "messages": PROMPT}),
        await post(CHAT, content=gzip.compress(PROMPT.encode())[:-4], headers={"content-encoding": "gzip"}),
        await post(CHAT, content=PROMPT.encode(), headers={"content-encoding": "br"}),
        await post(CHAT, json=question("aok"), headers={"x-fairlead-deadline-ms": CLIENT_HEADER}),
        await post(CHAT, json=question("aok"), headers={"x-api-key": WRONG_KEY}),
        await post(CHAT, json=question("aok"), headers={"authorization": f"Bearer {WRONG_KEY}"}),
        await running.client.put(CHAT, json=question("aok"), params=params),
        await running.client.get("/v1/models", params=params, headers={"authorization": f"Basic {WRONG_KEY}"}),
        await post("/admin/state/clear", json={"provider": [MISPLACED]}, headers=admin),
        await post("/admin/state/clear", content=MISPLACED, headers=admin),
        await post("/admin/state/clear", headers={"authorization": f"Bearer {WRONG_KEY}"}),
    ):
        assert 400 <= answer.status_code < 500, answer.text
        told.note(answer)
    for secret in (PROVIDER_KEY, SECOND_KEY, ADMIN_TOKEN, TEAM_HEADER, f"sk-{MISPLACED}"):
        # What a client calls a model is logged, and told to itself alone.
        answer = await post(CHAT, json=question(secret), headers={"x-fairlead-tags": secret})
        assert (answer.status_code, secret in answer.text) == (404, True)
    async with WireClient(running.url) as client:
        client.writer.write(f"POST {CHAT} HTTP/1.1\r\nx-api-key {WRONG_KEY}\r\n\r\n{PROMPT}".encode())
        told.to_all.append((await client.reader.read(4096)).decode())
    async with WireClient(running.url) as client:  # leaves in the middle of its body
        client.begin(10_000, headers)
        client.writer.write(PROMPT.encode())
        await client.writer.drain()


async def reload(running: GatewayProcess) -> None:
    """A file with secrets in the wrong places, then one with another key."""
    good = running.path.read_text()
    wrong = f'\n[providers.more]\nkind = "{MISPLACED}"\napi_kye = "{MISPLACED}"\nbase_url = "https://{MISPLACED}@x"\n'
    running.path.write_text(f'{good}{wrong}api_key = "${{{MISPLACED}}}"\nproxy_url = "{MISPLACED}"\n')
    running.send(signal.SIGHUP)
    await running.metric_becomes("config_reload_failed", 1, 5)
    running.path.write_text(good + f"[models.{MISPLACED}\n")
    running.send(signal.SIGHUP)
    assert await settles(lambda: "text that is not TOML" in running.err)
    running.path.write_text(good.replace(PROVIDER_KEY, NEXT_KEY))
    running.send(signal.SIGHUP)
    await running.metric_becomes("config_version", 2, 5)


async def look_around(running: GatewayProcess, told: Told) -> None:
    admin = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    for path in ("/metrics", "/health", "/v1/models", "/readyz"):
        told.note(await running.client.get(path))
    for path in ("/admin/state", "/admin/explain?model=a429", "/admin/explain?model=aok&key=tester"):
        shown = await running.client.get(path, headers=admin)
        assert shown.status_code == 200
        told.note(shown)


async def make_and_use_a_key(running: GatewayProcess, told: Told) -> str:
    """Let an operator make a client key beside the gateway, and its owner ask with it."""
    made = await run_command(running.folder, "keys", "create", "made", "--tag", "team", environ=SECRETS)
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    assert await settles(lambda: "client keys of the database are in force" in running.err)
    answer = await running.client.post(CHAT, json=question("aok"), headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    told.note(answer)
    listed = await run_command(running.folder, "keys", "list", "--json", environ=SECRETS)
    told.to_all += [listed.stdout, listed.stderr, made.stderr]
    return key


def kept_by(running: GatewayProcess) -> dict[str, str]:
    return {path.name: path.read_text("latin-1") for path in running.data_dir.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("log_format", ["json", "console"])
async def test_planted_secret_is_in_nothing_that_a_gateway_tells_or_keeps(tmp_path: Path, log_format: str) -> None:
    told, alerts = Told(), list[Received]()
    words = ("--log-level", "debug", "--log-format", log_format)
    async with upstreams(alerts) as toml, gateway_process(tmp_path, toml, SECRETS, arguments=words) as running:
        await drive_everything(running, told)
        key = await make_and_use_a_key(running, told)
        await look_around(running, told)
        await reload(running)
        # For as long as to be kept when the gateway ends.
        told.note(await running.client.post(CHAT, json=question("a402")))
        await look_around(running, told)
        spooled = kept_by(running)
        assert await running.stop() == 0
        reports = [await run_command(running.folder, "usage", *way, environ=SECRETS) for way in REPORTS]
    kept = kept_by(running)
    posted = [alert.body.decode() for alert in alerts]
    reported = [report.stdout + report.stderr for report in reports]
    everything = [*told.to_all, running.out, running.err, *spooled.values(), *kept.values(), *posted, *reported]
    check_absent(everything, [*PLANTED, key])
    check_absent(told.to_the_client, CREDENTIALS)

    # What is held against the above has happened, and was told.
    assert [PROMPT in text for text in told.to_the_client] == [True, True]
    failures = {outcome for _, outcome in (*WHOLE.values(), *STREAMED.values(), *UNREACHABLE.values())} - {"ok"}
    assert {outcome for outcome in failures if f"={outcome}" in running.err} == failures
    assert "needs attention" in running.err
    assert "upstream_refusal" in running.err
    assert json.loads(kept["state.json"])["asides"]
    assert all(word in kept["fairlead.db"] for word in ("telling", "a402", "billing", "upstream_refusal", key[:9]))
    assert any("telling" in text for name, text in spooled.items() if name.endswith(".spool"))
    assert {event for event in ("provider_attention", "unpriced_model") if any(event in text for text in posted)}
    assert "could not be delivered to the webhook" in running.err
    assert all("a402" in report.stdout for report in reports)


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_planted_password_of_a_database_that_is_away_is_told_to_nobody(tmp_path: Path) -> None:
    away = refused_url().replace("http://", f"postgresql://fairlead:{DATABASE_PASSWORD}@")
    environ = {**SECRETS, "DATABASE_URL": f"{away}/books"}
    words = ("--log-level", "debug")
    async with upstreams() as toml:
        toml = f'[database]\nurl = "${{DATABASE_URL}}"\n{toml}'
        async with gateway_process(tmp_path, toml, environ, arguments=words) as running:
            answer = await running.client.get("/v1/models", headers={"authorization": f"Bearer {CLIENT_KEY}"})
            assert answer.status_code == 200
            page = (await running.client.get("/metrics")).text
            assert await running.stop() == 0
        commands = await asyncio.gather(*(run_command(tmp_path, *command, environ=environ) for command in AWAY))
    told = [text for command in commands for text in (command.stdout, command.stderr)]
    check_absent([running.out, running.err, page, *told, *kept_by(running).values()], PLANTED)
    assert "the database is away" in running.err
    assert [command.returncode for command in commands] == [2, 2, 2]
    assert all("/books" in command.stderr for command in commands)


async def test_planted_secret_is_in_no_repr_while_requests_are_under_way() -> None:
    """Everything of this package that is alive is asked, from the request that waits to the configuration."""
    async with upstreams() as toml, gateway(toml) as running:
        headers = {"authorization": f"Bearer {CLIENT_KEY}", "x-client-note": CLIENT_HEADER}
        async with WireClient(running.url) as streaming, WireClient(running.url) as waiting:
            streaming.send(question("patient", stream=True), headers)
            waiting.send(question("patient"), headers)
            assert await settles(lambda: running.metric("in_flight_requests", model="patient") == 2)
            assert await settles(lambda: len(running.parts.state.view.in_flight) == 1)
            await asyncio.sleep(0.2)
            shown = {(type(alive).__name__, text) for alive in living() if (text := repr(alive))}
    check_absent((text for _, text in shown), PLANTED)
    names = {name for name, _ in shown}
    assert names >= {"Account", "Auth", "Call", "Candidate", "Connection", "Credential", "Edge", "Engine", "Exchange"}
    assert names >= {"Grant", "Model", "Parts", "Plan", "Provider", "Redactor", "Secret", "Send", "Snapshot"}
    assert names >= {"UpstreamRequest"}


async def test_planted_secret_is_in_no_repr_of_what_lives_for_a_moment(tmp_path: Path) -> None:
    headers = {b"authorization": f"Bearer {CLIENT_KEY}".encode(), b"x-client-note": CLIENT_HEADER.encode()}
    async with upstreams() as toml:
        path = tmp_path / "fairlead.toml"
        path.write_text(toml)
        environ = {"HOME": str(tmp_path), "PLANTED": MISPLACED}
        snapshot = load_snapshot(path, environ, strict=True, simulator_url=None, version=1)
        origin, report, process = read_origin(path, environ, ollama_answers=False), Report(str(path)), Process()
    exchange = make_exchange(headers, asked=Asked(CHAT_ENDPOINT, query=f"key={QUERY}".encode()))
    exchange.pieces = [json.dumps(question("aok")).encode()]
    call = parse_call(exchange, exchange.pieces[0], snapshot)
    (candidate,) = snapshot.models["aok"].candidates
    prepared = build(call, candidate, candidate.provider.credentials[0])
    assert CLIENT_HEADER.encode() in dict(prepared.request.headers).values()
    echo = json.dumps({"error": {"message": f"{dict(prepared.request.headers)} {call.body.decode()}"}}).encode()
    rows = rows_for(candidate.provider)
    failure = classify(rows, 400, (), echo, 0.0)
    assert failure.error is not None
    send = Send(Planned(candidate, snapshot.models["aok"], ""), candidate.provider.credentials[0])
    shown = [
        *(
            exchange,
            exchange.asked,
            call,
            prepared,
            prepared.request,
            candidate,
            snapshot,
            rows,
            failure,
            read_error(echo),
            send,
        ),
        Reply(send, cast(UpstreamResponse, None), 400, prepared.request.headers, echo),
        *(origin, read_sections(origin.document, environ, report), report, process),
        *(Watched(path, environ), Surroundings(environ, process, None, 1), *snapshot.auth.keys.values()),
    ]
    check_absent(map(repr, shown), [*PLANTED, *snapshot.auth.keys])
    check_absent([repr(failure.error)], CREDENTIALS)
    assert PROMPT in failure.error.message


def living() -> list[object]:
    """Every object of a class of this package."""
    return [found for found in gc.get_objects() if str(type(found).__module__).startswith("proxy.")]
