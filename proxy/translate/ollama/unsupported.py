"""What Ollama cannot be asked for, and what becomes of it."""

from __future__ import annotations

from proxy.translate.lacks import Hint, Lacks, Refused

UNSUPPORTED = Lacks(
    metadata=Hint("Ollama keeps none"),
    parallel_tool_calls=Hint("the model decides"),
    prompt_cache_key=Hint("Ollama caches by itself"),
    service_tier=Hint("Ollama has one"),
    user=Hint("Ollama does not tell users apart"),
    verbosity=Hint("Ollama has no such word"),
    audio=Refused("Ollama takes and gives no audio.", "audio"),
    choices=Refused("Ollama gives one answer to a request: leave out `n` or set it to 1."),
    modalities=Refused("Ollama answers in text: leave out `modalities`."),
    custom_tool=Refused(
        "Ollama's tools are functions: describe the custom tool as a function with one string argument.", "tools"
    ),
    document=Refused("Ollama reads no files: send their text instead."),
    formless=Refused(
        "A prompt is sent as a chat here: leave out `raw`, `suffix`, `template` and `context`, or ask at "
        "`/v1/completions`."
    ),
    image_url=Refused("Ollama takes images only as data in the request, not by URL or by a file's id.", "images"),
    tool_choice=Refused("Ollama cannot be made to call a tool: set `tool_choice` to `auto` or `none`."),
    token_input=Refused("Ollama embeds text, not tokens."),
)
refused = UNSUPPORTED.refused
