"""Who is left out of a plan and why, and what a request is told that nobody can ever serve."""

from __future__ import annotations

import pytest

from proxy.core.call import Call, Needs, Operation
from proxy.core.capabilities import Capabilities
from proxy.core.errors import BodyTooLarge, MalformedRequest
from proxy.core.failure import FailureKind, Scope
from proxy.core.health import StateView
from proxy.core.plan import OmitReason, Plan
from proxy.core.snapshot import Candidate, ClientKey, KeyLimits, Limits, Model
from proxy.routing.omit import refusal
from tests.unit.routing.build import (
    NOW_S,
    aside,
    call,
    candidate,
    half_open,
    model,
    names,
    planned,
    provider,
    reasons,
    set_aside,
    target,
)

A, B = candidate("a"), candidate("b")
R = OmitReason


@pytest.mark.parametrize(
    ("first", "state", "request_", "reason"),
    [
        pytest.param(candidate(provider("x", enabled=False)), None, call(), R.DISABLED, id="disabled"),
        pytest.param(candidate("x"), StateView(disabled={"x"}), call(), R.OPERATOR_DISABLED, id="by-the-operator"),
        pytest.param(
            candidate("x"), None, call(key=ClientKey("k", providers=("a*",))), R.NOT_PERMITTED, id="not-for-this-key"
        ),
        pytest.param(candidate("x"), None, call(pinned_provider="a"), R.NOT_PINNED, id="another-is-pinned"),
        pytest.param(
            candidate(provider("x", operations=frozenset({"embeddings"}))),
            None,
            call(),
            R.UNSUPPORTED,
            id="unsupported",
        ),
        pytest.param(
            candidate("x", capabilities=Capabilities(tools=False)),
            None,
            call(needs=Needs(tools=True)),
            R.LACKS_CAPABILITY,
            id="no-tools",
        ),
        pytest.param(
            candidate("x", capabilities=Capabilities(context_window_tokens=100)),
            None,
            call(needs=Needs(input_tokens=151)),
            R.LACKS_CAPABILITY,
            id="window-too-small",
        ),
        pytest.param(
            candidate("x", capabilities=Capabilities(image_urls=False)),
            None,
            call(needs=Needs(images=True, image_urls=True)),
            R.LACKS_CAPABILITY,
            id="no-images-by-url",
        ),
        pytest.param(candidate(provider("x", body_limit_bytes=1)), None, call(), R.BODY_TOO_LARGE, id="body-too-large"),
        pytest.param(
            candidate("x"), StateView(limit_free_s={"x": NOW_S + 3}), call(), R.LIMIT_REACHED, id="rate-limit-reached"
        ),
        pytest.param(
            candidate(provider("x", limits=Limits(parallel=2))),
            StateView(provider_in_flight={"x": 2}),
            call(),
            R.LIMIT_REACHED,
            id="parallel-limit-reached",
        ),
        pytest.param(candidate("x"), set_aside(candidate("x")), call(), R.SET_ASIDE, id="set-aside"),
        pytest.param(
            candidate("x"),
            StateView(asides={target(Scope.CANDIDATE, candidate("x")): half_open(claimed_s=NOW_S - 1)}),
            call(),
            R.HALF_OPEN_BUSY,
            id="being-probed",
        ),
    ],
)
def test_a_candidate_is_left_out_for_its_reason(
    first: Candidate, state: StateView | None, request_: Call, reason: OmitReason
) -> None:
    made = planned(model(first, A), state, request_)
    assert (names(made), reasons(made)) == (["a"], [("x", reason)])


