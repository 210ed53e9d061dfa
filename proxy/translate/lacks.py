"""A dialect's table of what it has no words for, looked up: hints are left out and named, the rest is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec.json import Decoder

from proxy.core.conversation import Conversation, Params
from proxy.core.translation import Undecodable, Untranslatable
from proxy.wire.typedjson import decoded

_UNSAID = (None, "", ())


class Hint(NamedTuple):
    """May be left out; `why` it is, for who reads the table."""

    why: str


class Refused(NamedTuple):
    """Leaving it out would change what the request means; `message` tells the client what to do instead."""

    message: str
    capability: str = ""


class Lacks(dict[str, Hint | Refused]):
    """The rows, by the names of parameters and other members, and by names of the dialect's own.

    Attributes:
        params: Those that are parameters.
        hints: Those of them that are hints.
    """

    def __init__(self, **rows: Hint | Refused) -> None:
        super().__init__(rows)
        self.params = tuple([name for name in self if name in Params.__struct_fields__])
        self.hints = tuple([name for name in self.params if isinstance(self[name], Hint)])

    def refused(self, name: str, param: str | None, capability: str = "") -> Untranslatable:
        """Make the refusal of this row.

        Args:
            param: What the client wrote.
            capability: The one that is missing, where it is not always the row's.
        """
        row = self[name]
        assert isinstance(row, Refused), name
        return Untranslatable(row.message, param=param, capability=capability or row.capability)

    def leave_out(self, conversation: Conversation, own: frozenset[str]) -> list[str]:
        """Name what is left out of a request: parameters of the table, and members that the hub has no place for.

        Args:
            own: Members that the dialect takes from clients of any other.

        Raises:
            Untranslatable: A parameter cannot be left out.
        """
        params, names = conversation.params, self.params
        asked = [name for name in names if (value := getattr(params, name)) not in _UNSAID and _is_asked(name, value)]
        for name in asked:
            if isinstance(self[name], Refused):
                raise self.refused(name, name)
        return asked + [name for name in conversation.rest if name not in own] if conversation.rest else asked

    def own_members(self, conversation: Conversation, decoders: Mapping[str, Decoder[Any]]) -> dict[str, Any]:
        """Read the dialect's own members that a client of any other wrote, for its upstream.

        Raises:
            Untranslatable: One is not what the dialect takes, by the row `own_member`.
        """
        own: dict[str, Any] = {}
        for name, decoder in decoders.items():
            if (written := conversation.rest.get(name)) is not None:
                try:
                    own[name] = decoded(decoder, bytes(written))
                except Undecodable as exc:
                    raise self.refused("own_member", name) from exc
        return own

    def refuse_more_than_a_text(self, params: Params) -> None:
        """Refuse several answers, and answers that are no text, by the rows `choices` and `modalities`.

        Raises:
            Untranslatable: Such are asked for.
        """
        if params.n is not None and params.n > 1:
            raise self.refused("choices", "n")
        if params.modalities not in ((), ("text",)):
            raise self.refused("modalities", "modalities", "audio" if "audio" in params.modalities else "")


# Rows of several dialects.
NOTHING_KEPT = Hint("nothing is kept of an answer in another dialect")
ASSISTANT_IMAGE = Refused("This provider does not take images in the assistant's own messages.", "images")
FOREIGN_FILE = Refused("This provider cannot read a file that another vendor keeps; send the file's data.")
NO_SCHEMA = Refused("The schema is not a JSON object.")
NO_SUCH_TOOL = Refused("No tool has the name that tool_choice asks for.")


def _is_asked(name: str, value: object) -> bool:
    match name:
        case "n":
            return value != 1
        case "modalities":
            return value != ("text",)
        case "seed":
            return True
        case "parallel_tool_calls":
            return value is False
        case "service_tier":
            return value not in ("auto", "default")  # that is what happens anyhow
        case _:
            return bool(value)
