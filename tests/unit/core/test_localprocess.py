"""Providers that Fairlead runs, as values."""

from __future__ import annotations

import pytest

from proxy.core.localprocess import LocalProcess, no_processes
from proxy.core.secret import Secret


def test_without_processes_there_is_nothing_to_say() -> None:
    assert no_processes() == {}


def test_process_is_the_same_while_nothing_of_it_changes_and_shows_no_secret() -> None:
    made = [LocalProcess("uvx", env=(("A", Secret(value)),)) for value in ("planted", "planted", "other")]
    assert made[0] == made[1] != made[2]
    assert "planted" not in repr(made[0])


@pytest.mark.parametrize(
    ("args", "secrets"),
    [
        pytest.param(("--api-key", "planted", "--port", "{port}"), ("planted",), id="next"),
        pytest.param(("--api-key=planted=", "-v"), ("planted=",), id="same"),
        pytest.param(("serve", "--hf_token", "one", "--Password=two"), ("one", "two"), id="two"),
        pytest.param(("--auth", "--port", "{port}"), (), id="a-switch"),
        pytest.param(("--port", "{port}", "--api-key"), (), id="without-a-value"),
        pytest.param(("--max-tokens", "100000", "--tokenizer", "Qwen/Qwen3", "key", "word"), (), id="no-secrets"),
    ],
)
def test_arguments_of_options_that_are_called_a_secret_are_secrets(
    args: tuple[str, ...], secrets: tuple[str, ...]
) -> None:
    process = LocalProcess("vllm", args, env=(("A", Secret("its own")),))
    assert process.secrets == ("its own", *secrets)
    assert "planted" not in repr(process)
