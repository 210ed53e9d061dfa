"""From rows to a table on the terminal, or JSON. Never colours what a pipe reads, never cuts a value."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import orjson
import typer

if TYPE_CHECKING:
    from rich.console import Console

    from proxy.core.snapshot import Problem

PIPE_COLUMNS = 400  # wide enough that a line stays a line for grep


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Collection[str] = ()
) -> None:
    """Print rows under a title; the columns that `numbers` names are aligned at their right."""
    from rich.box import SIMPLE
    from rich.table import Column, Table

    cells = [["" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    heads = [
        Column(
            name,
            justify="right" if name in numbers else "left",
            min_width=_longest_word(row[index] for row in (columns, *cells)),
        )
        for index, name in enumerate(columns)
    ]
    table = Table(*heads, title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    for row in cells:
        table.add_row(*row)
    _console().print(table, crop=False)  # where even single words do not fit, the terminal breaks the line


def printable(text: str) -> str:
    """A name from elsewhere as one line that cannot steer a terminal: its control characters are spelled out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def print_json(value: object) -> None:
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def labelled(problem: Problem) -> str:
    """A problem of the configuration as its line, with its weight in front."""
    return f"{'warning' if problem.warning else 'error'}: {problem}"


def duration(seconds: float) -> str:
    """A time left, for a person: 8s, 3m 20s, 2h 5m, 3d 4h."""
    whole = max(0, round(seconds))
    for unit_s, unit, part_s, part in ((86_400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= unit_s:
            rest = whole % unit_s // part_s
            return f"{whole // unit_s}{unit} {rest}{part}" if rest else f"{whole // unit_s}{unit}"
    return f"{whole}s"


def _longest_word(texts: Iterable[str]) -> int:
    """How wide a column must be so that lines break between words alone: half of a number is another number."""
    from rich.cells import cell_len

    return max((cell_len(word) for text in texts for word in text.split()), default=0)


def _console() -> Console:
    from rich.console import Console

    return Console(
        markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS, file=sys.stdout
    )
