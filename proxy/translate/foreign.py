"""What a client asks of its own vendor that no other has: context that is kept there, tools that run there.

Left out it would change what the request means, so it is refused, whichever dialect it is to be said in.

Source: anthropic SDK 2.11.0 types/beta/message_create_params.py (mcp_servers, container), google-genai SDK 3.4.0
google/genai/types.py (cachedContent), cohere 7.3.1 v2/raw_client.py (documents), openai 3.51.0
types/responses/response_create_params.py, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Mapping

from proxy.core.conversation import Conversation, Native, Role, Vendor
from proxy.core.translation import Untranslatable

EXTRAS = "extras"  # the kind of a `Native` that holds no block, but members of the part before it

# Members of `Conversation.rest`: what the client is told, and the capability that is missing.
ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "mcp_servers": ("This provider does not call MCP servers; leave mcp_servers out.", "tools"),
    "container": ("This provider has no containers; leave container out.", "tools"),
    "web_search_options": ("This provider does not search the web; leave web_search_options out.", "tools"),
    "cachedContent": ("This provider does not know this cached content; send it whole.", ""),
    "documents": ("This provider takes no documents beside the messages; send them in a message.", ""),
    "previous_response_id": ("This provider keeps no earlier answers; send the whole conversation.", ""),
    "conversation": ("This provider keeps no conversations; send the whole conversation.", ""),
    "prompt": ("This provider does not know this stored prompt; send its text.", ""),
}
_USER = Role.USER  # CPython 3.11 calls a Python function to get a member out of its enum
_WITH_BLOCKS = frozenset({Vendor.ANTHROPIC, Vendor.GOOGLE})  # in whose dialects users too send blocks of their own
_NOTHING = (b"null", b"[]")
_LONGEST = 64  # of a tool's name, in what is said of it


def refuse_foreign(conversation: Conversation, vendor: Vendor, own: frozenset[str] = frozenset()) -> None:
    """Refuse what only another vendor has.

    Args:
        vendor: Whose dialect the request is to be said in.
        own: Members that it takes from clients of any dialect.

    Raises:
        Untranslatable: There is such a thing.
    """
    if conversation.dialect_vendor is vendor:
        return
    for name in conversation.rest.keys() & ELSEWHERE.keys() if conversation.rest else ():
        if name not in own and bytes(conversation.rest[name]) not in _NOTHING:
            why, capability = ELSEWHERE[name]
            raise Untranslatable(why, param=name, capability=capability)
    if conversation.dialect_vendor in _WITH_BLOCKS:
        _refuse_blocks(conversation, vendor)


def foreign_tool(kind: str, where: str) -> Untranslatable:
    """Name the tool, since the programs that send it, as Codex does a web search, seldom say that they do."""
    return Untranslatable(
        f"The tool `{kind[:_LONGEST]}` is run by its own vendor, and this provider is another's: leave it out, or turn "
        "it off in the program that sends it.",
        param=where,
        capability="tools",
    )


def _refuse_blocks(conversation: Conversation, vendor: Vendor) -> None:
    """Look at what users say; what a model did with tools of its vendor's is of no use to others."""
    for message in conversation.messages:
        if message.role is _USER:
            for part in message.parts:
                if type(part) is Native and part.vendor is not vendor and part.kind != EXTRAS:
                    raise Untranslatable(
                        f"This provider cannot read a block of type {part.kind}; send what is in it as text or as a "
                        "file.",
                        param=_place(conversation, part),
                    )


def _place(conversation: Conversation, part: Native) -> str:
    at = next(n for n, message in enumerate(conversation.messages) if any(other is part for other in message.parts))
    place = next(n for n, other in enumerate(conversation.messages[at].parts) if other is part)
    return f"messages[{at}].content[{place}]"