@pytest.mark.parametrize(
    ("first", "request_"),
    [
        pytest.param(candidate("x", capabilities=Capabilities(tools=False)), call(), id="lacks-what-is-not-needed"),
        pytest.param(candidate("x"), call(needs=Needs(tools=True, images=True)), id="unknown-is-allowed"),
        pytest.param(
            candidate("x", capabilities=Capabilities(context_window_tokens=100)),
            call(needs=Needs(input_tokens=150)),
            id="an-estimate-a-little-too-large",
        ),
        pytest.param(candidate(provider("x", body_limit_bytes=2)), call(), id="a-body-just-small-enough"),
        pytest.param(candidate("x"), call(key=ClientKey("k", providers=("x", "a"))), id="permitted"),
        pytest.param(candidate("x", capabilities=Capabilities(tools=True)), call(needs=Needs(tools=True)), id="able"),
        pytest.param(
            candidate("x", capabilities=Capabilities(images=False)),
            call(needs=Needs(tools=True)),
            id="lacks-something-else",
        ),
        pytest.param(
            candidate("x", capabilities=Capabilities(context_window_tokens=100)),
            call(needs=Needs(input_tokens=900, is_cut=True)),
            id="the-upstream-is-to-cut-it",
        ),
    ],
)
def test_a_candidate_that_may_serve_stays(first: Candidate, request_: Call) -> None:
    assert names(planned(model(first, A), None, request_)) == ["x", "a"]


def test_a_pinned_provider_narrows_the_plan_to_one() -> None:
    assert names(planned(model(A, B), None, call(pinned_provider="b"))) == ["b"]


def test_a_candidates_own_capability_wins_over_its_models() -> None:
    able = candidate("b", capabilities=Capabilities(tools=True))
    of = model(A, able, capabilities=Capabilities(tools=False))
    assert names(planned(of, None, call(needs=Needs(tools=True)))) == ["b"]


def test_a_limit_that_is_over_no_longer_counts() -> None:
    assert names(planned(model(A), StateView(limit_free_s={"a": NOW_S}))) == ["a"]


def test_an_omission_says_why_and_until_when() -> None:
    stated = aside(FailureKind.RATE_LIMITED, 7, stated=True)
    made = planned(model(A, B), StateView(asides={target(Scope.CREDENTIAL_MODEL, A): stated}))
    found = made.omitted[0]
    assert (found.kind, found.recovers_s, found.stated) == (FailureKind.RATE_LIMITED, NOW_S + 7, True)


def test_a_window_is_for_one_text_not_for_a_list_of_them() -> None:
    small = candidate("x", capabilities=Capabilities(context_window_tokens=100))
    long = Needs(input_tokens=900)
    made = {operation: planned(model(small), None, call(operation, needs=long)) for operation in Operation}
    left_out = {operation for operation, plan in made.items() if not plan.candidates}
    assert left_out == {Operation.CHAT, Operation.COMPLETIONS} | {
        operation for operation in Operation if operation not in small.provider.operations
    }


# --- nobody can ever serve it ---


DAILY = KeyLimits(day_nusd=10)


@pytest.mark.parametrize(
    ("of", "request_", "status"),
    [
        pytest.param(model(A), call(pinned_provider="b"), 400, id="pinned-elsewhere"),
        pytest.param(model(candidate(provider("x", body_limit_bytes=1))), call(), 413, id="body-too-large"),
        pytest.param(model(A), call(key=ClientKey("k", limits=DAILY)), 400, id="unpriced-for-a-budget"),
    ],
)
def test_a_request_that_no_candidate_can_ever_serve_is_refused(of: Model, request_: Call, status: int) -> None:
    error = refusal(planned(of, None, request_))
    assert isinstance(error, MalformedRequest | BodyTooLarge) and error.status == status


def test_a_refusal_says_what_cannot_be_taken_and_what_to_do() -> None:
    blind = candidate("x", capabilities=Capabilities(images=False, json_schema=False))
    error = refusal(planned(model(blind), None, call(needs=Needs(images=True, json_schema=True))))
    assert error is not None
    assert error.message == (
        "No provider of the model 'm' can serve this request: it cannot take images, a JSON schema for its answer. "
        "Leave that out, or ask a model that can."
    )


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(planned(model(A, B), None, call(pinned_provider="a")), id="one-can"),
        pytest.param(planned(model(A), set_aside(A)), id="one-could-later"),
        pytest.param(planned(model()), id="there-are-none"),
        pytest.param(
            planned(
                model(candidate("x", capabilities=Capabilities(context_window_tokens=1))),
                None,
                call(needs=Needs(input_tokens=9)),
            ),
            id="too-long-has-its-own-answer",
        ),
    ],
)
def test_a_request_that_waiting_or_another_answer_helps_is_not_refused(made: Plan) -> None:
    assert refusal(made) is None
