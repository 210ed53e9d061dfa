"""What the tests of the fault catalogue share."""

from __future__ import annotations

import pytest

from tests.fakes.stage import Upstream

BOTH = pytest.mark.parametrize("stream", [pytest.param(True, id="stream"), pytest.param(False, id="whole")])
SECOND = Upstream("second")


def impatient(**timeouts_s: float) -> str:
    """Scale the catalogue's minutes down to tenths of a second, but for those given."""
    names = ("connect_s", "headers_s", "first_output_s", "idle_s", "response_s")
    lines = [f"{name} = {timeouts_s.get(name, 0.3)}" for name in names]
    return "\n".join(["[defaults.timeouts]", *lines, ""])


IMPATIENT = impatient()
