"""The pictures, drawn from made-up figures and from the published ones."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks import pictures
from benchmarks.figures import (
    NAMES,
    TIMELINE,
    Results,
    ideal,
    plan,
    seconds_text,
)
from benchmarks.ways import AT_ONCE
from tests.helpers import ROOT

SIZES = 45, 450, 4_500


def seconds(way: str, cells: int, wait: str) -> float:
    """Return the seconds of a generation, or of a floor, that is made up."""
    return 1e-5 * cells + ideal(way, cells, wait)


@pytest.fixture
def results() -> Results:
    """Return figures for three boards; 4,500 threads are refused."""
    jobs, computed = plan(SIZES)
    entries = []
    for job in jobs:
        median = seconds(job.way, job.cells, job.wait)
        entry: dict[str, Any] = asdict(job)
        if job.kind == "timeline":
            waits = [[0.001 * n, 0.001 * n + 0.01] for n in range(45)]
            entry |= {"seconds": median, "waits": waits}
        elif job.kind != "cost":
            entry["seconds"] = [median / 2, 9 * median, median]
        elif job.way == "threads" and job.cells == 4_500:
            entry |= {"left_out": "refused"}
        else:
            threads = 1 + (AT_ONCE[job.way] or job.cells)
            entry |= {"threads": threads, "bytes": 1024.0}
        entries.append(entry)
    machine = {"python": "CPython 3.13.0", "cores": 2}
    return {"machine": machine, "entries": entries + computed}


def test_the_timeline_has_a_bar_for_each_wait(results: Results) -> None:
    panels = pictures.timeline(results).axes
    for way, axes in zip(TIMELINE, panels, strict=True):
        text = seconds_text(seconds(way, 45, "timer"))
        assert axes.get_title(loc="left").startswith(f"{NAMES[way]}: {text}")
        bars = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
        assert bars == [
            (pytest.approx(n), pytest.approx(10)) for n in range(45)
        ]
        if way != "serial":
            assert axes.get_xlim() == (0, pictures.SHORT)


def test_growth_marks_where_a_way_gives_up(results: Results) -> None:
    panels = pictures.growth(results).axes
    marked = {
        axes.get_title(): [
            (*line.get_xdata(),)
            for line in axes.lines
            if line.get_marker() == "x"
        ]
        for axes in panels
    }
    assert len(panels) == len(AT_ONCE)
    assert marked.pop(NAMES["threads"]) == [(4_500,)]
    assert not any(marked.values())
    for axes in panels:
        assert axes.get_xscale() == axes.get_yscale() == "log"


def test_growth_shows_the_median_the_ideal_and_the_floor(
    results: Results,
) -> None:
    """What was computed is the ideal's dashed line, and no point on ours."""
    panels = dict(zip(AT_ONCE, pictures.growth(results).axes, strict=True))
    for way, sizes in ("pool", [45, 450, 4_500]), ("serial", [45, 450]):
        *_, ideals, floors, ours = (
            dict(zip(line.get_xdata(), line.get_ydata(), strict=True))
            for line in panels[way].lines
        )
        assert ours == {n: seconds(way, n, "timer") for n in sizes}
        assert ideals == {n: ideal(way, n) for n in SIZES}
        for n, figure in floors.items():
            rules = seconds("serial", n, "none")
            assert figure == pytest.approx(seconds(way, n, "timer") + rules)
        assert list(floors) == sizes
    scale = panels["serial"].yaxis.get_major_formatter()
    assert (scale(0.01), scale(10)) == ("10 ms", "10 s")


def test_cost_shows_mebibytes_and_threads_where_there_are_figures(
    results: Results,
) -> None:
    memory, threads = pictures.cost(results).axes
    for way, at_once in AT_ONCE.items():
        sizes = [45, 450] if way == "threads" else SIZES
        for axes, expected in (
            (memory, {n: n / 1024 for n in sizes}),
            (threads, {n: 1 + (at_once or n) for n in sizes}),
        ):
            (line,) = (x for x in axes.lines if x.get_label() == NAMES[way])
            assert dict(zip(*line.get_data(), strict=True)) == expected
    assert memory.yaxis.get_major_formatter()(10, 0) == "10 MiB"
    assert threads.yaxis.get_major_formatter()(1000, 0) == "1,000"


def test_the_published_pictures_are_those_of_the_published_figures(
    tmp_path: Path,
) -> None:
    """If not: `make pictures`, and look at them."""
    source = ROOT / pictures.PUBLISHED
    for path in pictures.draw(json.loads(source.read_text()), tmp_path):
        published = source.with_suffix("") / path.name
        assert path.read_bytes() == published.read_bytes()


def test_a_missing_json_file_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        pictures.main([str(tmp_path / "none.json")])
    assert "make bench JSON=" in capsys.readouterr().err
