"""What is measured, what it is compared with, and how it reads as a table.

Results are a dictionary that JSON can hold:

    machine   what they were measured on: str to str, int or bool
    budget    seconds that all measurements together were given
    entries   a list of dictionaries, each with the kind, way, cells and wait
              of a Job, and with one of
              seconds, processor   lists of seconds, one for each round
              threads, bytes       most threads alive, bytes for each cell
              seconds, waits       one generation, and its cells' waits:
                                   a list of [begin, end]
              computed             the ideal seconds: measuring takes too long
              left_out             why there is no figure
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.measure import AT_ONCE, BOARDS, DELAY

Results = dict[str, Any]
Entry = dict[str, Any]

LARGE = 4_500  # cells: above, only what shows where a way gives up
TIMELINE = "serial", "threads", "queue", "pool", "coroutines"
NAMES = {
    "serial": "serial (item 56)",
    "threads": "a thread a cell (57)",
    "queue": "queue, 5 workers (58)",
    "phased": "two queues, 5 + 5 workers (58)",
    "pool": "pool of 10 threads (59)",
    "coroutines": "a coroutine a cell (60)",
}
PEERS = "ThreadPool", "joblib", "trio", "anyio", "gevent"


@dataclass(frozen=True)
class Job:
    """A measurement: its kind and way, how many cells, what they wait for."""

    kind: str
    way: str
    cells: int
    wait: str


def ideal(way: str, cells: int, wait: str = "timer") -> float:
    """Seconds of a generation whose cells do nothing but wait, in waves.

    A wave is as many cells as the way lets wait at once.
    """
    if wait not in ("timer", "socket"):
        return 0.0
    return math.ceil(cells / (AT_ONCE[way] or cells)) * DELAY


def plan(
    sizes: Iterable[int],
    longest: Mapping[str, float],
    *,
    with_peers: bool = False,
) -> tuple[list[Job], list[Entry]]:
    """The jobs of one round, and entries for what is computed instead.

    Computed is what would take more seconds than the longest for its wait.
    Each way stands beside its floor, so that both meet the machine in the
    same mood.
    """
    jobs = []
    computed = []
    sizes = list(sizes)
    for way in TIMELINE:
        jobs.append(Job("timeline", way, 45, "timer"))
    for cells in sizes:
        waits = ("none",) * (cells <= LARGE) + ("timer", "socket")
        for wait in waits:
            for way in AT_ONCE:
                job = Job("generation", way, cells, wait)
                seconds = ideal(way, cells, wait)
                if seconds > longest.get(wait, math.inf):
                    computed.append(asdict(job) | {"computed": seconds})
                    continue
                jobs.append(job)
                # The second phase of item 58 adds no wait: one floor for both
                if wait != "none" and way != "phased" and cells <= LARGE:
                    jobs.append(Job("floor", way, cells, wait))
        jobs += [Job("cost", way, cells, "gate") for way in AT_ONCE]
        if with_peers and cells <= LARGE:
            jobs += [Job("peer", way, cells, "timer") for way in PEERS]
    return jobs, computed


def find(
    results: Results, kind: str, way: str, cells: int, wait: str
) -> Entry:
    """The entry of a job; an empty one if there is none."""
    job = asdict(Job(kind, way, cells, wait)).items()
    return next((e for e in results["entries"] if job <= e.items()), {})


def floor(results: Results, way: str, cells: int, wait: str) -> float | None:
    """Seconds of the bare waits, and of the rules on that board, serially.

    None where one of the two was not measured.
    """
    bare_way = "queue" if way == "phased" else way
    bare = find(results, "floor", bare_way, cells, wait).get("seconds")
    rules = find(results, "generation", "serial", cells, "none").get("seconds")
    return median(bare) + median(rules) if bare and rules else None


@dataclass(frozen=True)
class Row:
    """What is known of a way: seconds, ratios, and what a cell costs."""

    way: str
    seconds: float | None = None
    low: float | None = None
    high: float | None = None
    computed: bool = False
    to_ideal: float | None = None
    to_floor: float | None = None
    processor: float | None = None  # seconds a cell
    threads: int | None = None
    bytes: float | None = None  # a cell
    left_out: str = ""


def row(results: Results, way: str, cells: int, wait: str) -> Row:
    """What the results say of a way; raises KeyError if it is not in them."""
    kind = "peer" if way in PEERS else "generation"
    entry = find(results, kind, way, cells, wait)
    cost = find(results, "cost", way, cells, "gate")
    threads, size = cost.get("threads"), cost.get("bytes")
    if "left_out" in entry:
        return Row(way, left_out=entry["left_out"])
    if "computed" in entry:
        return Row(
            way,
            entry["computed"],
            computed=True,
            threads=threads,
            bytes=size,
            left_out=cost.get("left_out", ""),
        )
    seconds = median(entry["seconds"])
    ideal_seconds = None if kind == "peer" else ideal(way, cells, wait)
    floor_seconds = floor(results, way, cells, wait)
    return Row(
        way,
        seconds,
        min(entry["seconds"]),
        max(entry["seconds"]),
        to_ideal=seconds / ideal_seconds if ideal_seconds else None,
        to_floor=seconds / floor_seconds if floor_seconds else None,
        processor=median(entry["processor"]) / cells,
        threads=threads,
        bytes=size,
        left_out=cost.get("left_out", ""),
    )


def rows(results: Results, cells: int, wait: str) -> list[Row]:
    """A row for each way that the results have at this size and wait."""
    return [
        row(results, way, cells, wait)
        for way in (*AT_ONCE, *PEERS)
        if find(results, "generation", way, cells, wait)
        or find(results, "peer", way, cells, wait)
    ]


def sizes_of(results: Results) -> list[int]:
    """The numbers of cells that the results have figures for, ascending."""
    return sorted({e["cells"] for e in results["entries"]} & set(BOARDS))


def seconds_text(seconds: float | None) -> str:
    """Seconds with three digits that count, in s, ms or us."""
    if seconds is None:
        return ""
    unit = "s"
    for unit in "s", "ms", "us":
        if seconds >= 1 or unit == "us":
            break
        seconds *= 1000
    digits = max(0, 2 - math.floor(math.log10(seconds))) if seconds else 0
    return f"{seconds:.{digits}f} {unit}"


def bytes_text(size: float | None) -> str:
    """Bytes in KiB."""
    return "" if size is None else f"{size / 1024:.1f} KiB"


def ratio_text(ratio: float | None) -> str:
    """A ratio with two decimals."""
    return "" if ratio is None else f"{ratio:.2f}"


COLUMNS = (
    "way",
    "time",
    "spread",
    "to ideal",
    "to floor",
    "CPU/cell",
    "threads",
    "memory/cell",
)


def columns(row: Row) -> list[str]:
    """The row as text, a string for each of COLUMNS."""
    spread = ""
    if row.seconds and row.low is not None and row.high is not None:
        spread = f"{(row.high - row.low) / row.seconds:.0%}"
    time = seconds_text(row.seconds) + (" *" if row.computed else "")
    return [
        row.way,
        time or "left out",
        spread,
        ratio_text(row.to_ideal),
        ratio_text(row.to_floor),
        seconds_text(row.processor),
        "" if row.threads is None else f"{row.threads:,}",
        bytes_text(row.bytes),
    ]


def notes(results: Results) -> list[str]:
    """A line for everything that has no figure, saying why."""
    lines = [
        f"{entry['way']}, {entry['cells']:,} cells, {entry['kind']}"
        f" ({entry['wait']}): {entry['left_out']}"
        for entry in results["entries"]
        if "left_out" in entry
    ]
    if any("computed" in entry for entry in results["entries"]):
        lines.append("* computed from the ideal: measuring takes too long")
    return lines


def markdown(results: Results) -> str:
    """The README's table: 45 and 4,500 cells that wait by the timer."""
    small, large = (
        {row.way: row for row in rows(results, cells, "timer")}
        for cells in (45, 4_500)
    )
    lines = [
        "| way | 45 cells | ideal | 4,500 cells | ideal |"
        " threads | memory a cell |",
        "|---|---|---|---|---|---|---|",
    ]
    for way in AT_ONCE:
        a, b = small[way], large[way]
        texts = [
            NAMES[way],
            columns(a)[1],
            seconds_text(ideal(way, 45)),
            columns(b)[1],
            seconds_text(ideal(way, 4_500)),
            columns(b)[6],
            columns(b)[7],
        ]
        lines.append("| " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n"
