"""Results of tools stand behind their calls, whatever a client said in between."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.translate.answeringcalls import results_first

CALLS: dict[str, Any] = {"role": "assistant", "tool_calls": [{"id": "a"}, {"id": "b"}]}
SAID: dict[str, Any] = {"role": "assistant", "content": "well"}
USER: dict[str, Any] = {"role": "user", "content": "wait"}
SYSTEM: dict[str, Any] = {"role": "system", "content": "hush"}
A: dict[str, Any] = {"role": "tool", "tool_call_id": "a"}
B: dict[str, Any] = {"role": "tool", "tool_call_id": "b"}


@pytest.mark.parametrize(
    ("messages", "ordered"),
    [
        pytest.param([USER, CALLS, A, B, USER], [USER, CALLS, A, B, USER], id="answered-at-once"),
        pytest.param([CALLS, B, USER, A, SAID], [CALLS, B, A, USER, SAID], id="a-user-between"),
        pytest.param([CALLS, A, SYSTEM, B], [CALLS, A, B, SYSTEM], id="a-system-message-between"),
        pytest.param([CALLS, SAID, A, B], [CALLS, A, B, SAID], id="more-said-before"),
        pytest.param([CALLS, A, USER, CALLS, USER, B], [CALLS, A, USER, CALLS, B, USER], id="two-turns"),
        pytest.param([USER, A], [USER, A], id="no-calls"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_results_stand_behind_their_calls(messages: list[dict[str, Any]], ordered: list[dict[str, Any]]) -> None:
    assert results_first(messages) == ordered
