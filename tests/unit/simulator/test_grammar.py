"""The words of behaviours, read and refused."""

from __future__ import annotations

from dataclasses import fields

import pytest

from proxy.simulator.behaviour import (
    ALWAYS,
    NORMAL,
    Behaviour,
    Cause,
    Coding,
    Condition,
    Fault,
    RecoveryForm,
    UsageReport,
    Vendor,
)
from proxy.simulator.grammar import CLAUSES, Clause, PhraseError, behaviours_text, parse_phrase, phrase_of


@pytest.mark.parametrize(
    ("text", "behaviour", "condition"),
    [
        pytest.param("ok", NORMAL, ALWAYS, id="plain"),
        pytest.param("429", Behaviour(status=429), ALWAYS, id="status-alone"),
        pytest.param(
            "429-retry-after-7.5",
            Behaviour(status=429, form=RecoveryForm.RETRY_AFTER, recovery="7.5"),
            ALWAYS,
            id="recovery-keeps-its-spelling",
        ),
        pytest.param(
            "rate-limit-as-groq-retry-7-every-4",
            Behaviour(cause=Cause.RATE_LIMIT, vendor=Vendor.GROQ, form=RecoveryForm.VENDOR, recovery="7"),
            Condition(every=4),
            id="longest-clause-wins",
        ),
        pytest.param(
            "server-error-first-1", Behaviour(cause=Cause.SERVER), Condition(first=1), id="clauses-that-share-words"
        ),
        pytest.param("cut-after-5", Behaviour(fault=Fault.CUT, position=5), ALWAYS, id="number"),
        pytest.param("broken-line", Behaviour(fault=Fault.BROKEN_LINE, position=2), ALWAYS, id="number-left-out"),
        pytest.param(
            "slow-drip-no-usage",
            Behaviour(by_character=True, tokens_per_s=1.0, usage=UsageReport.NONE),
            ALWAYS,
            id="clause-after-a-number-left-out",
        ),
        pytest.param("html-200", Behaviour(fault=Fault.HTML, status=200), ALWAYS, id="status-after-a-clause"),
        pytest.param(
            "gzip-think-0.5-for-10", Behaviour(coding=Coding.GZIP, think_s=0.5), Condition(for_s=10.0), id="any-order"
        ),
    ],
)
def test_phrase_gives_its_behaviour(text: str, behaviour: Behaviour, condition: Condition) -> None:
    assert parse_phrase(text) == (behaviour, condition)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "no behaviour is called ''", id="empty"),
        pytest.param("nonsense-7", "no behaviour is called 'nonsense-7'", id="unknown"),
        pytest.param("cut-after", "'cut-after' needs a number: cut-after-N", id="number-missing"),
        pytest.param("cut-after-five", "'cut-after' needs a number", id="number-in-words"),
        pytest.param("tokens-1.5", "takes a whole number", id="not-whole"),
        pytest.param("huge-101", "from 1 to 100, not 101", id="too-large"),
        pytest.param("rate-0", "from 0.01 to 10000, not 0", id="too-small"),
        pytest.param("silent-html", "'html' contradicts", id="two-faults"),
        pytest.param("rate-limit-quota", "'quota' contradicts", id="two-causes"),
        pytest.param("ok-199", "no behaviour is called '199'", id="status-out-of-bounds"),
    ],
)
def test_phrase_that_cannot_be_read_says_why(text: str, said: str) -> None:
    with pytest.raises(PhraseError) as caught:
        parse_phrase(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("model", "phrase"),
    [
        pytest.param("sim-ok", "ok", id="bare"),
        pytest.param("vendor/family/sim-429", "429", id="prefixed"),
        pytest.param("gpt-4o", None, id="other-model"),
        pytest.param("my-sim-ok", None, id="sim-in-the-middle"),
    ],
)
def test_model_name_may_hold_a_phrase(model: str, phrase: str | None) -> None:
    assert phrase_of(model) == phrase


@pytest.mark.parametrize("clause", [pytest.param(clause, id=clause.words) for clause in CLAUSES])
def test_every_clause_can_be_read_and_sets_real_fields(clause: Clause) -> None:
    number = "" if clause.argument is None else f"-{max(1, clause.argument.minimum):g}"
    parse_phrase(clause.words + number)
    known = {field.name for kind in (Behaviour, Condition) for field in fields(kind)}
    assert {*clause.sets, *([clause.argument.field] if clause.argument else [])} <= known


def test_every_cause_form_vendor_and_fault_has_a_clause() -> None:
    words = {clause.words for clause in CLAUSES}
    faults = {clause.sets.get("fault", Fault.NONE) for clause in CLAUSES}
    assert words >= {*Cause, *RecoveryForm, *(f"as-{vendor}" for vendor in Vendor)}
    assert faults == set(Fault)


def test_list_for_the_terminal_names_every_clause_once() -> None:
    lines = behaviours_text().splitlines()
    assert [line.split()[0] for line in lines] == ["<status>", *(clause.shown for clause in CLAUSES)]
