"""The words a behaviour is written in, turned into a `Behaviour` and its `Condition`.

A phrase is a row of clauses joined by `-`, in any order: `rate-limit-as-groq-retry-7-every-4`. A number belongs to the
clause before it; three digits alone are an HTTP status. `sim-` and a phrase is a model name. One table says everything:
the parser, the list of `fairlead simulate --behaviours` and the test of `docs/simulator.md` read it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import NamedTuple

from proxy.simulator.behaviour import (
    BEFORE_FIRST_FRAME,
    MAX_COUNT,
    MAX_DELAY_S,
    MAX_HUGE_MB,
    MAX_TOKENS,
    MAX_TOKENS_PER_S,
    Behaviour,
    Cause,
    Coding,
    Condition,
    Fault,
    RecoveryForm,
    UsageReport,
    Vendor,
)

PREFIX = "sim-"
_NOTHING: Mapping[str, object] = MappingProxyType({})
_NUMBER = re.compile(r"\d+(\.\d+)?")
_STATUS = re.compile(r"[2-5]\d\d")
_CONDITION_FIELDS = frozenset(field.name for field in fields(Condition))


class PhraseError(ValueError):
    """A phrase that cannot be read; the text says what is wrong with it and what would be right."""


class Argument(NamedTuple):
    """The number after a clause. `kind` is int, float, or str for a number that is kept as it was written."""

    field: str
    kind: type[int] | type[float] | type[str]
    maximum: float
    minimum: float = 0
    default: float | None = None  # None: the number must be there

    @property
    def shown(self) -> str:
        is_rate = self.field in ("tokens_per_s", "percent")
        letter = "N" if self.kind is int else "R" if is_rate else "S"
        return f"-{letter}" if self.default is None else f"[-{letter}]"


class Clause(NamedTuple):
    """A row of the table: the clause's words, what it sets, and what that means."""

    words: str
    meaning: str
    sets: Mapping[str, object] = _NOTHING
    argument: Argument | None = None

    @property
    def shown(self) -> str:
        return self.words + (self.argument.shown if self.argument else "")


class Phrase(NamedTuple):
    behaviour: Behaviour
    condition: Condition


def _tokens(default: float | None = None) -> Argument:
    return Argument("position", int, MAX_TOKENS, default=default)


def _seconds(field: str) -> Argument:
    return Argument(field, float, MAX_DELAY_S)


def _count(field: str, minimum: float = 1) -> Argument:
    return Argument(field, int, MAX_COUNT, minimum)


_RECOVERY = Argument("recovery", str, 31 * 86400.0)
_MEANS: Mapping[Cause, str] = {
    Cause.RATE_LIMIT: "the vendor's rate limit error",
    Cause.DAILY_QUOTA: "the vendor's error for a used-up day",
    Cause.QUOTA: "the vendor's `insufficient_quota` error",
    Cause.BILLING: "no credit left",
    Cause.AUTH: "the key is refused",
    Cause.PERMISSION: "the key may not use this model",
    Cause.BLOCKED: "region, address or account blocked",
    Cause.OVERLOAD: "no capacity",
    Cause.SERVER: "an internal error",
    Cause.CONTEXT: "the request is longer than the context window",
    Cause.POLICY: "the content is refused",
    Cause.MISSING: "no such model",
    Cause.INVALID: "a parameter is wrong",
}
_FORMS: Mapping[RecoveryForm, str] = {
    RecoveryForm.VENDOR: "the error says when to come back, in all the vendor's own forms",
    RecoveryForm.RETRY_AFTER: "`Retry-After: S`, with decimals if so written",
    RecoveryForm.RETRY_DATE: "`Retry-After` as an HTTP date S seconds ahead",
    RecoveryForm.RETRY_MS: "`retry-after-ms`: S seconds, in milliseconds",
    RecoveryForm.RESET_DURATION: "`x-ratelimit-reset-requests` as a duration: `1m7s`",
    RecoveryForm.RESET_SECONDS: "`x-ratelimit-reset-requests` as plain seconds",
    RecoveryForm.RESET_EPOCH_MS: "`x-ratelimit-reset` as epoch milliseconds",
    RecoveryForm.RESET_TIMESTAMP: "`anthropic-ratelimit-requests-reset` as an RFC 3339 time",
    RecoveryForm.RETRY_INFO: "a `google.rpc.RetryInfo` in the body",
    RecoveryForm.TEXT: "only the message's text says it: `Please try again in 7s.`",
}

