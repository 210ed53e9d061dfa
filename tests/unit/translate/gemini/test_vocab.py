"""Google's finish reasons, of which every one of the SDK's has a meaning here."""

from __future__ import annotations

import pytest
from google.genai import types

from proxy.core.conversation import Finish
from proxy.translate.gemini.vocab import AUDIO_FORMATS, AUDIO_TYPES, FINISH_REASONS, FINISHES, finish_of


@pytest.mark.parametrize("reason", [reason.value for reason in types.FinishReason])
def test_each_finish_reason_of_the_sdk_is_known(reason: str) -> None:
    assert reason in FINISHES


@pytest.mark.parametrize("finish", list(Finish))
def test_each_finish_has_a_reason_that_the_sdk_knows(finish: Finish) -> None:
    assert FINISH_REASONS[finish] in {reason.value for reason in types.FinishReason}


@pytest.mark.parametrize(
    ("reason", "called", "finish"),
    [
        pytest.param("STOP", False, Finish.STOP, id="stop"),
        pytest.param("STOP", True, Finish.TOOL_CALLS, id="stop-with-a-call"),
        pytest.param("MAX_TOKENS", True, Finish.LENGTH, id="cut-in-a-call"),
        pytest.param("CONTINUATION", False, Finish.LENGTH, id="to-be-continued"),
        pytest.param("SAFETY", False, Finish.CONTENT_FILTER, id="safety"),
        pytest.param("MALFORMED_FUNCTION_CALL", False, Finish.ERROR, id="malformed-call"),
        pytest.param("SOMETHING_NEW", False, Finish.ERROR, id="unknown"),
        pytest.param(None, True, Finish.TOOL_CALLS, id="none-with-a-call"),
    ],
)
def test_a_finish_reason_is_read(reason: str | None, called: bool, finish: Finish) -> None:
    assert finish_of(reason, called=called) is finish


def test_sound_that_is_written_is_read_again() -> None:
    assert all(AUDIO_FORMATS[AUDIO_TYPES[name].lower()] == name for name in ("wav", "mp3", "pcm16"))
