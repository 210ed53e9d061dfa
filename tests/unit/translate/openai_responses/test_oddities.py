"""What an upstream says beside its answer that is not of the form of the hub: left out, never a fault."""

from __future__ import annotations

import pytest
from msgspec import Raw

from proxy.apischema.openai_responses import Part
from proxy.core.conversation import Native, Vendor
from proxy.translate.openai_responses.citations import KIND, read_citations, written_citations
from proxy.translate.openai_responses.logprobs import delta_tokens, item_tokens

ODD = [b"null", b"[null]", b'"x"', b"{}", b'[{"type":1}]', b"[" * 5_000]


@pytest.mark.parametrize("value", ODD)
def test_odd_citations_are_none(value: bytes) -> None:
    assert written_citations(Native(Vendor.OPENAI, KIND, Raw(value))) == []
    assert read_citations([Part("output_text", annotations=[Raw(value)])], 0) is None


@pytest.mark.parametrize("value", [b'"x"', b'{"content":1}', b'{"content":[{"token":"a"}]}', b"[" * 5_000])
def test_odd_log_probabilities_are_none(value: bytes) -> None:
    assert delta_tokens(Raw(value)) == item_tokens(Raw(value)) == []
