"""The Responses endpoint as a row of the simulator's table."""

from __future__ import annotations

from proxy.core.call import Dialect
from proxy.simulator.answers import Serial, Speaker
from proxy.simulator.dialects.responses.reading import read
from proxy.simulator.dialects.responses.rendering import WIRE, Voice
from proxy.simulator.dialects.service import Service, only, said_by
from proxy.simulator.paths import Endpoint, Operation
from proxy.simulator.question import Content, Question


def _respond(question: Question, speaker: Speaker, serial: Serial) -> Content:
    asked = read(question)
    saying = said_by(asked.heard, question, speaker, serial)
    voice = Voice(saying, asked)
    return Content(voice.whole, voice.frames if question.head.stream else None, saying.answer.usage)


SERVICES = {Endpoint.RESPONSES: Service(Dialect.OPENAI_RESPONSES, Operation.CHAT, _respond, only(WIRE))}
