"""Three pictures of what was measured, drawn from the JSON alone.

    make pictures                             the README's
    make pictures JSON=benchmarks/mine.json   of your own `make bench`

Each says in itself which figures it shows, by their hash. The SVG files bring
their own white ground, so that a dark page can show them, and tell the ways
apart without color, so that a printer can.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from benchmarks.figures import (
    NAMES,
    TIMELINE,
    Results,
    find,
    floor,
    ideal,
    seconds_text,
    sizes_of,
)
from benchmarks.ways import AT_ONCE

PUBLISHED = Path("benchmarks", "results.json")
STYLE = {
    "svg.hashsalt": "the same names in every drawing",
    "svg.fonttype": "path",  # no viewer needs our font
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}
INK = "#1b4f8f"
SHORT = 100  # milliseconds: the axis of all ways but serial
# Told apart by marker and by gray value, should the color be lost.
LOOKS = {
    "serial": {"color": "#000000", "marker": "s"},
    "threads": {"color": "#c1440e", "marker": "^"},
    "queue": {"color": "#7a5195", "marker": "o"},
    "phased": {"color": "#b08fc7", "marker": "D"},
    "pool": {"color": "#2e7d4f", "marker": "v"},
    "coroutines": {"color": "#1b4f8f", "marker": "P"},
}
IDEAL: dict[str, Any] = {"color": "#444444", "linestyle": "--"}
FLOOR: dict[str, Any] = {"color": "#c1440e", "ls": ":", "linewidth": 2.5}
OTHERS: dict[str, Any] = {"color": "#cccccc"}
CROSS: dict[str, Any] = {"color": "black", "marker": "x", "ls": ""}


def timeline(results: Results) -> Figure:
    """Draw a panel a way, with a bar for each cell's wait."""
    figure = Figure(figsize=(8.3, 6.4), layout="constrained")
    panels = figure.subplots(len(TIMELINE))
    for way, axes in zip(TIMELINE, panels, strict=True):
        entry = find(results, "timeline", way, 45, "timer")
        begins = [1000 * begin for begin, _ in entry["waits"]]
        widths = [1000 * (end - begin) for begin, end in entry["waits"]]
        axes.barh(range(45), widths, height=1, left=begins, color=INK)
        axes.set_ylim(45.5, -1.5)
        axes.set_xlim(0, SHORT if way != "serial" else None)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        scale = "" if way != "serial" else ", on an axis of its own"
        axes.set_title(
            f"{NAMES[way]}: {seconds_text(entry['seconds'])}{scale}",
            loc="left",
            fontsize=10,
            fontweight="bold",
        )
    panels[-1].set_xlabel("milliseconds since the generation began")
    machine = results["machine"]
    figure.suptitle(
        "One generation of 45 cells; a bar is the wait of one cell, 10 ms."
        f" {machine['python']}, {machine['cores']} cores\n"
        f"Serial on a longer axis; all others on 0 to {SHORT} ms.",
        fontsize=9,
        x=0.01,
        ha="left",
    )
    return figure


