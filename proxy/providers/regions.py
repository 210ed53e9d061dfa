"""Where the clouds answer that have an address for each region: base URLs from a region's or a location's name."""

from __future__ import annotations

import re

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_GLOBAL = "global"
# The first that the region begins with.
_AWS_DOMAINS: tuple[tuple[str, str], ...] = (
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("", "amazonaws.com"),
)
_VERTEX_MULTI_REGIONS = frozenset({"us", "eu"})


def is_region(name: str) -> bool:
    """Whether this may stand in a host's name."""
    return _NAME.fullmatch(name) is not None


def vertex_url(location: str) -> str:
    """Source: google-genai 3.4.0 google/genai/_api_client.py, read 2026-11-20."""
    if location == _GLOBAL:
        return "https://aiplatform.googleapis.com"
    if location in _VERTEX_MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def bedrock_url(region: str) -> str:
    """Give the address that answers; another one lists models.

    Source: botocore 1.44.5 botocore/data/partitions.json, read 2026-11-20.
    """
    domain = next(domain for prefix, domain in _AWS_DOMAINS if region.startswith(prefix))
    return f"https://bedrock-runtime.{region}.{domain}"
