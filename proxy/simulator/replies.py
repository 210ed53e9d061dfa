"""The steps of an answer on the wire: what is sent, what is waited for, where it is cut.

A reply is a row of steps, made lazily and without acting; `performing` carries them out. Pure.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from proxy.simulator.behaviour import MAX_DELAY_S, Coding

HeaderList = tuple[tuple[str, str], ...]


class Start(NamedTuple):
    """The status line and the headers."""

    status: int
    headers: HeaderList


class Send(NamedTuple):
    """Bytes of the body, and how many output tokens they bring."""

    body: bytes
    tokens: int = 0


class Pause(NamedTuple):
    delay_s: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Close the connection although the message is not complete. The last step."""


Step = Start | Send | Pause | Cut


class Plain(NamedTuple):
    """An answer that is whole before it is sent."""

    status: int
    headers: HeaderList
    body: bytes
    tokens: int = 0


def json_answer(document: object, status: int = 200) -> Plain:
    return Plain(status, (("content-type", "application/json"),), orjson.dumps(document))


def plain_steps(plain: Plain) -> Iterator[Step]:
    """Return the steps of an answer that nothing goes wrong with."""
    yield Start(plain.status, (*plain.headers, ("content-length", str(len(plain.body)))))
    yield Send(plain.body, plain.tokens)


def silence() -> tuple[Step, ...]:
    """Send nothing more, for as long as anything here may last."""
    return (Pause(MAX_DELAY_S), Cut())


def with_coding(plain: Plain, coding: Coding) -> Plain:
    """Return the answer under a content coding."""
    if coding is Coding.IDENTITY:
        return plain
    body = gzip.compress(plain.body, mtime=0) if coding is Coding.GZIP else plain.body
    return plain._replace(body=body, headers=(*plain.headers, ("content-encoding", coding.value)))


def compressed(steps: Iterable[Step]) -> Iterator[Step]:
    """Return the steps of a stream with its body gzipped; each piece can be decoded as it comes."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    for step in steps:
        yield step._replace(body=_packed(packer, step.body)) if isinstance(step, Send) else step
        if isinstance(step, Cut):
            return
    yield Send(packer.flush())


def split(steps: Iterable[Step], size_bytes: int) -> Iterator[Step]:
    """Return the steps with their bytes in pieces of at most `size_bytes`; the last piece brings the tokens."""
    for step in steps:
        if not isinstance(step, Send) or len(step.body) <= size_bytes:
            yield step
            continue
        starts = range(0, len(step.body), size_bytes)
        for start in starts:
            tokens = step.tokens if start == starts[-1] else 0
            yield Send(step.body[start : start + size_bytes], tokens)


def _packed(packer: zlib._Compress, body: bytes) -> bytes:
    return packer.compress(body) + packer.flush(zlib.Z_SYNC_FLUSH)
