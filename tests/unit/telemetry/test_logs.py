"""Log lines: written by threads, as JSON or for a person, never with a secret, never without bound."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable
from logging.handlers import QueueHandler

import pytest
from msgspec.structs import replace

from proxy.core.secret import Secret
from proxy.core.snapshot import Credential, Provider, Snapshot
from proxy.telemetry.access import AccessRecord
from proxy.telemetry.logs import CAPACITY, AccessLog, LineStream, Stream, log_format, setup_logging
from proxy.telemetry.redact import Redactor

_LOG = logging.getLogger("fairlead.test")
RECORD = AccessRecord(1_700_000_000.0, "req-1", "chat_completions", "chat", 200, 0.5, model="demo", provider="a")
PLANTED = "planted-secret-0123456789"


class Lines:
    """A stream that keeps what was written, and logging set up to write to it."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.redact = Redactor()

    def of(self, fmt: str, log: Callable[[], None], level: str = "info") -> list[str]:
        stop = setup_logging(level, fmt, LineStream(self.stream), self.redact)
        log()
        stop()
        return self.stream.getvalue().splitlines()


@pytest.fixture
def lines() -> Lines:
    return Lines()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("asked", "stream", "expected"),
    [
        pytest.param("json", Terminal(), "json", id="asked-for"),
        pytest.param("console", io.StringIO(), "console", id="asked-for-text"),
        pytest.param(None, Terminal(), "console", id="terminal"),
        pytest.param(None, io.StringIO(), "json", id="pipe"),
        pytest.param("auto", Terminal(), "console", id="auto"),
    ],
)
def test_format_is_text_where_a_person_watches(asked: str | None, stream: io.StringIO, expected: str) -> None:
    assert log_format(asked, stream) == expected


def test_json_line_holds_message_and_extra_fields(lines: Lines) -> None:
    extra = {"event": "reload", "fairlead.version": 3, "fairlead.note": None, "fairlead.path": Secret("x")}
    (line,) = lines.of("json", lambda: _LOG.info("reloaded %s", "fairlead.toml", extra=extra))
    fields = json.loads(line)
    assert fields.pop("timestamp").endswith("Z")
    assert fields == {
        "level": "INFO",
        "logger": "fairlead.test",
        "message": "reloaded fairlead.toml",
        "event": "reload",
        "fairlead.version": 3,
        "fairlead.path": "Secret(***)",
    }


def test_extra_field_with_fields_of_its_own_is_an_object_with_its_strings_redacted(lines: Lines) -> None:
    about = {"provider": "sk-0123456789abcdef", "priority": 2}
    (line,) = lines.of("json", lambda: _LOG.info("changed", extra={"fairlead.change": about}))
    assert json.loads(line)["fairlead.change"] == {"provider": "[redacted]", "priority": 2}


def test_json_line_holds_the_traceback(lines: Lines) -> None:
    def log() -> None:
        try:
            raise ValueError("broken")
        except ValueError:
            _LOG.exception("failed")

    (line,) = lines.of("json", log)
    assert "ValueError: broken" in json.loads(line)["exception"]


def test_console_line_holds_level_message_and_extra_fields_and_the_traceback_below(lines: Lines) -> None:
    def log() -> None:
        try:
            raise ValueError("broken")
        except ValueError:
            _LOG.exception("failed", extra={"event": "oops"})

    first, *rest = lines.of("console", log)
    assert first.endswith("  ERROR  failed  event=oops")
    assert rest[-1] == "ValueError: broken"


def test_lines_below_the_level_are_not_written(lines: Lines) -> None:
    assert lines.of("json", lambda: _LOG.info("quiet"), level="warning") == []


def test_clients_of_upstreams_are_quiet_below_warning(lines: Lines) -> None:
    assert lines.of("json", lambda: logging.getLogger("httpx").info("GET https://x.test?key=abc")) == []


def test_stop_puts_logging_back_as_it_was(lines: Lines) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    lines.of("json", lambda: _LOG.info("x"), level="debug")
    assert (root.level, list(root.handlers)) == before


def test_without_a_redactor_secrets_are_masked_by_shape(lines: Lines) -> None:
    stop = setup_logging("info", "json", lines.stream)
    _LOG.info("key sk-0123456789abcdef refused")
    stop()
    assert json.loads(lines.stream.getvalue())["message"] == "key [redacted] refused"


