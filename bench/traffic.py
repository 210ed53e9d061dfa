"""The bytes of the benchmark: what clients ask and what the upstream answers. Never opens a socket.

One path serves all work, so that every target forwards the same request: the body tells the upstream what to do.
a message that begins with `chunks N every S:` asks for a stream of N chunks, S seconds apart.
Each chunk carries the monotonic time at which it was sent, which is the same clock in every process of one machine.
"""

from __future__ import annotations

import json
import re

PATH = "/v1/chat/completions"
CHUNKS = 100
DONE = b"data: [DONE]\n\n"
PACE = re.compile(rb"chunks (\d+) every ([\d.]+):")
USAGE_ASKED = re.compile(rb'"include_usage": ?true')
STAMP = re.compile(rb'"t=(\d+\.\d+)"')
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def chat(size_bytes: int, *, begin: str = "", stream: bool = False) -> bytes:
    """A chat request of exactly `size_bytes` whose message begins with `begin`."""
    body: dict[str, object] = {
        "model": "bench",
        "messages": [
            {"role": "system", "content": "You are a helpful assistant. Answer in one short paragraph."},
            {"role": "user", "content": begin},
        ],
        "temperature": 0.7,
        "max_tokens": 256,
    }
    if stream:
        body["stream"] = True
    empty = json.dumps(body, separators=(",", ":"))
    words = ("The quick brown fox jumps over the lazy dog. " * (size_bytes // 45 + 1))[: size_bytes - len(empty)]
    return empty.replace(f'"content":"{begin}"', f'"content":"{begin}{words}"').encode()


def paced(chunks: int, every_s: float) -> bytes:
    """A 1 KB chat request for a stream of `chunks` chunks, one every `every_s` seconds."""
    return chat(1024, begin=f"chunks {chunks} every {every_s}: ", stream=True)


def post(body: bytes, path: str, headers: dict[str, str]) -> bytes:
    """The HTTP/1.1 request that carries `body`, as an SDK would send it."""
    lines = [
        f"POST {path} HTTP/1.1",
        "host: 127.0.0.1",
        "accept: application/json",
        "accept-encoding: gzip, deflate",
        "content-type: application/json",
        "user-agent: OpenAI/Python",
        *(f"{name}: {value}" for name, value in headers.items()),
        f"content-length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def whole_answer() -> bytes:
    """A complete 0.7 KB answer, head included."""
    said = "Fairleads keep a line away from whatever would chafe it. " * 6
    body = json.dumps(
        {
            "id": "chatcmpl-bench00000000000000000000",
            "object": "chat.completion",
            "created": 1790000000,
            "model": "bench-upstream",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": said},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 210, "completion_tokens": 84, "total_tokens": 294},
            "system_fingerprint": "fp_bench",
        },
        separators=(",", ":"),
    ).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
STREAM_END = b"0\r\n\r\n"
_EVENT = (
    b'data: {"id":"chatcmpl-bench00000000000000000000","object":"chat.completion.chunk","created":1790000000,'
    b'"model":"bench-upstream","system_fingerprint":"fp_bench","choices":[{"index":0,"delta":%s,"logprobs":null,'
    b'"finish_reason":%s}]}\n\n'
)
USAGE_EVENT = (
    b'data: {"id":"chatcmpl-bench00000000000000000000","object":"chat.completion.chunk","created":1790000000,'
    b'"model":"bench-upstream","choices":[],"usage":{"prompt_tokens":210,"completion_tokens":100,"total_tokens":310}}\n\n'
)
_DELTA = _EVENT % (b'{"role":"assistant","content":"t=%.6f"}', b"null")
_LAST = _EVENT % (b'{"content":"t=%.6f"}', b'"stop"')


def stream_event(sent_s: float, *, last: bool) -> bytes:
    """One SSE chunk of a stream, stamped with the time it is sent."""
    return (_LAST if last else _DELTA) % sent_s


def chunked(payload: bytes) -> bytes:
    """Frame bytes as one HTTP chunk."""
    return b"%x\r\n%s\r\n" % (len(payload), payload)
