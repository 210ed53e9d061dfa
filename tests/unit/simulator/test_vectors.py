"""Embeddings and moderations."""

from __future__ import annotations

import base64
import math
import struct

import pytest

from proxy.core.errors import MalformedRequest
from proxy.simulator.request import EmbeddingRequest, ModerationRequest
from proxy.simulator.vectors import DEFAULT_DIMENSIONS, embeddings, moderations


def _vectors(request: EmbeddingRequest) -> list[list[float]]:
    document, _ = embeddings(request, "m")
    return [row["embedding"] for row in document["data"]]


def test_equal_inputs_have_equal_vectors_of_length_one() -> None:
    first, second, other = _vectors(EmbeddingRequest(input=["a", "a", "b"]))
    assert first == second != other
    assert len(first) == DEFAULT_DIMENSIONS
    assert math.isclose(sum(value * value for value in first), 1.0, abs_tol=1e-5)


def test_base64_holds_the_same_numbers() -> None:
    request = EmbeddingRequest(input="a", dimensions=3, encoding_format="base64")
    document, _ = embeddings(request, "m")
    coded = base64.b64decode(document["data"][0]["embedding"])
    assert list(struct.unpack("<3f", coded)) == _vectors(EmbeddingRequest(input="a", dimensions=3))[0]


def test_usage_counts_the_inputs() -> None:
    document, usage = embeddings(EmbeddingRequest(input=["one two", "three"]), "m")
    assert usage.prompt_tokens == 3
    assert document["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        pytest.param(EmbeddingRequest(), "input", id="no-input"),
        pytest.param(EmbeddingRequest(input="a", dimensions=0), "dimensions", id="no-dimensions"),
        pytest.param(EmbeddingRequest(input="a", dimensions=4_097), "dimensions", id="too-many-dimensions"),
        pytest.param(EmbeddingRequest(input=["a"] * 2_049), "input", id="too-many-inputs"),
    ],
)
def test_embedding_out_of_bounds_is_refused(request_: EmbeddingRequest, param: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        embeddings(request_, "m")
    assert caught.value.param == param


def test_moderation_flags_the_marked_input_only() -> None:
    document = moderations(ModerationRequest(input=["fine", "please simulate-flagged this"]), "m", 1)
    fine, flagged = document["results"]
    assert (fine["flagged"], flagged["flagged"]) == (False, True)
    assert not any(fine["categories"].values())
    assert [name for name, hit in flagged["categories"].items() if hit] == ["harassment"]
    assert flagged["category_scores"]["harassment"] > 0.5 > fine["category_scores"]["harassment"]
