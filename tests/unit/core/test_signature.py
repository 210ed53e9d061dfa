"""A signature survives a client of another dialect, and goes back only where it came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.conversation import Signature, Vendor
from proxy.core.signature import fits, opened, sealed


@given(st.sampled_from(Vendor), st.text("0123456789abcdef", min_size=1), st.text())
def test_sealed_signature_is_read_back_whatever_dialect_the_client_speaks(
    vendor: Vendor, account: str, value: str
) -> None:
    signature = Signature(vendor, account, value)
    assert opened(sealed(signature), Vendor.OPENAI) == signature


def test_signature_of_an_unknown_account_goes_as_the_vendor_wrote_it() -> None:
    assert sealed(Signature(Vendor.ANTHROPIC, "", "c2ln")) == "c2ln"


@pytest.mark.parametrize("text", ["c2ln", "^f.", "^f.anthropic.abc", "^f.nobody.abc.def", ""])
def test_text_that_was_not_sealed_is_of_the_client_s_own_vendor(text: str) -> None:
    assert opened(text, Vendor.ANTHROPIC) == Signature(Vendor.ANTHROPIC, "", text)


@pytest.mark.parametrize(
    ("signature", "is_fit"),
    [
        pytest.param(Signature(Vendor.ANTHROPIC, "a", "s"), True, id="same-account"),
        pytest.param(Signature(Vendor.ANTHROPIC, "", "s"), True, id="unknown-account"),
        pytest.param(Signature(Vendor.ANTHROPIC, "b", "s"), False, id="another-account"),
        pytest.param(Signature(Vendor.GOOGLE, "a", "s"), False, id="another-vendor"),
        pytest.param(None, False, id="none"),
    ],
)
def test_signature_fits_its_own_vendor_and_account_alone(signature: Signature | None, is_fit: bool) -> None:
    assert fits(signature, Vendor.ANTHROPIC, "a") is is_fit


def test_signature_does_not_show_itself() -> None:
    assert "c2ln" not in repr(Signature(Vendor.ANTHROPIC, "a", "c2ln"))
