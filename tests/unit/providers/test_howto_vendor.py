"""The row and the fixtures of `docs/how-to/add-a-vendor.md`, run as they stand on the page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.core.call import Call, EndpointSpec, Operation
from proxy.core.failure import FailureKind
from proxy.core.secret import Secret
from proxy.core.snapshot import Candidate, Credential, Provider
from proxy.providers import kinds
from proxy.providers.adapter import build_as
from proxy.providers.kinds import Kind
from proxy.providers.signal import Window
from proxy.providers.signals import rows_of
from proxy.wire.jsonbody import split_object
from tests.unit.providers.fixtures import assert_as_expected, judge

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "add-a-vendor.md").read_text()
FIXTURES = dict(re.findall(r"`tests/golden/signals/cerebras/([\w-]+)\.json`\n\n```json\n(.*?)```", PAGE, re.DOTALL))


def _row() -> Kind:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    row = eval(source, {**vars(kinds), "FailureKind": FailureKind, "Window": Window})  # the page's own text
    assert isinstance(row, Kind)
    return row


ROW = _row()
PROVIDER = Provider("mine", ROW.name, str(ROW.base_url), credentials=(Credential("first", Secret("planted-key")),))


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in FIXTURES.items()])
def test_fixture_of_the_page_is_judged_as_expected(text: str) -> None:
    fixture: dict[str, Any] = json.loads(text)
    assert_as_expected(judge(PROVIDER, fixture, rows_of(ROW, PROVIDER)), fixture)


def test_page_has_fixtures_that_need_its_signals() -> None:
    rows = rows_of(ROW, PROVIDER)
    without = replace(rows, rows=rows.rows[len(ROW.signals) :])
    fixtures = [json.loads(text) for text in FIXTURES.values()]
    assert any(judge(PROVIDER, fixture, rows) != judge(PROVIDER, fixture, without) for fixture in fixtures)


def test_row_of_the_page_builds_requests() -> None:
    body = b'{"model":"public","messages":[],"logit_bias":{},"stream":true}'
    endpoint = EndpointSpec("chat", Operation.CHAT)
    call = Call("r", endpoint, body, split_object(body), "public", True, False, (), (), None, 0.0, 600.0)
    prepared = build_as(ROW, call, Candidate(PROVIDER, "gpt-oss-120b"), PROVIDER.credentials[0])
    assert prepared.request.url == "https://api.cerebras.ai/v1/chat/completions"
    assert prepared.dropped == ("logit_bias",)
    assert json.loads(prepared.request.body) == {
        "model": "gpt-oss-120b",
        "messages": [],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert (b"authorization", b"Bearer planted-key") in prepared.request.headers


def test_table_that_the_page_names_holds_the_kinds() -> None:
    (name,) = re.findall(r"^Add it to `(\w+)` in `proxy/providers/kinds\.py`", PAGE, re.MULTILINE)
    assert [row.name for row in vars(kinds)[name]] == list(kinds.KINDS)


def test_page_adds_a_kind_that_the_table_lacks() -> None:
    assert ROW.name not in kinds.KINDS
