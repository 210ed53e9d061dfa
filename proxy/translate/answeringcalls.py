"""Messages that are already written, so ordered that each call of a tool is answered before anyone else speaks.

For dialects whose results are messages of their own: a client of another dialect may send a user's words, a system
message or a result's image between two results of one turn, and may answer the calls in several messages.

Source: the 400 of OpenAI and of those who copy it, as BerriAI/litellm#28995 and QwenLM/qwen-code#606 quote it, read
2026-11-20. That Cohere and Ollama need the same order is not verified.
"""

from __future__ import annotations

from typing import Any


def results_first(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Move results of tools up to the calls before them; who answers at once gets the same messages in their order."""
    ordered: list[dict[str, Any]] = []
    place: int | None = None  # of the next result: behind the latest calls and the results that they have
    for message in messages:
        if message["role"] == "tool" and place is not None:
            ordered.insert(place, message)
            place += 1
            continue
        ordered.append(message)
        if "tool_calls" in message:
            place = len(ordered)
    return ordered
