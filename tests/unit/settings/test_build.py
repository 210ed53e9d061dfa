from __future__ import annotations

from dataclasses import fields, replace

import pytest

from proxy.core.snapshot import BreakerPolicy, Server, Snapshot, Timeouts
from proxy.settings.schema import DefaultsSection, ServerSection
from tests.unit.settings.documents import KEY, LOCAL, build, only_problem, warnings

# Of a kind without timeouts of its own.
PLAIN = """
[providers.plain]
kind = "openai_compatible"
base_url = "http://plain.test/v1"
"""


def test_an_empty_file_has_the_defaults_of_the_snapshot() -> None:
    made = build("", {"HOME": "/home/u"})
    assert {field.name: getattr(made.server, field.name) for field in fields(Server)} == {
        field.name: getattr(Server(data_dir="/home/u/.local/state/fairlead"), field.name) for field in fields(Server)
    }
    assert (made.max_attempts, made.deadline_s, made.cooldowns) == (6, 600, True)
    assert build(PLAIN).providers["plain"].timeouts == Timeouts()
    assert [problem.where for problem in made.problems] == ["f.toml: providers"]


def test_the_defaults_of_the_schema_are_those_of_the_snapshot() -> None:
    assert DefaultsSection().breaker.policy(None) == BreakerPolicy()
    shared = {field.name for field in fields(Server)} & set(ServerSection.model_fields)
    decided_later = {"data_dir", "expose", "direct_models"}
    for name in shared - decided_later:
        assert getattr(ServerSection(), name) == getattr(Server(), name), name
    assert set(ServerSection.model_fields) == {field.name for field in fields(Server)}


def test_every_server_key_reaches_the_snapshot() -> None:
    text = """
    [server]
    host = "::1"
    port = 1
    data_dir = "/d"
    max_body_bytes = 2000
    max_response_bytes = 2001
    max_in_flight = 3
    max_buffered_bytes = 2002
    body_read_s = 4
    write_stall_s = 5
    drain_delay_s = 6
    drain_s = 7
    cors_origins = ["https://A.example.com"]
    metrics_port = 8
    expose = "minimal"
    direct_models = true
    sse_keepalive_s = 9
    broken_events = "error"
    rewrite_model = true
    content_policy_failover = true
    log_level = "debug"
    """
    made = build(text + LOCAL).server
    assert [getattr(made, field.name) for field in fields(Server)] == [
        getattr(
            Server(
                host="::1",
                port=1,
                data_dir="/d",
                max_body_bytes=2000,
                max_response_bytes=2001,
                max_in_flight=3,
                max_buffered_bytes=2002,
                body_read_s=4,
                write_stall_s=5,
                drain_delay_s=6,
                drain_s=7,
                cors_origins=("https://a.example.com",),
                metrics_port=8,
                expose="minimal",
                direct_models=True,
                sse_keepalive_s=9,
                broken_events="error",
                rewrite_model=True,
                content_policy_failover=True,
                log_level="debug",
            ),
            field.name,
        )
        for field in fields(Server)
    ]


def test_defaults_reach_the_snapshot() -> None:
    made = build("[defaults]\nmax_attempts = 2\ndeadline_s = 9\ncooldowns = false\ntimeouts = { idle_s = 4 }" + PLAIN)
    assert (made.max_attempts, made.deadline_s, made.cooldowns) == (2, 9, False)
    assert made.providers["plain"].timeouts == Timeouts(idle_s=4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "full", id="loopback"),
        pytest.param('[server]\nhost = "0.0.0.0"\n[auth]\nmode = "keys"', "minimal", id="off-loopback"),
        pytest.param('[server]\nhost = "0.0.0.0"\nexpose = "full"\n[auth]\nmode = "keys"', "full", id="written"),
    ],
)
def test_headers_are_exposed_by_where_it_listens(text: str, expected: str) -> None:
    assert build(text + LOCAL).server.expose == expected


