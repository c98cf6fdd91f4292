"""What is planned, computed from the measured, and shown in the tables."""

import ast
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from benchmarks import bench, figures, pictures, price
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


def test_the_floor_is_the_bare_waits() -> None:
    """The median of them; where they are missing, there is none."""
    found = made_up(
        (Job("floor", "queue", 45, "timer"), {"seconds": [9, 1, 2]}),
        (Job("floor", "pool", 45, "timer"), {"left_out": "why"}),
    )
    for way in "queue", "phased":  # the second phase has no waits
        assert figures.floor(found, way, 45, "timer") == 2
    assert figures.floor(found, "pool", 45, "timer") is None
    assert figures.floor(found, "queue", 450, "timer") is None


def test_a_row_compares_the_median_with_ideal_and_floor() -> None:
    """A row says what was left out or computed, too."""
    rounds = {"seconds": [0.05, 0.2, 0.06], "processor": [0.09, 0.0, 0.045]}
    found = made_up(
        (Job("floor", "pool", 45, "timer"), {"seconds": [0.04]}),
        (Job("generation", "threads", 45, "timer"), {"left_out": "refused"}),
        (Job("generation", "pool", 45, "timer"), rounds),
        (Job("generation", "coroutines", 45, "timer"), {"computed": 0.45}),
        (Job("cost", "pool", 45, "gate"), {"threads": 1011, "bytes": 512.0}),
    )
    threads, pool, coroutines = figures.rows(found, 45, "timer")
    assert threads == ["threads", "left out", "", "", "", "", "", ""]
    compared = ["60.0 ms", "250% (3)", "1.20", "1.50"]
    assert pool == ["pool", *compared, "1.00 ms", "1,011", "0.5 KiB"]
    assert coroutines == ["coroutines", "450 ms *", "", "", "", "", "", ""]
    assert figures.notes(found) == [
        "threads, 45 cells, generation (timer): refused",
        "* computed from the ideal: measuring takes too long",
    ]


def test_two_rounds_have_no_spread() -> None:
    assert figures.spread_text([1.0, 1.5]) == "(2)"
    assert figures.spread_text([1.0, 1.5, 2.0]) == "67% (3)"


def test_seconds_have_three_significant_digits() -> None:
    seconds = 0.0000056, 0.0151, 0.4595, 0.9996, 9.2176, 9.999, 450.0
    texts = "5.60 us, 15.1 ms, 460 ms, 1.00 s, 9.22 s, 10.0 s, 450 s"
    assert ", ".join(map(figures.seconds_text, seconds)) == texts


def test_a_row_of_an_executor_compares_with_serial() -> None:
    """By medians; for each of 100 calls; one that is missing has a note."""
    serial = {"slow": [4.0, 1.0, 9.0]}
    new: dict[str, Any] = {"start": [0.5], "slow": [2.0], "loss": "none"}
    new |= {"alone": [0.1, 0.7, 0.2], "chunked": [0.01]}
    found = made_up(
        (Job("executor", "serial", 100, "none"), serial),
        (Job("executor", "new", 100, "none"), new),
        (Job("executor", "old", 100, "none"), {"left_out": "too old"}),
    )
    row = ["new", "500 ms", "0.50", "2.00 ms", "100 us", "none"]
    assert figures.executor_rows(found) == [row]
    assert figures.notes(found) == ["old, 100 cells, executor (none): too old"]


def test_what_is_published_is_all_that_was_planned() -> None:
    """In the READMEs' tables and in the pictures.

    If not: `make bench`, `make executors`, `make pictures`, and look at them.
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
    for name in pictures.DRAWINGS:
        picture = PUBLISHED.with_suffix("") / f"{name}.svg"
        assert pictures.name_of(results) in picture.read_text()
    pools = json.loads(PUBLISHED.with_name("executors.json").read_text())
    assert [entry["way"] for entry in pools["entries"]] == [*bench.EXECUTORS]
    assert all(len(entry["slow"]) >= 3 for entry in pools["entries"])
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert figures.executor_markdown(pools) in readme


def test_a_picture_depends_on_the_figures_alone(tmp_path: Path) -> None:
    """Byte for byte, whatever a user's matplotlibrc says."""
    results = json.loads(PUBLISHED.read_text())
    drawn = []
    for size in 1, 9:
        with mpl.rc_context({"lines.linewidth": size, "svg.fonttype": "none"}):
            paths = pictures.draw(results, tmp_path)
        drawn.append([path.read_bytes() for path in paths])
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 3


def test_a_missing_json_file_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        pictures.main([str(tmp_path / "none.json")])
    assert "make bench JSON=" in capsys.readouterr().err


def test_the_price_of_a_way_is_counted_in_the_scripts() -> None:
    """Statements that are new, whatever their hints and docstrings."""
    changed = ast.parse('def f(x: int) -> int:\n    "Says."\n    return x')
    assert price.code(changed.body[0]) == ["def f(x):", "    return x"]
    assert price.of("serial") == (0, 0)
    assert price.added("56: simulate", "56: simulate step_cell") == 4
    assert [price.of(way)[1] > 0 for way in figures.NAMES] == [
        way in ("queue", "coroutines") for way in figures.NAMES
    ]
