"""A provider that Fairlead runs as a process of its own: what starts it, and how it is doing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from proxy.core.secret import Secret

# `--api-key` and `--hf_token`, but neither `--max-tokens` nor `--tokenizer`.
_SECRET_OPTION = re.compile(r"-.*(?:key|token|secret|passw(?:or)?d|pwd|auth|credentials?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LocalProcess:
    """How a provider's process is started. Compares by value: a changed one is another process.

    Attributes:
        command: A program, looked up in its own PATH; never a shell line.
        args: `{port}` in them stands for the port it is given.
        surroundings: Variables that every process sees, such as PATH.
        env: Its own variables, and those of Fairlead's that it may see; each may be a secret.
        eager: Start it with Fairlead instead of on first use.
        idle_stop_s: Seconds without a request after which it is stopped; None = never.
        start_s: Seconds it may take until its port answers.
    """

    command: str
    args: tuple[str, ...] = field(default=(), repr=False)
    surroundings: tuple[tuple[str, str], ...] = ()
    env: tuple[tuple[str, Secret], ...] = field(default=(), repr=False)
    eager: bool = False
    idle_stop_s: float | None = None
    start_s: float = 120.0

    @property
    def secrets(self) -> tuple[str, ...]:
        """What its output must not show: its own variables, and what options that are called a secret are given."""
        return self.secrets_where(lambda _: True)

    def secrets_where(self, is_secret: Callable[[str], object]) -> tuple[str, ...]:
        """Give what nobody must be shown: of its own variables, those whose name is a secret's."""
        given = []
        for before, argument in zip(("", *self.args), self.args, strict=False):
            name, _, value = argument.partition("=")
            if value and _SECRET_OPTION.fullmatch(name):
                given.append(value)
            elif _SECRET_OPTION.fullmatch(before) and not argument.startswith("-"):
                given.append(argument)
        return (*(value.reveal() for name, value in self.env if is_secret(name)), *given)


class Stage(StrEnum):
    STOPPED = "stopped"  # nobody has asked for it yet, or nobody for long
    STARTING = "starting"  # its port does not answer yet
    READY = "ready"
    RESTARTING = "restarting"  # it ended, and is started again after a pause


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """How a process is doing. `why`: the reason of its stage, without secrets; `restarts`: since Fairlead started."""

    stage: Stage
    why: str
    pid: int | None
    port: int | None
    restarts: int


def no_processes() -> Mapping[str, ProcessReport]:
    """What there is to say where Fairlead runs none."""
    return {}
