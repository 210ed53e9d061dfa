"""What a dialect offers to whoever translates: the shape of its functions, and what they are told and give.

Each dialect of `translate` decodes its own JSON to `core.conversation` and encodes it from there: requests, whole
answers and streams. `providers.dialects` puts them in one table. Nothing here knows a vendor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Raw, Struct

from proxy.core.capabilities import Capabilities
from proxy.core.conversation import NOTHING
from proxy.core.streamparts import StreamPart


class Untranslatable(ValueError):
    """The request means something that this upstream cannot do, and leaving it out would change its meaning.

    Attributes:
        message: For the client, in plain words: what cannot be done and what to do instead. Quotes no content.
        param: The member at fault, in OpenAI's path notation (`messages[2].content[0]`, `tools`); None = unknown.
        capability: The capability of `core.snapshot.Capabilities` that is missing ("tools", "images", "audio",
            "json_schema"); "" where none of them is it.
    """

    def __init__(self, message: str, *, param: str | None = None, capability: str = "") -> None:
        super().__init__(message)
        self.message, self.param, self.capability = message, param, capability


class Undecodable(ValueError):
    """A request or an answer is not what its dialect says. The text says where, never what."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message, self.param = message, param


class Target(Struct, frozen=True, eq=False):
    """Whom a request is encoded for.

    Attributes:
        model: The upstream model's name, as configured.
        account: Tells the account that signatures come from: a digest, never a name.
        host: Where the family's models are served: "" = by the vendor itself, else "vertex", "bedrock", "azure".
        capabilities: What is known of the model.
        extensions: Members beside the dialect's own that this upstream takes; each dialect says which names it knows.
    """

    model: str
    account: str
    host: str = ""
    capabilities: Capabilities = Capabilities()
    extensions: frozenset[str] = frozenset()


class Encoded(Struct, frozen=True, eq=False):
    """A request body, and what was left out of it: top-level names of the client's dialect, for a header.

    Attributes:
        betas: What the vendor's beta header must name for this body (Anthropic).
    """

    body: bytes
    dropped: tuple[str, ...] = ()
    betas: tuple[str, ...] = ()


class Envelope(Struct, frozen=True, eq=False):
    """What an answer says of itself to the client.

    Attributes:
        request_id: Ours, `req_` and hex: ids that the upstream did not give are made from it.
        model: The name the answer is to carry.
        created_s: Unix time.
        include_usage: A stream is to end with usage, where the dialect leaves that to the client.
        account: As in `Target`: whose signatures these are.
        echo: Members of the client's request that the answer is to repeat, raw.
        namespaces: The namespace and the name of tools that the client groups, by the names that the upstream got.
    """

    request_id: str
    model: str
    created_s: int
    include_usage: bool = False
    account: str = ""
    echo: Mapping[str, Raw] = NOTHING
    namespaces: Mapping[str, tuple[str, str]] | None = None


class StreamDecoder(Protocol):
    """One upstream stream. `feed` takes the data of one event, as the dialect's framing cuts it.

    Attributes:
        done: The dialect's own terminator was seen; nothing after it counts.
    """

    done: bool

    def feed(self, name: str, data: bytes) -> list[StreamPart]:
        """Decode one event.

        Args:
            name: The event's type where the framing carries one beside the data (AWS event streams); else "".

        Raises:
            Undecodable: It is not JSON, or not of this dialect: broken.
        """
        ...

    def finish(self) -> list[StreamPart]:
        """The body ended cleanly. Give what was held; a `Finished` only if the dialect ends by its end alone."""
        ...


class StreamEncoder(Protocol):
    """One downstream stream. Gives framed bytes; b"" where a part has no place in the dialect."""

    def feed(self, part: StreamPart) -> bytes: ...

    def finish(self) -> bytes:
        """Close the stream: the last events with the terminator, which is held back until the ledger has the record."""
        ...


class ErrorReply(Struct, frozen=True, eq=False):
    """An error in OpenAI's words, to be written in the client's dialect."""

    status: int
    message: str
    type: str
    code: str | None = None
    param: str | None = None
    request_id: str = ""
