from __future__ import annotations

from datetime import date

import pytest

from proxy.settings.interpolate import STAND_IN, Fault, FaultKind, interpolate

ENVIRON = {"A": "one", "EMPTY": "", "TRICK": "${A}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain", "plain", id="no-reference"),
        pytest.param("${A}", "one", id="variable"),
        pytest.param("x-${A}-${A}", "x-one-one", id="inside-text"),
        pytest.param("${B:-two}", "two", id="default-where-unset"),
        pytest.param("${EMPTY:-two}", "two", id="default-where-empty"),
        pytest.param("${A:-two}", "one", id="default-unused"),
        pytest.param("${B:-}", "", id="empty-default"),
        pytest.param("${EMPTY}", "", id="empty-variable"),
        pytest.param("${TRICK}", "${A}", id="values-are-not-looked-into"),
        pytest.param("$${A}", "${A}", id="literal"),
        pytest.param("$A {port} $", "$A {port} $", id="other-dollars-and-braces"),
    ],
)
def test_references_in_a_string_are_replaced(text: str, expected: str) -> None:
    assert interpolate(text, ENVIRON) == (expected, [])


def test_tables_and_lists_are_walked() -> None:
    value = {"a": ["${A}", 1, True], "b": {"c": "${A}"}, "d": date(2026, 1, 1)}
    assert interpolate(value, ENVIRON) == ({"a": ["one", 1, True], "b": {"c": "one"}, "d": date(2026, 1, 1)}, [])


def test_the_value_given_is_not_changed() -> None:
    value = {"a": ["${A}"]}
    interpolate(value, ENVIRON)
    assert value == {"a": ["${A}"]}


def test_env_suffix_names_a_variable() -> None:
    assert interpolate({"api_key_env": "A"}, ENVIRON) == ({"api_key": "one"}, [])


def test_pass_env_is_a_key_of_its_own() -> None:
    assert interpolate({"pass_env": "A"}, ENVIRON) == ({"pass_env": "A"}, [])


def test_env_suffix_with_another_type_is_left_for_the_schema_to_refuse() -> None:
    assert interpolate({"api_key_env": 3}, ENVIRON) == ({"api_key_env": 3}, [])


@pytest.mark.parametrize(
    ("value", "left", "fault"),
    [
        pytest.param({"k": "${B}"}, {}, Fault(("p", "k"), FaultKind.UNSET, "B"), id="unset-in-table"),
        pytest.param({"k": "x${B}"}, {}, Fault(("p", "k"), FaultKind.UNSET, "B"), id="unset-inside-text"),
        pytest.param({"k_env": "B"}, {}, Fault(("p", "k_env"), FaultKind.UNSET, "B"), id="unset-by-suffix"),
        pytest.param(["${B}", "x"], [STAND_IN, "x"], Fault(("p", 0), FaultKind.UNSET, "B"), id="unset-in-list"),
        pytest.param({"k": "$B"}, {}, Fault(("p", "k"), FaultKind.FOREIGN), id="a-shells-form"),
        pytest.param({"k": "%B%"}, {}, Fault(("p", "k"), FaultKind.FOREIGN), id="the-form-of-windows"),
        pytest.param({"k": "os.environ/B"}, {}, Fault(("p", "k"), FaultKind.FOREIGN), id="another-gateways-form"),
        pytest.param({"k": "${A"}, {}, Fault(("p", "k"), FaultKind.MALFORMED), id="unclosed"),
        pytest.param({"k": "${1A}"}, {}, Fault(("p", "k"), FaultKind.MALFORMED), id="no-name"),
        pytest.param({"k": "${A-x}"}, {}, Fault(("p", "k"), FaultKind.MALFORMED), id="another-shell-form"),
        pytest.param({"k": "v", "k_env": "A"}, {"k": "v"}, Fault(("p", "k_env"), FaultKind.TWICE), id="both-forms"),
    ],
)
def test_what_cannot_be_replaced_is_left_out_and_told(value: object, left: object, fault: Fault) -> None:
    assert interpolate(value, ENVIRON, ("p",)) == (left, [fault])


def test_all_faults_are_told() -> None:
    _, faults = interpolate({"a": "${X}${Y}", "b": "${Z}"}, {})
    assert [fault.variable for fault in faults] == ["X", "Y", "Z"]
