"""From the words after `fairlead` to one command and its exit code: 0 fine, 2 wrong configuration or usage.

What goes wrong is one line a problem; a traceback only shows with `--debug`. The application is imported by the
command that needs it, never here.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from itertools import pairwise
from typing import Annotated

import typer
from typer.core import TyperGroup, TyperOption
from typer.main import get_command

from proxy import __version__
from proxy.cli import alerts, check, db, explain, keys, models, prices, serve, simulate, state, usage
from proxy.cli.output import labelled
from proxy.cli.refusal import REFUSED, Refusal
from proxy.core.errors import ConfigError

OK, FAULT = 0, 1
_OF_SECRETS = ("--token", "--key")
_USER = re.compile(r"(://)[^\s\"']+@")  # and password, also one whose `/` makes the URL none

app = typer.Typer(
    name="fairlead",
    help="An OpenAI-compatible reverse proxy for LLM providers.",
    epilog="Exit code: 0 = fine, 2 = wrong configuration or usage, 1 = a fault of Fairlead itself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("check")(check.check)
app.command("explain")(explain.explain)
app.command("models")(models.models)
app.command("simulate")(simulate.simulate)
app.command("usage")(usage.usage)
app.add_typer(alerts.app, name="alerts")
app.add_typer(db.app, name="db")
app.add_typer(keys.app, name="keys")
app.add_typer(prices.app, name="prices")
app.add_typer(state.app, name="state")


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Before the command: show a fault's traceback.")] = False,
) -> None:
    if version:
        typer.echo(f"fairlead {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; never raises."""
    code: object = OK
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: names may have letters that a locale has not
    command = get_command(app)
    _name_no_type_of_switches(typer.Context(command))
    try:
        command(list(arguments), prog_name="fairlead")
    except SystemExit as ended:  # how typer ends, whatever the command returned
        code = ended.code
    except ConfigError as error:
        code = _refuse([labelled(problem) for problem in error.problems])
    except Refusal as refusal:
        code = _refuse([f"error: {line}" for line in refusal.lines])
    except Exception as error:
        code = _report_fault(error, arguments)
    return code if isinstance(code, int) else OK


def _name_no_type_of_switches(context: typer.Context) -> None:
    """Typer writes `<bool>` beside an option that takes no value, as if it took one."""
    for parameter in context.command.get_params(context):
        if isinstance(parameter, TyperOption) and parameter.is_flag:
            parameter.metavar = ""
    for inner in context.command.commands.values() if isinstance(context.command, TyperGroup) else ():
        _name_no_type_of_switches(typer.Context(inner))


def _refuse(lines: Sequence[str]) -> int:
    for line in lines:
        typer.echo(_USER.sub(r"\1[redacted]@", line), err=True)
    return REFUSED


def _report_fault(error: Exception, arguments: Sequence[str]) -> int:
    """A fault of this program, or a word that is no text: one line, and the traceback for who asks."""
    foreign = [_shown(*pair) for pair in pairwise(("", *arguments)) if not _is_utf8(pair[1])]
    if "--debug" in arguments:
        traceback.print_exception(error, file=sys.stderr)
    elif foreign:
        return _refuse([f"error: {word}: bytes that are not UTF-8; write it in UTF-8" for word in foreign])
    else:
        typer.echo(f"fairlead: unexpected {type(error).__name__}; run with --debug before the command", err=True)
    return FAULT


def _shown(before: str, word: str) -> str:
    """A word as it may be shown: of what may be a secret the option alone."""
    for option in _OF_SECRETS:
        if before == option or word.startswith(f"{option}="):
            return option
    return repr(word)


def _is_utf8(word: str) -> bool:
    """Bytes of the command line that are not come as halves of surrogate pairs."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True