def log_axes(axes: Axes, sizes: Sequence[int]) -> None:
    """Make both axes logarithmic, with a tick for every board."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_xlim(sizes[0] / 1.5, sizes[-1] * 1.5)


def measured(results: Results, way: str) -> dict[int, float]:
    """Return the seconds of a generation by the number of cells."""
    points = {}
    for cells in sizes_of(results):
        entry = find(results, "generation", way, cells, "timer")
        if "seconds" in entry:
            points[cells] = median(entry["seconds"])
    return points


def growth(results: Results) -> Figure:
    """Draw the time of a generation against cells: a panel a way."""
    sizes = sizes_of(results)
    figure = Figure(figsize=(8.3, 5.6), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True, sharey=True)
    for way, axes in zip(AT_ONCE, panels.flat, strict=True):
        ours = measured(results, way)
        ideals = {n: ideal(way, n) for n in sizes}
        floors = {n: floor(results, way, n, "timer") for n in sizes}
        log_axes(axes, sizes)
        for other in AT_ONCE:
            if other != way:
                axes.plot(*curve(measured(results, other)), **OTHERS)
        axes.plot(*curve(ideals), **IDEAL)
        axes.plot(*curve(floors), **FLOOR, zorder=4)
        marker = LOOKS[way]["marker"]
        axes.plot(*curve(ours), color=INK, marker=marker, markersize=5)
        for n in sizes:
            if "left_out" in find(results, "cost", way, n, "gate"):
                # At the edge: no time belongs to it.
                edge = axes.get_xaxis_transform()
                axes.plot(n, 0.94, **CROSS, transform=edge, ms=9, mew=2.5)
        axes.set_title(NAMES[way], fontsize=10, fontweight="bold")
        axes.yaxis.set_major_formatter(FuncFormatter(seconds_tick))
    figure.supxlabel("cells, each of which waits 10 ms", fontsize=10)
    figure.supylabel("time of one generation", fontsize=10)
    legend = {
        "measured": Line2D([], [], color=INK, marker="o"),
        "ideal": Line2D([], [], **IDEAL),
        "floor: the waits alone": Line2D([], [], **FLOOR),
        "the other ways": Line2D([], [], **OTHERS),
        "cannot all wait at once": Line2D([], [], **CROSS, ms=8, mew=2.5),
    }
    figure.legend(
        [*legend.values()],
        [*legend],
        loc="outside upper center",
        ncols=len(legend),
        frameon=False,
        fontsize=9,
    )
    return figure


def seconds_tick(seconds: float, _: object) -> str:
    """Return a power of ten in seconds or milliseconds."""
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"


def curve(points: dict[int, Any]) -> tuple[list[int], list[Any]]:
    """Return the points as lists of x and y; a y of None is left out."""
    known = {x: y for x, y in points.items() if y is not None}
    return [*known], [*known.values()]


def cost(results: Results) -> Figure:
    """Draw memory and threads, while all cells wait, against cells."""
    sizes = sizes_of(results)
    figure = Figure(figsize=(8.3, 4.2), layout="constrained")
    memory, threads = figure.subplots(1, 2)
    for way, look in LOOKS.items():
        entries = {n: find(results, "cost", way, n, "gate") for n in sizes}
        known = {n: e for n, e in entries.items() if "threads" in e}
        for axes, points in (
            (memory, {n: n * e["bytes"] / 2**20 for n, e in known.items()}),
            (threads, {n: e["threads"] for n, e in known.items()}),
        ):
            axes.plot(*curve(points), **look, markersize=5, label=NAMES[way])
    for axes, title in (memory, "memory in use"), (threads, "threads alive"):
        log_axes(axes, sizes)
        axes.set_title(title, fontsize=10, fontweight="bold")
        axes.set_xlabel("cells, all waiting")
    memory.yaxis.set_major_formatter(
        FuncFormatter(lambda m, _: f"{m:,.10g} MiB")
    )
    threads.yaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
    handles, labels = threads.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=3, frameon=False
    )
    return figure


DRAWINGS = {"timeline": timeline, "growth": growth, "cost": cost}


def name_of(results: Results) -> str:
    """Return what tells these figures from all others."""
    text = json.dumps(results, sort_keys=True)
    return f"figures {hashlib.sha256(text.encode()).hexdigest()}"


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw the three pictures into the folder; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata: dict[str, Any] = {"Date": None, "Creator": None}
    metadata["Description"] = name_of(results)
    paths = []
    with mpl.rc_context():
        mpl.rcdefaults()  # not the user's
        mpl.rcParams.update(STYLE)
        for name, drawing in DRAWINGS.items():
            path = folder / f"{name}.svg"
            drawing(results).savefig(path, metadata=metadata)
            paths.append(path)
    return paths


def main(arguments: Sequence[str]) -> None:
    """Draw the pictures into a folder beside the JSON, named like it."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "json",
        nargs="?",
        type=Path,
        default=PUBLISHED,
        help=f"default: {PUBLISHED}",
    )
    source = parser.parse_args(arguments).json
    try:
        results = json.loads(source.read_text())
    except OSError as error:
        parser.error(f"{error}: run `make bench JSON={source}` first")
    for path in draw(results, source.with_suffix("")):
        print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
