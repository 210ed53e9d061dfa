"""Ollama's older `/api/generate`, on the client's side: one prompt becomes a chat, and its answer the text of one.

A prompt that is to be sent without a chat's form (`raw`, `template`, `suffix`) or that goes on with a model's tokens
(`context`) is refused: through a chat it would mean something else.

Source: ollama 0.6.3 _types.py (GenerateRequest, GenerateResponse), github.com/ollama/ollama docs/api.md, read
2026-11-20.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from proxy.apischema import ollama as schema
from proxy.core.conversation import Answer, Choice, Conversation, Finish, Refusal, Text, Thinking
from proxy.core.streamparts import Began, Counted, Finished, RefusalDelta, StreamPart, TextDelta, ThinkingDelta
from proxy.core.translation import Envelope, Undecodable
from proxy.core.usage import Usage
from proxy.translate.ollama.logprobs import token_list
from proxy.translate.ollama.request import decode_request as decode_chat
from proxy.translate.ollama.response import head, tail
from proxy.translate.ollama.unsupported import refused
from proxy.wire.jsonbody import join_object, raw, split_object
from proxy.wire.typedjson import decoded

_REQUEST = msgspec.json.Decoder(schema.PromptRequest)
_OWN = frozenset(schema.PromptRequest.__struct_fields__)
_FORMLESS = ("raw", "suffix", "template", "context")
_ENCODE = msgspec.json.Encoder().encode


def decode_request(body: bytes, stream: bool) -> Conversation:
    """Read a client's request; `stream` is the caller's to tell.

    Raises:
        Undecodable: Not a request of `/api/generate`, or without a prompt.
        Untranslatable: Its prompt is not to be sent as a chat.
    """
    request = decoded(_REQUEST, body)
    for name in _FORMLESS:
        if getattr(request, name):
            raise refused("formless", name)
    if not request.prompt and not request.images:
        raise Undecodable("`prompt` is missing.", param="prompt")
    messages = [{"role": "system", "content": request.system}] if request.system else []
    asked: dict[str, Any] = {"role": "user", "content": request.prompt, "images": request.images}
    others = {name: value for name, value in split_object(body).items() if name not in _OWN}
    return decode_chat(join_object({**others, "messages": raw([*messages, asked])}), stream)


def is_empty(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Say whether a request only asks for its model to be loaded, as clients do beforehand: it holds no prompt."""
    return all(bytes(fields.get(name, schema.NULL)) in (b"null", b'""', b"[]") for name in ("prompt", "images"))


def encode_loaded(envelope: Envelope) -> bytes:
    """Answer one that only asks for its model to be loaded."""
    return _ENCODE({**head(envelope), "response": "", "done": True, "done_reason": "load"}) + b"\n"


def encode_answer(answer: Answer, envelope: Envelope) -> bytes:
    """Write a whole answer for the client: its first choice, since Ollama has one."""
    choice = answer.choices[0] if answer.choices else Choice((), Finish.ERROR)
    text = "".join([part.text for part in choice.parts if isinstance(part, Text | Refusal)])
    body: dict[str, Any] = {**head(envelope), "response": text}
    if thinking := "".join([part.text for part in choice.parts if isinstance(part, Thinking)]):
        body["thinking"] = thinking
    if choice.logprobs is not None:
        body["logprobs"] = token_list(choice.logprobs)
    return _ENCODE({**body, **tail(choice.finish, answer.usage)})


class Encoder:
    """See `core.translation.StreamEncoder`. Writes text and thinking; nothing else can have been asked for."""

    def __init__(self, envelope: Envelope) -> None:
        self._head = head(envelope)
        self._usage: Usage | None = None
        self._finish = Finish.STOP

    def feed(self, part: StreamPart) -> bytes:
        """Write one part."""
        match part:
            case TextDelta(text=text, logprobs=logprobs) if text and part.choice == 0:
                more = {} if logprobs is None else {"logprobs": token_list(logprobs)}
                return self._line({"response": text, **more})
            case RefusalDelta(text=text) if part.choice == 0:
                return self._line({"response": text})
            case ThinkingDelta(text=text) if part.choice == 0:
                return self._line({"response": "", "thinking": text})
            case Finished(finish=finish) if part.choice == 0:
                self._finish = finish
            case Began(usage=usage) | Counted(usage=usage):
                self._usage = usage or self._usage
            case _:
                pass
        return b""

    def finish(self) -> bytes:
        """Write the line that says how the answer ended."""
        return _ENCODE({**self._head, "response": "", **tail(self._finish, self._usage)}) + b"\n"

    def _line(self, said: dict[str, Any]) -> bytes:
        return _ENCODE({**self._head, **said, "done": False}) + b"\n"
