"""What one event of an OpenAI chat or completions stream means, without changing it.

Turns an event's data into a `Frame`: terminator, error, output, lifecycle or usage. It never rewrites, and it looks no
deeper than it must: `read_frame` is for the first-output gate, `skim_frame` for the many chunks after the commit point.

Source: OpenAI Python SDK 3.51.0, types/chat/chat_completion_chunk.py and _streaming.py, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.structs import replace

from proxy.core.usage import Usage
from proxy.translate.openai_chat.usage import Counts, mended, read_usage
from proxy.wire.jsonbody import join_object, readable

DONE = b"[DONE]"
_EMPTY = (b"null", b'""', b"[]", b"{}")
LARGEST_NUMBER = 10**9  # that a request can mean: what is reckoned with it stays a number
_NOT_OUTPUT = frozenset({"role", "obfuscation"})


class FrameKind(StrEnum):
    OUTPUT = "output"  # content, a tool call, reasoning, a refusal or a finish reason
    LIFECYCLE = "lifecycle"  # role-only and other chunks that say nothing yet
    USAGE = "usage"  # a chunk that holds nothing but usage
    DONE = "done"
    BROKEN = "broken"  # not a JSON object


class Frame(Struct, frozen=True, gc=False):
    """One event. `suspect`: it may hold an error; `providers.signals.envelope_failure` knows."""

    kind: FrameKind
    usage: Usage | None = None
    finished: bool = False
    suspect: bool = False


class _Finish(Struct):
    finish_reason: str | None = None


class _Ended(_Finish):
    index: int = 0


class _Endings(Struct):
    choices: list[_Ended]


class _Choice(_Finish):
    delta: Raw | UnsetType = UNSET
    text: Raw | UnsetType = UNSET


class _Skimmed(Struct):
    choices: list[_Finish] | None = None
    usage: Counts | None = None
    error: Raw | UnsetType = UNSET
    x_groq: Raw | UnsetType = UNSET


class _Open(Struct, gc=False):
    finish_reason: Literal["", None] = None  # some vendors write "" until there is one


class _Plain(Struct, gc=False):
    """What decodes to this says nothing of an end, of usage or of an error: the types alone make sure."""

    choices: Annotated[list[_Open], Meta(min_length=1)]
    usage: None = None
    error: None = None
    x_groq: None = None


class _Chunk(_Skimmed):
    choices: list[_Choice] | None = None  # type: ignore[assignment] # the same member, read deeper


class _Answer(_Skimmed):
    service_tier: Any = None


class _Groq(Struct):
    usage: Counts | None = None


decode_plain = msgspec.json.Decoder(_Plain).decode  # every chunk of a stream passes here
_SKIMMED = msgspec.json.Decoder(_Skimmed)
_CHUNK = msgspec.json.Decoder(_Chunk)
_ANSWER = msgspec.json.Decoder(_Answer)
_GROQ = msgspec.json.Decoder(_Groq)
_ENDINGS = msgspec.json.Decoder(_Endings)
_NUMBER = msgspec.json.Decoder(float)
_LIST = msgspec.json.Decoder(list[Raw])
_OBJECT = msgspec.json.Decoder(dict[str, Raw])

# msgspec's own errors are ValueErrors, and so is the UnicodeDecodeError that it lets through.
UNREADABLE = (ValueError, RecursionError)

# CPython 3.11 takes a fifth of a microsecond to get a member out of its enum.
_OUTPUT, _BROKEN, _USAGE = FrameKind.OUTPUT, FrameKind.BROKEN, FrameKind.USAGE
_TERMINATOR = Frame(FrameKind.DONE)
PLAIN_OUTPUT = Frame(FrameKind.OUTPUT)
_FINISHED = Frame(FrameKind.OUTPUT, finished=True)


def skim_frame(payload: bytes) -> Frame:
    """Say what an event's data is, taking any chunk with choices for output. Never raises."""
    try:
        decode_plain(payload)
    except UNREADABLE:
        pass
    else:
        return PLAIN_OUTPUT
    if payload == DONE:
        return _TERMINATOR
    try:
        chunk = _SKIMMED.decode(payload)
    except UNREADABLE:
        return _unreadable(payload, skim_frame)
    return _frame(chunk, payload, _usage(chunk, payload))


def read_frame(payload: bytes) -> Frame:
    """Say what an event's data is, telling output from chunks that only announce it. Never raises."""
    if payload == DONE:
        return _TERMINATOR
    try:
        chunk = _CHUNK.decode(payload)
    except UNREADABLE:
        return _unreadable(payload, read_frame)
    frame = _frame(chunk, payload, _usage(chunk, payload))
    if frame.kind is _OUTPUT and not frame.finished and not any(map(_speaks, chunk.choices or ())):
        return replace(frame, kind=FrameKind.LIFECYCLE)
    return frame


def ended_choices(payload: bytes) -> frozenset[int]:
    """Name the choices that an event's data gives a finish reason."""
    try:
        choices = _ENDINGS.decode(readable(payload)).choices
    except UNREADABLE:
        return frozenset({0})
    return frozenset(choice.index for choice in choices if choice.finish_reason)


