"""How each kind of provider lists its models, free of charge: where, page by page, and what a page tells.

Builds URLs and reads bodies; sends nothing. What a vendor does not tell is None, what cannot be read of one model is
left out, and a body that is no list at all is an error.

Source: the vendors' SDKs (anthropic 2.11.0 types/model_info.py, google-genai 3.4.0 types.py, cohere 7.3.1
types/get_model_response.py, ollama 0.6.3 _types.py, botocore 1.44.5 bedrock/2023-04-20) and
https://openrouter.ai/docs/models, read 2026-11-20; a row says where it is otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec

from proxy.core.call import Headers
from proxy.core.snapshot import Provider

Row = Mapping[str, object]
MTOK = 1_000_000


class UpstreamModel(msgspec.Struct, frozen=True):
    """A model as its vendor describes it; None = it does not say. Prices are USD per million tokens."""

    id: str
    context_window_tokens: int | None = None
    max_output_tokens: int | None = None
    tools: bool | None = None
    images: bool | None = None
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None


class ModelPage(NamedTuple):
    """`following` asks for the next page; None = this is the last."""

    models: tuple[UpstreamModel, ...]
    following: str | None = None


Reader = Callable[[object], ModelPage]


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """How a kind lists its models.

    Attributes:
        paths: What follows the base URL; several lists make one.
        read: Reads a decoded page.
        trim: Ends of a base URL that `paths` holds already or that only other endpoints have, longest first.
        versioned_path: The path where the provider has an `api_version`.
        query: Sent with every page.
        cursor: The parameter that asks for the next page.
        key_path: Where a key is checked first, where anybody may read the list.
        names_differ: Requests name something else than what is listed: nothing can be missing.
        own_right: To list is a right of its own: an account that lacks it may still answer.
        spellings: What else the list may call a model that requests name so.
    """

    paths: tuple[str, ...]
    read: Reader
    trim: tuple[str, ...] = ()
    versioned_path: str | None = None
    query: tuple[tuple[str, str], ...] = ()
    cursor: str = ""
    headers: Headers = ()
    key_path: str | None = None
    names_differ: bool = False
    own_right: bool = False
    spellings: Callable[[str], Sequence[str]] = lambda name: ()


def listing_of(kind: str) -> Listing | None:
    """Say how a kind lists its models; None for the simulator, which has every model."""
    return None if kind == "simulator" else LISTINGS.get(kind, _OPENAI)


def names_models(provider: Provider) -> bool:
    """Say whether a provider can be asked, while the gateway runs, for the names that requests send to it.

    One that Fairlead runs itself is not: it may sleep, and to be asked would wake it.
    """
    listing = listing_of(provider.kind)
    return listing is not None and not listing.names_differ and provider.process is None


def listing_urls(provider: Provider, listing: Listing) -> tuple[str, ...]:
    """Give the URL of each list's first page."""
    base = provider.base_url
    for end in listing.trim:
        base = base.removesuffix(end)
    if provider.kind == "bedrock":  # models are listed by the control plane, a host of its own
        base = base.replace("//bedrock-runtime.", "//bedrock.", 1)
    paths, query = listing.paths, listing.query
    if provider.api_version and listing.versioned_path:
        paths, query = (listing.versioned_path,), (*query, ("api-version", provider.api_version))
    return tuple(f"{base}{path}{'?' if query else ''}{urlencode(query)}" for path in paths)


def next_url(url: str, listing: Listing, following: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode({listing.cursor: following})}"


