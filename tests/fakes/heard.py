"""What a client heard: a whole answer or the events of a stream, and whether either is what it must be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx

DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer of the gateway to a chat request, read to its end."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def trail(self) -> str:
        return str(self.headers.get("x-fairlead-trail", ""))

    @property
    def is_stream(self) -> bool:
        return self.headers["content-type"].startswith("text/event-stream")

    @property
    def events(self) -> list[str]:
        """The data of each event; comments are left out, anything else that is not an event is a mistake."""
        *events, rest = self.body.decode().replace("\r\n", "\n").split("\n\n")
        assert rest == "", "the stream ends inside an event"
        spoken = [event for event in events if not event.startswith(":")]
        assert all(event.startswith("data: ") and "\n" not in event for event in spoken), spoken
        return [event.removeprefix("data: ") for event in spoken]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        return [json.loads(event) for event in self.events if event != DONE]

    @property
    def text(self) -> str:
        """All that the assistant said."""
        if not self.is_stream:
            said: str = json.loads(self.body)["choices"][0]["message"]["content"]
            return said
        deltas = [choice["delta"] for chunk in self.chunks for choice in chunk.get("choices", ())]
        return "".join(delta.get("content") or "" for delta in deltas)

    @property
    def error(self) -> dict[str, Any]:
        """The error of an answer that is none."""
        assert self.headers["content-type"] == "application/json"
        document = json.loads(self.body)
        assert document.keys() == {"error"}
        error: dict[str, Any] = document["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        assert error["message"]
        return error

    @property
    def retry_after_s(self) -> int:
        return int(self.headers["retry-after"])

    def check_whole(self, by: str) -> None:
        """Hold that this is one clean answer by one provider, from beginning to end."""
        assert self.status == 200, self.body
        assert self.headers["x-fairlead-provider"] == by
        assert self.trail.endswith(f"{by}=ok")
        assert f"simulated by {by}:" in self.text
        if not self.is_stream:
            assert json.loads(self.body)["choices"][0]["finish_reason"] == "stop"
            return
        self.check_clean()

    def check_clean(self) -> None:
        """Hold that this is one clean stream: one message, one finish, one terminator, no error."""
        assert self.events[-1] == DONE
        assert self.events.count(DONE) == 1
        assert not any("error" in chunk for chunk in self.chunks)
        assert len({chunk["id"] for chunk in self.chunks}) == 1
        finishes = [choice["finish_reason"] for chunk in self.chunks for choice in chunk["choices"]]
        assert [finish for finish in finishes if finish] == ["stop"]

    def check_cut(self, text: str) -> None:
        """Hold that this is a stream that said `text`, then one error event, and never claims to be whole."""
        assert self.status == 200, self.body
        assert self.is_stream
        assert DONE.encode() not in self.body
        *before, last = self.chunks
        assert not any("error" in chunk for chunk in before)
        assert last.keys() == {"error"}
        assert last["error"].keys() == {"message", "type", "param", "code"}
        assert last["error"]["type"] == "upstream_error"
        assert last["error"]["code"] == "upstream_truncated"
        assert self.text == text
        assert not any(choice["finish_reason"] for chunk in before for choice in chunk["choices"])
