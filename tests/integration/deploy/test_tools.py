"""A missing tool is a skip on a laptop and a failure in CI."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.tools import require_module, require_tool

each_requirement = pytest.mark.parametrize("require", [require_tool, require_module], ids=["tool", "module"])


@each_requirement
def test_what_is_missing_skips_on_a_laptop(require: Callable[..., object]) -> None:
    with pytest.raises(pytest.skip.Exception, match="fairlead_no_such_thing"):
        require("fairlead_no_such_thing", {})


@each_requirement
def test_what_is_missing_fails_in_ci(require: Callable[..., object]) -> None:
    with pytest.raises(pytest.fail.Exception, match="fairlead_no_such_thing"):
        require("fairlead_no_such_thing", {"CI": "true"})


def test_a_tool_of_the_environment_wins_over_path() -> None:
    assert Path(require_tool("ruff")).parent == Path(require_tool("python")).parent


def test_a_module_that_is_there_is_returned() -> None:
    assert require_module("json").__name__ == "json"
