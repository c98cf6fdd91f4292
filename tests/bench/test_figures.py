"""What is planned, computed from the measured, and shown in the tables."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks import bench, figures, pictures
from benchmarks.figures import Job, Results
from tests.helpers import ROOT

PUBLISHED = ROOT / pictures.PUBLISHED


def made_up(*entries: tuple[Job, dict[str, Any]]) -> Results:
    """Return results with these figures."""
    return {"entries": [asdict(job) | what for job, what in entries]}


def test_the_ideal_is_that_of_the_items() -> None:
    """Serial, threads, queue, phased, pool, coroutines; none without waits."""
    ideals = [figures.ideal(way, 4_500, "socket") for way in figures.NAMES]
    assert ideals == pytest.approx([45, 0.01, 9, 9, 4.5, 0.01])
    assert figures.ideal("pool", 45) == pytest.approx(0.05)
    assert figures.ideal("pool", 45, "none") == 0


def test_the_floor_is_the_bare_waits_and_the_serial_rules() -> None:
    """By their medians; where one is missing, there is none."""
    rules = Job("generation", "serial", 45, "none")
    found = made_up(
        (Job("floor", "queue", 45, "timer"), {"seconds": [9, 1, 2]}),
        (Job("floor", "pool", 45, "timer"), {"left_out": "why"}),
        (rules, {"seconds": [0.3, 0.5, 7.0]}),
    )
    for way in "queue", "phased":  # the second phase has no waits
        assert figures.floor(found, way, 45, "timer") == pytest.approx(2.5)
    assert figures.floor(found, "pool", 45, "timer") is None
    assert figures.floor(found, "queue", 450, "timer") is None


def test_a_row_compares_the_median_with_ideal_and_floor() -> None:
    """A row says what was left out or computed, too."""
    rounds = {"seconds": [0.05, 0.2, 0.06], "processor": [0.09, 0.0, 0.045]}
    found = made_up(
        (Job("floor", "pool", 45, "timer"), {"seconds": [0.03]}),
        (Job("generation", "serial", 45, "none"), {"seconds": [0.01]}),
        (Job("generation", "threads", 45, "timer"), {"left_out": "refused"}),
        (Job("generation", "pool", 45, "timer"), rounds),
        (Job("generation", "coroutines", 45, "timer"), {"computed": 0.45}),
        (Job("cost", "pool", 45, "gate"), {"threads": 1011, "bytes": 512.0}),
    )
    threads, pool, coroutines = figures.rows(found, 45, "timer")
    assert threads == ["threads", "left out", "", "", "", "", "", ""]
    compared = ["60.0 ms", "250%", "1.20", "1.50"]
    assert pool == ["pool", *compared, "1.00 ms", "1,011", "0.5 KiB"]
    assert coroutines == ["coroutines", "450 ms *", "", "", "", "", "", ""]
    assert figures.notes(found) == [
        "threads, 45 cells, generation (timer): refused",
        "* computed from the ideal: measuring takes too long",
    ]


def test_seconds_have_three_significant_digits() -> None:
    seconds = 0.0, 0.0000056, 0.0151, 0.4595, 9.2176, 450.0
    texts = ["0 us", "5.60 us", "15.1 ms", "460 ms", "9.22 s", "450 s"]
    assert list(map(figures.seconds_text, seconds)) == texts


def test_what_is_published_is_all_that_was_planned(tmp_path: Path) -> None:
    """In the README's table and in the pictures, byte for byte.

    If not: `make bench`, `make pictures`, and look at them.
    """
    results = json.loads(PUBLISHED.read_text())
    jobs, computed = figures.plan(bench.SIZES)
    assert len(results["entries"]) == len(jobs) + len(computed)
    for job in jobs:
        entry = figures.find(results, **asdict(job))
        assert set(entry) & {"seconds", "threads", "left_out"}, job
    for entry in computed:
        assert entry in results["entries"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert figures.markdown(results) in readme
    for path in pictures.draw(results, tmp_path):
        published = PUBLISHED.with_suffix("") / path.name
        assert path.read_bytes() == published.read_bytes()


def test_a_missing_json_file_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        pictures.main([str(tmp_path / "none.json")])
    assert "make bench JSON=" in capsys.readouterr().err
