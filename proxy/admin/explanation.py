"""How a model would be routed now, for an operator: the plan of a plain chat request, made as for a real one.

Calls the functions that serve traffic; claims nothing, counts nothing, sends nothing.
"""

from __future__ import annotations

import random

from proxy.core.call import Call, EndpointSpec, Operation
from proxy.core.errors import NotFound
from proxy.core.health import StateView
from proxy.core.snapshot import ClientKey, Snapshot
from proxy.routing.explain import explain
from proxy.routing.plan import plan
from proxy.routing.resolve import resolve

CHAT = EndpointSpec("chat", Operation.CHAT)


def explain_model(
    name: str, key: ClientKey | None, snapshot: Snapshot, view: StateView, now_s: float
) -> dict[str, object]:
    """Explain the routing of a chat request for this model.

    Args:
        key: Whose rights apply; None = no restriction.
        now_s: Monotonic seconds, the clock of `view`.

    Raises:
        UnknownModel: No such model, or the key may not call it.
    """
    call = Call(
        request_id="explain",
        endpoint=CHAT,
        body=b"",
        fields={},
        model=name,
        stream=False,
        include_usage=False,
        headers=(),
        query=(),
        key=key,
        arrived_s=now_s,
        deadline_s=snapshot.deadline_s,
    )
    # A fixed seed: an explanation shows the usual order, not the one request in twenty that explores.
    rng = random.Random(1)  # noqa: S311 # nothing secret
    return explain(plan(call, resolve(name, key, snapshot), snapshot, view, now_s, rng), view, now_s)


def key_named(name: str | None, snapshot: Snapshot) -> ClientKey | None:
    """Find a client key by its name, of the file or of the database; None finds none, which restricts nothing.

    Raises:
        NotFound: No key has this name, or it was revoked.
    """
    if not name:
        return None
    auth = snapshot.auth
    keys = (*auth.keys.values(), *(row.key for row in auth.stored.values() if not row.revoked))
    for key in keys:
        if key.name == name:
            return key
    # Not repeated: it may be a key that was pasted in place of a name.
    known = ", ".join(sorted({key.name for key in keys})) or "none"
    raise NotFound(f"There is no client key of that name here. There is: {known}.", param="key")
