"""One client request, after the edge has read, authenticated and bounded it.

`Call` and `Needs` are msgspec structs: made for every request, they cost a tenth of a frozen dataclass of that size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Raw, Struct

from proxy.core.form import Form
from proxy.core.snapshot import ClientKey

Headers = tuple[tuple[bytes, bytes], ...]


class Operation(StrEnum):
    """What a client asks for, whatever the dialect. OpenTelemetry's `gen_ai.operation.name` follows from it."""

    __hash__ = str.__hash__  # Enum's own is a Python function, called for every look-up

    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    MODERATIONS = "moderations"
    COUNT_TOKENS = "count_tokens"
    RERANK = "rerank"
    IMAGES = "images"
    IMAGE_EDITS = "image_edits"
    IMAGE_VARIATIONS = "image_variations"
    SPEECH = "speech"
    TRANSCRIPTIONS = "transcriptions"
    TRANSLATIONS = "translations"
    FILES = "files"
    BATCHES = "batches"
    REALTIME = "realtime"


GENERATING = frozenset({Operation.CHAT, Operation.COMPLETIONS})  # what generates text, and may be streamed
# They belong to a provider's account and not to a model.
OF_ACCOUNTS = frozenset({Operation.FILES, Operation.BATCHES})
# What they use cannot be told from what is sent: it is known where the upstream reports it, and never estimated.
UNMETERED = OF_ACCOUNTS | {
    Operation.IMAGES,
    Operation.IMAGE_EDITS,
    Operation.IMAGE_VARIATIONS,
    Operation.SPEECH,
    Operation.TRANSCRIPTIONS,
    Operation.TRANSLATIONS,
    Operation.REALTIME,
}


class Dialect(StrEnum):
    """The JSON that an endpoint or an upstream speaks."""

    __hash__ = str.__hash__  # as above

    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSES = "openai_responses"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    BEDROCK = "bedrock"
    OLLAMA = "ollama"
    OLLAMA_PROMPT = "ollama_prompt"  # of its older endpoints, which no upstream is asked at
    COHERE = "cohere"
    PASSED = "passed"  # what passes as it came: only its model, its usage and its errors are read here


class Takes(StrEnum):
    """What an endpoint is sent."""

    __hash__ = str.__hash__  # as above

    JSON = "json"
    FORM = "form"  # multipart/form-data that names a model, or JSON
    RESOURCE = "resource"  # by the method: nothing, JSON or a file; it names no model
    TUNNEL = "tunnel"  # a WebSocket's handshake


class Gives(StrEnum):
    """What an endpoint answers."""

    __hash__ = str.__hash__  # as above

    JSON = "json"  # or events
    TEXT = "text"  # JSON, text or events, as the request asks
    BYTES = "bytes"  # from the first one on, as they come


POST_ALONE = frozenset({b"POST"})


@dataclass(frozen=True, slots=True, eq=False)
class EndpointSpec:
    """A row of the endpoint table.

    Attributes:
        name: The metric label.
        repeatable: The request may be sent again once an upstream may have begun it.
        query: Names of query parameters that may reach an upstream.
        streams: What it answers where the request does not say; None = it never streams.
        array: A stream is one JSON array instead of events.
        methods: What it may be asked by.
    """

    name: str
    operation: Operation
    dialect: Dialect = Dialect.OPENAI_CHAT
    repeatable: bool = True
    query: frozenset[str] = frozenset()
    streams: bool | None = None
    array: bool = False
    takes: Takes = Takes.JSON
    gives: Gives = Gives.JSON
    methods: frozenset[bytes] = POST_ALONE


class Needs(Struct, frozen=True, gc=False):
    """What the request needs of a model; decides which candidates stay in the plan.

    Only what some candidate lacks is looked for (`core.snapshot.Scale`); the rest stays as it is here.

    Attributes:
        is_cut: The upstream is asked to cut what is too long.
    """

    tools: bool = False
    images: bool = False
    image_urls: bool = False
    audio: bool = False
    json_schema: bool = False
    input_tokens: int = 0  # estimate
    is_cut: bool = False


class Call(Struct, frozen=True, eq=False):
    """A request on its way through the gateway.

    Attributes:
        body: The client's bytes, after decompression; never changed, rebuilt from for every attempt.
        fields: The body's top-level members, each as raw JSON bytes, in the client's order.
        model: The public name that the client sent; None when it named none.
        include_usage: The client itself asked for a usage chunk.
        headers: Client headers that may reach an upstream, names in lower case.
        arrived_s: Monotonic seconds.
        deadline_s: Seconds from arrival to commit (to the whole answer when not streaming).
        pinned_provider: `x-fairlead-provider`.
        repeatable: It may be sent again once an upstream may have begun it.
        method: As the client used it.
        path: Of a resource: what follows the operation's own path.
        content_type: Of a body that passes as it came.
        form: The parts of the body, where it is a form.
    """

    request_id: str
    endpoint: EndpointSpec
    body: bytes
    fields: Mapping[str, Raw]
    model: str | None
    stream: bool
    include_usage: bool
    headers: Headers
    query: tuple[tuple[str, str], ...]
    key: ClientKey | None
    arrived_s: float
    deadline_s: float
    needs: Needs = Needs()
    max_tokens: int | None = None
    pinned_provider: str | None = None
    failover: bool = True
    tags: tuple[str, ...] = ()
    repeatable: bool = True
    method: str = "POST"
    path: str = ""
    content_type: bytes = b""
    form: Form | None = None

    def __repr__(self) -> str:
        return f"Call({self.request_id}, {self.endpoint.name}, {len(self.body)} bytes)"  # never what a client sent
