"""Servers that an operator runs: Ollama, and vLLM with llama.cpp beside it.

Source: ollama 0.6.3 and docs.ollama.com errors; vllm `engine/protocol.py`; llama.cpp `tools/server/README.md`; read
2026-11-20.
"""

from __future__ import annotations

from proxy.core.failure import FailureKind
from proxy.providers.signal import Signal

OLLAMA: tuple[Signal, ...] = (
    Signal(
        FailureKind.INVALID_REQUEST,
        (400,),
        text=r"does not support thinking$",
        edit=("reasoning_effort", "think"),
        note="the model cannot think",
    ),
    Signal(FailureKind.OVERLOADED, (503,), note="the queue is full"),
)

VLLM: tuple[Signal, ...] = (Signal(FailureKind.OVERLOADED, (503,), note="loading, or all slots are busy"),)
