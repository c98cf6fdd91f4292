"""Who is measured when, and what a run prints and keeps."""

import io
import json
import platform
import re
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from rich.console import Console

from benchmarks import CORES, bench, figures
from benchmarks.figures import Job
from benchmarks.ways import AT_ONCE
from tests.helpers import ROOT


def test_each_job_of_a_round_meets_the_machine_once_in_turn() -> None:
    """A, B, C, A, B, C, until the time is up; the slow ones twice."""
    jobs = [
        Job("cost", "pool", 45, "gate"),
        Job("generation", "serial", 45, "timer"),
        Job("generation", "queue", 45, "timer"),
        Job("generation", "threads", 45, "timer"),
        Job("floor", "pool", 45, "timer"),
    ]
    ran = []
    now = 0.0

    def take(job: Job) -> dict[str, Any]:
        nonlocal now
        now += 1.5 if job.way == "serial" else 0.5
        ran.append(job.way)
        if job.way == "threads":
            return {"left_out": "refused"}
        return {"seconds": now, "processor": 0.5}

    entries = bench.collect(jobs, 10, take, lambda _: None, clock=lambda: now)
    again = ["queue", "pool"] * 4
    first = ["pool", "serial", "queue", "threads", "pool"]
    assert ran == [*first, "serial", *again, "queue"]
    assert entries[2]["seconds"] == [2.5, 5.5, 6.5, 7.5, 8.5, 9.5]
    assert entries[3]["left_out"] == "refused"
    assert [entry["kind"] for entry in entries] == [job.kind for job in jobs]


def test_a_measurement_is_a_process_that_may_fail() -> None:
    found = bench.measure(Job("generation", "pool", 45, "none"))
    assert set(found) == {"seconds", "processor"}
    no_board = Job("generation", "pool", 46, "none")
    assert bench.measure(no_board) == {"left_out": "KeyError: 46"}
    with patch.object(bench, "LIMIT", 0.01):
        assert bench.measure(no_board) == {"left_out": "took more than 0 s"}


def test_the_tables_fit_80_columns_and_have_every_figure() -> None:
    found: dict[str, Any] = {"machine": {}, "entries": []}
    for name in "results.json", "executors.json":
        text = (ROOT / "benchmarks" / name).read_text()
        found["entries"] += json.loads(text)["entries"]
    out = io.StringIO()
    bench.report(found, Console(width=80, file=out))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    cells = [re.split("  +", line.strip()) for line in lines]
    for row in figures.executor_rows(found):
        assert row in cells
    for wait in bench.WAITS:
        for size in figures.sizes_of(found):
            for row in figures.rows(found, size, wait):
                assert list(filter(None, row)) in cells


def test_a_run_keeps_its_figures_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the figures are; the measuring itself is played here."""

    def play(job: Job) -> dict[str, Any]:
        if job.way == "pool":
            return {"left_out": "refused"}
        return {"seconds": 1.0, "processor": 0.5}

    with patch.multiple(bench, QUICK_BUDGET=0, measure=play):
        bench.main([str(tmp_path / "mine.json"), "--quick"])
    results = json.loads((tmp_path / "mine.json").read_text())
    assert results["machine"]["python"].endswith(platform.python_version())
    assert results["machine"]["cores"] == CORES
    jobs, computed = figures.plan(bench.QUICK_SIZES)
    assert len(results["entries"]) == len(jobs) + len(computed)
    text = capsys.readouterr().out
    assert all(f" {way} " in text for way in AT_ONCE)
    assert "pool, 45 cells, generation (timer): refused" in text


def test_a_missing_folder_is_refused_before_anything_is_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with patch.object(bench, "measure"), pytest.raises(SystemExit):
        bench.main(["none/mine.json", "--quick"])
    assert "there is no folder none: make it" in capsys.readouterr().err
