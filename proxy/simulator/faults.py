"""What goes wrong with an answer: a behaviour and good content turned into the steps of a reply.

An error of a vendor, silence, a cut, a stall, a broken line, a page where JSON is due, pace. What a fault of streams
means for an answer that is none: a cut or a stall comes in the middle of the body, an error takes the body's place, the
others change nothing. Pure; times only as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import orjson

from proxy.core.usage import Usage
from proxy.simulator.behaviour import (
    BEFORE_FIRST_FRAME,
    MAX_DELAY_S,
    Behaviour,
    Cause,
    Coding,
    Fault,
    FixedAnswer,
    Vendor,
)
from proxy.simulator.recovery import Hint, recovery_hint
from proxy.simulator.rendering import Frame, Part
from proxy.simulator.replies import (
    Cut,
    HeaderList,
    Pause,
    Plain,
    Send,
    Start,
    Step,
    compressed,
    silence,
    split,
    with_coding,
)
from proxy.simulator.vendors import Json, Row, error_body, error_row

_JSON = ("content-type", "application/json")
_EVENTS = ("content-type", "text/event-stream; charset=utf-8")
_HTML = ("content-type", "text/html; charset=utf-8")
_HTML_PAGE = b"<!DOCTYPE html><html><head><title>Simulated</title></head><body><h1>Simulated page</h1></body></html>\n"
_BROKEN_JSON = b'{"id":"chatcmpl-simulated","object":"chat.completion.chunk","choices":[{"index":0,"del'
_REDIRECTS = range(300, 400)
_CDN_STATUSES = range(520, 527)
_BREAKS = frozenset({Fault.CUT, Fault.STALL, Fault.ERROR})
_LEFT_OUT = {Fault.NO_DONE: {Part.DONE}, Fault.NO_END: {Part.FINISH, Part.USAGE, Part.DONE}}


class Content(NamedTuple):
    """A good answer, rendered only when it is sent. `frames` is None where the request asks for no stream."""

    json: Callable[[], bytes]
    frames: Callable[[], Iterator[Frame]] | None
    usage: Usage


class Setting(NamedTuple):
    """Under what circumstances a reply is made. `headers` go with every answer; `wall_s` is Unix time."""

    vendor: Vendor
    headers: HeaderList
    wall_s: float


def is_error(behaviour: Behaviour) -> bool:
    """Return whether the answer is an error or a fixed one, so that no content is needed."""
    if behaviour.fault is Fault.ERROR:  # its error comes after the status line
        return False
    return behaviour.fixed is not None or behaviour.cause is not None or (behaviour.status or 200) >= 300


def error_reply(behaviour: Behaviour, setting: Setting) -> Iterator[Step]:
    """Return the steps of an answer that `is_error`."""
    fixed = behaviour.fixed
    return _finished(_whole(_fixed(fixed) if fixed else _error(behaviour, setting), behaviour, setting), behaviour)


def content_reply(content: Content, behaviour: Behaviour, setting: Setting) -> Iterator[Step]:
    """Return the steps of good content, spoilt as the behaviour says."""
    if content.frames is None or behaviour.fault in (Fault.JSON_FOR_STREAM, Fault.TRUNCATED_JSON, Fault.HTML):
        plain = _plain(content, behaviour, setting)
        return _finished(_whole(plain, behaviour, setting), behaviour)
    steps = _stream(content.frames(), behaviour, setting)
    return _finished(compressed(steps) if behaviour.coding is Coding.GZIP else steps, behaviour)


def _finished(steps: Iterator[Step], behaviour: Behaviour) -> Iterator[Step]:
    return split(steps, behaviour.split_bytes) if behaviour.split_bytes else steps


def _fixed(fixed: FixedAnswer) -> Plain:
    typed = any(name.lower() == "content-type" for name, _ in fixed.headers)
    return Plain(fixed.status, fixed.headers if typed else (_JSON, *fixed.headers), fixed.body.encode())


def _error(behaviour: Behaviour, setting: Setting) -> Plain:
    """Write an error in the vendor's words, or what a status means that carries none."""
    row, hint = error_row(setting.vendor, behaviour.cause, behaviour.status), _hint(behaviour, setting)
    if row.status in (204, 304):
        return Plain(row.status, (), b"")
    if row.status in _REDIRECTS:
        return Plain(row.status, (("location", "/_simulator/elsewhere"),), b"")
    if behaviour.fault is Fault.HTML or row.status in _CDN_STATUSES:
        return Plain(row.status, (_HTML,), _HTML_PAGE)
    error = _error_json(setting.vendor, row, hint)
    return Plain(row.status, (_JSON, *hint.headers), _error_bytes(setting.vendor, error))


def _hint(behaviour: Behaviour, setting: Setting) -> Hint:
    if behaviour.form is None:
        return Hint()
    return recovery_hint(behaviour.form, behaviour.recovery, setting.vendor, setting.wall_s)


def _error_json(vendor: Vendor, row: Row, hint: Hint) -> Json:
    return error_body(vendor, row._replace(message=row.message + hint.text), hint.metadata)


def _error_bytes(vendor: Vendor, error: Json) -> bytes:
    return orjson.dumps([error] if vendor is Vendor.GEMINI else error)  # Google's compatible endpoint sends a list


