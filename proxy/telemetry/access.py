"""One line per request: the value that the request path hands over, and how it reads as JSON and on a console.

Names are OpenTelemetry's GenAI attributes where it has one. Holds names, numbers and times only: never a body, a
prompt, a header or a secret. Rendering happens off the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import floor

from msgspec import Struct, field
from msgspec.json import Encoder

from proxy.core.usage import Usage

LONGEST = 200  # characters of a name that a client chose

Redact = Callable[[str], str]  # also makes a name printable: see `Redactor.name`

# Source: https://github.com/open-telemetry/semantic-conventions-genai (gen_ai.operation.name), read 2026-11-20.
_OPERATIONS = {"completions": "text_completion"}


class AccessRecord(Struct, frozen=True):
    """What is known of a finished request.

    Attributes:
        at_s: Unix seconds, when it ended.
        operation: A `core.call.Operation`.
        status: The HTTP status that the client saw.
        model: As the client named it; None when it named none.
        provider: Who answered; empty when nobody did.
        response_model: The upstream's name of the model that answered.
        trail: `openrouter=rate_limited;azure-eu=ok`.
        failures: What each failure was, with whose: `azure-eu: connection refused`.
        key: The name of the client key, never the key.
        end: "ok", "truncated", "client_gone" or "failed".
        error: The `code` of the error that the client was told.
    """

    at_s: float
    request_id: str
    endpoint: str
    operation: str
    status: int
    duration_s: float
    overhead_s: float = 0.0
    model: str | None = None
    provider: str = ""
    response_model: str = ""
    stream: bool = False
    first_token_s: float | None = None
    attempts: int = 0
    trail: str = ""
    usage: Usage | None = None
    key: str = ""
    tags: tuple[str, ...] = ()
    end: str = "ok"
    error: str = ""
    failures: tuple[str, ...] = ()


class _Line(Struct, omit_defaults=True):
    """The record as it is written; a field at its default is left out."""

    timestamp: str
    level: str
    event: str
    request_id: str = field(name="fairlead.request_id")
    endpoint: str = field(name="fairlead.endpoint")
    operation: str = field(name="gen_ai.operation.name")
    stream: bool = field(name="gen_ai.request.stream")
    status: int = field(name="http.response.status_code")
    duration_s: float = field(name="duration_s")
    overhead_ms: float = field(name="fairlead.overhead_ms")
    attempts: int = field(name="fairlead.attempts")
    end: str = field(name="fairlead.end")
    model: str = field(name="gen_ai.request.model", default="")
    provider: str = field(name="gen_ai.provider.name", default="")
    response_model: str = field(name="gen_ai.response.model", default="")
    first_token_s: float | None = field(name="fairlead.first_token_s", default=None)
    trail: str = field(name="fairlead.trail", default="")
    error: str = field(name="error.type", default="")
    key: str = field(name="fairlead.key", default="")
    tags: tuple[str, ...] = field(name="fairlead.tags", default=())
    failures: tuple[str, ...] = field(name="fairlead.failures", default=())
    input_tokens: int | None = field(name="gen_ai.usage.input_tokens", default=None)
    output_tokens: int | None = field(name="gen_ai.usage.output_tokens", default=None)
    cached_tokens: int | None = field(name="gen_ai.usage.cache_read.input_tokens", default=None)
    reasoning_tokens: int | None = field(name="gen_ai.usage.reasoning.output_tokens", default=None)
    estimated: bool = field(name="fairlead.usage_estimated", default=False)


_ENCODER = Encoder()


def access_json(records: Sequence[AccessRecord], redact: Redact) -> str:
    """Return each record as a line of JSON; what is unknown is left out."""
    return _ENCODER.encode_lines([_line(record, redact) for record in records]).decode()


def _line(record: AccessRecord, redact: Redact) -> _Line:
    model, response_model, first_token_s = record.model, record.response_model, record.first_token_s
    usage = record.usage
    if usage is None:
        prompt = completion = cached = reasoning = None
        is_estimated = False
    else:
        prompt, completion, cached = usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens
        reasoning, is_estimated = usage.reasoning_tokens, usage.estimated
    return _Line(
        timestamp(record.at_s),
        "INFO",
        "request",
        record.request_id,
        record.endpoint,
        _OPERATIONS.get(record.operation, record.operation),
        record.stream,
        record.status,
        floor(record.duration_s * 1e6 + 0.5) / 1e6,  # a fifth of what `round` costs, and half of `int`
        floor(record.overhead_s * 1e6 + 0.5) / 1e3,
        record.attempts,
        record.end,
        redact(model[:LONGEST]) if model else "",
        record.provider,
        redact(response_model[:LONGEST]) if response_model else "",
        None if first_token_s is None else floor(first_token_s * 1e6 + 0.5) / 1e6,
        record.trail,
        record.error,
        record.key,
        _bounded(record.tags, redact) if record.tags else (),
        _bounded(record.failures, redact) if record.failures else (),
        prompt,
        completion,
        cached,
        reasoning,
        is_estimated,
    )


def access_text(records: Sequence[AccessRecord], redact: Redact) -> str:
    """Return each record as a line for a person."""
    return "".join([f"{_sentence(record, redact)}\n" for record in records])


def _sentence(record: AccessRecord, redact: Redact) -> str:
    tokens = f"{record.usage.prompt_tokens}+{record.usage.completion_tokens} tokens" if record.usage else ""
    parts = (
        datetime.fromtimestamp(record.at_s).astimezone().strftime("%H:%M:%S"),
        str(record.status),
        record.endpoint,
        redact(record.model[:LONGEST]) if record.model else "-",
        f"-> {record.provider}" if record.provider else "",
        f"{record.duration_s:.3f}s",
        tokens,
        record.trail if record.attempts > 1 or record.end != "ok" else "",
        f"({'; '.join(_bounded(record.failures, redact))})" if record.failures else "",
        record.end if record.end != "ok" else "",
        record.error,
        record.request_id,
    )
    return "  ".join(part for part in parts if part)


def _bounded(texts: Sequence[str], redact: Redact) -> tuple[str, ...]:
    """Tags are a client's words, and the detail of a failure may name a member of its request."""
    return tuple([redact(text[:LONGEST]) for text in texts])


def timestamp(at_s: float) -> str:
    """Return Unix seconds as RFC 3339 in UTC, to the millisecond."""
    whole_s = floor(at_s)
    return _moment(whole_s, floor((at_s - whole_s) * 1000))


@lru_cache(maxsize=64)  # lines come in order; of a busy gateway's many share their millisecond with the one before
def _moment(whole_s: int, ms: int) -> str:
    return f"{_second(whole_s)}.{str(ms).zfill(3)}Z"


@lru_cache(maxsize=64)
def _second(whole_s: int) -> str:
    return datetime.fromtimestamp(whole_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
