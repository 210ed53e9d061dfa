"""The names that may be labels of `dropped_params_total`."""

from __future__ import annotations

import pytest

from proxy.core.conversation import Params
from proxy.telemetry.params import PARAMS
from proxy.translate.anthropic.unsupported import UNSUPPORTED
from proxy.translate.lacks import Hint
from proxy.wire.headers import is_name

HINTS = [name for name, row in UNSUPPORTED.items() if isinstance(row, Hint)]

# Parameters of the hub that clients write under another name.
_OTHER_NAMES = {"stop": "stop_sequences", "user": "metadata", "sealed": "include"}


@pytest.mark.parametrize("name", [*Params.__struct_fields__, *HINTS])
def test_what_dialects_leave_out_has_a_label(name: str) -> None:
    assert name in PARAMS or _OTHER_NAMES[name] in PARAMS


def test_labels_are_a_bounded_list_of_plain_names() -> None:
    assert len(PARAMS) < 200
    assert all(is_name(name.encode()) for name in PARAMS)
