"""What an endpoint is to the simulator: a row of the table that `dialects.table` composes.

Also what the dialects share: a neutral request answered, and answers put into the form in which they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import orjson

from proxy.core.call import Dialect
from proxy.core.secret import Secret
from proxy.core.usage import Usage
from proxy.simulator.answers import Answer, Serial, Speaker, chat_answer
from proxy.simulator.behaviour import UsageReport, Vendor
from proxy.simulator.frames import Frame
from proxy.simulator.paths import Operation
from proxy.simulator.question import Content, Question
from proxy.simulator.request import ChatRequest, Head, decode
from proxy.simulator.wires import COMPATIBLE, Wire

THINKING_TOKENS = 4


class Keys(NamedTuple):
    """What signatures are checked by: AWS access key id -> secret, and Unix time."""

    aws: Mapping[str, Secret]
    wall_s: float


def asked_for(head: Head) -> bool:
    return bool(head.stream)


def unless_refused(head: Head) -> bool:
    return head.stream is not False


def always(_: Head) -> bool:
    return True


def never(_: Head) -> bool:
    return False


def only(wire: Wire) -> Callable[[Question], Wire]:
    """Choose this wire whatever is asked."""
    return lambda _: wire


def _anybody(_: Question, __: Keys) -> None:
    """Let everybody in."""


def _read_head(question_body: bytes, _: Mapping[str, str]) -> Head:
    return decode(question_body, Head)


class Service(NamedTuple):
    """One endpoint.

    Attributes:
        answer: Reads the body strictly and gives the answer; raises a `GatewayError` for what the vendor refuses.
        vendor: Whose errors it sends; None = the calling provider's name tells.
        stream: Whether a head asks for a stream.
        admit: Raises a `GatewayError` where the vendor would not let the credential in.
        request_id: The header in which the vendor names a request.
        policy_answers: A prompt against its policy gets an answer that says so, not an error.
    """

    dialect: Dialect
    operation: Operation
    answer: Callable[[Question, Speaker, Serial], Content]
    wire: Callable[[Question], Wire] = only(COMPATIBLE)
    vendor: Vendor | None = None
    stream: Callable[[Head], bool] = asked_for
    admit: Callable[[Question, Keys], None] = _anybody
    read_head: Callable[[bytes, Mapping[str, str]], Head] = _read_head
    method: str = "POST"
    request_id: str = "x-request-id"
    policy_answers: bool = False


class Heard(NamedTuple):
    """A chat request in the neutral form, and what else its dialect can say.

    Attributes:
        thinks: It asks for reasoning.
        shows: Reasoning comes with its text, not only with its signature or count.
    """

    request: ChatRequest
    thinks: bool = False
    shows: bool = True


class Saying(NamedTuple):
    """What a renderer needs beside the heard request."""

    answer: Answer
    report: UsageReport
    serial: Serial
    account: str
    shows: bool = True
    redacts: bool = False

    def name(self, prefix: str, index: int = 0) -> str:
        """Name a thing of this answer as no other answer names one."""
        return f"{prefix}simulated{self.serial.number:08x}{index:02d}"


Whole = Callable[[Saying], bytes]
Frames = Callable[[Saying], Iterator[Frame]]


def said_by(heard: Heard, question: Question, speaker: Speaker, serial: Serial) -> Saying:
    """Answer a neutral request; one that asks for reasoning gets some, whatever the behaviour says of it."""
    behaviour = speaker.behaviour
    if heard.thinks and not behaviour.reasoning_tokens:
        behaviour = replace(behaviour, reasoning_tokens=THINKING_TOKENS)
    answer = chat_answer(heard.request, speaker._replace(behaviour=behaviour), serial)
    return Saying(answer, behaviour.usage, serial, question.account, heard.shows, behaviour.redacted)


def told(saying: Saying, question: Question, whole: Whole, frames: Frames) -> Content:
    """Answer as a stream where the request asks for one, else at once."""
    stream = partial(frames, saying) if question.head.stream else None
    return Content(partial(whole, saying), stream, saying.answer.usage)


def plain(document: object, usage: Usage | None = None) -> Content:
    """Answer with a JSON document, which is never streamed."""
    return Content(partial(orjson.dumps, document), None, usage or Usage())