@pytest.mark.parametrize("fmt", ["json", "console"])
def test_planted_secret_is_in_no_line(lines: Lines, fmt: str) -> None:
    key = Credential("main", Secret(PLANTED))
    lines.redact.learn(Snapshot(providers={"a": Provider("a", "openai", "https://x.test", credentials=(key,))}))

    def log() -> None:
        try:
            raise ValueError(f"url https://x.test/{PLANTED}")
        except ValueError:
            _LOG.exception("said %s", PLANTED, extra={"fairlead.detail": f"body {PLANTED}", "fairlead.key": key})
        access = AccessLog(lines.stream, fmt, lines.redact)
        access.start()
        access.write(replace(RECORD, model=PLANTED, response_model=PLANTED, tags=(PLANTED,)))
        access.close()

    written = "\n".join(lines.of(fmt, log))
    assert "said [redacted]" in written
    assert "req-1" in written
    assert PLANTED not in written


def access_log(stream: Stream, fmt: str = "json") -> AccessLog:
    return AccessLog(stream, fmt, Redactor(), wake_s=0.001)


def test_each_request_is_one_line_in_order() -> None:
    stream = io.StringIO()
    log = access_log(stream)
    log.start()
    for number in range(100):
        log.write(replace(RECORD, request_id=f"req-{number}"))
    log.close()
    ids = [json.loads(line)["fairlead.request_id"] for line in stream.getvalue().splitlines()]
    assert ids == [f"req-{number}" for number in range(100)]


def test_requests_leave_no_line_while_none_is_wanted() -> None:
    stream = io.StringIO()
    log = AccessLog(stream, "json", Redactor(), is_wanted=lambda: False)
    log.start()
    log.write(RECORD)
    log.close()
    assert stream.getvalue() == ""


def test_console_lines_of_requests_are_text() -> None:
    stream = io.StringIO()
    log = access_log(stream, "console")
    log.start()
    log.write(RECORD)
    log.close()
    assert stream.getvalue().endswith("200  chat_completions  demo  -> a  0.500s  req-1\n")


def test_thread_writes_without_being_asked_to() -> None:
    class Signalling(io.StringIO):
        def __init__(self) -> None:
            super().__init__()
            self.written = threading.Event()

        def flush(self) -> None:
            self.written.set()

    stream = Signalling()
    log = access_log(stream)
    log.start()
    log.write(RECORD)
    assert stream.written.wait(5.0)
    log.close()


def test_lines_beyond_the_capacity_are_dropped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    stream = io.StringIO()
    log = access_log(stream)
    for _ in range(CAPACITY + 3):
        log.write(RECORD)
    log.start()
    log.close()
    assert stream.getvalue().count("\n") == CAPACITY
    assert [record.getMessage() for record in caplog.records] == [
        "3 request lines were dropped: the log's reader is too slow"
    ]


def test_stream_that_fails_once_loses_its_lines_only(caplog: pytest.LogCaptureFixture) -> None:
    class FailsOnce(io.StringIO):
        failed = threading.Event()

        def write(self, text: str, /) -> int:
            if not self.failed.is_set():
                self.failed.set()
                raise OSError(28, "No space left on device")
            return super().write(text)

    stream = FailsOnce()
    log = access_log(stream)
    log.start()
    log.write(RECORD)
    assert stream.failed.wait(5.0)
    log.write(replace(RECORD, request_id="req-2"))
    log.close()
    assert [json.loads(line)["fairlead.request_id"] for line in stream.getvalue().splitlines()] == ["req-2"]
    assert [record.getMessage() for record in caplog.records] == ["1 request lines could not be written"]


def test_ordinary_lines_beyond_the_capacity_are_dropped_and_counted_in_the_next() -> None:
    class Blocked(io.StringIO):
        """Holds its writer until it may go on, however long the test takes to fill what waits."""

        def __init__(self) -> None:
            super().__init__()
            self.reached, self.free = threading.Event(), threading.Event()

        def write(self, text: str, /) -> int:
            self.reached.set()
            self.free.wait()
            return super().write(text)

    stream = Blocked()
    stop = setup_logging("info", "json", stream, Redactor())
    (waiting,) = [handler for handler in logging.getLogger().handlers if isinstance(handler, QueueHandler)]
    _LOG.info("first")
    try:
        assert stream.reached.wait(5.0)
        for _ in range(CAPACITY + 2):
            waiting.handle(logging.makeLogRecord({"msg": "more"}))
    finally:
        stream.free.set()
    while "more" not in stream.getvalue():
        threading.Event().wait(0.001)
    _LOG.info("last")
    stop()
    last = [json.loads(line) for line in stream.getvalue().splitlines()][-1]
    assert (last["message"], last["fairlead.dropped_lines"]) == ("last", 2)
