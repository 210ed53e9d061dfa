"""The members that Gemini's methods take, as tables.

Names are in camel case; the API takes snake case as well, and null for what is not there, as all JSON made from
protocol buffers.

Source: google-genai 3.4.0, `types.py` and the converters of `models.py`; https://ai.google.dev/api/generate-content,
read 2026-11-20.
"""

from __future__ import annotations

import re
from functools import partial

from proxy.simulator.shapes import (
    Json,
    Kind,
    anything,
    either,
    flag,
    later,
    many,
    mapping,
    matching,
    named,
    number,
    one_of,
    text,
    whole,
)
from proxy.simulator.shapes import shape as exact_shape

shape = partial(exact_shape, nulls=True)
_SNAKE = re.compile(r"_([a-z0-9])")
# What is the caller's own, names and all.
_VERBATIM = frozenset(
    {"args", "response", "parametersJsonSchema", "responseJsonSchema", "properties", "labels", "partMetadata", "$defs"}
)
_COUNT = either(matching(r"-?\d+"), whole())  # 64-bit numbers are text
_TYPES = one_of(
    *("TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"),
    *("string", "number", "integer", "boolean", "array", "object", "null"),
)

_SCHEMA_MEMBERS: dict[str, Kind] = {
    "type": _TYPES,
    "anyOf": many(later(lambda: SCHEMA)),
    "items": later(lambda: SCHEMA),
    "properties": named(later(lambda: SCHEMA)),
    "default": anything,
    "example": anything,
    "enum": many(text),
    "required": many(text),
    "propertyOrdering": many(text),
    "nullable": flag,
    **{name: text for name in ("title", "description", "format", "pattern")},
    **{name: _COUNT for name in ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")},
    **{name: number() for name in ("minimum", "maximum")},
}
SCHEMA: Kind = shape(_SCHEMA_MEMBERS)

_BLOB = shape({"mimeType": text, "data": text, "displayName": text}, ("mimeType", "data"))
_FILE = shape({"mimeType": text, "fileUri": text, "displayName": text}, ("fileUri",))
PART_DATA: dict[str, Kind] = {
    "text": text,
    "inlineData": _BLOB,
    "fileData": _FILE,
    "functionCall": shape(
        {"id": text, "name": text, "args": mapping, "partialArgs": many(mapping), "willContinue": flag}, ("name",)
    ),
    "functionResponse": shape(
        {
            "id": text,
            "name": text,
            "response": mapping,
            "willContinue": flag,
            "scheduling": text,
            "parts": many(shape({"inlineData": _BLOB, "fileData": _FILE})),
        },
        ("name", "response"),
    ),
    "executableCode": mapping,
    "codeExecutionResult": mapping,
    "toolCall": mapping,
    "toolResponse": mapping,
}
_PART = shape(
    {
        **PART_DATA,
        "thought": flag,
        "thoughtSignature": text,
        "videoMetadata": mapping,
        "mediaResolution": anything,
        "partMetadata": mapping,
    }
)
CONTENT = shape({"role": text, "parts": many(_PART)})
_DECLARATION = shape(
    {
        "name": matching(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}"),
        "description": text,
        "behavior": text,
        "parameters": SCHEMA,
        "parametersJsonSchema": anything,
        "response": SCHEMA,
        "responseJsonSchema": anything,
    },
    ("name",),
)
_TOOL = shape(
    {
        "functionDeclarations": many(_DECLARATION),
        **{
            name: mapping
            for name in (
                *("googleSearch", "googleSearchRetrieval", "googleMaps", "codeExecution", "urlContext"),
                *("computerUse", "fileSearch", "retrieval", "enterpriseWebSearch", "parallelAiSearch", "exaAiSearch"),
            )
        },
        "mcpServers": many(mapping),
    }
)
_TOOL_CONFIG = shape(
    {
        "functionCallingConfig": shape(
            {
                "mode": one_of("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"),
                "allowedFunctionNames": many(text),
                "streamFunctionCallArguments": flag,
            }
        ),
        "retrievalConfig": mapping,
        "includeServerSideToolInvocations": flag,
    }
)
_GENERATION: dict[str, Kind] = {
    "temperature": number(0, 2),
    "topP": number(0, 1),
    "topK": number(0),
    "candidateCount": whole(1, 8),
    "maxOutputTokens": whole(1),
    "stopSequences": many(text, most=5),
    "seed": whole(),
    "presencePenalty": number(-2, 2),
    "frequencyPenalty": number(-2, 2),
    "responseLogprobs": flag,
    "logprobs": whole(0, 20),
    "responseMimeType": one_of("text/plain", "application/json", "text/x.enum"),
    "responseSchema": SCHEMA,
    "responseJsonSchema": anything,
    "responseModalities": many(one_of("TEXT", "IMAGE", "AUDIO")),
    "responseFormat": anything,
    "mediaResolution": text,
    "speechConfig": mapping,
    "imageConfig": mapping,
    "audioTimestamp": flag,
    "enableEnhancedCivicAnswers": flag,
    "routingConfig": mapping,
    "modelSelectionConfig": mapping,
    "thinkingConfig": shape(
        {
            "includeThoughts": flag,
            "thinkingBudget": whole(-1),
            "thinkingLevel": one_of("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH", "minimal", "low", "medium", "high"),
        }
    ),
}
_GENERATED: dict[str, Kind] = {
    "contents": many(CONTENT),
    "systemInstruction": CONTENT,
    "tools": many(_TOOL),
    "toolConfig": _TOOL_CONFIG,
    "safetySettings": many(shape({"category": text, "threshold": text, "method": text})),
    "generationConfig": shape(_GENERATION),
    "cachedContent": text,
    "serviceTier": text,
    "store": flag,
}
GENERATE = shape({**_GENERATED, "model": text})
VERTEX_GENERATE = shape({**_GENERATED, "labels": named(text), "modelArmorConfig": mapping})
COUNT = shape({"contents": many(CONTENT), "generateContentRequest": GENERATE, "model": text})
VERTEX_COUNT = shape({**_GENERATED, "model": text, "instances": many(mapping)})
_EMBEDDED: dict[str, Kind] = {
    "model": text,
    "content": CONTENT,
    "taskType": text,
    "title": text,
    "outputDimensionality": whole(1, 4096),
    "embedContentConfig": mapping,
    "autoTruncate": flag,
}
EMBED = shape(_EMBEDDED, ("content",))
EMBED_ALL = shape({"requests": many(shape(_EMBEDDED, ("content", "model")), least=1)}, ("requests",))
VERTEX_EMBED_ALL = shape(
    {"requests": many(shape({"content": CONTENT, "embedContentConfig": mapping}, ("content",)), least=1)}, ("requests",)
)
PREDICT = shape(
    {
        "instances": many(shape({"content": text, "taskType": text, "title": text}, ("content",)), least=1),
        "parameters": shape({"autoTruncate": flag, "outputDimensionality": whole(1, 4096)}),
    },
    ("instances",),
)


def in_camel_case(value: object) -> object:
    """Return the body with every name of the API's in camel case; what is the caller's own stays as it is."""
    if isinstance(value, list):
        return [in_camel_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _member(name, item) for name, item in ((_camel(key), item) for key, item in value.items())}


def _member(name: str, item: object) -> object:
    if name == "properties" and isinstance(item, dict):
        return {key: in_camel_case(schema) for key, schema in item.items()}
    return item if name in _VERBATIM else in_camel_case(item)


def _camel(name: str) -> str:
    return _SNAKE.sub(lambda found: found[1].upper(), name)


def members(body: Json, name: str) -> Json:
    """Return a member that is an object, or an empty one."""
    value = body.get(name)
    return value if isinstance(value, dict) else {}
