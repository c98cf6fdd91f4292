"""One call on threads, interpreters, processes and a cluster."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from unittest.mock import Mock, patch

import psutil
import pytest
from item56 import Grid, glider

from benchmarks import bench, executors
from benchmarks.executors import EXECUTORS, loss, opened, simulate_executor
from benchmarks.figures import Job
from tests.bench.faults import counting, raising
from tests.helpers import (
    LIMIT,
    ROOT,
    family,
    life,
    linux,
    posix,
    random_grids,
)

# Under load it does take more than a second, in which Dask sees a slow disk.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Creating scratch directories is taking:UserWarning"
)


@pytest.fixture(scope="module", params=list(EXECUTORS))
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Every executor in turn."""
    with opened(request.param, 2) as executor:
        yield executor


def test_every_executor_steps_as_item_56(executor: Executor) -> None:
    """On tori from 1 x 1 up, in one chunk, in some, in more than cells."""
    for grid, chunks in zip(
        random_grids(Grid), [1, 3, 8, 1000] * 5, strict=False
    ):
        after = str(simulate_executor(executor, grid, chunks=chunks))
        assert after == life(grid)


def test_every_cell_is_computed_once_even_if_all_are_equal(
    executor: Executor, tmp_path: Path
) -> None:
    """Dask's executor takes equal calls for one call, unless told not to."""
    grid = Grid(3, 3)
    simulate_executor(executor, grid, partial(counting, tmp_path), chunks=9)
    assert len(os.listdir(tmp_path)) == 9


def test_an_executor_goes_on_after_an_error(executor: Executor) -> None:
    with pytest.raises(OSError, match=r"^problem with I/O$"):
        simulate_executor(executor, glider(), raising)
    assert str(simulate_executor(executor, glider())) == life(glider())


@pytest.mark.parametrize(
    ("chunks", "sizes"),
    [(1, [25]), (7, [4] * 6 + [1]), (24, [2] * 12 + [1]), (99, [1] * 25)],
)
def test_there_are_no_more_tasks_than_chunks(
    chunks: int, sizes: list[int]
) -> None:
    """25 cells in 7 chunks of 4, or in 13 of 2 rather than in 24."""
    executor = Mock(map=Mock(wraps=map))
    simulate_executor(executor, Grid(5, 5), chunks=chunks)
    assert [len(part) for part in executor.map.call_args.args[1]] == sizes


def test_only_a_cluster_survives_a_loss() -> None:
    """Its own machine can reach it, and no other."""
    with opened("processes", 2) as pool:
        assert loss(pool, glider()) == "`BrokenProcessPool`"
    with opened("Dask", 2) as cluster:
        assert loss(cluster, glider()) == "its calls run again"
        this = psutil.Process()
        hosts = {
            connection.laddr.ip
            for process in (this, *this.children(recursive=True))
            for connection in process.net_connections()
            if connection.status == psutil.CONN_LISTEN
        }
    assert hosts == {"127.0.0.1"}


@pytest.mark.parametrize("way", bench.EXECUTORS)
def test_every_executor_is_measured_or_says_why_not(way: str) -> None:
    found = bench.measure(Job("executor", way, 36, "none"))
    figures = {"start", "slow", "alone", "chunked", "loss"}
    if way == "serial":
        figures = {"slow"}
    elif way not in EXECUTORS:
        assert found == {"left_out": "needs Python 3.14"}
        return
    assert set(found) == figures


def test_a_wrong_grid_is_not_measured() -> None:
    step = Mock(return_value=glider())
    with (
        patch.object(executors, "simulate_executor", step),
        pytest.raises(RuntimeError),
    ):
        executors.measure("threads", 36)


@linux
def test_no_worker_outlives_what_takes_too_long() -> None:
    """Those of a pool would wait for ever for their next call."""
    job = Job("executor", "processes", 40_000, "none")
    with (
        family() as environment,
        patch.dict(os.environ, environment),
        patch.object(bench, "LIMIT", 1.5),
    ):
        assert bench.measure(job) == {"left_out": "took more than 2 s"}


@posix
def test_nothing_is_left_behind_by_ctrl_c(tmp_path: Path) -> None:
    """No process, and no file where it puts all that is temporary."""
    command = "-m", "benchmarks.bench", "--executors", "--quick"
    with (
        family() as environment,
        subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**environment, "TMPDIR": str(tmp_path)},
            start_new_session=True,
        ) as process,
    ):
        deadline = time.monotonic() + LIMIT
        while len(psutil.Process(process.pid).children(recursive=True)) < 3:
            assert time.monotonic() < deadline
        os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it
        _, stderr = process.communicate(timeout=LIMIT)
    assert (stderr, process.returncode) == (b"", 130)
    assert os.listdir(tmp_path) == []
