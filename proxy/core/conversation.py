"""The hub that every dialect decodes to and encodes from: a frozen superset of OpenAI chat.

A request is a `Conversation`, a whole answer an `Answer`, a stream a row of `core.streamparts`. Values only: what a
vendor can say and another cannot is kept as `Native` for its own family, and what nobody else understands stays raw.
JSON that Fairlead does not interpret (schemas, tool arguments) is carried as its text.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Raw, Struct

from proxy.core.usage import Usage

NOTHING: Mapping[str, Raw] = {}


class Vendor(StrEnum):
    """Whose signatures, blocks and file ids only its own family understands, whichever host serves its models."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"
    AMAZON = "amazon"
    OLLAMA = "ollama"
    COHERE = "cohere"


class Role(StrEnum):
    """Tool results are `ToolResult` parts of a USER message, whatever the dialect calls their sender."""

    SYSTEM = "system"
    DEVELOPER = "developer"  # only OpenAI tells it from SYSTEM
    USER = "user"
    ASSISTANT = "assistant"


class Finish(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    ERROR = "error"  # the model's own fault, such as a malformed tool call


class Effort(StrEnum):
    """How much a model is to reason."""

    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


# The parts of a message. Each is one class; `Part` is their union.


class CacheMark(Struct, frozen=True, gc=False):
    """The prompt up to and with this part is to be cached. `ttl`: "5m" or "1h"; "" leaves it to the vendor."""

    ttl: str = ""


class Signature(Struct, frozen=True, gc=False):
    """A vendor's seal on what its model said: encoded only for the vendor and the account it came from.

    Attributes:
        account: `Target.account` of whoever made it; "" where the client's dialect is the vendor's own, which has no
            room to tell: then it goes to any account of that vendor.
        value: Opaque, as the vendor wrote it.
    """

    vendor: Vendor
    account: str
    value: str

    def __repr__(self) -> str:
        return f"Signature({self.vendor})"


class Inline(Struct, frozen=True, gc=False):
    """Bytes in the request itself. `data` is base64 without line breaks."""

    media_type: str
    data: str


class Link(Struct, frozen=True, gc=False):
    """`media_type` where the client says it."""

    url: str  # http, https or a vendor's own scheme (gs://, s3://); never data:
    media_type: str = ""


class FileRef(Struct, frozen=True, gc=False):
    """A file that a vendor keeps. `media_type` where it is known."""

    vendor: Vendor
    id: str
    media_type: str = ""


Source = Inline | Link | FileRef


class Text(Struct, frozen=True, gc=False):
    """`phase`: "commentary" or "final_answer", where OpenAI Responses tells them apart: it wants to hear it again."""

    text: str
    cache: CacheMark | None = None
    signature: Signature | None = None  # Gemini may sign any part
    phase: str = ""


class Image(Struct, frozen=True, gc=False):
    source: Source
    detail: str = ""  # OpenAI's "auto", "low", "high"
    cache: CacheMark | None = None


class Audio(Struct, frozen=True, gc=False):
    source: Source
    format: str = ""  # "wav", "mp3"


class Document(Struct, frozen=True, gc=False):
    """A file to read, mostly a PDF. `text`: its words where the source is plain text."""

    source: Source
    name: str = ""
    cache: CacheMark | None = None


class ToolCall(Struct, frozen=True, gc=False):
    """`arguments`: JSON text as the model wrote it, "" where it wrote none; it need not be valid.

    `namespace`: the group that the tool is of, where OpenAI Responses has such; never set towards another dialect.
    """

    id: str
    name: str
    arguments: str
    signature: Signature | None = None
    cache: CacheMark | None = None
    custom: bool = False  # a call of a `CustomTool`: `arguments` is free text
    namespace: str = ""


class ToolResult(Struct, frozen=True):
    """`name`: of the tool, where the dialect says it or the call is in the conversation; else "".

    `own`: the whole content as its own vendor has it, where the parts say less.
    """

    call_id: str
    parts: tuple[Text | Image | Document, ...]
    name: str = ""
    is_error: bool = False
    cache: CacheMark | None = None
    own: Native | None = None


class Thinking(Struct, frozen=True, gc=False):
    """Reasoning. `redacted`: the vendor hides it, and the signature holds it whole; then `text` is ""."""

    text: str
    signature: Signature | None = None
    redacted: bool = False


class Refusal(Struct, frozen=True, gc=False):
    text: str


class Native(Struct, frozen=True, gc=False):
    """A block only its own vendor understands (server tools, citations, search results): raw JSON, as it came."""

    vendor: Vendor
    kind: str  # the block's type in that vendor's words
    value: Raw


Part = Text | Image | Audio | Document | ToolCall | ToolResult | Thinking | Refusal | Native


class Message(Struct, frozen=True):
    """Empty `parts` are allowed; encoders merge and split messages as their vendor wants them."""

    role: Role
    parts: tuple[Part, ...]
    name: str = ""


# What a request asks for beside its messages.


class FunctionTool(Struct, frozen=True, gc=False):
    """`schema`: the parameters' JSON schema, raw; None where there is none. `own`: members that a vendor alone has."""

    name: str
    description: str = ""
    schema: Raw | None = None
    strict: bool | None = None
    cache: CacheMark | None = None
    own: Native | None = None


class CustomTool(Struct, frozen=True, gc=False):
    """Takes free text. `format`: OpenAI's grammar, raw."""

    name: str
    description: str = ""
    format: Raw | None = None


class NativeTool(Struct, frozen=True, gc=False):
    """A tool that its vendor runs itself, such as a web search: raw JSON."""

    vendor: Vendor
    kind: str
    value: Raw


Tool = FunctionTool | CustomTool | NativeTool


class ToolChoiceMode(StrEnum):
    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"
    NAMED = "named"  # the one tool in `names`


class ToolChoice(Struct, frozen=True, gc=False):
    """`names`: with NAMED the tool; with AUTO and REQUIRED those that may be called, empty = all."""

    mode: ToolChoiceMode
    names: tuple[str, ...] = ()


class JsonFormat(Struct, frozen=True, gc=False):
    """The answer is to be JSON. `schema` None = any object."""

    schema: Raw | None = None
    name: str = ""
    description: str = ""
    strict: bool | None = None


class Reasoning(Struct, frozen=True, gc=False):
    """How much to think; None = not said.

    Attributes:
        budget_tokens: An exact budget, as older Claude and Gemini 2.5 take it; 0 = off, -1 = the model decides.
        adaptive: The model decides by itself how much (`thinking: {type: "adaptive"}`).
        visible: The thoughts are wanted in the answer; None = not said.
        summary: OpenAI Responses' "auto", "concise", "detailed".
    """

    effort: Effort | None = None
    budget_tokens: int | None = None
    adaptive: bool = False
    visible: bool | None = None
    summary: str = ""


class Params(Struct, frozen=True):
    """None and empty = the client did not say. Ranges are the client's; encoders clamp to their vendor's."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    n: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    user: str = ""
    service_tier: str = ""  # OpenAI's words: auto, default, flex, priority
    verbosity: str = ""
    modalities: tuple[str, ...] = ()
    metadata: Mapping[str, str] | None = None
    parallel_tool_calls: bool | None = None
    prompt_cache_key: str = ""
    sealed: bool = False  # thoughts are wanted with what seals them, to be sent back


class Conversation(Struct, frozen=True):
    """A request to generate.

    Attributes:
        dialect_vendor: Whose dialect the client speaks: `rest` and every `Native` of that vendor go back to it as they
            are.
        messages: In order; system and developer messages stand where the client put them.
        rest: Top-level members that the decoder does not know or that have no place above, raw, under the client's
            names. An encoder for another vendor drops them and names them, or refuses where that would change meaning.
    """

    dialect_vendor: Vendor
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    format: JsonFormat | None = None
    reasoning: Reasoning = Reasoning()
    params: Params = Params()
    stream: bool = False
    rest: Mapping[str, Raw] = NOTHING


class Choice(Struct, frozen=True):
    """One answer of a model. `stop_sequence`: which one ended it. `logprobs`: OpenAI's object, raw."""

    parts: tuple[Part, ...]
    finish: Finish
    index: int = 0
    stop_sequence: str = ""
    logprobs: Raw | None = None


class Answer(Struct, frozen=True):
    """`id` and `model` are the upstream's own; "" where it names none. `created_s`: Unix time, 0 = it did not say."""

    choices: tuple[Choice, ...]
    id: str = ""
    model: str = ""
    created_s: int = 0
    usage: Usage | None = None
