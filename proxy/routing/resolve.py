"""From the name a client sends to the model that serves it: exact, alias, prefix, direct, default.

Never looks at health: a model whose providers are all set aside is still that model. What a key may not call looks to
it like a name that does not exist.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache

from proxy.core.capabilities import Abilities
from proxy.core.errors import MalformedRequest, UnknownModel
from proxy.core.health import CandidateId
from proxy.core.price import Price
from proxy.core.snapshot import Candidate, ClientKey, Model, Provider, Snapshot
from proxy.routing.omit import may_use

REST = "{*}"  # in a candidate's upstream model: what the prefix's `*` stood for
LONGEST_NAME = 256  # of a name that makes a model: such models are remembered
SUGGESTIONS = 3
TAGGING = "ollama"  # the kind whose own names end in a tag


def resolve(name: str | None, key: ClientKey | None, snapshot: Snapshot) -> Model:
    """Find the model for a name; None or empty means the default.

    Raises:
        UnknownModel: No such model, or the key may not call it; the message has the nearest names that it may.
        MalformedRequest: No name was sent and there is no default.
    """
    if not name:
        name = snapshot.default_model
        if name is None:
            raise MalformedRequest("Name a model: this gateway has no default model.", param="model")
    model = snapshot.models.get(name)
    if model is None:
        model = named_otherwise(name, snapshot)
        if model is None:
            model = _ad_hoc(name, snapshot)
            if model is not None and may_call_direct(key, name):
                return model
            raise UnknownModel(_unknown(name, key, snapshot), param="model")
    if key is None or not key.models or _matches(key.models, name) or _matches(key.models, model.name):
        return model
    raise UnknownModel(_unknown(name, key, snapshot), param="model")


def check_named(named: Iterable[tuple[str, str]], model: Model, key: ClientKey, snapshot: Snapshot) -> None:
    """See that a key may use the models that its request names beside its own.

    Args:
        named: Where it names each, and the name, which goes to the provider as it is.
        model: The request's own.

    Raises:
        UnknownModel: One of them is not what a provider calls a model that the key may call.
    """
    for place, name in named:
        if not _may_have_used(name, model, key, snapshot):
            raise UnknownModel(f"{place}: {_no_such(name)} Name it as its provider does.", param=place)


def untagged(name: str | None, tag: str, snapshot: Snapshot) -> str | None:
    """Take a tag off a name that is none of the configuration with it, but is one without.

    Off a direct name too, but where the provider's own models have such tags.
    """
    bare = (name or "").removesuffix(tag)
    if bare == name or name in snapshot.models or name in snapshot.aliases:
        return name
    if bare in snapshot.models or bare in snapshot.aliases:
        return bare
    provider = snapshot.providers.get(bare.partition("/")[0]) if snapshot.server.direct_models else None
    return name if provider is None or provider.kind == TAGGING else bare


def may_call(key: ClientKey | None, name: str) -> bool:
    """Say whether a key's model globs allow this public name; no key and no globs allow every name."""
    return key is None or not key.models or _matches(key.models, name)


def visible_models(snapshot: Snapshot, key: ClientKey | None) -> list[Model]:
    """Return the configured models that a key may call, in file order. A prefix is no name, so it is not among them."""
    return [
        model
        for model in snapshot.models.values()
        if (may_call(key, model.name) or any(may_call(key, alias) for alias in model.aliases))
        and (key is None or any(may_use(key.providers, candidate.provider.name) for candidate in model.candidates))
    ]


def direct_providers(snapshot: Snapshot, key: ClientKey | None) -> list[Provider]:
    """Return the providers some of whose own models a key may call by direct names, in file order."""
    return [
        provider
        for provider in snapshot.providers.values()
        if snapshot.server.direct_models
        and provider.enabled
        and may_use(key.providers if key else (), provider.name)
        and (key is None or not key.models or any(glob.startswith(f"{provider.name}/") for glob in key.models))
    ]


def direct_models(provider: Provider, names: Iterable[str], snapshot: Snapshot) -> list[Model]:
    """Make the models of direct names; those that mean something else here or nothing at all are left out.

    Looks up prices and abilities, so it is dear, and remembers nothing that requests have use for.

    Args:
        names: As the provider calls its models.
    """
    makes = _direct.__wrapped__
    models = []
    for rest in names:
        name, upstream = f"{provider.name}/{rest}", CandidateId(provider.name, rest)
        if _may_be_made(name, rest) and name not in snapshot.models and named_otherwise(name, snapshot) is None:
            models.append(makes(provider, rest, snapshot.prices.get(upstream), snapshot.abilities))
    return models


def may_call_direct(key: ClientKey | None, name: str) -> bool:
    """Say whether a key may call a direct name.

    That needs a glob that spells the provider out: `*` alone gives no leave to pass the models by.
    """
    if key is None or not key.models:
        return True
    stem = name[: name.index("/") + 1]
    return any(fnmatchcase(name, glob) for glob in key.models if glob.startswith(stem))