def read_page(body: bytes, listing: Listing) -> ModelPage:
    """Read one page.

    Raises:
        ValueError: It is no list of models.
    """
    try:
        return listing.read(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError("not JSON") from None


def missing(kind: str, names: Collection[str], listed: Collection[str]) -> tuple[str, ...]:
    """List the upstream names that the vendor does not have, in order; none where that cannot be told."""
    listing = listing_of(kind)
    if listing is None or listing.names_differ:
        return ()
    known = set(listed)
    return tuple(
        name
        for name in sorted(names)
        if not name.startswith("arn:") and known.isdisjoint((name, *listing.spellings(name)))
    )


def _rows(document: object, *keys: str) -> Iterator[Row]:
    """Give the rows of a list, which is the document itself or under one of the keys.

    Raises:
        ValueError: There is no list.
    """
    rows = document
    if isinstance(document, dict):
        rows = next((document[key] for key in keys if key in document), None)
    if not isinstance(rows, list):
        raise ValueError("no list of models")
    return (row for row in rows if isinstance(row, dict))


def _inner(row: Row, key: str) -> Row:
    value = row.get(key)
    return value if isinstance(value, dict) else {}


def _number(row: Row, *keys: str) -> int | None:
    """The first of these members that is a number of tokens."""
    for key in keys:
        value = row.get(key)
        if isinstance(value, int | float) and value > 0:
            return int(value)
    return None


def _switch(row: Row, key: str) -> bool | None:
    value = row.get(key)
    return value if isinstance(value, bool) else None


def _among(row: Row, key: str, word: str) -> bool | None:
    """Whether a word is in a list; None where there is no list."""
    value = row.get(key)
    return word in [str(each).lower() for each in value] if isinstance(value, list) else None


def _price(row: Row, key: str, factor: int) -> Decimal | None:
    value = row.get(key)
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        price = Decimal(str(value)) * factor
    except InvalidOperation:
        return None
    return price.normalize() if price.is_finite() and price >= 0 else None  # below 0: it varies


def _cursor(document: object, key: str) -> str | None:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, str) and value else None


def _named(rows: Iterator[Row], *keys: str) -> Iterator[tuple[str, Row]]:
    """Give rows that have a name, with it."""
    for row in rows:
        name = next((value for key in keys if isinstance(value := row.get(key), str) and value), None)
        if name is not None:
            yield name, row


def _read_openai(document: object) -> ModelPage:
    """OpenAI's list and what hosts add to it: groq, mistral, openrouter, fireworks, together (a bare list) and vLLM."""
    return ModelPage(tuple(_openai_model(name, row) for name, row in _named(_rows(document, "data"), "id")))


def _openai_model(name: str, row: Row) -> UpstreamModel:
    can, pricing = _inner(row, "capabilities"), _inner(row, "pricing")
    output = _number(row, "max_completion_tokens", "max_output_tokens")
    offers = (
        _switch(can, "function_calling"),
        _switch(row, "supports_tools"),
        _among(row, "supported_parameters", "tools"),
    )
    sees = (
        _switch(can, "vision"),
        _switch(row, "supports_image_input"),
        _among(_inner(row, "architecture"), "input_modalities", "image"),
    )
    # OpenRouter's prices are for a token, Together's for a million.
    each, (given, made) = (MTOK, ("prompt", "completion")) if "prompt" in pricing else (1, ("input", "output"))
    return UpstreamModel(
        name,
        _number(row, "context_length", "context_window", "max_context_length", "max_model_len"),
        output or _number(_inner(row, "top_provider"), "max_completion_tokens"),
        next((said for said in offers if said is not None), None),
        next((said for said in sees if said is not None), None),
        _price(pricing, given, each),
        _price(pricing, made, each),
    )


def _read_anthropic(document: object) -> ModelPage:
    models = tuple(
        UpstreamModel(
            name,
            _number(row, "max_input_tokens"),
            _number(row, "max_tokens"),
            images=_switch(_inner(_inner(row, "capabilities"), "image_input"), "supported"),
        )
        for name, row in _named(_rows(document, "data"), "id")
        if row.get("lifecycle") != "retired"  # it stays in the list as a record
    )
    has_more = isinstance(document, dict) and document.get("has_more") is True
    return ModelPage(models, _cursor(document, "last_id") if has_more else None)


