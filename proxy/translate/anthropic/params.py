"""The settings of a request: limits, sampling, stop, tier, and the shape of the answer."""

from __future__ import annotations

from proxy.core.conversation import Conversation, JsonFormat, Vendor
from proxy.core.translation import Target
from proxy.translate.anthropic.schema import strict_schema
from proxy.translate.anthropic.unsupported import refused
from proxy.translate.anthropic.vocab import SERVICE_TIERS_OUT
from proxy.translate.claude import Generation, Sampling

_LONGEST_USER_ID = 256
_LEAST_TOP_P = 0.95  # while a model thinks
JSON_INSTRUCTION = "Answer with one valid JSON object and nothing else: no words around it, no code fence."


def most_tokens(conversation: Conversation, target: Target, takes: Generation) -> int:
    """Give `max_tokens`, which the API insists on: the client's, at most the model's limit, else that limit."""
    limit = target.capabilities.max_output_tokens or takes.max_tokens
    wanted = conversation.params.max_tokens
    return limit if wanted is None else min(wanted, limit)


def sampling(conversation: Conversation, takes: Generation, *, thinks: bool) -> tuple[dict[str, float], list[str]]:
    """Give temperature, top_p and top_k as the model takes them, and the names of those left out.

    What only says the default is left out and not named.
    """
    params = conversation.params
    wanted: dict[str, float] = {}
    if params.temperature is not None and params.temperature != 1:
        wanted["temperature"] = min(1.0, max(0.0, params.temperature))
    if params.top_p is not None and params.top_p != 1:
        wanted["top_p"] = min(1.0, max(0.0, params.top_p))
    if params.top_k is not None:
        wanted["top_k"] = params.top_k
    refuses = [name for name in wanted if not _may_say(name, wanted, takes.sampling, thinks=thinks)]
    return {name: value for name, value in wanted.items() if name not in refuses}, refuses


def _may_say(name: str, wanted: dict[str, float], takes: Sampling, *, thinks: bool) -> bool:
    if takes is Sampling.NONE:
        return False
    if thinks:
        return name == "top_p" and wanted["top_p"] >= _LEAST_TOP_P
    return not (name == "top_p" and "temperature" in wanted and takes is Sampling.ONE)


def stop_sequences(conversation: Conversation) -> tuple[list[str], bool]:
    """Give the stop sequences, and whether some were left out: the API refuses those of white space alone."""
    asked = conversation.params.stop
    return [text for text in asked if text.strip()], any(text.isspace() for text in asked)


def user_id(conversation: Conversation) -> tuple[str, bool]:
    """Give the user's id, "" where it says who the user is, and whether one was left out.

    Source: anthropic SDK 2.11.0 types/metadata_param.py (no name, mail address or number), read 2026-11-20.
    """
    user = conversation.params.user
    if conversation.dialect_vendor is Vendor.ANTHROPIC:
        return user, False
    fits = "@" not in user and len(user) <= _LONGEST_USER_ID
    return (user, False) if fits else ("", True)


def service_tier(conversation: Conversation, takes: Generation) -> tuple[str, bool]:
    """Give the service tier, and whether one was left out."""
    wanted = conversation.params.service_tier
    tier = SERVICE_TIERS_OUT.get(wanted, "") if takes.service_tiers else ""
    return tier, bool(wanted) and not tier


def answer_format(wanted: JsonFormat, target: Target, takes: Generation) -> dict[str, object] | None:
    """Give `output_config.format`; None where any object will do, which has no word here: `JSON_INSTRUCTION` asks.

    Raises:
        Untranslatable: The model has no structured output.
    """
    if wanted.schema is None:
        return None
    has_schema = target.capabilities.json_schema
    if not (takes.json_schema if has_schema is None else has_schema):
        raise refused("json_schema", "response_format")
    return {"type": "json_schema", "schema": strict_schema(wanted.schema, "response_format")}
