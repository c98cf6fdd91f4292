"""The benchmarks: what they compute and compare. No test here takes times."""

import asyncio
import itertools
import json
from dataclasses import asdict
from typing import Any

import pytest

from benchmarks import conduct, figures, measure
from benchmarks.figures import Job
from item56_life import main as item56
from tests.helpers import ROOT

each_way = pytest.mark.parametrize("way", measure.AT_ONCE)


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


def results(*entries: tuple[Job, dict[str, Any]]) -> figures.Results:
    return {
        "machine": {},
        "budget": 1,
        "entries": [asdict(job) | what for job, what in entries],
    }


def test_the_floor_is_the_bare_waits_and_the_serial_rules() -> None:
    found = results(
        (Job("floor", "queue", 45, "timer"), {"seconds": [9, 1, 2]}),
        (Job("floor", "pool", 45, "timer"), {"left_out": "why"}),
        (Job("generation", "serial", 45, "none"), {"seconds": [0.3, 0.5]}),
    )
    for way in "queue", "phased":  # the second phase has no waits
        assert figures.floor(found, way, 45, "timer") == pytest.approx(2.4)
    assert figures.floor(found, "pool", 45, "timer") is None
    assert figures.floor(found, "queue", 450, "timer") is None


def test_a_row_compares_the_median_with_ideal_and_floor() -> None:
    found = results(
        (Job("floor", "pool", 45, "timer"), {"seconds": [0.03]}),
        (Job("generation", "serial", 45, "none"), {"seconds": [0.01]}),
        (
            Job("generation", "pool", 45, "timer"),
            {"seconds": [0.05, 0.2, 0.06], "processor": [0.09, 0.0, 0.045]},
        ),
        (Job("cost", "pool", 45, "gate"), {"threads": 11, "bytes": 512.0}),
    )
    [row] = figures.rows(found, 45, "timer")
    assert (row.seconds, row.low, row.high) == (0.06, 0.05, 0.2)
    assert row.to_ideal == pytest.approx(1.2)
    assert row.to_floor == pytest.approx(1.5)
    assert row.processor == pytest.approx(0.001)
    assert figures.columns(row) == [
        "pool",
        "60.0 ms",
        "250%",
        "1.20",
        "1.50",
        "1.00 ms",
        "11",
        "0.5 KiB",
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
        (None, ""),
    ],
)
def test_seconds_read_with_three_digits(
    seconds: float | None, text: str
) -> None:
    assert figures.seconds_text(seconds) == text


@each_way
def test_every_way_gives_the_grid_of_item_56(way: str) -> None:
    """Every cell waits once, and so does the bare floor for every cell."""
    waits: list[int] = []

    async def async_wait() -> None:
        waits.append(1)

    def wait() -> None:
        waits.append(1)

    call: Any = async_wait if way == "coroutines" else wait
    serial = measure.board("serial", 45)
    expected = str(item56.simulate(serial))
    assert expected != str(serial)

    async def one_of_each() -> None:
        for logic, count in (None, 0), (call, 45):
            rules = measure.rules(way, logic)
            async with measure.stepping(way, rules) as step:
                grid = await measure.once(step, measure.board(way, 45))
            assert str(grid) == expected
            assert len(waits) == count
        async with measure.bare(way, 45, call) as bare:
            await measure.once(bare, None)
        assert len(waits) == 2 * 45

    asyncio.run(one_of_each())


@pytest.mark.parametrize("way", ["pool", "coroutines"])
def test_the_same_grid_comes_with_a_peer_to_wait_for(way: str) -> None:
    async def generation() -> str:
        async with (
            measure.waiting(way, 45, "socket") as ask,
            measure.stepping(way, measure.rules(way, ask)) as step,
        ):
            return str(await measure.once(step, measure.board(way, 45)))

    expected = str(item56.simulate(measure.board("serial", 45)))
    assert asyncio.run(generation()) == expected


@pytest.mark.parametrize(
    ("way", "threads"),
    [
        ("serial", 1),
        ("threads", 1 + 45),
        ("queue", 1 + 5),
        ("phased", 1 + 5 + 5),
        ("pool", 1 + 10),
        ("coroutines", 1),
    ],
)
def test_the_threads_of_cells_that_wait_are_counted(
    way: str, threads: int
) -> None:
    cost = asyncio.run(measure.cost(way, 45, "gate"))
    assert cost["threads"] == threads


def test_the_timeline_has_a_bar_for_each_cell() -> None:
    line = asyncio.run(measure.timeline("coroutines", 45, "timer"))
    assert len(line["waits"]) == 45
    for begin, end in line["waits"]:
        assert 0 < begin < begin + 0.9 * measure.DELAY < end < line["seconds"]


def test_each_job_of_a_round_meets_the_machine_once_in_turn() -> None:
    """A, B, C, A, B, C: until the time is up."""
    jobs, _ = figures.plan([45], {})
    ran = []
    now = 0.0

    def take(job: Job) -> dict[str, Any]:
        nonlocal now
        now += 2.0 if job.way == "serial" else 0.5
        ran.append(job)
        if job.way == "threads":
            return {"left_out": "refused"}
        return {"seconds": 1.0, "processor": 0.5}

    entries = conduct.collect(
        jobs, 200.0, take, lambda *_: None, clock=lambda: now
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
            assert len(entry["seconds"]) == ran.count(job)


def test_what_would_take_too_long_is_computed_and_marked() -> None:
    _, computed = figures.plan([45, 4_500], {"timer": 1, "socket": 4.6})
    ways = {(e["way"], e["wait"]): e["computed"] for e in computed}
    assert ways == {
        (way, wait): figures.ideal(way, 4_500)
        for way, wait in (
            ("serial", "timer"),
            ("queue", "timer"),
            ("phased", "timer"),
            ("pool", "timer"),
            ("serial", "socket"),
            ("queue", "socket"),
            ("phased", "socket"),
        )
    }
    found = {"machine": {}, "budget": 1, "entries": computed}
    rows = figures.rows(found, 4_500, "timer")
    assert [figures.columns(row)[1] for row in rows] == [
        "45.0 s *",
        "9.00 s *",
        "9.00 s *",
        "4.50 s *",
    ]
    assert figures.notes(found) == [
        "* computed from the ideal: measuring takes too long"
    ]


def test_a_size_that_cannot_run_is_reported() -> None:
    """A real child fails: there is no board of 46 cells."""
    job = Job("generation", "pool", 46, "none")
    entries = conduct.collect([job], 0, conduct.measure, lambda *_: None)
    assert entries == [asdict(job) | {"left_out": "KeyError: 46"}]


def test_too_few_open_files_are_an_error_that_names_both_numbers() -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] == resource.RLIM_INFINITY:
        pytest.skip("this system has no limit")
    with pytest.raises(OSError, match=rf"needs .* files.* {limits[1]:,}$"):
        measure.allow_open_files(limits[1] + 1)


PUBLISHED = ROOT / "benchmarks" / "results.json"


def test_nothing_that_was_planned_is_missing_from_the_published_figures() -> (
    None
):
    published = json.loads(PUBLISHED.read_text())
    jobs, computed = figures.plan(conduct.FULL.sizes, conduct.FULL.longest)
    for job in jobs:
        entry = figures.find(published, **asdict(job))
        assert set(entry) & {"seconds", "threads", "left_out"}, job
    for entry in computed:
        assert entry in published["entries"]


def test_the_readme_has_the_table_of_the_published_figures() -> None:
    published = json.loads(PUBLISHED.read_text())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert figures.markdown(published) in readme
