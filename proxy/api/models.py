"""The model list: what this key may call, in the shape that the client's SDK expects.

OpenAI's with window and price where they are known; Anthropic's for clients that send `anthropic-version`; Google's
below `/v1beta` and for clients that send `x-goog-` headers; Ollama's at `/api/tags`.

Source: anthropic 2.11.0 types/model_info.py, google-genai 3.4.0 types.Model, ollama 0.6.3 ListResponse; read
2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from proxy.api.endpointspec import GEMINI_METHODS
from proxy.core.errors import UnknownModel
from proxy.core.price import Price, usd_per_mtok
from proxy.core.snapshot import ClientKey, Model, Snapshot
from proxy.routing.resolve import resolve
from proxy.translate.ollama.listing import Listed

OWNER = "fairlead"
_NEVER = "1970-01-01T00:00:00Z"  # nobody knows when a model was made


def openai_list(models: Iterable[Model]) -> dict[str, object]:
    """The list as OpenAI's clients have it."""
    return {"object": "list", "data": [describe(model) for model in models]}


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


def anthropic_list(models: Iterable[Model]) -> dict[str, object]:
    """The list as Anthropic's clients page it, in one page."""
    rows = [anthropic_row(model) for model in models]
    ends = {"first_id": rows[0]["id"], "last_id": rows[-1]["id"]} if rows else {"first_id": None, "last_id": None}
    return {"data": rows, "has_more": False, **ends}


def anthropic_row(model: Model) -> dict[str, object]:
    row: dict[str, object] = {"type": "model", "id": model.name, "display_name": model.name, "created_at": _NEVER}
    window = _context_window(model)
    return row if window is None else {**row, "max_input_tokens": window}


def google_list(models: Iterable[Model]) -> dict[str, object]:
    """The list as Google's clients have it."""
    return {"models": [google_row(model) for model in models]}


def google_row(model: Model) -> dict[str, object]:
    row: dict[str, object] = {
        "name": f"models/{model.name}",
        "displayName": model.name,
        "version": "1",
        "supportedGenerationMethods": list(GEMINI_METHODS),
    }
    window = _context_window(model)
    return row if window is None else {**row, "inputTokenLimit": window}


def ollama_row(model: Model) -> Listed:
    """A model for Ollama's clients, with what is known of the one that will answer where there is but one."""
    known = replace(model.capabilities, context_window_tokens=_context_window(model))
    return Listed(model.name, capabilities=model.candidates[0].capabilities if len(model.candidates) == 1 else known)


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
