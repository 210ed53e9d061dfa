"""From the schema to `config/reference.toml` and the tables of `docs/configuration.md`.

    python -m proxy.settings.reference config/reference.toml docs/configuration.md

One walk over the models feeds both, and a test holds the committed files equal to it. The prose around the tables is
left as it is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from pydantic.fields import FieldInfo

from proxy.settings.environment import Process
from proxy.settings.fields import Row
from proxy.settings.schema import Configuration
from proxy.settings.wording import dotted, row_type

BEGIN = "<!-- begin: written by proxy.settings.reference -->"
END = "<!-- end: written by proxy.settings.reference -->"

_EXAMPLE_NAMES = {"providers": "example", "models": "example", "prices": "example/llama3.2"}
_HEADING = """\
# Every section and key of Fairlead's configuration, with its type, default, bounds and meaning.
# Written by `python -m proxy.settings.reference`; keys without a default are commented out.
# In any string, ${VAR} and ${VAR:-default} are replaced from the environment; X_env = "VAR" means X = "${VAR}".
"""


class Key(NamedTuple):
    """One key. `literal` is what the reference writes after `=`; `is_active` = not commented out."""

    name: str
    type: str
    default: str
    bounds: str
    meaning: str
    literal: str
    is_active: bool


class Table(NamedTuple):
    path: tuple[str, ...]
    meaning: str
    keys: tuple[Key, ...]
    is_array: bool
    is_active: bool

    @property
    def header(self) -> str:
        return f"[[{dotted(self.path)}]]" if self.is_array else f"[{dotted(self.path)}]"


def tables() -> list[Table]:
    """List every table of the file in the order of the schema, each followed by the tables within it."""
    found: list[Table] = []
    for name, field in Configuration.model_fields.items():
        model = row_type(field.annotation)
        assert model is not None
        path = (name, _EXAMPLE_NAMES[name]) if name in _EXAMPLE_NAMES else (name,)
        found += _walk(path, model, field.default, is_array=False, is_active=True)
    return found


def render_toml() -> str:
    """Write the reference file."""
    blocks = [_HEADING]
    for table in tables():
        mark = "" if table.is_active else "# "
        lines = [f"# {table.meaning}", f"{mark}{table.header}"]
        for key in table.keys:
            notes = "; ".join(filter(None, [key.type, _said(key.default), key.bounds]))
            lines += ["", f"# {key.meaning}", f"# {notes}"]
            lines.append(f"{mark if key.is_active else '# '}{key.name} = {key.literal}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def render_markdown(page: str) -> str:
    """Put the tables into the page, between its two marks.

    Raises:
        ValueError: A mark is missing.
    """
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    blocks = [_section(table) for table in tables()]
    return f"{before}{BEGIN}\n\n{''.join(blocks)}{_process_section()}{END}{after}"


def _walk(
    path: tuple[str, ...], model: type[Row], values: object, *, is_array: bool, is_active: bool
) -> Iterator[Table]:
    keys: list[Key] = []
    inner: list[Table] = []
    for name, field in model.model_fields.items():
        nested = None if "type" in _extra(field) else row_type(field.annotation)
        if nested is None:
            keys.append(_key(name, field, getattr(values, name, None), is_active=is_active))
        else:
            many = get_origin(_present(field.annotation)) is tuple
            inner += _walk((*path, name), nested, field.default, is_array=many, is_active=is_active and not many)
    yield Table(path, " ".join((model.__doc__ or "").split()), tuple(keys), is_array, is_active)
    yield from inner


def _key(name: str, field: FieldInfo, value: object, *, is_active: bool) -> Key:
    extra = _extra(field)
    default = value if value is not None or field.is_required() else field.default
    example = default if default is not None and not field.is_required() else next(iter(field.examples or []), "")
    shown = f"`{_literal(default)}`" if default is not None else str(extra.get("default", "none"))
    return Key(
        name=name,
        type=str(extra.get("type", "")) or _type_name(field.annotation),
        default="required" if field.is_required() else shown,
        bounds=_bounds(field),
        meaning=field.description or "",
        literal=_literal(example),
        is_active=is_active and (default is not None or field.is_required() or bool(extra.get("active"))),
    )


def _said(default: str) -> str:
    return default if default == "required" else "default " + default.replace("`", "")


def _extra(field: FieldInfo) -> Mapping[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _present(annotation: Any) -> Any:  # noqa: ANN401 - typing has no name for "any annotation"
    """Take None and annotations off a type."""
    if get_origin(annotation) is Annotated:
        return _present(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return _present(next(arg for arg in get_args(annotation) if arg is not type(None)))
    return annotation


def _type_name(annotation: Any) -> str:  # noqa: ANN401 - as above
    plain = _present(annotation)
    origin, arguments = get_origin(plain), get_args(plain)
    if origin is Literal:
        return " or ".join(f'"{option}"' for option in arguments)
    if origin is tuple:
        return f"list of {_type_name(arguments[0])}s"
    if origin is dict:
        return f"table of {_type_name(arguments[1])}s"
    if issubclass(plain, Enum):
        return " or ".join(f'"{option.value}"' for option in plain)
    names = {bool: "boolean", int: "integer", float: "number", Decimal: "number", str: "string", datetime: "date-time"}
    return names[plain]


def _bounds(field: FieldInfo) -> str:
    is_text = _present(field.annotation) is str
    words: list[str] = []
    for bound in field.metadata:
        match bound:
            case Ge(ge=limit):
                words.append(f"at least {limit}")
            case Gt(gt=limit):
                words.append(f"more than {limit}")
            case Le(le=limit):
                words.append(f"at most {limit}")
            case MinLen(min_length=length):
                words.append("not empty" if length == 1 else f"{length} or more")
            case MaxLen(max_length=length):
                words.append(f"at most {length} {'characters' if is_text else 'entries'}")
            case _:
                pass
    return ", ".join(words)


def _literal(value: object) -> str:
    """Write a value as TOML."""
    match value:
        case Enum():
            return json.dumps(value.value)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Decimal() | float():
            return f"{value:f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
        case list() | tuple():
            return f"[{', '.join(map(_literal, value))}]"
        case _:
            return json.dumps(value)


def _section(table: Table) -> str:
    rows = ((f"`{key.name}`", key.type, key.default, key.bounds, key.meaning) for key in table.keys)
    return f"### `{table.header}`\n\n{table.meaning}\n\n" + _grid(("key", "type", "default", "bounds", "meaning"), rows)


def _process_section() -> str:
    rows = ((f"`{field.alias}`", field.description or "") for field in Process.model_fields.values())
    return "### Environment variables\n\n" + _grid(("variable", "meaning"), rows)


def _grid(head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def main(arguments: Sequence[str]) -> None:
    """Write both files."""
    reference, page = map(Path, arguments)
    reference.write_text(render_toml(), encoding="utf-8")
    page.write_text(render_markdown(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
