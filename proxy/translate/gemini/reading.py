"""The members of a request to Google's API, under one spelling of their names.

Google's own servers take each member in camel case and in snake case, and their documentation shows both; bodies in
snake case are rewritten to camel case first. What is inside tool arguments, results and schemas is nobody's to rename.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec
from msgspec import Raw

from proxy.wire.typedjson import decoded

_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_ANY = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()

# Members of a generateContent or embedContent request that have more than one word, in snake case.
_SNAKES = (
    "allowed_function_names",
    "auto_truncate",
    "cached_content",
    "candidate_count",
    "code_execution",
    "code_execution_result",
    "computer_use",
    "display_name",
    "embed_content_config",
    "enterprise_web_search",
    "executable_code",
    "file_data",
    "file_search",
    "file_uri",
    "frequency_penalty",
    "function_call",
    "function_calling_config",
    "function_declarations",
    "function_response",
    "generation_config",
    "google_maps",
    "google_search",
    "google_search_retrieval",
    "image_config",
    "include_server_side_tool_invocations",
    "include_thoughts",
    "inline_data",
    "max_output_tokens",
    "media_resolution",
    "mime_type",
    "output_dimensionality",
    "parameters_json_schema",
    "presence_penalty",
    "response_json_schema",
    "response_logprobs",
    "response_mime_type",
    "response_modalities",
    "response_schema",
    "retrieval_config",
    "safety_settings",
    "service_tier",
    "speech_config",
    "stop_sequences",
    "system_instruction",
    "task_type",
    "thinking_budget",
    "thinking_config",
    "thinking_level",
    "thought_signature",
    "tool_call",
    "tool_config",
    "tool_response",
    "top_k",
    "top_p",
    "url_context",
    "video_metadata",
)
# The look ahead spares nearly every word the list of names.
_SNAKE = re.compile(rb'"(?=[a-z]{3,11}_)(?:' + "|".join(_SNAKES).encode() + rb')"\s*:')
_CAMELS = {snake: re.sub("_([a-z])", lambda found: found[1].upper(), snake) for snake in _SNAKES}
# Below these the names are the client's own.
_OPAQUE = frozenset(
    {"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "labels"}
)


def both_spellings(names: Collection[str]) -> frozenset[str]:
    """Add to names of members how else Google's clients may write them."""
    camels = [re.sub("_([a-z])", lambda found: found[1].upper(), name) for name in names]
    snakes = [re.sub("[A-Z]", lambda found: "_" + found[0].lower(), name) for name in names]
    return frozenset(names).union(camels, snakes)


def read_members(body: bytes) -> dict[str, Raw]:
    """Split a request into its top-level members, every name of Google's in camel case.

    Raises:
        Undecodable: It is not a JSON object.
    """
    if not _SNAKE.search(body):
        return decoded(_MEMBERS, body)
    return decoded(_MEMBERS, _ENCODER.encode(_renamed(decoded(_ANY, body))))


def _renamed(value: object) -> object:
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = ((_CAMELS.get(name, name), member) for name, member in value.items())
    return {name: member if name in _OPAQUE else _renamed(member) for name, member in named}
