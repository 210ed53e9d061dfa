"""One decoded question turned into the steps of its reply.

Puts the pieces together: endpoint -> content, behaviour -> what goes wrong with it. Pure: number and time come in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from proxy.core.errors import GatewayError
from proxy.core.usage import Usage
from proxy.simulator.answers import Serial, Speaker
from proxy.simulator.behaviour import NORMAL, Behaviour, Cause, Vendor
from proxy.simulator.dialects.service import Service
from proxy.simulator.dialects.table import SERVICES
from proxy.simulator.faults import Setting, content_reply, error_reply, is_error
from proxy.simulator.paths import Route
from proxy.simulator.question import Question
from proxy.simulator.replies import HeaderList, Plain, Step, json_answer
from proxy.simulator.request import Head
from proxy.simulator.selection import Chosen
from proxy.simulator.vendors import Refused, refusal_row
from proxy.simulator.wires import Told, told_error

# Whose compatible endpoints send errors of the vendor's own form; Bedrock's send OpenAI's.
_COMPATIBLE = frozenset(Vendor) - {Vendor.BEDROCK}
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


class Reply(NamedTuple):
    """`usage` is what a whole answer reports; its completion tokens may never all be sent."""

    steps: Iterator[Step]
    usage: Usage = Usage()


def answer_question(question: Question, chosen: Chosen, serial: Serial, wall_s: float) -> Reply:
    """Return the reply to a question under the behaviour chosen for it.

    Raises:
        GatewayError: The body is not what its endpoint takes.
    """
    service = SERVICES[question.route.endpoint]
    behaviour = _answered(chosen.behaviour) if service.policy_answers else chosen.behaviour
    headers = _headers(service, chosen, serial)
    setting = Setting(_vendor(question.route, behaviour), headers, wall_s, service.wire(question))
    if is_error(behaviour):
        return Reply(error_reply(behaviour, setting))
    content = service.answer(question, Speaker(question.route.provider, question.model, behaviour), serial)
    return Reply(content_reply(content, behaviour, setting), content.usage)


def answer_list(question: Question, serial: Serial) -> Plain:
    """Return a model list, or what else is read rather than asked, as it is where no rule spoils it.

    Raises:
        UnknownModel: It asks about a model that there is not.
    """
    service = SERVICES[question.route.endpoint]
    content = service.answer(question, Speaker(question.route.provider, question.model, NORMAL), serial)
    return Plain(200, (("content-type", content.content_type),), content.json())


def refusal(error: GatewayError, route: Route | None = None) -> Plain:
    """Write an error for a request that cannot be served: in the shape of the vendor that was asked, OpenAI's else."""
    if route is not None and (SERVICES[route.endpoint].vendor or isinstance(error, Refused)):
        vendor = _vendor(route, NORMAL)
        wire = SERVICES[route.endpoint].wire(Question(route, Head(), "", b""))
        return told_error(Told(vendor, refusal_row(vendor, error)), wire)
    words = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return json_answer({"error": words}, error.status)


def _answered(behaviour: Behaviour) -> Behaviour:
    """Turn a refusal for policy into an answer that says so, as the vendors do that send no error for it."""
    if behaviour.cause is not Cause.POLICY or behaviour.status is not None:
        return behaviour
    return replace(behaviour, cause=None, filtered=True, tokens=0)


def _vendor(route: Route, behaviour: Behaviour) -> Vendor:
    """Return whose errors are imitated: the phrase's word, else the dialect's owner, else the provider's name."""
    if behaviour.vendor is not None:
        return behaviour.vendor
    owner = SERVICES[route.endpoint].vendor
    if owner is not None:
        return Vendor.VERTEX if owner is Vendor.GEMINI and route.project is not None else owner
    return Vendor(route.provider) if route.provider in _COMPATIBLE else Vendor.OPENAI


def _headers(service: Service, chosen: Chosen, serial: Serial) -> HeaderList:
    remaining = chosen.behaviour.remaining
    limited = "anthropic-ratelimit-requests-remaining" if service.vendor is Vendor.ANTHROPIC else None
    limits = () if remaining is None else ((limited or "x-ratelimit-remaining-requests", str(remaining)),)
    named = ((service.request_id, f"req_simulated{serial.number:08x}"),) if service.request_id else ()
    timed = (("openai-processing-ms", "0"),) if service.vendor is None else ()
    return (*named, *timed, ("x-simulator", _UNPRINTABLE.sub("?", chosen.label)[:200]), *limits)
