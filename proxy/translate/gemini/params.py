"""Sampling, limits and formats, between Google's `generationConfig` and the hub.

Source: google-genai SDK 3.4.0, google/genai/types.py (GenerationConfig); docs.cloud.google.com/vertex-ai inference
reference (ranges); read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, UnsetType

from proxy.apischema.gemini import GenerationConfig
from proxy.core.conversation import Conversation, JsonFormat, Params, Reasoning, Vendor
from proxy.translate.gemini.models import Traits
from proxy.translate.gemini.schemas import to_json_schema
from proxy.translate.gemini.thinking import read_thinking, write_thinking
from proxy.translate.media import details
from proxy.wire.typedjson import decoded

MEMBER = "generationConfig"
JSON = "application/json"
_MODALITIES = "responseModalities"
MEDIA_RESOLUTION = "mediaResolution"

_CONFIG = msgspec.json.Decoder(GenerationConfig)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_STRINGS: msgspec.json.Decoder[list[str] | None] = msgspec.json.Decoder(list[str] | None)

_KNOWN = frozenset(field.encode_name for field in msgspec.structs.fields(GenerationConfig))
_PLAIN_TYPES = frozenset({None, "", "text/plain", JSON})
_FORMAT = ("responseMimeType", "responseSchema", "responseJsonSchema")
_INT32 = 0x7FFF_FFFF
_HIGHEST_TEMPERATURE = 2.0
_HIGHEST_PENALTY = 1.99  # 2.0 is outside the range


class Read(msgspec.Struct, frozen=True):
    """What `generationConfig` says. `rest`: its members that only Google understands."""

    params: Params = Params()
    format: JsonFormat | None = None
    reasoning: Reasoning = Reasoning()
    rest: dict[str, Raw] = {}


NOTHING_SAID = Read()


def read_config(member: Raw, service_tier: str) -> Read:
    """Read `generationConfig`.

    Args:
        service_tier: The request's, in OpenAI's words.

    Raises:
        Undecodable: It is not what it should be.
    """
    config = decoded(_CONFIG, member, MEMBER)
    rest = {name: value for name, value in _MEMBERS.decode(member).items() if name not in _KNOWN}
    modalities = decoded(_STRINGS, rest[_MODALITIES], f"{MEMBER}.{_MODALITIES}") if _MODALITIES in rest else None
    if config.response_mime_type not in _PLAIN_TYPES:  # an enum, which is Google's alone
        rest |= {name: value for name, value in _MEMBERS.decode(member).items() if name in _FORMAT}
    params = Params(
        max_tokens=config.max_output_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=None if config.top_k is None else int(config.top_k),
        stop=tuple(config.stop_sequences or ()),
        n=config.candidate_count,
        seed=config.seed,
        presence_penalty=config.presence_penalty,
        frequency_penalty=config.frequency_penalty,
        logprobs=config.response_logprobs,
        top_logprobs=config.logprobs,
        service_tier=service_tier,
        modalities=tuple(name.lower() for name in modalities or ()),
    )
    return Read(params, _format(config), read_thinking(config.thinking_config), rest)


def write_config(conversation: Conversation, traits: Traits) -> dict[str, Any]:
    """Write `generationConfig`; what only Google understands comes from a client of its dialect, and goes first."""
    params = conversation.params
    config: dict[str, Any] = {}
    if conversation.dialect_vendor is Vendor.GOOGLE and MEMBER in conversation.rest:
        config |= _MEMBERS.decode(conversation.rest[MEMBER])
    elif "image" in params.modalities:
        config[_MODALITIES] = [name.upper() for name in params.modalities]
    _sampling(params, config, traits)
    _output(params, config)
    if conversation.format is not None:
        config["responseMimeType"] = JSON
        if conversation.format.schema is not None:
            config["responseJsonSchema"] = conversation.format.schema
    if MEDIA_RESOLUTION not in config and (resolution := _resolution(details(conversation))):
        config[MEDIA_RESOLUTION] = resolution
    thinking = write_thinking(conversation.reasoning, traits)
    if thinking is not None:
        config["thinkingConfig"] = thinking
    return config


def _resolution(asked: set[str]) -> str:
    """Google has one for all images: the highest that is asked for, and the lowest where nothing else is."""
    if asked & {"high", "original"}:
        return "MEDIA_RESOLUTION_HIGH"
    return "MEDIA_RESOLUTION_LOW" if asked == {"low"} else ""


def _format(config: GenerationConfig) -> JsonFormat | None:
    if config.response_mime_type != JSON:
        return None
    schema: Raw | None = None
    if not isinstance(config.response_json_schema, UnsetType):
        schema = config.response_json_schema
    elif not isinstance(config.response_schema, UnsetType):
        schema = to_json_schema(config.response_schema, f"{MEMBER}.responseSchema")
    return JsonFormat(None if schema is None or bytes(schema) == b"null" else schema)


def _sampling(params: Params, config: dict[str, Any], traits: Traits) -> None:
    if params.temperature is not None:
        config["temperature"] = min(params.temperature, _HIGHEST_TEMPERATURE)
    if params.top_p is not None:
        config["topP"] = params.top_p
    if params.top_k is not None:
        config["topK"] = params.top_k
    if params.seed is not None:
        config["seed"] = params.seed if -_INT32 <= params.seed <= _INT32 else params.seed & _INT32
    if traits.penalties:
        if params.presence_penalty is not None:
            config["presencePenalty"] = min(params.presence_penalty, _HIGHEST_PENALTY)
        if params.frequency_penalty is not None:
            config["frequencyPenalty"] = min(params.frequency_penalty, _HIGHEST_PENALTY)


def _output(params: Params, config: dict[str, Any]) -> None:
    if params.max_tokens is not None:
        config["maxOutputTokens"] = params.max_tokens
    if params.stop:
        config["stopSequences"] = params.stop
    if params.n is not None and params.n > 1:
        config["candidateCount"] = params.n
    if params.logprobs:
        config["responseLogprobs"] = True
        if params.top_logprobs:
            config["logprobs"] = params.top_logprobs