def test_variables_of_the_process_win_but_for_the_folder() -> None:
    text = '[server]\nhost = "127.0.0.2"\nport = 1\nlog_level = "error"\ndata_dir = "/file"'
    environ = {"FAIRLEAD_HOST": "::1", "FAIRLEAD_PORT": "2", "FAIRLEAD_LOG_LEVEL": "debug", "FAIRLEAD_DATA_DIR": "/env"}
    made = build(text + LOCAL, environ).server
    assert (made.host, made.port, made.log_level, made.data_dir) == ("::1", 2, "debug", "/file")
    assert build(LOCAL, environ).server.data_dir == "/env"


def test_redis_is_a_warning_once_it_has_a_url() -> None:
    assert warnings('[redis]\nurl = ""' + LOCAL) == []
    assert [warning.where for warning in warnings('[redis]\nurl = "redis://x"' + LOCAL)] == ["f.toml: redis"]


def test_a_bad_section_does_not_bring_others_into_question() -> None:
    text = '[server]\nhost = "0.0.0.0"\nport = -1\n[auth]\nmode = "nonsense"\n[redis]\nurl = 3' + LOCAL
    made = build(text)
    assert [problem.where.removeprefix("f.toml: ") for problem in made.problems if not problem.warning] == [
        "server.port",
        "auth.mode",
        "redis.url",
    ]


def test_bad_defaults_are_told() -> None:
    assert only_problem("[defaults]\nbreaker = 3" + LOCAL).where == "f.toml: defaults.breaker"


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        pytest.param("drain_s", "1", "less than drain_delay_s", id="drain-shorter-than-its-delay"),
        pytest.param("metrics_port", "8080", "the port of the gateway itself", id="one-port-twice"),
    ],
)
def test_server_keys_must_fit_together(key: str, value: str, found: str) -> None:
    problem = only_problem(f"[server]\n{key} = {value}" + LOCAL)
    assert (problem.where, problem.found) == (f"f.toml: server.{key}", found)


def test_the_metrics_port_must_differ_from_the_port_of_the_environment() -> None:
    problem = only_problem("[server]\nmetrics_port = 9090" + LOCAL, {"FAIRLEAD_PORT": "9090"})
    assert problem.where == "f.toml: server.metrics_port"


@pytest.mark.parametrize("origin", ["chat.example.com", "https://a/b", "ftp://a", "https://"])
def test_a_cors_origin_is_checked(origin: str) -> None:
    assert only_problem(f'[server]\ncors_origins = ["*", "{origin}"]' + LOCAL).where == "f.toml: server.cors_origins[1]"


def test_what_only_a_restart_can_change_is_kept_with_a_warning() -> None:
    running = replace(Server(data_dir="/d"), port=1)
    text = '[server]\nport = 2\nmetrics_port = 3\ndata_dir = "/d"\ndrain_s = 9'
    made = build(text + LOCAL, running=Snapshot(server=running))
    assert (made.server.port, made.server.metrics_port, made.server.drain_s) == (1, None, 9)
    assert [problem.where for problem in made.problems] == ["f.toml: server.port", "f.toml: server.metrics_port"]
    assert all(problem.warning for problem in made.problems)


def test_a_gateway_that_listens_off_loopback_is_not_opened_by_a_file_that_says_loopback() -> None:
    made = build('[server]\nhost = "127.0.0.1"' + LOCAL, running=Snapshot(server=Server(host="0.0.0.0")))
    assert [problem.where for problem in made.problems if problem.fatal] == ["f.toml: auth.mode"]
    assert made.server.expose == "minimal"


def test_a_secret_in_the_file_is_in_no_repr() -> None:
    text = f'[auth]\nadmin_token = "{KEY}x"\n[[auth.keys]]\nname = "a"\nkey = "{KEY}"'
    made = build(text + LOCAL)
    assert KEY not in repr(made)
