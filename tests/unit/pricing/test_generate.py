"""`make prices`."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

from proxy.pricing.generate import main

NOVEMBER, DECEMBER = date(2026, 11, 20), date(2026, 12, 24)


def test_a_new_catalogue_has_the_day_of_its_making_or_the_one_that_is_given(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    main([str(path)], NOVEMBER)
    assert json.loads(path.read_bytes())["date"] == "2026-11-20"
    main([str(path), "2026-11-10"], NOVEMBER)
    made = json.loads(path.read_bytes())
    assert made["date"] == "2026-11-10"
    assert made["source"].startswith("genai-prices ")


def test_a_catalogue_whose_prices_are_unchanged_keeps_its_day(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    main([str(path)], NOVEMBER)
    before = path.read_bytes()
    main([str(path)], DECEMBER)
    assert path.read_bytes() == before
    path.write_bytes(before.replace(b'"fallbacks":[]', b'"fallbacks":["openai"]', 1))
    main([str(path)], DECEMBER)
    assert path.read_bytes() == before.replace(b"2026-11-20", b"2026-12-24", 1)


def test_it_is_a_command(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    command = [sys.executable, "-m", "proxy.pricing.generate", str(path), "2026-11-10"]
    subprocess.run(command, check=True, timeout=20)
    assert json.loads(path.read_bytes())["date"] == "2026-11-10"
