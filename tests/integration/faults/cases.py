"""What the tests of the fault catalogue share."""

from __future__ import annotations

import pytest

from tests.fakes.stage import Upstream

BOTH = pytest.mark.parametrize("stream", [pytest.param(True, id="stream"), pytest.param(False, id="whole")])
SECOND = Upstream("second")


PATIENCE_S = 0.5


def impatient(**timeouts_s: float) -> str:
    """Scale the catalogue's minutes down to half a second, but for those given.

    The time to connect stays what it is: a busy machine that takes long over that must not hide what is asked for.
    """
    names = ("headers_s", "first_output_s", "idle_s", "response_s")
    lines = [f"{name} = {seconds}" for name, seconds in {**dict.fromkeys(names, PATIENCE_S), **timeouts_s}.items()]
    return "\n".join(["[defaults.timeouts]", *lines, ""])


IMPATIENT = impatient()
