"""What Ollama cannot be asked for, and what becomes of it."""

from __future__ import annotations

from proxy.core.translation import Untranslatable

# Hints, named as in `Params`: left out and told. Everything else: the message of the refusal.
UNSUPPORTED = {
    "metadata": "Ollama keeps none",
    "parallel_tool_calls": "the model decides",
    "prompt_cache_key": "Ollama caches by itself",
    "service_tier": "Ollama has one",
    "user": "Ollama does not tell users apart",
    "verbosity": "Ollama has no such word",
    "audio": "Ollama takes and gives no audio.",
    "choices": "Ollama gives one answer to a request: leave out `n` or set it to 1.",
    "output": "Ollama answers in text: leave out `modalities`.",
    "custom_tool": "Ollama's tools are functions: describe the custom tool as a function with one string argument.",
    "document": "Ollama reads no files: send their text instead.",
    "formless": "A prompt is sent as a chat here: leave out `raw`, `suffix`, `template` and `context`, or ask at "
    "`/v1/completions`.",
    "image_url": "Ollama takes images only as data in the request, not by URL or by a file's id.",
    "tool_choice": "Ollama cannot be made to call a tool: set `tool_choice` to `auto` or `none`.",
    "token_input": "Ollama embeds text, not tokens.",
}


def refused(name: str, param: str, capability: str = "") -> Untranslatable:
    """Make the refusal of something semantic that `UNSUPPORTED` names."""
    return Untranslatable(UNSUPPORTED[name], param=param, capability=capability)
