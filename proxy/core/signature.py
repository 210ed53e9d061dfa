"""A vendor's signature as text that a client of another dialect keeps and sends back: where it came from goes with it.

`^f.` + vendor + `.` + account + `.` + the vendor's own value. What has no such beginning is a client's own: of the
vendor whose dialect it speaks, from an account nobody knows. It begins with the rarest letter of JSON: a body without
one holds no seal, which is seen at once.
"""

from __future__ import annotations

from proxy.core.conversation import Signature, Vendor

SIGN = "^"
PREFIX = f"{SIGN}f."
_VENDORS = frozenset(Vendor)


def sealed(signature: Signature) -> str:
    """Write a signature with its origin; one whose account is unknown goes as the vendor wrote it."""
    if not signature.account:
        return signature.value
    return f"{PREFIX}{signature.vendor}.{signature.account}.{signature.value}"


def opened(text: str, vendor: Vendor) -> Signature:
    """Read back what `sealed` wrote.

    Args:
        vendor: Whose dialect the client speaks.
    """
    parts = text.split(".", 3)
    if text.startswith(PREFIX) and len(parts) == 4 and parts[1] in _VENDORS:
        return Signature(Vendor(parts[1]), parts[2], parts[3])
    return Signature(vendor, "", text)


def fits(signature: Signature | None, vendor: Vendor, account: str) -> bool:
    """Say whether a signature may be sent to this account of this vendor."""
    return signature is not None and signature.vendor is vendor and signature.account in ("", account)
