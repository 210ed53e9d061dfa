"""What upstream models cannot do, and how much they read: hand-kept tables beside the catalogue of prices.

Rows hold what is certain, and what they do not name is allowed: a wrong row refuses requests that would have been
served, a missing one costs an attempt at most. They hold only for a vendor's own models by the vendor's own names;
what an operator calls a deployment, or serves under any address of its own, is known to nobody here.

Sources, read 2026-11-20, by the marks in the rows:
[OpenAI] developers.openai.com/api/docs/models/gpt-3.5-turbo and gpt-4o-audio-preview (modalities);
    reference.langchain.com ChatOpenAI.withStructuredOutput (json_schema from gpt-4o-2024-08-06 and gpt-4o-mini on).
[AWS] docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html.
[Table] model_prices_and_context_window of litellm 1.109.1: no host of such a model is listed with the ability, or the
    vendor's own row denies it.
[Issues] github.com: BerriAI/litellm 10313 and truefoundry/models 608 (Gemma 3: neither tools nor schemas),
    chatboxai/chatbox 3554 and rikkahub/rikkahub 1433 (DeepSeek: text alone).
[SDKs] ai-sdk.dev/v4/providers (Grok 3 takes no images); anthropic 2.11.0 types/anthropic_beta_param.py (context-1m).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from proxy.core.call import Dialect, Operation
from proxy.core.capabilities import UNKNOWN, Capabilities
from proxy.core.snapshot import Provider
from proxy.pricing.catalog import Catalog
from proxy.providers.kinds import KINDS, Kind
from proxy.translate.claude import generation

_EVERYTHING = ("tools", "images", "audio", "json_schema")
_MEDIA = ("images", "audio")

# What no request in a vendor's dialect can say, whatever the model. Source: the dialects' encoders, which refuse it.
DIALECTS: dict[Dialect, tuple[str, ...]] = {
    Dialect.ANTHROPIC: ("audio",),
    Dialect.BEDROCK: ("image_urls",),
    Dialect.COHERE: ("audio",),
    Dialect.OLLAMA: ("audio", "image_urls"),
}


class Lack(NamedTuple):
    """Models that lack something. `names`: a pattern searched for in a name in lower case; every row that fits counts.

    Attributes:
        kinds: Who must serve it; empty = any of `NAMED`.
    """

    names: str
    lacks: tuple[str, ...]
    kinds: tuple[str, ...] = ()


# Their models have names of the vendor's own. Not azure: its names are those of deployments.
NAMED = frozenset(
    "openai openrouter fireworks qwen groq mistral deepseek xai together anthropic gemini vertex bedrock cohere "
    "perplexity".split()
)
_HOSTS = ("openrouter", "fireworks", "qwen", "groq", "mistral", "deepseek", "together", "bedrock")
_OPENAI = ("openai",)
_GOOGLE = ("gemini", "vertex")
_CLAUDE = ("anthropic", "vertex", "bedrock")
_HEAD = r"(?:^|[/.])"  # of a name, after its maker's

LACKS: tuple[Lack, ...] = (
    # [OpenAI], [Table]
    Lack(r"^(?:ft:)?gpt-3\.5", (*_MEDIA, "json_schema"), _OPENAI),
    Lack(r"^(?:ft:)?gpt-4(?:-(?:0\d{3}|32k|1106-preview|turbo-preview).*)?(?::|$)", (*_MEDIA, "json_schema"), _OPENAI),
    Lack(r"^gpt-4-(?:turbo(?:-\d.*)?|(?:1106-)?vision-preview)$", ("audio", "json_schema"), _OPENAI),
    Lack(r"^gpt-4o-2024-05-13$", ("json_schema",), _OPENAI),
    Lack(
        r"^(?:ft:)?(?:chatgpt-4o|gpt-4o|gpt-4\.1|gpt-5|o[134])(?!.*(?:audio|realtime|transcribe))", ("audio",), _OPENAI
    ),
    Lack(r"^gpt-4o-(?:mini-)?audio", ("images",), _OPENAI),
    Lack(r"^gpt-audio", ("images", "json_schema"), _OPENAI),
    Lack(r"^o3-mini", ("images",), _OPENAI),
    # [Table], [Issues]
    Lack(r"^deepseek-", ("audio",), ("deepseek",)),
    Lack(r"^deepseek-(?:chat|reasoner|v4-pro)", ("images",), ("deepseek",)),
    Lack(r"^gemma-3-", ("tools", "json_schema"), ("gemini",)),
    Lack(r"^gemini-.*-tts", _EVERYTHING, _GOOGLE),
    # [SDKs], [Table]
    Lack(r"^grok-(?:3|2-1212)", ("images",), ("xai",)),
    Lack(r"^(?:c4ai-aya-expanse|command(?:-light|-r.*|-a-03-2025)?$)", ("images",), ("cohere",)),
    Lack(r"^(?:open-mistral|open-mixtral|mistral-tiny)", _MEDIA, ("mistral",)),
    Lack(r"^pixtral", ("audio",), ("mistral",)),
    # Open weights that read text alone, wherever they are served. [Table]
    Lack(_HEAD + r"gpt-oss-", _MEDIA, _HOSTS),
    Lack(_HEAD + r"(?:meta-)?llama-?v?3[p.-]?(?:1-(?:8|70|405)b|2-[13]b|3-70b|-(?:8|70)b)", _MEDIA, _HOSTS),
    Lack(_HEAD + r"(?:qwen[\dp.]*-?coder|qwq)", _MEDIA, _HOSTS),
    Lack(_HEAD + r"deepseek-(?:r1|v3|chat-v3|v4-pro)", _MEDIA, _HOSTS),
    Lack(_HEAD + r"(?:mixtral-|mistral-7b|mistral-nemo|codestral)", _MEDIA, _HOSTS),
    Lack(_HEAD + r"(?:kimi-k2-(?:instruct|thinking)|glm-4[p.][56](?!v)|minimax-m2)", _MEDIA, _HOSTS),
    # [AWS]
    Lack(r"amazon\.nova-micro|ai21\.jamba-1-5|cohere\.command-r|claude-3-5-haiku", ("images",), ("bedrock",)),
    Lack(r"amazon\.titan-text|claude-(?:v2|instant)", ("tools", "images"), ("bedrock",)),
    # `DIALECTS` says so of Anthropic's own API; on hosts with more than one dialect it is the model that cannot.
    Lack(r"claude", ("audio",), _CLAUDE),
    Lack(r"claude-(?:2|instant)", ("tools", "images"), _CLAUDE),
)

# Where the catalogue's window is too small; None = not known. A beta header lengthens that of two Claudes. [SDKs]
# DeepSeek moves its names from model to model; the others are larger elsewhere. [Table]
WINDOWS: tuple[tuple[str, tuple[str, ...], int | None], ...] = (
    (r"claude-(?:sonnet-4|4-sonnet|4[.-]5-sonnet)(?![.-]?[6-9](?:\D|$))", _CLAUDE, 1_000_000),
    (r"^deepseek-(?:chat|reasoner)", ("deepseek",), None),
    (r"qwen3-coder-480b", ("bedrock",), None),
    (r"-tts", _GOOGLE, None),
)


def capabilities_of(provider: Provider, model: str, catalog: Catalog) -> Capabilities:
    """Say what is known of an upstream model at a provider. Too dear for every request.

    Args:
        model: The upstream name; a pattern's is known to nobody.
    """
    kind, name = KINDS[provider.kind], model.lower()
    lacks = set(_of_dialects(kind, model))
    if kind.name not in NAMED or not is_own(provider, kind):
        return Capabilities(**dict.fromkeys(lacks, False)) if lacks else UNKNOWN
    for row in LACKS:
        if kind.name in (row.kinds or NAMED) and re.search(row.names, name):
            lacks.update(row.lacks)
    longest: int | None = None
    if kind.name in _CLAUDE and "claude" in name:
        takes = generation(model)
        if not takes.json_schema:
            lacks.add("json_schema")
        else:  # limits of those before are not verified
            longest = takes.max_tokens
    return Capabilities(
        context_window_tokens=_window(kind, name, catalog),
        max_output_tokens=longest,
        **dict.fromkeys(lacks, False),
    )


def _of_dialects(kind: Kind, model: str) -> Iterator[str]:
    """Give what none of the dialects can say in which the model may be asked."""
    spoken = [api.dialect for api in kind.apis if api.serves(Operation.CHAT, model)]
    for need in DIALECTS.get(spoken[0], ()) if spoken else ():
        if all(need in DIALECTS.get(dialect, ()) for dialect in spoken):
            yield need


def is_own(provider: Provider, kind: Kind) -> bool:
    """Say whether the provider lies in the vendor's own domain; a kind without an address has no other."""
    if kind.base_url is None:
        return True
    domain = ".".join((urlsplit(kind.base_url).hostname or "").split(".")[-2:])
    host = urlsplit(provider.base_url).hostname or ""
    return host == domain or host.endswith(f".{domain}")


def _window(kind: Kind, name: str, catalog: Catalog) -> int | None:
    for names, kinds, window in WINDOWS:
        if kind.name in kinds and re.search(names, name):
            return window
    return catalog.window(kind.catalog, name)