def _read_gemini(document: object) -> ModelPage:
    models = tuple(
        UpstreamModel(name.removeprefix("models/"), _number(row, "inputTokenLimit"), _number(row, "outputTokenLimit"))
        for name, row in _named(_rows(document, "models"), "name")
    )
    return ModelPage(models, _cursor(document, "nextPageToken"))


def _read_vertex(document: object) -> ModelPage:
    """An empty list has no member for it. Source: google-api-python-client aiplatform_v1beta1.publishers.models."""
    rows = _rows(document, "publisherModels") if document != {} else iter(())
    models = tuple(UpstreamModel(name.rpartition("/")[2]) for name, _ in _named(rows, "name"))
    return ModelPage(models, _cursor(document, "nextPageToken"))


def _read_bedrock(document: object) -> ModelPage:
    """Foundation models, and inference profiles, which are called instead of most of them."""
    rows = _named(_rows(document, "modelSummaries", "inferenceProfileSummaries"), "modelId", "inferenceProfileId")
    models = tuple(UpstreamModel(name, images=_among(row, "inputModalities", "image")) for name, row in rows)
    return ModelPage(models, _cursor(document, "nextToken"))


def _read_ollama(document: object) -> ModelPage:
    rows = _named(_rows(document, "models"), "model", "name")
    return ModelPage(tuple(UpstreamModel(name) for name, _ in rows))


def _read_cohere(document: object) -> ModelPage:
    models = tuple(
        UpstreamModel(
            name,
            _number(row, "context_length"),
            tools=_among(row, "features", "tools"),
            images=_among(row, "features", "vision"),
        )
        for name, row in _named(_rows(document, "models"), "name")
    )
    return ModelPage(models, _cursor(document, "next_page_token"))


_OPENAI = Listing(("/models",), _read_openai)

LISTINGS: Mapping[str, Listing] = MappingProxyType(
    {
        # What is listed are the models that can be deployed; requests name deployments.
        "azure": Listing(
            ("/openai/v1/models",),
            _read_openai,
            trim=("/openai/v1", "/openai"),
            versioned_path="/openai/models",
            names_differ=True,
        ),
        # `:nitro`, `:online` and the like change how a listed model is served.
        "openrouter": Listing(
            ("/models",), _read_openai, key_path="/key", spellings=lambda name: (name.rpartition(":")[0],)
        ),
        "anthropic": Listing(
            ("/v1/models",),
            _read_anthropic,
            trim=("/v1",),
            query=(("limit", "1000"),),
            cursor="after_id",
            headers=((b"anthropic-version", b"2023-06-01"),),
        ),
        "gemini": Listing(
            ("/v1beta/models",),
            _read_gemini,
            trim=("/v1beta/openai", "/v1beta", "/v1"),
            query=(("pageSize", "1000"),),
            cursor="pageToken",
            spellings=lambda name: (name.removeprefix("models/"),),
        ),
        "vertex": Listing(
            ("/v1beta1/publishers/google/models", "/v1beta1/publishers/anthropic/models"),
            _read_vertex,
            trim=("/v1beta1", "/v1"),
            query=(("pageSize", "300"),),
            cursor="pageToken",
            own_right=True,
            spellings=lambda name: (name.rpartition("/")[2], name.rpartition("/")[2].partition("@")[0]),
        ),
        "bedrock": Listing(
            ("/foundation-models", "/inference-profiles"), _read_bedrock, cursor="nextToken", own_right=True
        ),
        "ollama": Listing(("/api/tags",), _read_ollama, trim=("/v1",), spellings=lambda name: (f"{name}:latest",)),
        "cohere": Listing(
            ("/v1/models",),
            _read_cohere,
            trim=("/compatibility/v1", "/v1", "/v2"),
            query=(("page_size", "1000"),),
            cursor="page_token",
        ),
    }
)