CLAUSES: tuple[Clause, ...] = (
    Clause("ok", "a plain answer"),
    Clause("demo", "a plain answer at a pace that can be watched", {"think_s": 0.2, "tokens_per_s": 60.0}),
    *(Clause(cause.value, _MEANS[cause], {"cause": cause}) for cause in Cause),
    *(Clause(form.value, _FORMS[form], {"form": form}, _RECOVERY) for form in RecoveryForm),
    *(Clause(f"as-{vendor}", f"errors have the form of {vendor}", {"vendor": vendor}) for vendor in Vendor),
    Clause("silent", "accept the request, send nothing", {"fault": Fault.SILENT}),
    Clause("headers-only", "status 200, then silence", {"fault": Fault.STALL, "position": BEFORE_FIRST_FRAME}),
    Clause("headers-cut", "status 200, then a cut", {"fault": Fault.CUT, "position": BEFORE_FIRST_FRAME}),
    Clause("error-first", "status 200, then an error", {"fault": Fault.ERROR, "position": BEFORE_FIRST_FRAME}),
    Clause("role-silent", "the role chunk, then silence", {"fault": Fault.STALL, "position": 0}),
    Clause("role-error", "the role chunk, then an error", {"fault": Fault.ERROR, "position": 0}),
    Clause("cut-after", "cut the connection after N tokens", {"fault": Fault.CUT}, _tokens()),
    Clause("stall-after", "fall silent after N tokens", {"fault": Fault.STALL}, _tokens()),
    Clause("error-after", "an error after N tokens", {"fault": Fault.ERROR}, _tokens()),
    Clause("broken-line", "one broken line after N tokens (2)", {"fault": Fault.BROKEN_LINE}, _tokens(2)),
    Clause("no-done", "end without `[DONE]`", {"fault": Fault.NO_DONE}),
    Clause("no-end", "end without finish reason and `[DONE]`", {"fault": Fault.NO_END}),
    Clause("html", "an HTML page", {"fault": Fault.HTML}),
    Clause("truncated-json", "half of a JSON answer, as if whole", {"fault": Fault.TRUNCATED_JSON}),
    Clause("error-json", "an error body with status 200", {"cause": Cause.SERVER, "status": 200}),
    Clause("empty", "status 200 and no body", {"fault": Fault.EMPTY}),
    Clause("json-for-stream", "answer a stream request in JSON", {"fault": Fault.JSON_FOR_STREAM}),
    Clause("no-usage", "report no usage", {"usage": UsageReport.NONE}),
    Clause("usage-midway", "report usage on a chunk in the middle only", {"usage": UsageReport.MIDWAY}),
    Clause("gzip", "compress the answer although it was not asked for", {"coding": Coding.GZIP}),
    Clause("unknown-coding", "claim a content coding nobody knows", {"coding": Coding.UNKNOWN}),
    Clause("crlf", "end event lines with CR LF", {"crlf": True}),
    Clause("split", "send the body N bytes at a time", argument=_count("split_bytes")),
    Clause("delay", "wait before the status line", argument=_seconds("delay_s")),
    Clause("think", "wait between role chunk and first token", argument=_seconds("think_s")),
    Clause("rate", "tokens per second", argument=Argument("tokens_per_s", float, MAX_TOKENS_PER_S, 0.01)),
    Clause(
        "slow-drip",
        "single characters, R a second (1)",
        {"by_character": True},
        Argument("tokens_per_s", float, MAX_TOKENS_PER_S, 0.01, 1.0),
    ),
    Clause("pings", "N keep-alive comments before any output", argument=Argument("pings", int, MAX_DELAY_S)),
    Clause("ping-gap", "seconds between them (1)", argument=_seconds("ping_gap_s")),
    Clause("tokens", "an answer of exactly N tokens", argument=Argument("tokens", int, MAX_TOKENS)),
    Clause("cached", "N prompt tokens came from a cache", argument=Argument("cached_tokens", int, MAX_TOKENS)),
    Clause(
        "cache-write", "N prompt tokens went into a cache", argument=Argument("cache_write_tokens", int, MAX_TOKENS)
    ),
    Clause("filtered", "it ends as if a content filter had stopped it", {"filtered": True}),
    Clause("redacted", "reasoning comes sealed, where the dialect knows that", {"redacted": True}),
    Clause("reasoning", "N reasoning tokens first", argument=Argument("reasoning_tokens", int, MAX_TOKENS)),
    Clause("huge", "an answer of N MiB", argument=Argument("huge_mb", int, MAX_HUGE_MB, 1)),
    Clause("remaining", "`x-ratelimit-remaining-requests: N`", argument=_count("remaining", 0)),
    Clause("nth", "only for request N", argument=_count("nth")),
    Clause("every", "only for each N-th request", argument=_count("every")),
    Clause("first", "only for the first N requests", argument=_count("first")),
    Clause("percent", "only for R per cent of the requests", argument=Argument("percent", float, 100)),
    Clause("from", "only from S seconds after the first request on", argument=_seconds("from_s")),
    Clause("for", "only for S seconds from then on", argument=_seconds("for_s")),
)
_BY_WORDS = {tuple(clause.words.split("-")): clause for clause in CLAUSES}
_LONGEST = max(map(len, _BY_WORDS))


