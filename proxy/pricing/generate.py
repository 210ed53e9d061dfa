"""From the installed genai-prices to `proxy/pricing/catalog.json`; `make prices` runs it, the gateway never does.

    python -m proxy.pricing.generate proxy/pricing/catalog.json 2026-11-20

genai-prices is a tool of development: it is imported by who calls this, and nothing that serves does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from proxy.pricing.published import compile_published, render

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def installed() -> bytes:
    """Write the prices of the installed genai-prices in the form in which it publishes them."""
    from genai_prices.data import providers

    return _ENCODER.encode([_plain(provider) for provider in providers])


def main(arguments: Sequence[str], today: date) -> None:
    """Write the catalogue. Its date is the one that is given, else today; that of an unchanged one stays."""
    path = Path(arguments[0])
    on = date.fromisoformat(arguments[1]) if len(arguments) > 1 else today
    document = compile_published(installed(), on, f"genai-prices {version('genai-prices')}")
    if path.exists() and len(arguments) == 1:
        old = msgspec.json.decode(path.read_bytes())
        if old.get("vendors") == msgspec.to_builtins(document["vendors"]):
            document["date"] = old["date"]
    path.write_bytes(render(document))


def _plain(value: Any) -> Any:  # noqa: ANN401 - any part of a price list
    """Take an object of genai-prices apart."""
    match value:
        case None | str() | bool() | int() | Decimal() | date() | time():
            return value
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _ if hasattr(value, "__dataclass_fields__"):
            names = [field.name for field in fields(value) if field.name not in _LEFT_OUT]
            members = {name: getattr(value, name) for name in names}
        case _:
            members = vars(value)
    # A clause is written by its one member: `or_` as "or".
    return {name.rstrip("_"): _plain(member) for name, member in members.items() if member is not None}


_LEFT_OUT = frozenset({"extractors", "description", "price_comments"})


if __name__ == "__main__":
    main(sys.argv[1:], datetime.now(UTC).date())
