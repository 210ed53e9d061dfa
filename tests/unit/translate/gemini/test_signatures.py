"""Signatures as `thoughtSignature`: base64 for the SDKs, with their origin for us."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode

import pytest

from proxy.core.conversation import Signature, Vendor
from proxy.translate.gemini.signatures import SKIP, seal, unseal

GOOGLE = Signature(Vendor.GOOGLE, "acct", "CrIC+/8=")
CLAUDE = Signature(Vendor.ANTHROPIC, "other", "Eq.oB?ß>")


def through_an_sdk(value: str) -> str:
    """Decode and encode again, as `google.genai.types.Part` does with bytes."""
    return urlsafe_b64encode(b64decode(value)).decode()


@pytest.mark.parametrize("signature", [GOOGLE, CLAUDE], ids=["google", "another-vendor"])
@pytest.mark.parametrize("redacted", [False, True])
def test_a_signature_comes_back_through_an_sdk_with_its_origin(signature: Signature, redacted: bool) -> None:
    sealed = seal(signature, redacted=redacted)
    assert sealed is not None
    assert unseal(through_an_sdk(sealed)) == (signature, redacted)
    assert unseal(sealed.rstrip("=")) == (signature, redacted)


def test_a_signature_of_an_unknown_account_goes_as_google_wrote_it() -> None:
    assert seal(Signature(Vendor.GOOGLE, "", "CrIC")) == "CrIC"


def test_no_signature_is_none() -> None:
    assert seal(None) is None


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("CrIC+/8=", id="googles-own"),
        pytest.param("XmYuZ", id="cut-base64"),
        pytest.param("XmYu////", id="not-text"),
        pytest.param("XmYuc29tZXRoaW5n", id="not-ours"),
        pytest.param("aGlkZGVu", id="nothing-hidden"),
    ],
)
def test_what_is_no_seal_is_googles_own(value: str) -> None:
    assert unseal(value) == (Signature(Vendor.GOOGLE, "", value), False)


def test_the_stand_in_is_base64_of_the_documented_words() -> None:
    assert b64decode(SKIP) == b"skip_thought_signature_validator"
