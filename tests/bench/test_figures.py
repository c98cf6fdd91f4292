"""What is planned, computed from the measured, and shown in the tables."""

import json
import os
from dataclasses import asdict
from typing import Any

import pytest

from benchmarks import bench, figures
from benchmarks.figures import Job, Results
from tests.helpers import ROOT

PUBLISHED = ROOT / "benchmarks" / "results.json"


@pytest.fixture
def published() -> Results:
    """Return the figures that the pictures and the README's table show."""
    results: Results = json.loads(PUBLISHED.read_text())
    return results


def made_up(*entries: tuple[Job, dict[str, Any]]) -> Results:
    """Return results with these figures."""
    return {"entries": [asdict(job) | what for job, what in entries]}


@pytest.mark.parametrize(
    ("way", "at_45", "at_4500"),
    [
        ("serial", 0.45, 45.0),
        ("threads", 0.01, 0.01),
        ("queue", 0.09, 9.0),
        ("phased", 0.09, 9.0),
        ("pool", 0.05, 4.5),
        ("coroutines", 0.01, 0.01),
    ],
)
def test_the_ideal_is_that_of_the_items(
    way: str, at_45: float, at_4500: float
) -> None:
    assert figures.ideal(way, 45) == pytest.approx(at_45)
    assert figures.ideal(way, 4_500, "socket") == pytest.approx(at_4500)
    assert figures.ideal(way, 4_500, "none") == 0


def test_the_floor_is_the_bare_waits_and_the_serial_rules() -> None:
    found = made_up(
        (Job("floor", "queue", 45, "timer"), {"seconds": [9, 1, 2]}),
        (Job("floor", "pool", 45, "timer"), {"left_out": "why"}),
        (
            Job("generation", "serial", 45, "none"),
            {"seconds": [0.3, 0.5, 7.0]},
        ),
    )
    for way in "queue", "phased":  # the second phase has no waits
        assert figures.floor(found, way, 45, "timer") == pytest.approx(2.5)
    assert figures.floor(found, "pool", 45, "timer") is None
    assert figures.floor(found, "queue", 450, "timer") is None


def test_a_row_compares_the_median_with_ideal_and_floor() -> None:
    found = made_up(
        (Job("floor", "pool", 45, "timer"), {"seconds": [0.03]}),
        (Job("generation", "serial", 45, "none"), {"seconds": [0.01]}),
        (
            Job("generation", "pool", 45, "timer"),
            {"seconds": [0.05, 0.2, 0.06], "processor": [0.09, 0.0, 0.045]},
        ),
        (Job("cost", "pool", 45, "gate"), {"threads": 1011, "bytes": 512.0}),
    )
    (row,) = figures.rows(found, 45, "timer")
    assert dict(zip(figures.COLUMNS, row, strict=True)) == {
        "way": "pool",
        "time": "60.0 ms",
        "spread": "250%",
        "to ideal": "1.20",
        "to floor": "1.50",
        "CPU/cell": "1.00 ms",
        "threads": "1,011",
        "memory/cell": "0.5 KiB",
    }


def test_a_row_says_what_was_left_out_or_computed() -> None:
    found = made_up(
        (Job("generation", "threads", 450, "timer"), {"left_out": "refused"}),
        (Job("generation", "pool", 450, "timer"), {"computed": 0.45}),
    )
    threads, pool = figures.rows(found, 450, "timer")
    assert threads == ["threads", "left out", "", "", "", "", "", ""]
    assert pool == ["pool", "450 ms *", "", "", "", "", "", ""]
    assert figures.notes(found) == [
        "threads, 450 cells, generation (timer): refused",
        "* computed from the ideal: measuring takes too long",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0000056, "5.60 us"),
        (0.0151, "15.1 ms"),
        (0.4595, "460 ms"),
        (9.2176, "9.22 s"),
        (450.0, "450 s"),
        (0.0, "0 us"),
    ],
)
def test_seconds_have_three_significant_digits(
    seconds: float, text: str
) -> None:
    assert figures.seconds_text(seconds) == text


def test_the_published_figures_are_what_is_planned(published: Results) -> None:
    jobs, computed = figures.plan(bench.SIZES)
    assert len(published["entries"]) == len(jobs) + len(computed)
    for job in jobs:
        entry = figures.find(published, **asdict(job))
        assert set(entry) & {"seconds", "threads", "left_out"}, job
    for entry in computed:
        assert entry in published["entries"]
    assert published["budget"] == bench.BUDGET


def test_the_readme_has_the_table_of_the_published_figures(
    published: Results,
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert figures.markdown(published) in readme


def test_the_machine_is_this_one() -> None:
    assert figures.machine()["cores"] == os.cpu_count()
