"""The model list: what this key may call, in OpenAI's shape, with window and price where the configuration has them."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.core.errors import UnknownModel
from proxy.core.price import Price, usd_per_mtok
from proxy.core.snapshot import ClientKey, Model, Snapshot
from proxy.routing.resolve import resolve, visible_models

OWNER = "fairlead"


def list_models(snapshot: Snapshot, key: ClientKey | None) -> dict[str, object]:
    """Every model that the key may call; patterns are left out, since no client can send one."""
    return {"object": "list", "data": [describe(model) for model in visible_models(snapshot, key)]}


def one_model(name: str, snapshot: Snapshot, key: ClientKey | None) -> dict[str, object]:
    """One model by any name that a request could use.

    Raises:
        UnknownModel: There is none, or the key may not call it.
    """
    if not name:
        raise UnknownModel("Name a model: /v1/models lists those that this key may call.")
    return describe(resolve(name, key, snapshot))


def describe(model: Model) -> dict[str, object]:
    row: dict[str, object] = {"id": model.name, "object": "model", "created": 0, "owned_by": OWNER}
    window = _context_window(model)
    if window is not None:
        row["context_window"] = window
    price = next((candidate.price for candidate in model.candidates if candidate.price is not None), None)
    if price is not None:
        row["pricing"] = _pricing(price)
    return row


def _context_window(model: Model) -> int | None:
    """The smallest window among the candidates: what fits there fits wherever the request goes."""
    windows: Sequence[int] = [
        window for candidate in model.candidates if (window := candidate.capabilities.context_window_tokens) is not None
    ]
    return min(windows) if windows else model.capabilities.context_window_tokens


def _pricing(price: Price) -> dict[str, str | None]:
    """USD per million tokens as decimal text, so that no client rounds it: the rates of a usual request."""
    rates = price.standard
    named = {"input": rates.input, "output": rates.output, "cached_input": rates.cached_input}
    return {f"{name}_usd_per_mtok": None if rate is None else usd_per_mtok(rate.pusd) for name, rate in named.items()}