def whole_number(member: Raw) -> int | None:
    """Read a whole number of a request; 3.0 is one too, and is taken by some upstream.

    Returns:
        At most `LARGEST_NUMBER` where it is larger; None where it is no whole number.
    """
    try:
        number = _NUMBER.decode(member)
    except UNREADABLE:
        return LARGEST_NUMBER if bytes(member)[:1].isdigit() else None  # a number too large to be read is one
    return int(min(number, LARGEST_NUMBER)) if number.is_integer() else None


def choices_answered(members: Mapping[str, Raw]) -> int:
    """Count the choices that a request gets answered: `n` for each of its prompts, of which a chat is one."""
    return _number(members, "n") * _prompts(members)


def choices_asked(members: Mapping[str, Raw]) -> int:
    """Count the choices that a request has made, and pays for: with `best_of` more than are answered."""
    if not ("n" in members or "best_of" in members or "prompt" in members):  # as nearly always
        return 1
    return max(_number(members, "n"), _number(members, "best_of")) * _prompts(members)


def read_answer(body: bytes) -> Frame:
    """Say what a whole answer is: its usage, and whether it may hold an error instead.

    Raises:
        ValueError: It is no JSON object.
    """
    try:
        answer = _ANSWER.decode(body)
    except UNREADABLE:
        frame = _unreadable(body, skim_frame)
    else:
        frame = _frame(answer, body, None if answer.usage is None else read_usage(answer.usage, answer.service_tier))
    if frame.kind is _BROKEN:
        raise ValueError("an answer that is no JSON object")
    return frame


def _usage(chunk: _Skimmed, payload: bytes) -> Usage | None:
    """Read a chunk's usage; its service tier is looked for only in the few chunks that have any."""
    counts = chunk.usage
    if counts is None:
        if chunk.x_groq is UNSET or b'"usage"' not in bytes(chunk.x_groq):
            return None
        try:
            counts = _GROQ.decode(chunk.x_groq).usage
        except UNREADABLE:
            return None
    return None if counts is None else read_usage(counts, _service_tier(payload))


def _service_tier(payload: bytes) -> object:
    if b'"service_tier"' not in payload:
        return None
    try:
        return _ANSWER.decode(payload).service_tier
    except UNREADABLE:
        return None


def _frame(chunk: _Skimmed, payload: bytes, usage: Usage | None) -> Frame:
    choices = chunk.choices
    suspect = (chunk.error is not UNSET and not _is_empty(chunk.error)) or (
        chunk.x_groq is not UNSET and b'"error"' in bytes(chunk.x_groq)
    )
    if not choices:
        kind = FrameKind.LIFECYCLE if chunk.usage is None else _USAGE
        return Frame(kind, usage, finished=False, suspect=suspect or b'"error"' in payload or b'"code"' in payload)
    finished = False
    for choice in choices:
        reason = choice.finish_reason
        if reason:  # some vendors write "" until there is one
            finished = True
            suspect = suspect or reason == "error"
    if usage is None and not suspect:
        return _FINISHED if finished else PLAIN_OUTPUT
    return Frame(_OUTPUT, usage, finished, suspect)


def _unreadable(payload: bytes, judge: Callable[[bytes], Frame]) -> Frame:
    """Judge what msgspec cannot decode: half an emoji in one event and the other half in the next are judged alike."""
    plain = readable(payload)
    return _unexpected(payload, judge) if plain == payload else judge(plain)


def _unexpected(payload: bytes, judge: Callable[[bytes], Frame]) -> Frame:
    """An object whose members have unexpected types is passed on; anything but a JSON object is broken."""
    try:
        members = _OBJECT.decode(payload)
    except UNREADABLE:
        return Frame(FrameKind.BROKEN, suspect=b'"error"' in payload)
    usage = members.get("usage")
    if usage is not None and bytes(mending := mended(usage)) != bytes(usage):
        return judge(join_object({**members, "usage": mending}))
    return Frame(FrameKind.LIFECYCLE, suspect=b'"error"' in payload)


def _speaks(choice: _Choice) -> bool:
    """Any member of a delta that says something counts, so that new kinds of reasoning are output too."""
    if choice.text is not UNSET and not _is_empty(choice.text):
        return True
    if choice.delta is UNSET or _is_empty(choice.delta):
        return False
    try:
        members = _OBJECT.decode(choice.delta)
    except UNREADABLE:
        return True
    return any(name not in _NOT_OUTPUT and not _is_empty(value) for name, value in members.items())


def _is_empty(member: Raw | UnsetType) -> bool:
    return isinstance(member, Raw) and bytes(member) in _EMPTY


def _number(members: Mapping[str, Raw], name: str) -> int:
    return max(1, whole_number(members[name]) or 1) if name in members else 1


def _prompts(members: Mapping[str, Raw]) -> int:
    if "prompt" not in members:
        return 1
    try:
        prompts = _LIST.decode(members["prompt"])
    except UNREADABLE:
        return 1
    is_several = bool(prompts) and bytes(prompts[0])[:1] in (b'"', b"[")  # else one prompt, given as tokens
    return len(prompts) if is_several else 1
