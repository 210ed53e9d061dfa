from __future__ import annotations

from proxy.core.health import credential_name


def test_a_credentials_name_may_hold_the_mark_before_its_fingerprint() -> None:
    assert credential_name("team#a#0011aabb") == "team#a"


def test_a_target_without_a_credential_has_no_name() -> None:
    assert credential_name("") is None
