"""From an operator's JSON to a checked change of state: every name exists, every field is known and counts.

Never touches the state; a change that is returned can be made.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from proxy.core.errors import MalformedRequest, NotFound
from proxy.core.snapshot import Model, Snapshot
from proxy.routing.resolve import named_otherwise

MAX_BODY_BYTES = 64 * 1024
# What each change can be about. Another field would say less than all, and all would be changed.
FIELDS = {
    "clear": ("provider", "model", "credential"),
    "advance": ("model", "priority"),
    "reset": ("model", "priority"),
    "disable": ("provider",),
    "enable": ("provider",),
}

Name = Annotated[str, Field(min_length=1, max_length=256)]


class Change(BaseModel):
    """What a change is about; an absent field means all."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    provider: Name | None = None
    model: Name | None = None
    priority: int | None = None
    credential: Name | None = None


def parse_change(body: bytes) -> Change:
    """Read a body; an empty one is about everything.

    Raises:
        MalformedRequest: Not JSON, an unknown field, or a wrong type.
    """
    try:
        return Change.model_validate_json(body or b"{}")
    except ValidationError as exc:
        problems = "; ".join(_problem(error["type"], error["loc"], error["msg"]) for error in exc.errors())
        expected = ", ".join(Change.model_fields)
        raise MalformedRequest(f"{problems}. The body is a JSON object with any of: {expected}.") from exc


def check_fields(name: str, change: Change) -> None:
    """Refuse a field that the change would not heed.

    Raises:
        MalformedRequest: The message lists those that it heeds.
    """
    for field in change.model_dump(exclude_none=True):
        if field not in FIELDS[name]:
            heeded = ", ".join(FIELDS[name])
            raise MalformedRequest(f"{name} takes {heeded}: leave {field} out.", param=field)


def check_names(change: Change, snapshot: Snapshot) -> None:
    """Refuse names that the configuration does not have.

    Raises:
        NotFound: The message lists what there is.
    """
    for field, known in _known(change, snapshot).items():
        asked = getattr(change, field)
        if asked is not None and asked not in known:
            names = ", ".join(map(str, sorted(known))) or "none"
            raise NotFound(f"There is no {field} {asked!r} here. There is: {names}.", param=field)


def public_model(name: str, snapshot: Snapshot) -> Model | None:
    """The configured model of this name or alias, or what a prefix makes of it."""
    return None if name.endswith("*") else snapshot.models.get(name) or named_otherwise(name, snapshot)


def _known(change: Change, snapshot: Snapshot) -> dict[str, set[str] | set[int]]:
    """What each field may name, given the fields before it."""
    providers = [row for row in snapshot.providers.values() if change.provider in (None, row.name)]
    model = None if change.model is None else public_model(change.model, snapshot)
    models = (*snapshot.models.values(), *snapshot.prefixes) if model is None else (model,)
    named = () if model is None or change.model is None else (change.model,)
    return {
        "provider": set(snapshot.providers),
        "model": {*snapshot.models, *snapshot.aliases, *named},
        "priority": {candidate.priority for row in models for candidate in row.candidates},
        "credential": {credential.name for row in providers for credential in row.credentials},
    }


def _problem(kind: str, where: tuple[int | str, ...], message: str) -> str:
    """One fault in words; what was sent is never quoted."""
    field = ".".join(map(str, where))
    if kind == "extra_forbidden":
        return f"unknown field {field!r}"
    if kind == "json_invalid":
        return "the body is not JSON"
    return f"{field}: {message}" if field else message
