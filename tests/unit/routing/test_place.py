from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.core.localprocess import LocalProcess
from proxy.core.secret import Secret
from proxy.core.snapshot import Credential, Provider
from proxy.routing.place import MARK_DIGITS, has_moved, has_new_key, is_meant, mark_of, present_id
from tests.unit.routing.build import candidate, model, provider, snapshot

ONE = provider("one", keys=2)
KEY = ONE.credentials[0].id


@pytest.mark.parametrize(
    ("after", "moved"),
    [
        pytest.param(provider("one"), False, id="the-same"),
        pytest.param(provider("one", priority=7), False, id="another-place-in-the-order"),
        pytest.param(provider("one", keys=2), False, id="another-key"),
        pytest.param(Provider("one", "openai", "https://two.test"), True, id="another-address"),
        pytest.param(provider("one", kind="azure"), True, id="another-kind"),
        pytest.param(replace(provider("one"), api_version="2"), True, id="another-version"),
    ],
)
def test_provider_that_is_asked_elsewhere_or_otherwise_has_moved(after: Provider, moved: bool) -> None:
    assert has_moved(provider("one"), after) is moved


@pytest.mark.parametrize(
    ("now", "meant"),
    [
        pytest.param(provider("one"), True, id="the-same"),
        pytest.param(provider("one", keys=0), False, id="without-its-key"),
        pytest.param(provider("one", kind="azure"), False, id="moved"),
        pytest.param(provider("two"), False, id="deleted"),
    ],
)
def test_outcome_tells_of_what_is_configured_still(now: Provider, meant: bool) -> None:
    before = provider("one")
    assert is_meant(before, before.credentials[0].id, snapshot(model(candidate(now)))) is meant


def test_outcome_without_a_credential_tells_of_its_provider() -> None:
    before = provider("one", keys=0)
    assert is_meant(before, "", snapshot(model(candidate(provider("one")))))


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        pytest.param(1, 1, False, id="the-same"),
        pytest.param(1, 2, True, id="one-more"),
        pytest.param(2, 1, False, id="one-less"),
        pytest.param(0, 1, True, id="the-first"),
    ],
)
def test_key_that_was_not_there_is_new(before: int, after: int, new: bool) -> None:
    assert has_new_key(provider("one", keys=before), provider("one", keys=after)) is new


def test_keys_that_change_places_are_not_new_and_have_each_others_names() -> None:
    turned = replace(ONE, credentials=tuple(Credential(f"k{n}", Secret(f"one-{3 - n}")) for n in (1, 2)))
    assert not has_new_key(ONE, turned)
    now = [present_id(turned, key.id) for key in ONE.credentials]
    assert now == [key.id for key in reversed(turned.credentials)]


def test_key_that_is_named_as_before_or_is_gone_has_no_other_name() -> None:
    twice = replace(ONE, credentials=(ONE.credentials[0], Credential("k3", ONE.credentials[0].secret)))
    for key in (*ONE.credentials, *twice.credentials):
        assert present_id(twice, key.id) == key.id
    assert present_id(ONE, "") == ""


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(ONE, base_url="https://two.test"), id="address"),
        pytest.param(replace(ONE, headers=(("authorization", "another"),)), id="header"),
        pytest.param(replace(ONE, proxy_url=Secret("http://u:another@proxy.test")), id="proxy"),
        pytest.param(replace(ONE, process=LocalProcess("serve", env=(("KEY", Secret("another")),))), id="process"),
        pytest.param(provider("one", keys=1), id="keys"),
    ],
)
def test_mark_changes_with_what_is_asked_and_with_every_secret(other: Provider) -> None:
    former = replace(
        ONE,
        headers=(("authorization", "one"),) if other.headers else (),
        proxy_url=Secret("http://u:one@proxy.test") if other.proxy_url else None,
        process=LocalProcess("serve", env=(("KEY", Secret("one")),)) if other.process else None,
    )
    assert mark_of(other, "") != mark_of(former, "")
    assert len(mark_of(other, "")) == MARK_DIGITS


def test_mark_of_one_key_has_nothing_to_do_with_the_others_or_the_order_of_providers() -> None:
    assert mark_of(ONE, KEY) == mark_of(provider("one", priority=7), KEY)


def test_own_simulator_on_another_port_is_the_same() -> None:
    ours = replace(ONE, kind="simulator")
    assert mark_of(ours, "") == mark_of(replace(ours, base_url="http://127.0.0.1:1"), "")
