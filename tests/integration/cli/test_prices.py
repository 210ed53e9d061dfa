"""`fairlead prices`: the list, and fetching from a server of our own."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from proxy.cli import pricefetch
from proxy.pricing.catalog import Catalog
from proxy.pricing.generate import installed
from tests.integration.cli.conftest import PLANTED, Fairlead

FILE = """
[server]
data_dir = "state"
[providers.main]
kind = "openai"
api_key = "planted-secret-0123456789"
cost_multiplier = 1.5
[providers.local]
kind = "vllm"
[models.chat]
candidates = [{ provider = "main", model = "gpt-4.1" }, { provider = "local", model = "own" }]
[models.long]
candidates = [{ provider = "main", model = "long" }]
[models."gpt-*"]
providers = ["main"]
[prices."main/long"]
input_usd_per_mtok = 1
output_usd_per_mtok = 2
request_usd = 0.01
[[prices."main/long".variants]]
above_tokens = 200_000
input_usd_per_mtok = 4
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fairlead.toml"
    path.write_text(FILE)
    return path


@contextmanager
def published(body: bytes, status: int = 200, coding: str = "identity") -> Iterator[str]:
    """A server that answers every request so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-encoding", coding)
            self.send_header("location", "http://127.0.0.1:1/")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/data.json"
        finally:
            server.shutdown()
            thread.join()


def test_list_names_source_tiers_multiplier_and_what_has_no_price(file: Path, fairlead: Fairlead) -> None:
    out = fairlead("prices", "list", "--config", file).out
    rows = {line.split()[1]: line.split() for line in out.splitlines() if line.strip().startswith(("main", "local"))}
    assert rows["gpt-4.1"][2:5] == ["2", "8", "0.5"]
    assert {"priority,", "fast,", "batch,", "searches"} <= set(rows["gpt-4.1"])
    assert "catalog" in rows["gpt-4.1"] and "1.5" in rows["gpt-4.1"]
    assert rows["long"][-1] == "configured" and "prompts," in rows["long"] and "requests" in rows["long"]
    assert rows["own"][-3:] == ["1", "no", "price"]
    assert rows["gpt-{*}"][-5:] == ["by", "the", "name", "asked", "for"]


def test_list_can_be_narrowed_and_is_json(file: Path, fairlead: Fairlead) -> None:
    listed = json.loads(fairlead("prices", "list", "-c", file, "--provider", "main", "--model", "long", "--json").out)
    assert listed["prices"] == [
        {
            "provider": "main",
            "model": "long",
            "multiplier": "1.5",
            "priced": True,
            "source": "configured",
            "request_usd": "0.01",
            "usd_per_mtok": {
                "input": {"usd_per_mtok": "1", "steps": [{"above_tokens": 200_000, "usd_per_mtok": "4"}]},
                "output": "2",
            },
            "tiers": {},
        }
    ]
    unpriced = json.loads(fairlead("prices", "list", "--config", file, "--provider", "local", "--json").out)["prices"]
    assert [(row["model"], row["priced"], row["source"]) for row in unpriced] == [("own", False, "no price")]


def test_a_model_that_no_row_names_can_be_asked_for(file: Path, fairlead: Fairlead) -> None:
    listed = json.loads(fairlead("prices", "list", "-c", file, "--provider", "main", "--model", "gpt-4o", "--json").out)
    (row,) = listed["prices"]
    assert row["usd_per_mtok"]["input"] == "2.5"


@pytest.mark.parametrize("more", [(), ("--model", "gpt-4o")], ids=["alone", "with-a-model"])
def test_prices_of_an_unknown_provider_are_refused(file: Path, fairlead: Fairlead, more: tuple[str, ...]) -> None:
    refused = fairlead("prices", "list", "-c", file, "--provider", "nobody", *more)
    assert (refused.code, refused.out, "nobody" in refused.err) == (2, "", True)


@pytest.mark.parametrize("zipped", [pytest.param(True, id="gzip"), pytest.param(False, id="plain")])
def test_update_fetches_prices_and_the_list_takes_them(
    file: Path, fairlead: Fairlead, tmp_path: Path, zipped: bool
) -> None:
    newer = json.loads(installed())
    model = next(m for v in newer if v["id"] == "openai" for m in v["models"] if m["id"] == "gpt-4.1")
    model["prices"]["input_mtok"] = 1.25
    body = json.dumps(newer).encode()
    with published(gzip.compress(body), coding="gzip") if zipped else published(body) as url:
        ended = fairlead("prices", "update", "--config", file, "--url", url)
    assert ended.code == 0, ended.err
    today = datetime.now(UTC).date().isoformat()
    assert today in ended.out and str(Path("state", "prices.json")) in ended.out
    assert Catalog((tmp_path / "state" / "prices.json").read_bytes()).check() > 2000
    out = fairlead("prices", "list", "--config", file).out
    assert f"catalog {today}" in out and " 1.25 " in out


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        pytest.param(b"<html></html>", 200, "not the prices", id="html"),
        pytest.param(b"[]", 200, "not the prices", id="no-model"),
        pytest.param(
            b'[{"id": "v", "models": [{"id": "m", "match": {"regex": "("}}]}]', 200, "not the prices", id="rule"
        ),
        pytest.param(
            b'[{"id": "openai", "models": [{"id": "m", "match": {"equals": "m"}}]}]', 200, "no prices of", id="few"
        ),
        pytest.param(b"", 404, "404 instead of", id="missing"),
        pytest.param(b"", 302, "302 instead of", id="redirect"),
    ],
)
def test_an_update_that_is_not_right_changes_nothing(
    file: Path, fairlead: Fairlead, tmp_path: Path, body: bytes, status: int, said: str
) -> None:
    kept = tmp_path / "state" / "prices.json"
    kept.parent.mkdir()
    kept.write_bytes(b"kept")
    with published(body, status) as url:
        ended = fairlead("prices", "update", "--config", file, "--url", url)
    assert (ended.code, kept.read_bytes()) == (2, b"kept")
    assert said in ended.err and "nothing was changed" in ended.err
    assert list(kept.parent.iterdir()) == [kept]


@pytest.mark.parametrize(
    ("body", "status"),
    [pytest.param(b"[]", 200, id="no-prices"), pytest.param(b"", 404, id="missing")],
)
def test_password_of_a_mirror_is_not_shown(file: Path, fairlead: Fairlead, body: bytes, status: int) -> None:
    with published(body, status) as url:
        ended = fairlead("prices", "update", "-c", file, "--url", url.replace("//", f"//me:{PLANTED}@"))
    assert ended.code == 2
    assert PLANTED not in ended.err


@pytest.mark.parametrize(
    "url",
    ["http://prices.example/data.json", "ftp://127.0.0.1/x", "https://[", "https://127.0.0.1:1/x"],
    ids=["no-tls", "another-scheme", "no-url", "nobody-there"],
)
def test_an_update_comes_by_https_from_somewhere(file: Path, fairlead: Fairlead, url: str) -> None:
    ended = fairlead("prices", "update", "--config", file, "--url", url)
    assert ended.code == 2
    assert url in ended.err


def test_more_than_prices_can_be_is_not_read(file: Path, fairlead: Fairlead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricefetch, "LARGEST_BYTES", 1000)
    with published(b"[" + b" " * 5000) as url:
        ended = fairlead("prices", "update", "--config", file, "--url", url)
    assert (ended.code, "more than 1000 bytes" in ended.err) == (2, True)


def test_a_folder_that_cannot_be_written_is_named(file: Path, fairlead: Fairlead, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with published(installed()) as url:
        ended = fairlead("prices", "update", "--config", file, "--url", url)
    assert ended.code == 2
    assert "prices.json: cannot be written" in ended.err