def parse_phrase(text: str) -> Phrase:
    """Read a phrase.

    Raises:
        PhraseError: An unknown clause, a number that is missing or out of bounds, or two clauses that contradict.
    """
    words, found = text.split("-"), dict[str, object]()
    while words:
        clause, words = _next_clause(words)
        settings, words = _read_clause(clause, words)
        for field, value in settings.items():
            if field in found:
                raise PhraseError(f"'{clause.words}' contradicts an earlier part of '{text}'")
            found[field] = value
    condition = {field: found.pop(field) for field in _CONDITION_FIELDS & found.keys()}
    return Phrase(Behaviour(**found), Condition(**condition))  # type: ignore[arg-type]  # the table's fields are checked by a test


def phrase_of(model: str) -> str | None:
    """Return the phrase that a model name holds, None for any other name. A vendor prefix (`x/sim-ok`) is allowed."""
    name = model.rpartition("/")[2]
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) else None


def behaviours_text() -> str:
    """Return the list of all clauses, one a line, for a terminal."""
    rows = [("<status>", "an HTTP status, 200 to 599, with a fitting body"), *((c.shown, c.meaning) for c in CLAUSES)]
    width = max(len(words) for words, _ in rows)
    return "\n".join(f"  {words:<{width}}  {meaning}" for words, meaning in rows)


def _next_clause(words: list[str]) -> tuple[Clause, list[str]]:
    if _STATUS.fullmatch(words[0]):
        return Clause(words[0], "", {"status": int(words[0])}), words[1:]
    for length in range(min(_LONGEST, len(words)), 0, -1):
        if clause := _BY_WORDS.get(tuple(words[:length])):
            return clause, words[length:]
    raise PhraseError(f"no behaviour is called '{'-'.join(words)}'; `fairlead simulate --behaviours` lists them all")


def _read_clause(clause: Clause, words: list[str]) -> tuple[dict[str, object], list[str]]:
    """Return what the clause sets and the words that follow its number."""
    argument = clause.argument
    if argument is None:
        return dict(clause.sets), words
    if words and _NUMBER.fullmatch(words[0]):
        return {**clause.sets, argument.field: _read_number(clause.words, argument, words[0])}, words[1:]
    if argument.default is None:
        raise PhraseError(f"'{clause.words}' needs a number: {clause.shown}")
    return {**clause.sets, argument.field: argument.kind(argument.default)}, words


def _read_number(words: str, argument: Argument, text: str) -> int | float | str:
    if argument.kind is int and "." in text:
        raise PhraseError(f"'{words}' takes a whole number, not {text}")
    if not argument.minimum <= float(text) <= argument.maximum:
        raise PhraseError(f"'{words}' takes a number from {argument.minimum:g} to {argument.maximum:g}, not {text}")
    return argument.kind(text)
