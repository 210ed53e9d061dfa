"""Google's words for what others name too: finish reasons, roles, tool choices, service tiers, media types.

Source: google-genai SDK 3.4.0, google/genai/types.py (FinishReason, BlockedReason, FunctionCallingConfigMode,
ServiceTier, TrafficType), read 2026-11-20.
"""

from __future__ import annotations

from proxy.core.conversation import Finish, Role

FINISHES = {
    "STOP": Finish.STOP,  # with a functionCall: TOOL_CALLS
    "FINISH_REASON_UNSPECIFIED": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    "CONTINUATION": Finish.LENGTH,
    "SAFETY": Finish.CONTENT_FILTER,
    "RECITATION": Finish.CONTENT_FILTER,
    "LANGUAGE": Finish.CONTENT_FILTER,
    "OTHER": Finish.CONTENT_FILTER,
    "BLOCKLIST": Finish.CONTENT_FILTER,
    "PROHIBITED_CONTENT": Finish.CONTENT_FILTER,
    "SPII": Finish.CONTENT_FILTER,
    "IMAGE_SAFETY": Finish.CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": Finish.CONTENT_FILTER,
    "IMAGE_RECITATION": Finish.CONTENT_FILTER,
    "IMAGE_OTHER": Finish.CONTENT_FILTER,
    "NO_IMAGE": Finish.CONTENT_FILTER,
    "MODEL_ARMOR": Finish.CONTENT_FILTER,
    "ESCALATION": Finish.CONTENT_FILTER,
    "PUP_LIMITED_DISABLED": Finish.CONTENT_FILTER,
    "MALFORMED_FUNCTION_CALL": Finish.ERROR,
    "UNEXPECTED_TOOL_CALL": Finish.ERROR,
    "TOO_MANY_TOOL_CALLS": Finish.ERROR,
    "MISSING_THOUGHT_SIGNATURE": Finish.ERROR,
    "MALFORMED_RESPONSE": Finish.ERROR,
}

FINISH_REASONS = {
    Finish.STOP: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.TOOL_CALLS: "STOP",
    Finish.CONTENT_FILTER: "SAFETY",
    Finish.ERROR: "MALFORMED_FUNCTION_CALL",
}

ROLES = {
    "": Role.USER,
    "user": Role.USER,
    "model": Role.ASSISTANT,
    "function": Role.USER,  # of older clients: holds functionResponses
    "tool": Role.USER,
    "system": Role.SYSTEM,
}

# Vertex says it by the traffic's type, the Gemini API by a member of its own.
TRAFFIC_TIERS = {"ON_DEMAND_FLEX": "flex", "ON_DEMAND_PRIORITY": "priority"}

TIERS_FROM_OPENAI = {"default": "standard", "flex": "flex", "priority": "priority"}
TIERS_TO_OPENAI = {"standard": "default", "flex": "flex", "priority": "priority"}

# Google's names of sound: https://ai.google.dev/gemini-api/docs/audio, read 2026-11-20.
AUDIO_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mp3",
    "aiff": "audio/aiff",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "m4a": "audio/m4a",
    "pcm16": "audio/L16",
}
AUDIO_FORMATS = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mp3": "mp3",
    "audio/mpeg": "mp3",
    "audio/l16": "pcm16",
    "audio/pcm": "pcm16",
}
GOOGLES_TYPES = {
    "audio/mpeg": "audio/mp3",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "image/jpg": "image/jpeg",
}

# Of files that are named by a URL alone: Google wants to be told.
TYPES_BY_ENDING = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "bmp": "image/bmp",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/plain",
    "html": "text/html",
    "csv": "text/csv",
    "json": "application/json",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mov": "video/quicktime",
}


def finish_of(reason: str | None, *, called: bool) -> Finish:
    """Read a finish reason; one that nobody knew when this was written is an error rather than a success.

    Args:
        called: The candidate holds a functionCall: Google has no finish reason for that.
    """
    finish = FINISHES.get(reason or "STOP", Finish.ERROR)
    return Finish.TOOL_CALLS if called and finish is Finish.STOP else finish
