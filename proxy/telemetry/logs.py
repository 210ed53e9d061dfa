"""From log calls to lines on one stream, written by background threads: nothing here waits on the event loop.

`setup_logging` takes ordinary records through a queue; `AccessLog` takes one record per request through a bounded
list that a thread empties a few times a second. JSON, or text for a person. Everything is redacted; never a body.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import Protocol, TextIO

import orjson

from proxy.telemetry.access import AccessRecord, Redact, access_json, access_text, timestamp
from proxy.telemetry.redact import Redactor

WAKE_S = 0.2
CAPACITY = 20_000  # lines that wait to be written; what comes on top is dropped and counted
TOGETHER = 128  # lines rendered in one go, during which nothing else runs in this process: a quarter of a millisecond
TALKATIVE = ("httpx", "httpcore", "hpack", "asyncio")  # they log every request, some with headers, below WARNING

_LOG = logging.getLogger("fairlead.logs")

_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def log_format(asked: str | None, stream: TextIO) -> str:
    """Return "json" or "console": what was asked for, else text where a person watches."""
    if asked in ("json", "console"):
        return asked
    return "console" if stream.isatty() else "json"


class Stream(Protocol):
    """Where lines go: a text stream, or `LineStream` around one."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


class LineStream:
    """A text stream that several threads share: each write is whole lines and comes out in one piece."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, text: str, /) -> None:
        with self._lock:
            self._stream.write(text)

    def flush(self) -> None:
        with self._lock:
            self._stream.flush()


class JsonFormatter(logging.Formatter):
    """A record as one JSON object. `extra` fields keep their names; strings are redacted."""

    def __init__(self, redact: Redact) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "timestamp": timestamp(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": self._redact(record.getMessage()),
            **_extra(record, self._redact),
        }
        if record.exc_text:
            fields["exception"] = self._redact(record.exc_text)
        return orjson.dumps(fields).decode()


class ConsoleFormatter(logging.Formatter):
    """A record as a line for a person: time, level, message, extra fields; a traceback below it."""

    def __init__(self, redact: Redact) -> None:
        super().__init__(datefmt="%H:%M:%S")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        extra = "".join(f"  {name}={value}" for name, value in _extra(record, self._redact).items())
        line = (
            f"{self.formatTime(record, self.datefmt)}  {record.levelname}  {self._redact(record.getMessage())}{extra}"
        )
        return f"{line}\n{self._redact(record.exc_text)}" if record.exc_text else line


class _ToQueue(QueueHandler):
    """Freezes a record on the thread that logs (arguments may change, tracebacks hold frames); a full queue drops."""

    queue: SimpleQueue[logging.LogRecord]
    dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        frozen = copy.copy(record)
        frozen.msg, frozen.args = record.getMessage(), None
        if record.exc_info:
            frozen.exc_text = logging.Formatter().formatException(record.exc_info)
            frozen.exc_info = None
        return frozen

    def enqueue(self, record: logging.LogRecord) -> None:
        if self.queue.qsize() >= CAPACITY:
            self.dropped += 1
            return
        if self.dropped:
            record.__dict__["fairlead.dropped_lines"], self.dropped = self.dropped, 0
        self.queue.put_nowait(record)


def setup_logging(level: str, fmt: str, stream: Stream, redact: Redact | None = None) -> Callable[[], None]:
    """Send every ordinary log record to `stream` by way of a thread.

    Args:
        level: "debug", "info", "warning" or "error".
        fmt: "json" or "console", as `log_format` gives it.
        redact: The `Redactor` that knows the configuration's secrets; None masks by shape only.

    Returns:
        What stops it: writes what is queued and puts logging back as it was.
    """
    redact = redact or Redactor()
    root = logging.getLogger()
    before = root.level
    writer = logging.StreamHandler(stream)
    writer.setFormatter(JsonFormatter(redact) if fmt == "json" else ConsoleFormatter(redact))
    queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
    handler, listener = _ToQueue(queue), QueueListener(queue, writer)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    listener.start()

    def stop() -> None:
        root.removeHandler(handler)
        root.setLevel(before)
        listener.stop()
        stream.flush()

    return stop


class AccessLog:
    """One line of level INFO per request. `write` only appends; a thread renders and writes, at most once in `wake_s`.

    What there is to write while `is_wanted` says no is left out.
    """

    def __init__(
        self,
        stream: Stream,
        fmt: str,
        redact: Redactor,
        *,
        is_wanted: Callable[[], bool] = lambda: True,
        wake_s: float = WAKE_S,
    ) -> None:
        self._stream = stream
        self._render = access_json if fmt == "json" else access_text
        self._redact = redact.name
        self._is_wanted = is_wanted
        self._wake_s = wake_s
        self._records: list[AccessRecord] = []
        self._dropped = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def write(self, record: AccessRecord) -> None:
        if len(self._records) >= CAPACITY:
            self._dropped += 1
            return
        self._records.append(record)

    def close(self) -> None:
        """Write what is left and stop."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._wake_s):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        records = self._records[:]
        del self._records[: len(records)]  # what came meanwhile stays for the next time
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            _LOG.warning("%d request lines were dropped: the log's reader is too slow", dropped)
        if not self._is_wanted():
            return
        for at in range(0, len(records), TOGETHER):
            self._write(records[at : at + TOGETHER])

    def _write(self, records: Sequence[AccessRecord]) -> None:
        try:
            self._stream.write(self._render(records, self._redact))
            self._stream.flush()
        except Exception:  # the top of a background thread: the next lines may fare better
            _LOG.exception("%d request lines could not be written", len(records))


def _extra(record: logging.LogRecord, redact: Redact) -> dict[str, object]:
    """Return the `extra` fields of a record that say something, as JSON values, strings redacted."""
    return {
        name: _value(value, redact)
        for name, value in vars(record).items()
        if name not in _ORDINARY and value not in (None, "")
    }


def _value(value: object, redact: Redact) -> object:
    if isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {name: _value(inner, redact) for name, inner in value.items()}
    return redact(str(value))
