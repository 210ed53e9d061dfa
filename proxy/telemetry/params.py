"""The names of members and headers that may be a metric's label: clients make names up, and each would be a series.

Those of the five dialects that clients speak, as their SDKs declare them. Source: openai 3.51.0, anthropic 2.11.0,
google-genai 3.4.0, ollama 0.6.3, read 2026-11-20.
"""

from __future__ import annotations

_OPENAI_CHAT = """
    audio detail frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens metadata
    modalities moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options
    prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store
    stream_options strict temperature tool_choice tools top_logprobs top_p user verbosity web_search_options
"""
_OPENAI_RESPONSES = """
    background client_metadata context_management conversation include instructions max_output_tokens
    max_tool_calls previous_response_id prompt reasoning text truncation
"""
_OPENAI_OTHERS = "best_of dimensions echo encoding_format input_type suffix"
_ANTHROPIC = """
    cache_control container context_management inference_geo mcp_servers output_config output_format speed
    stop_sequences system thinking top_k
"""
_GEMINI = """
    cachedContent generationConfig labels safetySettings serviceTier store systemInstruction thinkingConfig toolConfig
    autoTruncate mimeType outputDimensionality taskType title
"""
_OLLAMA = "format keep_alive options raw template think truncate"
_HOSTS = """
    citation_options documents guardrailConfig performanceConfig repetition_penalty min_p plugins provider
    safety_mode transforms
"""
_HEADERS = "anthropic-beta openai-beta"

PARAMS = frozenset(
    " ".join((_OPENAI_CHAT, _OPENAI_RESPONSES, _OPENAI_OTHERS, _ANTHROPIC, _GEMINI, _OLLAMA, _HOSTS, _HEADERS)).split()
)
