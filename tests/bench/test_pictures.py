"""The pictures, drawn from made-up figures and from the published ones."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import pictures
from benchmarks.figures import NAMES, Results, ideal, plan
from benchmarks.measure import AT_ONCE
from tests.helpers import ROOT

SIZES = 45, 450, 4_500


@pytest.fixture
def results() -> Results:
    """Figures for three boards; 4,500 threads are refused."""
    jobs, computed = plan(SIZES, {"timer": 5, "socket": 5})
    entries = []
    for job in jobs:
        seconds = 1e-5 * job.cells + ideal(job.way, job.cells, job.wait)
        entry: dict[str, Any] = asdict(job)
        if job.kind == "timeline":
            waits = [[0.001 * n, 0.001 * n + 0.01] for n in range(45)]
            entry |= {"seconds": seconds, "waits": waits}
        elif job.kind != "cost":
            entry |= {"seconds": [seconds], "processor": [1e-5]}
        elif job.way == "threads" and job.cells == 4_500:
            entry |= {"left_out": "refused"}
        else:
            threads = 1 + (AT_ONCE[job.way] or job.cells)
            entry |= {"threads": threads, "bytes": 1000.0}
        entries.append(entry)
    machine = {"python": "CPython 3.13.0", "cores": 2}
    return {"machine": machine, "budget": 1, "entries": entries + computed}


def test_the_same_figures_give_the_same_files(
    results: Results, tmp_path: Path
) -> None:
    """Well-formed SVG, and other files once a figure changes."""
    first = pictures.draw(results, tmp_path / "first")
    second = pictures.draw(results, tmp_path / "second")
    for entry in results["entries"]:
        for key in "seconds", "bytes":
            if isinstance(entry.get(key), list):
                entry[key] = [2 * figure for figure in entry[key]]
            elif key in entry:
                entry[key] *= 2
    third = pictures.draw(results, tmp_path / "third")

    assert [path.stem for path in first] == ["timeline", "growth", "cost"]
    for one, same, other in zip(first, second, third, strict=True):
        assert ElementTree.parse(one).getroot().tag.endswith("svg")
        assert one.read_bytes() == same.read_bytes()
        assert one.read_bytes() != other.read_bytes()


def test_the_timeline_has_a_bar_for_each_wait(results: Results) -> None:
    panels = pictures.timeline(results).axes
    assert len(panels) == 5
    for axes in panels:
        bars = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
        assert bars == [
            (pytest.approx(n), pytest.approx(10)) for n in range(45)
        ]
        assert axes.get_xlim() == panels[0].get_xlim()


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


def test_growth_shows_measured_figures_only(results: Results) -> None:
    """What was computed is the ideal's dashed line, and no point on ours."""
    panels = dict(zip(AT_ONCE, pictures.growth(results).axes, strict=True))
    for way, sizes in ("pool", [45, 450, 4_500]), ("serial", [45, 450]):
        lines = {line.get_linestyle(): line for line in panels[way].lines}
        marker = pictures.MARKERS[way]
        (ours,) = [x for x in panels[way].lines if x.get_marker() == marker]
        assert [*ours.get_xdata()] == sizes
        assert [*lines["--"].get_ydata()] == [ideal(way, n) for n in SIZES]


def test_cost_has_no_point_where_there_is_no_figure(results: Results) -> None:
    for axes in pictures.cost(results).axes:
        lines = {line.get_label(): line for line in axes.lines}
        assert len(lines) == len(AT_ONCE)
        for way in AT_ONCE:
            x = [*lines[NAMES[way]].get_xdata()]
            assert x == [45, 450] if way == "threads" else [*SIZES]


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