@lru_cache(maxsize=4096)
def _matches(globs: tuple[str, ...], name: str) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def _may_have_used(upstream: str, model: Model, key: ClientKey, snapshot: Snapshot) -> bool:
    if any(_has(known, upstream, key) for known in (model, *visible_models(snapshot, key))):
        return True
    names = {item.provider.name for item in model.candidates if may_use(key.providers, item.provider.name)}
    if snapshot.server.direct_models and any(may_call_direct(key, f"{name}/{upstream}") for name in names):
        return True
    for name in (upstream, *_public_names(upstream, snapshot)):
        with suppress(UnknownModel):
            if _has(resolve(name, key, snapshot), upstream, key):
                return True
    return False


def _has(model: Model, upstream: str, key: ClientKey) -> bool:
    return any(item.model == upstream and may_use(key.providers, item.provider.name) for item in model.candidates)


def _public_names(upstream: str, snapshot: Snapshot) -> Iterator[str]:
    """Give the names by which prefixes lead to an upstream model."""
    for prefix in snapshot.prefixes:
        for candidate in prefix.candidates:
            before, star, after = candidate.model.partition(REST)
            if star and upstream.startswith(before) and upstream.endswith(after):
                yield prefix.name[:-1] + upstream[len(before) : len(upstream) - len(after)]
            elif candidate.model == upstream:
                yield prefix.name


def named_otherwise(name: str, snapshot: Snapshot) -> Model | None:
    """Find the model that an alias or a prefix leads to, whoever asks."""
    model = snapshot.models.get(snapshot.aliases.get(name, ""))
    if model is not None:
        return model
    for prefix in snapshot.prefixes:
        stem = prefix.name[:-1]
        if name.startswith(stem) and _may_be_made(name, name[len(stem) :]):
            names = _substituted(prefix, name)
            return _derived(prefix, name, tuple(map(snapshot.prices.get, names)), snapshot.abilities)
    return None


def _ad_hoc(name: str, snapshot: Snapshot) -> Model | None:
    provider_name, _, rest = name.partition("/")
    provider = snapshot.providers.get(provider_name) if snapshot.server.direct_models else None
    if provider is None or not _may_be_made(name, rest):
        return None
    upstream = CandidateId(provider_name, rest)
    return _direct(provider, rest, snapshot.prices.get(upstream), snapshot.abilities)


def _may_be_made(name: str, rest: str) -> bool:
    """Say whether a name may make a model: a client chooses it, and it stands in headers, logs and paths."""
    return len(name) <= LONGEST_NAME and name.isprintable() and rest not in ("", ".", "..")


def _substituted(prefix: Model, name: str) -> list[CandidateId]:
    rest = name[len(prefix.name) - 1 :]
    return [CandidateId(item.provider.name, item.model.replace(REST, rest)) for item in prefix.candidates]


@lru_cache(maxsize=1024)
def _derived(prefix: Model, name: str, prices: tuple[Price | None, ...], abilities: Abilities) -> Model:
    """Make the model that a prefix stands for. It is no metric label: clients choose such names."""
    candidates = [
        replace(
            candidate,
            model=upstream.model,
            price=candidate.price or price,
            capabilities=candidate.capabilities.over(abilities.get(upstream)),
        )
        for candidate, upstream, price in zip(prefix.candidates, _substituted(prefix, name), prices, strict=True)
    ]
    return replace(prefix, name=name, aliases=(), configured=False, label=prefix.name, candidates=tuple(candidates))


@lru_cache(maxsize=1024)
def _direct(provider: Provider, rest: str, price: Price | None, abilities: Abilities) -> Model:
    candidate = Candidate(
        provider,
        rest,
        priority=provider.priority,
        timeouts=provider.timeouts,
        capabilities=abilities.get(CandidateId(provider.name, rest)),
        price=price,
    )
    return Model(f"{provider.name}/{rest}", (candidate,), configured=False)


def _unknown(name: str, key: ClientKey | None, snapshot: Snapshot) -> str:
    visible = visible_models(snapshot, key)
    names = [spelling for model in visible for spelling in (model.name, *model.aliases)]
    said = _no_such(name)
    if direct := _direct_names(name, key, snapshot):
        said += f" Send a provider's own model as {direct}."
    return f"{said} The nearest it may call: {', '.join(nearest(name, names))}." if names else said


def _no_such(name: str) -> str:
    shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    return f"The model {shown!r} does not exist or this key may not call it."


def _direct_names(name: str, key: ClientKey | None, snapshot: Snapshot) -> str:
    """Write how a name of an upstream model could be sent; "" where it could not."""
    if not snapshot.server.direct_models or name.partition("/")[0] in snapshot.providers:
        return ""
    if not _may_be_made(name, name):
        return ""
    direct = [
        f'"{provider.name}/{name}"'
        for provider in snapshot.providers.values()
        if provider.enabled
        and may_use(key.providers if key else (), provider.name)
        and may_call_direct(key, f"{provider.name}/{name}")
    ]
    *others, last = direct[:SUGGESTIONS] or ("",)
    return f"{', '.join(others)} or {last}" if others else last


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Return the three names most alike, most alike first: by the pairs of letters that they share."""
    wanted = _pairs(name[:LONGEST_NAME])

    def likeness(other: str) -> float:
        pairs = _pairs(other)
        return 2 * len(wanted & pairs) / (len(wanted) + len(pairs))

    return heapq.nlargest(SUGGESTIONS, names, key=likeness)


def _pairs(name: str) -> set[str]:
    padded = f" {name.lower()} "
    return {padded[place : place + 2] for place in range(len(padded) - 1)}
