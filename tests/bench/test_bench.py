"""Who is measured when, and what a run prints and keeps."""

import io
import itertools
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import bench, figures
from benchmarks.figures import Job
from benchmarks.ways import AT_ONCE
from tests.helpers import ROOT


def test_each_job_of_a_round_meets_the_machine_once_in_turn() -> None:
    """A, B, C, A, B, C: until the time is up."""
    jobs, _ = figures.plan([45])
    ran = []
    now = 0.0

    def take(job: Job) -> dict[str, Any]:
        nonlocal now
        now += 1.5 if job.way == "serial" else 0.6
        ran.append(job)
        if job.way == "threads":
            return {"left_out": "refused"}
        return {"seconds": 1.0, "processor": 0.5}

    entries = bench.collect(
        jobs, 200.0, take, lambda _: None, clock=lambda: now
    )
    assert now == pytest.approx(200, abs=2)
    assert ran[: len(jobs)] == jobs
    repeated = [
        job
        for job in jobs
        if job.kind in ("generation", "floor") and job.way != "threads"
    ]
    assert ran[len(jobs) :][: len(repeated)] == repeated
    short = itertools.cycle(job for job in repeated if job.way != "serial")
    for job in ran[len(jobs) + len(repeated) :]:
        assert job == next(short)
    for job, entry in zip(jobs, entries, strict=True):
        assert asdict(job).items() <= entry.items()
        if job.way == "threads":
            assert entry["left_out"] == "refused"
        elif job in repeated:
            assert entry["seconds"] == [1.0] * ran.count(job)
            assert entry["processor"] == [0.5] * ran.count(job)


def test_a_measurement_is_a_process_that_may_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    figures = bench.measure(Job("generation", "pool", 45, "none"))
    assert set(figures) == {"seconds", "processor"}
    no_board = Job("generation", "pool", 46, "none")
    assert bench.measure(no_board) == {"left_out": "KeyError: 46"}
    monkeypatch.setattr(bench, "LIMIT", 0.01)
    assert bench.measure(no_board) == {"left_out": "took more than 0 s"}


def test_the_table_fits_100_columns_and_has_every_figure() -> None:
    path = ROOT / "benchmarks" / "results.json"
    results = json.loads(path.read_text())
    out = io.StringIO()
    bench.report(results, Console(width=100, file=out))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 100
    assert str(results["machine"]["processor"]) in text
    for wait in bench.WAITS:
        for cells in figures.sizes_of(results):
            for row in figures.rows(results, cells, wait):
                for column in row:
                    assert column in text
    flat = " ".join(text.split())
    for entry in results["entries"]:
        if "left_out" in entry:
            assert entry["left_out"] in flat


def test_a_run_keeps_its_figures_as_json(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever the figures are; the measuring itself is played here."""

    def play(job: Job) -> dict[str, Any]:
        if job.kind == "timeline":
            return {"seconds": 1.0, "waits": [[0.0, 1.0]]}
        if job.kind == "cost":
            return {"threads": 1, "bytes": 2.0}
        if job.way == "pool":
            return {"left_out": "refused"}
        return {"seconds": 1.0, "processor": 0.5}

    monkeypatch.setattr(bench, "QUICK_BUDGET", 0)
    monkeypatch.setattr(bench, "measure", play)
    bench.main([str(tmp_path / "mine.json"), "--quick"])

    results = json.loads((tmp_path / "mine.json").read_text())
    assert results["machine"] == figures.machine()
    jobs, computed = figures.plan(bench.QUICK_SIZES)
    assert len(results["entries"]) == len(jobs) + len(computed)
    text = capsys.readouterr().out
    for way in AT_ONCE:
        assert f" {way} " in text
    assert "pool, 45 cells, generation (timer): refused" in text


def test_a_missing_folder_is_refused_before_anything_is_measured(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bench, "measure", pytest.fail)
    with pytest.raises(SystemExit):
        bench.main([str(tmp_path / "none" / "mine.json"), "--quick"])
    assert f"there is no folder {tmp_path / 'none'}" in " ".join(
        capsys.readouterr().err.split()
    )
