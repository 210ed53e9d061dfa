"""Models that a request names beside its own: hosted tools and other members that have one work for the answer.

Read off the client's bytes in any dialect, for keys that are limited to certain models alone; never decides which of
them a key may use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TypeAlias

from proxy.core.call import Call
from proxy.core.errors import MalformedRequest

# Members that name a model; lists are left out. Tools stand inside tools, plugins and the input too; wherever they do,
# they are read as the request's own.
_PATHS = (
    # Anthropic's advisor (anthropic 2.11.0 types/beta/beta_advisor_tool_20260301_param.py), OpenAI's image_generation
    # (openai 3.51.0 types/responses/tool_param.py), read 2026-11-21.
    "tools.model",
    "tools.svg.model",
    # OpenAI: types/image_generate_params.py, types/responses/response_create_params.py, read 2026-11-21.
    "svg.model",
    "moderation.model",
    # OpenRouter's advisor, fusion, subagent and image_generation, its plugins, its presets, which may hold all these.
    # Source: openrouter 1.3.84 components/, https://openrouter.ai/docs/guides/features/presets; Perplexity's presets:
    # perplexityai 0.46.1 types/response_create_params.py, read 2026-11-21.
    "tools.parameters.model",
    "tools.parameters.analysis_models",
    "plugins.model",
    "plugins.analysis_models",
    "plugins.judge_model",
    "preset",
    # Groq: groq 1.7.0 types/chat/completion_create_params.py, read 2026-11-21.
    "compound_custom.models.answering_model",
    "compound_custom.models.reasoning_model",
    # Google: google-genai 3.4.0 types.py, read 2026-11-21.
    "generation_config.routing_config.manual_mode.model_name",
    "tools.retrieval.vertex_rag_store.rag_retrieval_config.ranking.llm_ranker.model_name",
    "tools.retrieval.vertex_rag_store.rag_retrieval_config.ranking.rank_service.model_name",
    # NanoGPT: https://docs.nano-gpt.com/api-reference/miscellaneous/advisor, read 2026-11-21.
    "advisor.model",
)
# OpenRouter's tools that have models of its own choice work, or of the model's, where their parameters name none.
# Source: https://openrouter.ai/docs/guides/features/server-tools/{advisor,fusion}, read 2026-11-21.
_CHOOSING = {"openrouter:advisor": "model", "openrouter:fusion": "analysis_models"}
# Of these most requests consist, and in them nothing names a model.
USUAL = frozenset(
    {
        *(
            "model",
            "messages",
            "stream",
            "stream_options",
            "temperature",
            "top_p",
            "max_tokens",
            "max_completion_tokens",
        ),
        *(
            "stop",
            "n",
            "seed",
            "user",
            "response_format",
            "reasoning_effort",
            "system",
            "thinking",
            "metadata",
            "store",
        ),
        *("presence_penalty", "frequency_penalty", "tool_choice", "parallel_tool_calls", "instructions", "prompt"),
    }
)
MOST_NAMED = 64  # OpenRouter's fusion takes 8
_TOOLS, _TYPE, _INPUT = "tools", "tools.type", "input"
_TOOLS_INSIDE = re.compile(rb'"[tT][oO][oO][lL]')  # so begins each member of that name, unless it is written in escapes
_ESCAPE = b"\\u00"

_Object: TypeAlias = tuple[tuple[str, object], ...]


def _plain(name: str) -> str:
    """Fold what servers may take for the same name: case, and Google's two spellings."""
    return name.casefold().replace("_", "")


_NAMING = frozenset({_plain(path) for path in _PATHS})
_KNOWN = _NAMING | {_INPUT} | {path[: dot.start()] for path in _NAMING for dot in re.finditer(r"\.", path)}


def named_models(call: Call) -> list[tuple[str, str]]:
    """Find the models that a request names beside its own, and where: `tools[0].model`.

    A tool that has a model of its vendor's choice work counts as if its own type were that model's name.

    Raises:
        MalformedRequest: A member that may name one cannot be read, or they are more than any request needs.
    """
    found = list[tuple[str, str]]()
    if call.fields.keys() <= USUAL and call.form is None:
        return found
    for member, value in call.fields.items():
        head = _plain(member)
        if head not in _KNOWN or (head == _INPUT and not _may_hold_tools(bytes(value))):
            continue
        try:
            # Pairs instead of a mapping: what is written twice is looked at twice.
            found += _named(json.loads(bytes(value), object_pairs_hook=tuple), head, member)
        except (ValueError, RecursionError) as exc:
            raise MalformedRequest(f"'{member}' cannot be read.", param=member) from exc
    if call.form is not None:
        for part in call.form.parts:
            if _plain(part.name.replace("[", ".").removesuffix("]")) in _NAMING:
                found.append((part.name, call.body[part.value : part.end].decode("utf-8", "replace")))
    if len(found) > MOST_NAMED:
        raise MalformedRequest(f"A request may name at most {MOST_NAMED} models beside its own.")
    return found


def _may_hold_tools(text: bytes) -> bool:
    """Tell an input, which may be large, that holds no tools without reading it."""
    return _ESCAPE in text or _TOOLS_INSIDE.search(text) is not None


def _named(value: object, path: str, place: str) -> Iterator[tuple[str, str]]:
    """Give place and name of each model that a value names. Objects are tuples of pairs."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _named(item, path, f"{place}[{number}]")
    elif isinstance(value, tuple):
        for name, inner in value:
            below = f"{path}.{_plain(name)}"
            if below.endswith(f".{_TOOLS}"):
                below = _TOOLS
            if below in _KNOWN:
                yield from _named(inner, below, f"{place}.{name}")
            elif below == _TYPE and isinstance(inner, str) and inner in _CHOOSING and _chooses(value, inner):
                yield f"{place}.{name}", inner
    elif path in _NAMING and isinstance(value, str) and value:
        yield place, value


def _chooses(tool: _Object, kind: str) -> bool:
    """Tell whether a tool of a choosing type names nobody itself."""
    settings = [inner for name, inner in tool if _plain(name) == "parameters" and isinstance(inner, tuple)]
    return not any(inner for within in settings for name, inner in within if _plain(name) == _plain(_CHOOSING[kind]))
