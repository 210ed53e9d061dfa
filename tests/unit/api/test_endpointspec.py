"""The table of endpoints."""

from __future__ import annotations

import pytest

from proxy.api.endpointspec import BY_PATH, ENDPOINTS, STREAMING
from proxy.core.call import Operation


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        pytest.param("/chat/completions", Operation.CHAT, id="chat"),
        pytest.param("/completions", Operation.COMPLETIONS, id="completions"),
        pytest.param("/embeddings", Operation.EMBEDDINGS, id="embeddings"),
        pytest.param("/moderations", Operation.MODERATIONS, id="moderations"),
    ],
)
@pytest.mark.parametrize("prefix", ["/v1", "", "/openai/v1", "/openai"])
def test_endpoint_is_found_below_each_prefix(prefix: str, path: str, operation: Operation) -> None:
    assert BY_PATH[prefix + path].operation is operation


def test_table_has_no_other_paths() -> None:
    assert len(BY_PATH) == 4 * 4


def test_every_operation_has_an_endpoint_with_a_name_of_its_own() -> None:
    assert {endpoint.operation for endpoint in ENDPOINTS.values()} == set(Operation)
    assert len({endpoint.name for endpoint in ENDPOINTS.values()}) == len(ENDPOINTS)


def test_every_endpoint_may_be_repeated_and_forwards_no_query() -> None:
    assert all(endpoint.repeatable and not endpoint.query for endpoint in ENDPOINTS.values())


def test_chat_and_completions_are_what_streams() -> None:
    assert frozenset({Operation.CHAT, Operation.COMPLETIONS}) == STREAMING