def _plain(content: Content, behaviour: Behaviour, setting: Setting) -> Plain:
    match behaviour.fault:
        case Fault.HTML:
            return Plain(200, (_HTML,), _HTML_PAGE)
        case Fault.EMPTY:
            return Plain(200, (_JSON,), b"")
        case Fault.ERROR:
            return _error(behaviour, setting)._replace(status=200)
        case Fault.TRUNCATED_JSON:
            body = content.json()
            return Plain(200, (_JSON,), body[: len(body) // 2], content.usage.completion_tokens)
        case _:
            return Plain(200, (_JSON,), content.json(), content.usage.completion_tokens)


def _whole(plain: Plain, behaviour: Behaviour, setting: Setting) -> Iterator[Step]:
    """Send an answer that is made in full before its head goes out, as vendors do."""
    if behaviour.fault is Fault.SILENT:
        yield from silence()
        return
    plain = with_coding(plain, behaviour.coding)
    paced_s = plain.tokens / behaviour.tokens_per_s if behaviour.tokens_per_s else 0.0
    yield Pause(min(MAX_DELAY_S, behaviour.delay_s + behaviour.think_s + paced_s))
    headers = (*plain.headers, *setting.headers)
    length = () if behaviour.pings else (("content-length", str(len(plain.body))),)
    yield Start(plain.status, (*headers, *length))
    yield from _pings(behaviour, b"\n")
    if behaviour.fault in (Fault.CUT, Fault.STALL):
        sent = 0 if behaviour.position == BEFORE_FIRST_FRAME else len(plain.body) // 2
        yield Send(plain.body[:sent])
        yield from silence() if behaviour.fault is Fault.STALL else (Cut(),)
        return
    yield Send(plain.body, plain.tokens)


def _stream(frames: Iterable[Frame], behaviour: Behaviour, setting: Setting) -> Iterator[Step]:
    if behaviour.fault is Fault.SILENT:
        yield from silence()
        return
    yield Pause(behaviour.delay_s)
    coding = () if behaviour.coding is Coding.IDENTITY else (("content-encoding", behaviour.coding.value),)
    yield Start(200, (_EVENTS, ("cache-control", "no-cache"), *setting.headers, *coding))
    if behaviour.fault is Fault.EMPTY:
        return
    yield from _pings(behaviour, _ended(b": keep-alive", behaviour))
    if behaviour.position == BEFORE_FIRST_FRAME and behaviour.fault in _BREAKS:
        yield from _break_off(behaviour, setting)
        return
    yield from _events(frames, behaviour, setting)


def _events(frames: Iterable[Frame], behaviour: Behaviour, setting: Setting) -> Iterator[Step]:
    """Send frame after frame at the behaviour's pace, until the place where it breaks off, if it does."""
    sent, spoilt, left_out = 0, False, _LEFT_OUT.get(behaviour.fault, ())
    for frame in frames:
        is_token = frame.part is Part.TOKEN
        if not spoilt and (frame.part is Part.FINISH or (is_token and sent == behaviour.position)):
            spoilt = True
            if behaviour.fault in _BREAKS:
                yield from _break_off(behaviour, setting)
                return
            if behaviour.fault is Fault.BROKEN_LINE:
                yield Send(_event(_BROKEN_JSON, behaviour))
        if is_token:
            yield Pause(_gap_s(behaviour, sent))
            sent += 1
        if frame.part not in left_out:
            yield Send(_event(frame.json, behaviour), int(is_token))


def _gap_s(behaviour: Behaviour, sent: int) -> float:
    gap_s = 1 / behaviour.tokens_per_s if behaviour.tokens_per_s else 0.0
    return gap_s if sent else gap_s + behaviour.think_s


def _break_off(behaviour: Behaviour, setting: Setting) -> Iterator[Step]:
    """Cut, stall, or send an error and end cleanly without a terminator."""
    if behaviour.fault is Fault.STALL:
        yield from silence()
    elif behaviour.fault is Fault.CUT:
        yield Cut()
    else:
        yield Send(_error_event(behaviour, setting))


def _error_event(behaviour: Behaviour, setting: Setting) -> bytes:
    """Write an error as the vendor does in mid-stream."""
    row = error_row(setting.vendor, behaviour.cause or Cause.SERVER, behaviour.status)
    error = _error_json(setting.vendor, row, _hint(behaviour, setting))
    match setting.vendor:
        case Vendor.ANTHROPIC:
            return _ended(b"event: error\ndata: " + orjson.dumps(error), behaviour)
        case Vendor.GEMINI:
            frame = error
        case Vendor.GROQ:
            frame = {"choices": [], "x_groq": {"id": "req_simulated", "error": row.message}}
        case Vendor.OPENROUTER:
            ending = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
            frame = {"id": "gen-simulated", "object": "chat.completion.chunk", **error, "choices": [ending]}
        case _:
            frame = error
    return _event(orjson.dumps(frame), behaviour)


def _pings(behaviour: Behaviour, ping: bytes) -> Iterator[Step]:
    for _ in range(behaviour.pings):
        yield Send(ping)
        yield Pause(behaviour.ping_gap_s)


def _event(json: bytes, behaviour: Behaviour) -> bytes:
    return _ended(b"data: " + json, behaviour)


def _ended(lines: bytes, behaviour: Behaviour) -> bytes:
    event = lines + b"\n\n"
    return event.replace(b"\n", b"\r\n") if behaviour.crlf else event
